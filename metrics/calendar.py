"""Quarters: the periods of the index, half-open (the start belongs, the end does not)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, order=True)
class Quarter:
    """One calendar quarter; ``str`` gives ``2026Q3``."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """Read ``2026Q3``; raises ValueError naming what was found."""
        m = re.fullmatch(r"(\d{4})Q([1-4])", text)
        if not m:
            raise ValueError(f"Period {text!r} is not a quarter. Write it as 2026Q3.")
        return cls(int(m[1]), int(m[2]))

    @classmethod
    def of(cls, day: date) -> Quarter:
        return cls(day.year, (day.month - 1) // 3 + 1)

    @property
    def start(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> date:
        """First day after the quarter."""
        return (self + 1).start

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    def __add__(self, quarters: int) -> Quarter:
        n = self.year * 4 + self.number - 1 + quarters
        return Quarter(n // 4, n % 4 + 1)

    def __sub__(self, quarters: int) -> Quarter:
        return self + -quarters

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"


def quarters_up_to(last: Quarter, count: int) -> list[Quarter]:
    """The ``count`` quarters ending with ``last``, oldest first."""
    return [last - i for i in range(count - 1, -1, -1)]
