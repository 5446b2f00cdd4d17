"""Tests of how readily an estate's people report."""

from datetime import date

import numpy as np
import pytest

from metrics.grid import Groups
from metrics.propensity import propensities, propensity
from rules.book import Book

RULE = Book().on(date(2026, 9, 30), "index")


def one_class(n):
    return Groups(np.zeros(n, int), 1), Groups(np.zeros(1, int), 1)


def test_thirty_duplicates_where_twenty_are_usual_are_method_T21():
    # alpha = beta = 4: m = 4/4 = 1, tau2 = 4/16 = .25; (4 + 30) / (4 + 20) = 1.416667
    pi = propensity(np.array([30.0]), np.array([20.0]), 1.0, 0.25)
    assert pi[0] == pytest.approx(1.416667, abs=1e-6)
    # 12 issues on E = .6: 20 as they stand, 12 / (.6 x 1.416667) = 14.117647 adjusted
    np.testing.assert_allclose(12 / (0.6 * np.array([1.0, pi[0]])), [20, 14.117647], atol=1e-6)


def test_the_factor_stays_within_a_half_and_one_point_six():
    # (4 + 0) / (4 + 96) = .04 and (4 + 96) / (4 + 0) = 25
    got = propensity(np.array([0.0, 96.0]), np.array([96.0, 0.0]), 1.0, 0.25)
    assert got.tolist() == [0.5, 1.6]


def test_an_estate_with_no_open_matter_is_taken_for_usual():
    assert propensity(np.array([0.0]), np.array([0.0]), 1.0, 0.25).tolist() == [1.0]


def test_a_class_without_any_duplicate_tells_nothing():
    got = propensities(np.zeros(30), np.full(30, 50.0), *one_class(30), RULE)
    np.testing.assert_allclose(got, 1.0)


def test_estates_are_compared_with_their_own_class():
    # a class of 60 at .02 a day and one of 60 at .2 a day; every estate exactly usual for its class
    groups, by_period = Groups(np.repeat([0, 1], 60), 2), Groups(np.array([0, 0]), 1)
    exposure = np.full(120, 500.0)
    duplicates = np.where(groups.of == 0, 10.0, 100.0)
    np.testing.assert_allclose(propensities(duplicates, exposure, groups, by_period, RULE), 1.0)


def test_moments_of_a_large_class_set_the_pull_by_hand():
    # 60 estates on exposure 10: 30 with 5 and 30 with 15 duplicates. m = 600/600 = 1; Q = 60 x 10 x .25 = 150;
    # noise = 60 x (1 - 10/600) = 59; room = 600 - 6000/600 = 590: tau2 = 91/590 = .154237
    # (1 + .154237 x 5) / (1 + .154237 x 10) = .696667; (1 + .154237 x 15) / 2.542373 = 1.303333
    duplicates = np.repeat([5.0, 15.0], 30)
    got = propensities(duplicates, np.full(60, 10.0), *one_class(60), RULE)
    np.testing.assert_allclose(got, np.repeat([0.696667, 1.303333], 30), atol=1e-6)


def test_a_handful_of_estates_takes_the_spread_of_all_classes():
    # 4 estates of a tiny class beside the 60 above: same level, so the same numbers give the same factor
    groups, by_period = Groups(np.repeat([0, 1], [60, 4]), 2), Groups(np.array([0, 0]), 1)
    duplicates = np.concatenate([np.repeat([5.0, 15.0], 30), [5.0, 5.0, 15.0, 15.0]])
    got = propensities(duplicates, np.full(64, 10.0), groups, by_period, RULE)
    np.testing.assert_allclose(got[60:], [0.696667, 0.696667, 1.303333, 1.303333], atol=1e-6)


def test_readiness_to_call_makes_no_matter_count_more_on_average():
    # 30 quiet estates with 5 duplicates on exposure 10 and 30 loud ones with 45 on 30 (the loud have more open matters):
    # m = 1500/1200 = 1.25; Q = 30 (10 x .75^2 + 30 x .25^2) = 225; noise = 1.25 x (60 - 1) = 73.75;
    # room = 1200 - 30 (100 + 900)/1200 = 1175: tau2 = 151.25/1175 = .128723
    # quiet (1.5625 + .643617)/(1.25 + 1.287234)/1.25 = .695597; loud (1.5625 + 5.792553)/(1.25 + 3.861702)/1.25 = 1.151093
    # their mean .923345 is taken out: .753345 and 1.246655, 1 on average
    duplicates, exposure = np.repeat([5.0, 45.0], 30), np.repeat([10.0, 30.0], 30)
    got = propensities(duplicates, exposure, *one_class(60), RULE)
    np.testing.assert_allclose(got, np.repeat([0.753345, 1.246655], 30), atol=1e-6)


def test_an_estate_with_no_open_matter_stays_usual_beside_loud_ones():
    duplicates, exposure = np.append(np.repeat([5.0, 45.0], 30), 0.0), np.append(np.repeat([10.0, 30.0], 30), 0.0)
    assert propensities(duplicates, exposure, *one_class(61), RULE)[-1] == 1.0
