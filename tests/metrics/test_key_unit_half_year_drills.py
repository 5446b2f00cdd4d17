"""Tests of key_unit_half_year_drills. Estate ``oak`` is a key fire unit, ``elm`` is not."""

from datetime import date

import polars as pl
import pytest

from metrics.key_unit_half_year_drills import METRIC
from tests.metrics.books import amended_book, book_starting
from tests.metrics.conftest import OAK

NAME = "key_unit_half_year_drills"
RECENT = {"drill_id": "d2", "estate_id": "oak", "held_on": date(2025, 11, 1), "kind": "firefighting",
          "verification": "verified"}  # fmt: skip
EARLIER = RECENT | {"drill_id": "d1", "held_on": date(2025, 6, 1)}

#: Drills are on record since 2016, so that a missing one is not merely one not delivered.
LONG_AGO = RECENT | {"drill_id": "d0", "estate_id": "elm", "held_on": date(2016, 1, 1)}


def held(*drills):
    return {"fire_drills": [LONG_AGO, *drills]}


def found(got, period="2026Q1"):
    return got.evidence.filter(pl.col("estate_id") == "oak", pl.col("period") == period)


def row(got, period="2026Q1"):
    return found(got, period).row(0, named=True)


def test_a_drill_in_each_half_is_the_whole_duty(measure):
    got = row(measure(NAME, held(EARLIER, RECENT)))
    assert (got["numerator"], got["denominator"], got["record_id"]) == (2, 2, "d2")


def test_two_drills_in_one_half_are_half_the_duty(measure):
    # the last six months to 31 March 2026 begin on 1 October 2025
    both_recent = [RECENT | {"drill_id": "d1", "held_on": date(2025, 10, 1)}, RECENT]
    assert row(measure(NAME, held(*both_recent)))["numerator"] == 1
    one_each = [RECENT | {"drill_id": "d1", "held_on": date(2025, 9, 30)}, RECENT]
    assert row(measure(NAME, held(*one_each)))["numerator"] == 2


def test_the_year_ends_are_half_open(measure):
    days = {date(2025, 3, 31): 0, date(2025, 4, 1): 1, date(2026, 3, 31): 1, date(2026, 4, 1): 0}
    got = {day: row(measure(NAME, held(RECENT | {"held_on": day})))["numerator"] for day in days}
    assert got == days


@pytest.mark.parametrize("verification, done", [("verified", 1), ("unverified", 0.5), ("rejected", 0)])
def test_an_unverified_drill_counts_half_and_a_rejected_one_nothing(measure, verification, done):
    got = row(measure(NAME, held(RECENT | {"verification": verification})))
    assert (got["numerator"], got["denominator"]) == (done, 2)


def test_a_table_top_exercise_is_no_drill(measure):
    got = row(measure(NAME, held(RECENT | {"kind": "tabletop"})))
    assert (got["numerator"], got["record_id"]) == (0, "oak/2026Q1")


def test_no_drill_at_all_is_a_duty_not_done_and_other_estates_are_left_out(measure):
    got = measure(NAME, held())
    assert got.value("oak") == 0
    assert got.value("elm") is None
    assert METRIC.applies is not None


def test_an_estate_not_known_to_be_a_key_unit_is_left_out(measure):
    assert measure(NAME, {"estates": [OAK | {"key_fire_unit": None}], **held()}).evidence.is_empty()


def test_unverified_drills_count_by_the_rule_of_the_day_they_were_held(measure, tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), unverified_counts=0.25)
    drill = RECENT | {"verification": "unverified"}
    before = row(measure(NAME, held(drill | {"held_on": date(2026, 2, 14)}), book=book))
    since = row(measure(NAME, held(drill | {"held_on": date(2026, 2, 15)}), book=book))
    assert (before["numerator"], since["numerator"]) == (0.5, 0.25)


def test_the_duty_is_asked_from_the_quarter_that_ends_under_the_rule(measure, tmp_path):
    assert found(measure(NAME, held(), book=book_starting(tmp_path / "a", NAME, date(2026, 3, 31)))).height == 1
    assert found(measure(NAME, held(), book=book_starting(tmp_path / "b", NAME, date(2026, 4, 1)))).is_empty()


def since(day):
    return {"tenures": [{"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": day}]} | held()


def test_a_company_answers_for_the_halves_it_was_there_for(measure):
    whole_year = row(measure(NAME, since(date(2025, 4, 1))))
    assert (whole_year["numerator"], whole_year["denominator"]) == (0, 2)
    last_half = row(measure(NAME, since(date(2025, 10, 1))))
    assert (last_half["numerator"], last_half["denominator"]) == (0, 1)
    assert found(measure(NAME, since(date(2025, 10, 2)))).is_empty()


def test_a_newcomers_own_drill_counts_in_a_half_it_came_into(measure):
    got = row(measure(NAME, since(date(2025, 10, 2)) | held(RECENT, EARLIER)))
    # its own drill of November counts; the one of June is its predecessor's
    assert (got["numerator"], got["denominator"], got["record_id"]) == (1, 1, "d2")
