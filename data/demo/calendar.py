"""The days the demo covers, counted from its first one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Calendar:
    """Days 0 to ``size - 1``; quarters and months begin on ``quarter_starts`` and ``month_starts`` (the end included)."""

    first_quarter: str
    quarters: int

    @property
    def _first_month(self) -> np.datetime64:
        year, quarter = self.first_quarter.split("Q")
        return np.datetime64(f"{year}-{3 * int(quarter) - 2:02d}", "M")

    @cached_property
    def first(self) -> np.datetime64:
        return self._first_month.astype("datetime64[D]")

    @cached_property
    def month_starts(self) -> np.ndarray:
        months = self._first_month + np.arange(3 * self.quarters + 1)
        return (months.astype("datetime64[D]") - self.first).astype(int)

    @property
    def quarter_starts(self) -> np.ndarray:
        return self.month_starts[::3]

    @property
    def size(self) -> int:
        return int(self.month_starts[-1])

    @cached_property
    def month_of(self) -> np.ndarray:
        """Month number of each day (0 = the first month)."""
        return np.repeat(np.arange(3 * self.quarters), np.diff(self.month_starts))

    @property
    def quarter_of(self) -> np.ndarray:
        return self.month_of // 3

    @property
    def month_of_year(self) -> np.ndarray:
        """0 = January, for each month number."""
        return (self._first_month.astype(int) + np.arange(3 * self.quarters)) % 12

    @property
    def last(self) -> date:
        """The last day covered."""
        return self.date(self.size - 1)

    @property
    def labels(self) -> list[str]:
        """Quarters' names, oldest first."""
        months = self._first_month.astype(int) + 3 * np.arange(self.quarters)
        return [f"{1970 + m // 12}Q{m % 12 // 3 + 1}" for m in months.tolist()]

    def dates(self, days: np.ndarray) -> np.ndarray:
        """Day numbers (also before 0 and after the last) as datetime64."""
        return self.first + np.asarray(days).astype(int)

    def series(self, days: np.ndarray, known: np.ndarray | pl.Series | None = None) -> pl.Series:
        """Day numbers as dates; NULL where ``known`` is false."""
        dates = self.dates(days)
        if known is not None:
            dates = np.where(np.asarray(known), dates, np.datetime64("NaT"))
        return pl.Series(dates.astype("datetime64[D]")).cast(pl.Date)

    def date(self, day: int) -> date:
        """One day number as a date."""
        return date.fromisoformat(str(self.first + day))
