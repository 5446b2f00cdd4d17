"""What is to be done next, by whom and until when; and the calendar file."""

from __future__ import annotations

from datetime import UTC, date, datetime

import icalendar
import pytest

from cases.tasks import calendar, inbox, tasks_of
from i18n.words import LANGUAGES, Words
from tests.cases.case_town import ANNA, BEN, BOOK, OUTSIDE, STATION, Run
from tests.conftest import REPOSITORY

DAY = date(2026, 2, 12)  # the Thursday before the Spring Festival of 2026; see test_days for the counting


def tasks(run: Run) -> dict[str, date]:
    return {t.kind: t.until for t in tasks_of(run.case, BOOK.on(run.today, "cases"), run.today, [])}


def mine(run: Run, who) -> list[str]:
    return [t.kind for t in inbox([run.case], who, BOOK.on(run.today, "cases"), run.today, [])]


def told(step: str) -> Run:
    run = Run(step, DAY)
    if step == "replacement":
        run.do(STATION, "heard", said="承认")
    run.do(ANNA, "decided", outcome="accept", step=step)
    run.do(ANNA, "shown" if step == "commendation" else "served")
    return run


def test_a_new_case_waits_for_a_decision_ten_working_days():
    run = Run("listing", DAY)
    assert tasks(run) == {"decide": date(2026, 3, 4)}
    assert mine(run, ANNA) == ["decide"] and mine(run, STATION) == [] and mine(run, OUTSIDE) == []


def test_the_party_is_told_within_seven_working_days_of_the_decision():
    run = Run("attention", DAY)
    run.do(ANNA, "decided", outcome="accept", step="attention")
    assert tasks(run) == {"serve": date(2026, 2, 28)}


@pytest.mark.parametrize(
    ("step", "expected"),
    [("attention", {"may_object": date(2026, 2, 26), "close_attention": date(2027, 2, 13)}),
     ("listing", {"may_object": date(2026, 3, 4), "publish": date(2026, 3, 11)}),
     ("interview", {"may_object": date(2026, 3, 4), "hold_interview": date(2026, 2, 14), "attend_interview": date(2026, 2, 14)}),
     ("replacement", {"may_object": date(2026, 3, 4), "answer": date(2026, 3, 4)}),
     ("commendation", {"may_decline": date(2026, 2, 26), "award": date(2026, 3, 4)})],
)  # fmt: skip
def test_once_told_each_step_has_its_days(step, expected):
    # The interview: the third working day is 24 February, beyond the week that ends on the 19th; the second, Saturday 14
    # February (worked), is within it. The award: 27 and 28 February, 2, 3 and 4 March after the notice of the 26th.
    assert tasks(told(step)) == expected


def test_an_objection_is_decided_in_five_working_days_by_somebody_else():
    run = told("listing")
    run.do(OUTSIDE, "objected", ground="facts")
    assert tasks(run)["decide_objection"] == date(2026, 2, 26)
    assert "publish" not in tasks(run)
    assert "decide_objection" in mine(run, BEN) and "decide_objection" not in mine(run, ANNA)
    run.do(BEN, "objection_decided", objection=1, outcome="upheld")
    assert tasks(run) == {"withdraw": date(2026, 2, 24), "may_object": date(2026, 3, 4)}


def test_the_day_after_its_last_day_a_duty_is_overdue_and_a_right_is_gone():
    run = told("listing").on(date(2026, 3, 11))
    (publish,) = [t for t in tasks_of(run.case, BOOK.on(run.today, "cases"), run.today, []) if t.kind == "publish"]
    assert not publish.overdue(date(2026, 3, 11)) and publish.overdue(date(2026, 3, 12))
    assert "may_object" not in tasks(run)


def test_whoever_prepared_a_replacement_is_not_asked_to_decide_it():
    run = Run("replacement", DAY, opened_by=ANNA)
    assert mine(run, ANNA) == [] and mine(run, BEN) == ["decide"]


def test_a_case_that_is_over_asks_nothing():
    run = told("attention")
    run.do(ANNA, "reinspected", passed=True)
    run.do(ANNA, "closed", how="rectified")
    assert tasks(run) == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_calendar_file_holds_one_day_a_task_and_names_nobody(language):
    run = told("listing")
    rule, t = BOOK.on(run.today, "cases"), Words(language)
    found = inbox([run.case], ANNA, rule, run.today, [])
    raw = calendar(found, t, datetime(2026, 2, 12, 4, tzinfo=UTC), "https://steward.example/case?case=")
    book = icalendar.Calendar.from_ical(raw)
    entries = book.walk("VEVENT")
    assert [e["DTSTART"].dt for e in entries] == [date(2026, 3, 11)]
    assert t("task.publish") in str(entries[0]["SUMMARY"])
    assert str(entries[0]["URL"]).endswith("case=2025Q4-0001")
    assert len(entries[0].walk("VALARM")) == 1
    assert "acme" not in raw.decode() and "oak" not in raw.decode()


def test_an_interview_is_never_proposed_for_a_holiday():
    run = Run("interview", date(2026, 2, 14))  # the whole week after it is the Spring Festival
    run.do(ANNA, "decided", outcome="accept", step="interview")
    assert run.do(ANNA, "served").meeting_at.date() == date(2026, 2, 24)


def test_every_task_has_its_words():
    text = (REPOSITORY / "cases" / "tasks.py").read_text(encoding="utf-8")
    for language in LANGUAGES:
        t = Words(language)
        for kind in ("decide", "decide_again", "serve", "show", "decide_objection", "withdraw", "correct_edition", "reinspect", "may_object",
                     "publish", "answer_extension", "may_ask_extension", "meet_targets", "close_listing", "close_attention",
                     "hold_interview",
                     "attend_interview", "send_result", "answer", "may_decline", "award"):  # fmt: skip
            assert t.has(f"task.{kind}") and f'"{kind}"' in text
