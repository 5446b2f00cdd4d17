"""Duties not met and hazards past their deadline, read from an edition's evidence.

Only records that count are read: disputed ones and those of other parties are excluded in the evidence already, so
nothing contested can move a step (domain.md section 11, rules 3 and 5).
"""

from __future__ import annotations

import duckdb
import pandera.polars as pa
import polars as pl

from data.edition_tables import LEVELS
from metrics.calendar import Quarter, quarters_up_to
from rules.book import Book

KINDS = ("missed", "overdue_hazard", "overdue_notice", "major_hazard")

#: One row per unit, quarter and metric of the ladder: what was required, what was done, how many records fell short.
READ = """
    WITH counted AS (
        SELECT
            metric, period, estate_id, unit_id, tenure_id, numerator, denominator,
            -- a hazard told as put right in time that nobody saw again counts in part: it is not overdue
            CASE WHEN metric IN (SELECT unnest($hazards)) THEN numerator = 0 ELSE numerator < denominator END AS short,
            facts ->> '$.severity' = 'major'
                AND facts ->> '$.found_by' IN ('fire', 'police', 'housing', 'subdistrict') AS major
        FROM {evidence}
        WHERE excluded IS NULL AND denominator > 0
            AND period IN (SELECT unnest($periods)) AND metric IN (SELECT unnest($metrics))
    ), by_level AS (
        SELECT 'estate' AS level, estate_id AS unit, * FROM counted
        UNION ALL
        SELECT 'tenure', unit_id, * FROM counted WHERE unit_id IS NOT NULL
        UNION ALL
        SELECT 'head', tenure_id, * FROM counted WHERE tenure_id IS NOT NULL
    )
    SELECT
        level,
        unit AS unit_id,
        period,
        metric,
        sum(numerator) AS done,
        sum(denominator) AS required,
        count(*) FILTER (short) AS short,
        count(*) FILTER (short AND coalesce(major, false)) AS major
    FROM by_level
    GROUP BY ALL
    ORDER BY ALL
"""


class OpenDuty(pa.DataFrameModel):
    """One duty a unit did not meet in one quarter, or its hazards of one kind past their deadline."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    period: str
    kind: str = pa.Field(isin=KINDS)
    metric: str
    subindex: str
    count: int = pa.Field(ge=1)  # records that fell short


def open_duties(con: duckdb.DuckDBPyConnection, book: Book, last: Quarter, evidence: str = "evidence") -> pl.DataFrame:
    """Read what was left undone in the quarters the ladder looks back on.

    Args:
        con: a connection that shows the edition's evidence.
        last: the period decided on.
        evidence: where that table is, such as ``edition.evidence``.

    Returns:
        Contract OpenDuty. A duty counts as missed where the quarter's own record lies below ``missed_below`` of
        the ladder's rule; hazards and notices count one by one, each past its own deadline. A major hazard that
        an authority found gives a second row of kind ``major_hazard``.
    """
    rule = book.on(last.last, "ladder")
    quarters = quarters_up_to(last, rule["commendation_half_years"] * rule["half_year_quarters"])
    hazards, notices = rule["hazard_metrics"]["hazards"], rule["hazard_metrics"]["notices"]
    missed_below = rule["missed_below"]
    metrics = [*missed_below, hazards, notices]
    asked = {"periods": [str(q) for q in quarters], "metrics": metrics, "hazards": [hazards, notices]}
    found = con.sql(READ.format(evidence=evidence), params=asked).pl()
    of_metric = {name: book.metric(last.last, name)["subindex"] for name in metrics}
    rows = found.with_columns(
        subindex=pl.col("metric").replace_strict(of_metric, return_dtype=pl.String),
        limit=pl.col("metric").replace_strict(missed_below, default=None, return_dtype=pl.Float64),
    )
    missed = (pl.col("done") / pl.col("required") < pl.col("limit")).fill_null(False)
    columns = ("level", "unit_id", "period", "kind", "metric", "subindex", "count")

    def of_kind(kind: str, which: pl.Expr, count: str) -> pl.DataFrame:
        return rows.filter(which).select(
            *columns[:3], pl.lit(kind).alias("kind"), *columns[4:6], pl.col(count).cast(pl.Int64).alias("count")
        )

    is_hazard, is_notice = pl.col("metric") == hazards, pl.col("metric") == notices
    short = pl.col("short") > 0
    return OpenDuty.validate(
        pl.concat(
            [
                of_kind("missed", missed & short, "short"),
                of_kind("overdue_hazard", is_hazard & short, "short"),
                of_kind("overdue_notice", is_notice & short, "short"),
                of_kind("major_hazard", is_hazard & (pl.col("major") > 0), "major"),
            ]
        )
    )
