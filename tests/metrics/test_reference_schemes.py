"""Our own parts arranged as three public rating schemes: what they publish must come out (tests/reference/README.md)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import polars as pl
import pytest

from metrics.base import Metric
from metrics.calendar import Quarter
from metrics.evidence import quarter_table
from metrics.points import utility
from metrics.scores import band_of
from metrics.sums import MONTH_DAYS, period_sums
from metrics.visits import SEVERITY_KEYS, severity_value
from rules.book import Book, Rule
from tests.metrics.scoring import index_rule

REFERENCE = Path(__file__).parents[1] / "reference"


# --- CMS nursing homes: older inspection cycles weigh less ------------------------------------------------------------


def _decayed(newest: np.ndarray, earlier: np.ndarray, rule: Rule) -> pl.DataFrame:
    """Decayed sums of two cycles, one in the period's own quarter and one four quarters before."""
    last = Quarter.parse("2026Q2")
    rows = pl.DataFrame(
        {"unit_id": [f"h{i:02}" for i in range(len(newest))] * 2, "ordinal": [11] * len(newest) + [7] * len(earlier)}
    ).with_columns(
        level=pl.lit("estate"), metric=pl.lit("survey"), y=np.concatenate([newest, earlier]), e=1.0, e2=1.0,
        yy=pl.lit(0.0), records=1,
    )  # fmt: skip
    survey = Metric(
        code="X", family="mean", record="inspections", unit="points", evidence=None, shows=(), source="inspection"
    )
    sums = period_sums(ibis.memtable(rows), {"survey": survey}, quarter_table(last, 12), 1, rule)
    return sums.to_polars().sort("unit_id")


def test_a_half_life_that_keeps_a_third_weighs_two_cycles_as_cms_does():
    # .75 and .25 is 1 and 1/3: 2 ** (-365 / half-life) = 1/3 from 2025-06-30 to 2026-06-30
    homes = pl.read_csv(REFERENCE / "cms" / "alabama_first19_2026-07-01.csv")
    assert homes.height == 19
    rule = index_rule(half_life_months=365 / MONTH_DAYS / math.log2(3))
    newest, earlier = (homes[c].to_numpy().astype(float) for c in ("cycle1_total_score", "cycle23_total_score"))
    sums = _decayed(newest, earlier, rule)
    assert sums["e"].to_list() == pytest.approx([4 / 3] * 19, abs=1e-8)
    total = (sums["y"] / sums["e"]).to_list()
    assert total == pytest.approx(homes["total_weighted_health_survey_score"].to_list(), abs=1e-6)
    # method.md section 16: 56 and 8 give 44, 836 and 52 give 640, 104 and 0 give 78
    assert [total[i] for i in (0, 6, 9)] == pytest.approx([44, 640, 78], abs=1e-6)


# --- HUD NSPIRE: deductions per unit looked at, by severity -----------------------------------------------------------


@pytest.fixture(scope="module")
def values() -> pl.DataFrame:
    return pl.read_csv(REFERENCE / "misc" / "nspire_defect_values.csv")


def _score(defects: dict[str, int], units: int, values: pl.DataFrame, place: str) -> float:
    """100 less severity points per unit looked at, by our own severity points and goalposts."""
    points = dict(values.select("severity", place).iter_rows())
    found = pl.DataFrame({"severity": list(defects), "count": list(defects.values())})
    items = ibis.memtable(found.with_columns(unstated=0.0, **{k: pl.lit(points[k]) for k in points}))
    y = (severity_value(items) * items["count"]).sum().to_polars()
    # a point lost for a point deducted: 100 at 0, 90 at 10, 60 at 40, 0 at 100
    return float(utility(y / units, fail=100, minimum=40, target=10, best=0))


