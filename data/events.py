"""Case events: appended in one chain, read back, and checked from the first to the last.

Every event carries the hash of the one before it through the whole ledger, so a change, a gap or another order shows.
What an event means is said in ``cases/case.py``; here it is a row that never changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from data.ledger import attachments, case_events, cases, chain

GENESIS = "0" * 64
IDENTITY = ("party", "party_id", "estate_id", "company_id", "head_id", "period", "step", "matter", "edition")


@dataclass(frozen=True)
class Event:
    """One thing done in a case.

    Attributes:
        seq: its place in the whole ledger; 0 = not written yet.
        version: its place in the case, from 1.
        at: the moment, UTC. by, role: the account and what it was then.
        edition: the edition it relied on. law: the grounds, as keys of rules/laws.toml.
        facts: what this kind of event tells, JSON values only.
        attachment: SHA-256 of a file in ``attachments``.
    """

    case_id: str
    version: int
    kind: str
    at: datetime
    by: str
    role: str
    edition: str
    law: str
    reason: str = ""
    facts: dict = field(default_factory=dict)
    attachment: str | None = None
    seq: int = 0
    previous: str = ""
    hash: str = ""


class Overtaken(ValueError):
    """Somebody else acted in the case meanwhile; nothing was written. ``since`` holds what they did."""

    def __init__(self, case_id: str, since: Sequence[Event]) -> None:
        self.since = tuple(since)
        done = "; ".join(f"{e.by}: {e.kind} ({e.at:%Y-%m-%d %H:%M} UTC)" for e in since)
        super().__init__(
            f"Case {case_id} has moved on since it was opened on your screen: {done}. Nothing of yours was written. "
            "Read what was done, then decide again."
        )


class AlreadyOpen(ValueError):
    """The same recommendation has its case already."""

    def __init__(self, case_id: str) -> None:
        self.case_id = case_id
        super().__init__(f"This recommendation has a case already: {case_id}. Open that one; nothing new was written.")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the ledger: ``what`` is changed, gap, order, cut, case or attachment."""

    what: str
    seq: int
    text: str


def canonical(value: object) -> str:
    """JSON with one spelling: sorted keys, no blanks, characters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(event: Event, facts: str) -> str:
    """The event's own hash, over every column and the hash of the event before."""
    parts = [event.seq, event.case_id, event.version, event.kind, event.at.astimezone(UTC).isoformat(), event.by,
             event.role, event.edition, event.law, event.reason, facts, event.attachment, event.previous]  # fmt: skip
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def _event(row: sa.RowMapping) -> Event:
    return Event(**{**row, "facts": json.loads(row["facts"])})


def attach(con: sa.Connection, content: bytes, name: str, media_type: str) -> str:
    """Keep a file under the hash of its bytes, once; returns the hash."""
    sha = hashlib.sha256(content).hexdigest()
    if con.execute(sa.select(attachments.c.sha256).where(attachments.c.sha256 == sha)).first() is None:
        row = {"sha256": sha, "name": name[:256], "media_type": media_type[:128], "content": content}
        con.execute(sa.insert(attachments).values(row))
    return sha


def attachment(ledger: sa.Engine, sha: str) -> tuple[str, str, bytes]:
    """Name, media type and bytes of one file.

    Raises:
        LookupError: no such file.
    """
    with ledger.connect() as con:
        row = con.execute(sa.select(attachments).where(attachments.c.sha256 == sha)).one_or_none()
    if row is None:
        raise LookupError(f"The ledger holds no file {sha}. `make verify` says whether one is missing.")
    return row.name, row.media_type, row.content


def _take_turn(con: sa.Connection) -> tuple[int, str]:
    """Wait for other writers, then say where the chain ends; nobody else appends until this transaction is over."""
    end = con.execute(sa.select(chain.c.seq, chain.c.hash).where(chain.c.chain_id == 1).with_for_update()).one()
    return end.seq, end.hash


