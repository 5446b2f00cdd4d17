"""The ladder: both sides of every trigger, what blocks a step, and the words that say why.

``oak`` stands under ``acme``; the period is 2026Q2, so the last half-year is January to June 2026 and the one before
it July to December 2025.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from cases.sentences import sentence
from cases.triggers import reasons, steps
from data.edition_tables import STEPS
from i18n.words import LANGUAGES, Words, table
from rules.book import Book
from tests.cases.ladder_town import decide, duty, measured, sanction, scores, small_book, step

F, A, G, E = "failing", "attention", "good", "excellent"
MISSED = duty("missed", "yearly_evacuation_drill_held", "drills")
OVERDUE = duty("overdue_hazard", "hazards_fixed_in_time", "rectification", 2)
MAJOR = duty("major_hazard", "hazards_fixed_in_time", "rectification")
REMINDED = sanction("attention", date(2025, 10, 10))
LISTED = sanction("listing", date(2026, 1, 10))
TALKED = sanction("interview", date(2026, 2, 10))
TWO_KINDS = measured(hazards_fixed_in_time=40.0, escape_routes_clear=50.0)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return small_book(tmp_path)


# attention


def test_one_failing_quarter_calls_for_a_reminder(book):
    assert step(scores(G, F), book=book) == ("attention", "failing")


def test_a_good_quarter_calls_for_nothing(book):
    assert step(scores(G, G), book=book) == ("none", "nothing_due")


def test_one_quarter_in_band_attention_is_not_enough(book):
    assert step(scores(G, A), book=book) == ("none", "nothing_due")


def test_two_quarters_in_band_attention_call_for_a_reminder(book):
    assert step(scores(A, A), book=book) == ("attention", "low_quarters")


def test_a_failing_quarter_before_one_in_band_attention_counts_as_low(book):
    assert step(scores(F, A), book=book) == ("attention", "low_quarters")


def test_an_unrated_quarter_between_breaks_the_count(book):
    assert step(scores(A, None, A), book=book) == ("none", "nothing_due")


def test_a_quarter_missing_altogether_breaks_the_count(book):
    history = [row for row in scores(A, G, A) if row["band"] != G]
    assert step(history, book=book) == ("none", "nothing_due")


def test_a_missed_duty_calls_for_a_reminder_at_a_good_score(book):
    assert step(scores(E), duties=[MISSED], book=book) == ("attention", "duty_missed")


def test_a_duty_missed_last_quarter_is_last_quarters_matter(book):
    assert step(scores(G), duties=[MISSED | {"period": "2026Q1"}], book=book) == ("none", "nothing_due")


def test_a_duty_missed_by_the_company_before_is_not_the_newcomers(book):
    assert step(scores(G), duties=[MISSED | {"unit_id": "oak-best"}], book=book) == ("none", "nothing_due")


def test_the_first_hazard_overdue_calls_for_a_reminder(book):
    assert step(scores(G), duties=[OVERDUE], book=book) == ("attention", "hazard_overdue")


def test_the_score_is_named_before_a_duty(book):
    assert step(scores(F), duties=[MISSED, OVERDUE], book=book) == ("attention", "failing")


def test_nothing_rests_on_a_unit_that_is_not_rated(book):
    assert step(scores(F, None), duties=[MISSED], book=book) == ("none", "not_rated")


def test_nothing_is_due_on_a_provisional_score_however_low(book):
    low = scores(F, F, F, F, state="provisional", cap_reason="fatal_fire", cap=30.0)
    weak = measured(hazards_fixed_in_time=10.0, escape_routes_clear=10.0)
    got = step(low, metrics=weak, duties=[MISSED, OVERDUE], book=book)
    assert got == ("none", "provisional")
    assert step(scores(E, E, E, E, state="provisional"), book=book) == ("none", "provisional")


def test_a_provisional_quarter_ends_a_run(book):
    broken = [*scores(A, period="2026Q1", state="provisional"), *scores(A)]
    assert step(broken, book=book) == ("none", "nothing_due")  # one low quarter, where two in a row would call for it
    assert step(scores(A, A), book=book) == ("attention", "low_quarters")


def test_a_reminder_that_stands_is_not_repeated(book):
    assert step(scores(G, F), sanctions=[sanction("attention", date(2026, 5, 1))], book=book) == ("none", "step_stands")


def test_a_clean_quarter_ends_a_reminder(book):
    # reminded on 1 November 2025; 2026Q1 began after it and was good; 2026Q2 fails: a fresh reminder
    reminded = sanction("attention", date(2025, 11, 1))
    assert step(scores(F, G, F), sanctions=[reminded], book=book) == ("attention", "failing")


def test_a_reminder_given_within_the_clean_quarter_is_not_ended_by_it(book):
    reminded = sanction("attention", date(2026, 1, 1))
    assert step(scores(F, G, F), sanctions=[reminded], book=book) == ("none", "step_stands")


def test_an_overturned_reminder_never_was(book):
    reminded = sanction("attention", date(2026, 5, 1), status="overturned")
    assert step(scores(F), sanctions=[reminded], book=book) == ("attention", "failing")


@pytest.mark.parametrize(
    ("decided_on", "due_now"),
    [(date(2025, 6, 30), ("attention", "failing")), (date(2025, 7, 1), ("none", "step_stands"))],
)
def test_a_reminder_without_an_end_stands_for_twelve_months(book, decided_on, due_now):
    # the period's last day is 30 June 2026: 12 months from 30 June 2025 end that day, from 1 July 2025 the day after
    assert step(scores(F), sanctions=[sanction("attention", decided_on)], book=book) == due_now


def test_a_step_answered_after_the_period_is_not_due_again_and_carries_none_higher(book):
    # three failing quarters; the reminder was given in July, after the period: no second step from one period
    reminded = sanction("attention", date(2026, 7, 10))
    assert step(scores(F, F, F), metrics=TWO_KINDS, sanctions=[reminded], book=book) == ("none", "step_stands")


# listing


def test_three_failing_quarters_with_a_reminder_standing_call_for_listing(book):
    found = step(scores(F, F, F), metrics=TWO_KINDS, sanctions=[REMINDED], book=book)
    assert found == ("listing", "failing_quarters")


def test_two_failing_quarters_do_not(book):
    assert step(scores(G, F, F), metrics=TWO_KINDS, sanctions=[sanction("attention", date(2026, 4, 9))], book=book) == (
        "none", "step_stands",
    )  # fmt: skip


def test_without_a_reminder_on_record_three_failing_quarters_call_for_the_reminder(book):
    assert step(scores(F, F, F), metrics=TWO_KINDS, book=book) == ("attention", "failing")


def test_an_unrated_quarter_breaks_three_failing_quarters(book):
    found = step(scores(F, F, None, F), metrics=TWO_KINDS, sanctions=[REMINDED], book=book)
    assert found == ("none", "step_stands")


def test_one_kind_of_evidence_is_not_enough_for_listing(book):
    one = measured(hazards_fixed_in_time=40.0, escape_routes_clear=60.0)  # 60 is not below 60
    assert step(scores(F, F, F), metrics=one, sanctions=[REMINDED], book=book) == ("none", "step_stands")


def test_one_low_subindex_and_an_unmet_duty_of_another_are_two_kinds(book):
    one = measured(hazards_fixed_in_time=40.0, escape_routes_clear=80.0)
    found = step(scores(F, F, F), metrics=one, duties=[MISSED], sanctions=[REMINDED], book=book)
    assert found == ("listing", "failing_quarters")


def test_a_low_subindex_and_its_own_overdue_hazard_are_one_kind(book):
    one = measured(hazards_fixed_in_time=40.0)
    found = step(scores(F, F, F), metrics=one, duties=[OVERDUE], sanctions=[REMINDED], book=book)
    assert found == ("none", "step_stands")


def test_two_unmet_duties_without_a_low_subindex_are_not_enough(book):
    fine = measured(hazards_fixed_in_time=80.0)
    found = step(scores(F, F, F), metrics=fine, duties=[MISSED, OVERDUE], sanctions=[REMINDED], book=book)
    assert found == ("none", "step_stands")


def test_outcomes_and_callers_answers_never_make_a_kind(book):
    # fire: routes 70 alone is not below 60, though with fires at 10 it would be (70 + 10) / 2 = 40
    # residents: closed in time 65, though with solved at 5 it would be 35; rectification 40 is the one kind
    rows = measured(
        hazards_fixed_in_time=40.0, escape_routes_clear=70.0, fires_per_1000_homes=10.0, complaints_solved=5.0,
        complaints_closed_in_time=65.0,
    )  # fmt: skip
    assert step(scores(F, F, F), metrics=rows, sanctions=[REMINDED], book=book) == ("none", "step_stands")


def test_a_metric_without_a_record_of_the_units_own_makes_no_kind(book):
    borrowed = measured(escape_routes_clear=20.0)[0] | {"state": "not_collected", "records": 0}
    rows = [*measured(hazards_fixed_in_time=40.0), borrowed]
    assert step(scores(F, F, F), metrics=rows, sanctions=[REMINDED], book=book) == ("none", "step_stands")


def test_a_notice_overdue_opens_listing_beside_a_low_subindex_of_another_kind(book):
    notice = duty("overdue_notice", "security_notices_met", "security")
    found = step(
        scores(G), metrics=measured(hazards_fixed_in_time=40.0), duties=[notice], sanctions=[REMINDED], book=book
    )
    # a good quarter after the reminder ended it, so the reminder is not on record; nothing opens
    assert found == ("none", "nothing_due")
    given = sanction("attention", date(2026, 4, 20))
    found = step(scores(G), metrics=measured(hazards_fixed_in_time=40.0), duties=[notice], sanctions=[given], book=book)
    assert found == ("listing", "notice_overdue")


def test_a_major_hazard_past_its_date_opens_listing_without_the_step_below(book):
    assert step(scores(G), duties=[MAJOR, OVERDUE], book=book) == ("listing", "major_hazard_overdue")


def test_a_listed_estate_is_not_listed_again(book):
    assert step(scores(G), duties=[MAJOR, OVERDUE], sanctions=[LISTED], book=book) == ("none", "step_stands")


def test_an_estate_taken_off_the_list_may_be_listed_again(book):
    rows = [LISTED | {"repaired_on": date(2026, 3, 1)}, sanction("attention", date(2026, 4, 9))]
    found = step(scores(F, F, F), metrics=TWO_KINDS, sanctions=rows, book=book)
    assert found == ("listing", "failing_quarters")


# interview


def test_four_failing_quarters_with_a_listing_standing_call_for_an_interview(book):
    found = step(scores(F, F, F, F), metrics=TWO_KINDS, sanctions=[LISTED], book=book)
    assert found == ("interview", "failing_long")


def test_four_failing_quarters_with_only_a_reminder_standing_call_for_listing(book):
    found = step(scores(F, F, F, F), metrics=TWO_KINDS, sanctions=[REMINDED], book=book)
    assert found == ("listing", "failing_quarters")


def test_a_failing_half_year_with_a_listing_standing_calls_for_an_interview(book):
    # January to June 2026 both failing
    found = step(scores(G, F, F), metrics=TWO_KINDS, sanctions=[LISTED], book=book)
    assert found == ("interview", "failing_half_year")


def test_two_failing_quarters_across_two_half_years_are_no_failing_half_year(book):
    # 2026Q2 and 2026Q3 fail; January to June does not, for its first quarter was good
    rows = scores(G, F, F, period="2026Q3")
    found = step(rows, metrics=measured("2026Q3", hazards_fixed_in_time=40.0, escape_routes_clear=50.0),
                 sanctions=[LISTED], book=book, period="2026Q3")  # fmt: skip
    assert found == ("none", "step_stands")


@pytest.mark.parametrize(
    ("stands_until", "due_now"),
    [(date(2026, 6, 30), ("interview", "listing_past_due")), (date(2026, 7, 1), ("none", "step_stands"))],
)
def test_a_listing_past_its_date_calls_for_an_interview(book, stands_until, due_now):
    # the end is exclusive: until 30 June means past due on 30 June, the period's last day
    listed = LISTED | {"stands_until": stands_until}
    found = step(scores(G, F), metrics=TWO_KINDS, sanctions=[listed], book=book)
    assert found == due_now


def test_a_listing_met_before_its_date_is_not_past_due(book):
    listed = LISTED | {"stands_until": date(2026, 6, 30), "repaired_on": date(2026, 6, 1)}
    assert step(scores(G, F), metrics=TWO_KINDS, sanctions=[listed], book=book) == ("attention", "failing")


def test_a_confirmed_fatal_fire_opens_the_interview_without_the_steps_below(book):
    rows = scores(G, F, cap=59.0, cap_reason="fatal_fire")
    assert step(rows, metrics=TWO_KINDS, book=book) == ("interview", "grave_finding")


def test_falsified_records_free_a_step_but_open_none(book):
    falsified = {"cap": 59.0, "cap_reason": "records_falsified,routes_blocked"}
    assert step(scores(G, F, **falsified), metrics=TWO_KINDS, book=book) == ("attention", "failing")
    assert step(scores(F, F, F, **falsified), metrics=TWO_KINDS, book=book)[0] == "interview"  # January to June fails


# objection, change of hands, estates without a company


def test_a_step_under_appeal_carries_none_higher_and_is_not_repeated(book):
    appealed = REMINDED | {"status": "appealed"}
    found = step(scores(F, F, F), metrics=TWO_KINDS, sanctions=[appealed], book=book)
    assert found == ("none", "objection_open")


def test_a_new_company_starts_clean(book):
    # the failing quarters and the listing are those of `best`, whose spell ended; `acme` came with 2026Q2
    before = scores(F, F, F, period="2026Q1", unit_id="oak-best", company_id="best")
    listed = LISTED | {"company_id": "best"}
    found = step(before + scores(F), metrics=TWO_KINDS, sanctions=[listed], book=book)
    assert found == ("attention", "failing")


def test_a_company_that_left_is_not_decided_on_though_its_record_still_counts(book):
    gone = scores(F, F, unit_id="oak-best", company_id="best", current=False)
    assert decide(gone + scores(F), book=book)["party_id"].to_list() == ["oak-acme"]


def test_a_sanction_of_the_company_at_another_estate_is_not_oaks(book):
    found = step(scores(F), sanctions=[REMINDED | {"estate_id": "elm"}], book=book)
    assert found == ("attention", "failing")


def test_an_estate_nobody_manages_is_addressed_to_its_subdistrict(book):
    rows = scores(F, level="estate", unit_id="oak", estate_class="NP", company_id=None)
    found = decide(rows, book=book).row(0, named=True)
    assert (found["step"], found["party"], found["party_id"]) == ("attention", "estate", "oak")
    assert found["company_id"] is None


def test_an_estate_nobody_manages_is_never_listed(book):
    rows = scores(F, F, F, F, level="estate", unit_id="oak", estate_class="NP", company_id=None)
    reminded = REMINDED | {"company_id": None}
    metrics = [row | {"level": "estate", "unit_id": "oak"} for row in TWO_KINDS]
    assert step(rows, metrics=metrics, sanctions=[reminded], book=book) == ("none", "step_stands")


def test_a_managed_estate_has_one_row_only(book):
    both = scores(F) + scores(F, level="estate", unit_id="oak")
    assert decide(both, book=book)["party_id"].to_list() == ["oak-acme"]


# the office head


def heads(*bands, **given):
    return scores(*bands, level="head", unit_id="t1", head_id="h1", **given)


def head_steps(index, book, sanctions=(TALKED,), metrics=None):
    rows = metrics if metrics is not None else [m | {"level": "head", "unit_id": "t1"} for m in TWO_KINDS]
    found = decide(scores(F, F, F, F) + index, metrics=rows, sanctions=sanctions, book=book)
    return [(r["step"], r["reason"], r["head_id"]) for r in found.to_dicts() if r["party"] == "head"]


def test_two_failing_half_years_under_one_head_call_for_recommending_replacement(book):
    assert head_steps(heads(F, F, F, F), book) == [("replacement", "same_head_half_years", "h1")]


def test_a_head_who_came_after_the_first_of_the_four_quarters_is_not_answerable_for_it(book):
    before = scores(F, level="head", unit_id="t0", head_id="h0", period="2025Q3")
    assert head_steps(before + heads(F, F, F), book) == []


def test_one_head_with_two_contracts_in_a_row_is_the_same_head(book):
    # the first contract ended with 2025; its record still stands in the window of 2026Q1 and Q2, not current any more
    first = scores(F, F, level="head", unit_id="t0", head_id="h1", period="2025Q4")
    after = scores(F, F, level="head", unit_id="t0", head_id="h1", current=False)
    assert head_steps(first + after + heads(F, F), book) == [("replacement", "same_head_half_years", "h1")]


def test_replacement_needs_the_interview_on_record(book):
    assert head_steps(heads(F, F, F, F), book, sanctions=[LISTED]) == []


def test_replacement_needs_two_kinds_of_evidence(book):
    one = measured(level="head", unit_id="t1", hazards_fixed_in_time=40.0)
    assert head_steps(heads(F, F, F, F), book, metrics=one) == []


def test_a_replacement_recommended_already_is_not_recommended_again(book):
    asked = sanction("replacement", date(2026, 4, 1), party="head", head_id="h1", company_id=None)
    assert head_steps(heads(F, F, F, F), book, sanctions=[TALKED, asked]) == []


# commendation


def test_two_half_years_in_the_top_band_call_for_commendation(book):
    assert step(scores(E, E, E, E), book=book) == ("commendation", "top_half_years")


@pytest.mark.parametrize("bands", [(G, E, E, E), (None, E, E, E), (E, None, E, E), (E, E, E)])
def test_anything_less_does_not(book, bands):
    assert step(scores(*bands), book=book) == ("none", "nothing_due")


def test_a_cap_in_any_of_the_four_quarters_bars_commendation(book):
    rows = scores(E, E, E, E)
    rows[0] |= {"cap": 100.0, "cap_reason": "routes_blocked"}
    assert step(rows, book=book) == ("none", "nothing_due")


def test_a_duty_unmet_in_any_of_the_four_quarters_bars_commendation(book):
    assert step(scores(E, E, E, E), duties=[MISSED | {"period": "2025Q3"}], book=book) == ("none", "nothing_due")


def test_a_penalty_standing_bars_commendation(book):
    assert step(scores(E, E, E, E), sanctions=[sanction("penalty", date(2026, 1, 5))], book=book)[0] == "none"


@pytest.mark.parametrize(("listed_on", "found"), [(date(2025, 12, 29), "commendation"), (date(2026, 1, 1), "none")])
def test_a_listing_bars_honours_for_six_months_even_when_met(book, listed_on, found):
    # delisted the same day; 6 months end on 29 June and on 1 July, the period's last day is 30 June
    listed = sanction("listing", listed_on, repaired_on=listed_on)
    assert step(scores(E, E, E, E), sanctions=[listed], book=book)[0] == found


def test_a_company_in_the_top_band_for_two_half_years_is_due_for_commendation(book):
    found = decide(scores(G), companies=company(E, E, E, E), book=book)
    row = found.filter(party="company").row(0, named=True)
    assert (row["party_id"], row["step"], row["reason"]) == ("acme", "commendation", "company_top_half_years")


def test_an_unmet_duty_at_one_of_its_estates_bars_the_companys_commendation(book):
    found = decide(scores(G), companies=company(E, E, E, E), duties=[MISSED], book=book)
    assert found.filter(party="company").is_empty()


def test_a_company_with_a_quarter_below_the_top_band_is_not_due(book):
    assert decide(scores(G), companies=company(E, G, E, E), book=book).filter(party="company").is_empty()


def company(*bands):
    keep = ("period", "band", "state", "final")
    acme = {"party": "company", "party_id": "acme", "units": 3, "units_rated": 3, "households": 9}
    return [{k: row[k] for k in keep} | acme for row in scores(*bands)]


# rules and words


def test_the_rule_of_the_periods_last_day_decides(book, tmp_path):
    # from 1 July 2026 a reminder needs two failing quarters instead of one
    text = (tmp_path / "ladder.toml").read_text(encoding="utf-8")
    block = text[text.index("[[in_force]]") :]
    block = block.replace("= 2022-01-01", "= 2026-07-01").replace(
        "attention_failing         = 1", "attention_failing=2"
    )
    (tmp_path / "ladder.toml").write_text(f"{text}\n{block}", encoding="utf-8")
    changed = Book(tmp_path)
    before = decide(scores(G, F), book=changed).row(0, named=True)
    after = decide(scores(G, F, period="2026Q3"), book=changed, period="2026Q3").row(0, named=True)
    assert (before["step"], before["rule_from"]) == ("attention", date(2022, 1, 1))
    assert (after["step"], after["rule_from"]) == ("none", date(2026, 7, 1))


def test_every_row_names_its_law_and_there_is_no_penalty(book):
    rows = decide(scores(F, F, F, F), metrics=TWO_KINDS, sanctions=[LISTED], book=book)
    assert rows["basis"].to_list() == ["GDP 47; SZS 33"]
    assert "penalty" not in STEPS and "penalty" not in steps(book.on(date(2026, 6, 30), "ladder"))


def test_the_ladder_of_the_rulebook_names_metrics_that_exist():
    rule = Book().on(date(2026, 6, 30), "ladder")
    named = [*rule["missed_below"], *rule["hazard_metrics"].values()]
    assert [n for n in named if f"metrics/{n}" not in Book().files] == []


def test_every_reason_has_its_sentence_in_both_languages(book):
    params = {
        "period": "2026Q2", "score": 52.1, "failing": 3, "low": 2, "missed": ["yearly_evacuation_drill_held"],
        "overdue": 1, "major": 1, "notices": 1, "kinds": 2, "cap_reason": "fatal_fire,records_falsified",
        "past_due_on": "2026-05-01", "stands": "listing", "stands_since": "2026-01-10", "failing_halves": 2,
        "top_halves": 2, "p": 0.93, "top_p": 0.93, "robust": 0.9, "since": "2025Q2", "gain": 12.0, "gain_lo": 5.0,
        "gain_hi": 19.0, "improved_p": 0.99,
    }  # fmt: skip
    asked = {r for version in Book().file("ladder").versions for r in reasons(version)}
    for language in LANGUAGES:
        words = Words(language)
        said = {r: sentence(words, r, json.dumps(params)) for r in asked}
        assert all("{" not in s and s for s in said.values()), said


@pytest.mark.parametrize(("final", "shown"), [(59.96, 59.9), (90.1, 90.1), (64.61, 64.6), (60.0, 60.0)])
def test_a_score_is_cut_to_one_decimal_and_never_rounded_up_to_a_line(book, final, shown):
    row = decide(scores(A, final=final), book=book).row(0, named=True)
    assert json.loads(row["params"])["score"] == shown


def test_a_sentence_names_quarter_score_and_days():
    params = '{"period":"2026Q2","score":52.1,"stands":"listing","stands_since":"2026-01-10"}'
    assert sentence(Words("zh"), "nothing_due", params) == "2026年第2季度指数为 52.1 分，未达到任何措施的触发条件。"
    assert "“Supervised listing” of 10 January 2026 still stands" in sentence(Words("en"), "step_stands", params)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_has_name_and_meaning(language):
    words = Words(language)
    assert all(words.has(f"ladder.step.{s}.{part}") for s in STEPS for part in ("name", "meaning"))


def test_no_word_of_the_ladder_names_a_kind_of_penalty():
    for language in LANGUAGES:
        text = " ".join(v for k, v in table(language).items() if k.startswith(("ladder.", "due.")))
        for forbidden in ("警告", "通报批评", "warning", "public criticism"):
            assert forbidden not in text.lower()


def test_a_year_of_a_whole_district_is_decided_at_once(book):
    # 3,000 estates x 4 quarters: one call, a row each
    rows = [
        row | {"unit_id": f"u{i}", "estate_id": f"e{i}"} for i in range(3000) for row in scores(G, G, F if i % 3 else G)
    ]
    found = decide(rows, book=book)
    assert found.height == 3000
    assert found.filter(step="attention").height == 2000
