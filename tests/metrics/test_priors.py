"""Priors by moments and posteriors: worked examples T3 to T7 of method.md, a published result, and what must always hold."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from data.edition_tables import TABLES
from metrics import moments, priors
from metrics.grid import Groups
from metrics.moments import Moments
from metrics.points import utility
from metrics.priors import Posterior, Priors
from tests.metrics.scoring import (
    PERIOD,
    RATE,
    RATE_POSTS,
    SHARE,
    SHARE_POSTS,
    grid_for,
    index_rule,
    sums_frame,
    terms_for,
    unit_row,
    units_frame,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "esda"
#: T4 and T5.
EVENTS, EXPOSURE = (2, 0, 6, 1, 11), (4, 1, 8, 2, 5)
PASSED, CHECKED = (10, 2, 12, 2, 14), (10, 4, 16, 4, 16)
SEVERITY = RATE | {"family": "severity"}
VISITS = RATE | {"family": "mean", "fail": 40.0, "minimum": 60.0, "target": 85.0, "best": 95.0}
DUTY = SHARE | {"family": "obligation"}
FIVE = [unit_row(f"e{i}") for i in range(5)]


def one_class(*columns) -> tuple[Groups, list[np.ndarray]]:
    """Columns of numbers as (U, 1) matrices of one class."""
    arrays = [np.array(c, dtype=float).reshape(-1, 1) for c in columns]
    return Groups(np.zeros(len(arrays[0]), dtype=int), 1), arrays


def known(metric: dict, y, e, m: float, tau2: float, c: float = 1.0, **more) -> Posterior:
    """Posterior of one metric for units of one class, the prior given."""
    units = units_frame([unit_row(f"e{i:03}") for i in range(len(y))])
    terms = terms_for({"it": metric}, {metric["subindex"]: 1.0})
    grid = grid_for(terms, units, sums_frame("it", y, e, units, **more))
    cell = np.ones((1, 1))
    return priors.posterior(grid, terms, Priors(m * cell, tau2 * cell, np.ones(1), cell, c * cell))


# --- levels and spreads of a class -----------------------------------------------------------------------------------


def test_the_severity_constant_of_a_class_is_the_mean_weight_of_its_points():
    # T3: 4 severe (14.8), 20 moderate (5.5), 40 low (2.4):
    # (4 x 219.04 + 20 x 30.25 + 40 x 5.76) / (4 x 14.8 + 20 x 5.5 + 40 x 2.4) = 1711.56 / 265.2
    groups, (y, yy) = one_class([59.2, 110.0, 96.0], [876.16, 605.0, 230.4])
    assert moments.class_constant(y, yy, groups).item() == pytest.approx(6.453846, abs=1e-6)


def test_rates_of_a_class_give_its_level_and_spread():
    # T4: m = 20/20; Q = 10.2; noise 4; room 20 - 110/20 = 14.5; tau2 = 6.2/14.5
    groups, (y, e) = one_class(EVENTS, EXPOSURE)
    found = moments.rates(y, e, e, groups)
    assert found.m.item() == 1.0
    assert found.tau2.item() == pytest.approx(0.427586, abs=1e-6)
    assert found.units.item() == 5


def test_decayed_rates_take_less_noise_off():
    # m = 4/4; Q = 2 x .25 + 2 x .25 = 1; noise = .5 x .5 + .5 x .5 = .5; room = 4 - 8/4 = 2
    groups, (y, e, e2) = one_class([1, 3], [2, 2], [1, 1])
    assert moments.rates(y, e, e2, groups).tau2.item() == pytest.approx(0.25)


def test_proportions_of_a_class_give_its_level_and_correlation():
    # T5: m = 40/50; Q = 1.25/.16 = 7.8125; K - 1 = 4; room = 50 - 12.88 - 4 = 33.12; rho = 3.8125/33.12
    groups, (k, n) = one_class(PASSED, CHECKED)
    found = moments.proportions(k, n, n, groups)
    assert found.m.item() == pytest.approx(0.8)
    assert found.tau2.item() == pytest.approx(0.115112, abs=1e-6)


def test_decayed_proportions_take_less_noise_off():
    # m = 2/4; Q = 2 x 2 x .0625 / .25 = 1; noise = .5 x .5 x 2 = .5; room = 1.5 x .5 x 2 = 1.5
    groups, (k, n, n2) = one_class([1.5, 0.5], [2, 2], [1, 1])
    assert moments.proportions(k, n, n2, groups).tau2.item() == pytest.approx(1 / 3)


def test_proportions_that_differ_by_chance_alone_have_no_correlation():
    groups, (k, n) = one_class([9, 2, 16, 5, 8], [10, 2, 20, 8, 10])  # T6: Q = .425/.16 = 2.65625 < 4
    assert moments.proportions(k, n, n, groups).tau2.item() == 0.0


def test_one_record_per_estate_cannot_tell_spread_from_noise():
    groups, (k, n) = one_class([1, 0, 1], [1, 1, 1])
    assert np.isnan(moments.proportions(k, n, n, groups).tau2.item())


def test_visits_give_the_variance_within_estates():
    # 8 and 12: 208 - 400/2 = 8; 13 and 15: 394 - 784/2 = 2; one degree of freedom each: 10/2
    groups, (y, e, yy) = one_class([20, 28], [2, 2], [208, 394])
    assert moments.within_variance(y, e, e, yy, groups).item() == pytest.approx(5.0)


def test_means_of_visits_give_the_spread_between_estates():
    # sigma2 4, 4 visits each: v = 1; means 10 and 14: m = 12, Q = 8, room = 2 - 2/2 = 1, tau2 = 8 - 1
    groups, (y, e) = one_class([40, 56], [4, 4])
    found = moments.means(y, e, e, np.array([[4.0]]), groups)
    assert (found.m.item(), found.tau2.item()) == (pytest.approx(12.0), pytest.approx(7.0))


def test_a_rate_is_drawn_in_to_what_its_class_makes_credible():
    # Gamma of mean 2 and variance .5: shape 8, scale .25; what it exceeds once in ten thousand
    bound = stats.gamma.ppf(1 - 1e-4, 8, scale=0.25)
    values = np.array([0.0, 2.0, bound - 0.01, bound + 0.01, 100.0, np.nan])
    cut = moments.credible(values, np.full(6, 2.0), np.full(6, 0.5), 1e-4)
    assert cut[:5].tolist() == pytest.approx([0.0, 2.0, bound - 0.01, bound, bound])
    assert np.isnan(cut[5])


def test_drawing_in_what_is_incredible_does_not_narrow_a_true_spread():
    """Few records: an estate expects two events a tenth of the way up to twenty. 400 classes of 300 estates, CV^2 .25:
    the mean estimate is the truth within four standard errors."""
    rng = np.random.default_rng(3)
    groups = Groups(np.repeat(np.arange(400), 300), 400)
    e = rng.uniform(0.2, 2.0, (groups.of.size, 1))
    y = rng.poisson(rng.gamma(4.0, 0.25, e.shape) * e).astype(float)
    found = moments.rates(y, e, e, groups, tail=1e-4).tau2
    assert abs(found.mean() - 0.25) < 4 * found.std() / np.sqrt(400)


def test_a_class_without_estates_does_not_hinder_the_others():
    y, e = np.array([[0.0], [1.0], [2.0], [3.0], [40.0]]), np.ones((5, 1))
    alone = moments.rates(y, e, e, Groups(np.zeros(5, dtype=int), 1), 1e-4)
    beside = moments.rates(y, e, e, Groups(np.ones(5, dtype=int), 3), 1e-4)  # classes 0 and 2 are empty
    assert beside.tau2[1].tolist() == alone.tau2[0].tolist()
    assert np.isnan(beside.tau2[[0, 2]]).all()


def test_one_outlier_moves_the_level_and_hardly_the_spread():
    groups, (y, e) = one_class([*[1, 2, 3] * 20, 300], [2] * 61)
    plain, cut = moments.rates(y, e, e, groups), moments.rates(y, e, e, groups, tail=1e-4)
    assert cut.m.item() == plain.m.item() == pytest.approx(420 / 122)
    assert cut.tau2.item() < plain.tau2.item() / 10


def test_classes_do_not_see_each_other():
    groups = Groups(np.array([0] * 5 + [2] * 5), 3)  # the class in the middle is empty
    y, e = (np.array([*a, *a], dtype=float).reshape(-1, 1) for a in (EVENTS, EXPOSURE))
    found = moments.rates(y, e, e, groups)
    assert found.tau2[[0, 2], 0].tolist() == pytest.approx([0.427586, 0.427586], abs=1e-6)
    assert np.isnan(found.m[1, 0])


# --- how strong a prior is -------------------------------------------------------------------------------------------


def test_the_strength_factor_follows_the_correlation_and_the_number_of_metrics():
    # T7: weights of method.md 2.1 times those of its sub-indices; sum of squares .1126
    weights = np.array([0.15, 0.09, 0.06, 0.15, 0.10, 0.15, 0.09, 0.06, 0.06, 0.09])
    j_eff = priors.effective_metrics(weights)
    assert j_eff == pytest.approx(8.880995, abs=1e-6)
    assert priors.strength_factor(np.array(0.74), j_eff) == pytest.approx(6.8319, abs=1e-4)
    assert priors.strength_factor(np.array(0.0), j_eff) == 1.0


def test_metrics_that_move_together_are_seen_to():
    # T7: (2 + 1 + 1 + 2)/4 = 1.5; over the root of 2 x 1.2
    d = np.array([[2, 1], [1, 1], [-1, -1], [-2, -1]], dtype=float)
    found = priors.pair_correlations(d, np.ones((4, 2)), np.sqrt([2.0, 1.2]))
    assert found[0, 1] == pytest.approx(0.968246, abs=1e-6)


def test_a_correlation_beyond_one_is_noise_and_counts_as_one():
    d = np.array([[2.0, 2.0], [-2.0, -2.0]])
    assert priors.pair_correlations(d, np.ones((2, 2)), np.array([1.0, 1.0]))[0, 1] == 1.0


def test_pairs_shared_by_too_few_estates_do_not_count():
    d = np.array([[2, 1], [1, 1], [-1, -1], [-2, -1]], dtype=float)
    n = np.ones((4, 2))
    n[0, 1] = 0.0  # three estates have both
    assert np.isnan(priors.pair_correlations(d, n, np.ones(2), least=4)[0, 1])
    assert np.isfinite(priors.pair_correlations(d, n, np.ones(2), least=3)[0, 1])


@given(st.floats(0, 0.95), st.integers(1, 40))
def test_the_strength_factor_lies_between_one_and_the_number_of_metrics(correlation, metrics):
    factor = priors.strength_factor(np.array(correlation), priors.effective_metrics(np.full(metrics, 1 / metrics)))
    assert 1.0 <= factor <= metrics * (1 + 1e-9)


def _moments(m, tau2, units, total=None) -> Moments:
    arrays = [np.array(x, dtype=float).reshape(-1, 1) for x in (m, tau2, units if total is None else total, units)]
    return Moments(arrays[0], arrays[1], arrays[2], arrays[3], np.ones_like(arrays[0]))


def test_small_classes_borrow_the_spread_of_all_relative_to_their_own_level():
    found = _moments(m=[1, 2, 1], tau2=[0.2, 4.0, 0.5], units=[30, 10, 60])
    shared = priors.shared_spread(found, np.array(["rate"]), Groups(np.zeros(3, dtype=int), 1), index_rule())
    # large classes: (30 x .2 + 60 x .5) / 90 = .4; 30 estates: (30 x .2 + 20 x .4) / 50; 10: all of it; 60: its own
    assert shared[:, 0].tolist() == pytest.approx([0.28, 0.4, 0.5])


def test_where_every_class_is_small_they_share_by_their_numbers():
    found = _moments(m=[1, 1], tau2=[0.2, 0.5], units=[5, 10])
    shared = priors.shared_spread(found, np.array(["rate"]), Groups(np.zeros(2, dtype=int), 1), index_rule())
    assert shared[:, 0].tolist() == pytest.approx([0.4, 0.4])  # (5 x .2 + 10 x .5) / 15


def test_a_spread_stays_within_its_floor_and_ceiling():
    spread, m = np.array([[0.0, 99.0, 0.0, 99.0, 0.0, 99.0]]), np.array([[2.0, 2.0, 0.8, 0.8, 70.0, 70.0]])
    family, within = np.array(["rate"] * 2 + ["proportion"] * 2 + ["mean"] * 2), np.array([[1, 1, 1, 1, 49.5, 49.5]])
    # (.15 x 2)^2 and (3 x 2)^2; rho .01 and .7; .01/.99 of 49.5, and none above
    found = priors.bounded_spread(spread, m, within, family, index_rule())[0]
    assert found.tolist() == pytest.approx([0.09, 36.0, 0.01, 0.7, 0.5, 99.0])


def test_a_class_without_an_event_is_not_without_risk():
    # district: 8 events on 40; the quiet class: half an event on its 10, and on the .5/.2 = 2.5 that bring half an event
    found = _moments(m=[0, 8 / 30], tau2=[0, 0], units=[10, 30], total=[10, 30])
    level = priors.steady_level(found, np.array(["rate"]), Groups(np.zeros(2, dtype=int), 1))
    assert level[:, 0].tolist() == pytest.approx([0.5 / 12.5, 8 / 30])


def test_a_class_nobody_measured_stands_at_the_districts_level():
    found = _moments(m=[np.nan, 0.8], tau2=[np.nan, 0.1], units=[0, 30], total=[0, 50])
    for family in ("rate", "proportion", "mean"):
        level = priors.steady_level(found, np.array([family]), Groups(np.zeros(2, dtype=int), 1))
        assert level[:, 0].tolist() == pytest.approx([0.8, 0.8])
    # half an event is no floor of a mean: 50 visits of .002 points each are .1 in all
    found = _moments(m=[np.nan, 0.002], tau2=[np.nan, 0.1], units=[0, 30], total=[0, 50])
    level = priors.steady_level(found, np.array(["mean"]), Groups(np.zeros(2, dtype=int), 1))
    assert level[:, 0].tolist() == pytest.approx([0.002, 0.002])


def test_a_class_in_which_all_passed_is_not_certain_to_pass():
    # district: 90 of 100; failures of the flawless class: half a failure on 50 + .5/.1 = 55
    found = _moments(m=[1, 0.8], tau2=[0, 0], units=[30, 30], total=[50, 50])
    level = priors.steady_level(found, np.array(["proportion"]), Groups(np.zeros(2, dtype=int), 1))
    assert level[0, 0] == pytest.approx(1 - 0.5 / 55)


# --- from records to priors ------------------------------------------------------------------------------------------


def two_metrics(rule, order: list[int] | None = None, names: list[str] | None = None):
    """T4 and T5 as one class of five estates; optionally in another order, under other names."""
    order, names = order or list(range(5)), names or [f"e{i}" for i in range(5)]
    rows = [unit_row(names[i]) for i in order]
    units = units_frame(rows)
    terms = terms_for({"events": RATE, "passed": SHARE}, {"fire": 0.6, "rectification": 0.4})
    pick = [list(np.array(x)[order]) for x in (EVENTS, EXPOSURE, PASSED, CHECKED)]
    sums = pl.concat([sums_frame("events", *pick[:2], units), sums_frame("passed", *pick[2:], units)])
    grid = grid_for(terms, units, sums)
    return grid, terms, priors.estimate(grid, terms, rule)


ALONE = {"class_pooled_below": 0, "class_blended_below": 0, "pair_units_min": 1, "winsorise": 0.0}


def test_priors_of_a_district_are_those_of_its_parts():
    _, _, found = two_metrics(index_rule(**ALONE))
    assert found.m[0].tolist() == pytest.approx([1.0, 0.8])
    assert found.tau2[0].tolist() == pytest.approx([0.427586, 0.115112], abs=1e-6)  # T4, T5
    assert found.strength.tolist() == [1.0]  # T23: r = -.480, clipped to 0


def test_the_correlation_of_a_district_is_weighed_by_evidence():
    grid, terms, _ = two_metrics(index_rule(**ALONE))
    own = priors.estates_of(grid, terms)
    found, d = priors.class_moments(own, terms, index_rule(**ALONE))
    assert d[:, 0].tolist() == pytest.approx([0.5, 1.0, 0.25, 0.5, -1.2])  # T23: fewer events are better
    assert d[:, 1].tolist() == pytest.approx([0.2, -0.3, -0.05, -0.3, 0.075])
    tau = np.sqrt([found.tau2[0, 0], found.tau2[0, 1] * 0.8 * 0.2])
    # T23: covariance -.042603 over the root of .427586 x .018418
    assert priors.pair_correlations(d, own.e, tau)[0, 1] == pytest.approx(-0.480, abs=1e-3)


def test_the_order_and_names_of_estates_do_not_matter():
    rule = index_rule(**ALONE)
    _, _, found = two_metrics(rule)
    _, _, other = two_metrics(rule, order=[3, 0, 4, 1, 2], names=["z", "k", "a", "q", "c"])
    assert other.m == pytest.approx(found.m, rel=1e-12)
    assert other.tau2 == pytest.approx(found.tau2, rel=1e-12)


def test_priors_meet_their_contract():
    grid, terms, found = two_metrics(index_rule())
    frame = found.frame(grid, terms)
    TABLES["priors"].validate(frame, lazy=True)
    assert frame.select("period", "estate_class", "metric", "family").rows() == [
        (PERIOD, "HR", "events", "rate"),
        (PERIOD, "HR", "passed", "proportion"),
    ]


def test_obligations_have_no_prior():
    units = units_frame(FIVE)
    terms = terms_for({"drill": DUTY, "events": RATE}, {"rectification": 0.5, "fire": 0.5})
    sums = pl.concat(
        [sums_frame("drill", [1, 0, 2, 1, 1], [1, 1, 2, 2, 1], units), sums_frame("events", EVENTS, EXPOSURE, units)]
    )
    grid = grid_for(terms, units, sums)
    found = priors.estimate(grid, terms, index_rule())
    assert found.frame(grid, terms).get_column("metric").to_list() == ["events"]
    estimate = priors.posterior(grid, terms, found).estimate[:, 0]
    assert estimate.tolist() == [1.0, 0.0, 1.0, 0.5, 1.0]  # done / required as it is


def test_priors_rest_on_estates_and_hold_for_every_level():
    rows = FIVE + [unit_row(f"e{i}", level="tenure") for i in range(5)]
    units = units_frame(rows)
    terms = terms_for({"events": RATE}, {"fire": 1.0})
    own = sums_frame("events", [*EVENTS, 0, 0, 0, 0, 90], [*EXPOSURE, 1, 1, 1, 1, 1], units)
    grid = grid_for(terms, units, own)
    found = priors.estimate(grid, terms, index_rule(**ALONE))
    assert found.m.tolist() == [[1.0]]  # the tenures' 90 events do not move it
    level = grid.units.get_column("level").to_list()
    assert priors.posterior(grid, terms, found).estimate[level.index("tenure"), 0] == pytest.approx(
        2.338710 / 3.338710, abs=1e-6
    )  # no event on 1: alpha / (beta + 1)


def test_priors_are_estimated_period_by_period_and_class_by_class():
    periods = ("2026Q2", "2026Q3")
    rows = [unit_row(f"e{i}", period=p, estate_class=c) for p in periods for c in ("HR", "MR") for i in range(3)]
    rows = [
        r | {"estate_id": r["estate_id"] + r["estate_class"], "unit_id": r["unit_id"] + r["estate_class"]} for r in rows
    ]
    units = units_frame(rows)
    terms = terms_for({"events": RATE}, {"fire": 1.0}, periods)
    grid = grid_for(terms, units, sums_frame("events", [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3, [1] * 12, units))
    frame = priors.estimate(grid, terms, index_rule()).frame(grid, terms)
    assert frame.select("period", "estate_class", "m").rows() == [
        ("2026Q2", "HR", 1.0), ("2026Q2", "MR", 2.0), ("2026Q3", "HR", 3.0), ("2026Q3", "MR", 4.0),
    ]  # fmt: skip


# --- what is known after looking -------------------------------------------------------------------------------------


def test_estates_are_pulled_to_their_class_by_as_much_as_their_record_is_thin():
    # T4: alpha = beta = 1/.427586 = 2.338710; estate 5: 13.338710 / 7.338710
    found = known(RATE, EVENTS, EXPOSURE, m=1.0, tau2=0.42758620689655)
    assert found.estimate[:, 0].tolist() == pytest.approx([0.684478, 0.700483, 0.806552, 0.769517, 1.817582], abs=1e-6)
    assert (found.a[4, 0], found.b[4, 0]) == pytest.approx((13.338710, 7.338710), abs=1e-6)


def test_a_wider_prior_pulls_less():
    # T4 with lambda 2: alpha = beta = 1.169355
    found = known(RATE, EVENTS, EXPOSURE, m=1.0, tau2=2 * 0.42758620689655)
    assert found.estimate[[1, 4], 0].tolist() == pytest.approx([0.539033, 1.972549], abs=1e-6)


def test_proportions_are_pulled_to_their_class():
    # T5: M = 1/.115112 - 1 = 7.687213; estate 2: (6.149770 + 2) / 11.687213
    found = known(SHARE, PASSED, CHECKED, m=0.8, tau2=0.11511171497584542)
    assert found.estimate[[0, 1], 0].tolist() == pytest.approx([0.913076, 0.697324], abs=1e-6)


def test_a_floored_correlation_leaves_almost_no_difference_between_estates():
    # T6: rho .01, M = 99: a clean and a failing estate of 10 differ by 10 / 109
    found = known(SHARE, [10, 0], [10, 10], m=0.8, tau2=0.01)
    assert found.estimate[0, 0] - found.estimate[1, 0] == pytest.approx(10 / 109)


def test_severity_is_pulled_on_the_scale_of_the_class_constant():
    # T3 constant c = 2: y' = 12/2 = 6 on exposure 4, alpha = beta = 1: rate = 2 x 7/5
    found = known(SEVERITY, [12], [4], m=1.0, tau2=1.0, c=2.0)
    assert found.estimate.item() == pytest.approx(2.8)
    assert found.raw.item() == 3.0


def test_means_are_pulled_by_their_reliability():
    # tau2 7, sigma2 4, 4 visits: R = 7/8; .875 x 10 + .125 x 12; variance R sigma2/n = .875
    found = known(VISITS, [40], [4], m=12.0, tau2=7.0, c=4.0)
    assert found.estimate.item() == pytest.approx(10.25)
    assert found.b.item() == pytest.approx(0.875)


def marshall(y: np.ndarray, e: np.ndarray) -> tuple[float, float]:
    """Level and spread of rates in Marshall's older form (method.md 2.2), which may be negative; kept for these two checks."""
    m = y.sum() / e.sum()
    return m, (e * (y / e - m) ** 2).sum() / e.sum() - m / (e.sum() / len(e))


