"""More than usual: estates whose incidents add up month by month, companies with more than their share (method.md 14.5)."""

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


def _monthly(con: duckdb.DuckDBPyConnection, last: Quarter, months: int) -> tuple[list[str], np.ndarray]:
    """Estates in charge of somebody at the end, and their incidents month by month, (U, months), oldest first."""
    rows = con.sql(
        """
        WITH now AS (SELECT DISTINCT estate_id FROM edition.management WHERE valid_from <= $last AND valid_to > $last)
        SELECT n.estate_id, datediff('month', i.occurred_on, $last) AS back, count(i.incident_id) AS n
        FROM now AS n LEFT JOIN incidents AS i
          ON i.estate_id = n.estate_id AND i.occurred_on <= $last AND datediff('month', i.occurred_on, $last) < $months
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


def rising(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates whose incidents have added up to an alarm in the last quarter (CUSUM against their own past).

    Usual is the mean of the months before, pulled to the district's by ``usual_prior`` months of it. Chance alone gives
    each estate one alarm in ``false_alarm_months``.
    """
    watched, past = rule["watched_months"], rule["past_months"]
    names, counts = _monthly(con, last, watched + past)
    before = counts[:, :past]
    level = before.mean() if before.size else 0.0
    usual = (before.sum(axis=1) + rule["usual_prior"] * level) / (past + rule["usual_prior"])
    usual = np.maximum(usual, rule["usual_least"])
    k, h = design(usual, ratio=rule["raised"], months=rule["false_alarm_months"])
    chart = cusum(counts[:, past:], k, h, restart=True)
    recent = counts[:, -RECENT:].sum(axis=1)
    alarm = chart.alarm[:, -RECENT:].any(axis=1) & (recent >= np.maximum(rule["incidents_min"], usual * RECENT))
    rows = pl.DataFrame({"unit_id": names, "observed": recent, "of": recent, "expected": usual * RECENT})
    by_chance = round(len(names) * RECENT / rule["false_alarm_months"], 6)
    return Tested("estate", shaped(rows), np.where(alarm, 0.0, 1.0), by_chance)


def more_than_its_share(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies with more incidents than their homes and classes lead one to expect (funnel)."""
    rows = con.sql(
        """
        WITH spells AS (
            SELECT m.company_id, m.estate_id, e.estate_class,
                   greatest(m.valid_from, $first) AS since, least(m.valid_to, $last + 1) AS until,
                   e.households * (least(m.valid_to, $last + 1) - greatest(m.valid_from, $first)) AS home_days
            FROM edition.management AS m
            JOIN edition.estates AS e ON e.estate_id = m.estate_id AND e.period = $period
            WHERE m.company_id IS NOT NULL AND m.valid_from <= $last AND m.valid_to > $first
        ),
        counted AS (
            SELECT s.company_id, s.estate_class, any_value(s.home_days) AS home_days, count(i.incident_id) AS n,
                   list(i.incident_id) FILTER (i.incident_id IS NOT NULL) AS ids
            FROM spells AS s LEFT JOIN incidents AS i
              ON i.estate_id = s.estate_id AND i.occurred_on >= s.since AND i.occurred_on < s.until
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


ALL = {"rising": rising, "more_than_its_share": more_than_its_share}
