"""Tests of guards_certified."""

from datetime import date

import pytest

from tests.metrics.books import book_starting
from tests.metrics.visits import visited

NAME = "guards_certified"


def test_the_share_is_certified_of_those_on_post(measure):
    # two visits on one day: (8 + 9) / (8 + 12)
    assert measure(NAME, visited(NAME, (8, 8), (12, 9))).value("oak") == pytest.approx(0.85)


def test_one_guard_without_a_certificate_shows(measure):
    assert measure(NAME, visited(NAME, (10, 10))).value("oak") == 1
    assert measure(NAME, visited(NAME, (10, 9))).value("oak") == pytest.approx(0.9)


@pytest.mark.parametrize("trigger", ["complaint", "follow_up"])
def test_visits_made_for_a_reason_are_shown_and_not_counted(measure, trigger):
    got = measure(NAME, visited(NAME, (10, 1), trigger=trigger))
    assert got.evidence["excluded"].to_list() == ["not_routine"]
    assert got.value("oak") is None


def test_self_checks_and_other_items_are_left_out(measure):
    assert measure(NAME, visited(NAME, (10, 10), kind="self_check")).evidence.is_empty()
    assert measure(NAME, visited("escape_routes", (10, 10))).evidence.is_empty()


def test_a_newcomers_first_thirty_days_count_for_the_estate_alone(measure):
    # the visit is on 14 February: 29 days after 16 January
    tenures = [{"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": date(2026, 1, 16)}]
    got = measure(NAME, visited(NAME, (10, 5)) | {"tenures": tenures})
    assert got.value("t1", "tenure") is None
    assert got.value("oak") == pytest.approx(0.5)


@pytest.mark.parametrize("day, shown", [(date(2026, 2, 14), 1), (date(2026, 2, 15), 0)])
def test_a_visit_counts_from_the_day_the_rule_is_in_force(measure, tmp_path, day, shown):
    book = book_starting(tmp_path, NAME, day)
    assert measure(NAME, visited(NAME, (10, 9)), book=book).evidence.height == shown


def test_no_visit_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
