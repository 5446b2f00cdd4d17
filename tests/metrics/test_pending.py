"""Disputed and withheld records (method.md section 7): two values, and forty points."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from cases import publish
from metrics import pending, priors, scores
from metrics.cells import cells_of
from metrics.certainty import Ways
from metrics.pending import Pending
from tests.conftest import copy_of
from tests.metrics.scoring import (
    PERIOD,
    RATE,
    SHARE,
    grid_for,
    index_rule,
    sums_frame,
    terms_for,
    unit_row,
    units_frame,
)
from tests.metrics.test_scores import ALONE, ANY, CHECKED, EVENTS, EXPOSURE, NO_CAPS, PASSED, WEIGHTS

LAST = {PERIOD: date(2026, 9, 30)}
RULE = index_rule(**(ALONE | ANY))
TERMS = terms_for({"events": RATE, "passed": SHARE}, WEIGHTS)


def owed(estate_id: str, metric: str, noticed_on: date, submitted_on: date | None = None) -> pl.DataFrame:
    row = {"estate_id": estate_id, "metric": metric, "noticed_on": noticed_on, "submitted_on": submitted_on}
    return pl.DataFrame([row], schema_overrides={"submitted_on": pl.Date})


def five():
    """The grid of T23."""
    units = units_frame([unit_row(f"e{i}") for i in range(5)])
    sums = pl.concat([sums_frame("events", EVENTS, EXPOSURE, units), sums_frame("passed", PASSED, CHECKED, units)])
    return grid_for(TERMS, units, sums)


def scored(grid) -> dict[str, pl.DataFrame]:
    return scores.score(grid, TERMS, NO_CAPS, Ways(priors.estimate(grid, TERMS, RULE), RULE))


def test_what_is_withheld_earns_forty_points_and_nobody_elses_score_moves():
    # T23, e0: (.6 x 84.465649^.5 + .4 x 40^.5)^2 = (5.514312 + 2.529822)^2 = 64.7081; the others as in T23
    grid = pending.points_at_most(five(), owed("e0", "passed", date(2026, 8, 1)), LAST, TERMS.names, RULE)
    made = scored(grid)
    index = made["index_scores"].sort("unit_id")
    assert index["score"].to_list() == pytest.approx([64.7081, 73.730049, 76.361473, 72.563167, 63.644020], abs=1e-3)
    cell = made["metric_scores"].filter(pl.col("unit_id") == "e0", pl.col("metric") == "passed").row(0, named=True)
    assert (cell["state"], cell["points"], cell["estimate"]) == ("withheld", 40.0, None)
    lines = made["metric_scores"].filter(pl.col("unit_id") == "e0")["points_lost"].sum()
    assert lines == pytest.approx(index["score"][0] - 100, abs=1e-9)  # the label has its own exact line
    assert index["coverage"][0] == 1.0  # withholding is no way out of being rated


def test_withheld_points_are_a_fact_and_add_no_spread():
    # both metrics withheld: 40 in both sub-indices, so 40 in all, surely
    both = pl.concat([owed("e0", name, date(2026, 8, 1)) for name in TERMS.names])
    grid = pending.points_at_most(five(), both, LAST, TERMS.names, RULE)
    row = scored(grid)["index_scores"].filter(pl.col("unit_id") == "e0").row(0, named=True)
    assert row["score"] == pytest.approx(40.0)
    assert (row["sd"], row["p_below"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("noticed", "submitted", "held"),
    [
        (date(2026, 9, 14), None, True),  # the fifteen days ended on the 29th, the period on the 30th
        (date(2026, 9, 15), None, False),
        (date(2026, 8, 1), date(2026, 9, 29), False),  # sent, if late: restored in full
    ],
)
def test_forty_points_wait_for_fifteen_days_and_end_with_the_submission(noticed, submitted, held):
    grid = pending.points_at_most(five(), owed("e0", "passed", noticed, submitted), LAST, TERMS.names, RULE)
    assert grid.withheld.any() == held


def test_only_the_estate_and_who_is_in_charge_of_it_answer():
    rows = [unit_row("oak"), unit_row("oak", "tenure"), unit_row("oak", "tenure", unit_id="before", current=False)]
    units = units_frame([*rows, unit_row("elm")])
    grid = grid_for(TERMS, units, sums_frame("events", [1] * 4, [1] * 4, units))
    grid = pending.points_at_most(grid, owed("oak", "passed", date(2026, 8, 1)), LAST, TERMS.names, RULE)
    held = grid.units.filter(pl.Series(grid.withheld.any(axis=1)))["unit_id"].to_list()
    assert sorted(held) == ["oak", "tenure-oak"]


def test_withholding_never_pays():
    # where the record at hand already earns 20 points, forty would be a reward
    grid = pending.points_at_most(five(), owed("e0", "passed", date(2026, 8, 1)), LAST, TERMS.names, RULE)
    at = (0, TERMS.names.index("passed"))
    assert grid.held(np.full(grid.e.shape, 20.0))[at] == 20.0
    assert grid.held(np.full(grid.e.shape, 90.0))[at] == 40.0


def test_the_value_with_disputed_records_beside_the_one_without():
    # T23, e1 with two more events on E = 1: theta = (2.338710 + 2) / 3.338710 = 1.299517, u = 90 - 30 x .799517 = 66.014490;
    # S = (.6 x 66.014490^.5 + .4 x 59.598552^.5)^2 = (4.874959 + 3.088004)^2 = 63.4088, for 73.7300 without them
    grid = five()
    prior = priors.estimate(grid, TERMS, RULE)
    cells, index = cells_of(grid, TERMS, prior, RULE), scored(grid)["index_scores"]
    units = grid.units.filter(pl.col("unit_id") == "e1")
    sums = sums_frame("events", [2], [1], units, records=[3])  # one record before
    both = pending.both_values(grid, TERMS, cells, prior, sums, index, RULE)
    assert both["metric"].to_list() == ["", "events"]
    assert both["records"].to_list() == [2, 2]
    assert both["without"].to_list() == pytest.approx([73.730049, 83.985507], abs=1e-5)
    assert both["with_them"].to_list() == pytest.approx([63.4088, 66.014490], abs=1e-3)


def test_without_disputes_there_is_no_second_value():
    grid = five()
    prior = priors.estimate(grid, TERMS, RULE)
    sums = sums_frame("events", [], [], grid.units.clear())
    cells = cells_of(grid, TERMS, prior, RULE)
    assert pending.both_values(grid, TERMS, cells, prior, sums, scored(grid)["index_scores"], RULE).is_empty()


def evidence(rows) -> duckdb.DuckDBPyConnection:
    """Evidence of ``(record_table, record_id, unit_id, occurred_on, excluded)``, and who took over when."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS edition")
    con.execute(
        "CREATE TABLE edition.evidence (record_table VARCHAR, record_id VARCHAR, unit_id VARCHAR, occurred_on DATE, "
        "excluded VARCHAR, metric VARCHAR DEFAULT 'passed')"
    )
    con.execute("CREATE TABLE edition.disputes (record_table VARCHAR, record_id VARCHAR)")
    con.execute("CREATE TABLE edition.management AS SELECT 'u1' AS unit_id, DATE '2026-05-01' AS valid_from")
    con.executemany(
        "INSERT INTO edition.evidence (record_table, record_id, unit_id, occurred_on, excluded) VALUES (?, ?, ?, ?, ?)",
        rows,
    )
    return con


