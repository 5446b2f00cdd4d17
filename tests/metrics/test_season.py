"""Seasonal exposure: twelve months as units of the moments (method.md 2.4)."""

from __future__ import annotations

from datetime import date

import duckdb
import ibis
import numpy as np
import pytest

from data.adjustment_tables import Season
from data.contracts import TABLES
from metrics import season
from metrics.base import Metric
from metrics.calendar import Quarter
from metrics.evidence import evidence_of, records_of
from metrics.sums import quarter_sums
from rules.book import Book, Rule
from tests.metrics.conftest import OAK, QUARTERS, record_tables

DAYS = {n: t.day for n, t in TABLES.items()}
LAST = Quarter.parse("2026Q4")
HALF_YEARS = np.repeat([150.0, 50.0], 6)


def test_half_the_year_thrice_as_busy_is_a_season_of_known_size():
    # m = 1200 / 12 = 100; Q = 12 x 50^2 = 30,000; noise = 100 x 12 x (1 - 1/12) = 1,100; room = 12 - 12/12 = 11
    # tau2 = 28,900 / 11 = 2,627.2727, tau / m = .512569; (10,000 + 2,627.2727 y) / (100 + 2,627.2727) / 100:
    # 404,090.91 / 272,727.27 = 1.481667 and 141,363.64 / 272,727.27 = .518333
    cv, factor = season.month_factors(HALF_YEARS, np.ones(12))
    assert cv == pytest.approx(0.512569, abs=1e-6)
    assert factor == pytest.approx(np.repeat([1.481667, 0.518333], 6), abs=1e-6)


def test_a_years_exposure_of_the_district_stays_what_it_was():
    e = np.linspace(0.5, 2.0, 12)
    _, factor = season.month_factors(HALF_YEARS, e)
    assert (factor * e).sum() == pytest.approx(e.sum())


def test_chance_alone_makes_no_season():
    # 100 expected in each month, Poisson: spread about 10 of 100, all of it chance
    y = np.random.default_rng(5).poisson(100, 12).astype(float)
    cv, factor = season.month_factors(y, np.ones(12))
    assert cv < 0.10
    assert np.abs(factor - 1).max() < 0.10
    assert season.month_factors(np.zeros(12), np.ones(12))[1].tolist() == [1.0] * 12


def _fires(records, _rules):
    rows = records.incidents
    return rows.select("estate_id", "record_id", occurred_on="occurred_on", decided_on="occurred_on",
                       numerator=ibis.literal(1.0), denominator=ibis.literal(0.0))  # fmt: skip


METRIC = Metric(
    code="X", family="rate", record="incidents", unit="u", evidence=_fires, shows=(), source="police", exposure="homes"
)


def _made(per_month, years=(2025, 2026), **changes):
    """Seasons, and a full year's exposure of a quarter with them, of an estate with so many events in each month."""
    rows = [
        {"incident_id": f"{y}-{m}-{i}", "estate_id": "oak", "occurred_on": date(y, m, 1 + i % 28), "kind": "fire",
         "severity": "minor"}
        for y in years for m in range(1, 13) for i in range(per_month(m))
    ]  # fmt: skip
    estate = OAK | {"households": 1000, "valid_from": date(years[0], 1, 1)}
    con = duckdb.connect()
    records = records_of(record_tables(con, {"estates": [estate], "incidents": rows}), LAST, QUARTERS)
    book = Book()
    rule = book.on(LAST.last, "index")
    rule = Rule(rule.name, rule.valid_from, rule.valid_to, rule.values | {"half_life_months": 1e7} | changes)
    expression = evidence_of("fires_per_1000_homes", METRIC, records, book, (LAST - (QUARTERS - 1)).start, LAST)
    backend = ibis.duckdb.from_connection(con)
    backend.create_table("evidence", expression)
    chosen, rows = {"fires_per_1000_homes": METRIC}, backend.table("evidence")
    found = Season.validate(season.seasons(rows, chosen, DAYS, records, LAST, QUARTERS, rule))
    given = quarter_sums(rows, chosen, DAYS, records, LAST, QUARTERS, rule, season.factors(found))
    return found, given.to_polars().filter(level="estate").sort("ordinal")


def test_a_busy_summers_exposure_weighs_more_and_a_year_as_much_as_before():
    # 1,000 homes: April to September 30 events a month, else 10, for two years: 480 in all
    found, quarters = _made(lambda m: 30 if 4 <= m <= 9 else 10)
    assert found["applied"].all()
    assert found["events"].to_list() == [20.0] * 3 + [60.0] * 6 + [20.0] * 3
    assert found["exposure"].sum() == pytest.approx(2.0, abs=1e-6)  # two years of 1,000 homes
    summer = found.filter(month=7)["factor"][0]
    winter = found.filter(month=1)["factor"][0]
    # exposures are not quite 1/6 (28 to 31 days): about thrice, a little pulled together
    assert 2.5 < summer / winter < 3
    e = quarters["e"].to_list()
    assert sum(e) == pytest.approx(2.0, abs=1e-5)
    july, august, september = found["factor"][6:9]
    assert e[2] == pytest.approx((31 * july + 31 * august + 30 * september) / 365, rel=1e-4)


@pytest.mark.parametrize(
    ("per_month", "changes", "why"),
    [
        (lambda m: 20, {}, season.STEADY),
        (lambda m: 30 if m < 7 else 10, {"season_years_min": 3}, season.FEW_YEARS),
        (lambda m: 12 if m < 7 else 4, {}, season.FEW_EVENTS),  # 192 in two years
    ],
)
def test_without_a_sure_season_months_stay_as_they_are_and_it_says_why(per_month, changes, why):
    found, quarters = _made(per_month, **changes)
    assert set(found["why_not"]) == {why}
    assert set(found["factor"]) == {1.0}
    assert quarters["e"][-1] == pytest.approx(92 / 365, rel=1e-4)


def test_no_records_at_all_give_months_without_events():
    found, quarters = _made(lambda m: 0)
    assert found["events"].sum() == 0
    assert not found["applied"].any()
    assert quarters.is_empty()
