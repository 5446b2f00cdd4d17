"""Working days across the Spring Festival of 2026: holidays 15 to 23 February, worked weekends 14 and 28 February
(State Council's notice of November 2025)."""

from __future__ import annotations

from datetime import date

import pytest

from cases.days import (
    Deadline,
    calendar_known,
    first_unknown_year,
    is_working_day,
    working_days_after,
    working_days_before,
)
from tests.cases.case_town import ANNA, Run


@pytest.mark.parametrize(
    ("day", "worked"),
    [(date(2026, 2, 13), True), (date(2026, 2, 14), True), (date(2026, 2, 15), False), (date(2026, 2, 16), False),
     (date(2026, 2, 23), False), (date(2026, 2, 24), True), (date(2026, 2, 28), True), (date(2026, 3, 1), False)],
)  # fmt: skip
def test_the_spring_festival_is_off_and_its_weekends_are_worked(day, worked):
    assert is_working_day(day) is worked


@pytest.mark.parametrize(
    ("count", "last"),
    # After Thursday 12 February: Fri 13 (1), Sat 14 worked (2), 15-23 off, Tue 24 (3), Wed 25 (4), Thu 26 (5), Fri 27 (6),
    # Sat 28 worked (7), Sun 1 March off, Mon 2 (8), Tue 3 (9), Wed 4 (10).
    [(1, date(2026, 2, 13)), (2, date(2026, 2, 14)), (3, date(2026, 2, 24)), (5, date(2026, 2, 26)),
     (7, date(2026, 2, 28)), (8, date(2026, 3, 2)), (10, date(2026, 3, 4))],
)  # fmt: skip
def test_terms_are_counted_over_the_spring_festival(count, last):
    assert working_days_after(date(2026, 2, 12), count) == Deadline(last, known=True)


def test_a_term_counted_back_is_the_same_term():
    # Twenty working days before 4 March 2026: 3, 2, 28, 27, 26, 25, 24, 14, 13, 12 February are ten; 11, 10, 9, 6, 5, 4, 3, 2
    # February eight more; 30 and 29 January make twenty.
    assert working_days_before(date(2026, 3, 4), 20) == Deadline(date(2026, 1, 29), known=True)


def test_a_year_that_is_not_announced_is_counted_by_weekdays_and_says_so():
    assert not calendar_known(date(2051, 3, 1))
    found = working_days_after(date(2051, 3, 3), 1)  # a Friday
    assert found == Deadline(date(2051, 3, 6), known=False)
    assert working_days_after(date(2026, 2, 12), 1).known


def test_a_listing_says_which_of_its_days_were_counted_over_a_year_not_announced():
    def told_on(day, **changed):
        run = Run("listing", day)
        run.do(ANNA, "decided", outcome="accept", step="listing")
        run.do(ANNA, "served", **changed)
        return run.rows[-1].facts.get("calendar_unknown")

    unknown = first_unknown_year(date(2026, 1, 5))
    late = date(unknown - 1, 9, 1)  # six months on lies in the year not announced, as do the twenty days before
    assert told_on(late) == ["extension_asked_by"]
    assert told_on(late, listed_until=f"{unknown - 1}-12-20") is None
    assert told_on(date(unknown, 3, 1)) == ["extension_asked_by", "object_until", "publish_by", "publish_from"]


def test_the_first_unknown_year_is_told():
    year = first_unknown_year(date(2026, 1, 5))
    assert year > 2026 and not calendar_known(date(year, 1, 1)) and calendar_known(date(year - 1, 1, 1))


def test_a_term_of_no_days_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        working_days_after(date(2026, 2, 12), 0)
