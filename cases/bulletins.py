"""Issuing the bulletin of a period (通报): its number, its bytes in the ledger, what it replaces; withdrawing one.

A bulletin stands in the chain of events as one entry of its own: who issued it, when, on which edition, why, its number, its
check code and the hash of its PDF in both languages. It is no case about anybody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

import duckdb
import polars as pl

from cases.acts import Desk
from cases.allowed import NotDue
from cases.case import fold_all
from cases.papers import extracts
from cases.papers.blocks import Both, Person, Text
from cases.papers.extracts import Source, in_words, said
from cases.papers.press import LANGUAGES
from cases.papers.shapes import Bulletin
from data import events, papers
from data.accounts import names_of
from data.events import Event
from data.ledger import writing
from data.queries import bulletins, casefiles, digest, rankings
from i18n.words import Words

EVERY = 1_000_000  # more companies than any district has


def draft(desk: Desk, con: duckdb.DuckDBPyConnection, period: str) -> Bulletin:
    """What the bulletin of a period says today; not numbered."""
    con = con.cursor()
    return extracts.bulletin(
        Source(rankings.edition(desk.scope, con), period, desk.book),
        digest.bands_by_area(desk.scope, con, period=period), digest.over_time(desk.scope, con, period=period),
        rankings.companies(desk.scope, con, period=period, limit=EVERY),
        fold_all(casefiles.case_file(desk.scope, con, desk.ledger)), desk.today,
    )  # fmt: skip


def issue(desk: Desk, con: duckdb.DuckDBPyConnection, *, period: str, reason: str) -> str:
    """Number, sign and keep the bulletin of a period; returns its check code.

    A second one of a period is issued on a corrected edition or after the first was withdrawn, and says which it replaces.

    Raises:
        NotDue: not this role, no reason, a draft edition, or the period has a bulletin on this edition already.
        FieldMissing, FontsMissing, PaperWrong: it cannot be set; nothing was written.
    """
    _may(desk, reason)
    edition = rankings.edition(desk.scope, con)
    if edition["status"] != "published":
        raise NotDue("edition_not_published")
    before = bulletins.issued(desk.scope, con, desk.ledger, period=period)
    newest = before.row(0, named=True) if before.height else None
    if newest and newest["edition"] == edition["edition_id"] and newest["withdrawn_at"] is None:
        raise NotDue("bulletin_issued", number=newest["number_zh"])
    identity = {
        "party": "district", "party_id": "district", "estate_id": None, "company_id": None, "head_id": None, "period": period,
        "step": bulletins.BULLETIN, "matter": f"{edition['edition_id']} {before.height + 1}", "edition": edition["edition_id"],
    }  # fmt: skip
    whole = replace(draft(desk, con, period), signed_by=_signer(desk), replaces=_replaces(newest))
    with writing(desk.ledger) as ledger_con:
        case_id = events.new_case(ledger_con, identity, desk.now)
        numbered = replace(whole, sequence=papers.next_sequence(ledger_con, Bulletin.kind, desk.today.year))
        made = {language: desk.press.print(numbered, language) for language in LANGUAGES}
        sent = papers.Sent(
            Bulletin.kind, desk.today.year, numbered.sequence or 0, made["zh"].number, made["en"].number,
            made["zh"].check_code, {language: (p.file_name, p.pdf) for language, p in made.items()},
        )  # fmt: skip
        papers.keep(ledger_con, case_id, sent, desk.now)
        told = {
            "papers": [sent.check_code], "number": sent.number, "sha256": {x: made[x].sha256 for x in LANGUAGES},
            "replaces": newest["check_code"] if newest else None,
        }  # fmt: skip
        facts = {k: v for k, v in identity.items() if k != "edition"} | told
        events.append(ledger_con, case_id, 0, [_event(desk, case_id, "opened", identity["edition"], reason, facts)])
    return sent.check_code


def withdraw(desk: Desk, con: duckdb.DuckDBPyConnection, *, check_code: str, reason: str) -> str:
    """Withdraw an issued bulletin, with the reason; it stays in the ledger and says that it was withdrawn; returns the code.

    Raises:
        NotDue: not this role, no reason, no such bulletin, or it was withdrawn before.
    """
    _may(desk, reason)
    found = bulletins.issued(desk.scope, con, desk.ledger, check_code=check_code)
    if found.is_empty():
        raise NotDue("no_such_bulletin")
    row = found.row(0, named=True)
    if row["withdrawn_at"] is not None:
        raise NotDue("done_already", on=_day(row["withdrawn_at"]))
    with writing(desk.ledger) as ledger_con:
        event = _event(desk, row["case_id"], "withdrawn", row["edition"], reason, {"number": row["number_zh"]})
        events.append(ledger_con, row["case_id"], 1, [event])
    return row["check_code"]


def _may(desk: Desk, reason: str) -> None:
    if desk.scope.role not in desk.book.on(desk.today, "cases")["issues_bulletins"]:
        raise NotDue("not_your_role")
    if not reason.strip():
        raise NotDue("reason_missing")


def _event(desk: Desk, case_id: str, kind: str, edition: str, reason: str, facts: dict) -> Event:
    law = "; ".join(desk.book.on(desk.today, "papers")["cites"][Bulletin.kind])
    return Event(case_id, 0, kind, desk.now, desk.scope.viewer_id, desk.scope.role, edition, law, reason.strip(), facts)


def _signer(desk: Desk) -> Person:
    who = desk.scope.viewer_id
    return Person(name=Both(*names_of(desk.ledger, [who]).get(who, (who, None))), title=said(f"role.{desk.scope.role}"))


def _replaces(newest: dict | None) -> Text | None:
    """The bulletin this one takes the place of, by its number and day."""
    if newest is None:
        return None
    day = _day(newest["made_at"])

    def number(t: Words) -> str:
        return newest[f"number_{t.language}"]

    words = "replaces_withdrawn" if newest["withdrawn_at"] is not None else "replaces"
    return said(f"paper.bulletin.{words}", number=number, on=partial(in_words, day))


def _day(at) -> date:
    return at.astimezone(extracts.ZONE).date()


def listed(rows: pl.DataFrame, t: Words) -> list[tuple[str, str]]:
    """Number and standing of each bulletin of ``bulletins.issued``, in words."""
    numbers = {r["check_code"]: r[f"number_{t.language}"] for r in rows.iter_rows(named=True)}
    return [(r[f"number_{t.language}"], _standing(r, numbers, t)) for r in rows.iter_rows(named=True)]


def _standing(row: dict, numbers: dict[str, str], t: Words) -> str:
    by = numbers.get(row["replaced_by"] or "")
    if row["withdrawn_at"] is not None:
        said = t("bulletin.withdrawn", on=in_words(_day(row["withdrawn_at"]), t))
        return said + (t("common.semicolon") + t("bulletin.replaced", number=by) if by else "")
    return t("bulletin.replaced", number=by) if by else t("bulletin.in_force")
