"""Tests of records_in_time."""

from datetime import date

import pytest

from tests.metrics.books import amended_book

NAME = "records_in_time"
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 2, 1), "found_by": "self", "hazard_type": "ebike",
          "severity": "general", "responsible_party": "company"}  # fmt: skip
DRILL = {
    "drill_id": "d1",
    "estate_id": "oak",
    "held_on": date(2026, 2, 1),
    "kind": "evacuation",
    "verification": "verified",
}


@pytest.mark.parametrize(
    "entered, met", [(date(2026, 2, 1), 1), (date(2026, 2, 4), 1), (date(2026, 2, 5), 0), (date(2026, 1, 31), 0)]
)
def test_three_days_are_in_time_four_are_late_and_ahead_of_the_event_is_not_in_time(measure, entered, met):
    assert measure(NAME, {"hazards": [HAZARD | {"recorded_on": entered}]}).value("oak") == met


def test_records_of_several_kinds_are_counted_together(measure):
    # both events on one day: 1 of 2 in time
    tables = {
        "hazards": [HAZARD | {"recorded_on": date(2026, 2, 1)}],
        "fire_drills": [DRILL | {"recorded_on": date(2026, 3, 1)}],
    }
    got = measure(NAME, tables)
    assert got.value("oak") == pytest.approx(0.5)
    assert sorted(got.evidence["record_table"].to_list()) == ["fire_drills", "hazards"]


def test_a_record_without_a_day_of_entry_says_nothing(measure):
    assert measure(NAME, {"hazards": [HAZARD]}).evidence.is_empty()


@pytest.mark.parametrize("found, met", [(date(2026, 2, 14), 1), (date(2026, 2, 15), 0)])
def test_the_days_allowed_are_those_of_the_events_day(measure, tmp_path, found, met):
    # entered two days later: within 3, not within the 1 of 15 February on
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), limit_days=1)
    hazard = HAZARD | {"found_on": found, "recorded_on": date(2026, 2, found.day + 2)}
    assert measure(NAME, {"hazards": [hazard]}, book=book).value("oak") == met


def test_no_records_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
