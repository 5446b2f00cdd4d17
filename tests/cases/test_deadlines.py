"""Every number of days in rules/cases.toml across the Spring Festival of 2026: the day before, the day itself, the day after.

The last working days before the festival are Friday 13 and Saturday 14 February; 15 to 23 February are off; then work Tuesday
24 to Saturday 28 February (the Saturday in exchange), Monday 2 to Friday 6 March, Monday 9 to Friday 13 March, and so on.
Counted from Thursday 12 February (1 is the 13th):

    1: 13 Feb   2: 14 Feb   3: 24 Feb   4: 25 Feb   5: 26 Feb   6: 27 Feb   7: 28 Feb
    8: 2 Mar    9: 3 Mar   10: 4 Mar   11: 5 Mar   12: 6 Mar   13: 9 Mar   14: 10 Mar  15: 11 Mar  16: 12 Mar
   17: 13 Mar  18: 16 Mar  19: 17 Mar  20: 18 Mar
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from cases.allowed import NotDue
from cases.drafting import drafted
from cases.tasks import Task, tasks_of
from data.scope import Scope
from tests.cases.case_town import ANNA, BEN, BOOK, OUTSIDE, STATION, Run

DAY = date(2026, 2, 12)
ONE = timedelta(days=1)
RULE = BOOK.on(DAY, "cases")


def decided(step: str, day: date = DAY) -> Run:
    run = Run(step, day)
    if step == "replacement":
        run.do(STATION, "heard", said="承认")
    run.do(ANNA, "decided", outcome="accept", step=step)
    return run


def told(step: str, day: date = DAY) -> Run:
    run = decided(step, day)
    run.do(ANNA, "shown" if step == "commendation" else "served")
    return run


def listed(until: date) -> Run:
    run = told("listing", date(2026, 1, 5))  # objections until 19 January, published the day after
    run.on(date(2026, 1, 20)).do(ANNA, "published")
    if until != run.case.listed_until:
        run.do(OUTSIDE, "extension_asked")
        run.do(ANNA, "extension_answered", granted=True, until=until.isoformat())
    return run


def extension_asked() -> Run:
    run = listed(date(2026, 12, 31)).on(DAY)
    run.do(OUTSIDE, "extension_asked")
    return run


def held() -> Run:
    run = told("interview", date(2026, 2, 9)).on(DAY)  # set for Thursday the 12th, the third working day
    run.do(ANNA, "held")
    return run


def objected() -> Run:
    run = told("attention")
    run.do(OUTSIDE, "objected", ground="facts")
    return run


def upheld() -> Run:
    run = objected()
    run.do(BEN, "objection_decided", objection=1, outcome="upheld")
    return run


def ruled() -> Run:
    run = objected()
    out = {"table": "hazards", "record_id": "H1", "ruling": "exclude", "to_estate": None}
    run.do(BEN, "objection_decided", objection=1, outcome="partly", rulings=[out])
    return run


def reinspection_asked() -> Run:
    run = told("attention")
    run.do(OUTSIDE, "reinspection_asked")
    return run


def order_reinspected() -> Run:
    run = told("rectification", date(2026, 2, 2)).on(DAY)
    run.do(ANNA, "reinspected", passed=True)
    return run


# what the rules give, how a case comes to it on 12 February (or the day named), the task, its last day
TASKS: list[tuple[str, Callable[[], Run], str, date]] = [
    ("decide", lambda: Run("listing", DAY), "decide", date(2026, 3, 4)),  # 10
    ("serve", lambda: decided("attention"), "serve", date(2026, 2, 28)),  # 7
    ("publish", lambda: told("listing"), "publish", date(2026, 3, 11)),  # 10 to object, then 5 more
    ("extension_answer", extension_asked, "answer_extension", date(2026, 3, 4)),  # 10
    ("interview_result", held, "send_result", date(2026, 2, 26)),  # 5
    ("objection_decided", objected, "decide_objection", date(2026, 2, 26)),  # 5
    ("withdraw", upheld, "withdraw", date(2026, 2, 24)),  # 3
    ("withdraw", ruled, "correct_edition", date(2026, 2, 24)),  # the same 3
    ("reinspect", reinspection_asked, "reinspect", date(2026, 3, 4)),  # 10
    ("close_order", order_reinspected, "close_order", date(2026, 2, 26)),  # 5
    ("follow_up", lambda: told("referral"), "follow_up", date(2026, 3, 18)),  # 20
    ("publish", lambda: told("commendation"), "award", date(2026, 3, 4)),  # shown 5, to the 26th; 5 more
]


def task(run: Run, kind: str) -> Task:
    return next(t for t in tasks_of(run.case, BOOK.on(run.today, "cases"), run.today, []) if t.kind == kind)


@pytest.mark.parametrize(("name", "case", "kind", "last"), TASKS, ids=[f"{n}-{k}" for n, _, k, _ in TASKS])
def test_a_duty_runs_to_its_last_day_and_is_overdue_the_day_after(name, case, kind, last):
    found = task(case(), kind)
    assert (found.until, found.known) == (last, True)
    assert [found.overdue(day) for day in (last - ONE, last, last + ONE)] == [False, False, True]


def code(run: Run, day: date, who: Scope, kind: str, **facts) -> str | None:
    """Why it may not be done on a day; None = done."""
    other = Run(run.step, run.today, list(run.rows))
    other.rows = list(run.rows)
    try:
        other.on(day).do(who, kind, **facts)
    except NotDue as e:
        return e.code
    return None


@pytest.mark.parametrize(
    ("step", "last"),
    # reminder, referral and advice: 5 working days; what others hear of, or what touches a person: 10
    [("attention", date(2026, 2, 26)), ("listing", date(2026, 3, 4)), ("interview", date(2026, 3, 4)),
     ("replacement", date(2026, 3, 4)), ("referral", date(2026, 2, 26)), ("advice", date(2026, 2, 26))],
)  # fmt: skip
def test_the_party_may_object_to_the_last_day_and_not_after_it(step, last):
    run = told(step)
    objections = [code(run, day, OUTSIDE, "objected", ground="facts") for day in (last - ONE, last, last + ONE)]
    assert objections == [None, None, "too_late"]


def test_a_listing_is_published_from_the_day_after():
    last = date(2026, 3, 4)
    published = [code(told("listing"), day, ANNA, "published") for day in (last - ONE, last, last + ONE)]
    assert published == ["may_still_object", "may_still_object", None]


def test_a_commendation_is_awarded_from_the_day_after_its_five_days():
    last = date(2026, 2, 26)
    awarded = [code(told("commendation"), day, ANNA, "awarded") for day in (last - ONE, last, last + ONE)]
    assert awarded == ["still_shown", "still_shown", None]


def test_a_recommendation_is_closed_without_an_answer_from_the_day_after_its_ten_days():
    last = date(2026, 3, 4)
    closed = [code(told("replacement"), day, ANNA, "closed", how="done") for day in (last - ONE, last, last + ONE)]
    assert closed == ["answer_first", "answer_first", None]


def test_an_extension_is_asked_twenty_working_days_before_the_end():
    # until 18 March: 17, 16, 13, 12, 11, 10, 9, 6, 5, 4 March are ten; 3, 2 March, 28, 27, 26, 25, 24, 14, 13, 12 February twenty
    run = told("listing", date(2026, 1, 5))
    run.rows[-1].facts["listed_until"] = "2026-03-18"
    run.on(date(2026, 1, 20)).do(ANNA, "published")
    asked = [code(run, day, OUTSIDE, "extension_asked") for day in (DAY - ONE, DAY, DAY + ONE)]
    assert asked == [None, None, "too_late"]


def test_an_order_is_followed_within_ten_days_and_looked_at_the_day_after():
    run = told("rectification")
    assert (run.case.rectify_by, run.case.reinspect_on) == (date(2026, 3, 4), date(2026, 3, 5))
    late = [task(run, "reinspect").overdue(day) for day in (date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6))]
    assert late == [False, False, True]


def test_a_closed_case_is_shown_five_days_more():
    run = told("attention")
    run.do(ANNA, "reinspected", passed=True)
    closing = drafted(run.case, "closed", DAY, RULE, BOOK.on(DAY, "ladder"))
    assert closing["display_ends_on"] == "2026-02-26"


@pytest.mark.parametrize(
    ("day", "meeting", "hold_by"),
    # third working day within seven calendar days; told on the 12th: the third is the 24th, the week ends on the 19th, so the
    # second, the worked Saturday; told on the 14th there is none within the week, so the first after it
    [(date(2026, 2, 9), date(2026, 2, 12), date(2026, 2, 16)), (DAY, date(2026, 2, 14), date(2026, 2, 19)),
     (date(2026, 2, 14), date(2026, 2, 24), date(2026, 2, 24)), (date(2026, 2, 24), date(2026, 2, 27), date(2026, 3, 3))],
)  # fmt: skip
def test_an_interview_is_set_within_the_week_or_on_the_first_day_after_a_festival_that_fills_it(day, meeting, hold_by):
    run = told("interview", day)
    assert (run.case.meeting_at.date(), run.rows[-1].facts["hold_by"]) == (meeting, hold_by.isoformat())
    late = [task(run, "hold_interview").overdue(d) for d in (meeting - ONE, meeting, meeting + ONE)]
    assert late == [False, False, True]


@pytest.mark.parametrize(
    ("day", "six_months"), [(DAY, date(2026, 8, 12)), (date(2026, 8, 31), date(2027, 2, 28))]
)  # the same day of the sixth month, or that month's last
def test_months_are_calendar_months(day, six_months):
    run = told("listing", date(2026, 1, 5)).on(date(2026, 1, 20))
    run.do(ANNA, "published")
    run.do(ANNA, "reinspected", passed=True)
    closing = drafted(run.case, "closed", day, RULE, BOOK.on(DAY, "ladder"))
    assert closing["watch_until"] == six_months.isoformat()
    order = drafted(decided("rectification", day).case, "served", day, RULE, BOOK.on(DAY, "ladder"))
    assert order["sue_until"] == six_months.isoformat()
    assert order["review_until"] == (day + timedelta(days=60)).isoformat()


def test_no_number_of_days_is_left_out_here():
    """A new entry in the rules fails this until its last day is tested above."""
    tested = {name for name, *_ in TASKS}
    tested |= {"extension_before", "answer", "shown", "rectify", "delist"}  # each in a test of its own
    assert set(RULE["days"]) == tested
    steps = {"attention", "listing", "interview", "replacement", "referral", "advice"}
    assert set(RULE["object_days"]) == steps
