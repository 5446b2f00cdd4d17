"""Stated chances beside the truth: worked example T19 of method.md."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.accuracy import base_brier, brier, precision_at, skill

P, HAPPENED = np.array([0.8, 0.6, 0.3, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])


def test_worked_example_t19():
    # (.04 + .36 + .49 + .01) / 4 = .225; half of them happened: .25; 1 - .225 / .25 = .10; of .8 and .6 one: .5
    assert brier(P, HAPPENED) == pytest.approx(0.225)
    assert base_brier(HAPPENED) == pytest.approx(0.25)
    assert skill(P, HAPPENED) == pytest.approx(0.10)
    assert precision_at(P, HAPPENED, 2) == pytest.approx(0.5)


def test_where_all_alike_happened_there_is_no_skill_and_of_nobody_no_share():
    assert np.isnan(skill(P, np.ones(4)))
    assert np.isnan(precision_at(P, HAPPENED, 0))


def test_saying_the_base_rate_has_no_skill_and_knowing_all_has_one():
    assert skill(np.full(4, 0.5), HAPPENED) == pytest.approx(0.0)
    assert skill(HAPPENED, HAPPENED) == pytest.approx(1.0)
