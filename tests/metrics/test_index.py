"""The index: power mean and exact contributions (method.md 4.1, 4.2: T9, T17)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metrics.index import Membership, contributions, power_mean, shares

U = np.array([52.0, 80.0, 90.0, 70.0, 85.0])
W = np.array([0.30, 0.25, 0.15, 0.15, 0.15])
FULL = np.full(5, 100.0)
RHOS = st.sampled_from([1.0, 0.5, 0.0, -1.0])


@pytest.mark.parametrize(
    ("rho", "score"), [(1.0, 72.35), (0.5, 71.577444), (0.0, 70.776229), (-1.0, 69.115854)]
)  # T9  # fmt: skip
def test_the_index_is_a_power_mean_of_its_subindices(rho, score):
    assert power_mean(U, W, rho) == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize(
    ("rho", "lost"),
    [
        (1.0, [-14.4, -5.0, -1.5, -4.5, -2.25]),  # W x (U - 100)
        (0.5, [-15.445203, -4.872276, -1.420986, -4.522968, -2.161122]),  # T9
        (0.0, [-16.586458, -4.716586, -1.336204, -4.523424, -2.061098]),
        (-1.0, [-19.139775, -4.319740, -1.151931, -4.443162, -1.829537]),
    ],
)
def test_points_lost_add_up_to_what_is_missing(rho, lost):
    found = contributions(U, FULL, W, rho)
    assert found.tolist() == pytest.approx(lost, abs=1e-6)
    assert found.sum() == pytest.approx(power_mean(U, W, rho) - 100, abs=1e-12)


def test_a_change_between_two_periods_is_shared_out_exactly():
    # T17: 1.878955 = 3.061225 - .479044 + 0 + 0 - .703226
    found = contributions(np.array([61.0, 78.0, 90.0, 70.0, 80.0]), U, W, 0.5)
    assert found.tolist() == pytest.approx([3.061225, -0.479044, 0.0, 0.0, -0.703226], abs=1e-6)
    assert found.sum() == pytest.approx(1.878955, abs=1e-6)


def test_a_subindex_that_does_not_apply_leaves_its_weight_to_the_others():
    # T17: without the third, (61, 78, 70, 80) by .30, .25, .15, .15 of .85
    assert power_mean(np.array([61.0, 78.0, np.nan, 70.0, 80.0]), W, 0.5) == pytest.approx(70.711201, abs=1e-6)


def test_a_point_gained_where_things_are_bad_counts_more():
    # method.md 4.1: (40/90)^-.5 = 1.5
    low, high = np.array([40.0, 90.0]), np.array([0.5, 0.5])
    step = 1e-4
    gains = [(power_mean(low + np.eye(2)[i] * step, high, 0.5) - power_mean(low, high, 0.5)) / step for i in (0, 1)]
    assert gains[0] / gains[1] == pytest.approx(1.5, abs=1e-4)


def test_a_subindex_below_the_floor_counts_as_the_floor():
    # (.5 x 1 + .5 x 10)^2
    assert power_mean(np.array([0.0, 100.0]), np.array([0.5, 0.5]), 0.5, floor=1.0) == pytest.approx(30.25)


def test_nothing_that_applies_gives_no_index():
    assert np.isnan(power_mean(np.full(5, np.nan), W, 0.5))
    assert shares(W, np.zeros(5, dtype=bool)).tolist() == [0.0] * 5


def test_states_that_are_equal_move_nothing():
    assert contributions(U, U, W, 0.5).tolist() == [0.0] * 5


def district(points, base) -> tuple[Membership, np.ndarray, np.ndarray]:
    """Six metrics: two each in three sub-indices, the last pair's second shown only."""
    points, base = np.atleast_2d(points), np.atleast_2d(base)
    place = np.tile([0, 0, 1, 1, 2, -1], (len(points), 1))
    weight = np.tile([0.7, 0.3, 0.5, 0.5, 1.0, 0.0], (len(points), 1))
    return Membership(place, weight, np.tile([0.5, 0.3, 0.2], (len(points), 1))), points, base


def test_metrics_share_their_subindex_by_weight():
    member, points, base = district([80.0, 60.0, 90.0, 70.0, 50.0, 10.0], np.full(6, 100.0))
    share = member.share(points)
    assert share[0].tolist() == [0.7, 0.3, 0.5, 0.5, 1.0, 0.0]
    assert member.subindices(points, share)[0].tolist() == pytest.approx([74.0, 80.0, 50.0])
    moved = member.moved(points, base, share, 0.5, 1.0)[0]
    lost = contributions(np.array([74.0, 80.0, 50.0]), np.full(3, 100.0), np.array([0.5, 0.3, 0.2]), 0.5)
    # inside a sub-index by weight times points lost: 14 and 12 of 26; 5 and 15 of 20
    expected = [lost[0] * 14 / 26, lost[0] * 12 / 26, lost[1] * 5 / 20, lost[1] * 15 / 20, lost[2]]
    assert moved[:5].tolist() == pytest.approx(expected)
    assert np.isnan(moved[5])


def test_a_metric_without_points_leaves_its_share_to_its_subindex():
    member, points, _ = district([80.0, np.nan, np.nan, np.nan, 50.0, 10.0], np.full(6, 100.0))
    share = member.share(points)
    assert share[0].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    found = member.subindices(points, share)[0]
    assert found[[0, 2]].tolist() == [80.0, 50.0]
    assert np.isnan(found[1])


POINTS = arrays(float, 6, elements=st.floats(0, 100))


@settings(max_examples=200, deadline=None)
@given(points=POINTS, base=POINTS, rho=RHOS, absent=st.integers(0, 5), nudge=st.sampled_from([None, 0.0, 1e-9, 1e-4]))
def test_contributions_add_up_whatever_the_states(points, base, rho, absent, nudge):
    base = base if nudge is None else np.clip(points + nudge, 0, 100)
    points, base = points.copy(), base.copy()
    points[absent] = base[absent] = np.nan
    member, points, base = district(points, base)
    share = member.share(points)
    here, there = (power_mean(member.subindices(x, share), member.sub_weight, rho) for x in (points, base))
    moved = member.moved(points, base, share, rho, 1.0)
    assert np.nansum(moved) == pytest.approx((here - there).item(), abs=1e-9)
    by_sub = contributions(member.subindices(points, share), member.subindices(base, share), member.sub_weight, rho)
    assert member.totals(np.nan_to_num(moved))[0] == pytest.approx(by_sub[0], abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(points=POINTS, which=st.integers(0, 4), more=st.floats(0, 100), rho=RHOS)
def test_more_points_anywhere_never_lower_the_index(points, which, more, rho):
    better = points.copy()
    better[which] = min(100.0, better[which] + more)
    member, both, _ = district(np.stack([points, better]), np.full((2, 6), 100.0))
    before, after = power_mean(member.subindices(both, member.share(both)), member.sub_weight, rho)
    assert after >= before - 1e-9


@given(points=POINTS, order=st.permutations(range(6)))
def test_the_order_of_metrics_does_not_matter(points, order):
    member, points, base = district(points, np.full(6, 100.0))
    mixed = Membership(member.place[:, order], member.weight[:, order], member.sub_weight)
    share, other = member.share(points), mixed.share(points[:, order])
    moved = member.moved(points, base, share, 0.5, 1.0)[:, order]
    assert mixed.moved(points[:, order], base, other, 0.5, 1.0) == pytest.approx(moved, abs=1e-9, nan_ok=True)
