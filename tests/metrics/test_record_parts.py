"""What each record takes off a score: exact splits, by hand and from a whole edition's evidence."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import metrics
from data import editions
from data.queries import parts
from data.scope import Scope
from metrics.calendar import Quarter
from metrics.record_parts import Cell, amounts, counts, split
from rules.book import Book

LAST = date(2026, 9, 30)
ALL = Scope("zhou", "supervisor")


def records(numbers, denominators=None, factor=None, days=None) -> pl.DataFrame:
    n = len(numbers)
    return pl.DataFrame(
        {"numerator": [float(x) for x in numbers], "denominator": [float(x) for x in denominators or [0] * n],
         "factor": factor or [None] * n, "decided_on": days or [LAST] * n},
        schema_overrides={"factor": pl.Float64},
    )  # fmt: skip


def metric(family: str, cycles=(0, 4)) -> SimpleNamespace:
    return SimpleNamespace(family=family, cycles=cycles)


def cell(lost=-10.0, m=1.0, tau2=0.427586, c=1.0, throws=1.0, fail=4.0, best=0.2) -> Cell:
    return Cell(lost, m, tau2, c, throws, fail, best)


def test_two_fires_and_the_class_share_what_a_rate_costs():
    # T4, first estate: alpha = 1 / .427586 = 2.338710; 1 / 4.338710 = .230483 for each fire, .539034 for the class
    own, peers = split(records([1, 1]), metric("rate"), cell(), LAST, 12)
    assert own.tolist() == pytest.approx([-2.30483] * 2, abs=1e-4)
    assert peers == pytest.approx(-5.39034, abs=1e-4)


def test_a_year_old_fire_weighs_half():
    # 365.25 days would be exactly half; 365 give 2 ** (-365 / 365.25) = .500237: (1 + .500237 + 2.338710) in all
    own, _ = split(records([1, 1], days=[LAST, date(2025, 9, 30)]), metric("rate"), cell(), LAST, 12)
    whole = 1 + 2 ** (-365 / 365.25) + 1 / 0.427586
    assert own.tolist() == pytest.approx([-10 / whole, -10 * 2 ** (-365 / 365.25) / whole])


def test_failed_points_and_the_class_share_what_a_proportion_costs():
    # T5, third estate: M = 7.687213, m .8; 4 of 16 failed: 1 - theta = (1.537443 + 4) / 23.687213; the class 27.7645 %
    of = cell(m=0.8, tau2=0.115112, fail=0.3, best=1.0)
    own, peers = split(records([9, 3], [10, 6]), metric("proportion"), of, LAST, 12)
    assert peers == pytest.approx(-2.77645, abs=1e-4)
    assert own.tolist() == pytest.approx([-1.80589, -5.41767], abs=1e-4)  # one and three of the four


def test_a_strict_inspectors_failures_count_by_the_factor_and_points_by_their_throws():
    of = cell(m=0.8, tau2=0.115112, throws=2.0, fail=0.3, best=1.0)
    assert amounts(records([6], [10], [1.25]), metric("proportion"), of, LAST, 12).tolist() == pytest.approx([1.6])


def test_where_less_is_better_the_ones_counted_are_the_bad_ones():
    of = cell(m=0.1, tau2=0.1, fail=0.4, best=0.0)  # recurrences: M = 9, m M = .9; one of two came back: 1 / 1.9
    own, peers = split(records([1, 0], [1, 1]), metric("proportion"), of, LAST, 12)
    assert own.tolist() == pytest.approx([-10 / 1.9, 0])
    assert peers == pytest.approx(-9 / 1.9)


def test_a_duty_missed_is_its_own_and_no_classs():
    of = cell(m=np.nan, tau2=np.nan, fail=0.0, best=1.0)
    own, peers = split(records([1, 0, 0.5], [1, 1, 1]), metric("obligation"), of, LAST, 12)
    assert own.tolist() == pytest.approx([0, -10 / 1.5, -5 / 1.5])
    assert peers == pytest.approx(0)


def test_visits_are_split_by_what_each_lacks():
    # best 100; 90 and 70: 10 + 30; the class 80 with sigma2 / tau2 = 2: 2 x 20 = 40; in all 80
    of = cell(m=80.0, tau2=5.0, c=10.0, fail=50.0, best=100.0)
    own, peers = split(records([90, 70], [1, 1]), metric("mean"), of, LAST, 12)
    assert [*own.tolist(), peers] == pytest.approx([-1.25, -3.75, -5.0])


def test_without_a_failure_anywhere_nothing_is_laid_on_a_record():
    of = cell(m=np.nan, tau2=np.nan, fail=0.0, best=1.0)
    own, peers = split(records([1], [1]), metric("obligation"), of, LAST, 12)
    assert (own.tolist(), peers) == ([0.0], -10.0)


def test_records_of_an_edition_make_its_sums_and_their_points_make_its_loss(demo_root):
    con, book = editions.open_edition(editions.current(demo_root)), Book()
    period = con.sql("SELECT period FROM edition").fetchall()[0][0]
    last, index = Quarter.parse(period).last, book.on(Quarter.parse(period).last, "index")
    asked = con.sql(
        """
        SELECT level, unit_id, metric FROM metric_scores
        WHERE period = (SELECT period FROM edition) AND points_lost < 0 AND state = 'measured' AND records > 0
        QUALIFY row_number() OVER (PARTITION BY metric, level ORDER BY hash(unit_id)) <= 3
        """
    ).fetchall()
    tested = set()
    for level, unit, name in asked:
        kind, rule = metrics.ALL[name], book.metric(last, name)
        keys = {"level": level, "unit_id": unit, "metric": name, "period": period}
        found = parts.cell_of(ALL, con, **keys)
        rows = counts(parts.evidence_of(ALL, con, **keys), kind, level, period, index["window_quarters"])
        numbers = {n: np.nan if found[n] is None else found[n] for n in ("lost", "m", "tau2", "c", "throws")}
        of = Cell(**numbers, fail=rule["fail"], best=rule["best"])
        own, peers = split(rows, kind, of, last, index["half_life_months"])
        assert own.sum() + peers == pytest.approx(found["lost"], abs=1e-9)
        whole = amounts(rows, kind, of, last, index["half_life_months"]).sum()
        bad = found["e"] - found["y"] if of.more_is_better else found["y"]  # as the edition summed them, by SQL
        if kind.family in ("proportion", "rate", "obligation") and kind.cycles != (0,):
            assert whole == pytest.approx(bad, abs=1e-5), name
            tested.add(kind.family)
    assert tested == {"proportion", "rate", "obligation"}
