"""Contracts of what stands beside records: facts about them that metrics and pages read (metrics/record_flags).

Part of ``data.edition_tables.TABLES``. A flag is a fact and a check to make, never guilt. Which record it repeats stands
in a table of its own, because that record may be another company's: who may read a flag need not read the other record.
"""

from __future__ import annotations

from datetime import date

import pandera.polars as pa

#: Repeats that are cited each and scored once: kind -> why the record is shown and not counted (`excluded.`).
SCORED_ONCE = {"same_report": "repeat_report", "same_finding": "repeat_finding"}
#: Repeats of another record, all kinds.
REPEATS = ("same_matter", *SCORED_ONCE, "same_file", "same_account", "same_figures")
KINDS = ("dated_ahead", "dated_after_delivery", "entered_long_after", *REPEATS)


class RecordFlag(pa.DataFrameModel):
    """One fact about one record: a record has at most one of a kind."""

    record_table: str
    record_id: str
    estate_id: str
    unit_id: str = pa.Field(nullable=True)  # the company's spell on the record's day; empty = nobody's
    tenure_id: str = pa.Field(nullable=True)
    day: date  # the record's own
    kind: str = pa.Field(isin=KINDS)  # a word key below `record_flag.`
    days: int = pa.Field(nullable=True)  # of dates: between event and entry; of repeats: since the record repeated
    likeness: float = pa.Field(ge=0, le=1, nullable=True)  # of accounts: Jaccard; 1 = word for word


class RecordRepeat(pa.DataFrameModel):
    """Which record of the same table a flagged record repeats."""

    record_table: str
    record_id: str
    kind: str = pa.Field(isin=REPEATS)
    estate_id: str
    unit_id: str = pa.Field(nullable=True)
    other_id: str
    other_estate_id: str
    other_unit_id: str = pa.Field(nullable=True)
    other_day: date


TABLES: dict[str, type[pa.DataFrameModel]] = {"record_flags": RecordFlag, "record_repeats": RecordRepeat}
