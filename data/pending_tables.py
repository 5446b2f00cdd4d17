"""Contracts of what is still open about an edition's records: appeals under way, and what was asked for and not sent.

Part of ``data.edition_tables.TABLES``. ``disputes`` and ``withheld`` are what the edition was given, kept so that it can be
computed again; ``disputed_scores`` is what came of them (method.md section 7).
"""

from __future__ import annotations

from datetime import date

import pandera.polars as pa

LEVELS = ("estate", "tenure", "head")


class Dispute(pa.DataFrameModel):
    """One record under appeal when the edition was made: it counts for nobody until that is decided."""

    record_table: str
    record_id: str  # an inspection's takes all its items along
    estate_id: str
    since: date


class Withheld(pa.DataFrameModel):
    """One metric that an estate's company was asked in writing to report."""

    estate_id: str
    metric: str
    noticed_on: date
    submitted_on: date = pa.Field(nullable=True)  # empty = not yet; then it counts in full, in every period


class DisputedScore(pa.DataFrameModel):
    """The two values of a unit with disputed records in its window: of one metric's points, or of the whole index."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    estate_id: str
    period: str
    metric: str  # empty = the index
    records: int  # disputed ones in the window
    without: float = pa.Field(nullable=True, ge=0, le=100)  # what is published
    with_them: float = pa.Field(nullable=True, ge=0, le=100)  # what it would be if the appeals fail


TABLES: dict[str, type[pa.DataFrameModel]] = {
    "disputes": Dispute,
    "withheld": Withheld,
    "disputed_scores": DisputedScore,
}
