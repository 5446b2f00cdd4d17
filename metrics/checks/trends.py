"""More than usual: estates whose incidents or upheld matters add up month by month, companies with more than their share
of incidents, fires or upheld matters (method.md 14.5)."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl

from metrics.calendar import Quarter
from metrics.checks.callers import since
from metrics.checks.tested import Tested, beside_others, shaped
from metrics.surveillance import cusum, design
from rules.book import Rule

RECENT = 3  # months: an alarm in the quarter looked at


#: What is watched, each ``(estate_id, id, day)``: incidents of all kinds but the invalid; fires and matters as they count for
#: their metrics.
_COUNTED = """
    SELECT estate_id, record_id AS id, occurred_on AS day FROM edition.evidence WHERE metric = '{}' AND excluded IS NULL
"""
WATCHED = {
    "incidents": "SELECT estate_id, incident_id AS id, occurred_on AS day FROM incidents WHERE kind <> 'invalid'",
    "fires": _COUNTED.format("fires_per_1000_homes"),
    "matters": _COUNTED.format("valid_matters_per_100_homes"),
}


def _monthly(con: duckdb.DuckDBPyConnection, what: str, last: Quarter, months: int) -> tuple[list[str], np.ndarray]:
    """Estates in charge of somebody at the end, and their events month by month, (U, months), oldest first."""
    rows = con.sql(
        f"""
        WITH now AS (SELECT DISTINCT estate_id FROM edition.management WHERE valid_from <= $last AND valid_to > $last)
        SELECT n.estate_id, datediff('month', i.day, $last) AS back, count(i.id) AS n
        FROM now AS n LEFT JOIN ({WATCHED[what]}) AS i
          ON i.estate_id = n.estate_id AND i.day <= $last AND datediff('month', i.day, $last) < $months
        GROUP BY ALL ORDER BY ALL
        """,
        params={"last": last.last, "months": months},
    ).pl()
    names = rows["estate_id"].unique().sort()
    counts = np.zeros((names.len(), months))
    seen = rows.drop_nulls("back")
    at = names.search_sorted(seen["estate_id"]).to_numpy()
    counts[at, months - 1 - seen["back"].to_numpy()] = seen["n"].to_numpy()
    return names.to_list(), counts


def _course(counts: np.ndarray, past: int) -> np.ndarray:
    """(months,) how much the whole district had in each month, 1 = the mean of the months before those watched."""
    usual = counts[:, :past].sum() / past
    return counts.sum(axis=0) / usual if usual else np.ones(counts.shape[1])


def _rising(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter, what: str, *, beside_district: bool) -> Tested:
    """Estates whose events have added up to an alarm in the last quarter (CUSUM against their own past).

    Usual is the mean of the months before, pulled to the district's by ``usual_prior`` months of it. Chance alone gives
    each estate one alarm in ``false_alarm_months``.

    Args:
        beside_district: more is expected in the months in which the whole district had more: the season, or a new habit of
            calling, is nobody's own.
    """
    watched, past = rule["watched_months"], rule["past_months"]
    names, counts = _monthly(con, what, last, watched + past)
    before = counts[:, :past]
    course = _course(counts, past) if beside_district else np.ones(watched + past)
    level = before.mean() if before.size else 0.0
    usual = (before.sum(axis=1) + rule["usual_prior"] * level) / (course[:past].sum() + rule["usual_prior"])
    usual = np.maximum(usual, rule["usual_least"])
    k, h = design(usual, ratio=rule["raised"], months=rule["false_alarm_months"])
    chart = cusum(counts[:, past:], k[:, None] * course[past:], h, restart=True)
    recent, expected = counts[:, -RECENT:].sum(axis=1), usual * course[-RECENT:].sum()
    alarm = chart.alarm[:, -RECENT:].any(axis=1) & (recent >= np.maximum(rule["incidents_min"], expected))
    rows = pl.DataFrame({"unit_id": names, "observed": recent, "of": recent, "expected": expected})
    by_chance = round(len(names) * RECENT / rule["false_alarm_months"], 6)
    return Tested("estate", shaped(rows), np.where(alarm, 0.0, 1.0), by_chance)


def rising(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates whose incidents add up."""
    return _rising(con, rule, last, "incidents", beside_district=False)


def matters_rising(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates whose upheld matters add up, beside the course of the whole district."""
    return _rising(con, rule, last, "matters", beside_district=True)


def _beyond_share(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter, what: str) -> Tested:
    """Companies with more events than their homes and classes lead one to expect (funnel)."""
    rows = con.sql(
        f"""
        WITH spells AS (
            SELECT m.company_id, m.estate_id, e.estate_class,
                   greatest(m.valid_from, $first) AS since, least(m.valid_to, $last + 1) AS until,
                   e.households * (least(m.valid_to, $last + 1) - greatest(m.valid_from, $first)) AS home_days
            FROM edition.management AS m
            JOIN edition.estates AS e ON e.estate_id = m.estate_id AND e.period = $period
            WHERE m.company_id IS NOT NULL AND m.valid_from <= $last AND m.valid_to > $first
        ),
        counted AS (
            SELECT s.company_id, s.estate_class, any_value(s.home_days) AS home_days, count(i.id) AS n,
                   list(i.id) FILTER (i.id IS NOT NULL) AS ids
            FROM spells AS s LEFT JOIN ({WATCHED[what]}) AS i
              ON i.estate_id = s.estate_id AND i.day >= s.since AND i.day < s.until
            GROUP BY s.company_id, s.estate_class, s.estate_id, s.since
        ),
        rates AS (SELECT estate_class, sum(n) / sum(home_days) AS rate FROM counted GROUP BY ALL)
        SELECT c.company_id AS unit_id, sum(c.n) AS observed, round(sum(c.home_days * r.rate), 6) AS of,
               flatten(list(c.ids) FILTER (c.ids IS NOT NULL)) AS record_ids
        FROM counted AS c JOIN rates AS r USING (estate_class) GROUP BY ALL
        """,
        params={"first": since(last, rule["quarters"]), "last": last.last, "period": str(last)},
    ).pl()
    return beside_others("company", rows, rule["incidents_min"], rule["tail"])


def more_than_its_share(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies with more incidents than their share."""
    return _beyond_share(con, rule, last, "incidents")


def more_fires(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies with more fires than their share."""
    return _beyond_share(con, rule, last, "fires")


def more_matters(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies with more upheld matters than their share."""
    return _beyond_share(con, rule, last, "matters")


ALL = {
    "rising": rising, "matters_rising": matters_rising, "more_than_its_share": more_than_its_share,
    "more_fires": more_fires, "more_matters": more_matters,
}  # fmt: skip
