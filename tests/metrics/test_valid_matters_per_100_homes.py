"""Tests of valid_matters_per_100_homes."""

from datetime import date

import pytest

NAME = "valid_matters_per_100_homes"
ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2026, 3, 31), "channel": "hotline",
         "nature": "complaint", "responsibility": "company", "upheld": "yes"}  # fmt: skip


def counted(got) -> int:
    return got.counted().height


def test_repeated_calls_of_one_matter_count_once_and_are_shown(measure):
    again = [ORDER | {"complaint_id": f"c{i}", "matter_id": "c1"} for i in (2, 3)]
    got = measure(NAME, {"complaints": [ORDER, *again]})
    assert got.sum_of("oak")["y"] == pytest.approx(1.0)  # on the period's last day decay weighs 1
    assert got.evidence.sort("record_id")["excluded"].to_list() == [None, "duplicate_call", "duplicate_call"]


def test_two_matters_are_two(measure):
    assert counted(measure(NAME, {"complaints": [ORDER, ORDER | {"complaint_id": "c2"}]})) == 2


def test_the_same_number_at_another_estate_is_another_matter(measure):
    other = ORDER | {"complaint_id": "c2", "matter_id": "c1", "estate_id": "elm"}
    assert counted(measure(NAME, {"complaints": [ORDER, other]})) == 2


@pytest.mark.parametrize(
    "upheld, reason", [("yes", None), ("partly", None), ("no", "not_upheld"), (None, "upheld_unknown")]
)
def test_only_what_was_upheld_counts(measure, upheld, reason):
    got = measure(NAME, {"complaints": [ORDER | {"upheld": upheld}]})
    assert got.evidence["excluded"].to_list() == [reason]


def test_a_matter_upheld_only_at_a_later_call_counts_at_that_call(measure):
    first = ORDER | {"upheld": "no", "received_on": date(2026, 3, 1)}
    later = ORDER | {"complaint_id": "c2", "matter_id": "c1"}
    got = measure(NAME, {"complaints": [first, later]})
    assert got.evidence.sort("record_id")["excluded"].to_list() == ["not_upheld", None]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"unreasonable": True}, "unreasonable"),
        ({"responsibility": "owner"}, "not_company"),
        ({"objection_open": True}, "disputed"),
    ],
)
def test_what_does_not_count_is_shown_with_its_reason(measure, change, reason):
    assert measure(NAME, {"complaints": [ORDER | change]}).evidence["excluded"].to_list() == [reason]


def test_the_rate_is_per_hundred_homes_and_year(measure):
    # 1 matter; 1000 homes since 2026-01-01 only, no decay to speak of within the quarter: 90 days of 365
    estate = {"estate_id": "oak", "valid_from": date(2026, 1, 1), "name_zh": "橡树园", "estate_class": "HR",
              "subdistrict_id": "north", "households": 1000}  # fmt: skip
    got = measure(NAME, {"complaints": [ORDER], "estates": [estate]})
    days = sum(2 ** (-k / 365.25) for k in range(90))
    assert got.sum_of("oak")["e"] == pytest.approx(1000 / 100 * days / 365, rel=1e-6)


def test_where_the_hotline_never_delivered_nothing_is_known(measure):
    assert measure(NAME, {}).value("oak") is None
