"""Doing things in cases, for tests: who acts, on which day, and a case brought to where a test begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pypdf

from cases import acts
from cases.acts import Desk
from data.queries import files, rankings
from data.scope import Scope

ANNA, BEN = Scope("anna", "supervisor"), Scope("ben", "supervisor")
START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)  # Monday 2 November 2026, ten in the morning in the district


def at(desk: Desk, scope: Scope, days: int = 0) -> Desk:
    return replace(desk, scope=scope, now=START + timedelta(days=days))


def edition_id(con) -> str:
    return rankings.edition(ANNA, con)["edition_id"]


def manager_of(row: dict) -> Scope:
    return Scope("mei", "manager", company_id=row["company_id"])


def own_record(con, row: dict) -> dict:
    """One record the row's company was scored on: table, record_id."""
    rows = files.counted_records(manager_of(row), con, level="tenure", unit_id=row["party_id"], period=row["period"])
    return {"table": rows["record_table"][0], "record_id": rows["record_id"][0]}


def opened(desk: Desk, con, row: dict, step: str = "attention"):
    case_id = acts.open_case(desk, row | {"step": step}, edition=edition_id(con), reason="季度评分")
    return acts.read(desk, con, case_id)[0]


def told(desk: Desk, con, row: dict, step: str = "listing"):
    case = opened(desk, con, row, step)
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": step}, reason="记录属实")
    return acts.act(desk, con, case, "served", reason="依法告知")


def text_of(pdf: bytes) -> str:
    return "".join("".join(p.extract_text() for p in pypdf.PdfReader(BytesIO(pdf)).pages).split())
