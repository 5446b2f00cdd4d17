"""Tests of yearly_evacuation_drill_held."""

from datetime import date

import polars as pl
import pytest

from metrics.yearly_evacuation_drill_held import METRIC
from tests.metrics.books import amended_book
from tests.metrics.conftest import ELM, OAK

NAME = "yearly_evacuation_drill_held"
DRILL = {"drill_id": "d1", "estate_id": "oak", "held_on": date(2025, 6, 1), "kind": "evacuation", "residents": 80,
         "verification": "verified"}  # fmt: skip

#: Drills are on record since 2016, so that a missing one is not merely one not delivered.
LONG_AGO = DRILL | {"drill_id": "d0", "estate_id": "elm", "held_on": date(2016, 1, 1)}


def held(*drills):
    return {"fire_drills": [LONG_AGO, *drills]}


def row(got, estate="oak", period="2026Q1"):
    """The one evidence row of an estate and quarter."""
    return got.evidence.filter(pl.col("estate_id") == estate, pl.col("period") == period).row(0, named=True)


def rows(got, estate="oak", period="2026Q1"):
    return got.evidence.filter(pl.col("estate_id") == estate, pl.col("period") == period).height


def test_a_drill_counts_from_the_first_day_of_the_twelve_months_and_not_from_the_day_before(measure):
    # twelve months to 31 March 2026 begin on 1 April 2025
    inside = measure(NAME, held(DRILL | {"held_on": date(2025, 4, 1)}))
    assert row(inside)["numerator"] == 1
    assert row(inside)["record_id"] == "d1"
    outside = measure(NAME, held(DRILL | {"held_on": date(2025, 3, 31)}))
    assert row(outside)["numerator"] == 0
    assert row(outside)["record_id"] == "oak/2026Q1"


def test_a_drill_counts_up_to_the_quarters_last_day_and_not_on_the_next(measure):
    inside = measure(NAME, held(DRILL | {"held_on": date(2026, 3, 31)}))
    assert row(inside)["numerator"] == 1
    after = measure(NAME, held(DRILL | {"held_on": date(2026, 4, 1)}))
    assert row(after)["numerator"] == 0


def test_the_year_before_counts_beside_this_one(measure):
    # 2026Q1: held on 2025-06-01, done; 2025Q1: nothing in the twelve months before: 1 of 2
    got = measure(NAME, held(DRILL))
    assert got.value("oak") == pytest.approx(0.5)
    assert got.value("t-oak", "tenure") == pytest.approx(0.5)


def test_no_drill_at_all_is_a_duty_not_done_at_every_estate(measure):
    got = measure(NAME, held())
    assert got.value("oak") == 0
    assert got.value("elm") == 0


@pytest.mark.parametrize("kind, done", [("evacuation", 1), ("full_element", 1), ("firefighting", 0), ("tabletop", 0)])
def test_only_drills_in_which_people_walk_out_count(measure, kind, done):
    assert row(measure(NAME, held(DRILL | {"kind": kind})))["numerator"] == done


@pytest.mark.parametrize("verification, done", [("verified", 1), ("unverified", 0.5), ("rejected", 0)])
def test_an_unverified_drill_counts_half_and_a_rejected_one_nothing(measure, verification, done):
    got = row(measure(NAME, held(DRILL | {"verification": verification})))
    assert got["numerator"] == done
    assert got["record_id"] == ("d1" if done else "oak/2026Q1")


def test_of_several_drills_the_best_counts_once_and_of_equals_the_latest_is_named(measure):
    drills = [
        DRILL,
        DRILL | {"drill_id": "d2", "held_on": date(2025, 9, 1)},
        DRILL | {"drill_id": "d3", "held_on": date(2026, 1, 5), "verification": "unverified"},
    ]
    got = row(measure(NAME, held(*drills)))
    assert (got["numerator"], got["denominator"], got["record_id"]) == (1, 1, "d2")


