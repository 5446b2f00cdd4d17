"""Tests of preventable_cases_per_1000."""

from datetime import date

import pytest

from data.codes import INCIDENT_KINDS, PREVENTABLE_KINDS

NAME = "preventable_cases_per_1000"
CASE = {"incident_id": "i1", "estate_id": "oak", "occurred_on": date(2026, 3, 31), "kind": "burglary",
        "severity": "minor", "management_related": True}  # fmt: skip


@pytest.mark.parametrize("kind", INCIDENT_KINDS)
def test_only_burglary_and_vehicle_theft_are_preventable_cases(measure, kind):
    got = measure(NAME, {"incidents": [CASE | {"kind": kind}]})
    assert got.evidence.height == (1 if kind in PREVENTABLE_KINDS else 0)


def test_the_exposure_is_residents_in_thousands_and_years(measure):
    # oak: 2500 residents; the window is 36 months of daily weights 2 ** (-k / 365.25) back from 31 March 2026
    got = measure(NAME, {"incidents": [CASE]})
    year_days = {2024: 366}
    days = [
        date.fromordinal(date(2026, 3, 31).toordinal() - k) for k in range((date(2026, 4, 1) - date(2023, 4, 1)).days)
    ]
    exposure = sum(2 ** (-k / 365.25) / year_days.get(d.year, 365) for k, d in enumerate(days)) * 2.5
    assert got.sum_of("oak")["e"] == pytest.approx(exposure, rel=1e-6)
    assert got.sum_of("oak")["y"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "change, reason", [({"management_related": False}, "not_management"), ({"objection_open": True}, "disputed")]
)
def test_what_does_not_count_is_shown_with_its_reason(measure, change, reason):
    got = measure(NAME, {"incidents": [CASE | change]})
    assert got.evidence["excluded"].to_list() == [reason]
    assert got.value("oak") == 0  # the police did deliver: a known rate of zero


def test_a_case_nobody_coded_counts(measure):
    assert measure(NAME, {"incidents": [CASE | {"management_related": None}]}).counted().height == 1


@pytest.mark.parametrize("day, shown", [(date(2026, 3, 31), 1), (date(2026, 4, 1), 0)])
def test_a_case_belongs_to_the_quarter_of_its_day(measure, day, shown):
    assert measure(NAME, {"incidents": [CASE | {"occurred_on": day}]}).evidence.height == shown


def test_where_the_police_never_delivered_nothing_is_known(measure):
    assert measure(NAME, {}).value("oak") is None
