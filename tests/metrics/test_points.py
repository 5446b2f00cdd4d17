"""Points: fixed goalposts (method.md section 3, worked example T8)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.points import utility
from tests.metrics.scoring import RATE_POSTS, SHARE_POSTS

VALUES = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("rate", "points"),
    [
        (1.972549, 48.658824),  # 60 x (4 - 1.972549) / 2.5
        (0.539033, 88.828996),  # 90 - 30 x (.539033 - .5) / 1
        (0.1, 100.0),
        (5.0, 0.0),
        (3.0, 24.0),  # 60 x (4 - 3) / 2.5
        (11 / 5, 43.2),  # the raw rate of estate 5: 60 x (4 - 2.2) / 2.5
    ],
)
def test_a_rate_earns_its_points_between_the_goalposts(rate, points):
    assert utility(rate, **RATE_POSTS) == pytest.approx(points, abs=5e-5)


def test_the_goalposts_themselves_score_0_60_90_and_100_in_either_direction():
    assert utility(np.array([4.0, 1.5, 0.5, 0.2]), **RATE_POSTS).tolist() == [0.0, 60.0, 90.0, 100.0]
    assert utility(np.array([0.3, 0.7, 0.9, 1.0]), **SHARE_POSTS).tolist() == [0.0, 60.0, 90.0, 100.0]


def test_a_target_that_is_also_the_best_scores_100():
    assert utility(np.array([0.9, 0.95]), fail=0.3, minimum=0.7, target=0.9, best=0.9).tolist() == [100.0, 100.0]


def test_an_unknown_value_has_no_points():
    assert np.isnan(utility(np.nan, **RATE_POSTS))


@given(a=VALUES, b=VALUES)
def test_better_values_never_earn_less(a, b):
    low, high = sorted((a, b))
    assert utility(low, **RATE_POSTS) >= utility(high, **RATE_POSTS)
    assert utility(low, **SHARE_POSTS) <= utility(high, **SHARE_POSTS)


@given(VALUES)
def test_points_lie_between_0_and_100(value):
    assert 0.0 <= utility(value, **RATE_POSTS) <= 100.0
