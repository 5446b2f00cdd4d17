"""What an act holds before anybody changes a word: the days the rules give, as the event will state them.

Days are stated in the event, so a later change of rule or calendar moves nobody's deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from cases.case import BY_HAND, Case
from cases.days import ZONE, Deadline, months_after, working_days_after, working_days_before
from rules.book import Rule

MEETING_DAYS, MEETING_AT = 3, time(14, 30)  # an interview is proposed for the third working day, in the afternoon


def _stated(facts: dict, **deadlines: Deadline) -> dict:
    """Deadlines as an event states them; ``calendar_unknown`` lists those counted over a year not yet announced."""
    before = set(facts.pop("calendar_unknown", ())) - deadlines.keys()
    unknown = sorted(before | {name for name, d in deadlines.items() if not d.known})
    stated = {name: d.day.isoformat() for name, d in deadlines.items()}
    return facts | stated | ({"calendar_unknown": unknown} if unknown else {})


def _served(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    step = case.step or case.recommended
    facts: dict = {"step": step, "period": case.period}
    if step == "rectification":
        return _ordered(facts, today, rule)
    object_until = working_days_after(today, rule["object_days"][step])
    given = {"object_until": object_until}
    if step == "attention":
        facts["stands_until"] = months_after(today, ladder["stands_months"]["attention"]).isoformat()
    if step == "listing":
        until = months_after(object_until.day, rule["listed_months"])
        publish_by = working_days_after(object_until.day, rule["days"]["publish"])
        given |= {"publish_by": publish_by, "publish_from": working_days_after(object_until.day, 1)}
        facts["honours_barred_until"] = months_after(publish_by.day, rule["honours_barred_months"]).isoformat()
        facts = _listed(facts, until, rule, ladder)
    if step == "interview":
        last = today + timedelta(days=rule["interview_within_days"])
        day = _meeting_day(today, last)
        facts["meeting_at"] = datetime.combine(day, MEETING_AT, ZONE).isoformat()
        facts["hold_by"] = max(day, last).isoformat()
    if step == "replacement":
        given["answer_by"] = working_days_after(today, rule["days"]["answer"])
    if step in BY_HAND:
        given["follow_up"] = working_days_after(today, rule["days"]["follow_up"])
    return _stated(facts, **given)


def _listed(facts: dict, until: date, rule: Rule, ladder: Rule) -> dict:
    """The days that follow from a listing's last day: to ask for longer, and of honours where its targets are missed."""
    missed = months_after(until, ladder["stands_months"]["listing"])  # cases/standing.py: past due, it stands so long
    days = {"listed_until": until.isoformat(), "honours_missed_until": missed.isoformat()}
    return _stated(facts | days, extension_asked_by=working_days_before(until, rule["days"]["extension_before"]))


def _ordered(facts: dict, today: date, rule: Rule) -> dict:
    """An order's days: until its last deadline the party may say that another answers for a hazard, or that it needs longer."""
    by = working_days_after(today, rule["days"]["rectify"])
    facts["review_until"] = (today + timedelta(days=rule["review_within_days"])).isoformat()
    facts["sue_until"] = months_after(today, rule["sue_within_months"]).isoformat()
    return _stated(facts, rectify_by=by, object_until=by, reinspect_on=working_days_after(by.day, 1))


def _meeting_day(today: date, last: date) -> date:
    """The third working day, or the latest before it within the week; the next working day where a festival fills the week."""
    for count in range(MEETING_DAYS, 0, -1):
        day = working_days_after(today, count).day
        if day <= last:
            return day
    return working_days_after(today, 1).day


def _held(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    return _stated({"on": today.isoformat()}, result_by=working_days_after(today, rule["days"]["interview_result"]))


def _shown(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    return _stated({"step": "commendation"}, until=working_days_after(today, rule["days"]["shown"]))


def _awarded(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    return {"until": months_after(today, ladder["stands_months"]["commendation"]).isoformat()}


def _objection_decided(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    facts: dict = {"objection": case.open_objections[0].number if case.open_objections else 0, "outcome": "rejected"}
    return _stated(facts, withdraw_by=working_days_after(today, rule["days"]["withdraw"]))


def _closed(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    facts: dict = {"how": "rectified" if case.step in ("attention", "listing", "rectification") else "done"}
    if case.step == "listing":
        facts["watch_until"] = months_after(today, rule["watch_months"]).isoformat()
    return _stated(facts, display_ends_on=working_days_after(today, rule["days"]["delist"]))


def _extension_answered(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    longest = months_after(case.effective_on or today, rule["listed_at_most_months"])
    later = months_after(case.listed_until or today, 3)
    return {"granted": True, "until": min(later, longest).isoformat()}


def _published(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    return {"until": case.listed_until.isoformat()} if case.listed_until else {}


def _withdrawn(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    return _stated({}, display_ends_on=working_days_after(today, 1))


def _on(case: Case, today: date, rule: Rule, ladder: Rule) -> dict:
    return {"on": today.isoformat()}


DRAFTS: dict[str, Callable[[Case, date, Rule, Rule], dict]] = {
    "heard": _on, "served": _served, "held": _held, "shown": _shown, "awarded": _awarded, "closed": _closed,
    "objection_decided": _objection_decided, "extension_answered": _extension_answered, "published": _published,
    "withdrawn": _withdrawn, "reinspected": _on,
}  # fmt: skip


def drafted(case: Case, kind: str, today: date, rule: Rule, ladder: Rule, changed: dict | None = None) -> dict:
    """What the rules give for an act on a day, as JSON values, with what a person changed and the days that follow from it.

    Args:
        rule: ``cases``, ladder: ``ladder``, both as in force on ``today``.
    """
    changed = changed or {}
    since = date.fromisoformat(changed["on"]) if kind == "held" and changed.get("on") else today
    whole = DRAFTS[kind](case, since, rule, ladder) if kind in DRAFTS else {}
    if kind == "served" and case.step == "listing" and changed.get("listed_until"):
        whole = _listed(whole, date.fromisoformat(changed["listed_until"]), rule, ladder)
    return whole | changed
