"""Rows against their table's contract: every breach of every row, with the reason a person is told."""

from __future__ import annotations

import re
from functools import lru_cache

import pandera.errors
import pandera.polars as pa
import polars as pl

from data.contracts import Table
from data.mapping import Source
from data.parsing import FAILURES, failed
from data.reading import LINE

#: pandera check (first word) to reason, a word key below ``intake.reason.``.
REASONS = {
    "not_nullable": "missing",
    "isin": "unknown_code",
    "greater_than_or_equal_to": "out_of_range",
    "less_than_or_equal_to": "out_of_range",
}


def _empty(rows: pl.DataFrame, table: Table) -> frozenset[str]:
    """The columns without any value."""
    counts = rows.null_count().row(0, named=True)
    return frozenset(c for c in table.columns if counts[c] == rows.height)


@lru_cache(maxsize=256)
def _filled_part(table: Table, empty: frozenset[str]) -> pa.DataFrameSchema:
    """The contract but for what it says of columns that may be empty and are: to ask each of them takes most of the time."""
    schema = table.contract.to_schema()
    return schema.remove_columns([c for c in empty if schema.columns[c].nullable])


def broken(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Every breach of the contract in ``rows`` (contract columns plus LINE): one row per breach, FAILURES columns."""
    try:
        _filled_part(source.table, _empty(rows, source.table)).validate(rows.drop(LINE), lazy=True)
    except pandera.errors.SchemaErrors as e:
        cases = e.failure_cases
    else:
        return pl.DataFrame(schema=FAILURES)
    lost = cases.filter(pl.col("index").is_null())
    if lost.height:
        raise ValueError(f"contract of {source.table.name} failed as a whole: {lost.head(3)}")
    framewide = pl.col("schema_context") != "Column"
    word = pl.col("check").str.extract(r"^([a-z_]+)")
    known = pl.col("check").str.extract(r"\((.*)\)$")
    numbered = rows.with_row_index("index").with_columns(pl.col("index").cast(pl.Int32))
    cases = cases.join(numbered.select("index", LINE), on="index")
    named = cases.filter(~framewide).select(
        pl.col(LINE),
        column_name=pl.col("column"),
        found=pl.col("failure_case"),
        reason=word.replace(REASONS),
        reason_params=pl.when(known.is_not_null()).then(pl.struct(expected=known).struct.json_encode()),
    )
    return pl.concat([named, *_senseless(cases.filter(framewide), numbered, source)], how="vertical_relaxed")


def _senseless(cases: pl.DataFrame, numbered: pl.DataFrame, source: Source) -> list[pl.DataFrame]:
    """Breaches of what a check says of several columns: found are the values of the columns its words name."""
    found = []
    for (said,), group in cases.unique(["index", "check"]).group_by("check"):
        columns = [c for c in re.findall(r"\w+", said) if c in source.table.columns]
        shown = [pl.format(c + " {}", pl.col(c).cast(pl.String).fill_null("")) for c in columns] or [
            pl.lit(None, pl.String)
        ]
        values = numbered.join(group.select("index"), on="index", how="semi")
        found.append(
            failed(
                values.select(LINE, found=pl.concat_str(shown, separator=", ")),
                columns[0] if columns else None,
                "sense." + said.replace(" ", "_"),
            )
        )
    return found
