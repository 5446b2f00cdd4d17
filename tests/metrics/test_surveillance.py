"""Watching one indicator (method.md 14.5): FunnelPlotR, Lucas (1985), Benjamini-Hochberg (1995), T22, hand arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from metrics import surveillance as watch

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="module")
def six() -> tuple[np.ndarray, np.ndarray]:
    rows = pl.read_csv(REFERENCE / "funnelplotr" / "six_units.csv")
    return rows["num"].to_numpy().astype(float), rows["denom"].to_numpy().astype(float)


# --- funnel ----------------------------------------------------------------------------------------------------------


def test_over_dispersion_is_that_published_with_funnelplotr(six):
    found = watch.funnel(*six, tail=0.1, scale="log")
    assert found.phi == pytest.approx(2.948033, abs=5e-7)
    # the same published test, by hand: z = root of denominator times ln(num / den); first: 10.392305 x ln(100/108)
    assert found.raw[0] == pytest.approx(10.392305 * -0.076961, abs=1e-5)


def test_what_chance_does_not_explain_lies_between_units():
    # place on the root scale: sqrt(4) - 1 = 1, sqrt(1) - 1 = 0, sqrt(.25) - 1 = -.5; precision 4 x 9 = 36 each
    # z = 6, 0, -3: phi = 45/3 = 15; tau2 = (45 - 2) / (108 - 3888/108) = 43/72; z = place / sqrt(1/36 + 43/72) = place / sqrt(45/72)
    found = watch.funnel(np.array([36.0, 9.0, 2.25]), np.full(3, 9.0), tail=0.0)
    assert found.raw.tolist() == pytest.approx([6.0, 0.0, -3.0])
    assert (found.phi, found.tau2, found.spread) == pytest.approx((15.0, 43 / 72, 4 * 43 / 72))
    assert found.z.tolist() == pytest.approx([1.6**0.5, 0.0, -0.5 * 1.6**0.5])
    assert found.p[1] == 0.5


def test_differences_no_greater_than_chance_leave_limits_alone():
    # places 0 and sqrt(16/9) - 1 = 1/3; precision 36: z 0 and 2; n phi = 4 > n - 1 = 2; of seven units, 4 < 6: tau2 0
    assert watch.funnel(np.array([16.0] + [9.0] * 6), np.full(7, 9.0), tail=0.0).tau2 == 0.0
    low, high = watch.limits(np.array([9.0]), 0.0, 2.0)
    assert (low.item(), high.item()) == pytest.approx((4 / 9, 16 / 9))  # (1 -+ 2/6)^2


def test_a_unit_on_the_upper_limit_has_that_z(six):
    for scale in ("root", "log"):
        found = watch.funnel(*six, tail=0.0, scale=scale)
        _, high = watch.limits(six[1], found.tau2, 2.5, scale)
        w = six[1] if scale == "log" else 4 * six[1]
        place = np.log(high) if scale == "log" else np.sqrt(high) - 1
        assert place / np.sqrt(1 / w + found.tau2) == pytest.approx(np.full(6, 2.5))


def test_the_outermost_tenth_at_either_end_is_drawn_in():
    z = np.array([*range(10), np.nan]).astype(float)
    assert watch.winsorised(z, 0.1)[:10].tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert np.isnan(watch.winsorised(z, 0.1)[10])
    assert watch.winsorised(z[:6], 0.1).tolist() == z[:6].tolist()


def test_a_unit_of_which_nothing_is_expected_has_no_place():
    found = watch.funnel(np.array([4.0, 9.0, 0.0]), np.array([4.0, 9.0, 0.0]), tail=0.0)
    assert found.z[:2].tolist() == [0.0, 0.0]
    assert np.isnan(found.z[2]) and np.isnan(found.p[2])
    assert np.isnan(watch.funnel(np.zeros(2), np.zeros(2), tail=0.1).phi)


def test_no_event_at_all_has_a_place_on_the_root_scale_only():
    # sqrt(0) - 1 = -1, precision 16: z = -4
    assert watch.funnel(np.array([0.0, 4.0]), np.full(2, 4.0), tail=0.0).raw.tolist() == [-4.0, 0.0]
    with pytest.raises(ValueError, match="root scale"):
        watch.funnel(np.array([0.0, 4.0]), np.full(2, 4.0), tail=0.0, scale="log")


def test_many_events_are_rarer_where_units_are_alike():
    # Poisson: 1 - e^-2 (1 + 2) = .593994; Gamma-Poisson of shape 1, mean 2: (2/3)^2
    y, e = np.array([2.0]), np.array([2.0])
    assert watch.chance_of_as_many(y, e, 0.0).item() == pytest.approx(0.593994, abs=1e-6)
    assert watch.chance_of_as_many(y, e, 1.0).item() == pytest.approx(4 / 9)
    assert watch.chance_of_as_many(np.zeros(1), e, 1.0).item() == 1.0
    assert np.isnan(watch.chance_of_as_many(y, np.zeros(1), 0.0)).all()


def test_the_papers_fifteen_chances_give_four_discoveries():
    p = pl.read_csv(REFERENCE / "misc" / "bh1995_pvalues.csv")["p"].to_numpy()
    assert watch.discoveries(p, 0.05).tolist() == [True] * 4 + [False] * 11
    mixed = np.append(np.nan, p[::-1])
    assert watch.discoveries(mixed, 0.05).sum() == 4 and not watch.discoveries(mixed, 0.05)[0]
    assert not watch.discoveries(np.array([np.nan]), 0.5).any()


# --- CUSUM -----------------------------------------------------------------------------------------------------------


def test_counts_above_the_reference_value_add_up():
    # T22
    k = watch.reference_value(2, 4)
    assert k == pytest.approx(2.885390, abs=1e-6)
    chart = watch.cusum(np.array([[2.0, 5, 6, 3]]), k, np.array([5.3]))
    assert chart.total[0].tolist() == pytest.approx([0, 2.114610, 5.229220, 5.343830], abs=1e-6)
    assert chart.alarm[0].tolist() == [False, False, False, True]


def test_every_unit_has_its_own_chart_and_every_month_its_own_level():
    counts = np.array([[3.0, 3, 3], [3, 3, 3]])
    chart = watch.cusum(counts, np.array([[1.0, 2, 3], [2, 2, 2]]), np.array([3.0, 9]), start=np.array([0.0, 1]))
    assert chart.total.tolist() == [[2, 3, 3], [2, 3, 4]]
    assert chart.alarm.tolist() == [[False, True, True], [False, False, False]]


def test_a_month_without_delivery_neither_adds_nor_clears_nor_alarms():
    chart = watch.cusum(np.array([[3.0, np.nan, 3]]), np.array([1.0]), np.array([2.0]))
    assert chart.total[0].tolist() == [2, 2, 4]
    assert chart.alarm[0].tolist() == [True, False, True]


def test_after_an_alarm_a_chart_may_begin_again():
    chart = watch.cusum(np.array([[3.0, 3, 2, 2]]), np.array([1.0]), np.array([3.0]), restart=True)
    assert chart.total[0].tolist() == [2, 4, 1, 2]
    assert chart.alarm[0].tolist() == [False, True, False, False]


def test_the_run_lengths_of_lucas_are_met():
    # Lucas (1985), quoted in R spc, pois.cusum.arl: mean .25, k .25, h 10: 438; head start 5: 333
    months = watch.run_lengths(0.25, k_steps=1, h_steps=40, steps=4)
    assert months[0] == pytest.approx(438.125, abs=1e-3)
    assert months[20] == pytest.approx(333.125, abs=1e-3)


def test_a_chart_of_one_state_alarms_with_the_chance_of_a_single_month():
    # k 1, h 1, mean 1: an alarm is two or more events, P = 1 - 2/e = .264241; 1/P = 3.784422
    assert watch.run_lengths(1.0, 1, 1, 1).tolist() == pytest.approx([3.784422], abs=1e-6)


def test_run_lengths_are_those_of_charts_run_at_random():
    rng = np.random.default_rng(7)
    k, h = 1.5, 4.0
    chart = watch.cusum(rng.poisson(1.0, (4000, 1500)).astype(float), np.full(4000, k), np.full(4000, h))
    first = np.where(chart.alarm.any(axis=1), chart.alarm.argmax(axis=1) + 1, 1500)
    # run lengths are nearly exponential, so the mean of 4000 has a standard error of 1/63 of itself: 4 of them
    assert watch.run_lengths(1.0, 3, 8, 2)[0] == pytest.approx(first.mean(), rel=4 / 63)


@pytest.mark.parametrize("usual", [0.02, 0.25, 2.0, 13.0])
def test_a_unit_as_usual_goes_the_asked_months_without_an_alarm(usual):
    h = watch.threshold(usual, 2.0, 120.0)
    k_steps, steps = watch.lattice(float(watch.reference_value(usual, 2 * usual)))
    h_steps = round(h * steps)
    assert watch.run_lengths(usual, k_steps, h_steps, steps)[0] >= 120
    assert h_steps == 1 or watch.run_lengths(usual, k_steps, h_steps - 1, steps)[0] < 120


def test_a_single_event_alarms_only_where_events_are_rarer_than_alarms_may_be():
    # once in 50 months < 120: one event takes the sum to 1 - k, which must not do; once in 200 months: it must
    for usual, alone in ((1 / 50, False), (1 / 200, True)):
        k = watch.reference_value(usual, 2 * usual)
        assert (1 - k >= watch.threshold(usual, 2.0, 120.0)) == alone


def test_a_lattice_lies_just_below_the_reference_value():
    for k in (0.0144, 0.72, 2.885390, 28.85, 4.0):
        top, steps = watch.lattice(k)
        assert 0.99 * k <= top / steps <= k * (1 + 1e-9)
    assert watch.lattice(4.0) == (4, 1)


def test_levels_are_rounded_up_to_two_figures():
    levels = np.array([2.0, 2.01, 0.123, 0.12, 99.5, 0.0, np.nan])
    assert watch.rounded_up(levels)[:5].tolist() == pytest.approx([2.0, 2.1, 0.13, 0.12, 100.0])
    assert np.isnan(watch.rounded_up(levels)[5:]).all()


def test_a_design_is_that_of_the_rounded_level():
    k, h = watch.design(np.array([2.0, 1.96, 0.0]), ratio=2.0, months=120.0)
    assert k[:2].tolist() == pytest.approx([2.885390, 2.885390], abs=1e-6)
    assert h[0] == h[1] == watch.threshold(2.0, 2.0, 120.0)
    assert np.isnan(k[2]) and np.isnan(h[2])


def test_a_chart_that_can_never_be_quiet_is_refused():
    with pytest.raises(ValueError, match="No threshold below"):
        watch.threshold(1.0, 1.0000001, 1e30)


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(0, 12), min_size=1, max_size=30), k=st.floats(0.1, 6), h=st.floats(0.5, 12))
def test_a_sum_is_that_of_the_plain_recursion(counts, k, h):
    expected, now = [], 0.0
    for y in counts:
        now = max(0.0, now + y - k)
        expected.append(now)
    chart = watch.cusum(np.array([counts, counts], dtype=float), np.full(2, k), np.full(2, h))
    assert chart.total.tolist() == [expected, expected]
    assert chart.alarm[0].tolist() == [c >= h for c in expected]


@settings(max_examples=20, deadline=None)
@given(mean=st.floats(0.05, 4), k_steps=st.integers(1, 8), h_steps=st.integers(1, 25), steps=st.integers(1, 4))
def test_run_lengths_satisfy_the_step_by_step_equation(mean, k_steps, h_steps, steps):
    # L(i) = 1 + sum over y of P(y) L(max(0, i + y steps - k)), L = 0 from the threshold on; written out state by state
    found = watch.run_lengths(mean, k_steps, h_steps, steps)
    for i in range(h_steps):
        total = 1.0
        for y in range((h_steps + k_steps) // steps + 2):
            to = max(0, i + y * steps - k_steps)
            total += poisson.pmf(y, mean) * found[to] if to < h_steps else 0.0
        assert total == pytest.approx(found[i], rel=1e-9)
