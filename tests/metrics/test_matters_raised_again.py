"""Tests of matters_raised_again."""

from datetime import date, timedelta

import pytest

from tests.metrics.books import amended_book

NAME = "matters_raised_again"
ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2025, 9, 1), "closed_on": date(2025, 9, 10),
         "channel": "hotline", "nature": "complaint", "responsibility": "company"}  # fmt: skip


def again(days: int) -> dict:
    """The same matter, raised so many days after closing and never closed."""
    day = ORDER["closed_on"] + timedelta(days=days)
    return ORDER | {"complaint_id": "c2", "matter_id": "c1", "received_on": day, "closed_on": None}


@pytest.mark.parametrize("days, came_back", [(1, 1), (90, 1), (91, 0)])
def test_a_matter_raised_within_ninety_days_of_closing_came_back(measure, days, came_back):
    assert measure(NAME, {"complaints": [ORDER, again(days)]}).value("oak") == came_back


def test_a_call_before_the_matter_was_closed_is_not_its_return(measure):
    assert measure(NAME, {"complaints": [ORDER, again(-3)]}).value("oak") == 0


def test_another_matter_is_not_its_return(measure):
    other = again(10) | {"matter_id": None}
    assert measure(NAME, {"complaints": [ORDER, other]}).value("oak") == 0


@pytest.mark.parametrize("closed, shown", [(date(2025, 12, 31), 1), (date(2026, 1, 1), 0)])
def test_a_matter_closed_too_recently_cannot_be_judged_yet(measure, closed, shown):
    # 31 December + 90 days is 31 March 2026, the period's last day
    assert measure(NAME, {"complaints": [ORDER | {"closed_on": closed}]}).evidence.height == shown


@pytest.mark.parametrize("received, came_back", [(date(2025, 9, 1), 0), (date(2025, 9, 2), 1)])
def test_the_window_is_the_one_in_force_when_the_complaint_came_in(measure, tmp_path, received, came_back):
    # raised again 100 days after closing: outside 90 days, inside the 120 of 2 September on
    book = amended_book(tmp_path, NAME, date(2025, 9, 2), window_days=120)
    first = ORDER | {"received_on": received}
    assert measure(NAME, {"complaints": [first, again(100)]}, book=book).value("oak") == came_back


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"unreasonable": True}, "unreasonable"),
        ({"responsibility": "owner"}, "not_company"),
        ({"objection_open": True}, "disputed"),
    ],
)
def test_what_does_not_count_is_shown_with_its_reason(measure, change, reason):
    got = measure(NAME, {"complaints": [ORDER | change]})
    assert got.evidence["excluded"].to_list() == [reason]


def test_nothing_closed_gives_no_value(measure):
    assert measure(NAME, {"complaints": [ORDER | {"closed_on": None}]}).value("oak") is None


def test_a_call_while_the_order_was_open_does_not_hide_a_later_return(measure):
    # closed on 10 September; called on the 7th while open, and again on the 20th
    assert measure(NAME, {"complaints": [ORDER, again(-3), again(10) | {"complaint_id": "c3"}]}).value("oak") == 1


def test_calls_of_one_matter_closed_on_one_day_are_one_closing(measure):
    others = [ORDER | {"complaint_id": f"c{i}", "matter_id": "c1", "received_on": date(2025, 9, i)} for i in (2, 3)]
    got = measure(NAME, {"complaints": [ORDER, *others]})
    assert got.sum_of("oak")["records"] == 1
    assert got.evidence.sort("record_id")["excluded"].to_list() == [None, "duplicate_call", "duplicate_call"]


def test_a_return_found_unreasonable_is_no_return(measure):
    assert measure(NAME, {"complaints": [ORDER, again(10) | {"unreasonable": True}]}).value("oak") == 0
