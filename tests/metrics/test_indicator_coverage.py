"""Tests of indicator_coverage."""

from datetime import date

import pytest

NAME = "indicator_coverage"


def collected(*measured: bool, day=date(2026, 3, 31)) -> dict:
    rows = [
        {
            "estate_id": "oak",
            "metric": f"m{i}",
            "period": "2026Q1",
            "decided_on": day,
            "measured": m,
            "record_id": f"m{i}/oak/2026Q1",
        }
        for i, m in enumerate(measured)
    ]
    return {"collected": rows}


def test_the_share_is_measured_of_what_applies(measure):
    # 3 of 4
    assert measure(NAME, collected(True, True, True, False)).value("oak") == pytest.approx(0.75)


@pytest.mark.parametrize("measured, share", [((True,), 1.0), ((False,), 0.0)])
def test_all_and_nothing(measure, measured, share):
    assert measure(NAME, collected(*measured)).value("oak") == share


def test_each_metric_stands_in_the_evidence_by_its_name(measure):
    got = measure(NAME, collected(True, False))
    assert got.evidence.sort("record_id")["record_id"].to_list() == ["m0/oak/2026Q1", "m1/oak/2026Q1"]
    assert got.evidence["record_table"].unique().to_list() == ["collected"]


@pytest.mark.parametrize("day, shown", [(date(2026, 3, 31), 1), (date(2026, 6, 30), 0)])
def test_a_later_period_is_left_to_its_own_edition(measure, day, shown):
    assert measure(NAME, collected(True, day=day)).evidence.height == shown
