"""Selection with a bounded share of wrong ones (method.md 10.1)."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.flags import chance_above, expected_wrong, select, selected

T15 = np.array([0.99, 0.97, 0.93, 0.90, 0.85, 0.80, 0.60])


def test_worked_example_t15_selects_six_of_seven():
    # running means of 1 - p: .01, .02, .036667, .0525, .072, .093333, .137143; the seventh exceeds .10
    chosen = select(T15, q=0.10, gate=0.80)
    assert chosen.tolist() == [True] * 6 + [False]
    assert expected_wrong(T15, chosen) == pytest.approx(0.01 + 0.03 + 0.07 + 0.10 + 0.15 + 0.20)


def test_the_order_of_the_units_does_not_matter():
    chosen = select(T15[::-1], q=0.10, gate=0.80)
    assert chosen.tolist() == [False] + [True] * 6


def test_each_selected_unit_must_be_sure_enough_by_itself():
    # running means .01, .05 (1 - .91 = .09), .0967 (1 - .81 = .19): all within .10, but .81 and .91 miss a gate of .95
    assert select(np.array([0.99, 0.91, 0.81]), q=0.10, gate=0.95).tolist() == [True, False, False]


def test_units_of_equal_chance_stand_or_fall_together():
    # running means .01, .08, .1033, ...: the second .85 would still fit, the third not; none of the equals is taken
    assert select(np.array([0.99, 0.85, 0.85, 0.85]), q=0.10, gate=0.80).tolist() == [True, False, False, False]


def test_an_unknown_chance_is_never_selected():
    assert select(np.array([np.nan, 0.99]), q=0.10, gate=0.80).tolist() == [False, True]
    assert select(np.array([]), q=0.10, gate=0.80).tolist() == []


def test_each_period_is_selected_by_itself():
    rows = pl.DataFrame({"period": ["b", "a", "b", "a"], "p": [0.99, 0.50, 0.70, None]})
    assert selected(rows, "p", ["period"], 0.10, 0.80).to_list() == [True, False, False, False]


def test_the_chance_that_a_score_rose():
    # difference 3, sd sqrt(3^2 + 4^2) = 5, z = .6, normal cdf .725747
    rose = chance_above(np.array([63.0]), np.array([3.0]), np.array([60.0]), np.array([4.0]))
    assert rose == pytest.approx([0.725747], abs=1e-6)


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0.01, 0.5), st.floats(0, 1))
def test_the_expected_share_of_wrong_selections_never_exceeds_q(chances, q, gate):
    p = np.array(chances)
    chosen = select(p, q, gate)
    assert expected_wrong(p, chosen) <= (q + 1e-9) * chosen.sum()
    assert (p[chosen] >= gate).all()
    left = p[~chosen & (p >= gate)]
    assert not chosen.any() or not left.size or left.max() < p[chosen].min()
