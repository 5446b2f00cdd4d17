"""Tests of hazard_recurrence_rate. A hazard put right on 1 July 2025 has its 180 days until 28 December 2025."""

from datetime import date

import pytest

from tests.metrics.books import amended_book

NAME = "hazard_recurrence_rate"
FIXED = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2025, 6, 20), "found_by": "police",
         "hazard_type": "ebike", "severity": "general", "responsible_party": "company",
         "rectified_on": date(2025, 7, 1)}  # fmt: skip
AGAIN = FIXED | {"hazard_id": "h2", "found_on": date(2025, 9, 1), "rectified_on": None}


def judged(got):
    """The evidence row of the first hazard."""
    return got.evidence.filter(got.evidence["record_id"] == "h1").row(0, named=True)


def test_one_found_again_within_the_window_recurred_and_alone_it_did_not(measure):
    got = judged(measure(NAME, {"hazards": [FIXED, AGAIN]}))
    assert (got["numerator"], got["denominator"], got["decided_on"]) == (1, 1, date(2025, 12, 28))
    assert judged(measure(NAME, {"hazards": [FIXED]}))["numerator"] == 0


@pytest.mark.parametrize("day, recurred", [(date(2025, 7, 1), 0), (date(2025, 7, 2), 1), (date(2025, 12, 28), 1),
                                           (date(2025, 12, 29), 0)])  # fmt: skip
def test_the_window_begins_the_day_after_and_ends_on_its_last_day(measure, day, recurred):
    assert judged(measure(NAME, {"hazards": [FIXED, AGAIN | {"found_on": day}]}))["numerator"] == recurred


def test_a_hazard_is_judged_once_its_window_has_passed(measure):
    # 180 days from 2 October 2025 end on 31 March 2026
    on_the_last_day = FIXED | {"rectified_on": date(2025, 10, 2)}
    assert measure(NAME, {"hazards": [on_the_last_day]}).value("oak") == 0
    a_day_later = FIXED | {"rectified_on": date(2025, 10, 3)}
    assert measure(NAME, {"hazards": [a_day_later]}).evidence.is_empty()


@pytest.mark.parametrize(
    "other",
    [
        {"hazard_type": "gas"},
        {"estate_id": "elm"},
        {"responsible_party": "owner"},
        {"objection_open": True},
    ],
)
def test_another_type_estate_party_or_a_disputed_hazard_is_no_recurrence(measure, other):
    assert judged(measure(NAME, {"hazards": [FIXED, AGAIN | other]}))["numerator"] == 0


@pytest.mark.parametrize("was, now, recurred", [("b1", "b1", 1), ("b1", "b2", 0), ("b1", None, 0), (None, "b1", 1)])
def test_where_a_place_was_named_it_must_be_the_same(measure, was, now, recurred):
    got = judged(measure(NAME, {"hazards": [FIXED | {"location": was}, AGAIN | {"location": now}]}))
    assert got["numerator"] == recurred


def test_one_found_twice_again_counts_once(measure):
    got = measure(NAME, {"hazards": [FIXED, AGAIN, AGAIN | {"hazard_id": "h3", "found_on": date(2025, 10, 1)}]})
    assert got.evidence.height == 1
    assert got.value("oak") == 1


def test_hazards_not_put_right_are_not_judged(measure):
    undone = FIXED | {"verified_result": "fail"}
    assert measure(NAME, {"hazards": [undone, AGAIN]}).evidence.is_empty()


def test_hazards_of_others_and_under_objection_are_shown_and_not_counted(measure):
    disputed = FIXED | {"hazard_id": "h9", "objection_open": True}
    got = measure(NAME, {"hazards": [FIXED | {"responsible_party": "owner"}, disputed]})
    assert sorted(got.evidence["excluded"]) == ["disputed", "not_company"]
    assert got.value("oak") is None


def test_where_the_company_changed_within_the_window_the_estate_alone_answers(measure):
    def hands(day):
        return {"tenures": [
            {"tenure_id": "A", "estate_id": "oak", "company_id": "a", "valid_from": date(2015, 1, 1), "valid_to": day},
            {"tenure_id": "B", "estate_id": "oak", "company_id": "b", "valid_from": day},
        ], "hazards": [FIXED, AGAIN]}  # fmt: skip

    changed = measure(NAME, hands(date(2025, 12, 28)))
    assert judged(changed)["excluded"] == "grace"
    assert changed.value("oak") == 1
    assert changed.value("A", "tenure") is None
    after = measure(NAME, hands(date(2025, 12, 29)))
    assert after.value("A", "tenure") == 1


def test_the_window_is_that_of_the_day_the_hazard_was_put_right(measure, tmp_path):
    # 90 days from 1 July end on 29 September; the second find is on 1 October
    expected = {date(2025, 7, 2): 1, date(2025, 7, 1): 0}
    hazards = [FIXED, AGAIN | {"found_on": date(2025, 10, 1)}]
    got = {
        day: judged(
            measure(NAME, {"hazards": hazards}, book=amended_book(tmp_path / str(day), NAME, day, window_days=90))
        )["numerator"]
        for day in expected
    }
    assert got == expected


def test_no_hazards_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
