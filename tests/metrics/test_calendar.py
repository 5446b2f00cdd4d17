"""Quarters."""

from datetime import date

import pytest

from metrics.calendar import Quarter, quarters_up_to


def test_a_quarter_holds_its_first_day_and_not_its_end():
    q = Quarter.parse("2026Q3")
    assert (q.start, q.last, q.end) == (date(2026, 7, 1), date(2026, 9, 30), date(2026, 10, 1))
    assert Quarter.of(date(2026, 9, 30)) == q
    assert Quarter.of(date(2026, 10, 1)) == q + 1


def test_quarters_count_across_years():
    assert [str(q) for q in quarters_up_to(Quarter(2026, 1), 3)] == ["2025Q3", "2025Q4", "2026Q1"]


def test_a_period_that_is_no_quarter_is_named():
    with pytest.raises(ValueError, match="2026-09"):
        Quarter.parse("2026-09")
