"""Halves of the records: what they say of each other."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import polars as pl
import pytest

from data.study_tables import Validity
from metrics import validity
from metrics.base import Metric
from metrics.validity import Half
from rules.book import Book

RULE = Book().on(date(2026, 9, 30), "audit")
LADDER = Book().on(date(2026, 9, 30), "ladder")
METRICS = {
    name: Metric(code="X", family=family, record="r", unit="u", evidence=lambda *_: None, shows=(), source="s",
                 exposure=exposure)
    for name, family, exposure in (("rate", "rate", "homes"), ("share", "proportion", None), ("duty", "obligation", None))
}  # fmt: skip


def test_slope_and_its_standard_error_by_hand():
    # d = (-1.5, -.5, .5, 1.5), y - 2.5 = (-1.5, .5, -.5, 1.5): 4 / 5 = .8; residuals (-.3, .9, -.9, .3);
    # sum d^2 r^2 = .2025 x 4 = .81; HC1: 4 / 2 x .81 / 25 = .0648
    found, se = validity.slope(np.array([1.0, 2, 3, 4, np.nan]), np.array([1.0, 3, 2, 4, 9]))
    assert found == pytest.approx(0.8)
    assert se == pytest.approx(np.sqrt(0.0648))


def test_two_estates_have_no_slope():
    assert all(np.isnan(validity.slope(np.array([1.0, 2.0]), np.array([1.0, 2.0]))))


def test_halves_are_stepped_up_to_the_whole():
    assert validity.stepped_up(0.6) == pytest.approx(0.75)  # 1.2 / 1.6


def test_residuals_are_the_mean_of_both_ways():
    # (70 - 60 + 64 - 66) / 2 = 4
    one, other = (Half(np.array([s]), np.array([o])) for s, o in ((60.0, 64.0), (66.0, 70.0)))
    assert validity.residuals(one, other).tolist() == [4.0]


def test_one_visit_stays_in_one_half_records_part_evenly_and_facts_stand_in_both():
    keys = [f"v{n}" for n in range(2000)]
    rows = [("share", f"{k}/routes") for k in keys] + [("share", f"{k}/doors") for k in keys] + [("duty", "oak/2026")]
    table = ibis.memtable(pl.DataFrame(rows, schema=["metric", "record_id"], orient="row"))
    parts = [validity.half_of(table, half, METRICS).to_polars() for half in validity.HALVES]
    visits = [set(p.filter(metric="share")["record_id"].str.split("/").list.first()) for p in parts]
    assert visits[0] | visits[1] == set(keys) and not visits[0] & visits[1]
    assert all(p.filter(metric="share").height == 2 * len(v) for p, v in zip(parts, visits, strict=True))
    assert 900 < len(visits[0]) < 1100  # binomial(2000, 1/2): sd 22
    assert all(p.filter(metric="duty").height == 1 for p in parts)


def test_kappa_is_the_agreement_beyond_chance():
    # 20 in both, 5 and 10 in one alone, 15 in neither: (.7 - .5) / .5 = .4; se (.7 x .3 / (50 x .25))^.5 = .129615
    one = np.array([True] * 25 + [False] * 25)
    other = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    assert validity.kappa(one, other) == (pytest.approx(0.4), pytest.approx(0.129615, abs=1e-6))
    assert validity.kappa(one, one) == (pytest.approx(1.0), 0.0)
    assert all(np.isnan(validity.kappa(one & False, other & False)))  # neither names anybody


def test_halves_that_flag_the_same_estates_agree_and_it_is_shown_without_a_limit():
    # of 40 estates half A is sure of eight, half B of six of these and of two others: agreement 36 / 40, by chance
    # .2 x .2 + .8 x .8 = .68; kappa (.9 - .68) / .32 = .6875
    p = [np.full(40, 0.1), np.full(40, 0.1)]
    p[0][:8] = p[1][2:10] = 0.99
    score = np.linspace(50, 90, 40)
    halves = [Half(score, score, chance) for chance in p]
    frame = Validity.validate(validity.validity(*halves, np.full(40, 0.8), RULE, LADDER, "2026Q3"))
    row = frame.filter(pl.col("measure") == "flags").row(0, named=True)
    assert row["value"] == pytest.approx(0.6875)
    assert (row["least"], row["most"], row["breached"]) == (None, None, False)


def test_a_ladder_that_reads_no_probabilities_has_no_lists_to_compare():
    score = np.linspace(50, 90, 40)
    half = Half(score, score, np.full(40, 0.99))
    before = Book().on(date(2023, 12, 31), "ladder")
    frame = validity.validity(half, half, np.full(40, 0.8), RULE, before, "2023Q4")
    assert frame.filter(pl.col("measure") == "flags")["value"].to_list() == [None]


def test_only_the_time_of_rates_is_halved():
    sums = pl.DataFrame({"metric": ["rate", "share", "duty"], "y": [1.0] * 3, "e": [4.0] * 3, "e2": [2.0] * 3})
    assert validity.halved(sums, METRICS).select("y", "e", "e2").rows() == [(1, 2, 1), (1, 4, 2), (1, 4, 2)]


def judged(pull: float, estates: int = 400, seed: int = 1):
    """Truth 70 with sd 12, a half's noise sd 8; half A's score pulled to the mean by ``pull`` times what is right."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(70, 12, estates)
    bare = [truth + rng.normal(0, 8, estates) for _ in range(2)]
    right = 12**2 / (12**2 + 8**2)
    one, other = (Half(70 + (b - 70) * right * pull, b) for b in bare)
    frame = validity.validity(one, other, np.full(estates, 0.8), RULE, LADDER, "2026Q3")
    return {r["measure"]: r for r in Validity.validate(frame).iter_rows(named=True)}


def test_the_right_pull_has_slope_one_and_passes():
    found = judged(1.0, estates=4000)
    assert found["slope"]["value"] == pytest.approx(1, abs=0.1)
    # r = 144 / 208 = .692; 2 r / (1 + r) = .818
    assert found["consistency"]["value"] == pytest.approx(0.818, abs=0.04)
    assert not any(r["breached"] for r in found.values())


@pytest.mark.parametrize(("pull", "slope"), [(0.6, 1 / 0.6), (1.6, 1 / 1.6)])
def test_too_much_or_too_little_pull_is_caught(pull, slope):
    found = judged(pull)["slope"]
    assert found["value"] == pytest.approx(slope, rel=0.1)
    assert found["breached"]


def test_with_few_estates_nothing_can_be_told():
    for count in (0, 1, RULE["units_min"] - 1):
        found = judged(0.3, estates=count)
        assert [(r["value"], r["breached"]) for r in found.values()] == [(None, False)] * 3
