"""How many throws a point is worth."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from data.adjustment_tables import Dispersion
from metrics import dispersion
from tests.metrics.scoring import index_rule

METRICS = {"share": SimpleNamespace(family="proportion"), "rate": SimpleNamespace(family="rate")}
ANY = index_rule(dispersion_rows_min=1)


def found(rows, rule=ANY, visits=lambda row: row.cast(pl.String)):
    """Dispersion of ``(estate, day, passed, points)`` rows."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS edition")
    shape = {"estate_id": pl.String, "decided_on": pl.Date, "numerator": pl.Float64, "denominator": pl.Float64}
    frame = pl.DataFrame(rows, schema=shape, orient="row")
    frame = frame.with_row_index("row").with_columns(
        metric=pl.lit("share"), excluded=pl.lit(None, dtype=pl.String), record_id=visits(pl.col("row"))
    )
    con.register("given", frame.to_arrow())
    con.execute("CREATE TABLE edition.evidence AS SELECT * FROM given")
    return Dispersion.validate(dispersion.dispersions(con, METRICS, rule)).row(0, named=True)


DAY = date(2026, 5, 1)


def test_visits_that_differ_more_than_throws_count_for_fewer():
    # 10 of 10 and 4 of 10: y = 14, n = 20, s = 10 + 1.6; spread 11.6 - 9.8 = 1.8; throws 14 x 6 / (20 x 19) = .221053
    row = found([("oak", DAY, 10, 10), ("oak", DAY, 4, 10)])
    assert (row["spread"], row["freedom"]) == (pytest.approx(1.8), 1)
    assert row["throws"] == pytest.approx(84 / 380)
    assert row["dispersion"] == pytest.approx(1.8 / (84 / 380), abs=1e-6)


def test_graded_items_tell_more_than_throws():
    # 3 and 4 of 5 on items of one point: x = .6, .8, .6, .8; spread 4 x .01 = .04; 3 x 2.8 x 1.2 / (4 x 3) = .84
    row = found([("oak", DAY, x, 1) for x in (0.6, 0.8, 0.6, 0.8)])
    assert row["spread"] == pytest.approx(0.04)
    assert row["throws"] == pytest.approx(0.84)
    assert row["dispersion"] == pytest.approx(0.05)  # .047619, and the rule's least


def test_records_of_one_point_are_throws_whatever_they_say():
    rng = np.random.default_rng(3)
    rows = [(f"e{e}", DAY, float(rng.random() < e / 10), 1) for e in range(10) for _ in range(20)]
    row = found(rows)
    assert row["dispersion"] == 1.0
    assert row["why_not"] == dispersion.AS_THROWS


def test_throws_of_ten_points_have_dispersion_one():
    rng = np.random.default_rng(4)
    rows = [(f"e{e}", DAY, float(rng.binomial(10, 0.5 + e / 1000)), 10) for e in range(400) for _ in range(10)]
    assert found(rows)["dispersion"] == pytest.approx(1, abs=0.07)  # 3,600 degrees: sd sqrt(2 / 3600) = .024


def test_change_from_year_to_year_is_not_noise():
    rows = [("oak", date(year, 5, 1), passed, 10) for year, passed in ((2025, 9), (2025, 9), (2026, 3), (2026, 3))]
    assert found(rows)["spread"] == pytest.approx(0)


def test_the_points_of_one_visit_are_one_look():
    # two visits of two kinds of points: (9 + 1) of 20 and (8 + 2) of 20: no spread between visits, whatever between kinds
    rows = [("oak", DAY, x, 10) for x in (9, 1, 8, 2)]
    row = found(rows, visits=lambda row: pl.format("v{}/item{}", row // 2, row % 2))
    assert (row["spread"], row["freedom"]) == (pytest.approx(0), 1)


def test_where_nobody_is_visited_twice_a_year_the_years_are_compared():
    # oak 10 then 4, elm 8 then 10 of 10: the district stood at .9 and .7. Off its level oak is .1 and -.3, elm -.1 and .3:
    # spread 10 x 2 x .2^2 = .8 each. Throws: oak 14 x 6 / (20 x 19) less the level's variance .01, elm 18 x 2 / 380 - .01.
    rows = [("oak", 2025, 10), ("oak", 2026, 4), ("elm", 2025, 8), ("elm", 2026, 10)]
    row = found([(name, date(year, 5, 1), passed, 10) for name, year, passed in rows])
    assert (row["spread"], row["freedom"]) == (pytest.approx(1.6), 2)
    assert row["throws"] == pytest.approx(84 / 380 + 36 / 380 - 0.02)


def test_what_the_whole_district_changed_between_years_is_not_noise():
    # both rise from 4 to 8 of 10 with the district: nothing is left
    rows = [(name, date(year, 5, 1), passed, 10) for name in ("oak", "elm") for year, passed in ((2025, 4), (2026, 8))]
    assert found(rows)["spread"] == pytest.approx(0)


def test_records_of_one_point_are_throws_over_the_years_too():
    rows = [("oak", date(year, 5, 1), passed, 1) for year, passed in ((2024, 1), (2025, 0), (2026, 1))]
    rows += [("elm", date(2024, 5, 1), 1, 1), ("elm", date(2026, 5, 1), 1, 1)]
    assert found(rows)["dispersion"] == 1.0


def test_few_rows_leave_points_as_they_are_and_it_says_so():
    for rows in ([], [("oak", DAY, 10, 10), ("oak", DAY, 4, 10)]):
        row = found(rows, index_rule(dispersion_rows_min=2))
        assert (row["dispersion"], row["why_not"]) == (1.0, dispersion.FEW_ROWS)


def test_sums_of_proportions_are_divided_and_the_share_stays():
    sums = pl.DataFrame({"metric": ["share", "rate"], "y": [8.0, 8.0], "e": [10.0, 10.0], "e2": [9.0, 9.0]})
    by = pl.DataFrame({"metric": ["share"], "dispersion": [2.0]})
    assert dispersion.with_dispersion(sums, by).rows() == [("share", 4.0, 5.0, 4.5), ("rate", 8.0, 10.0, 9.0)]
