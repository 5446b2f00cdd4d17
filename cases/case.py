"""A case: what its events add up to. Nothing here is stored; the state is read from the events each time.

``fold`` takes what was written and never refuses: whether an event may be written at all is asked beforehand
(``cases/allowed.py``). Days that bind somebody (the last day to object) stand in the event that set them, so a later change
of rules or calendar moves nobody's deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from cases.days import local_day
from data.events import Event
from data.queries.bulletins import BULLETIN

Phase = Literal["prepared", "deferred", "decided", "told", "effective", "disputed", "withdrawn", "closed"]
#: Steps a case may carry. ``rectification`` orders hazards found to be put right, ``referral`` hands a matter to the body
#: competent for it, ``advice`` goes to the owners; these are opened by hand and rest on a matter, never on a score.
STEPS = ("attention", "listing", "interview", "replacement", "commendation", "rectification", "referral", "advice")
BY_HAND = ("rectification", "referral", "advice")
#: What the party itself opens: a record it holds not to be its own, or wrong, before anything is due for it.
DISPUTE = "dispute"
OVER: tuple[Phase, ...] = ("withdrawn", "closed")
UPHELD = ("upheld", "partly")  # outcomes of an objection that leave something to be corrected


@dataclass(frozen=True)
class Objection:
    """One objection: marked from the moment it arrives; ``outcome`` None = still open.

    Attributes:
        decided_seq: place in the ledger of the event that decided it. correct_by: the day that event promised the correction by.
    """

    number: int
    by: str
    at: datetime
    ground: str
    text: str
    records: tuple[dict, ...]
    outcome: str | None = None
    decided_by: str | None = None
    decided_on: date | None = None
    rulings: tuple[dict, ...] = ()
    decided_seq: int = 0
    correct_by: date | None = None

    @property
    def changes_scores(self) -> bool:
        """Records were taken out or given to another estate: a corrected edition is owed."""
        return self.outcome in UPHELD and bool(self.rulings)


@dataclass(frozen=True)
class Case:
    """One case as it stands.

    Attributes:
        recommended: the step the edition recommended (or that was chosen by hand). step: the step taken up; None = undecided.
        told_on: the day the party was told. effective_on: published, held, awarded, or told where nothing more follows.
        object_until, publish_by, listed_until, stands_until, answer_by, rectify_by, shown_until, follow_up: last days, as they were told.
        reinspect_on: the day an order says its hazards are looked at again.
        due: what the due list said when the case was opened.
        reply, replied_on: what the party said last of its own accord, and the day.
        papers: check codes of papers sent, newest last.
    """

    case_id: str
    version: int
    phase: Phase
    party: str
    party_id: str
    estate_id: str | None
    company_id: str | None
    head_id: str | None
    period: str
    edition: str
    recommended: str
    opened_by: str
    opened_on: date
    matter: str = ""
    due: dict[str, Any] = field(default_factory=dict)
    step: str | None = None
    decided_by: str | None = None
    decided_on: date | None = None
    decision: str | None = None
    reason: str = ""
    deferred_until: date | None = None
    heard_on: date | None = None
    told_on: date | None = None
    told_by: str | None = None
    effective_on: date | None = None
    object_until: date | None = None
    publish_by: date | None = None
    listed_until: date | None = None
    stands_until: date | None = None
    meeting_at: datetime | None = None
    held_on: date | None = None
    result_by: date | None = None
    result_on: date | None = None
    answer_by: date | None = None
    answered_on: date | None = None
    rectify_by: date | None = None
    reinspect_on: date | None = None
    follow_up: date | None = None
    shown_until: date | None = None
    extension_asked_on: date | None = None
    extension_open: bool = False
    reinspection_asked_on: date | None = None
    reinspected_on: date | None = None
    reinspected_by: str | None = None
    reinspection_passed: bool | None = None
    objections: tuple[Objection, ...] = ()
    replies: int = 0
    reply: str = ""
    replied_on: date | None = None
    withdrawn_on: date | None = None
    corrected_edition: str | None = None
    closed_on: date | None = None
    closed_how: str | None = None
    watch_until: date | None = None
    papers: tuple[str, ...] = ()
    touched_on: date | None = None

    @property
    def open_objections(self) -> tuple[Objection, ...]:
        return tuple(o for o in self.objections if o.outcome is None)

    @property
    def must_withdraw(self) -> bool:
        """An objection was upheld whole: nothing remains but to withdraw."""
        return any(o.outcome == "upheld" for o in self.objections) and self.withdrawn_on is None

    @property
    def over(self) -> bool:
        return self.phase in OVER

    @property
    def known_to_party(self) -> bool:
        """Whether the party has been told, and so may read the file."""
        return self.told_on is not None


Change = Callable[[Case, Event, date], Case]


def level_of(case: Case) -> str:
    """The level of scores a case's party stands at; an estate nobody manages stands for itself."""
    if case.party == "estate":
        return "estate" if case.party_id == case.estate_id else "tenure"
    return case.party


