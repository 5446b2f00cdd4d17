"""Where an edition is computed: a connection with the records in view, the rules, the periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import ibis

from metrics.calendar import Quarter
from metrics.evidence import index_rule
from rules.book import Book, Rule


@dataclass(frozen=True)
class Workplace:
    """What every step needs: a DuckDB connection with the records in view, the rules, the periods.

    Attributes:
        whole: False leaves out what says nothing of any score: studies of the method, checks, audits.
        steps: True keeps, where ``whole`` is False, what a recommended step rests on.
        levels: the levels whose units get an interval, a state and a band; None = every level.
        ruled: record tables shown as objections were decided (metrics/ruled.py).
    """

    con: duckdb.DuckDBPyConnection
    book: Book
    last: Quarter
    quarters: int
    scored: int
    whole: bool = True
    steps: bool = False
    levels: tuple[str, ...] | None = None
    ruled: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        return index_rule(self.book, self.last)

    @property
    def first(self) -> date:
        """The first day whose records are read."""
        return (self.last - (self.quarters - 1)).start

    @property
    def ladder(self) -> Rule | None:
        """The ladder in force; None before the first one."""
        in_force = [v for v in self.book.file("ladder").versions if v.valid_from <= self.last.last]
        return in_force[-1] if in_force else None

    @property
    def adjustments(self) -> Rule:
        return self.book.on(self.last.last, "adjustments")

    @property
    def backend(self):
        return ibis.duckdb.from_connection(self.con)

    def table(self, name: str):
        """A record table (view) of this connection."""
        return self.backend.table(name)

    def edition_table(self, name: str):
        """A table of the edition being made (attached as ``edition``)."""
        return self.backend.table(name, database=("edition", "main"))


def workplace(con: duckdb.DuckDBPyConnection, book: Book, last: Quarter, *, whole: bool = True) -> Workplace:
    """Size the work by the index rule: history quarters scored, window quarters before the oldest of them."""
    rule = index_rule(book, last)
    scored = rule["history_quarters"]
    return Workplace(con, book, last, scored + rule["window_quarters"] - 1, scored, whole)
