"""What waits for a decision, and which sources are late, read from the records store (``attach_records`` views)."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from data.deliveries import allowed_days, rhythm, rule_on
from data.mapping import Source, sources
from data.queries import ask, readable
from data.resolving import rule_on as linkage_on
from data.respelled import REASON, SAME, TWO, same_numbers, told_by_name, with_likeness
from data.scope import Scope

RHYTHM = {
    "source": pl.String, "deliveries": pl.Int64, "last_on": pl.Date, "usual_days": pl.Float64, "days": pl.Int64,
    "late": pl.Boolean,
}  # fmt: skip


def held(scope: Scope, con: duckdb.DuckDBPyConnection, *, limit: int = 50) -> pl.DataFrame:
    """One file kept for a person, undecided ones first: what each source would make of it (``parts``, JSON)."""
    scope.require("steward", "supervisor")
    params: dict = {"limit": limit}
    r = readable(scope, params, w="deliveries_waiting")
    return ask(
        con,
        f"""
        SELECT waiting_id, file, bytes, received_at, parts, state, decided_at, decided_by, why, count(*) OVER () AS total
        FROM {r["w"]} AS w ORDER BY state <> 'waiting', waiting_id DESC LIMIT $limit
        """,
        params,
    )


def rhythms(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, today: date, known: dict[str, Source] | None = None
) -> pl.DataFrame:
    """One source that has delivered, by its rhythm: last day, usual days between deliveries, days since, late or not.

    ``usual_days`` and ``late`` are NULL where the source's rhythm is not known yet (``rules/deliveries.toml``).
    """
    scope.require("steward", "supervisor")
    params: dict = {}
    r = readable(scope, params, d="deliveries")
    past = ask(
        con, f"SELECT source, list(received_at ORDER BY seq DESC) AS came FROM {r['d']} AS d GROUP BY source", params
    )
    rule, known = rule_on(today), known or sources()
    rows = []
    for source, came in past.sort("source").iter_rows():
        zone = known[source].zone if source in known else "Asia/Shanghai"
        said = known[source].expected_days if source in known else None
        last = max(m.astimezone(ZoneInfo(zone)).date() for m in came)
        usual = said or rhythm(came[: rule["history"]], zone, rule)
        days = (today - last).days
        rows.append((source, len(came), last, usual, days, None if not usual else days > allowed_days(usual, rule)))
    return pl.DataFrame(rows, schema=RHYTHM, orient="row").sort("late", "days", descending=True, nulls_last=True)


def links(scope: Scope, con: duckdb.DuckDBPyConnection, *, limit: int = 200) -> pl.DataFrame:
    """One name taken for a record of a register, the least sure first: said, linked to, confidence, reason, rows."""
    scope.require("steward", "supervisor")
    params: dict = {"limit": limit}
    r = readable(scope, params, k="reference_links", d="deliveries")
    return ask(
        con,
        f"""
        SELECT d.seq, d.file, k.column_name, k.said, k.linked_id, k.linked_name, k.confidence, k.runner_up, k.reason,
               k.row_count, count(*) OVER () AS total
        FROM {r["k"]} AS k JOIN {r["d"]} AS d USING (delivery_id)
        ORDER BY k.confidence, d.seq DESC, k.said LIMIT $limit
        """,
        params,
    )


def names_in_turn(
    scope: Scope, con: duckdb.DuckDBPyConnection, *, today: date, known: dict[str, Source] | None = None
) -> pl.DataFrame:
    """One pair of names that follow each other at estates in registers that know companies by name, the likest first.

    ``before, after, estates`` (that turned on ``day``, the day most of them did), ``likeness``, ``rule`` (what the rule says:
    ``same``, ``asks``, ``two``), ``state`` (``open``, ``linked`` by the rule, or ``same_company`` or ``two_companies`` by a
    person) with ``done_by, done_at, why, act_id`` and the ``tenures`` it corrected.
    """
    scope.require("steward", "supervisor")
    told = [name for name, one in (known or sources()).items() if told_by_name(one)]
    params: dict = {"sources": told}
    r = readable(scope, params, t="tenures", v="versions", d="deliveries", k="reference_links", a="desk_acts")
    rows = ask(con, _in_turn_sql(r), params)
    names = ask(con, f"SELECT DISTINCT company_id FROM {r['t']} AS t ORDER BY 1", {})["company_id"]
    rows = with_likeness(
        rows.sort("before", "after"), pl.concat([names, rows["before"], rows["after"]]).unique().sort()
    )
    rule = linkage_on(today)
    like = pl.coalesce("sure", "likeness")
    says = (
        pl.when(like.ge(rule["same_place"]) & same_numbers())
        .then(pl.lit("same"))
        .when(like.ge(rule["asks"]) & same_numbers())
        .then(pl.lit("asks"))
        .otherwise(pl.lit("two"))
    )
    ranked = rows.with_columns(likeness=like, rule=says).drop("sure")
    return ranked.sort("likeness", "estates", "before", descending=[True, True, False])


def _in_turn_sql(r: dict[str, str]) -> str:
    """Turns on record, links made by the rule, and decisions: one row per pair, the decision before the link."""
    return f"""
        WITH decided AS (
            SELECT json_extract_string(changes, '$.from') AS before, json_extract_string(changes, '$.to') AS after,
                   least(before, after) AS x, greatest(before, after) AS y, kind, done_by, done_at, why, act_id, row_count
            FROM {r["a"]} AS a WHERE kind IN ('{SAME}', '{TWO}')
            QUALIFY row_number() OVER (PARTITION BY x, y ORDER BY act_id DESC) = 1
        ),
        by_name AS (
            SELECT DISTINCT v.estate_id FROM {r["v"]} AS v JOIN {r["d"]} AS d USING (delivery_id)
            WHERE v.record_table = 'tenures' AND list_contains($sources, d.source)
        ),
        spells AS (
            SELECT estate_id, company_id AS after, valid_from AS day,
                   lag(company_id) OVER w AS before, lag(valid_to) OVER w AS ended
            FROM {r["t"]} AS t WHERE estate_id IN (SELECT estate_id FROM by_name)
            WINDOW w AS (PARTITION BY estate_id ORDER BY valid_from)
        ),
        days AS (
            SELECT before, after, day, count(*) AS estates FROM spells WHERE ended = day AND before <> after GROUP BY ALL
        ),
        turns AS (
            SELECT before, after, max(estates) AS estates, arg_max(day, estates) AS day, 'open' AS state, NULL::DOUBLE AS sure
            FROM days GROUP BY ALL
            UNION ALL
            SELECT said, linked_id, sum(row_count)::BIGINT, NULL, 'linked', max(confidence)
            FROM {r["k"]} AS k WHERE reason = '{REASON}' GROUP BY ALL
        ),
        every AS (
            SELECT *, least(before, after) AS x, greatest(before, after) AS y FROM turns
            UNION ALL SELECT before, after, NULL, NULL, kind, NULL, x, y FROM decided
        )
        SELECT e.before, e.after, e.estates, e.day, coalesce(d.kind, e.state) AS state, e.sure, d.done_by, d.done_at, d.why,
               d.act_id, d.row_count AS tenures
        FROM every AS e LEFT JOIN decided AS d USING (x, y)
        QUALIFY row_number() OVER (
            PARTITION BY e.x, e.y, CASE WHEN d.kind IS NULL THEN e.before END ORDER BY e.state <> 'linked', e.estates DESC NULLS LAST
        ) = 1
        ORDER BY ALL
    """