def test_an_appeal_against_a_visit_takes_all_its_points_and_keeps_other_reasons():
    day = date(2026, 6, 1)
    con = evidence(
        [("inspection_items", "v1/doors", "u1", day, None), ("inspection_items", "v1/lamps", "u1", day, "not_routine"),
         ("inspection_items", "v12/doors", "u1", day, None), ("drills", "v1", "u1", day, None)]
    )  # fmt: skip
    con.execute("INSERT INTO edition.disputes VALUES ('inspections', 'v1'), ('hazards', 'x')")
    pending.leave_out(con)
    assert [r[0] for r in con.sql("SELECT excluded FROM edition.evidence ORDER BY rowid").fetchall()] == [
        "disputed", "not_routine", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(("day", "grace"), [(date(2026, 5, 30), "grace"), (date(2026, 5, 31), None)])
def test_a_newcomers_first_days_stay_spared_also_under_appeal(day, grace):
    con = evidence([("drills", "d1", "u1", day, "disputed")])  # in charge since 1 May: thirty days to the 30th
    pending.as_if_counted(con, {"passed": SimpleNamespace(grace=True)}, 30)
    assert con.sql("SELECT excluded FROM disputed_rows").fetchall() == [(grace,)]


def test_an_edition_keeps_both_values_and_is_computed_again_to_the_same_numbers(demo_root, tmp_path):
    root = copy_of(demo_root, tmp_path / "var")
    current = (root / "editions" / "CURRENT").read_text()
    con = duckdb.connect(str(root / "editions" / f"{current}.duckdb"), read_only=True)
    visit = """
        SELECT e.record_id.split('/')[1] AS visit, e.estate_id FROM evidence AS e
        WHERE e.record_table = 'inspection_items' AND e.excluded IS NULL AND e.period = '2026Q3'
          AND NOT EXISTS (FROM evidence AS d WHERE d.estate_id = e.estate_id AND d.excluded = 'disputed')
        ORDER BY ALL LIMIT 1
    """
    record, estate = con.sql(visit).fetchall()[0]
    before = con.sql(f"SELECT final FROM index_scores WHERE period = '2026Q3' AND unit_id = '{estate}'").fetchall()[0][
        0
    ]
    con.close()
    row = {"record_table": "inspections", "record_id": record, "estate_id": estate, "since": date(2026, 9, 1)}
    still = Pending(disputes=pl.DataFrame([row]))
    made = publish.draft(root, "2026Q3", now=datetime(2026, 10, 2, tzinfo=UTC), by="test", still=still)
    con = duckdb.connect(str(root / "editions" / f"{made}.duckdb"), read_only=True)
    out = con.execute("SELECT count(*) FROM evidence WHERE excluded = 'disputed' AND estate_id = $e", {"e": estate})
    assert out.fetchall()[0][0] > 0
    values = (
        "SELECT without, with_them FROM disputed_scores WHERE level = 'estate' AND period = '2026Q3' AND metric = ''"
    )
    without, with_them = con.execute(f"{values} AND unit_id = $e", {"e": estate}).fetchall()[0]
    final = con.execute("SELECT final FROM index_scores WHERE period = '2026Q3' AND unit_id = $e", {"e": estate})
    assert without == final.fetchall()[0][0]
    con.close()
    assert with_them == pytest.approx(before, abs=0.2)  # the classes' priors miss one visit, nothing else differs
    assert abs(with_them - without) > 0
    assert publish.verify(root, made, now=datetime(2026, 10, 3, tzinfo=UTC)) == []