def append(con: sa.Connection, case_id: str, expected: int, events: Iterable[Event]) -> list[Event]:
    """Write events of one case at the end of the chain, as part of the caller's transaction (``ledger.writing``).

    Args:
        expected: the version the writer saw last; 0 for a new case.

    Raises:
        Overtaken: the case stands at another version.
    """
    seq, previous = _take_turn(con)
    mine = case_events.c.case_id == case_id
    stands = con.execute(sa.select(sa.func.coalesce(sa.func.max(case_events.c.version), 0)).where(mine)).scalar_one()
    if stands != expected:
        rows = con.execute(
            sa.select(case_events).where(mine, case_events.c.version > expected).order_by(case_events.c.version)
        )
        raise Overtaken(case_id, [_event(r) for r in rows.mappings()])
    written = []
    for number, event in enumerate(events, start=1):
        facts = canonical(event.facts)
        event = replace(event, case_id=case_id, version=expected + number, seq=seq + number, previous=previous)
        event = replace(event, hash=hash_of(event, facts))
        con.execute(sa.insert(case_events).values({**event.__dict__, "facts": facts}))
        previous = event.hash
        written.append(event)
    con.execute(sa.update(chain).where(chain.c.chain_id == 1).values(seq=seq + len(written), hash=previous))
    return written


def new_case(con: sa.Connection, identity: dict, at: datetime) -> str:
    """Give a case its number, such as ``2026Q3-0007``, as part of the caller's transaction.

    Raises:
        AlreadyOpen: the recommendation has a case.
    """
    _take_turn(con)
    one = [cases.c[k] == identity[k] for k in ("party", "party_id", "period", "step", "matter")]
    held = con.execute(sa.select(cases.c.case_id).where(*one)).scalar_one_or_none()
    if held:
        raise AlreadyOpen(held)
    period = identity["period"]
    count = con.execute(sa.select(sa.func.count()).where(cases.c.period == period)).scalar_one()
    case_id = f"{period}-{count + 1:04d}"
    con.execute(sa.insert(cases).values({**identity, "case_id": case_id, "opened_at": at}))
    return case_id


def events_of(ledger: sa.Engine, case_id: str) -> list[Event]:
    """All events of one case, in their order; empty where there is no such case."""
    query = sa.select(case_events).where(case_events.c.case_id == case_id).order_by(case_events.c.version)
    with ledger.connect() as con:
        return [_event(r) for r in con.execute(query).mappings()]


def events_where(ledger: sa.Engine, *conditions: sa.ColumnElement, upto: int | None = None) -> list[Event]:
    """Events of all cases that meet the conditions on ``cases``, case by case in their order.

    Args:
        upto: only events up to this place in the chain: what the ledger knew then.
    """
    query = sa.select(case_events).join(cases).where(*conditions).order_by(case_events.c.case_id, case_events.c.version)
    if upto is not None:
        query = query.where(case_events.c.seq <= upto)
    with ledger.connect() as con:
        return [_event(r) for r in con.execute(query).mappings()]


def end_of(ledger: sa.Engine) -> tuple[int, str]:
    """Where the chain ends: number and hash of the last event (0 and zeros where there is none)."""
    with ledger.connect() as con:
        end = con.execute(sa.select(chain.c.seq, chain.c.hash).where(chain.c.chain_id == 1)).one()
    return end.seq, end.hash


def hash_at(ledger: sa.Engine, seq: int) -> str | None:
    """The hash of one event of the chain; None where there is no such event."""
    return hashes_at(ledger, [seq]).get(seq)


def hashes_at(ledger: sa.Engine, seqs: Collection[int]) -> dict[int, str]:
    """The hash of each of some events of the chain; those there are not are left out."""
    query = sa.select(case_events.c.seq, case_events.c.hash).where(case_events.c.seq.in_(seqs))
    with ledger.connect() as con:
        return {row.seq: row.hash for row in con.execute(query)}


