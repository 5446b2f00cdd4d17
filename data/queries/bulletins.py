"""Bulletins issued: their numbers, check codes and files, for the supervisor who issues them."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import sqlalchemy as sa

from data.events import attachment
from data.ledger import case_events, cases, papers
from data.scope import Scope

BULLETIN = "bulletin"  # step of the ledger's entry of a bulletin; no case, and shown by no query of cases
SCHEMA: dict[str, Any] = {
    "case_id": pl.String, "period": pl.String, "edition": pl.String, "number_zh": pl.String, "number_en": pl.String,
    "check_code": pl.String, "made_at": pl.Datetime(time_zone="UTC"), "sha256_zh": pl.String, "sha256_en": pl.String,
    "withdrawn_at": pl.Datetime(time_zone="UTC"), "sequence": pl.Int64,
}  # fmt: skip


def issued(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, period: str | None = None, check_code: str | None = None
) -> pl.DataFrame:  # fmt: skip
    """One bulletin, newest first (``SCHEMA``), and ``replaced_by``: the check code of the next one of its period."""
    scope.require("supervisor")
    ended = sa.select(case_events.c.case_id, case_events.c.at.label("withdrawn_at")).where(
        case_events.c.kind == "withdrawn"
    )
    gone = ended.subquery()
    columns = (cases.c.case_id, cases.c.period, cases.c.edition, papers.c.number, papers.c.check_code, papers.c.made_at,
               papers.c.sha256_zh, papers.c.sha256_en, papers.c.year, papers.c.sequence, gone.c.withdrawn_at)  # fmt: skip
    chosen = [cases.c.step == BULLETIN]
    chosen += [cases.c.period == period] if period else []
    query = sa.select(*columns).join(papers, papers.c.case_id == cases.c.case_id)
    query = query.outerjoin(gone, gone.c.case_id == cases.c.case_id).where(*chosen)
    with ledger.connect() as ledger_con:
        rows = [dict(r) for r in ledger_con.execute(query.order_by(papers.c.year, papers.c.sequence)).mappings()]
    for row in rows:
        row["number_zh"], _, row["number_en"] = row["number"].partition("\n")
    found = pl.DataFrame([{k: row[k] for k in SCHEMA} for row in rows], schema=SCHEMA)
    found = found.with_columns(replaced_by=pl.col("check_code").shift(-1).over("period"))
    if check_code:
        found = found.filter(pl.col("check_code") == check_code.strip().upper())
    return found.reverse()


def bulletin_file(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, sha256: str
) -> tuple[str, str, bytes] | None:
    """Name, media type and bytes of an issued bulletin; None where no bulletin has this hash."""
    rows = issued(scope, con, ledger)
    held = rows.filter((pl.col("sha256_zh") == sha256) | (pl.col("sha256_en") == sha256)).height
    return attachment(ledger, sha256) if held else None
