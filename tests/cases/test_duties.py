"""What the ladder reads as undone, from evidence rows of one quarter."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cases.duties import open_duties
from data.edition_tables import Evidence
from metrics.calendar import Quarter
from metrics.hazards_fixed_in_time import METRIC as HAZARDS_FIXED_IN_TIME
from tests.cases.ladder_town import frame, small_book

LAST = Quarter.parse("2026Q2")


@pytest.fixture
def undone(tmp_path: Path):
    """``undone({...}, {...})``: (level, kind, metric, count) of what evidence rows leave open."""
    book = small_book(tmp_path)
    con = duckdb.connect()

    def run(*rows: dict) -> list[tuple]:
        shared = {"estate_id": "oak", "unit_id": "oak-acme", "tenure_id": "t1", "period": "2026Q2", "denominator": 1.0,
                  "record_table": "hazards", "record_id": "r", "occurred_on": date(2026, 5, 1),
                  "decided_on": date(2026, 5, 1), "square": 0.0}  # fmt: skip
        con.register("evidence", frame(Evidence, [shared | row for row in rows]).to_arrow())
        found = open_duties(con, book, LAST)
        return found.select("level", "kind", "metric", "count").sort("level", "kind", "metric").rows()

    yield run
    con.close()


def patrols(days: float, **given) -> dict:
    return {"metric": "daily_fire_patrol_rate", "numerator": days, "denominator": 30.0} | given


def hazard(in_time: bool, severity="general", found_by="fire", **given) -> dict:
    facts = json.dumps({"severity": severity, "found_by": found_by})
    return {"metric": "hazards_fixed_in_time", "numerator": float(in_time), "facts": facts} | given


def test_a_duty_below_its_line_is_missed_by_estate_company_and_head(undone):
    # three sheets of 30 days: 80 of 90 days is 0.889, below 0.90; two of the sheets fell short
    found = undone(patrols(25), patrols(25), patrols(30))
    assert found == [(level, "missed", "daily_fire_patrol_rate", 2) for level in ("estate", "head", "tenure")]


def test_a_duty_on_its_line_is_met(undone):
    assert undone(patrols(27)) == []  # 27 of 30 is 0.90, not below it


def test_a_hazard_put_right_in_time_that_nobody_saw_again_counts_in_part_and_is_not_overdue(undone):
    assert undone(hazard(True, numerator=0.97), hazard(True, "major", numerator=0.5)) == []
    late = undone(hazard(True, numerator=0.97), hazard(False))
    assert [row[3] for row in late if row[1] == "overdue_hazard"] == [1, 1, 1]


def test_an_unverified_drill_is_not_called_missed(undone):
    assert undone({"metric": "yearly_evacuation_drill_held", "numerator": 0.5}) == []


def test_no_drill_at_all_is(undone):
    found = undone({"metric": "yearly_evacuation_drill_held", "numerator": 0.0})
    assert ("tenure", "missed", "yearly_evacuation_drill_held", 1) in found


def test_each_hazard_past_its_deadline_counts_once(undone):
    found = undone(hazard(False), hazard(False), hazard(True))
    assert ("tenure", "overdue_hazard", "hazards_fixed_in_time", 2) in found


def test_a_major_hazard_counts_as_such_only_where_an_authority_found_it(undone):
    found = undone(hazard(False, "major", "fire"), hazard(False, "major", "self"), hazard(True, "major", "fire"))
    assert ("tenure", "major_hazard", "hazards_fixed_in_time", 1) in found
    assert ("tenure", "overdue_hazard", "hazards_fixed_in_time", 2) in found


def test_hazards_under_objection_or_of_another_party_do_not_count(undone):
    assert undone(hazard(False, excluded="disputed"), hazard(False, excluded="not_company")) == []


def test_a_hazard_of_nobodys_tenure_counts_for_the_estate_alone(undone):
    found = undone(hazard(False, unit_id=None, tenure_id=None))
    assert found == [("estate", "overdue_hazard", "hazards_fixed_in_time", 1)]


@pytest.mark.parametrize(("period", "read"), [("2025Q3", True), ("2025Q2", False)])
def test_two_half_years_are_looked_back_on(undone, period, read):
    assert bool(undone(hazard(False, period=period))) is read


def test_the_evidence_of_hazards_carries_what_the_ladder_reads():
    assert {"severity", "found_by"} <= set(HAZARDS_FIXED_IN_TIME.shows)
