"""Papers in the ledger: their running numbers, the bytes that went out, and the check code that finds them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from data.events import attach
from data.ledger import papers

PDF = "application/pdf"


@dataclass(frozen=True)
class Sent:
    """One paper as it went out: the same number and check code in both languages.

    Attributes:
        files: language to (file name, bytes).
    """

    kind: str
    year: int
    sequence: int
    number: str
    number_en: str
    check_code: str
    files: dict[str, tuple[str, bytes]]


def next_sequence(con: sa.Connection, kind: str, year: int) -> int:
    """The next running number of a kind of paper in its year; within ``ledger.writing``, so nobody else takes it."""
    taken = sa.select(sa.func.coalesce(sa.func.max(papers.c.sequence), 0)).where(
        papers.c.kind == kind, papers.c.year == year
    )
    return con.execute(taken).scalar_one() + 1


def keep(con: sa.Connection, case_id: str, sent: Sent, at: datetime) -> None:
    """Enter a paper with its bytes, as part of the caller's transaction."""
    sha = {language: attach(con, content, name, PDF) for language, (name, content) in sent.files.items()}
    row = {
        "check_code": sent.check_code, "case_id": case_id, "kind": sent.kind, "year": sent.year,
        "sequence": sent.sequence, "number": f"{sent.number}\n{sent.number_en}", "sha256_zh": sha["zh"],
        "sha256_en": sha["en"], "made_at": at,
    }  # fmt: skip
    con.execute(sa.insert(papers).values(row))


def numbers_of(con: sa.Connection, case_id: str) -> dict[str, tuple[str, str, date]]:
    """Newest number of each kind of paper in a case: kind to Chinese number, English number, UTC day."""
    query = sa.select(papers.c.kind, papers.c.number, papers.c.made_at).where(papers.c.case_id == case_id)
    found = {}
    for kind, number, made_at in con.execute(query.order_by(papers.c.made_at)):
        zh, _, en = number.partition("\n")
        found[kind] = (zh, en, made_at.date())
    return found
