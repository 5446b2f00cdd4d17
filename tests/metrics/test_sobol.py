"""Sobol indices against COINr's stored run, the analytic Ishigami function, and SciPy's own estimator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import sobol_indices, uniform

from metrics.sobol import design, indices, total_intervals

COINR = Path(__file__).parents[1] / "reference" / "coinr"


def ishigami(x: np.ndarray) -> np.ndarray:
    """sin x1 + 7 sin^2 x2 + .1 x3^4 sin x1, x uniform on [-pi, pi]; columns are inputs."""
    x1, x2, x3 = x.T
    return np.sin(x1) + 7 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)


def test_coinrs_stored_run_gives_its_published_indices_to_six_digits():
    ranks = pl.read_csv(COINR / "sa_ranks.csv")
    nominal = pl.read_csv(COINR / "sa_nominal.csv")["Rank"].to_numpy()
    assert ranks["uCode"].to_list() == pl.read_csv(COINR / "sa_nominal.csv")["uCode"].to_list()
    runs = ranks.drop("uCode", "Nominal").to_numpy()
    assert runs.shape == (51, 100 * (4 + 2))
    found = indices(np.abs(runs - nominal[:, None]).mean(axis=0), 4)
    assert found.first == pytest.approx([0.039873, 0.252415, 0.228339, 0.368017], abs=5e-7)
    assert found.total == pytest.approx([0.048359, 0.270710, 0.177641, 0.617860], abs=5e-7)


def test_the_ishigami_function_has_its_analytic_indices():
    # V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2 = 13.8446 with a = 7, b = .1;
    # S_1 = (1 + b pi^4/5)^2 / 2 / V = .3139, S_2 = a^2/8 / V = .4424, S_3 = 0; what 1 and 3 do together is .2437
    points = design(3, 2**14, seed=1)
    found = indices(ishigami(np.pi * (2 * points - 1)), 3)
    assert found.first == pytest.approx([0.3139, 0.4424, 0.0], abs=0.01)
    assert found.total == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.01)


def test_scipys_estimator_agrees_on_the_same_function():
    inputs = [uniform(-np.pi, 2 * np.pi)] * 3
    other = sobol_indices(func=lambda x: ishigami(x.T), n=2**14, dists=inputs, rng=np.random.default_rng(2))
    found = indices(ishigami(np.pi * (2 * design(3, 2**14, seed=1) - 1)), 3)
    assert found.first == pytest.approx(other.first_order, abs=0.02)
    assert found.total == pytest.approx(other.total_order, abs=0.02)


def test_scipys_estimator_gives_the_same_total_indices_on_the_same_results():
    # SciPy divides by the variance with 2N - 0, COINr by 2N - 1: the same up to that factor
    n, d = 64, 3
    results = ishigami(np.pi * (2 * design(d, n, seed=3) - 1))
    f_a, f_b, f_ab = results[:n], results[n : 2 * n], results[2 * n :].reshape(d, n)
    other = sobol_indices(func={"f_A": f_a[None], "f_B": f_b[None], "f_AB": f_ab[:, None]}, n=n)
    factor = (2 * n - 1) / (2 * n)
    assert indices(results, d).total == pytest.approx(other.total_order * factor, rel=1e-9)


def test_each_row_of_the_design_stands_where_the_estimator_expects_it():
    points = design(2, 4, seed=5)
    a, b, first, second = points.reshape(4, 4, 2)
    assert (first[:, 0] == b[:, 0]).all() and (first[:, 1] == a[:, 1]).all()
    assert (second[:, 0] == a[:, 0]).all() and (second[:, 1] == b[:, 1]).all()
    # balanced: of four points of a Sobol sequence one lies in each quarter of every input
    for column in (*a.T, *b.T):
        assert sorted(np.floor(4 * column)) == [0, 1, 2, 3]


def test_the_same_seed_gives_the_same_design_and_another_gives_another():
    assert (design(3, 8, seed=7) == design(3, 8, seed=7)).all()
    assert (design(3, 8, seed=7) != design(3, 8, seed=8)).any()


def test_a_sum_of_two_inputs_splits_its_variance_by_their_squares():
    # f = x1 + 2 x2, independent and equally spread: variances 1 : 4, nothing together
    points = design(2, 1024, seed=1)
    found = indices(points @ [1.0, 2.0], 2)
    assert found.first == pytest.approx([0.2, 0.8], abs=0.02)
    assert found.total == pytest.approx([0.2, 0.8], abs=0.02)


def test_a_result_that_never_moves_has_no_indices():
    found = indices(np.full(8 * 4, 3.7), 2)
    assert np.isnan(found.first).all() and np.isnan(found.total).all()


@pytest.mark.parametrize("n", (0, 1, 3, 100))
def test_a_number_of_points_that_is_no_power_of_two_is_refused(n):
    with pytest.raises(ValueError, match="power of two"):
        design(3, n, seed=1)


def test_results_that_do_not_fit_the_inputs_are_refused():
    with pytest.raises(ValueError, match="21 results do not fit a design of 2 inputs"):
        indices(np.zeros(21), 2)


def test_a_result_of_several_numbers_has_one_index_for_them_together():
    # f = (x1, 2 x2), independent and equally spread: variances 1 : 4 of one total, nothing together
    points = design(2, 1024, seed=1)
    found = indices(points * [1.0, 2.0], 2)
    assert found.first == pytest.approx([0.2, 0.8], abs=0.02)
    assert found.total == pytest.approx([0.2, 0.8], abs=0.02)


def test_together_the_numbers_weigh_by_their_variance():
    # Gamboa et al. 2014: the index of a vector is the mean of its numbers' indices, weighted by their variances
    points = np.pi * (2 * design(3, 256, seed=9) - 1)
    both = np.column_stack([ishigami(points), 5 * points[:, 2] + points[:, 0]])
    parts = [indices(column, 3) for column in both.T]
    variance = both[:512].var(axis=0, ddof=1)
    found = indices(both, 3)
    for name in ("first", "total"):
        weighed = sum(v * getattr(part, name) for v, part in zip(variance, parts, strict=True)) / variance.sum()
        assert getattr(found, name) == pytest.approx(weighed, rel=1e-9)


def test_centring_a_result_far_from_zero_keeps_total_indices_and_steadies_first_ones():
    # true S = (.2, .8); the same 64 points, once around 100 and once around their mean
    points = design(2, 64, seed=4)
    far = 100 + points @ [1.0, 2.0]
    centred = indices(far - far.mean(), 2)
    assert indices(far, 2).total == pytest.approx(centred.total, rel=1e-9)
    assert centred.first == pytest.approx([0.2, 0.8], abs=0.05)
    assert np.abs(indices(far, 2).first - [0.2, 0.8]).max() > np.abs(centred.first - [0.2, 0.8]).max()


def test_bounds_of_total_indices_are_those_of_rows_drawn_again():
    points = np.pi * (2 * design(3, 64, seed=2) - 1)
    both = np.column_stack([ishigami(points), points[:, 2]])
    low, high = total_intervals(both, 3, resamples=3000, coverage=0.9, seed=1)
    parts, rng = both.reshape(5, 64, 2), np.random.default_rng(8)
    drawn = [indices(parts[:, rng.integers(0, 64, 64)].reshape(-1, 2), 3).total for _ in range(3000)]
    assert low == pytest.approx(np.quantile(drawn, 0.05, axis=0), rel=0.05)
    assert high == pytest.approx(np.quantile(drawn, 0.95, axis=0), rel=0.05)
    assert (low < high).all()


def test_more_points_bring_the_bounds_together_around_the_analytic_index():
    widths = []
    for n in (64, 1024):
        result = ishigami(np.pi * (2 * design(3, n, seed=6) - 1))
        low, high = total_intervals(result - result.mean(), 3, resamples=500, coverage=0.9, seed=1)
        widths.append((high - low).mean())
    assert widths[1] < widths[0] / 3  # a root of 16 is 4
    assert (low < [0.5576, 0.4424, 0.2437]).all() and (high > [0.5576, 0.4424, 0.2437]).all()


def test_a_result_that_never_moves_has_no_bounds():
    low, high = total_intervals(np.zeros(8 * 4), 2, resamples=10, coverage=0.9, seed=1)
    assert np.isnan(low).all() and np.isnan(high).all()
