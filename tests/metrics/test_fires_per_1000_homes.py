"""Tests of fires_per_1000_homes."""

from datetime import date

import pytest

from data.codes import INCIDENT_KINDS

NAME = "fires_per_1000_homes"
FIRE = {"incident_id": "i1", "estate_id": "oak", "occurred_on": date(2026, 3, 31), "kind": "fire",
        "severity": "minor", "cause": "shared_parts", "management_related": True}  # fmt: skip


@pytest.mark.parametrize("kind", INCIDENT_KINDS)
def test_only_fires_are_fires(measure, kind):
    assert measure(NAME, {"incidents": [FIRE | {"kind": kind}]}).evidence.height == (1 if kind == "fire" else 0)


@pytest.mark.parametrize(
    "cause, reason",
    [("shared_parts", None), ("unknown", None), (None, None), ("private_home", "cause_private"), ("arson", "cause_arson"),
     ("outside", "cause_outside")],
)  # fmt: skip
def test_fires_of_others_making_are_shown_and_not_counted(measure, cause, reason):
    got = measure(NAME, {"incidents": [FIRE | {"cause": cause}]})
    assert got.evidence["excluded"].to_list() == [reason]
    assert got.sum_of("oak")["y"] == pytest.approx(0.0 if reason else 1.0)


@pytest.mark.parametrize(
    "change, reason", [({"management_related": False}, "not_management"), ({"objection_open": True}, "disputed")]
)
def test_what_does_not_count_is_shown_with_its_reason(measure, change, reason):
    assert measure(NAME, {"incidents": [FIRE | change]}).evidence["excluded"].to_list() == [reason]


@pytest.mark.parametrize("day, shown", [(date(2026, 3, 31), 1), (date(2026, 4, 1), 0)])
def test_a_fire_belongs_to_the_quarter_of_its_day(measure, day, shown):
    assert measure(NAME, {"incidents": [FIRE | {"occurred_on": day}]}).evidence.height == shown


def test_where_incidents_were_never_delivered_nothing_is_known(measure):
    assert measure(NAME, {}).value("oak") is None
