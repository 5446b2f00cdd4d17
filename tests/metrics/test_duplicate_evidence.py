"""Tests of duplicate_evidence."""

from datetime import date

import pytest

NAME = "duplicate_evidence"
DRILL = {"drill_id": "d1", "estate_id": "oak", "held_on": date(2026, 2, 1), "kind": "evacuation",
         "verification": "verified", "content": "疏散"}  # fmt: skip
FLAG = {"record_table": "fire_drills", "record_id": "d2", "kind": "same_file"}


def drills(count: int) -> list[dict]:
    return [DRILL | {"drill_id": f"d{n}"} for n in range(1, count + 1)]


@pytest.mark.parametrize("kind", ["same_file", "same_account", "same_figures"])
def test_one_of_four_drills_like_an_earlier_one_is_a_quarter(measure, kind):
    got = measure(NAME, {"fire_drills": drills(4), "record_flags": [FLAG | {"kind": kind}]})
    assert got.value("oak") == pytest.approx(0.25)


def test_a_drill_with_two_flags_counts_once(measure):
    flags = [FLAG, FLAG | {"kind": "same_account"}]
    assert measure(NAME, {"fire_drills": drills(2), "record_flags": flags}).value("oak") == pytest.approx(0.5)


def test_a_late_entry_is_no_copy(measure):
    flags = [FLAG | {"kind": "entered_long_after"}]
    assert measure(NAME, {"fire_drills": drills(2), "record_flags": flags}).value("oak") == 0


def test_a_drill_that_says_nothing_cannot_be_like_another(measure):
    assert measure(NAME, {"fire_drills": [DRILL | {"content": " "}]}).value("oak") is None


def test_a_table_top_exercise_is_shown_and_not_counted(measure):
    got = measure(NAME, {"fire_drills": [DRILL | {"kind": "tabletop"}]})
    assert got.evidence["excluded"].to_list() == ["tabletop"]
