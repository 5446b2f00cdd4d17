"""What has to be done next in a case, by whom and until when; a calendar file of it (ICS, RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from cases.case import Case
from cases.corrected import taken_by
from cases.days import local_day, working_days_after, working_days_before
from data.editions import Published
from data.scope import Role, Scope
from i18n.words import Words
from rules.book import Rule

REMIND = timedelta(days=-1)
PUBLISHERS: tuple[Role, ...] = ("supervisor",)  # of editions, and so of corrected ones


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes:
        kind: a word key below ``task.``. roles: who may do it. until: last day. must: False for what a party may do.
        known: False where the last day was counted over a year whose calendar is not out.
    """

    case: Case
    kind: str
    roles: tuple[Role, ...]
    until: date
    must: bool = True
    known: bool = True

    def overdue(self, today: date) -> bool:
        return self.must and self.until < today


def tasks_of(case: Case, rule: Rule, today: date, published: Sequence[Published]) -> Iterator[Task]:
    """Everything open in one case on a day.

    Args:
        rule: ``cases`` as in force on ``today``; days already told stand in the case.
        published: the editions that may have taken its rulings (``cases/corrected.py``).
    """
    yield from _correction(case, rule, published)
    if case.over:
        return
    deciders = tuple(rule["decides"][case.recommended])
    yield from _objection_tasks(case, rule, deciders)
    if case.reinspection_asked_on:
        yield _within(case, "reinspect", deciders, case.reinspection_asked_on, rule["days"]["reinspect"])
    if case.phase == "prepared":
        yield _within(case, "decide", deciders, case.opened_on, rule["days"]["decide"])
    elif case.phase == "deferred" and case.deferred_until:
        yield Task(case, "decide_again", deciders, case.deferred_until)
    elif case.phase == "decided" and case.decided_on:
        kind = "show" if case.step == "commendation" else "serve"
        yield _within(case, kind, deciders, case.decided_on, rule["days"]["serve"])
    else:
        yield from _after_telling(case, rule, deciders, today)


def _within(case: Case, kind: str, roles: tuple[Role, ...], since: date, days: int) -> Task:
    last = working_days_after(since, days)
    return Task(case, kind, roles, last.day, known=last.known)


def _correction(case: Case, rule: Rule, published: Sequence[Published]) -> Iterator[Task]:
    """The edition promised with a ruling, whatever became of the case; of several the first promised."""
    owed = [o for o in case.objections if o.changes_scores and taken_by(case, o, published) is None]
    if not owed:
        return
    first = min(owed, key=lambda o: o.decided_seq)
    if first.correct_by:
        yield Task(case, "correct_edition", PUBLISHERS, first.correct_by)
    elif first.decided_on:
        yield _within(case, "correct_edition", PUBLISHERS, first.decided_on, rule["days"]["withdraw"])


def _objection_tasks(case: Case, rule: Rule, deciders: tuple[Role, ...]) -> Iterator[Task]:
    for objection in case.open_objections:
        yield _within(case, "decide_objection", deciders, local_day(objection.at), rule["days"]["objection_decided"])
    if case.must_withdraw and not case.open_objections:
        since = max(o.decided_on for o in case.objections if o.outcome == "upheld" and o.decided_on)
        yield _within(case, "withdraw", deciders, since, rule["days"]["withdraw"])


def _after_telling(case: Case, rule: Rule, deciders: tuple[Role, ...], today: date) -> Iterator[Task]:
    party: tuple[Role, ...] = ("manager",)
    if case.object_until and today <= case.object_until:
        yield Task(case, "may_object", party, case.object_until, must=False)
    if case.must_withdraw:
        return
    yield from {
        "attention": _attention, "listing": _listing, "interview": _interview, "replacement": _replacement, "commendation": _commendation,
        "rectification": _rectification, "referral": _by_hand, "advice": _by_hand,
    }.get(case.step or "", _nothing)(case, rule, deciders, party)  # fmt: skip


