"""What is taken out before estates are compared: inspectors' strictness and residents' readiness to report.

``inspected`` runs before the evidence and says by what each routine visit's failed points are divided; ``reported``
runs after the sums and multiplies the exposure of metrics that count what residents report. Both leave the records as
they are: the numbers of the rule (rules/adjustments.toml) and the two tables written here tell what was done.
Source: method.md 14.1 and 14.2.
"""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl

from metrics.complaints import DEMANDS
from metrics.grid import Groups
from metrics.leniency import Leniency, leniency
from metrics.propensity import propensities
from rules.book import Rule

DIGITS = 6  # factors are rounded to what is shown, so that a record's arithmetic can be followed to the end
OFF = "off"

_LOOKED = """
    CREATE OR REPLACE TEMP TABLE _looked AS
    SELECT v.inspection_id, v.estate_id, v.inspector_id, i.item_code, i.checked, i.checked - i.passed AS failed
    FROM inspections AS v
    JOIN inspection_items AS i USING (inspection_id)
    WHERE v.kind <> 'self_check' AND v.trigger = 'routine' AND v.estate_id IS NOT NULL AND i.checked > 0
      AND v.inspected_on BETWEEN $first AND $last
"""
# A point is worth the district's usual share of failing points of its kind: bodies whose forms ask for other items
# are then not taken for strict or lenient.
_CELLS = """
    WITH usual AS (
        SELECT item_code, sum(failed::DECIMAL(18, 9))::DOUBLE / sum(checked) AS share FROM _looked GROUP BY item_code
    )
    SELECT l.estate_id, l.inspector_id, count(DISTINCT l.inspection_id) AS visits,
           sum(l.failed::DECIMAL(18, 9))::DOUBLE AS found,
           sum((l.checked * u.share)::DECIMAL(18, 9))::DOUBLE AS points
    FROM _looked AS l
    JOIN usual AS u USING (item_code)
    GROUP BY l.estate_id, l.inspector_id
    ORDER BY l.estate_id, l.inspector_id
"""


def inspected(con: duckdb.DuckDBPyConnection, rule: Rule, first: date, last: date) -> pl.DataFrame:
    """Estimate every inspector's factor and fill temporary table ``visit_factors`` (``inspection_id, factor``).

    One estimate per edition, from all routine visits by authorities from ``first`` to ``last``: eyes change slowly, and a
    quarter alone rarely links the inspectors.

    Returns:
        Contract Inspector, one row per inspector named in the records.
    """
    con.execute(_LOOKED, {"first": first, "last": last})
    cells = con.sql(_CELLS).pl()
    terms = rule["inspectors"]
    names = cells.get_column("inspector_id").drop_nulls().unique().sort()
    codes = cells.get_column("estate_id").rank("dense").cast(pl.Int64).to_numpy() - 1
    who = cells.get_column("inspector_id").replace_strict(
        names, pl.int_range(names.len(), eager=True), default=-1, return_dtype=pl.Int64
    )
    made = leniency(
        codes, who.to_numpy(), cells["found"].to_numpy(), cells["points"].to_numpy(), names.len(),
        least_estates=terms["estates_min"], rounds=terms["rounds"],
    )  # fmt: skip
    frame = _inspectors(names, cells, made, terms["apply"])
    con.register("_inspectors", frame.to_arrow())
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE visit_factors AS
        SELECT v.inspection_id, f.factor
        FROM inspections AS v
        JOIN _inspectors AS f USING (inspector_id)
        WHERE f.applied AND v.kind <> 'self_check' AND v.trigger = 'routine'
        """
    )
    con.unregister("_inspectors")
    con.execute("DROP TABLE _looked")
    return frame


def _inspectors(names: pl.Series, cells: pl.DataFrame, made: Leniency, apply: bool) -> pl.DataFrame:
    visits = cells.group_by("inspector_id").agg(pl.col("visits").sum())
    why = made.why_not if apply else np.full(names.len(), OFF, dtype=object)
    factor = np.where(why == "", made.factor, 1.0).round(DIGITS)
    frame = pl.DataFrame(
        {
            "inspector_id": names.cast(pl.String),
            "estates": made.estates.astype(np.int64),
            "found": made.found,
            "expected": made.expected.round(DIGITS),
            "factor": factor,
            "applied": why == "",
            "why_not": pl.Series(why.tolist(), dtype=pl.String).replace("", None),
        }
    )
    return frame.join(visits, on="inspector_id", how="left", maintain_order="left")


_OPEN = """
    CREATE OR REPLACE TEMP TABLE _open AS
    WITH calls AS (
        SELECT estate_id, coalesce(matter_id, complaint_id) AS matter, complaint_id, received_on, closed_on, caller_hash
        FROM complaints
        WHERE list_contains($demands, nature) AND estate_id IS NOT NULL AND NOT coalesce(unreasonable, false)
    ),
    firsts AS (
        SELECT *, least(coalesce(closed_on, DATE '9999-12-01'), received_on + ($longest - 1)::INTEGER) AS open_until
        FROM calls
        QUALIFY row_number() OVER (PARTITION BY estate_id, matter ORDER BY received_on, complaint_id) = 1
    )
    SELECT f.estate_id, f.matter, f.received_on, f.open_until, c.caller_hash, min(c.received_on) AS called_on
    FROM firsts AS f
    LEFT JOIN calls AS c
      ON c.estate_id = f.estate_id AND c.matter = f.matter AND c.caller_hash <> f.caller_hash
     AND c.received_on BETWEEN f.received_on AND f.open_until
    WHERE f.caller_hash IS NOT NULL
    GROUP BY ALL
