"""Working days of the State Council's calendar: holidays, and the weekends worked instead (library chinesecalendar).

The calendar of a year is announced late in the year before. For days the library does not know yet, Monday to Friday
count, and every date that rests on them says so (``Deadline.known``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
from dateutil.relativedelta import relativedelta

ZONE = ZoneInfo("Asia/Shanghai")
ONE = timedelta(days=1)


@dataclass(frozen=True)
class Deadline:
    """The last day of a term; ``known`` is False where it was counted over a year whose calendar is not out yet."""

    day: date
    known: bool


def local_day(moment: datetime) -> date:
    """The district's day of a moment.

    >>> from datetime import UTC
    >>> local_day(datetime(2026, 2, 13, 16, 0, tzinfo=UTC))
    datetime.date(2026, 2, 14)
    """
    return moment.astimezone(ZONE).date()


def calendar_known(day: date) -> bool:
    """Whether the calendar of that day's year is out."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def is_working_day(day: date) -> bool:
    """Whether offices work on a day; Monday to Friday where the year's calendar is not out."""
    return chinese_calendar.is_workday(day) if calendar_known(day) else day.weekday() < 5


def working_days_after(start: date, count: int) -> Deadline:
    """The ``count``-th working day after ``start``; the start itself never counts.

    >>> working_days_after(date(2026, 2, 13), 5)  # 14 and 28 February are worked, 15 to 23 are the Spring Festival
    Deadline(day=datetime.date(2026, 2, 27), known=True)
    """
    return _walk(start, count, ONE)


def working_days_before(end: date, count: int) -> Deadline:
    """The last day from which ``count`` working days still lie between it and ``end``, itself not counted."""
    return _walk(end, count, -ONE)


def _walk(day: date, count: int, step: timedelta) -> Deadline:
    if count < 1:
        raise ValueError(f"A term of {count} working days ends nowhere; give at least 1.")
    known = calendar_known(day)
    while count:
        day += step
        known = known and calendar_known(day)
        count -= is_working_day(day)
    return Deadline(day, known)


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last.

    >>> months_after(date(2026, 8, 31), 6)
    datetime.date(2027, 2, 28)
    """
    return day + relativedelta(months=months)


def first_unknown_year(today: date) -> int:
    """The first year, from this one on, whose calendar the library does not hold."""
    year = today.year
    while calendar_known(date(year, 1, 1)):
        year += 1
    return year
