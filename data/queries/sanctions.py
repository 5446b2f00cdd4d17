"""The sanction history of a company, an office head or an estate, as an edition counted it."""

from __future__ import annotations

from typing import NamedTuple

import duckdb
import polars as pl

from data.queries import ask, readable
from data.scope import Scope

#: Of an estate everything decided about it, whoever managed. Of a company what names it. Of a head what names the person,
#: and what names nobody and was decided at an estate while the person was in charge of it for the same company.
ABOUT = {
    "company": "s.company_id = $party",
    "estate": "s.estate_id = $party",
    "head": """
        (s.head_id = $party OR s.head_id IS NULL AND EXISTS (
            SELECT 1 FROM {t} AS t
            WHERE t.head_id = $party AND t.estate_id = s.estate_id AND s.decided_on >= t.valid_from
              AND s.decided_on < coalesce(t.valid_to, DATE '9999-12-31')
              AND (s.company_id IS NULL OR s.company_id = t.company_id)
        ))""",
}


class Party(NamedTuple):
    """Whose history is asked: ``kind`` is company, head or estate."""

    kind: str
    party_id: str


def history(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str | None = None, head_id: str | None = None,
    estate_id: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """One entry of one party's history, newest first, also those that have ended or were overturned.

    It goes by what each entry names and by the days of tenure: a head's follows the person to the next estate, an estate's
    stays under its next company, a company's never passes to the one that comes after.

    Returns:
        sanction_id, kind, finding, severity, law, decided_on, ends, repaired_on, status, origin (``records`` or ``ledger``),
        watch_until, the three ids with their names, ``in_charge`` (the company named still manages the estate on the
        period's last day), and ``stands`` on that day, as in contract StandingSanction.

    Raises:
        ValueError: none or more than one party was named.
    """
    asked = {"company": company_id, "head": head_id, "estate": estate_id}
    named = [Party(kind, party_id) for kind, party_id in asked.items() if party_id]
    if len(named) != 1:
        raise ValueError("Name one party: company_id, head_id or estate_id.")
    kind, party_id = named[0]
    params: dict = {"party": party_id}
    r = readable(
        scope,
        params,
        s="sanctions",
        p="periods",
        c="companies",
        h="office_heads",
        e="estates",
        m="management",
        t="tenures",
    )
    return ask(
        con,
        f"""
        WITH newest AS (SELECT max("end") AS after FROM {r["p"]} AS p),
        names AS (
            SELECT estate_id, arg_max(name_zh, period) AS estate_zh, arg_max(name_en, period) AS estate_en
            FROM {r["e"]} AS e GROUP BY estate_id
        )
        SELECT s.sanction_id, s.kind, s.finding, s.severity, s.law, s.decided_on, s.ends, s.repaired_on,
               s.status, s.origin, s.watch_until, s.estate_id, names.estate_zh, names.estate_en, s.company_id,
               c.name_zh AS company_zh, c.name_en AS company_en, s.head_id, h.name_zh AS head_zh, h.name_en AS head_en,
               EXISTS (
                   SELECT 1 FROM {r["m"]} AS m
                   WHERE m.estate_id = s.estate_id AND m.company_id = s.company_id AND m.valid_from < newest.after
                     AND m.valid_to >= newest.after
               ) AS in_charge,
               s.stands
        FROM {r["s"]} AS s
        CROSS JOIN newest
        LEFT JOIN names USING (estate_id)
        LEFT JOIN {r["c"]} AS c ON c.company_id = s.company_id
        LEFT JOIN {r["h"]} AS h ON h.head_id = s.head_id
        WHERE {ABOUT[kind].format(**r)}
        ORDER BY s.decided_on DESC, s.sanction_id
        """,
        params,
    )


def party(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, company_id: str | None = None, head_id: str | None = None,
    estate_id: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Whose history it is: name_zh, name_en, and estate_id, company_id, head_id (of a head the newest tenure's); one row, or
    none where the viewer may not read it."""
    params: dict = {"company": company_id, "head": head_id, "estate": estate_id}
    r = readable(scope, params, c="companies", h="office_heads", e="estates", t="tenures")
    none = "CAST(NULL AS VARCHAR)"
    return ask(
        con,
        f"""
        SELECT name_zh, name_en, {none} AS estate_id, company_id, {none} AS head_id
        FROM {r["c"]} AS c WHERE company_id = $company
        UNION ALL
        (SELECT name_zh, name_en, estate_id, {none}, {none}
         FROM {r["e"]} AS e WHERE estate_id = $estate ORDER BY period DESC LIMIT 1)
        UNION ALL
        (SELECT h.name_zh, h.name_en, t.estate_id, t.company_id, h.head_id
         FROM {r["h"]} AS h JOIN {r["t"]} AS t ON t.head_id = h.head_id
         WHERE h.head_id = $head ORDER BY t.valid_from DESC LIMIT 1)
        """,
        params,
    )


def periods(scope: Scope, con: duckdb.DuckDBPyConnection, *, level: str, unit_id: str) -> pl.DataFrame:
    """One period of one unit, oldest first, as the counter of a case reads it: period, state, band, p_below."""
    params: dict = {"level": level, "unit": unit_id}
    r = readable(scope, params, s="index_scores")
    return ask(
        con,
        f"""
        SELECT period, state, band, p_below FROM {r["s"]} AS s
        WHERE level = $level AND unit_id = $unit ORDER BY period
        """,
        params,
    )
