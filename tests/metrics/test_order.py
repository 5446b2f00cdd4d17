"""Who can be said to stand above whom (method.md 9.2)."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from metrics import order
from metrics.order import alike, third_of, tiers

ONE = np.zeros(4, dtype=int)


def test_units_are_told_apart_from_a_probability_of_nine_in_ten():
    # sd 3 and 4: of the difference 5; normal quantile of .9 is 1.281552, so 6.4078 apart tells them, 6.40 does not
    score, sd = np.array([80.0, 80.0 - 6.408, 50.0]), np.array([3.0, 4.0, 0.5])
    assert alike(score, sd, ONE[:3], 0.9).tolist() == [0, 0, 0]
    assert alike(np.array([80.0, 80.0 - 6.400, 50.0]), sd, ONE[:3], 0.9).tolist() == [1, 1, 0]


def test_others_are_counted_within_the_group_alone():
    assert alike(np.full(4, 70.0), np.ones(4), np.array([0, 0, 0, 1]), 0.9).tolist() == [2, 2, 2, 0]


def test_facts_without_spread_are_told_apart_by_any_difference_and_equals_are_alike():
    assert alike(np.array([70.0, 70.1, 70.1]), np.zeros(3), ONE[:3], 0.9).tolist() == [0, 1, 1]
    assert tiers(np.array([70.0, 70.1, 70.1]), np.zeros(3), ONE[:3], 0.9).tolist() == [2, 1, 1]


def test_a_tier_opens_with_the_first_unit_its_best_surely_stands_above():
    # sd 1 each: 1.8124 apart (1.281552 x sqrt 2). From 90: 89 and 88.5 stay, 88.1 opens the next; from 88.1: 87 stays
    score = np.array([87.0, 90.0, 88.5, 88.1, 89.0])
    assert tiers(score, np.ones(5), np.zeros(5, dtype=int), 0.9).tolist() == [2, 1, 1, 2, 1]


def test_a_third_is_named_where_it_is_sure():
    upper, lower = np.array([0.80, 0.10, 0.05, 0.5]), np.array([0.0, 0.10, 0.85, 0.3])
    assert third_of(upper, lower, 0.8).tolist() == ["upper", "middle", "lower", ""]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 20)), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_does_not_matter(rows, random):
    shuffled = random.sample(range(len(rows)), len(rows))
    score, sd = np.array(rows).T
    group = np.zeros(len(rows), dtype=int)
    assert alike(score, sd, group, 0.9)[shuffled].tolist() == alike(score[shuffled], sd[shuffled], group, 0.9).tolist()
    steps = tiers(score, sd, group, 0.9)[np.argsort(-score, kind="stable")]
    assert steps[0] == 1 and set(np.diff(steps)) <= {0, 1}


def test_blocks_of_rows_give_what_one_comparison_gives(monkeypatch):
    rng = np.random.default_rng(1)
    score, sd = rng.normal(70, 8, 50), rng.uniform(1, 5, 50)
    whole = alike(score, sd, np.zeros(50, dtype=int), 0.9)
    monkeypatch.setattr(order, "ROWS", 7)
    assert alike(score, sd, np.zeros(50, dtype=int), 0.9).tolist() == whole.tolist()
    # independently: normal probabilities of every pair
    z = (score[:, None] - score[None, :]) / np.sqrt(sd[:, None] ** 2 + sd[None, :] ** 2)
    p = norm.cdf(z)
    assert whole.tolist() == (((p < 0.9) & (p > 0.1)).sum(axis=1) - 1).tolist()
