"""Matters opened by hand, as rules/matters.toml has them: the law each rests on and the body it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from cases.allowed import NotDue
from cases.case import BY_HAND
from data.queries import files
from data.scope import Scope
from rules.book import Book


@dataclass(frozen=True)
class Matter:
    """One kind of matter.

    Attributes:
        key: word key below ``matter.``. step: one of ``cases.case.BY_HAND``.
        law: keys of rules/laws.toml with their article. body: word key below ``addressee.``.
    """

    key: str
    step: str
    law: tuple[str, ...]
    body: str


def matters(book: Book, day: date) -> tuple[Matter, ...]:
    """Every kind of matter in force on a day, orders first, in the order of the file."""
    rule = book.on(day, "matters")
    return tuple(
        Matter(key, step, tuple(given["law"]), given["body"]) for step in BY_HAND for key, given in rule[step].items()
    )


def matter_of(book: Book, day: date, key: str) -> Matter:
    """One kind of matter.

    Raises:
        NotDue: none of this name is in force.
    """
    found = next((m for m in matters(book, day) if m.key == key), None)
    if found is None:
        raise NotDue("no_such_matter")
    return found


def party_now(scope: Scope, con: duckdb.DuckDBPyConnection, estate_id: str, period: str) -> dict:
    """The spell at an estate now, or the estate where nobody manages it, named as a row of the due list names it.

    Raises:
        NotDue: the edition holds no such estate that the viewer may read.
    """
    ways = files.units_of_estate(scope, con, estate_id=estate_id, period=period)
    ways = ways.filter((pl.col("level") == "estate") | pl.col("current")).sort(pl.col("level") == "estate")
    if ways.is_empty():
        raise NotDue("no_such_estate", estate=estate_id)
    unit = files.unit(scope, con, level=ways["level"][0], unit_id=ways["unit_id"][0], period=period) or {}
    named = {f"{who}_{n}": unit.get(f"{who}_{n}") for who in ("company", "head") for n in ("zh", "en")}
    return named | {
        "period": period, "party": "estate", "party_id": unit["unit_id"], "estate_id": estate_id, "company_id": unit["company_id"],
        "head_id": unit["head_id"], "estate_zh": unit["name_zh"], "estate_en": unit["name_en"],
    }  # fmt: skip