def test_residents_are_asked_for_from_the_day_the_high_rise_rules_came_into_force(measure):
    # residents_min is 0 until 31 July 2021 and 1 from 1 August 2021
    before = DRILL | {"held_on": date(2021, 7, 31), "residents": 0}
    assert row(measure(NAME, held(before)), period="2021Q3")["numerator"] == 1
    since = before | {"held_on": date(2021, 8, 1)}
    assert row(measure(NAME, held(since)), period="2021Q3")["numerator"] == 0
    one_resident = since | {"residents": 1}
    assert row(measure(NAME, held(one_resident)), period="2021Q3")["numerator"] == 1


def test_unknown_residents_do_not_count_as_residents(measure):
    assert row(measure(NAME, held(DRILL | {"residents": None})))["numerator"] == 0


def test_a_changed_part_for_unverified_drills_holds_from_its_own_day(measure, tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), unverified_counts=0.25)
    unverified = DRILL | {"verification": "unverified"}
    before = measure(NAME, held(unverified | {"held_on": date(2026, 2, 14)}), book=book)
    assert row(before)["numerator"] == 0.5
    since = measure(NAME, held(unverified | {"held_on": date(2026, 2, 15)}), book=book)
    assert row(since)["numerator"] == 0.25


def tenure(start, **more):
    return {"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": start} | more


def test_a_company_answers_for_a_missed_drill_only_once_it_was_there_for_twelve_months(measure):
    whole = measure(NAME, {"estates": [OAK], "tenures": [tenure(date(2025, 4, 1))], **held()})
    assert row(whole)["numerator"] == 0
    short = measure(NAME, {"estates": [OAK], "tenures": [tenure(date(2025, 4, 2))], **held()})
    assert rows(short) == 0


def test_a_newcomer_is_credited_with_its_own_drill_and_not_with_its_predecessors(measure):
    hands = [
        tenure(date(2015, 1, 1), valid_to=date(2025, 7, 1)),
        tenure(date(2025, 7, 1), tenure_id="t2", company_id="best"),
    ]
    own = measure(NAME, {"tenures": hands, **held(DRILL | {"held_on": date(2025, 7, 1)})})
    assert row(own)["numerator"] == 1
    assert row(own)["unit_id"] == "t2"
    predecessors = measure(NAME, {"tenures": hands, **held(DRILL | {"held_on": date(2025, 6, 30)})})
    assert rows(predecessors) == 0


def test_a_change_of_office_head_does_not_start_the_company_anew(measure):
    heads = [
        tenure(date(2015, 1, 1), valid_to=date(2025, 12, 1)),
        tenure(date(2025, 12, 1), tenure_id="t2", head_id="h9"),
    ]
    got = measure(NAME, {"tenures": heads, **held()})
    assert row(got)["numerator"] == 0
    assert (row(got)["unit_id"], row(got)["tenure_id"]) == ("t1", "t2")


def test_an_unmanaged_estate_still_shows_whether_a_drill_was_held(measure):
    got = measure(NAME, {"estates": [OAK, ELM], "tenures": [], **held(DRILL)})
    assert (row(got)["numerator"], row(got)["tenure_id"]) == (1, None)
    assert row(got, "elm")["numerator"] == 0


def test_a_drill_at_one_estate_does_nothing_for_another(measure):
    got = measure(NAME, held(DRILL))
    assert row(got, "elm")["numerator"] == 0


def test_it_applies_everywhere_and_is_never_shrunk():
    assert METRIC.applies is None
    assert METRIC.family == "obligation"


def test_before_drills_were_collected_nobody_is_asked(measure):
    assert measure(NAME, {}).evidence.is_empty()
    # the first drill on record is of April 2025: the twelve months to 2026Q1 are known, those to 2025Q4 are not
    first = {"fire_drills": [DRILL | {"estate_id": "elm", "held_on": date(2025, 4, 20)}]}
    assert row(measure(NAME, first))["numerator"] == 0
    assert rows(measure(NAME, first), period="2025Q4") == 0
