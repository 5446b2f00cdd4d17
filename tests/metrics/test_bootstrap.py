"""How unsure the prior of a small class is (method.md 9.1)."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.bootstrap import priors_again, small_classes
from metrics.certainty import Ways
from metrics.priors import learn
from metrics.scores import score
from tests.metrics.scoring import RATE, grid_for, index_rule, sums_frame, terms_for, unit_row, units_frame
from tests.metrics.test_scores import ALONE, ANY, NO_CAPS

EVENTS, EXPOSURE = np.array([2, 0, 6, 1, 11.0]), np.array([4, 1, 8, 2, 5.0])


def town(large: int = 0, **changes):
    """The five estates of T4 in class UV, and ``large`` estates of class HR; one rate metric is the whole index."""
    rows = [unit_row(f"u{i}", estate_class="UV") for i in range(5)] + [unit_row(f"h{i:03}") for i in range(large)]
    units = units_frame(rows)
    y = np.concatenate([EVENTS, np.arange(large) % 4])
    e = np.concatenate([EXPOSURE, np.full(large, 2.0)])
    terms = terms_for({"events": RATE}, {"fire": 1.0})
    grid = grid_for(terms, units, sums_frame("events", y, e, units))
    return grid, terms, index_rule(**(ANY | {"winsorise": 0.0, "pair_units_min": 1} | changes))


def test_only_classes_below_the_rules_number_are_small():
    grid, terms, rule = town(large=50)
    assert grid.classes["estate_class"].to_list() == ["HR", "UV"]
    assert small_classes(learn(grid, terms, rule), rule).tolist() == [False, True]


def test_a_large_class_keeps_its_prior_and_a_small_one_varies():
    grid, terms, rule = town(large=50)
    again = priors_again(learn(grid, terms, rule), terms, rule)
    assert len(again) == 40
    levels = np.array([p.m[:, 0] for p in again])
    assert len(set(levels[:, 0])) == 1
    assert len(set(levels[:, 1])) > 20


def test_levels_vary_as_those_of_estates_drawn_with_replacement():
    grid, terms, rule = town(**(ALONE | {"class_blended_below": 50}), prior_draws=4000)
    levels = np.array([p.m[0, 0] for p in priors_again(learn(grid, terms, rule), terms, rule)])
    # independently: sum y / sum E of five estates drawn with replacement, kept off the edge as a class level is
    rng = np.random.default_rng(7)
    drawn = rng.integers(0, 5, (4000, 5))
    total = EXPOSURE[drawn].sum(axis=1)
    plain = EVENTS[drawn].sum(axis=1) / total
    expected = np.maximum(plain, 0.5 / (total + 0.5))  # the district's level is 20 / 20 = 1
    assert levels.mean() == pytest.approx(expected.mean(), abs=0.03)
    assert levels.std() == pytest.approx(expected.std(), abs=0.03)
    assert np.quantile(levels, [0.1, 0.9]) == pytest.approx(np.quantile(expected, [0.1, 0.9]), abs=0.06)


def test_no_small_class_no_bootstrap():
    grid, terms, rule = town(class_blended_below=0)
    assert priors_again(learn(grid, terms, rule), terms, rule) == []


def test_scores_of_a_small_class_are_less_sure_with_the_priors_own_doubt():
    grid, terms, rule = town(large=50, draws=4000)
    learned = learn(grid, terms, rule)
    prior, small = learned.priors(terms, rule), small_classes(learned, rule)
    plain = score(grid, terms, NO_CAPS, Ways(prior, rule))["index_scores"]
    doubt = score(grid, terms, NO_CAPS, Ways(prior, rule, priors_again(learned, terms, rule), small))["index_scores"]
    assert doubt["score"].to_list() == plain["score"].to_list()
    ratio = dict(zip(plain["unit_id"], doubt["sd"] / plain["sd"], strict=True))
    # the thinnest record (u1, exposure 1) leans on the prior most; the class HR is drawn as before
    assert ratio["u1"] > 1.1 and ratio["u1"] > ratio["u2"]
    assert all(r == 1 for unit, r in ratio.items() if unit.startswith("h"))


def test_the_same_records_give_the_same_bytes():
    grid, terms, rule = town()
    first, second = (priors_again(learn(grid, terms, rule), terms, rule) for _ in range(2))
    assert [p.m.tobytes() + p.tau2.tobytes() for p in first] == [p.m.tobytes() + p.tau2.tobytes() for p in second]
