"""First evaluations of a cycle and those that follow up: by days alone."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl
import pytest

from benchmarks import real_cycles


def visits(rows):
    con = duckdb.connect()
    con.execute(
        "CREATE TEMP TABLE given (inspection_id VARCHAR, estate_id VARCHAR, inspected_on DATE, trigger VARCHAR)"
    )
    con.executemany("INSERT INTO given VALUES (?, ?, ?, ?)", rows)
    con.execute("CREATE TEMP VIEW inspections AS FROM given")
    counts = real_cycles.follow_ups_apart(con)
    return counts, dict(con.sql("SELECT inspection_id, trigger FROM inspections ORDER BY 1").fetchall())


def test_a_cycle_lasts_eighteen_months_from_its_first_visit():
    # oak: 2018-01 starts; 2018-11 and 2019-06-30 lie within eighteen months of it; 2019-07-01 does not
    days = {"a": "2018-01-01", "b": "2018-11-01", "c": "2019-06-30", "d": "2019-07-01", "e": "2020-12-31"}
    counts, trigger = visits([(k, "oak", day, "routine") for k, day in days.items()])
    assert trigger == {"a": "routine", "b": "follow_up", "c": "follow_up", "d": "routine", "e": "follow_up"}
    assert counts == (2, 3)


def test_visits_once_a_year_do_not_put_off_the_next_cycle_for_ever():
    days = ["2018-01-01", "2019-01-01", "2020-01-01", "2021-01-01"]
    _, trigger = visits([(str(n), "oak", day, "routine") for n, day in enumerate(days)])
    assert list(trigger.values()) == ["routine", "follow_up", "routine", "follow_up"]


def test_each_building_has_its_own_cycle_and_other_reasons_stay():
    rows = [("a", "oak", "2018-01-01", "routine"), ("b", "elm", "2018-05-01", "routine")]
    rows += [("c", "oak", "2018-06-01", "complaint"), ("d", "elm", "2018-09-01", "routine")]
    counts, trigger = visits(rows)
    assert trigger == {"a": "routine", "b": "routine", "c": "complaint", "d": "follow_up"}
    assert counts == (2, 1)


def test_first_scores_of_neighbouring_cycles_are_compared_and_follow_ups_left_out():
    # each of 100 buildings: 60 + k, then 70 + 2k two years on: correlation 1, mean rise 10 + 49.5; the follow-up says 0
    con = duckdb.connect()
    con.execute("CREATE TEMP TABLE cycle_starts (estate_id VARCHAR, day DATE)")
    first, second, between = date(2018, 1, 1), date(2020, 1, 1), date(2018, 9, 1)
    con.executemany(
        "INSERT INTO cycle_starts VALUES (?, ?)", [(f"b{k}", d) for k in range(100) for d in (first, second)]
    )
    rows = [(f"b{k}", d, s) for k in range(100) for d, s in ((first, 60.0 + k), (between, 0.0), (second, 70.0 + 2 * k))]
    scores = pl.DataFrame(rows, schema=["estate_id", "day", "published"], orient="row")
    (row,) = real_cycles.repeated(con, scores).to_dicts()
    assert (row["cycle"], row["following"], row["buildings"]) == (2018, 2020, 100)
    assert row["correlation"] == pytest.approx(1)
    assert row["rise"] == pytest.approx(59.5)
