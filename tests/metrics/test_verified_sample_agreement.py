"""Tests of verified_sample_agreement."""

from datetime import date

import pytest

NAME = "verified_sample_agreement"
DRILL = {"drill_id": "d1", "estate_id": "oak", "held_on": date(2026, 2, 1), "kind": "evacuation",
         "verification": "verified"}  # fmt: skip
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 1, 9), "found_by": "police",
          "hazard_type": "ebike", "severity": "general", "responsible_party": "company",
          "rectified_on": date(2026, 1, 20), "verified_on": date(2026, 2, 3), "verified_result": "pass"}  # fmt: skip

SAME_DAY = {"verified_on": date(2026, 2, 1)}  # as the drills: all weigh the same


def test_three_of_five_looked_at_again_were_as_told(measure):
    tables = {
        "fire_drills": [DRILL, DRILL | {"drill_id": "d2"}, DRILL | {"drill_id": "d3", "verification": "rejected"}],
        "hazards": [HAZARD | SAME_DAY, HAZARD | SAME_DAY | {"hazard_id": "h2", "verified_result": "fail"}],
    }
    assert measure(NAME, tables).value("oak") == pytest.approx(3 / 5)


def test_what_nobody_looked_at_again_says_nothing(measure):
    tables = {
        "fire_drills": [DRILL | {"verification": "unverified"}],
        "hazards": [HAZARD | {"verified_result": None, "verified_on": None}],
    }
    assert measure(NAME, tables).value("oak") is None


def test_a_hazard_counts_on_the_day_it_was_seen_again(measure):
    row = measure(NAME, {"hazards": [HAZARD]}).evidence.row(0, named=True)
    assert (row["decided_on"], row["occurred_on"]) == (date(2026, 2, 3), date(2026, 1, 20))


def test_a_hazard_under_appeal_is_shown_and_not_counted(measure):
    got = measure(NAME, {"hazards": [HAZARD | {"objection_open": True}]})
    assert got.evidence["excluded"].to_list() == ["disputed"]
