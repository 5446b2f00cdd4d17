"""Who may do what in a case, and when. Asked before an event is written; the answer is a refusal or nothing.

A refusal is a word key below ``case.refused.`` with its values, so that a person reads why in their own language. Nothing here
reads a clock: the day is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from cases.case import BY_HAND, DISPUTE, Case
from cases.days import local_day, months_after, working_days_before
from cases.standing import RANKS
from data.scope import Role, Scope
from rules.book import Rule

OFFICERS: tuple[Role, ...] = ("supervisor", "subdistrict", "station")
PARTY: tuple[Role, ...] = ("manager",)
OUTCOMES = ("accept", "lower", "defer", "decline")
GROUNDS = ("facts", "not_ours", "computation", "procedure", "expired")  # domain.md 7.9
OBJECTION_OUTCOMES = ("upheld", "partly", "rejected")
#: What each step may be closed on; any other step only as ``done``.
CLOSED_HOW = {
    "attention": ("rectified", "clean_periods", "expired"), "listing": ("rectified", "clean_periods", "expired"),
    "rectification": ("rectified", "referred"),
}  # fmt: skip


class NotDue(ValueError):
    """An act that may not be done now, or not by this person; nothing was written.

    Attributes:
        code: a word key below ``case.refused.``. params: what the sentence names.
    """

    def __init__(self, code: str, **params: object) -> None:
        self.code, self.params = code, params
        told = "; ".join(f"{k}: {v}" for k, v in params.items())
        super().__init__(f"Not now ({code}{'; ' + told if told else ''}). Nothing was written.")


@dataclass(frozen=True)
class Asked:
    """Who wants to do it, on which day, with what.

    Attributes:
        facts: what the event would hold; empty while only asking what is possible.
    """

    scope: Scope
    today: date
    rule: Rule
    facts: dict | None = None

    @property
    def who(self) -> str:
        return self.scope.viewer_id


Check = Callable[[Case, Asked], NotDue | None]


def _heard(case: Case, asked: Asked) -> NotDue | None:
    if case.recommended != "replacement":
        return NotDue("no_hearing")
    return None if case.phase in ("prepared", "deferred") else NotDue("already_decided", on=case.decided_on)


def _decided(case: Case, asked: Asked) -> NotDue | None:
    rule = asked.rule
    if case.phase not in ("prepared", "deferred"):
        return NotDue("already_decided", on=case.decided_on)
    if asked.scope.role not in rule["decides"][case.recommended]:
        return NotDue("not_your_role")
    if case.recommended in rule["two_people"] and asked.who == case.opened_by:
        return NotDue("two_people")
    return _decision(case, asked, asked.facts) if asked.facts else None


def _decision(case: Case, asked: Asked, facts: dict) -> NotDue | None:
    outcome, step = facts["outcome"], facts.get("step")
    if outcome == "accept" and step != case.recommended:
        return NotDue("only_recommended")
    if outcome == "lower" and not 0 < RANKS.get(step or "", 0) < RANKS.get(case.recommended, 0):
        return NotDue("not_lower")
    if outcome == "accept" and step == "replacement" and case.heard_on is None:
        return NotDue("hear_first")
    if outcome == "defer" and not (facts.get("until") and date.fromisoformat(facts["until"]) > asked.today):
        return NotDue("defer_until_later")
    return None


def _served(case: Case, asked: Asked) -> NotDue | None:
    if case.phase != "decided":
        return NotDue("not_decided")
    if case.step == "commendation":
        return NotDue("show_first")
    if asked.scope.role not in asked.rule["decides"][case.recommended]:
        return NotDue("not_your_role")
    return _days_served(case, asked, asked.facts) if asked.facts else None


def _days_served(case: Case, asked: Asked, facts: dict) -> NotDue | None:
    """The days an officer may change stay within what the rules allow: a listing's year, an interview's week."""
    if case.step == "listing":
        until, publish_by = (date.fromisoformat(facts[k]) for k in ("listed_until", "publish_by"))
        months = asked.rule["listed_at_most_months"]
        if until > months_after(date.fromisoformat(facts["object_until"]), months):
            return NotDue("listed_too_long", months=months)
        if until <= publish_by:
            return NotDue("listed_too_short", publish_by=publish_by)
    if case.step == "interview":
        day, last = local_day(datetime.fromisoformat(facts["meeting_at"])), date.fromisoformat(facts["hold_by"])
        if not asked.today <= day <= last:
            return NotDue("day_outside", since=asked.today, until=last)
    return None


def _while_told(case: Case, asked: Asked) -> NotDue | None:
    """The party's acts: from the moment it was told until the case is over."""
    if not case.known_to_party:
        return NotDue("not_told")
    return NotDue("over", on=case.closed_on or case.withdrawn_on) if case.over else None