def day_of(facts: dict, name: str) -> date | None:
    """A day in an event's facts, where it holds one."""
    return date.fromisoformat(facts[name]) if facts.get(name) else None


def _opened(event: Event) -> Case:
    f = event.facts
    on = local_day(event.at)
    case = Case(
        event.case_id, event.version, "prepared", f["party"], f["party_id"], f.get("estate_id"), f.get("company_id"),
        f.get("head_id"), f["period"], event.edition, f["step"], event.by, on, matter=f.get("matter", ""),
        due=f.get("due", {}), reason=event.reason, touched_on=on,
    )  # fmt: skip
    if case.recommended == BULLETIN:  # the ledger's entry of a bulletin: nothing more is to be done in it
        return replace(case, phase="closed", closed_on=on, closed_how="done", papers=tuple(f.get("papers", ())))
    if case.recommended == DISPUTE:  # the party knows of it, and nobody decides a step
        return replace(case, phase="disputed", step=DISPUTE, told_on=on, effective_on=on)
    return case


def _heard(case: Case, event: Event, on: date) -> Case:
    return replace(case, heard_on=day_of(event.facts, "on") or on)


def _decided(case: Case, event: Event, on: date) -> Case:
    outcome = event.facts["outcome"]
    case = replace(case, decided_by=event.by, decided_on=on, decision=outcome, reason=event.reason)
    if outcome == "defer":
        return replace(case, phase="deferred", deferred_until=day_of(event.facts, "until"))
    if outcome == "decline":
        return replace(case, phase="closed", closed_on=on, closed_how="declined")
    return replace(case, phase="decided", step=event.facts["step"])


def _served(case: Case, event: Event, on: date) -> Case:
    f = event.facts
    meeting = datetime.fromisoformat(f["meeting_at"]) if f.get("meeting_at") else None
    at_once = case.step not in ("listing", "interview")
    return replace(
        case, phase="effective" if at_once else "told", told_on=on, told_by=event.by, effective_on=on if at_once else None,
        object_until=day_of(f, "object_until"), publish_by=day_of(f, "publish_by"), answer_by=day_of(f, "answer_by"),
        listed_until=day_of(f, "listed_until"), stands_until=day_of(f, "stands_until"), meeting_at=meeting,
        rectify_by=day_of(f, "rectify_by"), reinspect_on=day_of(f, "reinspect_on"), follow_up=day_of(f, "follow_up"),
    )  # fmt: skip


def _replied(case: Case, event: Event, on: date) -> Case:
    return replace(case, replies=case.replies + 1, reply=event.reason, replied_on=on)


def _objected(case: Case, event: Event, on: date) -> Case:
    f = event.facts
    new = Objection(
        len(case.objections) + 1, event.by, event.at, f["ground"], event.reason, tuple(f.get("records", ()))
    )
    return replace(case, objections=(*case.objections, new))


def _objection_decided(case: Case, event: Event, on: date) -> Case:
    f = event.facts
    decided = {
        "outcome": f["outcome"], "decided_by": event.by, "decided_on": on, "rulings": tuple(f.get("rulings", ())),
        "decided_seq": event.seq, "correct_by": day_of(f, "withdraw_by"),
    }  # fmt: skip
    after = tuple(replace(o, **decided) if o.number == f["objection"] else o for o in case.objections)
    if case.step == DISPUTE:
        return replace(case, objections=after, phase="closed", closed_on=on, closed_how="answered")
    return replace(case, objections=after)


