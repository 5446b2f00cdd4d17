"""How long something has lasted: quarters and half-years in a row, ending with the period decided on.

A quarter without a rating is a gap, and a gap ends every streak.
"""

from __future__ import annotations

import polars as pl

from metrics.calendar import Quarter


def ordinal_of(quarter: Quarter) -> int:
    """Quarters since the year 0; halves are ``ordinal // 2`` (January to June, July to December)."""
    return quarter.year * 4 + quarter.number - 1


def rated_quarters(scores: pl.DataFrame, last: Quarter) -> pl.DataFrame:
    """Rated rows up to ``last``, with ``ordinal`` (the quarter) and ``half``."""
    year, number = pl.col("period").str.slice(0, 4).cast(pl.Int64), pl.col("period").str.slice(5, 1).cast(pl.Int64)
    return (
        scores.filter(pl.col("state") == "rated")
        .with_columns(ordinal=year * 4 + number - 1)
        .filter(pl.col("ordinal") <= ordinal_of(last))
        .with_columns(half=pl.col("ordinal") // 2)
    )


def _run(rows: pl.DataFrame, key: list[str], step: str, newest: int, name: str) -> pl.DataFrame:
    """Length of the unbroken run of ``step`` values ending at ``newest``, per key; keys without one are left out."""
    place = pl.col(step).rank("ordinal", descending=True).over(key)
    return (
        rows.filter(pl.col(step) <= newest)
        .filter(newest - pl.col(step) == place - 1)
        .group_by(key)
        .agg(pl.len().cast(pl.Int64).alias(name))
    )


def quarters_in_a_row(rows: pl.DataFrame, key: list[str], bands: tuple[str, ...], last: Quarter, name: str):
    """Quarters in a row, ending with ``last``, in one of ``bands``: one row per key that has any."""
    return _run(rows.filter(pl.col("band").is_in(bands)), key, "ordinal", ordinal_of(last), name)


def halves_in_a_row(rows: pl.DataFrame, key: list[str], bands: tuple[str, ...], last: Quarter, size: int, name: str):
    """Half-years in a row wholly in ``bands``, ending with the newest half-year that is over on ``last``'s end.

    A half-year counts where all its ``size`` quarters were rated in ``bands``.
    """
    whole = (
        rows.filter(pl.col("band").is_in(bands))
        .group_by([*key, "half"])
        .agg(quarters=pl.col("ordinal").n_unique())
        .filter(pl.col("quarters") == size)
    )
    return _run(whole, key, "half", (ordinal_of(last) + 1) // 2 - 1, name)