def _objected(case: Case, asked: Asked) -> NotDue | None:
    refused = _while_told(case, asked)
    if refused:
        return refused
    if case.step == "commendation":
        return NotDue("decline_instead")
    if case.step == DISPUTE and case.objections:
        return NotDue("one_at_a_time")
    if case.object_until and asked.today > case.object_until:
        return NotDue("too_late", until=case.object_until)
    return None


def _objection_decided(case: Case, asked: Asked) -> NotDue | None:
    if not case.open_objections:
        return NotDue("no_objection")
    if asked.scope.role not in asked.rule["decides"][case.recommended]:
        return NotDue("not_your_role")
    if asked.who in (case.decided_by, case.opened_by):
        return NotDue("somebody_else")
    if asked.facts and asked.facts["objection"] not in {o.number for o in case.open_objections}:
        return NotDue("no_objection")
    return None


def _reinspection_asked(case: Case, asked: Asked) -> NotDue | None:
    refused = _while_told(case, asked)
    if refused is None and case.reinspection_asked_on:
        return NotDue("asked_already", on=case.reinspection_asked_on)
    return refused or (NotDue("nothing_to_inspect") if case.step in ("commendation", DISPUTE) else None)


def _reinspected(case: Case, asked: Asked) -> NotDue | None:
    refused = _while_told(case, asked)
    if refused is None and asked.facts:
        on = date.fromisoformat(asked.facts["on"])
        if on > asked.today or (case.told_on and on < case.told_on):
            return NotDue("day_outside", since=case.told_on, until=asked.today)
    return refused or (NotDue("nothing_to_inspect") if case.step in ("commendation", DISPUTE) else None)


def _clear(case: Case) -> NotDue | None:
    """No objection stands in the way."""
    if case.open_objections:
        return NotDue("objection_open")
    return NotDue("must_withdraw") if case.must_withdraw else None


def _published(case: Case, asked: Asked) -> NotDue | None:
    if case.step != "listing" or case.phase != "told":
        return NotDue("nothing_to_publish")
    if case.object_until and asked.today <= case.object_until:
        return NotDue("may_still_object", until=case.object_until)
    return _clear(case)


def _extension_asked(case: Case, asked: Asked) -> NotDue | None:
    if case.step != "listing" or case.phase != "effective" or case.listed_until is None:
        return NotDue("not_listed")
    if case.extension_open:
        return NotDue("asked_already", on=case.extension_asked_on)
    last = working_days_before(case.listed_until, asked.rule["days"]["extension_before"]).day
    return NotDue("too_late", until=last) if asked.today > last else None


def _extension_answered(case: Case, asked: Asked) -> NotDue | None:
    if not case.extension_open or case.over:
        return NotDue("no_extension")
    if asked.facts and asked.facts["granted"]:
        until, begun = date.fromisoformat(asked.facts["until"]), case.effective_on or asked.today
        if until > months_after(begun, asked.rule["listed_at_most_months"]):
            return NotDue("listed_too_long", months=asked.rule["listed_at_most_months"])
    return None


def _held(case: Case, asked: Asked) -> NotDue | None:
    if case.step != "interview" or case.phase != "told":
        return NotDue("no_interview")
    if asked.facts and not (case.told_on or asked.today) <= date.fromisoformat(asked.facts["on"]) <= asked.today:
        return NotDue("day_outside", since=case.told_on, until=asked.today)
    return NotDue("must_withdraw") if case.must_withdraw else None


def _result_sent(case: Case, asked: Asked) -> NotDue | None:
    if case.held_on is None or case.over:
        return NotDue("no_interview")
    return NotDue("done_already", on=case.result_on) if case.result_on else None


def _answered(case: Case, asked: Asked) -> NotDue | None:
    if case.step != "replacement" or case.phase != "effective":
        return NotDue("nothing_to_answer")
    return NotDue("done_already", on=case.answered_on) if case.answered_on else None


