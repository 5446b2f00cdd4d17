"""Cases as a fold: the way of each step, what is refused, deadlines to the day, and any order of acts."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.allowed import ACTS, CLOSED_HOW, GROUNDS, OBJECTION_OUTCOMES, OUTCOMES, Asked, NotDue, may_open, possible
from cases.case import CHANGES, STEPS, fold
from cases.standing import RANKS
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from tests.cases.case_town import ANNA, BEN, BOOK, OUTSIDE, STATION, Run

DAY = date(2026, 2, 12)  # the Thursday before the Spring Festival of 2026


def refused(run: Run, who: Scope, kind: str, **facts) -> str:
    with pytest.raises(NotDue) as told:
        run.do(who, kind, **facts)
    return told.value.code


def told(step: str, day: date = DAY) -> Run:
    run = Run(step, day)
    if step == "replacement":
        run.do(STATION, "heard", said="承认安排不力")
    run.do(ANNA, "decided", outcome="accept", step=step)
    run.do(ANNA, "shown" if step == "commendation" else "served")
    return run


def test_a_reminder_is_told_answered_and_closed_on_a_reinspection():
    run = told("attention")
    assert run.case.phase == "effective" and run.case.told_on == DAY
    run.do(OUTSIDE, "proof_given", reason="已整改")
    run.do(OUTSIDE, "reinspection_asked")
    assert refused(run, ANNA, "closed", how="rectified") == "not_reinspected"
    run.later(14).do(ANNA, "reinspected", passed=True)
    case = run.do(ANNA, "closed", how="rectified")
    assert (case.phase, case.closed_how, case.reinspection_asked_on) == ("closed", "rectified", None)
    assert possible(case, Asked(ANNA, run.today, BOOK.on(run.today, "cases"))) == []


def test_a_listing_is_published_only_after_the_last_day_to_object():
    run = told("listing")
    # ten working days after 12 February 2026 end on 4 March (tests/cases/test_days.py), five more on 11 March
    assert run.case.object_until == date(2026, 3, 4)
    assert run.case.publish_by == date(2026, 3, 11)
    run.on(date(2026, 3, 4))
    assert refused(run, ANNA, "published") == "may_still_object"
    run.on(date(2026, 3, 5))
    assert refused(run, OUTSIDE, "objected", ground="facts") == "too_late"
    assert run.do(ANNA, "published").phase == "effective"


def test_a_listing_lasts_a_year_at_most_and_longer_than_the_days_to_publish_it():
    # objections until 4 March 2026, so a year ends on 4 March 2027; to be published by 11 March 2026
    for until, code in (("2027-03-05", "listed_too_long"), ("2026-03-11", "listed_too_short")):
        run = Run("listing", DAY)
        run.do(ANNA, "decided", outcome="accept", step="listing")
        assert refused(run, ANNA, "served", listed_until=until) == code
    assert run.do(ANNA, "served", listed_until="2027-03-04").listed_until == date(2027, 3, 4)
    run.on(date(2026, 3, 12)).do(ANNA, "published")
    run.do(OUTSIDE, "extension_asked")
    # an extension counts from the publication on 12 March 2026
    assert refused(run, ANNA, "extension_answered", granted=True, until="2027-03-13") == "listed_too_long"
    assert run.do(ANNA, "extension_answered", granted=True, until="2027-03-12").listed_until == date(2027, 3, 12)


def test_another_last_day_of_a_listing_moves_the_days_that_follow_from_it():
    run = Run("listing", DAY)
    run.do(ANNA, "decided", outcome="accept", step="listing")
    run.do(ANNA, "served", listed_until="2026-09-16")
    told_of = run.rows[-1].facts
    # Twenty working days back from 16 September end on 19 August (counted below); a missed listing stands twelve months.
    assert (told_of["extension_asked_by"], told_of["honours_missed_until"]) == ("2026-08-19", "2027-09-16")
    assert "calendar_unknown" not in told_of
    # met in time, honours wait six months from the last day to publish, 11 March
    assert told_of["honours_barred_until"] == "2026-09-11"
    run.on(date(2026, 3, 12)).do(ANNA, "published")
    assert refused(run.on(date(2026, 8, 20)), OUTSIDE, "extension_asked") == "too_late"


def test_an_interview_is_set_within_the_week_or_not_at_all():
    # told on Monday 2 March 2026: the week ends on 9 March
    run = Run("interview", date(2026, 3, 2))
    run.do(ANNA, "decided", outcome="accept", step="interview")
    for hour in ("2026-03-10T09:00:00+08:00", "2026-03-01T09:00:00+08:00"):
        assert refused(run, ANNA, "served", meeting_at=hour) == "day_outside"
    assert run.do(ANNA, "served", meeting_at="2026-03-09T09:00:00+08:00").phase == "told"


def test_a_reminder_nobody_closed_ends_after_its_twelve_months():
    run = told("attention")
    assert run.case.stands_until == date(2027, 2, 12)
    assert refused(run.on(date(2027, 2, 12)), ANNA, "closed", how="expired") == "not_expired"
    assert run.on(date(2027, 2, 13)).do(ANNA, "closed", how="expired").closed_how == "expired"


def test_an_objection_on_the_last_day_counts_and_pauses_publication():
    run = told("listing").on(date(2026, 3, 4))
    run.do(OUTSIDE, "objected", ground="not_ours", reason="隐患在业主家中")
    run.on(date(2026, 3, 9))
    assert refused(run, ANNA, "published") == "objection_open"
    assert refused(run, ANNA, "objection_decided", objection=1, outcome="rejected") == "somebody_else"
    assert refused(run, BEN, "objection_decided", objection=2, outcome="rejected") == "no_objection"
    run.do(BEN, "objection_decided", objection=1, outcome="rejected")
    assert run.do(ANNA, "published").phase == "effective"


def test_an_upheld_objection_leaves_nothing_but_withdrawal():
    run = told("listing")
    run.do(OUTSIDE, "objected", ground="not_ours")
    run.do(BEN, "objection_decided", objection=1, outcome="upheld")
    assert run.case.must_withdraw
    run.on(date(2026, 3, 5))
    assert refused(run, ANNA, "published") == "must_withdraw"
    case = run.do(ANNA, "withdrawn", corrected_edition="2025Q4-2")
    assert (case.phase, case.corrected_edition, case.over) == ("withdrawn", "2025Q4-2", True)
    assert refused(run, OUTSIDE, "replied") == "over"


def test_a_reply_never_makes_the_step_heavier():
    run = told("attention")
    run.do(OUTSIDE, "replied", reason="情况说明")
    run.do(OUTSIDE, "objected", ground="facts")
    assert run.case.step == "attention"
    assert refused(run, ANNA, "decided", outcome="accept", step="listing") == "already_decided"


def test_a_lighter_step_must_be_lighter():
    run = Run("listing", DAY)
    assert refused(run, ANNA, "decided", outcome="lower", step="interview") == "not_lower"
    assert refused(run, ANNA, "decided", outcome="lower", step="listing") == "not_lower"
    assert refused(run, ANNA, "decided", outcome="accept", step="attention") == "only_recommended"
    assert run.do(ANNA, "decided", outcome="lower", step="attention").step == "attention"


def test_a_deferred_case_is_decided_later_and_a_declined_one_is_over():
    run = Run("listing", DAY)
    assert refused(run, ANNA, "decided", outcome="defer", until=DAY.isoformat()) == "defer_until_later"
    until = DAY + timedelta(days=30)
    assert run.do(ANNA, "decided", outcome="defer", until=until.isoformat()).deferred_until == until
    case = run.later(30).do(ANNA, "decided", outcome="decline", reason="季度内已自行整改")
    assert (case.phase, case.closed_how, case.step) == ("closed", "declined", None)


def test_replacing_a_head_takes_a_hearing_and_two_people():
    run = Run("replacement", DAY, opened_by=ANNA)
    assert refused(run, BEN, "decided", outcome="accept", step="replacement") == "hear_first"
    run.do(ANNA, "heard", said="承认安排不力")
    assert refused(run, ANNA, "decided", outcome="accept", step="replacement") == "two_people"
    run.do(BEN, "decided", outcome="accept", step="replacement")
    run.do(BEN, "served")
    assert run.case.answer_by == date(2026, 3, 4)  # ten working days
    assert refused(run, BEN, "closed", how="done") == "answer_first"
    run.do(OUTSIDE, "answered", choice="alternative", reason="增派副职")
    assert run.do(BEN, "closed", how="done").phase == "closed"


def test_an_interview_is_held_within_the_week_and_its_result_sent():
    run = told("interview", date(2026, 3, 2))
    assert run.case.meeting_at.isoformat() == "2026-03-05T14:30:00+08:00"  # the third working day, in the afternoon
    assert refused(run, ANNA, "held", on="2026-03-05") == "day_outside"
    run.on(date(2026, 3, 5)).do(ANNA, "held")
    assert run.case.result_by == date(2026, 3, 12)  # five working days
    assert refused(run, ANNA, "closed", how="done") == "result_first"
    run.do(ANNA, "result_sent")
    assert run.do(ANNA, "closed", how="done").phase == "closed"


def test_a_commendation_is_shown_may_be_declined_and_is_awarded_after():
    run = told("commendation")
    # five working days after 12 February: 13, 14, 24, 25, 26
    assert run.case.shown_until == date(2026, 2, 26)
    run.on(date(2026, 2, 26))
    assert refused(run, ANNA, "awarded") == "still_shown"
    assert refused(run, OUTSIDE, "objected", ground="facts") == "decline_instead"
    run.on(date(2026, 2, 27))
    assert run.do(ANNA, "awarded").phase == "effective"
    other = told("commendation")
    assert other.do(OUTSIDE, "declined", reason="不愿记录").closed_how == "declined_by_party"


def test_an_extension_is_asked_twenty_working_days_before_and_never_beyond_a_year():
    run = told("listing", date(2026, 3, 2))  # object until 16 March; six months later: 16 September 2026
    assert run.case.listed_until == date(2026, 9, 16)
    run.on(date(2026, 3, 17)).do(ANNA, "published")
    # Back from 16 September: 15, 14, 11, 10, 9, 8, 7, 4, 3, 2, 1 (eleven), 31, 28, 27, 26, 25, 24, 21, 20, 19 August (twenty).
    run.on(date(2026, 8, 19))
    run.do(OUTSIDE, "extension_asked", until="2026-12-16")
    assert refused(run, ANNA, "extension_answered", granted=True, until="2027-06-30") == "listed_too_long"
    assert run.do(ANNA, "extension_answered", granted=True, until="2026-12-16").listed_until == date(2026, 12, 16)
    late = told("listing", date(2026, 3, 2)).on(date(2026, 3, 17))
    late.do(ANNA, "published")
    late.on(date(2026, 8, 20))
    assert refused(late, OUTSIDE, "extension_asked", until="2026-12-16") == "too_late"


@pytest.mark.parametrize("step", ["attention", "listing", "interview", "replacement"])
def test_nobody_may_act_for_another_role(step):
    run = told(step)
    for kind, (roles, _) in ACTS.items():
        for role in ("supervisor", "subdistrict", "station", "manager", "steward"):
            if role not in roles:
                who = Scope("x", role, area_id="a", company_id="acme")
                assert run.refused(who, kind, {}).code == "not_your_role"


def test_referral_and_advice_are_opened_by_hand_and_nothing_else_is():
    asked = Asked(ANNA, DAY, BOOK.on(DAY, "cases"))
    assert may_open("referral", True, asked) is None
    assert may_open("listing", True, asked).code == "not_on_the_due_list"
    assert may_open("replacement", False, Asked(STATION, DAY, BOOK.on(DAY, "cases"))).code == "not_your_role"


@st.composite
def something(draw):
    """Any act by anyone with any content, and how many days pass before it."""
    kind = draw(st.sampled_from(sorted(ACTS)))
    who = draw(st.sampled_from([ANNA, BEN, STATION, OUTSIDE]))
    facts = {
        "decided": {"outcome": draw(st.sampled_from(OUTCOMES)), "step": draw(st.sampled_from(STEPS)),
                    "until": draw(st.dates(DAY, date(2027, 12, 31))).isoformat()},
        "objected": {"ground": draw(st.sampled_from(GROUNDS))},
        "objection_decided": {"objection": draw(st.integers(0, 3)), "outcome": draw(st.sampled_from(OBJECTION_OUTCOMES))},
        "reinspected": {"passed": draw(st.booleans())},
        "closed": {"how": draw(st.sampled_from(sorted({"done"}.union(*CLOSED_HOW.values()))))},
    }.get(kind, {})  # fmt: skip
    return draw(st.integers(0, 40)), who, kind, facts


@settings(max_examples=300, deadline=None)
@given(step=st.sampled_from(STEPS), acts=st.lists(something(), max_size=40))
def test_any_order_of_acts_leaves_a_valid_case_or_is_refused(step, acts):
    run = Run(step, DAY)
    for days, who, kind, facts in acts:
        run.later(days)
        before, was = len(run.rows), run.case
        try:
            case = run.do(who, kind, **facts)
        except NotDue as e:
            assert len(run.rows) == before
            said = [Words(t)(f"case.refused.{e.code}", **e.params) for t in LANGUAGES]
            assert all(s and "{" not in s for s in said)
            continue
        assert not was.over, "nothing is written in a case that is over"
        check(run, case)


def allowed_facts(chance: Random, case, kind: str, today: date) -> dict:
    """What a person could well give with an act that may be done."""
    lighter = [s for s, rank in RANKS.items() if 0 < rank < RANKS.get(case.recommended, 0)]
    outcome = chance.choice(["accept"] * 6 + ["defer", "decline"] + ["lower"] * bool(lighter))
    step = chance.choice(lighter) if outcome == "lower" else case.recommended
    first = case.open_objections[0].number if case.open_objections else 0
    return {
        "decided": {"outcome": outcome, "step": step, "until": (today + timedelta(days=30)).isoformat()},
        "objected": {"ground": chance.choice(GROUNDS)},
        "objection_decided": {"objection": first, "outcome": chance.choice(OBJECTION_OUTCOMES)},
        "reinspected": {"passed": chance.choice((True, False))},
        "extension_answered": {"granted": chance.choice((True, False))},
        "closed": {"how": chance.choice(CLOSED_HOW.get(case.step or "", ("done",)))},
    }.get(kind, {})


PEOPLE = (ANNA, BEN, STATION, OUTSIDE)
ENDS = ("closed", "withdrawn", "declined")


def walked(step: str, chance: Random) -> Run:
    """A run of acts that may be done, each checked; acts not done yet come first, and those that end it last."""
    run = Run(step, DAY)
    for _ in range(16):
        run.later(chance.choice((0, 1, 5, 12, 20, 200)))
        offered = [(k, w) for w in PEOPLE for k in may(run, w)]
        done = {e.kind for e in run.rows} | (set(ENDS) if len(run.rows) < 6 else set())
        new = [o for o in offered if o[0] not in done] or offered
        if not new:
            break
        kind, who = chance.choice(new)
        try:
            check(run, run.do(who, kind, **allowed_facts(chance, run.case, kind, run.today)))
        except NotDue as e:  # the act is open, these facts are not: a case closed on what it lacks
            assert kind in ("closed", "extension_answered") or e.code == "hear_first", (kind, e.code)
    return run


def test_every_order_of_acts_that_may_be_done_gives_a_valid_case_that_somebody_can_end():
    """Only acts offered are done, so that runs go deep; together they reach every kind of event and of end."""
    kinds, ends = set(), set()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(step=st.sampled_from(STEPS), seed=st.integers(0, 2**32))
    def walk(step, seed):
        run = walked(step, Random(seed))
        kinds.update(e.kind for e in run.rows)
        if run.case.over:
            ends.add(run.case.closed_how or run.case.phase)
            assert not any(may(run, w) for w in PEOPLE)
        else:
            run.later(800)  # after every last day an officer can still move it
            assert may(run, ANNA) or may(run, BEN)

    walk()
    assert kinds == {*ACTS, "opened"}
    # "answered" is the end of a dispute, which carries no step (test_disputes)
    assert ends == {"done", "declined", "declined_by_party", "withdrawn"}.union(*CLOSED_HOW.values())


def may(run: Run, who: Scope) -> list[str]:
    return possible(run.case, Asked(who, run.today, BOOK.on(run.today, "cases")))


def check(run: Run, case) -> None:
    """What must hold of every case whatever happened in it."""
    kinds = [e.kind for e in run.rows]
    assert case.version == len(run.rows)
    assert RANKS.get(case.step or "", 0) <= RANKS.get(case.recommended, 0)
    if case.step == "replacement":
        decided = next(e for e in run.rows if e.kind == "decided" and e.facts["outcome"] == "accept")
        assert decided.by != case.opened_by and "heard" in kinds[: run.rows.index(decided)]
    for o in case.objections:
        assert o.outcome is None or o.decided_by not in (case.decided_by, case.opened_by)
    if "published" in kinds:
        at = next(e for e in run.rows if e.kind == "published")
        assert at.at.date() > case.object_until
    if case.phase in ("told", "effective", "withdrawn"):
        assert case.told_on and case.decided_on and case.opened_on <= case.decided_on <= case.told_on
    if case.withdrawn_on or (case.closed_on and case.closed_how != "declined_by_party"):
        assert not case.open_objections
    assert not (
        case.closed_how in ("rectified", "done", "expired") and any(o.outcome == "upheld" for o in case.objections)
    )


def test_every_kind_of_event_has_its_words_law_change_and_question():
    rule = BOOK.on(DAY, "cases")
    assert set(CHANGES) == set(ACTS)
    assert set(rule["law_of"]) == set(ACTS) | {"opened"}
    for language in LANGUAGES:
        t = Words(language)
        lacking = [f"{p}.{k}" for k in ACTS for p in ("case.event", "case.do") if not t.has(f"{p}.{k}")]
        assert lacking == [] and t.has("case.event.opened")


def test_a_case_without_its_opening_is_refused():
    run = told("attention")
    with pytest.raises(ValueError, match="begins with"):
        fold(run.rows[1:])
    with pytest.raises(ValueError, match="begins with"):
        fold([])
