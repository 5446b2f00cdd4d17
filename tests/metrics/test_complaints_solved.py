"""Tests of complaints_solved."""

from datetime import date

import pytest

NAME = "complaints_solved"
ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2026, 2, 1), "closed_on": date(2026, 2, 10),
         "channel": "hotline", "nature": "complaint", "responsibility": "company", "reached": True, "solved": True}  # fmt: skip


def test_the_share_is_solved_of_clear_answers(measure):
    # closed on one day: 2 of 3 said solved
    orders = [ORDER, ORDER | {"complaint_id": "c2"}, ORDER | {"complaint_id": "c3", "solved": False}]
    assert measure(NAME, {"complaints": orders}).value("oak") == pytest.approx(2 / 3)


@pytest.mark.parametrize("change", [{"reached": False}, {"reached": None}, {"solved": None}, {"closed_on": None}])
def test_without_a_clear_answer_nothing_is_counted(measure, change):
    assert measure(NAME, {"complaints": [ORDER | change]}).evidence.is_empty()


@pytest.mark.parametrize("closed, shown", [(date(2026, 3, 31), 1), (date(2026, 4, 1), 0)])
def test_an_answer_belongs_to_the_quarter_of_closing(measure, closed, shown):
    assert measure(NAME, {"complaints": [ORDER | {"closed_on": closed}]}).evidence.height == shown


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"unreasonable": True}, "unreasonable"),
        ({"responsibility": "owner"}, "not_company"),
        ({"objection_open": True}, "disputed"),
    ],
)
def test_what_does_not_count_is_shown_with_its_reason(measure, change, reason):
    got = measure(NAME, {"complaints": [ORDER | change]})
    assert got.evidence["excluded"].to_list() == [reason]
    assert got.value("oak") is None


def test_no_answers_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
