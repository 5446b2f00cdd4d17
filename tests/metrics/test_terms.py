"""Terms: what each metric is worth in each period, read from the rulebook."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import metrics
from metrics.terms import ANCHORS, SHOWN, terms_of
from rules.book import Book
from tests.metrics.books import amended_book, book_starting

LAST_DAYS = {"2026Q2": date(2026, 6, 30), "2026Q3": date(2026, 9, 30)}
NAME = "guards_certified"


def test_goalposts_and_weight_are_those_of_the_periods_last_day(tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 9, 30), minimum=0.95, weight=0.5)
    terms = terms_of(book, metrics.ALL, LAST_DAYS)
    j, minimum = terms.names.index(NAME), ANCHORS.index("minimum")
    assert terms.periods == ("2026Q2", "2026Q3")
    assert terms.posts[minimum, :, j].tolist() == [Book().metric(date(2026, 6, 30), NAME)["minimum"], 0.95]
    assert terms.weight[:, j].tolist() == [Book().metric(date(2026, 6, 30), NAME)["weight"], 0.5]


def test_a_rule_of_the_day_after_the_period_does_not_count_yet(tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 10, 1), minimum=0.95)
    terms = terms_of(book, metrics.ALL, LAST_DAYS)
    assert terms.posts[ANCHORS.index("minimum"), 1, terms.names.index(NAME)] != 0.95


def test_a_metric_before_its_first_rule_is_left_out(tmp_path):
    terms = terms_of(book_starting(tmp_path, NAME, date(2026, 7, 1)), metrics.ALL, LAST_DAYS)
    j = terms.names.index(NAME)
    assert terms.in_force[:, j].tolist() == [False, True]
    assert terms.weight[0, j] == 0.0


def test_the_scored_metrics_share_the_whole_index_in_every_period():
    terms = terms_of(Book(), metrics.ALL, LAST_DAYS)
    assert terms.overall.sum(axis=1).tolist() == pytest.approx([1.0, 1.0])
    assert list(terms.names) == sorted(metrics.ALL)
    shown = [terms.names.index(n) for n in ("self_found_share", "penalties_in_force")]
    assert (terms.subindex[:, shown] == SHOWN).all()
    assert (terms.overall[:, shown] == 0).all()


def test_direction_follows_from_the_goalposts():
    terms = terms_of(Book(), metrics.ALL, LAST_DAYS)
    better = dict(zip(terms.names, terms.higher_better[0], strict=True))
    assert better["hazards_fixed_in_time"]
    assert not better["fires_per_1000_homes"]
    assert np.isin(terms.family, ("rate", "proportion", "severity", "mean", "obligation")).all()
