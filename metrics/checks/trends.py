"""More than usual: estates whose incidents or upheld matters add up month by month, companies with more than their share
of incidents, fires or upheld matters (method.md 14.5)."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from metrics.calendar import Quarter
from metrics.checks.callers import since
from metrics.checks.tested import Tested, beside_others, shaped
from metrics.draws import seed_of
from metrics.grid import Groups
from metrics.moments import rates
from metrics.surveillance import cusum, design
from rules.book import Rule

REDRAWN = 10  # districts in which nobody changes, for the alarms to be expected by chance
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


def _monthly(
    con: duckdb.DuckDBPyConnection, what: str, last: Quarter, months: int, least: float
) -> tuple[list[str], np.ndarray]:
    """Estates in charge of somebody at the end, and their events month by month, (U, months), oldest first; NaN in a month
    that was not delivered.

    Args:
        least: as in ``undelivered``.
    """
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
    places = con.sql(
        "SELECT estate_id, any_value(subdistrict_id) AS place FROM edition.estates WHERE period = $period GROUP BY ALL",
        params={"period": str(last)},
    ).pl()
    place = names.to_frame("estate_id").join(places, on="estate_id", how="left", maintain_order="left")["place"]
    return names.to_list(), np.where(
        undelivered(counts, place.rank("dense").fill_null(0).to_numpy(), least), np.nan, counts
    )


def undelivered(counts: np.ndarray, place: np.ndarray, least: float) -> np.ndarray:
    """(U, months) where a sub-district has no event at all in a month of which ``least`` or more are usual: a file that did not
    come, not a quiet month (at 8 usual, chance leaves a month empty once in 3,000).

    Args:
        place: (U,) number of each estate's sub-district.
    """
    _, of = np.unique(place, return_inverse=True)
    whole = np.zeros((of.max(initial=0) + 1, counts.shape[1]))
    np.add.at(whole, of, counts)
    return ((whole == 0) & (whole.mean(axis=1, keepdims=True) >= least))[of]


def _usual(before: np.ndarray) -> np.ndarray:
    """(U,) mean of the months known; NaN = none."""
    known = ~np.isnan(before)
    return np.divide(
        np.nansum(before, axis=1), known.sum(axis=1), out=np.full(len(before), np.nan), where=known.any(axis=1)
    )


def _course(counts: np.ndarray, past: int) -> np.ndarray:
    """(months,) how much the district had in each month, of what those estates usually have whose month is known; 1 = as in
    the months before those watched."""
    usual = np.where(np.isnan(counts), 0.0, np.nan_to_num(_usual(counts[:, :past]))[:, None]).sum(axis=0)
    return np.divide(np.nansum(counts, axis=0), usual, out=np.ones(counts.shape[1]), where=usual > 0)


def _known_level(events: np.ndarray, months: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Shape and rate of what is known of each estate's usual month (F1, method.md 2.2: units are estates, exposure months).

    Estates differ widely; were all pulled alike to the district's level, the busy ones would seem to rise all the time.
    """
    found = rates(events[:, None], months[:, None], months[:, None], Groups(np.zeros(len(events), dtype=np.int64), 1))
    m, tau2 = float(np.nan_to_num(found.m.item())), float(np.nan_to_num(found.tau2.item()))
    if m <= 0:
        return np.zeros(len(events)), months + 1
    tau2 = max(tau2, (rule["usual_cv_least"] * m) ** 2)
    return events + m**2 / tau2, months + m / tau2


@dataclass(frozen=True)
class _Watched:
    """What one look at all charts gives, (U,): alarms of the last quarter, what it had and what is usual, and what is known of
    each estate's usual month (a Gamma's ``shape`` and ``rate``); the district's ``course``, (months,)."""

    alarm: np.ndarray
    recent: np.ndarray
    expected: np.ndarray
    shape: np.ndarray
    rate: np.ndarray
    course: np.ndarray


def _watched(counts: np.ndarray, rule: Rule, *, beside_district: bool) -> _Watched:
    past, known = rule["past_months"], ~np.isnan(counts)
    course = _course(counts, past) if beside_district else np.ones(counts.shape[1])
    shape, rate = _known_level(np.nansum(counts[:, :past], axis=1), (known[:, :past] * course[:past]).sum(axis=1), rule)
    usual = np.maximum(shape / rate, rule["usual_least"])
    k, h = design(usual, ratio=rule["raised"], months=rule["false_alarm_months"])
    chart = cusum(counts[:, past:], k[:, None] * course[past:], h, restart=True)
    recent = np.nansum(counts[:, -RECENT:], axis=1)
    expected = usual * (known[:, -RECENT:] * course[-RECENT:]).sum(axis=1)
    alarm = chart.alarm[:, -RECENT:].any(axis=1) & (recent >= np.maximum(rule["incidents_min"], expected))
    return _Watched(alarm, recent, expected, shape, rate, course)


def _rising(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter, what: str, *, beside_district: bool) -> Tested:
    """Estates whose events have added up to an alarm in the last quarter (CUSUM against their own past).

    Usual is the mean of the months before, pulled to the district's by as much as they are few. An estate whose usual
    count is known has one alarm in ``false_alarm_months`` by chance; as it is estimated, there are more. How many are to be
    expected is found by drawing the whole district again as it was, nobody changing.

    Args:
        beside_district: more is expected in the months in which the whole district had more: the season, or a new habit of
            calling, is nobody's own.
    """
    names, counts = _monthly(con, what, last, rule["watched_months"] + rule["past_months"], rule["month_least"])
    found = _watched(counts, rule, beside_district=beside_district)
    rows = pl.DataFrame({"unit_id": names, "observed": found.recent, "of": found.recent, "expected": found.expected})
    rng, alarms = np.random.default_rng(seed_of("rising", what, str(last))), 0
    for _ in range(REDRAWN):
        steady = rng.poisson(rng.gamma(found.shape, 1 / found.rate)[:, None] * found.course).astype(float)
        steady[np.isnan(counts)] = np.nan
        alarms += int(_watched(steady, rule, beside_district=beside_district).alarm.sum())
    by_chance = max(alarms / REDRAWN, len(names) * RECENT / rule["false_alarm_months"])
    return Tested("estate", shaped(rows), np.where(found.alarm, 0.0, 1.0), round(by_chance, 6))


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
