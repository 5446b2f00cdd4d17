"""Rankings of companies and estates, and what is due."""

from __future__ import annotations

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope

SUBINDICES = ("fire", "rectification", "drills", "security", "residents")


def edition(scope: Scope, con: duckdb.DuckDBPyConnection) -> dict:
    """The edition's own row: id, status, period, who made and published it, rulebook hash."""
    params: dict = {}
    r = readable(scope, params, e="edition")
    return ask(con, f"SELECT * FROM {r['e']} AS e", params).row(0, named=True)


def periods(scope: Scope, con: duckdb.DuckDBPyConnection) -> list[str]:
    """Periods scored, newest first."""
    params: dict = {}
    r = readable(scope, params, p="periods")
    return ask(con, f"SELECT period FROM {r['p']} AS p ORDER BY period DESC", params)["period"].to_list()


def areas(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One sub-district or station: area_id, kind, name_zh, name_en, parent_id."""
    params: dict = {}
    r = readable(scope, params, a="areas")
    return ask(con, f"SELECT area_id, kind, name_zh, name_en, parent_id FROM {r['a']} AS a ORDER BY area_id", params)


def companies(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, period: str, search: str = "", limit: int = 50, offset: int = 0
) -> pl.DataFrame:
    """One company in one period, best first, unrated last; ``total`` counts all that match.

    Ranks are the district's, whatever part of it the viewer sees.
    """
    params = {"period": period, "search": f"%{search.strip()}%", "limit": limit, "offset": offset}
    r = readable(scope, params, s="company_scores", c="companies", d="due")
    return ask(
        con,
        f"""
        WITH trend AS (
            SELECT party_id, list(final ORDER BY period) AS trend
            FROM {r["s"]} AS s
            WHERE party = 'company' AND state = 'rated' AND period <= $period
            GROUP BY party_id
        ),
        due AS (
            SELECT company_id, count(*) AS due_estates
            FROM {r["d"]} AS d
            WHERE step NOT IN ('none', 'commendation') AND period = $period
            GROUP BY company_id
        )
        SELECT s.party_id AS company_id, c.name_zh, c.name_en, s.rank, s.ranked, s.tier, s.rank_lo, s.rank_hi, s.final, s.lo, s.hi, s.band, s.state, s.why_not_rated,
               s.worst_fifth, s.units, s.units_rated, s.households, trend.trend,
               coalesce(due.due_estates, 0) AS due_estates, count(*) OVER () AS total
        FROM {r["s"]} AS s
        JOIN {r["c"]} AS c ON c.company_id = s.party_id
        LEFT JOIN trend ON trend.party_id = s.party_id
        LEFT JOIN due ON due.company_id = s.party_id
        WHERE s.party = 'company' AND s.period = $period
          AND (c.name_zh ILIKE $search OR coalesce(c.name_en, '') ILIKE $search OR c.company_id ILIKE $search)
        ORDER BY s.rank NULLS LAST, s.households DESC, s.party_id
        LIMIT $limit OFFSET $offset
        """,
        params,
    )


def company_bands(scope: Scope, con: duckdb.DuckDBPyConnection, *, period: str) -> pl.DataFrame:
    """How many companies stand in each band: band (NULL = not rated), companies."""
    params = {"period": period}
    r = readable(scope, params, s="company_scores")
    return ask(
        con,
        f"SELECT band, count(*) AS n FROM {r['s']} AS s WHERE party = 'company' AND period = $period GROUP BY band",
        params,
    )


def level_of(scope: Scope) -> str:
    """The level a viewer's estates are scored at: a manager sees the own spell, others the estate whole."""
    return "tenure" if scope.role == "manager" else "estate"


def estates(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, period: str, estate_class: str | None = None,
    subdistrict: str | None = None, station: str | None = None, size: str | None = None, step: str | None = None,
    company: str | None = None, search: str = "", worst_first: bool = False, limit: int = 50, offset: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One estate standing in one period with its score, five sub-indices, trend and due step; ``total`` counts all."""
    level = level_of(scope)
    params = {
        "period": period, "level": level, "class": estate_class, "sub": subdistrict, "station": station, "size": size,
        "step": step, "company": company, "search": f"%{search.strip()}%", "limit": limit, "offset": offset,
    }  # fmt: skip
    r = readable(scope, params, s="index_scores", e="estates", b="subindex_scores", d="due")
    filters = {
        "class": "e.estate_class = $class", "sub": "e.subdistrict_id = $sub", "station": "e.station_id = $station",
        "size": "e.size_band = $size", "step": "due.step = $step", "company": "e.company_id = $company",
    }  # fmt: skip
    chosen = " AND ".join(["true", *[sql for key, sql in filters.items() if params[key]]])
    pivoted = ", ".join(f"max(points) FILTER (subindex = '{k}') AS {k}" for k in SUBINDICES)
    order = "s.final ASC NULLS LAST" if worst_first else "s.final DESC NULLS LAST"
    key = "e.unit_id" if level == "tenure" else "e.estate_id"
    return ask(
        con,
        f"""
        WITH trend AS (
            SELECT unit_id, list(final ORDER BY period) AS trend
            FROM {r["s"]} AS s
            WHERE level = $level AND state = 'rated' AND period <= $period
            GROUP BY unit_id
        ),
        subs AS (
            SELECT unit_id, {pivoted} FROM {r["b"]} AS b WHERE level = $level AND period = $period GROUP BY unit_id
        ),
        due AS (
            SELECT estate_id, arg_max(step, CASE step WHEN 'replacement' THEN 4 WHEN 'interview' THEN 3 WHEN 'listing' THEN 2
                                              WHEN 'attention' THEN 1 ELSE 0 END) AS step
            FROM {r["d"]} AS d WHERE period = $period AND estate_id IS NOT NULL GROUP BY estate_id
        )
        SELECT e.estate_id, s.unit_id, e.name_zh, e.name_en, e.estate_class, e.size_band, e.households, e.subdistrict_id,
               e.station_id, s.final, s.lo, s.hi, s.band, s.state, s.why_not_rated, s.cap, s.rank_in_class, s.class_size, s.tier, s.rank_lo, s.rank_hi,
               s.rank_overall, s.overall_size, subs.* EXCLUDE (unit_id), trend.trend, due.step, e.longitude, e.latitude,
               count(*) OVER () AS total
        FROM {r["e"]} AS e
        JOIN {r["s"]} AS s ON s.level = $level AND s.period = e.period AND s.unit_id = {key}
        LEFT JOIN trend ON trend.unit_id = s.unit_id
        LEFT JOIN subs ON subs.unit_id = s.unit_id
        LEFT JOIN due ON due.estate_id = e.estate_id
        WHERE e.period = $period AND {chosen}
          AND (e.name_zh ILIKE $search OR coalesce(e.name_en, '') ILIKE $search OR e.estate_id ILIKE $search)
        ORDER BY {order}, e.estate_id
        LIMIT $limit OFFSET $offset
        """,
        params,
    )


def due_list(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, step: str | None = None, limit: int = 50, offset: int = 0
) -> pl.DataFrame:
    """One step due for consideration, gravest first: party, names, reason and its numbers, rule version and basis."""
    params = {"step": step, "limit": limit, "offset": offset}
    r = readable(scope, params, d="due", c="companies", h="office_heads", e="estates", s="index_scores")
    wanted = "d.step = $step" if step else "d.step <> 'none'"
    return ask(
        con,
        f"""
        SELECT d.period, d.party, d.party_id, d.step, d.reason, d.params, d.rule_from, d.basis, d.estate_id, d.company_id,
               d.head_id, e.name_zh AS estate_zh, e.name_en AS estate_en, c.name_zh AS company_zh, c.name_en AS company_en,
               h.name_zh AS head_zh, h.name_en AS head_en, s.final, s.band, count(*) OVER () AS total
        FROM {r["d"]} AS d
        LEFT JOIN {r["e"]} AS e ON e.estate_id = d.estate_id AND e.period = d.period
        LEFT JOIN {r["c"]} AS c ON c.company_id = d.company_id
        LEFT JOIN {r["h"]} AS h ON h.head_id = d.head_id
        LEFT JOIN {r["s"]} AS s ON s.unit_id = d.party_id AND s.period = d.period
                               AND s.level = CASE d.party WHEN 'head' THEN 'head' ELSE 'tenure' END
        WHERE {wanted}
        ORDER BY CASE d.step WHEN 'replacement' THEN 0 WHEN 'interview' THEN 1 WHEN 'listing' THEN 2 WHEN 'attention' THEN 3
                             WHEN 'commendation' THEN 4 ELSE 5 END, s.final NULLS LAST, d.party_id
        LIMIT $limit OFFSET $offset
        """,
        params,
    )


def due_counts(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """How many parties each step is due for: step, n."""
    params: dict = {}
    r = readable(scope, params, d="due")
    return ask(con, f"SELECT step, count(*) AS n FROM {r['d']} AS d GROUP BY step", params)


def candidates(scope: Scope, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One unit watched ahead of a listing, the surest first: names, score, p_below, selected, stage, step due.

    What is told inside the office only: not to a manager. A unit with a listing or a graver step due, or one that stands, is
    past this tier.
    """
    scope.require("supervisor", "subdistrict", "station")
    params: dict = {}
    r = readable(scope, params, f="flags", d="due", c="companies", e="estates", s="index_scores")
    return ask(
        con,
        f"""
        SELECT d.period, d.estate_id, d.company_id, e.name_zh AS estate_zh, e.name_en AS estate_en, c.name_zh AS company_zh,
               c.name_en AS company_en, s.final, f.p_below, f.selected, f.stage, d.step
        FROM {r["d"]} AS d
        JOIN {r["f"]} AS f ON f.level = 'tenure' AND f.unit_id = d.party_id AND f.period = d.period
        JOIN {r["s"]} AS s ON s.level = f.level AND s.unit_id = f.unit_id AND s.period = f.period
        LEFT JOIN {r["e"]} AS e ON e.estate_id = d.estate_id AND e.period = d.period
        LEFT JOIN {r["c"]} AS c ON c.company_id = d.company_id
        WHERE d.party = 'estate' AND d.step IN ('none', 'attention') AND f.stage <> 'none'
          AND coalesce(json_extract_string(d.params, '$.stands'), '') NOT IN ('listing', 'interview', 'replacement')
        ORDER BY f.p_below DESC NULLS LAST, d.party_id
        """,
        params,
    )
