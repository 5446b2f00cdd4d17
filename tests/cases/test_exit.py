"""The live counter: what is missing until a step ends, by hand for each way out, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from cases import exit as ending
from cases.case import Case
from cases.exit import counter
from i18n.words import LANGUAGES, Words, table
from rules.book import Book
from tests.cases.case_town import ANNA, OUTSIDE, Run
from tests.cases.ladder_town import decide, measured, sanction, scores, small_book, step

MONDAY = date(2026, 3, 2)
LADDER = Book().on(date(2026, 9, 30), "ladder")  # reads probabilities; exit_p .20
PERIODS = ("2026Q1", "2026Q2", "2026Q3", "2026Q4")


def listed(until: date | None = None) -> Case:
    """A listing published on 17 March 2026, to be met by 16 September 2026 or another day."""
    run = Run("listing", MONDAY)
    run.do(ANNA, "decided", outcome="accept", step="listing")
    run.do(ANNA, "served")
    run.on(date(2026, 3, 17)).do(ANNA, "published")
    return replace(run.case, listed_until=until) if until else run.case


def reminded() -> Case:
    run = Run("attention", MONDAY)
    run.do(ANNA, "decided", outcome="accept", step="attention")
    return run.do(ANNA, "served")


def known(*p: float | None, bands: tuple[str, ...] = ()) -> pl.DataFrame:
    """Periods from 2026Q1 on: the chance of standing below the pass mark; None = not rated."""
    rows = [
        {"period": period, "p_below": chance, "state": "not_rated" if chance is None else "rated", "band": None}
        for period, chance in zip(PERIODS, p or (None,) * len(bands), strict=False)
    ]
    for row, band in zip(rows, bands, strict=False):
        row |= {"band": band, "state": "rated"}
    schema = {"period": pl.String, "p_below": pl.Float64, "state": pl.String, "band": pl.String}
    return pl.DataFrame(rows, schema=schema)


def keys(case: Case, periods: pl.DataFrame, newest: str) -> list[str]:
    return [s.key for s in counter(case, periods, LADDER, newest).says]


def test_a_listing_needs_two_clean_periods_or_a_passed_re_inspection():
    found = counter(listed(date(2026, 12, 31)), known(0.9), LADDER, "2026Q1")
    assert (found.clean, found.needed, found.reinspection, found.met) == (0, 2, "none", False)
    assert [s.key for s in found.says] == ["clean_more_until", "reinspection_none_until"]
    assert found.says[0].params == {"missing": 2, "exit_p": 0.20, "until": date(2026, 12, 31)}


def test_one_clean_period_leaves_one_more():
    # .90, then .20 (at the bound: clean)
    found = counter(listed(date(2026, 9, 30)), known(0.9, 0.20), LADDER, "2026Q2")
    assert (found.clean, found.says[0].params["missing"], found.met) == (1, 1, False)


def test_just_above_the_bound_is_not_clean():
    assert counter(listed(), known(0.9, 0.2000001), LADDER, "2026Q2").clean == 0


def test_two_clean_periods_in_a_row_end_it():
    found = counter(listed(), known(0.9, 0.15, 0.10), LADDER, "2026Q3")
    assert (found.clean, found.met) == (2, True)
    assert [s.key for s in found.says] == ["clean_enough"]


@pytest.mark.parametrize("between", [0.5, None])
def test_a_worse_or_unrated_period_between_starts_the_count_again(between):
    assert counter(listed(), known(0.9, 0.1, between, 0.1), LADDER, "2026Q4").clean == 1


def test_periods_over_before_the_listing_took_effect_do_not_count():
    # a listing for a hazard: the score was clean all along; published on 17 March, so 2025Q4 and before are out
    early = known(0.1).with_columns(period=pl.lit("2025Q4"))
    assert counter(listed(), early, LADDER, "2025Q4").clean == 0
    assert counter(listed(), pl.concat([early, known(0.1)]), LADDER, "2026Q1").clean == 1


def test_where_the_last_clean_period_would_end_too_late_only_a_re_inspection_is_left():
    # two are missing after 2026Q1: the second ends on 30 September, the time on 16 September
    found = counter(listed(), known(0.9), LADDER, "2026Q1")
    assert found.says[0].key == "too_late_for_periods"
    assert found.says[0].params == {"earliest": date(2026, 9, 30), "until": date(2026, 9, 16)}
    # one day of room: until 30 September
    assert keys(listed(date(2026, 9, 30)), known(0.9), "2026Q1")[0] == "clean_more_until"


def test_a_passed_re_inspection_ends_it_whatever_the_score_says():
    run = Run("listing", MONDAY)
    run.do(ANNA, "decided", outcome="accept", step="listing")
    run.do(ANNA, "served")
    run.on(date(2026, 3, 17)).do(ANNA, "published")
    run.do(OUTSIDE, "reinspection_asked")
    assert keys(run.case, known(0.9), "2026Q1")[-1] == "reinspection_asked_until"
    failed = run.on(date(2026, 3, 20)).do(ANNA, "reinspected", on="2026-03-20", passed=False)
    assert keys(failed, known(0.9), "2026Q1")[-1] == "reinspection_failed_until"
    passed = run.on(date(2026, 4, 1)).do(ANNA, "reinspected", on="2026-04-01", passed=True)
    found = counter(passed, known(0.9), LADDER, "2026Q1")
    assert found.met and [s.key for s in found.says] == ["reinspection_passed"]


def test_a_reminder_ends_after_one_period_in_a_good_band():
    assert keys(reminded(), known(bands=("attention",)), "2026Q1") == ["good_more", "reinspection_none"]
    # 2026Q1 is over, so the next that can help is 2026Q2
    said = counter(reminded(), known(bands=("attention",)), LADDER, "2026Q1").says[0]
    assert said.params == {"missing": 1, "earliest": date(2026, 6, 30)}
    assert counter(reminded(), known(bands=("good",)), LADDER, "2026Q1").met
    assert counter(reminded(), known(bands=("excellent",)), LADDER, "2026Q1").met


def test_read_by_bands_no_number_of_periods_ends_a_listing():
    bands = Book().on(date(2026, 6, 30), "ladder")
    found = counter(listed(), known(0.1, 0.1), bands, "2026Q2")
    assert (found.needed, found.met, [s.key for s in found.says]) == (0, False, ["reinspection_none_until"])


def test_nothing_is_counted_before_a_step_is_in_effect_after_it_is_over_or_for_a_replacement():
    told = Run("listing", MONDAY)
    told.do(ANNA, "decided", outcome="accept", step="listing")
    told.do(ANNA, "served")
    closed = Run("attention", MONDAY)
    closed.do(ANNA, "decided", outcome="decline")
    replaced = replace(listed(), step="replacement")
    assert [counter(c, known(0.9), LADDER, "2026Q1") for c in (told.case, closed.case, replaced)] == [None] * 3


def test_the_counter_reads_in_both_languages():
    case = listed(date(2026, 9, 30))
    said = counter(case, known(0.9, 0.1), LADDER, "2026Q2").says
    assert said[0](Words("en")) == (
        "Clean periods in a row still missing: 1 (chance of standing below the pass mark at most 20%), "
        "before 30 September 2026"
    )
    assert said[0](Words("zh")) == "还需连续达标1个周期（低于及格线的概率不超过20%），2026年9月30日前"
    assert said[1](Words("en")) == "Or a re-inspection passed before 30 September 2026: not asked for yet"


def test_every_word_of_the_counter_is_one_it_can_say():
    said = {f"{what}_more{end}" for what in ("clean", "good") for end in ("", "_until")}
    said |= {f"reinspection_{how}{end}" for how in ("none", "asked", "failed") for end in ("", "_until")}
    said |= {"title", "clean_enough", "reinspection_passed", "too_late_for_periods"}
    said -= {"good_more_until"}  # a reminder has no day by which it must be met
    for language in LANGUAGES:
        words = {k.removeprefix("exit.") for k in table(language) if k.startswith("exit.")}
        assert words == said


# relapse and handover, as the ladder reads them

PERIOD = "2026Q3"
TWO_KINDS = measured(PERIOD, hazards_fixed_in_time=40.0, escape_routes_clear=50.0)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return small_book(tmp_path, "probability")


def closed_listing(watch_until: date, **given) -> pl.DataFrame:
    row = sanction("listing", date(2026, 2, 10), stands_until=date(2026, 8, 10), repaired_on=date(2026, 6, 1), **given)
    return row | {"watch_until": watch_until}


def now(book, *sanctions, stage="listing") -> tuple[str, str]:
    from tests.cases.test_ladder_by_probability import flag

    return step(
        scores("failing", period=PERIOD), metrics=TWO_KINDS, sanctions=sanctions, book=book, period=PERIOD,
        flags=[flag(stage)],
    )  # fmt: skip


def test_within_the_watch_a_relapse_may_be_listed_without_a_reminder_first(book):
    assert now(book) == ("attention", "surely_failing")
    assert now(book, closed_listing(date(2026, 12, 1))) == ("listing", "surely_failing_again")


def test_the_watch_holds_on_its_last_day_and_not_after_it(book):
    # the period ends on 30 September
    assert now(book, closed_listing(date(2026, 9, 30)))[0] == "listing"
    assert now(book, closed_listing(date(2026, 9, 29)))[0] == "attention"


def test_a_listing_overturned_or_of_the_company_before_is_no_relapse(book):
    assert now(book, closed_listing(date(2026, 12, 1), status="overturned"))[0] == "attention"
    assert now(book, closed_listing(date(2026, 12, 1), company_id="best"))[0] == "attention"


def test_a_relapse_opens_no_interview(book):
    assert now(book, closed_listing(date(2026, 12, 1)), stage="interview")[0] == "listing"


def test_a_reminder_closed_on_evidence_is_answered_and_carries_no_listing(book):
    reminder = sanction("attention", date(2026, 5, 10))
    assert now(book, reminder)[0] == "listing"
    assert now(book, reminder | {"repaired_on": date(2026, 8, 1)})[0] == "attention"


def test_a_company_is_not_rated_before_six_months_and_nothing_of_the_one_before_binds_it(book):
    before = sanction("interview", date(2026, 5, 10), company_id="best")
    young = scores(None, period=PERIOD, why_not_rated="short_tenure")
    assert step(young, metrics=TWO_KINDS, sanctions=[before], book=book, period=PERIOD) == ("none", "not_rated")
    # six months have 181 to 184 days
    assert Book().on(date(2026, 9, 30), "index")["tenure_min_days"] == 180
    assert now(book, before)[0] == "attention"


def test_the_tier_ahead_of_a_listing_is_a_unit_watched_inside_the_office(book):
    # stage watch: p .60 is not sure enough to be selected; nothing is due, and the row says that it is watched
    from tests.cases.test_ladder_by_probability import flag

    rows = decide(
        scores("attention", period=PERIOD), metrics=TWO_KINDS, book=book, period=PERIOD,
        flags=[flag("watch", p=0.60, selected=False)],
    )  # fmt: skip
    assert rows.select("step", "reason").row(0) == ("none", "watched")
    assert ending.IN_A_ROW == 2
