"""What decided cases say to an edition: steps that took effect, records ruled on, records still under objection.

All three are read from the ledger's events up to one place in its chain, so that an edition can name the place it was made at
and anybody can read the same again. An edition keeps what it used (tables ``rulings`` and ``sanctions``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
import sqlalchemy as sa

from cases.case import UPHELD, Case, Objection, day_of, fold
from cases.days import local_day
from data.events import GENESIS, Event, end_of, events_where, hash_at
from data.ruling_tables import CaseSanction, Ruling, frame_of

STEPS = ("attention", "listing", "interview", "replacement", "commendation")
MENDED = ("rectified", "clean_periods")  # closings that say the trouble is over
LEDGER = "ledger"  # where such a row came from, in the place of a delivery
DISPUTED = {"record_table": pl.String, "record_id": pl.String, "estate_id": pl.String, "since": pl.Date}


@dataclass(frozen=True)
class Decided:
    """What the ledger knew at one place of its chain.

    Attributes:
        rulings: contract Ruling, one row per record ruled on. sanctions: contract CaseSanction, of cases alone.
        seq, hash: the last event counted; 0 and zeros where there was none.
    """

    rulings: pl.DataFrame
    sanctions: pl.DataFrame
    seq: int = 0
    hash: str = GENESIS


def nothing() -> Decided:
    """What a district without cases has decided."""
    return Decided(frame_of(Ruling, []), frame_of(CaseSanction, []))


def decided(ledger: sa.Engine) -> Decided:
    """Everything decided so far."""
    seq, last = end_of(ledger)
    rows = _cases(ledger, seq)
    return Decided(_rulings(rows), _sanctions(rows), seq, last)


def frozen(con: duckdb.DuckDBPyConnection, schema: str) -> Decided:
    """What an edition in ``schema`` was made with; nothing for one made before editions kept it."""
    try:
        rulings = con.sql(f"SELECT * FROM {schema}.rulings ORDER BY record_table, record_id").pl()
    except duckdb.CatalogException:
        return nothing()
    columns = ", ".join(CaseSanction.to_schema().columns)
    own = con.sql(
        f"SELECT {columns} FROM {schema}.sanctions WHERE origin = $ledger ORDER BY sanction_id",
        params={"ledger": LEDGER},
    )
    seq, last = con.execute(f"SELECT ledger_seq, ledger_hash FROM {schema}.edition").fetchall()[0]
    return Decided(rulings, own.pl(), seq, last)


def differs(ledger: sa.Engine, kept: Decided) -> bool:
    """Whether the ledger, read up to the place an edition names, says otherwise than the edition kept."""
    if kept.seq and hash_at(ledger, kept.seq) != kept.hash:
        return True
    rows = _cases(ledger, kept.seq)
    return not (_rulings(rows).equals(kept.rulings) and _sanctions(rows).equals(kept.sanctions))


def rulings(ledger: sa.Engine, upto: int | None = None) -> pl.DataFrame:
    """Contract Ruling: one row per record excluded or reassigned; of several rulings on one record the latest."""
    return _rulings(_cases(ledger, upto))


def sanctions(ledger: sa.Engine, upto: int | None = None) -> pl.DataFrame:
    """Contract CaseSanction: one row per case whose step took effect.

    ``appealed`` while an objection is open; ``overturned`` once withdrawn, and from the day an objection was upheld whole,
    as only the withdrawal is left to do then; else ``final``.
    """
    return _sanctions(_cases(ledger, upto))


def disputed(ledger: sa.Engine, upto: int | None = None) -> pl.DataFrame:
    """One record named in an objection that is still open: ``record_table, record_id, estate_id, since`` (the first day)."""
    rows = [
        {"record_table": r["table"], "record_id": r["record_id"], "estate_id": case.estate_id, "since": local_day(o.at)}
        for case, _ in _cases(ledger, upto)
        if not case.over and case.estate_id
        for o in case.open_objections
        for r in o.records
    ]
    found = pl.DataFrame(rows, schema=DISPUTED).sort("since", "record_table", "record_id")
    return found.unique(["record_table", "record_id"], keep="first", maintain_order=True)


def _cases(ledger: sa.Engine, upto: int | None) -> list[tuple[Case, list[Event]]]:
    own: dict[str, list[Event]] = {}
    for event in events_where(ledger, upto=upto):
        own.setdefault(event.case_id, []).append(event)
    return [(fold(events), events) for events in own.values()]


def _rulings(cases: list[tuple[Case, list[Event]]]) -> pl.DataFrame:
    rows = [
        _ruling(case, objection, ruling, seq)
        for case, events in cases
        for objection, seq in _upheld(case, events)
        for ruling in objection.rulings
    ]
    found = frame_of(Ruling, rows).sort("seq", "record_table", "record_id")
    last = found.unique(["record_table", "record_id"], keep="last", maintain_order=True)
    return last.sort("record_table", "record_id")


def _upheld(case: Case, events: list[Event]) -> list[tuple[Objection, int]]:
    """Objections upheld whole or in part, each with the event that decided it."""
    told = {e.facts["objection"]: e.seq for e in events if e.kind == "objection_decided"}
    return [(o, told[o.number]) for o in case.objections if o.outcome in UPHELD]


def _ruling(case: Case, objection: Objection, ruling: dict, seq: int) -> dict:
    return {
        "record_table": ruling["table"], "record_id": ruling["record_id"], "ruling": ruling["ruling"],
        "to_estate": ruling.get("to_estate"), "case_id": case.case_id, "objection": objection.number,
        "decided_on": objection.decided_on, "estate_id": case.estate_id, "company_id": case.company_id, "seq": seq,
    }  # fmt: skip


def _sanctions(cases: list[tuple[Case, list[Event]]]) -> pl.DataFrame:
    rows = [_sanction(case, events) for case, events in cases if case.step in STEPS and case.effective_on]
    return frame_of(CaseSanction, rows).sort("sanction_id")


def _sanction(case: Case, events: list[Event]) -> dict:
    effect = _took_effect(case, events)
    ended = case.closed_on if case.closed_how in MENDED else None
    return {
        "sanction_id": case.case_id, "party": _party(case), "company_id": case.company_id, "head_id": case.head_id,
        "estate_id": case.estate_id, "kind": case.step, "law": effect.law, "decided_on": case.effective_on,
        "stands_until": _stands_until(case, events), "repaired_on": ended, "status": _status(case),
        "recorded_on": local_day(effect.at), "record_id": case.case_id, "delivery_id": LEDGER, "line": effect.seq,
        "watch_until": case.watch_until, "origin": LEDGER,
    }  # fmt: skip


def _took_effect(case: Case, events: list[Event]) -> Event:
    """The event from which the step holds: published, held, awarded, or served where nothing more follows."""
    kind = {"listing": "published", "interview": "held", "commendation": "awarded"}.get(case.step or "", "served")
    return next(e for e in events if e.kind == kind)


def _party(case: Case) -> str:
    if case.party == "head":
        return "head"
    return "company" if case.party == "company" else "estate"


def _stands_until(case: Case, events: list[Event]) -> date | None:
    """The last day as the party was told; None = the ladder's months after the decision."""
    if case.step == "listing":
        return case.listed_until
    told = {"attention": ("served", "stands_until"), "commendation": ("awarded", "until")}.get(case.step or "")
    stated = [day_of(e.facts, told[1]) for e in events if told and e.kind == told[0]]
    return stated[-1] if stated else None


def _status(case: Case) -> str:
    if case.withdrawn_on or case.must_withdraw:
        return "overturned"
    return "appealed" if case.open_objections else "final"
