"""Tests of daily_fire_patrol_rate. Estate ``oak`` is high-rise and a key fire unit, ``elm`` neither."""

from datetime import date

import pytest

from metrics.daily_fire_patrol_rate import METRIC
from tests.metrics.books import amended_book
from tests.metrics.conftest import ELM, OAK

NAME = "daily_fire_patrol_rate"
SHEET = {"patrol_id": "p1", "estate_id": "oak", "kind": "fire", "by": "guards", "started_on": date(2026, 2, 1),
         "ended_on": date(2026, 2, 28), "days_required": 28, "days_signed": 28}  # fmt: skip
HIGHRISE = OAK | {"key_fire_unit": False}
KEY_UNIT = ELM | {"estate_id": "oak", "key_fire_unit": True}


def test_the_rate_is_signed_days_of_required_days(measure):
    assert measure(NAME, {"patrols": [SHEET]}).value("oak") == 1
    # 27 of 28 days: one unsigned day shows
    assert measure(NAME, {"patrols": [SHEET | {"days_signed": 27}]}).value("oak") == pytest.approx(27 / 28)
    assert measure(NAME, {"patrols": [SHEET | {"days_signed": 0}]}).value("oak") == 0


def test_high_rises_are_bound_from_the_day_their_rules_came_into_force(measure):
    def sheets(day):
        return {"estates": [HIGHRISE], "patrols": [SHEET | {"started_on": date(2021, 7, 1), "ended_on": day}]}

    assert measure(NAME, sheets(date(2021, 7, 31)), period="2021Q3").evidence.is_empty()
    assert measure(NAME, sheets(date(2021, 8, 1)), period="2021Q3").value("oak") == 1


def test_key_fire_units_were_bound_before(measure):
    sheet = SHEET | {"started_on": date(2021, 7, 1), "ended_on": date(2021, 7, 31)}
    assert measure(NAME, {"estates": [KEY_UNIT], "patrols": [sheet]}, period="2021Q3").value("oak") == 1


def test_other_estates_patrol_by_contract_and_are_left_out(measure):
    got = measure(NAME, {"patrols": [SHEET | {"estate_id": "elm"}]})
    assert got.evidence.is_empty()
    assert got.value("elm") is None


def test_the_registers_class_of_the_sheets_last_day_decides(measure):
    # built up to a high-rise on 28 February 2026
    low = ELM | {"estate_id": "oak", "valid_to": date(2026, 2, 28)}
    high = HIGHRISE | {"valid_from": date(2026, 2, 28)}
    tables = {"estates": [low, high]}
    assert measure(NAME, tables | {"patrols": [SHEET | {"ended_on": date(2026, 2, 27)}]}).evidence.is_empty()
    assert measure(NAME, tables | {"patrols": [SHEET]}).value("oak") == 1


@pytest.mark.parametrize("day, bound", [(date(2026, 2, 28), 0), (date(2026, 3, 1), 1)])
def test_a_change_of_rule_holds_for_sheets_that_end_on_its_day_or_later(measure, tmp_path, day, bound):
    book = amended_book(tmp_path, NAME, day, highrise_daily=0)
    got = measure(NAME, {"estates": [HIGHRISE], "patrols": [SHEET]}, book=book)
    assert got.evidence.height == bound


def test_patrols_by_volunteers_are_shown_and_not_counted(measure):
    got = measure(NAME, {"patrols": [SHEET | {"by": "volunteers", "days_signed": 1}]})
    assert got.evidence["excluded"].to_list() == ["volunteers"]
    assert got.value("oak") is None


def test_security_patrols_and_sheets_that_ask_for_no_day_are_left_out(measure):
    other = [SHEET | {"kind": "security"}, SHEET | {"patrol_id": "p2", "days_required": 0, "days_signed": 0}]
    assert measure(NAME, {"patrols": other}).evidence.is_empty()


def hands(day):
    return [
        {"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": date(2015, 1, 1), "valid_to": day},
        {"tenure_id": "t2", "estate_id": "oak", "company_id": "best", "valid_from": day},
    ]


def test_a_sheet_over_a_handover_counts_for_the_estate_and_against_neither_company(measure):
    got = measure(NAME, {"tenures": hands(date(2026, 2, 2)), "patrols": [SHEET | {"days_signed": 14}]})
    assert got.evidence["excluded"].to_list() == ["grace"]
    assert got.value("oak") == pytest.approx(0.5)
    assert got.value("t2", "tenure") is None


def test_a_sheet_that_begins_on_the_handover_day_is_the_new_companys_own(measure):
    got = measure(NAME, {"tenures": hands(date(2026, 2, 1)), "patrols": [SHEET]})
    assert got.value("t2", "tenure") == 1
    ends_before = measure(NAME, {"tenures": hands(date(2026, 3, 1)), "patrols": [SHEET]})
    assert ends_before.value("t1", "tenure") == 1


def test_no_sheet_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
    assert METRIC.when_empty is None