def _nothing(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    return iter(())


def _attention(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.stands_until:
        yield Task(case, "close_attention", deciders, case.stands_until + timedelta(days=1))


def _listing(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.phase == "told" and case.publish_by and not case.open_objections:
        yield Task(case, "publish", ("supervisor",), case.publish_by)
    if case.phase != "effective" or case.listed_until is None:
        return
    if case.extension_open and case.extension_asked_on:
        yield _within(
            case, "answer_extension", ("supervisor",), case.extension_asked_on, rule["days"]["extension_answer"]
        )
    elif case.extension_asked_on is None:
        last = working_days_before(case.listed_until, rule["days"]["extension_before"])
        yield Task(case, "may_ask_extension", party, last.day, must=False, known=last.known)
    yield Task(case, "meet_targets", party, case.listed_until, must=False)
    yield Task(case, "close_listing", deciders, case.listed_until + timedelta(days=1))


def _interview(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.phase == "told" and case.meeting_at:
        yield Task(case, "hold_interview", deciders, local_day(case.meeting_at))
        yield Task(case, "attend_interview", party, local_day(case.meeting_at), must=False)
    if case.held_on and case.result_on is None and case.result_by:
        yield Task(case, "send_result", deciders, case.result_by)


def _replacement(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.answer_by and case.answered_on is None:
        yield Task(case, "answer", party, case.answer_by, must=False)


def _rectification(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.reinspected_on:
        yield _within(case, "close_order", deciders, case.reinspected_on, rule["days"]["close_order"])
        return
    if case.rectify_by:
        yield Task(case, "rectify", party, case.rectify_by, must=False)
    if case.reinspect_on and not case.reinspection_asked_on:
        yield Task(case, "reinspect", tuple(rule["prepares"]["rectification"]), case.reinspect_on)


def _by_hand(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.follow_up:
        yield Task(case, "follow_up", deciders, case.follow_up)


def _commendation(case: Case, rule: Rule, deciders: tuple[Role, ...], party: tuple[Role, ...]) -> Iterator[Task]:
    if case.phase == "told" and case.shown_until:
        yield Task(case, "may_decline", party, case.shown_until, must=False)
        yield _within(case, "award", deciders, case.shown_until, rule["days"]["publish"])


def inbox(cases: Iterable[Case], scope: Scope, rule: Rule, today: date, published: Sequence[Published]) -> list[Task]:
    """What this viewer may do or must know of, the nearest day first.

    Left out is what the rules keep from this very person: deciding what they prepared, or an objection to their decision.
    """
    own = (t for case in cases for t in tasks_of(case, rule, today, published) if scope.role in t.roles)
    mine = (t for t in own if not _kept_from(t, scope.viewer_id, rule))
    return sorted(mine, key=lambda t: (t.until, t.case.case_id, t.kind))


def _kept_from(task: Task, who: str, rule: Rule) -> bool:
    if task.kind == "decide_objection":
        return who in (task.case.decided_by, task.case.opened_by)
    return task.kind == "decide" and task.case.recommended in rule["two_people"] and who == task.case.opened_by


def calendar(tasks: Iterable[Task], t: Words, made_at: datetime, link: str) -> bytes:
    """Tasks as an ICS file: one all-day entry each, with a reminder the day before; names no party.

    Args:
        link: address of a case's page, to which the case's number is added.
    """
    book = Calendar()
    book.add("prodid", "-//Steward//tasks//")
    book.add("version", "2.0")
    for task in tasks:
        entry = Event()
        entry.add("uid", f"{task.case.case_id}-{task.kind}-{task.until:%Y%m%d}@steward")
        entry.add("dtstamp", made_at.astimezone(UTC))
        entry.add("dtstart", task.until)
        entry.add("dtend", task.until + timedelta(days=1))
        entry.add("summary", t("task.summary", task=t(f"task.{task.kind}"), case=task.case.case_id))
        entry.add("url", f"{link}{task.case.case_id}")
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", t(f"task.{task.kind}"))
        alarm.add("trigger", REMIND)
        entry.add_component(alarm)
        book.add_component(entry)
    return book.to_ical()
