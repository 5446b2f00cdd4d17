"""Case files, read from the ledger by whoever may: officers those of their area, a manager the own company's once told.

Who may read which case is decided here alone; ``con`` is the edition that says which estates lie in an officer's area.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import sqlalchemy as sa

from data.events import Event, attachment, events_where
from data.ledger import attachments, case_events, case_readings, cases, papers, writing
from data.queries import ask, readable
from data.queries.bulletins import BULLETIN
from data.scope import Scope

ZONE = ZoneInfo("Asia/Shanghai")
REPLIES = ("replied", "objected", "answered")  # kinds of event in which the party speaks for itself
TELLING = ("served", "shown")  # kinds of event from which on the party may read the file
OWN = "dispute"  # what the party opened itself (cases/case.py)


def _may_read(scope: Scope, con: duckdb.DuckDBPyConnection) -> sa.ColumnElement[bool]:
    """The cases a viewer may read, as a condition on ``cases``; a bulletin's entry is no case."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    if scope.role == "supervisor":
        return cases.c.step != BULLETIN
    if scope.role == "manager":
        told = sa.select(case_events.c.case_id).where(case_events.c.kind.in_(TELLING))
        known = sa.or_(cases.c.case_id.in_(told), cases.c.step == OWN)
        return sa.and_(cases.c.company_id == scope.company_id, known)
    params: dict = {}
    r = readable(scope, params, e="estates")
    own = ask(con, f"SELECT DISTINCT estate_id FROM {r['e']} AS e ORDER BY estate_id", params)["estate_id"].to_list()
    return cases.c.estate_id.in_(own)


def case_ids(scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine) -> list[str]:
    """Numbers of the cases the viewer may read, newest first."""
    query = sa.select(cases.c.case_id).where(_may_read(scope, con)).order_by(cases.c.opened_at.desc(), cases.c.case_id)
    with ledger.connect() as ledger_con:
        return list(ledger_con.execute(query).scalars())


def case_file(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, case_id: str | None = None,
    company_id: str | None = None, estate_id: str | None = None, head_id: str | None = None,
) -> list[Event]:  # fmt: skip
    """Every event of the cases the viewer may read (or of those about one case, company, estate, head), case by case."""
    chosen = [
        column == value
        for column, value in (
            (cases.c.case_id, case_id), (cases.c.company_id, company_id), (cases.c.estate_id, estate_id),
            (cases.c.head_id, head_id),
        )
        if value is not None
    ]  # fmt: skip
    return events_where(ledger, _may_read(scope, con), *chosen)


def replies(scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, period: str) -> pl.DataFrame:
    """One case on a period's scores in which the party has spoken, the newest words last: case_id, company_id, estate_id,
    day, words (the newest). Cases withdrawn are left out, with what they said."""
    gone = sa.select(case_events.c.case_id).where(case_events.c.kind == "withdrawn")
    query = (
        sa.select(cases.c.case_id, cases.c.company_id, cases.c.estate_id, case_events.c.at, case_events.c.reason)
        .join(cases, cases.c.case_id == case_events.c.case_id)
        .where(_may_read(scope, con), cases.c.period == period, case_events.c.kind.in_(REPLIES))
        .where(cases.c.case_id.not_in(gone))
        .order_by(case_events.c.seq)
    )
    with ledger.connect() as ledger_con:
        rows = [dict(r) for r in ledger_con.execute(query).mappings()]
    schema = dict.fromkeys(("case_id", "company_id", "estate_id"), pl.String) | {"day": pl.Date, "words": pl.String}
    said = [r | {"day": r["at"].astimezone(ZONE).date(), "words": r["reason"]} for r in rows]
    found = pl.DataFrame([{k: r[k] for k in schema} for r in said], schema=schema)
    return found.unique("case_id", keep="last", maintain_order=True)


