"""Tests of future_dated_records."""

from datetime import date

import pytest

NAME = "future_dated_records"
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 2, 9), "found_by": "self", "hazard_type": "ebike",
          "severity": "general", "responsible_party": "company", "recorded_on": date(2026, 2, 4)}  # fmt: skip
FLAG = {"record_table": "hazards", "record_id": "h1", "kind": "dated_ahead"}


def test_one_of_two_records_dated_after_its_entry_is_half(measure):
    other = HAZARD | {"hazard_id": "h2", "found_on": date(2026, 2, 4)}
    got = measure(NAME, {"hazards": [HAZARD, other], "record_flags": [FLAG]})
    assert got.value("oak") == pytest.approx(0.5)


def test_it_counts_on_the_day_of_entry_even_where_its_own_day_lies_after_the_period(measure):
    ahead = HAZARD | {"found_on": date(2026, 9, 22)}
    row = measure(NAME, {"hazards": [ahead], "record_flags": [FLAG]}).evidence.row(0, named=True)
    assert (row["decided_on"], row["occurred_on"], row["numerator"]) == (date(2026, 2, 4), date(2026, 2, 4), 1)


def test_another_flag_or_another_table_s_record_of_that_number_says_nothing_here(measure):
    flags = [FLAG | {"kind": "entered_long_after"}, FLAG | {"record_table": "incidents"}]
    assert measure(NAME, {"hazards": [HAZARD], "record_flags": flags}).value("oak") == 0


def test_no_day_of_entry_gives_no_value(measure):
    assert measure(NAME, {"hazards": [HAZARD | {"recorded_on": None}], "record_flags": [FLAG]}).value("oak") is None