@pytest.mark.parametrize(
    ("defects", "units", "place", "score"),
    [
        # 60 + 2 x 14.8 + 5 x 5.5 + 3 x 2.4 = 124.3 on 10 units
        ({"life_threatening": 1, "severe": 2, "moderate": 5, "low": 3}, 10, "unit", 100 - 12.43),
        # 54.5 + 4 x 13.4 + 2 x 5.0 + 1 x 2.2 = 120.3 on 3
        ({"life_threatening": 1, "severe": 4, "moderate": 2, "low": 1}, 3, "inside", 100 - 40.1),
        # 2 x 49.6 + 3 x 12.2 + 4 x 4.5 + 5 x 2.0 = 163.8 on 5
        ({"life_threatening": 2, "severe": 3, "moderate": 4, "low": 5}, 5, "outside", 100 - 32.76),
        ({"life_threatening": 9, "severe": 0, "moderate": 0, "low": 0}, 3, "unit", 0.0),  # 180 a unit: not below 0
        ({"low": 0}, 27, "unit", 100.0),
    ],
)
def test_deductions_are_those_of_nspire(values, defects, units, place, score):
    assert _score(defects, units, values, place) == pytest.approx(score)


def test_below_sixty_fails_here_as_there(values):
    scores = [_score({"life_threatening": 2}, n, values, "unit") for n in (3, 2)]  # 120 on 3 is 40 off, on 2 is 60
    assert scores == pytest.approx([60.0, 40.0])
    bands = pl.DataFrame({"score": [scores[0], scores[0] - 1e-6, scores[1]]})
    assert bands.select(band_of(pl.col("score"), index_rule())).to_series().to_list() == [
        "attention", "failing", "failing",
    ]  # fmt: skip


def test_our_severity_weights_are_theirs_by_the_moderate_one(values):
    rule = Book().metric(Quarter.parse("2026Q3").last, "inspection_items_passed")
    theirs = dict(values.select("severity", pl.col("unit") / 5.5).iter_rows())
    assert set(theirs) | {"unstated"} == set(SEVERITY_KEYS)
    for severity, value in theirs.items():  # 10.909, 2.691, 1, .436; stated to two figures, 10.9 to three
        assert rule[severity] == pytest.approx(value, rel=0.01)


# --- UK food hygiene: the worse of total and worst element ------------------------------------------------------------


@pytest.fixture(scope="module")
def limits() -> pl.DataFrame:
    return pl.read_csv(REFERENCE / "misc" / "fhrs_bands.csv")


def _bands(limits: pl.DataFrame, column: str) -> Rule:
    """Least "score" of each rating: minus the most points allowed; no limit on a rating without one.

    Of two ratings with one limit (10 for an element: 4 and 3) the better stands later, and is the one reached.
    """
    rows = limits.sort("rating").select("rating", column).iter_rows()
    bands = {str(rating): -float(most if most is not None else 1e9) for rating, most in rows}
    rule = index_rule()
    return replace(rule, values={**rule.values, "bands": bands})


def _rating(elements: tuple[int, ...], limits: pl.DataFrame) -> int:
    """The worse of the rating by total and the rating by the worst element."""
    asked = pl.DataFrame({"total": [-float(sum(elements))], "worst": [-float(max(elements))]})
    found = asked.select(
        band_of(pl.col("total"), _bands(limits, "total_max")).cast(pl.Int64).alias("by_total"),
        band_of(pl.col("worst"), _bands(limits, "max_individual_score")).cast(pl.Int64).alias("by_worst"),
    )
    return found.min_horizontal().item()


def test_one_bad_element_is_not_made_up_for_by_the_others(limits):
    assert _rating((15, 0, 0), limits) == 2  # T10: 15 in all would be a 5
    assert _rating((5, 5, 5), limits) == 5


#: The table as published: total from, to, most for one element, rating.
TABLE = [(0, 15, 5, 5), (20, 20, 10, 4), (25, 30, 10, 3), (35, 40, 15, 2), (45, 50, 20, 1), (51, 80, None, 0)]


@pytest.mark.parametrize(("least", "most", "each", "rating"), TABLE)
def test_every_row_of_the_food_hygiene_table_holds_at_its_bounds(limits, least, most, each, rating):
    assert limits.row(by_predicate=pl.col("rating") == rating) == (least, most, each, rating)
    by_total, by_worst = (_bands(limits, c) for c in ("total_max", "max_individual_score"))

    def band(points: int, rule: Rule) -> int:
        return int(pl.select(band_of(pl.lit(-float(points)), rule)).item())

    assert band(least, by_total) == band(most, by_total) == rating
    if rating > 0:
        assert band(most + 1, by_total) == rating - 1
        assert band(each, by_worst) == {3: 4}.get(rating, rating)  # 10 serves both 4 and 3
        assert band(each + 1, by_worst) < rating
    else:
        assert band(30, by_worst) == 0
