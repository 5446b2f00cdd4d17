"""Flags that last (method.md 10.2)."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest

from cases.persistence import alarmed, flags, newly_inspected, stages
from data.edition_tables import STAGES, IndexScore
from metrics.calendar import Quarter
from rules.book import Book
from tests.cases.ladder_town import frame

RULE = Book().on(date(2026, 9, 30), "ladder")


def walk(p, chosen=None, fresh=None, rose=None) -> list[str]:
    """Stages of one unit; selected where p >= .80 and inspected in every period unless said."""
    p = np.array([p], dtype=float)
    chosen = p >= 0.80 if chosen is None else np.array([chosen], dtype=bool)
    fresh = np.ones(p.shape, bool) if fresh is None else np.array([fresh], dtype=bool)
    rose = np.zeros(p.shape) if rose is None else np.array([rose], dtype=float)
    return [STAGES[s] for s in stages(p, chosen, fresh, rose, RULE)[0]]


def test_worked_example_t16_enters_after_two_periods_and_leaves_after_two():
    found = walk([0.85, 0.91, 0.70, 0.50, 0.19, 0.15])
    assert found == ["watch", "listing", "listing", "listing", "listing", "none"]


def test_one_period_alone_lists_nobody():
    assert walk([0.99, 0.40, 0.99, 0.40]) == ["watch", "none", "watch", "none"]


def test_without_a_new_inspection_between_nothing_is_listed():
    assert walk([0.99, 0.99, 0.99], fresh=[1, 0, 1]) == ["watch", "watch", "listing"]


def test_a_unit_sure_but_not_selected_is_only_watched():
    # the district's list is full of surer ones: false discoveries are bounded over the list, not unit by unit
    assert walk([0.85, 0.85], chosen=[0, 0]) == ["watch", "watch"]


def test_at_most_one_step_up_a_period():
    assert walk([0.99] * 6) == ["watch", "listing", "interview", "interview", "replacement", "replacement"]


def test_an_interview_needs_more_than_a_listing():
    assert walk([0.85, 0.85, 0.89, 0.90]) == ["watch", "listing", "listing", "interview"]


def test_a_replacement_needs_two_more_periods_in_a_row():
    # interview in the third; then .96, .94, .96: never two in a row at .95 or more
    assert walk([0.9, 0.9, 0.9, 0.96, 0.94, 0.96])[-1] == "interview"


def test_who_is_more_likely_better_than_two_periods_before_is_not_replaced():
    assert walk([0.99] * 5, rose=[0, 0, 0, 0, 0.5]) == ["watch", "listing", "interview", "interview", "interview"]


def test_one_good_period_is_not_enough_to_leave():
    assert walk([0.9, 0.85, 0.20, 0.21, 0.20, 0.20]) == ["watch", "listing", "listing", "listing", "listing", "none"]


def test_a_period_without_a_rating_neither_raises_nor_ends_a_stage():
    nan = np.nan
    assert walk([0.9, nan, 0.9, 0.9]) == ["watch", "none", "watch", "listing"]
    assert walk([0.9, 0.85, 0.1, nan, 0.1, 0.1]) == ["watch", "listing", "listing", "listing", "listing", "none"]


def score(unit_id: str, period: str, p: float, level: str = "tenure", **given) -> dict:
    return {
        "level": level, "unit_id": unit_id, "estate_id": "oak", "company_id": "acme", "head_id": None, "period": period,
        "estate_class": "HR", "households": 500, "score": 55.0, "final": 55.0, "sd": 3.0, "p_below": p, "p_above": 0.0,
        "state": "rated", "coverage": 1.0, "sources": 3, "records": 9, "current": True,
    } | given  # fmt: skip


def test_each_level_and_period_is_selected_by_itself_and_strangers_start_clean():
    rows = [
        score("a", "2026Q2", 0.95), score("a", "2026Q3", 0.95),
        score("b", "2026Q3", 0.95),  # another company's spell, new on the register
        score("c", "2026Q2", 0.95), score("c", "2026Q3", 0.95, state="provisional"),
    ]  # fmt: skip
    inspected = pl.DataFrame({"estate_id": ["oak", "oak"], "period": ["2026Q2", "2026Q3"]})
    found = flags(frame(IndexScore, rows), inspected, RULE, Quarter.parse("2026Q3"), 2)
    now = found.filter(pl.col("period") == "2026Q3").select("unit_id", "p_below", "selected", "stage")
    assert now.rows() == [("a", 0.95, True, "listing"), ("b", 0.95, True, "watch"), ("c", None, False, "none")]


def test_an_estate_whose_incidents_add_up_is_watched_now_whatever_its_score_says():
    rows = [score("a", q, 0.05) for q in ("2026Q2", "2026Q3")] + [
        score("b", q, 0.95, estate_id="elm") for q in ("2026Q2", "2026Q3")
    ]
    inspected = pl.DataFrame({"estate_id": ["elm"], "period": ["2026Q3"]})
    found = flags(frame(IndexScore, rows), inspected, RULE, Quarter.parse("2026Q3"), 2, ["oak", "elm"])
    # a: in the period of the alarm alone; b keeps the higher stage it has
    assert found.select("unit_id", "period", "stage").rows() == [
        ("a", "2026Q2", "none"), ("a", "2026Q3", "watch"), ("b", "2026Q2", "watch"), ("b", "2026Q3", "listing")
    ]  # fmt: skip


def test_alarms_are_those_of_estates_and_of_the_two_charts_alone():
    con = duckdb.connect()
    con.execute("CREATE TABLE checks (detector VARCHAR, level VARCHAR, unit_id VARCHAR)")
    con.execute(
        """INSERT INTO checks VALUES ('rising', 'estate', 'b'), ('matters_rising', 'estate', 'a'), ('rising', 'estate', 'b'),
           ('one_caller', 'estate', 'c'), ('rising', 'company', 'd')"""
    )
    assert alarmed(con, "main") == ["a", "b"]


def test_a_head_whose_contract_was_renewed_stays_the_same_person():
    head = {"level": "head", "head_id": "h1"}
    rows = [score("t1", "2026Q2", 0.95, **head), score("t2", "2026Q3", 0.95, **head)]
    inspected = pl.DataFrame({"estate_id": ["oak"], "period": ["2026Q3"]})
    found = flags(frame(IndexScore, rows), inspected, RULE, Quarter.parse("2026Q3"), 2)
    assert found.filter(pl.col("period") == "2026Q3")["stage"].to_list() == ["listing"]


def test_an_empty_district_has_no_flags():
    empty = frame(IndexScore, []).clear()
    inspected = pl.DataFrame(schema={"estate_id": pl.String, "period": pl.String})
    assert flags(empty, inspected, RULE, Quarter.parse("2026Q3"), 2).is_empty()


def test_only_routine_visits_of_an_authority_are_fresh_evidence():
    con = duckdb.connect()
    con.execute('CREATE TABLE inspections (estate_id VARCHAR, inspected_on DATE, kind VARCHAR, "trigger" VARCHAR)')
    con.execute(
        """INSERT INTO inspections VALUES ('a', '2026-07-01', 'joint', 'routine'), ('a', '2026-09-30', 'joint', 'routine'),
           ('b', '2026-07-01', 'self_check', 'routine'), ('c', '2026-06-30', 'joint', 'complaint')"""
    )
    assert newly_inspected(con).rows() == [("a", "2026Q3")]


@pytest.mark.parametrize("level", ["estate", "tenure", "head"])
def test_the_chance_of_a_rise_is_against_two_quarters_before(level):
    # 61 against 55, both sd 3: z = 6 / sqrt(18) = 1.41421, normal cdf .921350; no quarter lies two before the first two
    head = {"level": level, "head_id": "h1"}
    rows = [
        score("t", q, 0.5, **head, **{"score": s}) for q, s in (("2026Q1", 55.0), ("2026Q2", 50.0), ("2026Q3", 61.0))
    ]
    inspected = pl.DataFrame(schema={"estate_id": pl.String, "period": pl.String})
    found = flags(frame(IndexScore, rows), inspected, RULE, Quarter.parse("2026Q3"), 3)
    assert found["rose"].to_list()[:2] == [None, None]
    assert found["rose"][2] == pytest.approx(0.921350, abs=1e-6)
