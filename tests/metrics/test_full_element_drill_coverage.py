"""Tests of full_element_drill_coverage. Estate ``oak`` has four high-rise blocks, ``elm`` none."""

from datetime import date

import polars as pl
import pytest

from tests.metrics.books import amended_book
from tests.metrics.conftest import OAK

NAME = "full_element_drill_coverage"
DRILL = {"drill_id": "d1", "estate_id": "oak", "held_on": date(2025, 6, 1), "kind": "full_element", "place": "1-3",
         "blocks_drilled": 3, "verification": "verified"}  # fmt: skip

#: Drills are on record since 2016, so that a missing one is not merely one not delivered.
LONG_AGO = DRILL | {"drill_id": "d0", "estate_id": "elm", "held_on": date(2016, 1, 1)}


def held(*drills):
    return {"fire_drills": [LONG_AGO, *drills]}


def found(got, period="2026Q1"):
    return got.evidence.filter(pl.col("estate_id") == "oak", pl.col("period") == period)


def row(got, period="2026Q1"):
    return found(got, period).row(0, named=True)


def test_coverage_is_blocks_drilled_of_high_rise_blocks(measure):
    got = row(measure(NAME, held(DRILL)))
    assert (got["numerator"], got["denominator"], got["record_id"]) == (3, 4, "d1")


def test_the_twelve_months_begin_on_their_first_day_and_end_on_the_quarters_last(measure):
    days = {date(2025, 3, 31): 0, date(2025, 4, 1): 3, date(2026, 3, 31): 3, date(2026, 4, 1): 0}
    got = {day: row(measure(NAME, held(DRILL | {"held_on": day})))["numerator"] for day in days}
    assert got == days


def test_more_drills_than_blocks_count_no_more_than_all_blocks(measure):
    # 3 + 3 blocks, of 4
    got = row(measure(NAME, held(DRILL, DRILL | {"drill_id": "d2", "place": "2-4"})))
    assert (got["numerator"], got["denominator"]) == (4, 4)


def test_a_drill_entered_twice_counts_once(measure):
    one = DRILL | {"blocks_drilled": 1}
    got = row(measure(NAME, held(one, one | {"drill_id": "d2"})))
    assert got["numerator"] == 1
    other_day = row(measure(NAME, held(one, one | {"drill_id": "d2", "held_on": date(2025, 6, 2)})))
    assert other_day["numerator"] == 2


def test_a_drill_that_names_no_blocks_counts_as_one_block(measure):
    assert row(measure(NAME, held(DRILL | {"blocks_drilled": None})))["numerator"] == 1


@pytest.mark.parametrize("verification, blocks", [("verified", 3), ("unverified", 1.5), ("rejected", 0)])
def test_unverified_blocks_count_half_and_rejected_ones_nothing(measure, verification, blocks):
    assert row(measure(NAME, held(DRILL | {"verification": verification})))["numerator"] == blocks


@pytest.mark.parametrize("kind", ["evacuation", "firefighting", "tabletop"])
def test_other_kinds_of_drill_are_no_full_element_drill(measure, kind):
    assert row(measure(NAME, held(DRILL | {"kind": kind})))["numerator"] == 0


def test_estates_without_a_high_rise_block_are_left_out(measure):
    got = measure(NAME, held(DRILL | {"estate_id": "elm"}))
    assert got.value("elm") is None
    unknown = measure(NAME, {"estates": [OAK | {"highrise_blocks": None}], **held(DRILL)})
    assert unknown.value("oak") is None


def test_no_drill_at_all_is_a_duty_not_done(measure):
    assert measure(NAME, held()).value("oak") == 0


def test_the_duty_begins_a_year_after_the_high_rise_rules_came_into_force(measure):
    # in force 2021-08-01, first due 2022-08-01: asked at the end of 2022Q3, not of 2022Q2
    got = measure(NAME, held())
    assert found(got, "2022Q2").is_empty()
    assert row(got, "2022Q3")["denominator"] == 4


@pytest.mark.parametrize("day, asked", [(date(2026, 3, 31), 8), (date(2026, 4, 1), 4)])
def test_a_second_drill_a_year_is_asked_from_the_quarter_that_ends_under_the_new_rule(measure, tmp_path, day, asked):
    book = amended_book(tmp_path, NAME, day, drills_per_year=2)
    assert row(measure(NAME, held(), book=book))["denominator"] == asked


def test_unverified_drills_count_by_the_rule_of_the_day_they_were_held(measure, tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), unverified_counts=0.25)
    drill = DRILL | {"verification": "unverified", "blocks_drilled": 4}
    before = row(measure(NAME, held(drill | {"held_on": date(2026, 2, 14)}), book=book))
    since = row(measure(NAME, held(drill | {"held_on": date(2026, 2, 15)}), book=book))
    assert (before["numerator"], since["numerator"]) == (2, 1)


def test_a_newcomer_answers_for_no_more_blocks_than_it_drilled(measure):
    came = {"tenure_id": "t1", "estate_id": "oak", "company_id": "acme"}
    new = {"tenures": [came | {"valid_from": date(2025, 4, 2)}]} | held()
    got = row(measure(NAME, new | held(DRILL)))
    assert (got["numerator"], got["denominator"]) == (3, 3)
    assert found(measure(NAME, new)).is_empty()
    settled = row(measure(NAME, {"tenures": [came | {"valid_from": date(2025, 4, 1)}], **held(DRILL)}))
    assert (settled["numerator"], settled["denominator"]) == (3, 4)
