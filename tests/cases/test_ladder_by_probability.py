"""The ladder where it reads probability, persistence and fresh evidence (rules/ladder.toml from 2026-07-01)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from rules.book import Book
from tests.cases.ladder_town import decide, duty, measured, sanction, scores, small_book, step

PERIOD = "2026Q3"
UNIT, HEAD = ("tenure", "oak-acme"), ("head", "t1")
TWO_KINDS = measured(PERIOD, hazards_fixed_in_time=40.0, escape_routes_clear=50.0)
ONE_KIND = measured(PERIOD, hazards_fixed_in_time=40.0)
REMINDED = sanction("attention", date(2026, 5, 10))
LISTED = sanction("listing", date(2026, 6, 10))
TALKED = sanction("interview", date(2026, 6, 20))
# weights of 1: each metric is its whole sub-index
TOP = [m | {"weight": 1.0} for m in measured(PERIOD, hazards_fixed_in_time=90.0, guards_certified=70.0)]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return small_book(tmp_path, "probability")


def flag(stage="none", p=0.93, selected=True, unit=UNIT, **given) -> dict:
    row = {"level": unit[0], "unit_id": unit[1], "period": PERIOD, "p_below": p, "p_above": 0.0, "selected": selected}
    return row | {"selected_top": False, "fresh": True, "rose": None, "stage": stage} | given


def now(stage="none", band="failing", book=None, metrics=TWO_KINDS, sanctions=(), robust=None, **given):
    rows = scores(band, period=PERIOD)
    return step(rows, metrics=metrics, sanctions=sanctions, book=book, period=PERIOD, flags=[flag(stage, **given)],
                robust=robust)  # fmt: skip


def test_a_score_below_the_line_alone_calls_for_nothing(book):
    # four failing quarters in a row; but the chance of that is .40 and nobody selected it
    rows = scores("failing", "failing", "failing", "failing", period=PERIOD)
    found = step(rows, metrics=TWO_KINDS, book=book, period=PERIOD, flags=[flag("none", p=0.40, selected=False)])
    assert found == ("none", "nothing_due")


def test_a_selected_unit_is_reminded(book):
    assert now("watch", book=book) == ("attention", "surely_failing")


def test_a_unit_watched_for_its_incidents_alone_is_told_so(book):
    assert now("watch", p=0.05, selected=False, book=book) == ("none", "watched_rising")
    assert now("watch", p=0.49, selected=False, book=book) == ("none", "watched_rising")
    assert now("watch", p=0.50, selected=False, book=book) == ("none", "watched")


def test_a_watched_unit_that_is_not_selected_stays_inside_the_office(book):
    assert now("watch", p=0.60, selected=False, book=book) == ("none", "watched")


def test_after_two_periods_and_a_reminder_a_listing_is_due(book):
    assert now("listing", sanctions=[REMINDED], book=book) == ("listing", "surely_failing_again")


def test_without_the_reminder_on_record_only_the_reminder_is_due(book):
    assert now("listing", book=book) == ("attention", "surely_failing")


def test_a_stage_that_outlasts_its_chance_opens_no_new_step(book):
    assert now("listing", p=0.50, selected=False, sanctions=[REMINDED], book=book) == ("none", "watched")


def test_one_kind_of_evidence_lists_nobody_however_sure(book):
    assert now("listing", sanctions=[REMINDED], metrics=ONE_KIND, p=0.99, book=book) == ("none", "step_stands")


def test_an_interview_needs_most_variants_of_the_method_to_agree(book):
    stands = {"sanctions": [REMINDED, LISTED], "book": book}
    assert now("interview", robust={UNIT: 0.80}, **stands) == ("interview", "surely_failing_long")
    assert now("interview", robust={UNIT: 0.79}, **stands) == ("none", "step_stands")
    assert now("interview", robust=None, **stands) == ("none", "step_stands")


def test_a_listing_asks_for_no_robust_share(book):
    assert now("interview", sanctions=[REMINDED], book=book) == ("listing", "surely_failing_again")


def test_facts_ground_a_step_whatever_the_probability(book):
    missed = duty("missed", "yearly_evacuation_drill_held", "drills", period=PERIOD)
    rows = scores("good", period=PERIOD)
    found = decide(rows, duties=[missed], book=book, period=PERIOD, flags=[flag("none", p=0.01, selected=False)])
    row = found.row(0, named=True)
    assert (row["step"], row["reason"], row["p"]) == ("attention", "duty_missed", None)


def test_a_row_carries_the_probability_it_rests_on(book):
    rows = scores("failing", period=PERIOD)
    found = decide(rows, metrics=TWO_KINDS, book=book, period=PERIOD, flags=[flag("watch", p=0.93)])
    row = found.row(0, named=True)
    assert row["p"] == 0.93 and json.loads(row["params"])["p"] == 0.93
    assert row["rule_from"] == date(2026, 7, 1)


def replaced(book, robust=0.9, stage="replacement", sanctions=(TALKED,)):
    both = scores("failing", period=PERIOD) + scores("failing", period=PERIOD, level="head", unit_id="t1", head_id="h1")
    kinds = measured(PERIOD, "head", "t1", hazards_fixed_in_time=40.0, escape_routes_clear=50.0)
    found = decide(both, metrics=kinds, sanctions=sanctions, book=book, period=PERIOD,
                   flags=[flag(), flag(stage, unit=HEAD)], robust={HEAD: robust})  # fmt: skip
    return [(r["step"], r["reason"], r["head_id"]) for r in found.to_dicts() if r["party"] == "head"]


def test_a_head_is_recommended_for_replacement_on_the_stage_the_record_and_robustness(book):
    assert replaced(book) == [("replacement", "surely_failing_head", "h1")]
    assert replaced(book, robust=0.7) == []
    assert replaced(book, stage="interview") == []
    assert replaced(book, sanctions=[LISTED]) == []


def top(book, **given):
    flags = [flag("none", p=0.0, selected=False, p_above=0.95, selected_top=True)]
    rows = scores("excellent", period=PERIOD, **given.pop("score", {}))
    return step(rows, **({"metrics": TOP} | given), book=book, period=PERIOD, flags=flags)


def test_a_unit_surely_in_the_top_band_is_due_for_commendation(book):
    assert top(book) == ("commendation", "surely_top")


def test_no_commendation_with_a_weak_subindex_a_cap_or_a_duty_unmet(book):
    weak = [m | {"points": min(m["points"], 69.9)} for m in TOP]
    assert top(book, metrics=weak) == ("none", "nothing_due")
    assert top(book, score={"cap": 59.0}) == ("none", "nothing_due")
    missed = duty("missed", "yearly_evacuation_drill_held", "drills", period="2026Q1")
    assert top(book, duties=[missed]) == ("none", "nothing_due")


def company(party_id: str, final: float, sd: float) -> dict:
    return {
        "party": "company", "party_id": party_id, "period": PERIOD, "final": final, "sd": sd, "state": "rated",
        "band": "excellent", "units": 3, "units_rated": 3, "households": 900,
    }  # fmt: skip


def test_a_company_is_commended_where_it_is_surely_in_the_top_band(book):
    # (90 - 85) / 3 = 1.667: .9522; (86 - 85) / 3 = .333: .6306, below the gate of .80
    rows = scores("good", period=PERIOD)
    given = {"companies": [company("acme", 90.0, 3.0), company("best", 86.0, 3.0)], "book": book, "period": PERIOD}
    found = [r for r in decide(rows, **given).to_dicts() if r["party"] == "company"]
    assert [(r["party_id"], r["reason"]) for r in found] == [("acme", "company_surely_top")]
    assert found[0]["p"] == pytest.approx(0.9522, abs=1e-4)
