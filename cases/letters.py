"""From an act in a case to its paper: which paper an act sends, and what stands in it.

The edition gives the facts (``cases/papers/prefill.py``), the event gives days and what the officer wrote, the rules give the
rest. A field nobody filled stops the paper (``FieldMissing``); none goes out with a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from cases.case import DISPUTE, UPHELD, Case, Objection, day_of
from cases.days import ZONE
from cases.papers import shapes
from cases.papers.blocks import Finding, Hazard, Outcome, Person, Shown, Task, Text
from cases.papers.blocks import Objection as HowToObject
from cases.papers.extracts import Source, in_words, said
from cases.papers.prefill import COSTLIEST, Found, metrics_named, step_parts
from cases.papers.prefill import party as party_of
from i18n.words import Words

MENDED = ("rectified", "clean_periods")  # closings that say the trouble is over
TARGET_DAYS = 60  # calendar days a target is given unless the officer sets another day


@dataclass(frozen=True)
class Letter:
    """What a paper is written from.

    Attributes:
        facts: of the event being written (``cases/drafting.py``), with what the officer changed.
        sent: number of each paper sent before in this case, by kind (Chinese, English), and the day: for references.
        people: account id to the person who signs, for those named in the paper.
        opened_reason: what was written when the case was opened.
    """

    case: Case
    source: Source
    found: Found
    facts: dict[str, Any]
    reason: str
    today: date
    signed_by: Person
    sequence: int | None
    sent: dict[str, tuple[shapes.Both, date]]
    people: dict[str, Person]
    opened_reason: str = ""

    @property
    def common(self) -> dict[str, Any]:
        return {
            "issued_on": self.today, "office": self.source.office, "case_id": self.case.case_id,
            "signed_by": self.signed_by, "demo": bool(self.source.edition["demo"]), "sequence": self.sequence,
        }  # fmt: skip

    @property
    def parts(self) -> dict[str, Any]:
        return step_parts(self.source, self.found)

    def day(self, name: str) -> date:
        """A day the event states.

        Raises:
            ValueError: it states none.
        """
        found = day_of(self.facts, name)
        if found is None:
            raise ValueError(f"The paper needs the day '{name}', and the act states none. Give it in the form.")
        return found

    def objection(self, until: date | None = None, kind: str = "step") -> HowToObject:
        last = until or self.case.object_until
        if kind == "appeal" or (
            last and last < self.today
        ):  # the time of the step is over: what remains has no last day
            last = None
        return HowToObject(until=last, how=said(f"case.paper.how.{kind}"), effect=said(f"case.paper.effect.{kind}"))


def _tasks(letter: Letter, name: str) -> tuple[Task, ...]:
    """What the party is asked to do: as the officer wrote it, else by the metrics that weigh most."""
    by = letter.today + timedelta(days=TARGET_DAYS)
    written = letter.facts.get(name)
    if written:
        return tuple(Task(what=w["what"], measure=w["measure"], by=day_of(w, "by") or by) for w in written)
    return tuple(
        Task(what=said(f"metric.{m}.lift"), measure=said("case.paper.measure", metric=_name(m)), by=by)
        for m in metrics_named(letter.found.due, letter.found.scores)[:COSTLIEST]
    )


def _name(metric: str) -> Callable[[Words], str]:
    return lambda t: t(f"metric.{metric}.name")


def _open(case: Case) -> tuple[Text, ...]:
    return tuple(_objection_line(o) for o in case.open_objections)


def _objection_line(o: Objection) -> Text:
    return said(
        "case.paper.objection", number=o.number, ground=lambda t: t(f"objection.ground.{o.ground}"), text=o.text
    )


def _step(letter: Letter) -> dict[str, Any]:
    until = letter.day("object_until")
    return letter.common | letter.parts | {
        "open_objections": _open(letter.case), "officer_reason": letter.case.reason,
        "objection": letter.objection(until),
    }  # fmt: skip


def _attention(letter: Letter) -> shapes.Paper:
    ladder = letter.source.book.on(letter.today, "ladder")
    return shapes.Attention(
        **_step(letter), asked=_tasks(letter, "asked"), clean_periods=ladder["attention_ends_after"],
        stands_until=letter.day("stands_until"),
    )  # fmt: skip


def _listing(letter: Letter) -> shapes.Paper:
    return shapes.Listing(
        **_step(letter), targets=_tasks(letter, "asked"), publish_from=letter.day("publish_from"),
        publish_at=letter.facts.get("publish_at") or said("case.paper.publish_at"), listed_until=letter.day("listed_until"),
        extension_asked_by=letter.day("extension_asked_by"), honours_barred_until=letter.day("honours_barred_until"),
        honours_missed_until=letter.day("honours_missed_until"),
    )  # fmt: skip


def _called(letter: Letter) -> tuple[Person, ...]:
    to = party_of(letter.found)
    principal = Person(name=said("case.paper.principal"), title=to.company)
    head = (Person(name=to.head, title=said("case.paper.head")),) if to.head else ()
    return (principal, *head)


def _interview(letter: Letter) -> shapes.Paper:
    written = letter.facts
    return shapes.Interview(
        **_step(letter), at=datetime.fromisoformat(written["meeting_at"]), called=_called(letter),
        place=written.get("place") or letter.source.office.address,
        purpose=written.get("purpose") or said("case.paper.purpose"),
        bring=tuple(written.get("bring") or (said("case.paper.bring"),)),
        may_bring=(said("case.paper.counsel"), said("case.paper.owners")),
    )  # fmt: skip


def _began(letter: Letter) -> datetime:
    """When the interview began: as written, else at the hour it was set for, on the day it was held."""
    if letter.facts.get("began"):
        return datetime.fromisoformat(letter.facts["began"])
    if letter.case.meeting_at is None:
        raise ValueError("The minutes need the hour the interview began. Give it in the form.")
    return datetime.combine(letter.day("on"), letter.case.meeting_at.astimezone(ZONE).time(), ZONE)


def _minutes(letter: Letter) -> shapes.Paper:
    facts, began = letter.facts, _began(letter)
    ended = datetime.fromisoformat(facts["ended"]) if facts.get("ended") else began + timedelta(hours=1)
    recorder = Person(name=facts["recorder"], title=said("case.paper.recorder"))
    return shapes.Minutes(
        **letter.common, to=party_of(letter.found), invitation=letter.sent["interview"][0], began=began, ended=ended,
        place=facts.get("place") or letter.source.office.address, officers=(letter.signed_by, recorder),
        present=tuple(Person(name=p, title=said("case.paper.present")) for p in facts["present"]),
        put=tuple(facts["put"]), said=tuple(shapes.Said(speaker=s["speaker"], words=s["words"]) for s in facts["said"]),
        undertakings=_tasks(letter, "undertakings"), recorder=recorder, result_by=letter.day("result_by"),
        objection=letter.objection(),
    )  # fmt: skip


def _recommendation(letter: Letter) -> shapes.Paper:
    case = letter.case
    if case.heard_on is None:
        raise ValueError("The office head was not heard; a recommendation to replace cannot be written before that.")
    return shapes.Recommendation(
        **_step(letter), heard_on=case.heard_on, head_said=letter.facts["head_said"],
        prepared_by=letter.people[case.opened_by], answer_by=letter.day("answer_by"),
    )  # fmt: skip


def _rectification(letter: Letter) -> shapes.Paper:
    facts, remedy = letter.facts, letter.source.rule["remedy"]
    hazards = tuple(
        Hazard(
            hazard_id=h["hazard_id"], what=h["what"], where=h["where"], severity=said(f"fact.severity.{h['severity']}"), law=h["law"],
            responsible=said("case.paper.own_duty"), interim=h["interim"], due_on=date.fromisoformat(h["due_on"]),
        )
        for h in facts["hazards"]
    )  # fmt: skip
    return shapes.Rectification(
        **letter.common, to=party_of(letter.found), found_on=letter.day("found_on"), visit=facts["visit"], hazards=hazards,
        officers=tuple(
            Person(name=o["name"], title=said("case.paper.inspector"), certificate=o["certificate"])
            for o in facts["officers"]
        ),
        reinspect_on=letter.day("reinspect_on"), review_body=shapes.Both(remedy["review_zh"], remedy["review_en"]),
        review_until=letter.day("review_until"), court=shapes.Both(remedy["court_zh"], remedy["court_en"]),
        sue_until=letter.day("sue_until"), grounds=tuple(dict.fromkeys(h["law"] for h in facts["hazards"])),
    )  # fmt: skip


def _handover(shape: type[shapes.Handover]) -> Callable[[Letter], shapes.Paper]:
    def write(letter: Letter) -> shapes.Paper:
        case = letter.case
        body, kind = case.due["body"], case.due["matter_kind"]
        return shape(
            **letter.common, to=party_of(letter.found), body=said(f"addressee.{body}"), matter=case.matter,
            matter_kind=said(f"matter.{kind}.name"), found=letter.opened_reason, officer_reason=case.reason,
            follow_up=letter.day("follow_up"), objection=letter.objection(letter.day("object_until"), kind="matter"),
            grounds=tuple(case.due["law"]),
        )  # fmt: skip

    return write


def _outcome(given: dict) -> Outcome:
    numbers = {k: given.get(k) for k in ("score", "low", "high", "rank")}
    return Outcome(
        **numbers, ranked=given["ranked"], band=said(f"band.{given['band']}") if given.get("band") else said("state.not_rated"),
        step=said(f"ladder.step.{given['step']}.name"),
    )  # fmt: skip


def _appeal(letter: Letter) -> shapes.Paper:
    case, facts = letter.case, letter.facts
    objection = next(o for o in case.objections if o.number == facts["objection"])
    findings = tuple(
        Finding(record_id=r["record_id"], claim=r.get("claim") or objection.text, decision=said(f"ruling.{r['ruling']}"),
                reason=r["reason"])
        for r in facts.get("findings", ())
    )  # fmt: skip
    return shapes.AppealDecision(
        **letter.common, to=party_of(letter.found), against=_against(letter), lodged_on=objection.at.astimezone(ZONE).date(),
        claim=objection.text, first_decided_by=letter.people[case.decided_by or case.opened_by], findings=findings,
        edition=letter.source.common()["edition"], before=None if case.matter else _outcome(facts["before"]), after=None if case.matter else _outcome(facts["after"]),
        outcome=facts["outcome"], reason=letter.reason,
        consequences=(said(f"case.paper.consequence.{_consequence(case, facts)}", until=partial(in_words, letter.day("withdraw_by"))),),
        objection=letter.objection(kind="appeal"),
    )  # fmt: skip


def _consequence(case: Case, facts: dict) -> str:
    """A corrected score is promised only where a record was ruled on."""
    outcome = facts["outcome"]
    return f"matter_{outcome}" if case.matter or (outcome in UPHELD and not facts.get("rulings")) else outcome


def _against(letter: Letter) -> Text:
    """The paper this one answers: the newest that carried the step."""
    kinds = (
        "attention", "listing", "interview", "recommendation", "commendation", "rectification", "referral", "advice",
    )  # fmt: skip
    steps = [k for k in kinds if k in letter.sent]
    return letter.sent[steps[-1]][0] if steps else said("case.paper.case", case=letter.case.case_id)


def _withdrawal(letter: Letter) -> shapes.Paper:
    case, facts = letter.case, letter.facts
    kind = "recommendation" if case.step == "replacement" else (case.step or "")
    upheld = [o for o in case.objections if o.outcome in UPHELD]
    ruled = any(o.changes_scores for o in upheld)
    return shapes.Withdrawal(
        **letter.common, to=party_of(letter.found), withdrawn=_against(letter), withdrawn_title=said(f"paper.title.{kind}"),
        withdrawn_issued_on=letter.sent[kind][1], decided_on=letter.today,
        reasons=(letter.reason, *(_objection_line(o) for o in upheld)),
        corrected_edition=facts.get("corrected_edition") or said("case.paper.edition_pending") if ruled else None,
        display_ends_on=letter.day("display_ends_on"), told=tuple(facts.get("told") or (said("case.paper.told"), said("case.paper.told_inside"))),
        objection=letter.objection(kind="appeal"),
    )  # fmt: skip


def _closure(letter: Letter) -> shapes.Paper:
    case, facts = letter.case, letter.facts
    how, listed = facts["how"], case.step == "listing"
    looked = letter.people.get(case.reinspected_by or "", letter.signed_by) if how == "rectified" else letter.signed_by
    on = case.reinspected_on if how == "rectified" else letter.today
    shown = (
        ()
        if how not in MENDED
        else tuple(
            Shown(
                target=t.what,
                evidence=facts.get("evidence") or letter.reason,
                on=on or letter.today,
                checked_by=looked.name,
            )
            for t in _tasks(letter, "asked")
        )
    )
    return shapes.Closure(
        **letter.common, to=party_of(letter.found), how=how, closes=_against(letter), opened_on=case.opened_on, shown=shown,
        reinspected_on=case.reinspected_on, officers=tuple(dict.fromkeys((looked, letter.signed_by))),
        objection=letter.objection(kind="appeal"), watch_until=day_of(facts, "watch_until") if listed and shown else None,
        relapse=said("case.paper.relapse") if listed and shown else None,
        display_ends_on=letter.day("display_ends_on") if listed else None,
    )  # fmt: skip


def _commendation(letter: Letter) -> shapes.Paper:
    case = letter.case
    keep = ("edition", "pass_mark", "to", "rule", "facts", "chart", "records", "records_total")
    until = case.shown_until or letter.day("until")
    awarded = letter.today if case.shown_until else None
    return shapes.Commendation(
        **letter.common, **{k: v for k, v in letter.parts.items() if k in keep}, officer_reason=case.reason,
        shown_from=case.told_on or letter.today, shown_until=until, decline_by=until, effect=said("case.paper.fewer_visits"),
        awarded_on=awarded,
        objection=letter.objection(kind="appeal") if awarded else letter.objection(until, kind="award"),
    )  # fmt: skip


#: The paper an act sends: kind of event, and of the step where it matters. What is not here sends none.
LETTERS: dict[tuple[str, str | None], tuple[str, Callable[[Letter], shapes.Paper]]] = {
    ("served", "attention"): ("attention", _attention),
    ("served", "listing"): ("listing", _listing),
    ("served", "interview"): ("interview", _interview),
    ("served", "replacement"): ("recommendation", _recommendation),
    ("served", "rectification"): ("rectification", _rectification),
    ("served", "referral"): ("referral", _handover(shapes.Referral)),
    ("served", "advice"): ("advice", _handover(shapes.Advice)),
    ("held", None): ("minutes", _minutes),
    ("objection_decided", None): ("appeal", _appeal),
    ("withdrawn", None): ("withdrawal", _withdrawal),
    ("shown", None): ("commendation", _commendation),
    ("awarded", None): ("commendation", _commendation),
    ("closed", "attention"): ("closure", _closure),
    ("closed", "listing"): ("closure", _closure),
    ("closed", "rectification"): ("closure", _closure),
}


def letter_for(kind: str, step: str | None) -> tuple[str, Callable[[Letter], shapes.Paper]] | None:
    """Which paper an act sends, and its writer; None where it sends none, as the answer to a dispute stands in its file."""
    if step == DISPUTE:
        return None
    return LETTERS.get((kind, step)) or LETTERS.get((kind, None))
