"""Tests of residents_registered."""

from datetime import date

import pytest

from tests.metrics.books import book_starting

NAME = "residents_registered"
CHECK = {"check_id": "n1", "estate_id": "oak", "checked_on": date(2026, 2, 14), "sampled": 40, "registered": 38}


def test_the_share_is_registered_of_those_found(measure):
    # two checks on one day: (38 + 30) / (40 + 40)
    other = CHECK | {"check_id": "n2", "registered": 30}
    assert measure(NAME, {"population_checks": [CHECK, other]}).value("oak") == pytest.approx(0.85)


@pytest.mark.parametrize("registered, share", [(40, 1.0), (39, 0.975), (0, 0.0)])
def test_one_person_unregistered_shows_and_nobody_registered_is_nothing(measure, registered, share):
    assert measure(NAME, {"population_checks": [CHECK | {"registered": registered}]}).value("oak") == pytest.approx(
        share
    )


def test_a_check_that_found_nobody_says_nothing(measure):
    assert measure(NAME, {"population_checks": [CHECK | {"sampled": 0, "registered": 0}]}).evidence.is_empty()


@pytest.mark.parametrize("day, counted", [(date(2026, 3, 31), 1), (date(2026, 4, 1), 0)])
def test_a_check_belongs_to_the_quarter_of_its_day(measure, day, counted):
    assert measure(NAME, {"population_checks": [CHECK | {"checked_on": day}]}).evidence.height == counted


@pytest.mark.parametrize("day, shown", [(date(2026, 2, 14), 1), (date(2026, 2, 15), 0)])
def test_a_check_counts_from_the_day_the_rule_is_in_force(measure, tmp_path, day, shown):
    book = book_starting(tmp_path, NAME, day)
    got = measure(NAME, {"population_checks": [CHECK]}, book=book)
    assert got.evidence.height == shown


def test_no_check_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
