"""Tests of drill_records_complete. Estate ``oak`` is high-rise, ``elm`` is not."""

from datetime import date

import pytest

from tests.metrics.books import amended_book

NAME = "drill_records_complete"
FIVE = {
    "drill_id": "d1", "estate_id": "oak", "held_on": date(2026, 2, 1), "kind": "evacuation", "place": "block 1",
    "content": "stairs", "departments": "office", "staff": 6, "residents": 40, "verification": "verified",
}  # fmt: skip
WHOLE = FIVE | {"announced": True, "marked": True, "reviewed": True}


def test_a_record_with_every_field_is_complete(measure):
    assert measure(NAME, {"fire_drills": [WHOLE]}).value("oak") == 1


@pytest.mark.parametrize(
    "gap",
    [
        {"place": None},
        {"place": " "},
        {"content": None},
        {"departments": ""},
        {"staff": None, "residents": None},
        {"announced": False},
        {"marked": None},
        {"reviewed": False},
        {"verification": "rejected"},
    ],
)
def test_one_missing_field_or_a_rejection_makes_a_record_incomplete(measure, gap):
    got = measure(NAME, {"fire_drills": [WHOLE, WHOLE | {"drill_id": "d2"} | gap]})
    # same day, so weighed alike: 1 of 2
    assert got.value("oak") == pytest.approx(0.5)


@pytest.mark.parametrize(
    "known", [{"staff": None}, {"residents": None}, {"residents": 0}, {"verification": "unverified"}]
)
def test_people_are_known_by_staff_or_residents_and_unverified_records_can_be_complete(measure, known):
    assert measure(NAME, {"fire_drills": [WHOLE | known]}).value("oak") == 1


def test_notice_marking_and_review_are_asked_of_high_rises_from_the_day_their_rules_came_into_force(measure):
    before = FIVE | {"held_on": date(2021, 7, 31)}
    assert measure(NAME, {"fire_drills": [before]}, period="2021Q3").value("oak") == 1
    since = FIVE | {"held_on": date(2021, 8, 1)}
    assert measure(NAME, {"fire_drills": [since]}, period="2021Q3").value("oak") == 0


def test_other_estates_are_asked_for_the_five_fields_alone(measure):
    assert measure(NAME, {"fire_drills": [FIVE | {"estate_id": "elm"}]}).value("elm") == 1
    gap = FIVE | {"estate_id": "elm", "place": None}
    assert measure(NAME, {"fire_drills": [gap]}).value("elm") == 0


def test_the_steps_asked_change_on_the_rules_own_day(measure, tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), highrise_steps=0)
    days = {date(2026, 2, 14): 0, date(2026, 2, 15): 1}
    got = {d: measure(NAME, {"fire_drills": [FIVE | {"held_on": d}]}, book=book).value("oak") for d in days}
    assert got == days


def test_a_table_top_exercise_is_shown_and_not_counted(measure):
    got = measure(NAME, {"fire_drills": [WHOLE | {"kind": "tabletop"}]})
    assert got.evidence["excluded"].to_list() == ["tabletop"]
    assert got.value("oak") is None


def test_no_drills_give_no_value(measure):
    got = measure(NAME, {})
    assert got.evidence.is_empty()
    assert got.value("oak") is None
