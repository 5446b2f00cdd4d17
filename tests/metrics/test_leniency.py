"""Tests of inspectors' factors."""

import numpy as np
import pytest

from metrics.leniency import ALONE, FEW_ESTATES, NOT_CONNECTED, leniency, normalised, shrunk

FOUND, EXPECTED = np.array([60.0, 40.0]), np.array([50.0, 50.0])


def everyone_everywhere(strict, rate, points=1000.0):
    """Cells of every inspector at every estate, with exactly the points found that the two make together."""
    estate, inspector = (i.ravel() for i in np.indices((len(rate), len(strict))))
    return (
        estate,
        inspector,
        np.array(rate)[estate] * np.array(strict)[inspector] * points,
        np.full(estate.size, points),
    )


def test_two_inspectors_are_pulled_to_one_as_in_method_T20():
    # m = 100 / 100 = 1; Q = 50 x .2^2 x 2 = 4; noise = 2 x (1 - .5) = 1; room = 100 - 5000/100 = 50: tau2 = .06
    # alpha = beta = 1 / .06 = 16.6667: (16.6667 + 60) / (16.6667 + 50) = 1.15, (16.6667 + 40) / 66.6667 = .85
    np.testing.assert_allclose(shrunk(FOUND, EXPECTED), [1.15, 0.85])
    # sqrt(1.15 x .85) = .988686
    np.testing.assert_allclose(normalised(shrunk(FOUND, EXPECTED)), [1.163160, 0.859727], atol=1e-6)


def test_differences_no_greater_than_chance_leave_all_factors_at_one():
    # Q = 50 x (.02^2 x 2) = .04, below the noise of 1: tau2 = 0
    np.testing.assert_allclose(shrunk(np.array([51.0, 49.0]), EXPECTED), [1.0, 1.0])


def test_a_strict_and_a_lenient_inspector_are_told_apart_from_good_and_bad_estates():
    strict = np.array([1.5, 1.0, 1.0, 1 / 1.5])  # geometric mean 1
    rate = np.linspace(0.02, 0.3, 12)
    got = leniency(*everyone_everywhere(strict, rate), 4)
    np.testing.assert_allclose(got.factor, strict, rtol=0.01)
    assert got.applied.all()
    assert got.estates.tolist() == [12, 12, 12, 12]


def test_an_inspector_sent_to_bad_estates_is_not_taken_for_strict():
    # equal eyes: the first looks at the ten worst estates only, the second at the ten best, the third at all twenty
    rate = np.concatenate([np.full(10, 0.30), np.full(10, 0.05)])
    estate = np.concatenate([np.arange(10), np.arange(10, 20), np.arange(20)])
    inspector = np.repeat([0, 1, 2], [10, 10, 20])
    points = np.full(40, 1000.0)
    got = leniency(estate, inspector, rate[estate] * points, points, 3)
    np.testing.assert_allclose(got.factor, 1.0, atol=0.01)
    # 10 x 1000 x .30 against 10 x 1000 x .05: found differs six times over, and so does expected
    np.testing.assert_allclose(got.found[:2], [3000, 500])
    np.testing.assert_allclose(got.expected[:2], [3000, 500], rtol=0.02)


def test_two_groups_that_never_met_at_an_estate_are_not_compared_and_it_says_why():
    estate = np.concatenate([np.tile(np.arange(10), 2), np.tile(np.arange(10, 20), 2)])
    inspector = np.repeat([0, 1, 2, 3], 10)
    found = np.where(inspector < 2, 90.0, 10.0)
    got = leniency(estate, inspector, found, np.full(40, 100.0), 4)
    assert got.factor.tolist() == [1, 1, 1, 1]
    assert got.why_not.tolist() == [NOT_CONNECTED] * 4
    assert not got.applied.any()


@pytest.mark.parametrize("seen, why", [(9, FEW_ESTATES), (10, "")])
def test_an_inspector_needs_ten_estates(seen, why):
    estate = np.concatenate([np.tile(np.arange(12), 2), np.arange(seen)])
    inspector = np.concatenate([np.repeat([0, 1], 12), np.full(seen, 2)])
    found = np.where(inspector == 2, 60.0, 30.0)
    got = leniency(estate, inspector, found, np.full(estate.size, 100.0), 3)
    assert got.why_not.tolist() == ["", "", why]
    assert (got.factor[2] == 1) == bool(why)
    assert got.factor[:2].tolist() != [1, 1] or why  # the other two are compared all the same


def test_one_inspector_alone_has_nobody_to_be_compared_with():
    got = leniency(np.arange(10), np.zeros(10, int), np.full(10, 5.0), np.full(10, 100.0), 1)
    assert got.why_not.tolist() == [ALONE]
    assert got.factor.tolist() == [1]


def test_visits_without_an_inspectors_name_still_tell_of_the_estate():
    estate, inspector, found, points = everyone_everywhere([1.2, 1 / 1.2], np.linspace(0.02, 0.3, 12))
    named = leniency(estate, inspector, found, points, 2)
    # the same looks once more, nameless and with the eyes of everyone: factors stay, estates are better known
    base = np.linspace(0.02, 0.3, 12) * 1000
    more = leniency(np.r_[estate, np.arange(12)], np.r_[inspector, np.full(12, -1)], np.r_[found, base],
                    np.r_[points, np.full(12, 1000.0)], 2)  # fmt: skip
    np.testing.assert_allclose(more.factor, named.factor, rtol=0.01)
    assert more.found.tolist() == named.found.tolist()


def test_the_order_of_the_cells_does_not_matter():
    rng = np.random.default_rng(1)
    estate, inspector, found, points = everyone_everywhere([1.4, 1.0, 0.7], np.linspace(0.02, 0.3, 12))
    shuffled = rng.permutation(estate.size)
    a = leniency(estate, inspector, found, points, 3)
    b = leniency(*(x[shuffled] for x in (estate, inspector, found, points)), 3)
    np.testing.assert_allclose(a.factor, b.factor, rtol=1e-12)


def test_no_visit_at_all_gives_no_factor():
    nothing = np.zeros(0)
    got = leniency(nothing.astype(int), nothing.astype(int), nothing, nothing, 0)
    assert got.factor.size == 0
