"""Tests of fire_equipment_sound: severity points of failed points, per point looked at."""

from datetime import date

import pytest

from metrics.fire_equipment_sound import METRIC
from tests.metrics.books import amended_book
from tests.metrics.visits import visited

NAME = "fire_equipment_sound"
EQUIPMENT = "fire_equipment"


@pytest.mark.parametrize(
    "severity, points", [("life_threatening", 60), ("severe", 14.8), ("moderate", 5.5), ("low", 2.4), (None, 5.5)]
)
def test_each_severity_has_its_own_points_and_an_unstated_one_those_of_the_rule(measure, severity, points):
    got = measure(NAME, visited(EQUIPMENT, (100, 98, severity)))
    # two failed points of a hundred
    assert got.value("oak") == pytest.approx(2 * points / 100)
    assert got.evidence["square"].to_list() == pytest.approx([2 * points**2])


def test_visits_add_up_by_points_looked_at(measure):
    # 1 severe of 50 and 2 low of 30: (14.8 + 4.8) / 80
    got = measure(NAME, visited(EQUIPMENT, (50, 49, "severe"), (30, 28, "low")))
    assert got.value("oak") == pytest.approx(0.245)
    assert METRIC.family == "severity"


def test_all_sound_is_nought_and_one_failed_point_is_not(measure):
    assert measure(NAME, visited(EQUIPMENT, (40, 40))).value("oak") == 0
    assert measure(NAME, visited(EQUIPMENT, (40, 39, "low"))).value("oak") == pytest.approx(0.06)


def test_a_part_passed_point_counts_its_part(measure):
    # half a moderate point of ten
    assert measure(NAME, visited(EQUIPMENT, (10, 9.5, "moderate"))).value("oak") == pytest.approx(0.275)


def test_severity_points_change_on_the_rules_own_day(measure, tmp_path):
    days = {date(2026, 2, 15): 5.5, date(2026, 2, 14): 8.0}  # the visit is on the 14th
    got = {
        day: measure(
            NAME,
            visited(EQUIPMENT, (10, 9, "moderate")),
            book=amended_book(tmp_path / str(day), NAME, day, moderate=8.0),
        ).evidence["numerator"][0]
        for day in days
    }
    assert got == days


@pytest.mark.parametrize("trigger", ["complaint", "follow_up"])
def test_visits_made_for_a_reason_are_shown_and_not_counted(measure, trigger):
    got = measure(NAME, visited(EQUIPMENT, (10, 1, "severe"), trigger=trigger))
    assert got.evidence["excluded"].to_list() == ["not_routine"]
    assert got.value("oak") is None


def test_self_checks_other_items_and_items_not_applicable_are_left_out(measure):
    assert measure(NAME, visited(EQUIPMENT, (10, 10), kind="self_check")).evidence.is_empty()
    assert measure(NAME, visited("escape_routes", (10, 10))).evidence.is_empty()
    assert measure(NAME, visited(EQUIPMENT, (0, 0))).evidence.is_empty()


def test_a_newcomers_first_days_count_for_the_estate_alone(measure):
    tenures = [{"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": date(2026, 2, 1)}]
    got = measure(NAME, visited(EQUIPMENT, (10, 9, "moderate")) | {"tenures": tenures})
    assert got.evidence["excluded"].to_list() == ["grace"]
    assert got.value("t1", "tenure") is None
    assert got.value("oak") == pytest.approx(0.55)


def test_no_visit_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
