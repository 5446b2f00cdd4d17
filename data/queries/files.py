"""One estate, one company: the score taken apart, down to the records."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope

FLAG = "{kind: f.kind, days: f.days, likeness: f.likeness, other_id: o.other_id}"
EVIDENCE_KEY = {"estate": "estate_id", "tenure": "unit_id", "head": "tenure_id"}


def unit(scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str) -> dict | None:
    """The index row of one unit in one period with its estate's names; None where the viewer may not see it."""
    params = {"level": level, "unit": unit_id, "period": period}
    r = readable(scope, params, s="index_scores", e="estates", c="companies", h="office_heads")
    rows = ask(
        con,
        f"""
        SELECT s.*, e.name_zh, e.name_en, e.size_band, e.subdistrict_id, e.station_id, e.longitude, e.latitude,
               c.name_zh AS company_zh, c.name_en AS company_en, h.name_zh AS head_zh, h.name_en AS head_en
        FROM {r["s"]} AS s
        LEFT JOIN {r["e"]} AS e ON e.estate_id = s.estate_id AND e.period = s.period
        LEFT JOIN {r["c"]} AS c ON c.company_id = s.company_id
        LEFT JOIN {r["h"]} AS h ON h.head_id = e.head_id
        WHERE s.level = $level AND s.unit_id = $unit AND s.period = $period
        """,
        params,
    )
    return rows.row(0, named=True) if rows.height else None


def units_of_estate(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str, period: str) -> pl.DataFrame:
    """The ways one estate is scored in a period: the estate whole, and each company spell inside the window."""
    params = {"estate": estate_id, "period": period}
    r = readable(scope, params, s="index_scores", c="companies")
    return ask(
        con,
        f"""
        SELECT s.level, s.unit_id, s.company_id, c.name_zh AS company_zh, c.name_en AS company_en, s.current, s.final, s.band,
               s.state, s.in_charge_days
        FROM {r["s"]} AS s
        LEFT JOIN {r["c"]} AS c ON c.company_id = s.company_id
        WHERE s.estate_id = $estate AND s.period = $period AND s.level IN ('estate', 'tenure')
        ORDER BY s.level, s.current DESC, s.unit_id
        """,
        params,
    )


def history(scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str) -> pl.DataFrame:
    """One period of one unit, oldest first: period, final with its interval lo to hi, own_score, state, band."""
    params = {"level": level, "unit": unit_id}
    r = readable(scope, params, s="index_scores")
    return ask(
        con,
        f"""
        SELECT period, final, lo, hi, own_score, state, band, cap FROM {r["s"]} AS s
        WHERE level = $level AND unit_id = $unit ORDER BY period
        """,
        params,
    )


def subindices(scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str) -> pl.DataFrame:
    """One sub-index of one unit: points, weight, points_lost, and the class's quartiles beside it."""
    params = {"level": level, "unit": unit_id, "period": period}
    r = readable(scope, params, b="subindex_scores", s="index_scores", q="quantiles")
    return ask(
        con,
        f"""
        SELECT b.subindex, b.points, b.weight, b.points_lost, q.p25, q.p50, q.p75, q.units
        FROM {r["b"]} AS b
        JOIN {r["s"]} AS s USING (level, unit_id, period)
        LEFT JOIN {r["q"]} AS q ON q.period = b.period AND q.estate_class = s.estate_class AND q.metric = b.subindex
        WHERE b.level = $level AND b.unit_id = $unit AND b.period = $period
        """,
        params,
    )


def disputed(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str
) -> dict | None:  # fmt: skip
    """What a unit's index is without the records under appeal, and with them (contract DisputedScore); None = none are."""
    params = {"level": level, "unit": unit_id, "period": period}
    r = readable(scope, params, d="disputed_scores")
    rows = ask(
        con,
        f"""
        SELECT d.records, d.without, d.with_them FROM {r["d"]} AS d
        WHERE d.level = $level AND d.unit_id = $unit AND d.period = $period AND d.metric = ''
        """,
        params,
    )
    return rows.row(0, named=True) if rows.height else None