def _shown(case: Case, asked: Asked) -> NotDue | None:
    if case.step != "commendation" or case.phase != "decided":
        return NotDue("not_decided")
    return None if asked.scope.role in asked.rule["decides"]["commendation"] else NotDue("not_your_role")


def _declined(case: Case, asked: Asked) -> NotDue | None:
    return None if case.step == "commendation" and case.phase == "told" else NotDue("nothing_to_decline")


def _awarded(case: Case, asked: Asked) -> NotDue | None:
    if case.step != "commendation" or case.phase != "told":
        return NotDue("show_first")
    if case.shown_until and asked.today <= case.shown_until:
        return NotDue("still_shown", until=case.shown_until)
    return None if asked.scope.role in asked.rule["decides"]["commendation"] else NotDue("not_your_role")


def _withdrawn(case: Case, asked: Asked) -> NotDue | None:
    if not case.known_to_party or case.over:
        return NotDue("not_told")
    if case.open_objections:
        return NotDue("objection_open")
    return None if asked.scope.role in asked.rule["decides"][case.recommended] else NotDue("not_your_role")


def _closed(case: Case, asked: Asked) -> NotDue | None:
    if case.phase != "effective":
        return NotDue("not_effective")
    if asked.scope.role not in asked.rule["decides"][case.recommended]:
        return NotDue("not_your_role")
    refused = _clear(case)
    return refused or _evidence_to_close(case, asked)


def _evidence_to_close(case: Case, asked: Asked) -> NotDue | None:
    """What each step asks before it may be closed."""
    how = asked.facts["how"] if asked.facts else None
    if how == "rectified" and not case.reinspection_passed:
        return NotDue("not_reinspected")
    ends = case.listed_until or case.stands_until
    if how == "expired" and not (ends and asked.today > ends):
        return NotDue("not_expired", until=ends)
    if how == "referred" and case.reinspection_passed is not False:
        return NotDue("not_failed")
    ways = CLOSED_HOW.get(case.step or "", ("done",))
    if how and how not in ways:
        return NotDue("close_as_done" if ways == ("done",) else "close_on_evidence")
    if case.step == "interview" and case.result_on is None:
        return NotDue("result_first")
    if case.step == "replacement" and case.answered_on is None and asked.today <= (case.answer_by or asked.today):
        return NotDue("answer_first", until=case.answer_by)
    return None


#: Who may write each kind of event, and the question asked first.
ACTS: dict[str, tuple[tuple[Role, ...], Check]] = {
    "heard": (OFFICERS, _heard), "decided": (OFFICERS, _decided), "served": (OFFICERS, _served),
    "replied": (PARTY, _while_told), "objected": (PARTY, _objected), "proof_given": (PARTY, _while_told),
    "reinspection_asked": (PARTY, _reinspection_asked), "reinspected": (OFFICERS, _reinspected),
    "objection_decided": (OFFICERS, _objection_decided), "published": (("supervisor",), _published),
    "extension_asked": (PARTY, _extension_asked), "extension_answered": (("supervisor",), _extension_answered),
    "held": (OFFICERS, _held), "result_sent": (OFFICERS, _result_sent), "answered": (PARTY, _answered),
    "shown": (OFFICERS, _shown), "declined": (PARTY, _declined), "awarded": (OFFICERS, _awarded),
    "withdrawn": (OFFICERS, _withdrawn), "closed": (OFFICERS, _closed),
}  # fmt: skip


def refusal(case: Case, kind: str, asked: Asked) -> NotDue | None:
    """Why an event may not be written now by this person; None = it may."""
    roles, check = ACTS[kind]
    if asked.scope.role not in roles:
        return NotDue("not_your_role")
    return check(case, asked)


def possible(case: Case, asked: Asked) -> list[str]:
    """The kinds of event this person may write now, in the order of ``ACTS``."""
    return [kind for kind in ACTS if refusal(case, kind, asked) is None]


def may_open(step: str, by_hand: bool, asked: Asked) -> NotDue | None:
    """Why a case for a step may not be opened by this person; None = it may."""
    if asked.scope.role not in asked.rule["prepares"][step]:
        return NotDue("not_your_role")
    return NotDue("not_on_the_due_list") if by_hand and step not in BY_HAND else None
