"""Tests of monthly_fire_check_rate."""

from datetime import date

import polars as pl
import pytest

from tests.metrics.books import amended_book
from tests.metrics.conftest import OAK

NAME = "monthly_fire_check_rate"
CHECK = {"inspection_id": "i1", "estate_id": "oak", "inspected_on": date(2026, 2, 10), "kind": "self_check",
         "trigger": "routine", "body": "company", "signed": True}  # fmt: skip

#: Checks are on record since 2018, so that a missing one is not merely one not delivered.
LONG_AGO = CHECK | {"inspection_id": "i0", "estate_id": "elm", "inspected_on": date(2018, 1, 1)}


def checked(*checks):
    return {"inspections": [LONG_AGO, *checks]}


def months(got, period="2026Q1", estate="oak"):
    """Months of a quarter: record_id to numerator."""
    rows = got.evidence.filter(pl.col("estate_id") == estate, pl.col("period") == period).sort("decided_on")
    return dict(zip(rows["record_id"], rows["numerator"], strict=True))


def test_each_month_is_one_row_with_its_check_or_without(measure):
    got = measure(NAME, checked(CHECK))
    assert months(got) == {"oak/2026-01": 0, "i1": 1, "oak/2026-03": 0}


@pytest.mark.parametrize("day, month", [(date(2026, 1, 31), 0), (date(2026, 2, 1), 1), (date(2026, 2, 28), 1),
                                        (date(2026, 3, 1), 2)])  # fmt: skip
def test_a_check_belongs_to_the_month_of_its_day(measure, day, month):
    got = list(months(measure(NAME, checked(CHECK | {"inspected_on": day}))).values())
    assert got == [1.0 if i == month else 0.0 for i in range(3)]


def test_two_checks_in_a_month_count_once_and_the_signed_one_stands(measure):
    unsigned = CHECK | {"inspection_id": "i2", "inspected_on": date(2026, 2, 1), "signed": False}
    got = measure(NAME, checked(unsigned, CHECK))
    assert months(got) == {"oak/2026-01": 0, "i1": 1, "oak/2026-03": 0}


@pytest.mark.parametrize("signed", [False, None])
def test_an_unsigned_check_is_shown_as_not_done(measure, signed):
    assert months(measure(NAME, checked(CHECK | {"signed": signed})))["i1"] == 0


def test_visits_of_authorities_are_no_self_check(measure):
    assert months(measure(NAME, checked(CHECK | {"kind": "routine", "body": "fire"}))) == {
        "oak/2026-01": 0, "oak/2026-02": 0, "oak/2026-03": 0,
    }  # fmt: skip


def test_no_checks_at_all_are_checks_not_done(measure):
    got = measure(NAME, checked())
    assert got.value("oak") == 0
    assert got.value("t-elm", "tenure") == 0


def test_whether_a_signature_is_asked_for_changes_on_the_rules_own_day(measure, tmp_path):
    book = amended_book(tmp_path, NAME, date(2026, 2, 15), signatures_asked=0)
    days = {date(2026, 2, 14): 0, date(2026, 2, 15): 1}
    got = {
        day: months(measure(NAME, checked(CHECK | {"signed": False, "inspected_on": day}), book=book))["i1"]
        for day in days
    }
    assert got == days


def tenures(start, end=None):
    return {"tenures": [{"tenure_id": "t1", "estate_id": "oak", "company_id": "acme", "valid_from": start,
                         "valid_to": end}]} | checked()  # fmt: skip


def test_a_month_counts_only_when_one_company_managed_all_of_it(measure):
    assert list(months(measure(NAME, tenures(date(2026, 2, 1), date(2026, 3, 1))))) == ["oak/2026-02"]
    assert months(measure(NAME, tenures(date(2026, 2, 2), date(2026, 3, 1)))) == {}
    assert months(measure(NAME, tenures(date(2026, 2, 1), date(2026, 2, 28)))) == {}


def test_a_newcomer_is_credited_with_a_check_in_the_month_it_came(measure):
    got = measure(NAME, tenures(date(2026, 2, 5)) | checked(CHECK))
    assert months(got) == {"i1": 1, "oak/2026-03": 0}
    assert got.evidence.filter(pl.col("record_id") == "i1")["unit_id"].to_list() == ["t1"]


def test_an_unmanaged_estate_has_no_months_to_answer_for(measure):
    assert measure(NAME, {"tenures": []} | checked()).evidence.is_empty()


def crowd(count, month_days):
    """``count`` estates of one sub-district, each with checks on ``month_days``."""
    estates = [OAK | {"estate_id": f"e{i}"} for i in range(count)]
    tenure = [
        {"tenure_id": f"t{i}", "estate_id": f"e{i}", "company_id": "acme", "valid_from": date(2026, 1, 1)}
        for i in range(count)
    ]
    checks = [
        CHECK | {"inspection_id": f"i{i}-{day}", "estate_id": f"e{i}", "inspected_on": day}
        for i in range(count)
        for day in month_days
    ]
    return {"estates": estates, "tenures": tenure, "inspections": checks}


def test_a_month_a_whole_sub_district_did_not_deliver_is_missing_and_not_undone(measure):
    # five checks in a usual month: an empty February is a delivery that did not come; with four it is believed
    days = [date(2026, 1, 10), date(2026, 3, 10)]
    five = measure(NAME, crowd(5, days))
    assert sorted(months(five, estate="e0").values()) == [1, 1]
    four = measure(NAME, crowd(4, days))
    assert sorted(months(four, estate="e0").values()) == [0, 1, 1]


def test_one_estate_without_checks_among_many_answers_for_it(measure):
    tables = crowd(6, [date(2026, 1, 10), date(2026, 2, 10), date(2026, 3, 10)])
    tables["inspections"] = [c for c in tables["inspections"] if c["estate_id"] != "e5"]
    assert list(months(measure(NAME, tables), estate="e5").values()) == [0, 0, 0]


def test_before_self_checks_were_collected_nobody_is_asked(measure):
    assert measure(NAME, {}).evidence.is_empty()
    first = {"inspections": [CHECK | {"estate_id": "elm"}]}
    assert list(months(measure(NAME, first))) == ["oak/2026-02", "oak/2026-03"]
