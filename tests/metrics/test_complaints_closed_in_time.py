"""Tests of complaints_closed_in_time."""

from datetime import date

import pytest

from tests.metrics.books import amended_book

NAME = "complaints_closed_in_time"
ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2026, 3, 1), "channel": "hotline",
         "nature": "complaint", "responsibility": "company"}  # fmt: skip


def test_a_complaint_closed_on_its_deadline_is_in_time_and_a_day_later_late(measure):
    # no deadline on the order: 7 days from 1 March is 8 March; both fell due that day, so decay weighs them alike
    in_time = ORDER | {"closed_on": date(2026, 3, 8)}
    late = ORDER | {"complaint_id": "c2", "closed_on": date(2026, 3, 9)}
    got = measure(NAME, {"complaints": [in_time, late]})
    assert got.value("oak") == pytest.approx(0.5)
    assert got.sum_of("oak")["records"] == 2
    assert got.value("t-oak", "tenure") == pytest.approx(0.5)


@pytest.mark.parametrize("closed, met", [(date(2026, 3, 20), 1), (date(2026, 3, 21), 0)])
def test_the_orders_own_deadline_as_extended_comes_first(measure, closed, met):
    order = ORDER | {"due_on": date(2026, 3, 5), "extended_to": date(2026, 3, 20), "closed_on": closed}
    assert measure(NAME, {"complaints": [order]}).value("oak") == met


def test_a_complaint_not_closed_counts_once_its_deadline_has_passed(measure):
    assert measure(NAME, {"complaints": [ORDER | {"due_on": date(2026, 3, 31)}]}).value("oak") == 0
    assert measure(NAME, {"complaints": [ORDER | {"due_on": date(2026, 4, 1)}]}).evidence.is_empty()


@pytest.mark.parametrize("received, met", [(date(2026, 2, 28), 1), (date(2026, 3, 1), 0)])
def test_the_limit_is_the_one_in_force_when_the_complaint_came_in(measure, tmp_path, received, met):
    # six days each: in time under the 7-day limit, late under the 5-day limit from 1 March
    book = amended_book(tmp_path, NAME, date(2026, 3, 1), limit_days=5)
    closed = date(2026, 3, 6) if received.month == 2 else date(2026, 3, 7)
    assert (
        measure(NAME, {"complaints": [ORDER | {"received_on": received, "closed_on": closed}]}, book=book).value("oak")
        == met
    )


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"unreasonable": True}, "unreasonable"),
        ({"responsibility": "utility"}, "not_company"),
        ({"objection_open": True}, "disputed"),
    ],
)
def test_what_does_not_count_is_shown_with_its_reason(measure, change, reason):
    got = measure(NAME, {"complaints": [ORDER | change]})
    assert got.evidence["excluded"].to_list() == [reason]
    assert got.value("oak") is None


def test_a_complaint_received_before_a_handover_stays_with_the_company_of_its_day(measure):
    tenures = [
        {"tenure_id": "old", "estate_id": "oak", "company_id": "acme", "valid_from": date(2015, 1, 1), "valid_to": date(2026, 3, 2)},
        {"tenure_id": "new", "estate_id": "oak", "company_id": "best", "valid_from": date(2026, 3, 2)},
    ]  # fmt: skip
    got = measure(NAME, {"complaints": [ORDER], "tenures": tenures})
    assert got.value("old", "tenure") == 0
    assert got.value("new", "tenure") is None


def test_a_complaint_of_no_estate_is_nobodys(measure):
    assert measure(NAME, {"complaints": [ORDER | {"estate_id": None}]}).evidence.is_empty()


def test_no_complaints_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
