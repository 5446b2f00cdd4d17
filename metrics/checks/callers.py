"""Who calls: one household behind many complaints, many on one day, silence since a company came (method.md 14.2)."""

from __future__ import annotations

from datetime import date
from typing import cast

import duckdb
import numpy as np
import polars as pl
from scipy.stats import binom, poisson

from metrics.adjust import reports
from metrics.calendar import Quarter, quarters_up_to
from metrics.checks.tested import Tested, beside_others, shaped
from metrics.complaints import DEMANDS
from rules.book import Rule


def since(last: Quarter, quarters: int) -> date:
    """First day of the newest ``quarters`` quarters."""
    return (last - (quarters - 1)).start


def one_caller(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates where one caller makes more of the complaints than the rule's share allows, beyond chance."""
    rows = con.sql(
        """
        WITH calls AS (
            SELECT estate_id, caller_hash, count(*) AS n, list(complaint_id ORDER BY complaint_id) AS ids
            FROM complaints
            WHERE list_contains($demands, nature) AND estate_id IS NOT NULL AND caller_hash IS NOT NULL
              AND received_on BETWEEN $first AND $last
            GROUP BY ALL
        )
        SELECT estate_id AS unit_id, max(n) AS observed, sum(n) AS of, arg_max(ids, (n, caller_hash)) AS record_ids
        FROM calls GROUP BY ALL HAVING sum(n) >= $least
        """,
        params={"demands": list(DEMANDS), "first": since(last, rule["quarters"]), "last": last.last,
                "least": rule["calls_min"]},
    ).pl()  # fmt: skip
    rows = shaped(rows).with_columns(expected=pl.col("of") * rule["caller_share"])
    return Tested(
        "estate", rows, binom.sf(rows["observed"].to_numpy() - 1, rows["of"].to_numpy(), rule["caller_share"])
    )


def many_on_a_day(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates with a day of more callers than their usual rate explains, over all days of the year."""
    first = since(last, rule["quarters"])
    days = (last.last - first).days + 1
    rows = con.sql(
        """
        WITH days AS (
            SELECT estate_id, received_on, count(DISTINCT caller_hash) AS n, list(complaint_id) AS ids
            FROM complaints
            WHERE list_contains($demands, nature) AND estate_id IS NOT NULL AND caller_hash IS NOT NULL
              AND received_on BETWEEN $first AND $last
            GROUP BY ALL
        )
        SELECT estate_id AS unit_id, max(n) AS observed, sum(n) AS of, sum(n) / $days AS expected,
               arg_max(ids, (n, received_on)) AS record_ids
        FROM days GROUP BY ALL
        """,
        params={"demands": list(DEMANDS), "first": first, "last": last.last, "days": float(days)},
    ).pl()
    rows = shaped(rows)
    observed = rows["observed"].to_numpy()
    one_day = poisson.sf(observed - 1, rows["expected"].to_numpy())
    p = -np.expm1(days * np.log1p(-np.minimum(one_day, 1 - 1e-15)))
    return Tested("estate", rows, np.where(observed >= rule["day_min"], p, 1.0))


def silent_since_handover(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates where, since the company came, neighbours call about an open matter more rarely than before.

    Given all such calls, those since the handover are a binomial share: of the days that matters stood open, each
    counted by how often the whole district called about open matters in that quarter.
    """
    quarters = quarters_up_to(last, rule["handover_quarters"])
    places = pl.DataFrame({"period": [str(q) for q in quarters], "ordinal": range(len(quarters)),
                           "start": [q.start for q in quarters], "last": [q.last for q in quarters]})  # fmt: skip
    came = con.sql(
        """
        SELECT estate_id, max(valid_from) AS came FROM edition.management
        WHERE valid_to > $last AND valid_from <= $last GROUP BY ALL
        """,
        params={"last": last.last},
    ).pl()
    estates = came.select("estate_id", estate_class=pl.lit("all")).join(places.select("period"), how="cross")
    told = reports(con, estates, places, rule["open_days_max"], 1).join(came, on="estate_id")
    told = told.with_columns(
        usual=pl.col("exposure") * (pl.col("duplicates").sum() / pl.col("exposure").sum()).over("period").fill_nan(0.0)
    )
    told = told.join(places.select("period", "start", "last"), on="period")
    told = told.filter((pl.col("start") >= pl.col("came")) | (pl.col("last") < pl.col("came")))
    after = pl.col("start") >= pl.col("came")
    rows = told.group_by("estate_id").agg(
        observed=pl.col("duplicates").filter(after).sum(), of=pl.col("duplicates").sum(),
        days=pl.col("usual").filter(after).sort().sum().round(6), whole=pl.col("usual").sort().sum().round(6),
    )  # fmt: skip
    rows = rows.filter((pl.col("of") >= rule["calls_min"]) & (pl.col("days") > 0) & (pl.col("days") < pl.col("whole")))
    rows = rows.with_columns(unit_id="estate_id", expected=pl.col("of") * pl.col("days") / pl.col("whole"))
    rows = shaped(rows)
    share = (rows["expected"] / rows["of"]).to_numpy()
    return Tested("estate", rows, binom.cdf(rows["observed"].to_numpy(), rows["of"].to_numpy(), share))


def few_callers(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates whose calls come from fewer people than elsewhere, by pairs of calls of one caller.

    Pairs are the Herfindahl index counted: of N calls by people who call n times, sum (n / N)^2 = (2 pairs + N) / N^2.
    To be expected are pairs in proportion to all N (N - 1) / 2 over the homes that could have called, as at the middle
    estate: pairs grow with the square of the calls, and one loud estate would else be the measure of all.
    """
    rows = con.sql(
        """
        WITH calls AS (
            SELECT estate_id, caller_hash, count(*) AS n, list(complaint_id) AS ids
            FROM complaints
            WHERE list_contains($demands, nature) AND estate_id IS NOT NULL AND caller_hash IS NOT NULL
              AND received_on BETWEEN $first AND $last
            GROUP BY ALL
        )
        SELECT c.estate_id AS unit_id, sum(n * (n - 1) // 2) AS observed,
               round(sum(n) * (sum(n) - 1) / 2.0 / any_value(e.households), 6) AS of,
               flatten(list(ids) FILTER (n > 1)) AS record_ids
        FROM calls AS c
        JOIN edition.estates AS e ON e.estate_id = c.estate_id AND e.period = $period
        GROUP BY ALL HAVING sum(n) >= $least
        """,
        params={"demands": list(DEMANDS), "first": since(last, rule["quarters"]), "last": last.last,
                "least": rule["calls_min"], "period": str(last)},
    ).pl()  # fmt: skip
    usual = (rows["observed"].cast(pl.Float64) / rows["of"]).median() if rows.height else None
    return beside_others("estate", rows, rule["pairs_min"], rule["tail"], cast(float | None, usual) or None)


def before_contract_end(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates where far more people call in the last days of a contract than in the year it ends, by the district's own course.

    A contract ends where its spell in the register does, also where the same company goes on with a new one. Given the callers
    of the year up to that day, each counted once a day, those of its last days are a binomial share: that of the whole
    district's callers in the same days.
    """
    rows = con.sql(
        """
        WITH ends AS (
            SELECT estate_id, max(valid_to) AS until FROM tenures WHERE valid_to BETWEEN $first AND $last + 1 GROUP BY ALL
        ),
        calls AS (
            SELECT estate_id, received_on, caller_hash, list(complaint_id ORDER BY complaint_id) AS ids FROM complaints
            WHERE list_contains($demands, nature) AND estate_id IS NOT NULL AND caller_hash IS NOT NULL
            GROUP BY ALL
        ),
        course AS (
            SELECT e.until, count(*) FILTER (c.received_on >= e.until - $days) / count(*) AS share
            FROM (SELECT DISTINCT until FROM ends) AS e
            JOIN calls AS c ON c.received_on >= e.until - 365 AND c.received_on < e.until
            GROUP BY ALL
        )
        SELECT e.estate_id AS unit_id, count(*) FILTER (c.received_on >= e.until - $days) AS observed, count(*) AS of,
               round(count(*) * any_value(course.share), 6) AS expected,
               flatten(list(c.ids) FILTER (c.received_on >= e.until - $days)) AS record_ids
        FROM ends AS e
        JOIN course USING (until)
        JOIN calls AS c ON c.estate_id = e.estate_id AND c.received_on >= e.until - 365 AND c.received_on < e.until
        GROUP BY ALL
        """,
        params={"demands": list(DEMANDS), "first": since(last, rule["quarters"]), "last": last.last,
                "days": rule["contract_days"]},
    ).pl()  # fmt: skip
    rows = shaped(rows)
    observed, of = rows["observed"].to_numpy(), rows["of"].to_numpy()
    p = binom.sf(observed - 1, of, (rows["expected"] / rows["of"]).to_numpy())
    return Tested("estate", rows, np.where(observed >= rule["day_min"], p, 1.0))


ALL = {
    "one_caller": one_caller, "few_callers": few_callers, "many_on_a_day": many_on_a_day,
    "silent_since_handover": silent_since_handover, "before_contract_end": before_contract_end,
}  # fmt: skip
