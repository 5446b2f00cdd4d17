"""Doing something in a case: asked first whether it may be done, then written whole or not at all, with its paper.

One transaction of the ledger holds the event, the paper with its number and bytes, what was handed in, and the messages that
tell of it. Two people at once: the second is told what the first did, and nothing of theirs is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import sqlalchemy as sa

from cases import corrected, letters, notices
from cases.allowed import Asked, NotDue, may_open, refusal
from cases.case import BY_HAND, DISPUTE, Case, after, fold, level_of
from cases.days import local_day
from cases.drafting import drafted
from cases.exit import Counter, counter
from cases.matters import matter_of, party_now
from cases.papers.blocks import Both, Person
from cases.papers.extracts import Source, said
from cases.papers.prefill import Found, metrics_named
from cases.papers.press import LANGUAGES, Press
from data import events, papers
from data.accounts import names_of
from data.editions import Published, open_edition, path_of
from data.events import Event
from data.ledger import writing
from data.queries import casefiles, files, rankings
from data.scope import Scope
from rules.book import Book

LARGEST_FILE = 20 * 1024 * 1024  # bytes a party or officer may hand in at once
MATTER_LONGEST = 128
EVERY = 1_000_000  # more records than any unit has
IDENTITY = ("party", "party_id", "estate_id", "company_id", "head_id", "period", "step")
DUE_KEPT = (
    "period", "party", "party_id", "step", "reason", "params", "rule_from", "basis", "estate_id", "company_id", "head_id",
    "estate_zh", "estate_en", "company_zh", "company_en", "head_zh", "head_en",
)  # fmt: skip


class EditionGone(LookupError):
    """The edition a case rests on is not in the editions folder."""


@dataclass(frozen=True)
class Handed:
    """A file handed in with an act."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Desk:
    """Where acts are done: the stores, the rules, the press, the moment, and who is at it.

    Attributes:
        link: address of a case's page as people open it, for messages.
    """

    root: Path
    ledger: sa.Engine
    book: Book
    press: Press
    now: datetime
    scope: Scope
    link: str = "/case?case="

    @property
    def today(self) -> date:
        return local_day(self.now)

    def asked(self, facts: dict | None = None) -> Asked:
        return Asked(self.scope, self.today, self.book.on(self.today, "cases"), facts)

    def published(self) -> list[Published]:
        """The editions that may have taken a case's rulings."""
        return corrected.on_this_ledger(self.root, self.ledger)

    def edition(self, name: str) -> duckdb.DuckDBPyConnection:
        """The edition a case rests on, whatever is published now.

        Raises:
            EditionGone: its file is missing.
        """
        path = path_of(self.root, name)
        if path is None:
            raise EditionGone(
                f"Edition '{name}' is not in the editions folder. Restore it from the backup; a case rests on it."
            )
        return open_edition(path)


def open_case(desk: Desk, due: dict, *, edition: str, reason: str) -> str:
    """Take up a row of the due list: who, what is recommended, and everything it was recommended on. Returns its number.

    Raises:
        NotDue: the viewer's role may not prepare this step.
        AlreadyOpen: the row has a case.
    """
    kept = {k: v.isoformat() if isinstance(v, date) else v for k, v in due.items() if k in DUE_KEPT}
    return _open(desk, kept, matter="", edition=edition, reason=reason)


def open_by_hand(
    desk: Desk, con: duckdb.DuckDBPyConnection, *, estate_id: str, period: str, kind: str, matter: str, reason: str
) -> str:
    """Open an order, a referral or an advice on a matter of its own (no score), about whoever manages the estate now.

    Args:
        con: the published edition, on which the case rests. kind: of matter, in rules/matters.toml; it gives step and law.

    Raises:
        NotDue: the viewer's role may not prepare it, no matter was named, or there is no such estate or kind.
        AlreadyOpen: the same matter has a case.
    """
    if not matter.strip():
        raise NotDue("name_the_matter")
    if not reason.strip():
        raise NotDue("reason_missing")
    of = matter_of(desk.book, desk.today, kind)
    row = party_now(desk.scope, con, estate_id, period) | {
        "step": of.step, "matter_kind": of.key, "law": list(of.law), "body": of.body,
    }  # fmt: skip
    edition = rankings.edition(desk.scope, con)["edition_id"]
    return _open(desk, row, matter=matter.strip()[:MATTER_LONGEST], edition=edition, reason=reason)


