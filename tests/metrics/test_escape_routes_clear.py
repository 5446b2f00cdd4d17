"""Tests of escape_routes_clear."""

from datetime import date

import pytest

from metrics.escape_routes_clear import METRIC
from tests.metrics.books import book_starting
from tests.metrics.visits import visited

NAME = "escape_routes_clear"
ROUTES = "escape_routes"


def test_the_share_is_points_clear_of_points_looked_at(measure):
    # two visits on one day: (10 + 17) / (10 + 20)
    got = measure(NAME, visited(ROUTES, (10, 10), (20, 17)))
    assert got.value("oak") == pytest.approx(0.9)
    assert got.evidence["record_id"].sort().to_list() == ["i1/escape_routes", "i2/escape_routes"]


def test_one_blocked_point_shows_and_all_blocked_is_nothing(measure):
    assert measure(NAME, visited(ROUTES, (10, 10))).value("oak") == 1
    assert measure(NAME, visited(ROUTES, (10, 9))).value("oak") == pytest.approx(0.9)
    assert measure(NAME, visited(ROUTES, (10, 0))).value("oak") == 0


@pytest.mark.parametrize("trigger", ["complaint", "follow_up"])
def test_visits_made_for_a_reason_are_shown_and_not_counted(measure, trigger):
    got = measure(NAME, visited(ROUTES, (10, 1), trigger=trigger))
    assert got.evidence["excluded"].to_list() == ["not_routine"]
    assert got.value("oak") is None


def test_self_checks_other_items_and_items_not_applicable_are_left_out(measure):
    assert measure(NAME, visited(ROUTES, (10, 10), kind="self_check")).evidence.is_empty()
    assert measure(NAME, visited("fire_doors", (10, 10))).evidence.is_empty()
    assert measure(NAME, visited(ROUTES, (0, 0))).evidence.is_empty()


@pytest.mark.parametrize("day, shown", [(date(2026, 2, 14), 1), (date(2026, 2, 15), 0)])
def test_a_visit_counts_from_the_day_the_rule_is_in_force(measure, tmp_path, day, shown):
    book = book_starting(tmp_path, NAME, day)
    assert measure(NAME, visited(ROUTES, (10, 9)), book=book).evidence.height == shown


def test_a_newcomers_first_thirty_days_count_for_the_estate_alone(measure):
    # the visit is on 14 February: 30 days after 15 January, 29 after 16 January
    def came(day):
        tenures = [{"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": day}]
        return measure(NAME, visited(ROUTES, (10, 5)) | {"tenures": tenures})

    assert came(date(2026, 1, 15)).value("t1", "tenure") == pytest.approx(0.5)
    spared = came(date(2026, 1, 16))
    assert spared.value("t1", "tenure") is None
    assert spared.value("oak") == pytest.approx(0.5)


def test_no_visit_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
    assert METRIC.when_empty is None
