"""Tests of creditable_acts."""

from datetime import date

import pytest

NAME = "creditable_acts"
RECORD = {"sanction_id": "x1", "party": "estate", "estate_id": "oak", "company_id": "acme", "kind": "commendation", "law": "INT 17",
          "decided_on": date(2026, 2, 1), "stands_until": date(2026, 4, 1), "status": "final"}  # fmt: skip


def test_the_value_is_the_number_in_force_on_the_periods_last_day(measure):
    other = RECORD | {"sanction_id": "x2"}
    assert measure(NAME, {"sanctions": [RECORD]}).value("oak") == pytest.approx(1)
    assert measure(NAME, {"sanctions": [RECORD, other]}).value("oak") == pytest.approx(2)


def test_one_of_last_year_that_ran_out_does_not_count_today(measure):
    # stood on 31 March 2025 and no longer on 31 March 2026
    old = RECORD | {"decided_on": date(2025, 2, 1), "stands_until": date(2025, 8, 1)}
    assert measure(NAME, {"sanctions": [old]}).value("oak") is None
    assert measure(NAME, {"sanctions": [old, RECORD | {"sanction_id": "x2"}]}).value("oak") == pytest.approx(1)


@pytest.mark.parametrize("until, stands", [(date(2026, 4, 1), True), (date(2026, 3, 31), False), (None, True)])
def test_it_stands_until_its_last_day(measure, until, stands):
    got = measure(NAME, {"sanctions": [RECORD | {"stands_until": until}]})
    assert (got.value("oak") is not None) == stands


@pytest.mark.parametrize("decided, stands", [(date(2026, 3, 31), True), (date(2026, 4, 1), False)])
def test_it_stands_from_the_day_it_was_decided(measure, decided, stands):
    got = measure(NAME, {"sanctions": [RECORD | {"decided_on": decided, "stands_until": None}]})
    assert (got.value("oak") is not None) == stands


@pytest.mark.parametrize("status", ["appealed", "overturned"])
def test_only_final_ones_count(measure, status):
    assert measure(NAME, {"sanctions": [RECORD | {"status": status}]}).evidence.is_empty()


def test_other_kinds_are_left_out(measure):
    assert measure(NAME, {"sanctions": [RECORD | {"kind": "listing"}]}).evidence.is_empty()


def test_none_on_record_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None


def test_after_a_change_of_company_each_answers_for_its_own(measure):
    tenures = [
        {"tenure_id": "old", "estate_id": "oak", "company_id": "acme", "valid_from": date(2015, 1, 1), "valid_to": date(2026, 2, 15)},
        {"tenure_id": "new", "estate_id": "oak", "company_id": "best", "valid_from": date(2026, 2, 15)},
    ]  # fmt: skip
    late = RECORD | {
        "sanction_id": "x2",
        "decided_on": date(2026, 3, 1),
    }  # decided after acme had left, and naming acme
    own = RECORD | {"sanction_id": "x3", "decided_on": date(2026, 3, 1), "company_id": "best"}
    got = measure(NAME, {"sanctions": [RECORD, late, own], "tenures": tenures})
    assert got.value("oak") == pytest.approx(3)
    assert got.value("old", "tenure") == pytest.approx(2)
    assert got.value("new", "tenure") == pytest.approx(1)


def test_beyond_three_at_one_estate_further_ones_are_shown_and_not_counted(measure):
    many = [RECORD | {"sanction_id": f"x{i}"} for i in range(1, 5)]
    got = measure(NAME, {"sanctions": many})
    assert got.value("oak") == pytest.approx(3)
    assert got.evidence["excluded"].to_list().count("over_the_most") == 1
