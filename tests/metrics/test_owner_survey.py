"""Tests of owner_survey."""

from datetime import date

import pytest

from tests.metrics.books import amended_book
from tests.metrics.conftest import OAK

NAME = "owner_survey"
SURVEY = {"survey_id": "s1", "estate_id": "oak", "surveyed_on": date(2026, 3, 31), "question": "overall",
          "asked": 200, "answered": 120, "satisfied": 90, "third_party": True}  # fmt: skip


def test_the_points_are_the_mean_over_the_questions(measure):
    # 90 of 120 and 60 of 120: (75 + 50) / 2
    other = SURVEY | {"question": "safety", "satisfied": 60}
    got = measure(NAME, {"surveys": [SURVEY, other]})
    assert got.value("oak") == pytest.approx(62.5)
    assert got.evidence.height == 1


@pytest.mark.parametrize("answered, counts", [(100, True), (99, False)])
def test_a_tenth_of_the_homes_must_answer(measure, answered, counts):
    # oak has 1000 homes: 100 forms are 10 %
    got = measure(NAME, {"surveys": [SURVEY | {"answered": answered, "satisfied": 50}]})
    assert got.evidence["excluded"].to_list() == [None if counts else "sample_too_small"]
    assert (got.value("oak") is not None) == counts


@pytest.mark.parametrize("answered, counts", [(50, True), (49, False)])
def test_at_least_fifty_forms_are_needed(measure, answered, counts):
    # elm has 200 homes: 10 % would be 20, fifty forms are more
    survey = SURVEY | {"estate_id": "elm", "answered": answered, "satisfied": 40}
    assert measure(NAME, {"surveys": [survey]}).evidence["excluded"].to_list() == [
        None if counts else "sample_too_small"
    ]


@pytest.mark.parametrize("answered, counts", [(30, True), (29, False)])
def test_where_fewer_than_fifty_homes_are_every_home_must_answer(measure, answered, counts):
    small = OAK | {"households": 30}
    survey = SURVEY | {"asked": 30, "answered": answered, "satisfied": 20}
    got = measure(NAME, {"surveys": [survey], "estates": [small]})
    assert got.evidence["excluded"].to_list() == [None if counts else "sample_too_small"]


@pytest.mark.parametrize("day, counts", [(date(2026, 2, 14), True), (date(2026, 2, 15), False)])
def test_the_sample_asked_for_is_that_of_the_surveys_day(measure, tmp_path, day, counts):
    # 120 of 1000 homes: enough at 10 %, not at the 15 % of 15 February on
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), least_share=0.15)
    got = measure(NAME, {"surveys": [SURVEY | {"surveyed_on": day}]}, book=book)
    assert got.evidence["excluded"].to_list() == [None if counts else "sample_too_small"]


def test_no_answers_say_nothing(measure):
    assert measure(NAME, {"surveys": [SURVEY | {"answered": 0, "satisfied": 0}]}).evidence.is_empty()


def test_no_survey_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None


def test_a_survey_is_shown_at_its_overall_question(measure):
    questions = [SURVEY | {"question": q} for q in ("cleaning", "overall", "repairs")]
    assert measure(NAME, {"surveys": questions}).evidence["record_id"].to_list() == ["s1/overall"]
    assert measure(NAME, {"surveys": [SURVEY | {"question": "repairs"}]}).evidence["record_id"].to_list() == [
        "s1/repairs"
    ]