def test_published_empirical_bayes_rates_are_met():
    # PySAL esda, Empirical_Bayes on stl_hom (tests/reference); Marshall's spread, our posterior
    rows = list(csv.DictReader((REFERENCE / "stl_hom.csv").open(encoding="utf-8")))
    y, e = (np.array([float(r[k]) for r in rows]) for k in ("HC7984", "PO7984"))
    m, tau2 = marshall(y, e)
    found = known(RATE, y, e, m=m, tau2=tau2).estimate[:4, 0]
    assert found.tolist() == pytest.approx([2.36718950e-05, 4.54539167e-05, 4.78114019e-05, 2.76907146e-05], rel=1e-8)


def test_published_standardised_rates_are_met_and_a_spread_below_nothing_is_none():
    # PySAL esda, assuncao_rate, the example of its documentation: (r - m) / sqrt(tau2 + m / e), tau2 = -.000373 by Marshall
    y, e = np.array([30.0, 25, 25, 15, 33, 21, 30, 20]), np.array([100.0, 100, 110, 90, 100, 90, 110, 90])
    m, tau2 = marshall(y, e)
    found = (known(RATE, y, e, m=m, tau2=1.0).raw[:, 0] - m) / np.sqrt(tau2 + m / e)
    assert found[:4].tolist() == pytest.approx([1.03843594, -0.04099089, -0.56250375, -1.73061861], abs=5e-9)
    # ours: Q = sum e (r - m)^2 = 1.7202, below the noise m x 7 = 1.7633: these eight differ by chance alone
    groups, (k, n) = one_class(y, e)
    ours = moments.rates(k, n, n, groups)
    assert tau2 < 0 and ours.tau2.item() == 0.0
    assert ours.m.item() == pytest.approx(199 / 790)