def metric_scores(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str
) -> pl.DataFrame:
    """One metric of one unit, costliest first, with the class median and its prior."""
    params = {"level": level, "unit": unit_id, "period": period}
    r = readable(scope, params, m="metric_scores", s="index_scores", q="quantiles", p="priors")
    return ask(
        con,
        f"""
        SELECT m.metric, m.state, m.raw, m.estimate, m.points, m.own_points, m.weight, m.records, m.exposure, m.points_lost,
               m.gap_to_class, q.p50 AS class_median, q.units AS class_units, p.m AS class_level
        FROM {r["m"]} AS m
        JOIN {r["s"]} AS s USING (level, unit_id, period)
        LEFT JOIN {r["q"]} AS q ON q.period = m.period AND q.estate_class = s.estate_class AND q.metric = m.metric
        LEFT JOIN {r["p"]} AS p ON p.period = m.period AND p.estate_class = s.estate_class AND p.metric = m.metric
        WHERE m.level = $level AND m.unit_id = $unit AND m.period = $period
        ORDER BY m.points_lost NULLS LAST, m.metric
        """,
        params,
    )


def evidence(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, metric: str, period: str,
    counted: bool | None = None, limit: int = 200, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One record one metric looked at, newest first, with its file and line; ``total`` counts all, ``excluded`` says why not.

    ``flags``: what stands beside the record (contract RecordFlag: kind, days, likeness), with the record it repeats where the
    viewer may read that one too; empty list = nothing.
    """
    params = {"unit": unit_id, "metric": metric, "period": period, "limit": limit, "offset": offset}
    r = readable(scope, params, v="evidence", d="deliveries", p="periods", f="record_flags", o="record_repeats")
    only = {None: "true", True: "v.excluded IS NULL", False: "v.excluded IS NOT NULL"}[counted]
    return ask(
        con,
        f"""
        SELECT v.record_table, v.record_id, v.occurred_on, v.decided_on, v.numerator, v.denominator, v.excluded, v.facts, v.factor,
               d.file, v.line, v.delivery_id, count(*) OVER () AS total, coalesce(g.flags, []) AS flags
        FROM {r["v"]} AS v
        JOIN {r["p"]} AS p ON p.period = $period
        LEFT JOIN {r["d"]} AS d ON d.delivery_id = v.delivery_id
        LEFT JOIN (
            SELECT f.record_table, f.record_id, list({FLAG} ORDER BY f.kind) AS flags
            FROM {r["f"]} AS f LEFT JOIN {r["o"]} AS o USING (record_table, record_id, kind)
            GROUP BY ALL
        ) AS g ON g.record_table = v.record_table AND g.record_id = v.record_id
        WHERE v.metric = $metric AND v.{EVIDENCE_KEY[level]} = $unit AND {only}
          AND v.decided_on < p."end" AND v.decided_on >= p."end" - INTERVAL 36 MONTH
        ORDER BY v.decided_on DESC, v.record_id
        LIMIT $limit OFFSET $offset
        """,
        params,
    )


def counted_records(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str, period: str, limit: int = 500
) -> pl.DataFrame:
    """One record that counts against or for a unit, newest first: metric, record_table, record_id, decided_on."""
    params = {"unit": unit_id, "period": period, "limit": limit}
    r = readable(scope, params, v="evidence", p="periods")
    return ask(
        con,
        f"""
        SELECT v.metric, v.record_table, v.record_id, v.decided_on
        FROM {r["v"]} AS v JOIN {r["p"]} AS p ON p.period = $period
        WHERE v.{EVIDENCE_KEY[level]} = $unit AND v.excluded IS NULL AND v.record_id IS NOT NULL
          AND v.decided_on < p."end" AND v.decided_on >= p."end" - INTERVAL 36 MONTH
        ORDER BY v.decided_on DESC, v.metric, v.record_id
        LIMIT $limit
        """,
        params,
    )


def propensity(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str, period: str) -> float | None:
    """How readily an estate's people report in a period (1 = as usual); None where the viewer may not see it."""
    params = {"estate": estate_id, "period": period}
    r = readable(scope, params, p="propensity")
    rows = ask(con, f"SELECT propensity FROM {r['p']} AS p WHERE estate_id = $estate AND period = $period", params)
    return rows["propensity"][0] if rows.height else None


def tenures(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str) -> pl.DataFrame:
    """One tenure of one estate, oldest first, with company and office head."""
    params = {"estate": estate_id}
    r = readable(scope, params, t="tenures", c="companies", h="office_heads")
    return ask(
        con,
        f"""
        SELECT t.tenure_id, t.valid_from, t.valid_to, t.estate_id, t.company_id, t.head_id, c.name_zh AS company_zh, c.name_en AS company_en,
               h.name_zh AS head_zh, h.name_en AS head_en
        FROM {r["t"]} AS t
        LEFT JOIN {r["c"]} AS c ON c.company_id = t.company_id
        LEFT JOIN {r["h"]} AS h ON h.head_id = t.head_id
        WHERE t.estate_id = $estate
        ORDER BY t.valid_from
        """,
        params,
    )


def due_of_estate(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str) -> pl.DataFrame:
    """What is due for an estate's company or office head, with the reason: contract Due."""
    params = {"estate": estate_id}
    r = readable(scope, params, d="due")
    return ask(con, f"SELECT * FROM {r['d']} AS d WHERE d.estate_id = $estate ORDER BY d.party, d.party_id", params)


def company(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str, period: str) -> dict | None:
    """A company's score in one period with its names; None where the viewer may not see it."""
    params = {"company": company_id, "period": period}
    r = readable(scope, params, s="company_scores", c="companies")
    rows = ask(
        con,
        f"""
        SELECT s.*, c.name_zh, c.name_en FROM {r["s"]} AS s JOIN {r["c"]} AS c ON c.company_id = s.party_id
        WHERE s.party = 'company' AND s.party_id = $company AND s.period = $period
        """,
        params,
    )
    return rows.row(0, named=True) if rows.height else None


def company_history(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str) -> pl.DataFrame:
    """One period of one company, oldest first."""
    params = {"company": company_id}
    r = readable(scope, params, s="company_scores")
    return ask(
        con,
        f"""
        SELECT period, final, lo, hi, state, band, rank, ranked, units_rated FROM {r["s"]} AS s
        WHERE party = 'company' AND party_id = $company ORDER BY period
        """,
        params,
    )


def company_units(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str, period: str) -> pl.DataFrame:
    """One spell of the company inside the window, worst first: what its score is made of."""
    params = {"company": company_id, "period": period}
    r = readable(scope, params, s="index_scores", e="estates")
    return ask(
        con,
        f"""
        WITH names AS (
            SELECT estate_id, arg_max(name_zh, period) AS name_zh, arg_max(name_en, period) AS name_en
            FROM {r["e"]} AS e GROUP BY estate_id
        )
        SELECT s.unit_id, s.estate_id, names.name_zh, names.name_en, s.estate_class, s.households, s.final, s.lo, s.hi, s.band, s.state,
               s.why_not_rated, s.current, s.in_charge_days, s.rank_in_class, s.class_size, s.rank_lo, s.rank_hi
        FROM {r["s"]} AS s
        LEFT JOIN names USING (estate_id)
        WHERE s.level = 'tenure' AND s.company_id = $company AND s.period = $period
        ORDER BY s.final NULLS LAST, s.unit_id
        """,
        params,
    )


def quantiles(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_class: str, period: str) -> pl.DataFrame:
    """A class's anonymous distribution: metric (or sub-index, or `index`), units, p10 to p90."""
    params = {"class": estate_class, "period": period}
    r = readable(scope, params, q="quantiles")
    return ask(con, f"SELECT * FROM {r['q']} AS q WHERE estate_class = $class AND period = $period", params)


def rows_touched(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str) -> int:
    """Rows set aside that name this estate: what its score might still be missing."""
    params = {"estate": estate_id}
    r = readable(scope, params, q="data_quality")
    return ask(
        con, f"SELECT coalesce(sum(rows_set_aside), 0) AS n FROM {r['q']} AS q WHERE estate_id = $estate", params
    )["n"][0]


def closings_of(scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str) -> dict | None:
    """What the closings of one company that were seen again at random say of the others (contract Closing); None = none."""
    params = {"company": company_id}
    r = readable(scope, params, c="closings")
    rows = ask(con, f"SELECT * FROM {r['c']} AS c WHERE c.company_id = $company", params)
    return rows.row(0, named=True) if rows.height else None
