"""Tests of inspection_items_passed: points passed, a failed one weighing by its severity."""

from datetime import date

import pytest

from rules.book import Book
from tests.metrics.books import amended_book
from tests.metrics.visits import visited

NAME = "inspection_items_passed"


@pytest.mark.parametrize(
    "severity, weight", [("life_threatening", 10.9), ("severe", 2.7), ("moderate", 1.0), ("low", 0.44), (None, 1.0)]
)
def test_a_failed_point_weighs_by_its_severity(measure, severity, weight):
    # 90 passed, 10 failed
    got = measure(NAME, visited("fire_doors", (100, 90, severity)))
    assert got.value("oak") == pytest.approx(90 / (90 + 10 * weight))


def test_without_severities_it_is_the_share_of_points_passed(measure):
    # part scores too: 4.5 + 3 of 5 + 5
    got = measure(NAME, visited("anything", (5, 4.5), (5, 3)))
    assert got.value("oak") == pytest.approx(0.75)


def test_the_ends_are_nought_and_one(measure):
    assert measure(NAME, visited("fire_doors", (7, 7))).value("oak") == 1
    assert measure(NAME, visited("fire_doors", (7, 0, "severe"))).value("oak") == 0


def test_weights_change_on_the_rules_own_day(measure, tmp_path):
    # the visit is on 14 February; 1 passed, 1 failed: 1 / (1 + 1) before, 1 / (1 + 3) since
    before = amended_book(tmp_path / "a", NAME, date(2026, 2, 15), moderate=3.0)
    since = amended_book(tmp_path / "b", NAME, date(2026, 2, 14), moderate=3.0)
    visit = visited("fire_doors", (2, 1, "moderate"))
    assert measure(NAME, dict(visit), book=before).value("oak") == pytest.approx(0.5)
    assert measure(NAME, dict(visit), book=since).value("oak") == pytest.approx(0.25)


def test_visits_made_for_a_reason_are_shown_and_not_counted(measure):
    got = measure(NAME, visited("fire_doors", (10, 1), trigger="complaint"))
    assert got.evidence["excluded"].to_list() == ["not_routine"]
    assert got.value("oak") is None


def test_self_checks_and_items_not_applicable_are_left_out(measure):
    assert measure(NAME, visited("fire_doors", (10, 10), kind="self_check")).evidence.is_empty()
    assert measure(NAME, visited("fire_doors", (0, 0))).evidence.is_empty()


def test_a_newcomers_first_days_count_for_the_estate_alone(measure):
    tenures = [{"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": date(2026, 2, 1)}]
    got = measure(NAME, visited("fire_doors", (10, 9)) | {"tenures": tenures})
    assert got.evidence["excluded"].to_list() == ["grace"]


def test_it_is_shown_and_not_scored():
    rule = Book().metric(date(2026, 3, 31), NAME)
    assert (rule["subindex"], rule["weight"]) == ("shown", 0)


def test_no_visit_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