def dispute(
    desk: Desk, con: duckdb.DuckDBPyConnection, party: dict, *, ground: str, records: Sequence[dict], reason: str,
    handed: Handed | None = None,
) -> str:  # fmt: skip
    """Dispute records beside a score, with no step due: a case the party opens, marked at once. Returns its number.

    Args:
        con: the published edition. party: ``party_id`` (the company's spell), estate_id, company_id, head_id, period, names.
        records: table, record_id and the wish (exclude, reassign) of each.

    Raises:
        NotDue: not the company's own account, no reason, none or a stranger's record. AlreadyOpen: it is disputed already.
    """
    step_rule = desk.book.on(desk.today, "cases")["prepares"][DISPUTE]
    if desk.scope.role not in step_rule or desk.scope.company_id != party["company_id"]:
        raise NotDue("not_your_role")
    if not reason.strip():
        raise NotDue("reason_missing")
    matter = ", ".join(sorted(f"{r['table']} {r['record_id']}" for r in records))
    if not matter or len(matter) > MATTER_LONGEST:
        raise NotDue("one_at_a_time")
    _own_records(desk, con, "tenure", party["party_id"], party["period"], records)
    edition = rankings.edition(desk.scope, con)["edition_id"]
    row = {**party, "party": "estate", "step": DISPUTE}
    identity = {k: row.get(k) for k in IDENTITY} | {"matter": matter, "edition": edition}
    opened = _event(desk, "", "opened", edition, reason, {k: identity[k] for k in (*IDENTITY, "matter")} | {"due": row})
    claim = {"ground": ground, "records": list(records)}
    with writing(desk.ledger) as ledger_con:
        case_id = events.new_case(ledger_con, identity, desk.now)
        sha = events.attach(ledger_con, handed.content, handed.name, handed.media_type) if handed else None
        objected = _event(desk, case_id, "objected", edition, reason, claim, sha)
        written = events.append(ledger_con, case_id, 0, [opened, objected])
        notices.tell(ledger_con, fold(written), written[-1], desk.link)
    return case_id


def _own_records(
    desk: Desk, con: duckdb.DuckDBPyConnection, level: str, unit_id: str, period: str, records: Sequence[dict]
) -> None:
    """Refuse a claim about what the unit was not scored on: another company's records are nobody's to name here."""
    if not records:
        return
    rows = files.counted_records(desk.scope, con, level=level, unit_id=unit_id, period=period, limit=EVERY)
    own = set(rows.select("record_table", "record_id").rows())
    strange = sorted(r["record_id"] for r in records if (r["table"], r["record_id"]) not in own)
    if strange:
        raise NotDue("not_your_records", records=", ".join(strange))


def _open(desk: Desk, row: dict, *, matter: str, edition: str, reason: str) -> str:
    step = row["step"]
    refused = may_open(step, bool(matter), desk.asked())
    if refused or (not matter and step in BY_HAND):
        raise refused or NotDue("name_the_matter")
    identity = {k: row.get(k) for k in IDENTITY} | {"matter": matter, "edition": edition}
    event = _event(
        desk, "", "opened", edition, reason, {k: v for k, v in identity.items() if k != "edition"} | {"due": row}
    )
    if matter:
        event = replace(event, law="; ".join(row["law"]))
    with writing(desk.ledger) as con:
        case_id = events.new_case(con, identity, desk.now)
        events.append(con, case_id, 0, [event])
    return case_id


