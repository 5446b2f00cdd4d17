"""Tests of complaints_contacted_in_24h."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.metrics.books import amended_book

NAME = "complaints_contacted_in_24h"
CALLED = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)  # 10:00 in the district
ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2026, 3, 1), "received_at": CALLED,
         "channel": "hotline", "nature": "complaint", "responsibility": "company"}  # fmt: skip


@pytest.mark.parametrize("late, met", [(timedelta(0), 1), (timedelta(seconds=1), 0)])
def test_contact_after_exactly_24_hours_is_in_time_and_a_second_later_late(measure, late, met):
    order = ORDER | {"first_contact_at": CALLED + timedelta(hours=24) + late}
    assert measure(NAME, {"complaints": [order]}).value("oak") == met


def test_never_contacted_counts_as_late_once_the_limit_has_passed(measure):
    assert measure(NAME, {"complaints": [ORDER]}).value("oak") == 0


@pytest.mark.parametrize("day, shown", [(date(2026, 3, 30), 1), (date(2026, 3, 31), 0)])
def test_a_complaint_whose_limit_runs_past_the_period_waits_for_the_next(measure, day, shown):
    order = ORDER | {"received_on": day, "received_at": datetime(2026, 3, day.day, 2, 0, tzinfo=UTC)}
    assert measure(NAME, {"complaints": [order]}).evidence.height == shown


def test_an_order_without_a_moment_of_receipt_says_nothing(measure):
    assert measure(NAME, {"complaints": [ORDER | {"received_at": None}]}).evidence.is_empty()


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
    assert got.value("oak") is None


@pytest.mark.parametrize("nature", ["question", "suggestion", "thanks"])
def test_questions_suggestions_and_thanks_ask_nothing_of_the_company(measure, nature):
    assert measure(NAME, {"complaints": [ORDER | {"nature": nature}]}).evidence.is_empty()


@pytest.mark.parametrize("day, met", [(date(2026, 2, 14), 1), (date(2026, 2, 15), 0)])
def test_the_limit_is_the_one_in_force_when_the_complaint_came_in(measure, tmp_path, day, met):
    # contact after 20 hours: within 24, not within the 12 of 15 February on
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), limit_hours=12)
    at = datetime(2026, 2, day.day, 2, 0, tzinfo=UTC)
    order = ORDER | {"received_on": day, "received_at": at, "first_contact_at": at + timedelta(hours=20)}
    assert measure(NAME, {"complaints": [order]}, book=book).value("oak") == met


def test_no_complaints_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