"""
_REPORTS = """
    WITH per_quarter AS (
        SELECT o.estate_id, q.ordinal, 0 AS duplicates,
               sum(least(o.open_until, q.last) - greatest(o.received_on, q.start) + 1) AS exposure
        FROM (SELECT DISTINCT estate_id, matter, received_on, open_until FROM _open) AS o
        JOIN _quarters AS q ON o.received_on <= q.last AND o.open_until >= q.start
        GROUP BY ALL
        UNION ALL
        SELECT o.estate_id, q.ordinal, count(*), 0
        FROM _open AS o
        JOIN _quarters AS q ON o.called_on BETWEEN q.start AND q.last
        GROUP BY ALL
    )
    SELECT e.period, e.estate_id, e.estate_class,
           coalesce(sum(p.duplicates), 0)::BIGINT AS duplicates, coalesce(sum(p.exposure), 0)::DOUBLE AS exposure
    FROM _classed AS e
    JOIN _quarters AS now ON now.period = e.period
    LEFT JOIN per_quarter AS p
      ON p.estate_id = e.estate_id AND p.ordinal BETWEEN now.ordinal - $window + 1 AND now.ordinal
    GROUP BY ALL
    ORDER BY e.period, e.estate_class, e.estate_id
"""


def reports(
    con: duckdb.DuckDBPyConnection, estates: pl.DataFrame, quarters: pl.DataFrame, longest: int, window: int
) -> pl.DataFrame:
    """Reports by others while a matter is open, and the days matters stood open, within each period's window.

    A matter is open from its first report to its closing, both days included, at most ``longest`` days. Each further
    caller counts once. Matters whose first caller is not known tell nothing and are left out.

    Args:
        estates: ``period, estate_id, estate_class``.
        quarters: ``period, ordinal, start, last``.

    Returns:
        One row per estate and period, class by class: ``duplicates``, ``exposure`` in matter-days.
    """
    con.register("_quarters", quarters.select("period", "ordinal", "start", "last").to_arrow())
    con.register("_classed", estates.select("period", "estate_id", "estate_class").to_arrow())
    con.execute(_OPEN, {"demands": list(DEMANDS), "longest": longest})
    made = con.sql(_REPORTS, params={"window": window}).pl()
    con.execute("DROP TABLE _open")
    con.unregister("_quarters")
    con.unregister("_classed")
    return made


def reported(
    con: duckdb.DuckDBPyConnection, estates: pl.DataFrame, quarters: pl.DataFrame, rule: Rule, index: Rule
) -> pl.DataFrame:
    """Contract Propensity: how readily each estate's people report, in every period, against its class."""
    terms = rule["reporting"]
    made = reports(con, estates, quarters, terms["open_days_max"], index["window_quarters"])
    classes = made.select("period", "estate_class").unique().sort("period", "estate_class")
    classes = classes.with_columns(
        group=pl.int_range(pl.len()), place=pl.col("period").rank("dense").cast(pl.Int64) - 1
    )
    of = made.join(classes, on=["period", "estate_class"], how="left", maintain_order="left")["group"].to_numpy()
    pi = propensities(
        made["duplicates"].to_numpy(), made["exposure"].to_numpy(), Groups(of, classes.height),
        Groups(classes["place"].to_numpy(), classes["period"].n_unique()), index, terms["least"], terms["most"],
    )  # fmt: skip
    pi = pi if terms["apply"] else np.ones_like(pi)
    return made.with_columns(propensity=pl.Series(pi.round(DIGITS), dtype=pl.Float64))


def with_propensity(
    sums: pl.DataFrame, units: pl.DataFrame, propensity: pl.DataFrame, reporting: list[str]
) -> pl.DataFrame:
    """Multiply the exposure of the metrics ``reporting`` by the propensity of each unit's estate in the period.

    Args:
        sums: contract MetricSum. units: ``level, unit_id, estate_id, period``. propensity: contract Propensity.
    """
    key = ["level", "unit_id", "period"]
    of_unit = units.select(*key, "estate_id").join(propensity, on=["estate_id", "period"], how="inner")
    rows = sums.join(of_unit.select(*key, "propensity"), on=key, how="left", maintain_order="left")
    factor = pl.when(pl.col("metric").is_in(reporting)).then(pl.col("propensity")).fill_null(1.0)
    return rows.with_columns(e=pl.col("e") * factor, e2=pl.col("e2") * factor).drop("propensity")
