"""Whole-register snapshots become validity periods: who was what, from when to when.

A publisher that releases its whole register now and then says what holds on a day, not since when. Set against what
the store holds, a snapshot opens a period for what is new, closes and opens one for what changed, closes one for what
is gone, and leaves alone what stayed. The true day of a change lies between two snapshots; the later one's day is
taken, so nobody answers for days on which they were not on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl


class SnapshotOutOfOrder(ValueError):
    """A snapshot older than the newest one held: periods already closed cannot be told from it."""


@dataclass(frozen=True)
class Snapshot:
    """How one source's snapshots are compared.

    Attributes:
        entity: the column naming what has periods, such as ``estate_id``.
        compare: a change in any of these columns starts a new period; other columns keep their first value.
        id_column: filled with ``entity@valid_from`` where the contract has an id of its own, such as ``tenure_id``.
        unread: what a row that was set aside says of its entity: ``keep`` leaves an open period open, ``close`` ends
            it (a blank manager: not known any more).
    """

    entity: str
    compare: tuple[str, ...]
    id_column: str | None = None
    unread: str = "keep"


def as_periods(
    rows: pl.DataFrame, held: pl.DataFrame, unread: pl.DataFrame, day: date, how: Snapshot
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn one snapshot into the records it adds or changes.

    Args:
        rows: one row per entity of the snapshot: the contract's columns, perhaps others (such as the line).
            ``valid_from`` may name the entity's own first day; it is used when the entity is seen for the first time.
        held: the contract's records in the store, current versions, of any time.
        unread: the entities of rows that were set aside.
        day: the day the snapshot speaks of.

    Returns:
        (periods of this snapshot's entities, periods it closes), both in the columns of ``rows``. The first are
        new, or as held; when the same value returns after a stretch without one, the earlier period is opened
        again: a blank between two equal names is a slip of the pen, not a change of hands. A closed period stands
        on the row that ended it, or on line 1 (the whole file) where its entity is gone.

    Raises:
        SnapshotOutOfOrder: the store holds a period that starts or ends after ``day``.
    """
    columns = rows.columns
    _in_order(held, day)
    last = held.sort("valid_from").unique(how.entity, keep="last", maintain_order=True)
    both = rows.join(last, on=how.entity, how="left", suffix="_held")
    same = pl.all_horizontal(pl.col(c).eq_missing(pl.col(f"{c}_held")) for c in how.compare)
    seen = pl.col("valid_from_held").is_not_null()
    # a first snapshot tells nothing of the day before, unless the entity names its own first day
    since = pl.when(~seen).then(pl.min_horizontal(pl.coalesce("valid_from", pl.lit(day)), pl.lit(day)))
    fresh = both.filter(~(same & seen)).with_columns(
        valid_from=since.otherwise(pl.lit(day)), valid_to=pl.lit(None, pl.Date)
    )
    if how.id_column:
        name = pl.format("{}@{}", how.entity, pl.col("valid_from").cast(pl.String))
        fresh = fresh.with_columns(name.alias(how.id_column))
    stays = both.filter(same & seen)
    kept = [c for c in last.columns if c != how.entity]
    stayed = stays.with_columns(**{c: pl.col(f"{c}_held") for c in kept}).with_columns(valid_to=pl.lit(None, pl.Date))
    spared = stays.select(how.entity)
    if how.unread == "keep":  # of two contradicting rows one is set aside: its entity was read all the same
        unseen = unread.select(how.entity).join(rows, on=how.entity, how="anti")
        spared = pl.concat([spared, unseen])
    over = last.filter(pl.col("valid_to").is_null() & (pl.col("valid_from") < day)).join(
        spared, on=how.entity, how="anti"
    )
    beside = [c for c in columns if c not in last.columns]
    closed = over.with_columns(valid_to=pl.lit(day)).join(rows.select(how.entity, *beside), on=how.entity, how="left")
    closed = closed.with_columns(pl.col(c).fill_null(1) for c in beside)
    return pl.concat([fresh.select(columns), stayed.select(columns)]), closed.select(columns)


def _in_order(held: pl.DataFrame, day: date) -> None:
    days: list[date] = pl.concat([held["valid_from"], held["valid_to"]]).drop_nulls().to_list()
    newest = max(days, default=None)
    if newest and newest > day:
        raise SnapshotOutOfOrder(
            f"it speaks of {day}, but a snapshot of {newest} is on record. Periods are told by comparing snapshots in "
            "their order."
        )