def test_absence_of_records_is_a_fact_where_the_metric_says_so():
    penalties = RATE | {"when_empty": 0.0}
    found = known(penalties, [3, 0], [2, 0], m=1.0, tau2=1.0)
    assert found.raw[:, 0].tolist() == [1.5, 0.0]
    assert found.estimate[1, 0] == 0.0


FAMILIES = {
    "rate": (RATE, 1.0, 0.5, 1.0, RATE_POSTS),
    "severity": (SEVERITY, 1.0, 0.5, 2.0, RATE_POSTS),
    "proportion": (SHARE, 0.8, 0.1, 1.0, SHARE_POSTS),
    "mean": (VISITS, 70.0, 50.0, 100.0, {k: VISITS[k] for k in RATE_POSTS}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_collected_gives_the_class_level_and_endless_evidence_the_bare_record(family):
    metric, m, tau2, c, _ = FAMILIES[family]
    share = 0.25 if family != "mean" else 60.0
    found = known(metric, [0, share * 1e9], [0, 1e9], m=m, tau2=tau2, c=c)
    assert found.estimate[0, 0] == pytest.approx(m * (c if family == "severity" else 1.0))
    assert found.estimate[1, 0] == pytest.approx(found.raw[1, 0], rel=1e-6)
    assert np.isnan(found.raw[0, 0])


def points_of(family: str, y, e) -> np.ndarray:
    metric, m, tau2, c, posts = FAMILIES[family]
    return utility(known(metric, y, e, m=m, tau2=tau2, c=c).estimate[:, 0], **posts)


EXPOSURES, COUNTS = st.floats(0.01, 50), st.integers(0, 60)


@settings(max_examples=50, deadline=None)
@given(events=COUNTS, exposure=EXPOSURES, more=st.floats(0.1, 60))
def test_one_more_event_never_earns_points(events, exposure, more):
    for family in ("rate", "severity"):
        before, after = points_of(family, [events, events + more], [exposure, exposure])
        assert after <= before + 1e-9


@settings(max_examples=50, deadline=None)
@given(passed=COUNTS, failed=COUNTS)
def test_one_more_failure_never_earns_points(passed, failed):
    before, after = points_of("proportion", [passed, passed], [passed + failed + 1e-6, passed + failed + 1])
    assert after <= before + 1e-6


@settings(max_examples=50, deadline=None)
@given(exposure=EXPOSURES, more=st.floats(0, 50))
def test_a_longer_clean_record_never_costs_points(exposure, more):
    for family in ("rate", "severity"):
        before, after = points_of(family, [0, 0], [exposure, exposure + more])
        assert after >= before - 1e-9
    before, after = points_of("proportion", [exposure, exposure + more], [exposure, exposure + more])
    assert after >= before - 1e-9


def test_a_posterior_counts_decayed_exposure_as_it_is():
    # decayed sums go into the formulas as they are (method.md 6: e, not the Kish value, is the evidence)
    plain = known(RATE, [2], [4], m=1.0, tau2=0.5)
    decayed = known(RATE, [2], [4], m=1.0, tau2=0.5, e2=np.array([1.0]))
    assert decayed.estimate.item() == plain.estimate.item()
