"""What waits for a decision, and which sources are late, read from the records store (``attach_records`` views)."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from data.deliveries import allowed_days, rhythm, rule_on
from data.mapping import Source, sources
from data.queries import ask, readable
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
