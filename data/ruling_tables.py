"""Contracts of what an edition took from decided cases: records ruled on, steps and penalties that stand.

Part of ``data.edition_tables.TABLES``. An edition keeps them, so that it can be recomputed without asking the ledger.
"""

from __future__ import annotations

from datetime import date

import pandera.polars as pa
import polars as pl

from data.contracts import Sanction

RULINGS = ("exclude", "reassign")
ORIGINS = ("records", "ledger")


class Ruling(pa.DataFrameModel):
    """One record that an upheld objection took out, or gave to another estate; counted as ruled, shown as it was."""

    record_table: str
    record_id: str
    ruling: str = pa.Field(isin=RULINGS)
    to_estate: str = pa.Field(nullable=True)  # reassign; empty = to no estate of the register
    case_id: str
    objection: int = pa.Field(ge=1)  # its number in the case
    decided_on: date
    estate_id: str = pa.Field(nullable=True)  # the case's
    company_id: str = pa.Field(nullable=True)
    seq: int = pa.Field(ge=1)  # of the deciding event in the ledger


class CaseSanction(Sanction):
    """One entry of a sanction history: contract Sanction, and where it came from."""

    record_id: str
    delivery_id: str = pa.Field(nullable=True)  # ``ledger`` for a step of a case
    line: int = pa.Field(nullable=True)  # there: the event from which it holds
    watch_until: date = pa.Field(
        nullable=True
    )  # a listing closed on evidence: its relapse is listed at once until then
    origin: str = pa.Field(isin=ORIGINS)


class StandingSanction(CaseSanction):
    """The same as an edition counted it on its period's last day."""

    ends: date  # the day stated, else the rule's months after the decision (rules/ladder.toml stands_months)
    stands: (
        bool  # neither overturned nor ended nor closed on evidence; a missed listing stands on until it is forgotten
    )


def frame_of(contract: type[pa.DataFrameModel], rows: list[dict]) -> pl.DataFrame:
    """Rows as a frame of a contract's columns and types, whether there are any or not."""
    schema = {name: column.dtype.type for name, column in contract.to_schema().columns.items()}
    return pl.DataFrame(rows, schema=schema, orient="row")


TABLES: dict[str, type[pa.DataFrameModel]] = {"rulings": Ruling, "sanctions": StandingSanction}