def noted_end(text: str) -> tuple[int, str]:
    """An end of the chain as ``steward.py verify`` prints it, such as ``36:9f2c...``.

    Raises:
        ValueError: the text is not of that form.
    """
    number, _, known = text.strip().partition(":")
    if not number.isdigit() or len(known) != len(GENESIS):
        raise ValueError(f"'{text}' is no end of a ledger. Give it as `verify` printed it: NUMBER:HASH, 64 hex digits.")
    return int(number), known


def faults(ledger: sa.Engine, noted: tuple[int, str] | None = None) -> Iterator[Fault]:
    """Walk the chain and tell whatever is wrong with it; nothing told = nothing was altered.

    Args:
        noted: an end of the chain written down elsewhere (``end_of``, printed by ``steward.py verify``): that event must
            still stand. Whoever can rewrite the whole database cannot rewrite what was noted outside it.
    """
    with ledger.connect() as con:
        rows = con.execution_options(stream_results=True).execute(sa.select(case_events).order_by(case_events.c.seq))
        seq, previous, versions, opened = 0, GENESIS, dict[str, int](), dict[str, Event]()
        for row in rows.mappings():
            event = _event(row)
            if event.seq != seq + 1:
                yield Fault("gap", event.seq, f"event {event.seq} follows event {seq}: what stood between is missing")
            if event.previous != previous:
                yield Fault("order", event.seq, f"event {event.seq} does not carry the hash of the event before it")
            if hash_of(event, row["facts"]) != event.hash:
                yield Fault("changed", event.seq, f"event {event.seq} ({event.kind}) is not as it was written")
            if event.version != versions.get(event.case_id, 0) + 1:
                yield Fault("case", event.seq, f"case {event.case_id} jumps to version {event.version}")
            if noted and event.seq == noted[0] and event.hash != noted[1]:
                yield Fault("changed", event.seq, f"event {event.seq} is not the one that was noted elsewhere")
            if event.version == 1:
                opened[event.case_id] = event
            versions[event.case_id] = event.version
            seq, previous = event.seq, event.hash
    if noted and noted[0] > seq:
        yield Fault("cut", seq, f"the chain ends at event {seq}, but event {noted[0]} was noted elsewhere")
    end = end_of(ledger)
    if end != (seq, previous):
        yield Fault("cut", seq, f"the chain ends at event {seq}, but event {end[0]} was written last")
    yield from _case_faults(ledger, opened)
    yield from _file_faults(ledger)


def _case_faults(ledger: sa.Engine, opened: dict[str, Event]) -> Iterator[Fault]:
    """Cases whose register entry says something else than the event that opened them."""
    with ledger.connect() as con:
        rows = con.execute(sa.select(cases)).mappings().all()
    for row in rows:
        event = opened.pop(row["case_id"], None)
        if event is None or any(event.facts.get(k, event.edition) != row[k] for k in IDENTITY):
            seq = event.seq if event else 0
            yield Fault("case", seq, f"case {row['case_id']} is not entered as it was opened")
    for case_id, event in opened.items():
        yield Fault("case", event.seq, f"case {case_id} has events and is not entered")


def _file_faults(ledger: sa.Engine) -> Iterator[Fault]:
    """Files that are missing or are not what their hash says."""
    with ledger.connect() as con:
        rows = con.execution_options(stream_results=True).execute(
            sa.select(attachments.c.sha256, attachments.c.content)
        )
        held = set()
        for sha, content in rows:
            held.add(sha)
            if hashlib.sha256(content).hexdigest() != sha:
                yield Fault("attachment", 0, f"file {sha} is not as it was handed in")
    with ledger.connect() as con:
        named = con.execute(
            sa.select(case_events.c.attachment, case_events.c.seq).where(case_events.c.attachment.is_not(None))
        )
        for sha, seq in named:
            if sha not in held:
                yield Fault("attachment", seq, f"the file of event {seq} is missing: {sha}")