def case_of(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, period: str, step: str | None, unit_id: str
) -> str | None:
    """The case a row of the due list has already; None where it has none or the viewer may not read it."""
    query = sa.select(cases.c.case_id).where(
        _may_read(scope, con), cases.c.period == period, cases.c.step == (step or ""), cases.c.party_id == unit_id,
        cases.c.matter == "",
    )  # fmt: skip
    with ledger.connect() as ledger_con:
        return ledger_con.execute(query).scalars().first()


def case_papers(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, case_id: str | None = None,
    check_code: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """One paper, newest first: case_id, kind, number_zh, number_en, check_code, made_at, sha256_zh, sha256_en."""
    chosen = [_may_read(scope, con)]
    chosen += [papers.c.case_id == case_id] if case_id else []
    chosen += [papers.c.check_code == check_code.strip().upper()] if check_code else []
    query = sa.select(papers).join(cases).where(*chosen).order_by(papers.c.made_at.desc(), papers.c.check_code)
    with ledger.connect() as ledger_con:
        rows = [dict(r) for r in ledger_con.execute(query).mappings()]
    schema: dict[str, Any] = {
        "case_id": pl.String, "kind": pl.String, "number_zh": pl.String, "number_en": pl.String, "check_code": pl.String,
        "made_at": pl.Datetime(time_zone="UTC"), "sha256_zh": pl.String, "sha256_en": pl.String,
    }  # fmt: skip
    for row in rows:
        row["number_zh"], _, row["number_en"] = row["number"].partition("\n")
    return pl.DataFrame([{k: row[k] for k in schema} for row in rows], schema=schema)


def case_attachment(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, case_id: str | None, sha256: str
) -> tuple[str, str, bytes] | None:
    """Name, media type and bytes of a file that belongs to a case the viewer may read; None where it does not."""
    ours = sa.select(cases.c.case_id).where(_may_read(scope, con), cases.c.case_id == (case_id or ""))
    in_events = sa.select(case_events.c.seq).where(
        case_events.c.case_id.in_(ours), case_events.c.attachment == attachments.c.sha256
    )
    in_papers = sa.select(papers.c.check_code).where(
        papers.c.case_id.in_(ours), sa.or_(papers.c.sha256_zh == sha256, papers.c.sha256_en == sha256)
    )
    with ledger.connect() as ledger_con:
        query = sa.select(attachments.c.sha256).where(
            attachments.c.sha256 == sha256, sa.or_(in_events.exists(), in_papers.exists())
        )
        held = ledger_con.execute(query).first()
    return attachment(ledger, sha256) if held else None


def note_reading(
    scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, case_id: str | None, at: datetime
) -> None:
    """Enter that the viewer read a case file, once a day; nothing where they may not read it."""
    if case_id not in case_ids(scope, con, ledger):
        return
    day = at.astimezone(ZONE).date()
    one = [
        case_readings.c.case_id == case_id,
        case_readings.c.account_id == scope.viewer_id,
        case_readings.c.day == day,
    ]
    with ledger.connect() as ledger_con:
        if ledger_con.execute(sa.select(case_readings.c.day).where(*one)).first():
            return
    with writing(ledger) as ledger_con:
        if ledger_con.execute(sa.select(case_readings.c.day).where(*one)).first() is None:
            row = {"case_id": case_id, "account_id": scope.viewer_id, "day": day, "first_at": at}
            ledger_con.execute(sa.insert(case_readings).values(row))


def readings(scope: Scope, con: duckdb.DuckDBPyConnection, ledger: sa.Engine, *, case_id: str | None) -> pl.DataFrame:
    """Who read a case file on which day, newest first: account_id, day, first_at. For officers and the party itself."""
    query = (
        sa.select(case_readings.c.account_id, case_readings.c.day, case_readings.c.first_at)
        .join(cases)
        .where(_may_read(scope, con), cases.c.case_id == (case_id or ""))
        .order_by(case_readings.c.first_at.desc())
    )
    with ledger.connect() as ledger_con:
        rows = [dict(r) for r in ledger_con.execute(query).mappings()]
    schema: dict[str, Any] = {"account_id": pl.String, "day": pl.Date, "first_at": pl.Datetime(time_zone="UTC")}
    return pl.DataFrame(rows, schema=schema)
