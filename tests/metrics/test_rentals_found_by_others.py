"""Tests of rentals_found_by_others."""

from datetime import date

import pytest

NAME = "rentals_found_by_others"
CHECK = {"check_id": "n1", "estate_id": "oak", "checked_on": date(2026, 3, 31), "sampled": 40, "registered": 40,
         "rentals_found": 3, "rentals_reported": 1}  # fmt: skip


def test_only_rentals_the_company_had_not_reported_count(measure):
    # 3 found, 1 reported before: 2, on the period's last day, so decay weighs them 1
    got = measure(NAME, {"population_checks": [CHECK]})
    assert got.sum_of("oak")["y"] == pytest.approx(2.0)
    assert got.evidence["numerator"].to_list() == [2.0]


def test_all_reported_first_is_no_event(measure):
    assert measure(NAME, {"population_checks": [CHECK | {"rentals_reported": 3}]}).evidence.is_empty()
    assert measure(NAME, {"population_checks": [CHECK | {"rentals_reported": 2}]}).evidence.height == 1


def test_nothing_said_of_reports_means_none_were_made(measure):
    got = measure(NAME, {"population_checks": [CHECK | {"rentals_reported": None}]})
    assert got.evidence["numerator"].to_list() == [3.0]


def test_a_delivered_check_without_rentals_is_a_rate_of_zero_not_unknown(measure):
    got = measure(NAME, {"population_checks": [CHECK | {"rentals_found": 0, "rentals_reported": 0}]})
    assert got.value("oak") == 0
    assert got.sum_of("oak")["e"] > 0


def test_where_no_check_was_ever_delivered_nothing_is_known(measure):
    assert measure(NAME, {}).value("oak") is None
