"""What is still open about the records: appeals under way, and what was asked for and not sent (method.md section 7).

*Disputed.* A record under appeal counts for nobody. What the scores would be with it is worked out beside: sums are linear
in their records, so the disputed rows' own sums are added and only the units concerned are scored again, with the priors
as published. A record that is judged by others (a hazard coming back after it) is added by its own row alone.

*Withheld.* Where a company was asked in writing for what it must report and the rule's days have passed, the metric earns
the rule's points, or fewer where its own record says fewer: holding records back never pays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import duckdb
import ibis.expr.types as ir
import numpy as np
import polars as pl

from data import pending_tables
from metrics.base import Metric
from metrics.cells import Cells, rescored
from metrics.grid import UNIT, Grid
from metrics.priors import Priors
from metrics.sums import SUMS
from metrics.terms import Terms
from rules.book import Rule

DISPUTED = "disputed"
FLAG = "objection_open"  # what records themselves say of an appeal


def empty(name: str) -> pl.DataFrame:
    """An empty table of ``data.pending_tables``."""
    columns = pending_tables.TABLES[name].to_schema().columns
    return pl.DataFrame(schema={c: s.dtype.type for c, s in columns.items()})


@dataclass(frozen=True)
class Pending:
    """Contracts Dispute and Withheld; empty = nothing is open."""

    disputes: pl.DataFrame = field(default_factory=lambda: empty("disputes"))
    withheld: pl.DataFrame = field(default_factory=lambda: empty("withheld"))

    def rows(self, name: str) -> pl.DataFrame:
        """One of the two, sorted, each row once."""
        columns = list(empty(name).columns)
        return getattr(self, name).select(columns).unique().sort(columns)


def flagged(tables: dict[str, ir.Table], disputes: ir.Table) -> dict[str, ir.Table]:
    """Record tables that know of appeals, with those of the ledger: each metric then leaves them out by its own rule."""

    def one(name: str, table: ir.Table) -> ir.Table:
        if FLAG not in table.columns:
            return table
        appealed = disputes.filter(disputes.record_table == name).record_id
        return table.mutate(**{FLAG: table[FLAG].fill_null(False) | table.record_id.isin(appealed)})

    return {name: one(name, table) for name, table in tables.items()}


def leave_out(con: duckdb.DuckDBPyConnection) -> None:
    """Mark the evidence that rests on a record under appeal; what was left out for another reason keeps it."""
    con.execute(
        """
        UPDATE edition.evidence AS e SET excluded = 'disputed'
        FROM edition.disputes AS d
        WHERE (e.excluded IS NULL OR e.excluded = 'grace')
          AND ((e.record_table = d.record_table AND e.record_id = d.record_id)
               OR (d.record_table = 'inspections' AND e.record_table = 'inspection_items'
                   AND split_part(e.record_id, '/', 1) = d.record_id))
        """
    )


def as_if_counted(con: duckdb.DuckDBPyConnection, chosen: dict[str, Metric], grace_days: int) -> None:
    """Fill temporary table ``disputed_rows``: the disputed evidence as it would count; a newcomer's first days stay spared."""
    grace = sorted(name for name, metric in chosen.items() if metric.grace)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE disputed_rows AS
        SELECT e.* REPLACE (
            CASE WHEN list_contains($grace, e.metric) AND m.valid_from IS NOT NULL
                      AND e.occurred_on < m.valid_from + $days::INT THEN 'grace' END AS excluded
        )
        FROM edition.evidence AS e
        LEFT JOIN edition.management AS m USING (unit_id)
        WHERE e.excluded = 'disputed' AND list_contains($metrics, e.metric)
        """,
        {"grace": grace, "days": grace_days, "metrics": sorted(chosen)},
    )


def points_at_most(grid: Grid, withheld: pl.DataFrame, last_days: dict[str, object], names: tuple, rule: Rule) -> Grid:
    """The grid with the most that each withheld cell may earn: of the estate, and of the units in charge of it.

    Args:
        last_days: period to its last day. names: of the grid's metrics.
    """
    wait = timedelta(days=rule["withheld_days"])
    days = pl.DataFrame(
        {"period": list(last_days), "last": list(last_days.values())}, schema={"period": pl.String, "last": pl.Date}
    )
    owed = withheld.filter(pl.col("submitted_on").is_null()).join(days, how="cross")
    owed = owed.filter(pl.col("noticed_on") + wait < pl.col("last")).select("estate_id", "period", "metric").unique()
    units = grid.units.select("level", "estate_id", "period", "current").with_row_index("row")
    cells = units.filter((pl.col("level") == "estate") | pl.col("current")).join(owed, on=["estate_id", "period"])
    places = pl.DataFrame({"metric": list(names)}).with_row_index("place")
    cells = cells.join(places, on="metric")
    most = np.full(grid.e.shape, np.nan)
    most[cells["row"].to_numpy(), cells["place"].to_numpy()] = rule["withheld_points"]
    return replace(grid, at_most=np.where(grid.applies, most, np.nan)) if cells.height else grid


def with_disputed(grid: Grid, sums: pl.DataFrame, names: tuple) -> tuple[Grid, np.ndarray, np.ndarray]:
    """The units with disputed records, as if these counted.

    Args:
        sums: contract MetricSum of the units, periods and metrics concerned.

    Returns:
        The grid of these units alone, their rows in ``grid``, and (rows, J) how many disputed records each cell has.
    """
    index = grid.units.select(UNIT).with_row_index("row")
    places = pl.DataFrame({"metric": list(names)}).with_row_index("place")
    found = sums.join(index, on=UNIT).join(places, on="metric").sort("row", "place")
    cell = (found["row"].cast(pl.Int64).to_numpy(), found["place"].cast(pl.Int64).to_numpy())
    known = grid.applies[cell] & (found["records"].to_numpy() != grid.records[cell])
    rows = np.unique(cell[0][known])
    at = (np.searchsorted(rows, cell[0][known]), cell[1][known])
    part, changed = grid.block(rows), {}
    for name in SUMS:
        changed[name] = getattr(part, name).copy()
        changed[name][at] = found[name].to_numpy()[known]
    more = changed["records"] - part.records
    return replace(part, **changed), rows, more


def both_values(
    grid: Grid, terms: Terms, cells: Cells, prior: Priors, sums: pl.DataFrame, index: pl.DataFrame, rule: Rule
) -> pl.DataFrame:  # fmt: skip
    """Contract DisputedScore: what is published, and what it would be with the disputed records; caps stay.

    Args:
        sums: contract MetricSum as if the disputed records counted, of the units concerned.
        index: contract IndexScore in the grid's order.
    """
    part, rows, more = with_disputed(grid, sums, terms.names)
    points, score = rescored(grid, part, terms, prior, rule)
    units = part.units.select(*UNIT, "estate_id")
    caps, final = (index[rows][c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("cap", "final"))
    u, j = np.nonzero(more)
    shape = [*UNIT, "estate_id", "metric", "records", "without", "with_them"]
    whole = units.with_columns(
        metric=pl.lit(""), records=more.sum(axis=1), without=pl.Series(final), with_them=pl.Series(np.fmin(score, caps))
    ).select(shape)
    each = units[u].with_columns(
        metric=pl.Series(np.array(terms.names, dtype=object)[j], dtype=pl.String), records=more[u, j],
        without=pl.Series(cells.points[rows][u, j]), with_them=pl.Series(points[u, j]),
    ).select(shape)  # fmt: skip
    return pl.concat([whole, each]).with_columns(pl.col(pl.Float64).fill_nan(None)).sort(*UNIT, "metric")