def read(desk: Desk, con: duckdb.DuckDBPyConnection, case_id: str) -> tuple[Case, list[Event]]:
    """A case and its events.

    Raises:
        LookupError: there is none, or the viewer may not read it (which is not said).
    """
    rows = casefiles.case_file(desk.scope, con, desk.ledger, case_id=case_id)
    if not rows:
        raise LookupError(f"No case '{case_id}' that this account may read.")
    return fold(rows), rows


def act(
    desk: Desk, con: duckdb.DuckDBPyConnection, case: Case, kind: str, *, facts: dict | None = None, reason: str = "",
    handed: Handed | None = None,
) -> Case:  # fmt: skip
    """Write one event of a case as the viewer saw it, with the paper it sends.

    Args:
        con: the published edition, which says what the viewer may read. case: as read; somebody else's act since is told.
        facts: what the form changed of what ``drafting`` gives.

    Raises:
        NotDue: it may not be done now or not by this person.
        Overtaken: somebody acted in the case since it was read.
        FieldMissing, FontsMissing, PaperWrong: its paper cannot be set; nothing was written.
        LookupError: the viewer may not read the case.
    """
    read(desk, con, case.case_id)
    whole = stated(desk, case, kind, facts or {})
    if handed and len(handed.content) > LARGEST_FILE:
        raise NotDue("file_too_large", megabytes=LARGEST_FILE // 1024 // 1024)
    if not reason.strip():
        raise NotDue("reason_missing")
    if kind == "objected":
        _own_records(desk, con, level_of(case), case.party_id, case.period, whole.get("records", ()))
    if kind == "closed" and whole["how"] == "clean_periods" and not _clean(desk, con, case):
        raise NotDue("not_clean_yet")
    letter = letters.letter_for(kind, case.step)
    if (
        kind == "objection_decided"
        and (not case.matter or case.step == DISPUTE)
        and not {"before", "after"} <= whole.keys()
    ):
        raise NotDue("weigh_first")
    found = found_for(desk, case) if letter else None
    with writing(desk.ledger) as ledger_con:
        if letter and found:
            sent = _paper(desk, ledger_con, case, letter, found, whole, reason)
            papers.keep(ledger_con, case.case_id, sent, desk.now)
            whole = whole | {"papers": [sent.check_code]}
        sha = events.attach(ledger_con, handed.content, handed.name, handed.media_type) if handed else None
        event = _event(desk, case.case_id, kind, case.edition, reason, whole, sha)
        (written,) = events.append(ledger_con, case.case_id, case.version, [event])
        now = after(case, written)
        notices.tell(ledger_con, now, written, desk.link)
    return now


def how_far(desk: Desk, con: duckdb.DuckDBPyConnection, case: Case) -> Counter | None:
    """How far a case is from its end by the published edition; None where nothing is counted."""
    if case.party == "company":
        return None
    periods = files.history(desk.scope, con, level=level_of(case), unit_id=case.party_id)
    newest = rankings.edition(desk.scope, con)["period"]
    return counter(case, periods, desk.book.on(desk.today, "ladder"), newest)


def _clean(desk: Desk, con: duckdb.DuckDBPyConnection, case: Case) -> bool:
    """Whether the published edition shows as many clean periods in a row as end the step."""
    found = how_far(desk, con, case)
    return found is not None and 0 < found.needed <= found.clean


def stated(desk: Desk, case: Case, kind: str, facts: dict) -> dict:
    """What the event will hold: the days the rules give, with what the form changed.

    Raises:
        NotDue: it may not be done now or not by this person.
    """
    if refused := refusal(case, kind, desk.asked()):
        raise refused
    rule, ladder = desk.book.on(desk.today, "cases"), desk.book.on(desk.today, "ladder")
    whole = drafted(case, kind, desk.today, rule, ladder, facts)
    if refused := refusal(case, kind, desk.asked(whole)):
        raise refused
    return whole


def _event(
    desk: Desk, case_id: str, kind: str, edition: str, reason: str, facts: dict, sha: str | None = None
) -> Event:
    law = desk.book.on(desk.today, "cases")["law_of"][kind]
    return Event(
        case_id, 0, kind, desk.now, desk.scope.viewer_id, desk.scope.role, edition, law, reason.strip(), facts, sha
    )


def _person(desk: Desk, account_id: str, role: str) -> Person:
    name_zh, name_en = names_of(desk.ledger, [account_id]).get(account_id, (account_id, None))
    return Person(name=Both(name_zh, name_en), title=said(f"role.{role}"))


def _paper(
    desk: Desk, con: sa.Connection, case: Case, letter: tuple[str, Any], found: Found, facts: dict, reason: str
) -> papers.Sent:
    """Set the paper in both languages under the next number of its kind."""
    kind, write = letter
    edition = rankings.edition(desk.scope, desk.edition(case.edition))
    sequence = papers.next_sequence(con, kind, desk.today.year)
    sent = {k: (Both(zh, en), day) for k, (zh, en, day) in papers.numbers_of(con, case.case_id).items()}
    rows = events.events_of(desk.ledger, case.case_id)
    people = {e.by: _person(desk, e.by, e.role) for e in rows}
    heard = next((e.facts.get("said", e.reason) for e in rows if e.kind == "heard"), None)
    asked = next((e.facts["asked"] for e in rows if e.facts.get("asked")), None)
    place = next((e.facts["place"] for e in rows if e.facts.get("place")), None)
    carried = {"head_said": heard, "asked": asked, "place": place}
    told = {k: v for k, v in carried.items() if v}
    paper = write(
        letters.Letter(
            case, Source(edition, case.period, desk.book), found, told | facts, reason.strip(), desk.today,
            _person(desk, desk.scope.viewer_id, desk.scope.role), sequence, sent, people, rows[0].reason,
        )
    )  # fmt: skip
    made = {language: desk.press.print(paper, language) for language in LANGUAGES}
    return papers.Sent(
        kind, desk.today.year, sequence, made["zh"].number, made["en"].number, made["zh"].check_code,
        {language: (p.file_name, p.pdf) for language, p in made.items()},
    )  # fmt: skip


def found_for(desk: Desk, case: Case) -> Found:
    """What the case's edition knows of its party, asked as the viewer; of a matter of its own nothing but the names."""
    if case.matter:
        return Found(case.due, {}, pl.DataFrame(), pl.DataFrame())
    con, scope = desk.edition(case.edition), desk.scope
    due = case.due | {"period": case.period}
    due["rule_from"] = date.fromisoformat(due["rule_from"]) if due.get("rule_from") else case.opened_on
    if case.party == "company":
        return _found_company(scope, con, due, case)
    level, unit, period = level_of(case), case.party_id, case.period
    scores = files.metric_scores(scope, con, level=level, unit_id=unit, period=period)
    evidence = {
        m: files.evidence(scope, con, level=level, unit_id=unit, metric=m, period=period) for m in _named(due, scores)
    }
    row = files.unit(scope, con, level=level, unit_id=unit, period=period)
    if row is None:
        raise LookupError(f"Edition '{case.edition}' holds no unit '{case.party_id}' that this account may read.")
    return Found(due, row, files.history(scope, con, level=level, unit_id=unit), scores, evidence)


def _named(due: dict, scores: pl.DataFrame) -> Sequence[str]:
    return metrics_named(due, scores) if due.get("params") else ()


def _found_company(scope: Scope, con: duckdb.DuckDBPyConnection, due: dict, case: Case) -> Found:
    """A company as a whole: its score and history; its records stand with its estates."""
    row = files.company(scope, con, company_id=case.party_id, period=case.period)
    if row is None:
        raise LookupError(f"Edition '{case.edition}' holds no company '{case.party_id}' that this account may read.")
    none = files.metric_scores(scope, con, level="tenure", unit_id="", period=case.period)
    history = files.company_history(scope, con, company_id=case.party_id)
    return Found(due, row | {"p_below": None, "cap": None}, history, none, {})