def _proof_given(case: Case, event: Event, on: date) -> Case:
    return case


def _reinspection_asked(case: Case, event: Event, on: date) -> Case:
    return replace(case, reinspection_asked_on=on)


def _reinspected(case: Case, event: Event, on: date) -> Case:
    return replace(
        case, reinspected_on=day_of(event.facts, "on") or on, reinspection_passed=event.facts["passed"],
        reinspected_by=event.by, reinspection_asked_on=None,
    )  # fmt: skip


def _published(case: Case, event: Event, on: date) -> Case:
    return replace(case, phase="effective", effective_on=on)


def _extension_asked(case: Case, event: Event, on: date) -> Case:
    return replace(case, extension_asked_on=on, extension_open=True)


def _extension_answered(case: Case, event: Event, on: date) -> Case:
    until = day_of(event.facts, "until") if event.facts["granted"] else case.listed_until
    return replace(case, extension_open=False, listed_until=until)


def _held(case: Case, event: Event, on: date) -> Case:
    held = day_of(event.facts, "on") or on
    return replace(case, phase="effective", effective_on=held, held_on=held, result_by=day_of(event.facts, "result_by"))


def _result_sent(case: Case, event: Event, on: date) -> Case:
    return replace(case, result_on=on)


def _answered(case: Case, event: Event, on: date) -> Case:
    return replace(case, answered_on=on)


def _shown(case: Case, event: Event, on: date) -> Case:
    return replace(case, phase="told", told_on=on, told_by=event.by, shown_until=day_of(event.facts, "until"))


def _declined(case: Case, event: Event, on: date) -> Case:
    return replace(case, phase="closed", closed_on=on, closed_how="declined_by_party")


def _awarded(case: Case, event: Event, on: date) -> Case:
    return replace(case, phase="effective", effective_on=on)


def _withdrawn(case: Case, event: Event, on: date) -> Case:
    return replace(
        case, phase="withdrawn", withdrawn_on=on, corrected_edition=event.facts.get("corrected_edition") or None
    )


def _closed(case: Case, event: Event, on: date) -> Case:
    f = event.facts
    return replace(case, phase="closed", closed_on=on, closed_how=f["how"], watch_until=day_of(f, "watch_until"))


#: What each kind of event does to the case it is written in; ``opened`` begins one.
CHANGES: dict[str, Change] = {
    "heard": _heard, "decided": _decided, "served": _served, "replied": _replied, "objected": _objected,
    "objection_decided": _objection_decided, "proof_given": _proof_given, "reinspection_asked": _reinspection_asked,
    "reinspected": _reinspected, "published": _published, "extension_asked": _extension_asked,
    "extension_answered": _extension_answered, "held": _held, "result_sent": _result_sent, "answered": _answered,
    "shown": _shown, "declined": _declined, "awarded": _awarded, "withdrawn": _withdrawn, "closed": _closed,
}  # fmt: skip


def after(case: Case, event: Event) -> Case:
    """The case once the event is in it."""
    on = local_day(event.at)
    changed = CHANGES[event.kind](case, event, on)
    codes = event.facts.get("papers", ())
    return replace(changed, version=event.version, papers=(*changed.papers, *codes), touched_on=on)


def fold(events: Iterable[Event]) -> Case:
    """The state of one case from its events, oldest first.

    Raises:
        ValueError: the first event does not open a case.
    """
    rows = iter(events)
    first = next(rows, None)
    if first is None or first.kind != "opened":
        raise ValueError("A case begins with the event that opened it; `steward.py verify` says what is missing.")
    case = _opened(first)
    for event in rows:
        case = after(case, event)
    return case


def fold_all(events: Iterable[Event]) -> list[Case]:
    """Every case from the events of many, given case by case in their order."""
    rows: dict[str, list[Event]] = {}
    for event in events:
        rows.setdefault(event.case_id, []).append(event)
    return [fold(own) for own in rows.values()]
