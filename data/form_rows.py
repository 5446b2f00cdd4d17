"""Rows answered on an inspection form, held to the form's version (rules/forms/).

A line of a template that nobody filled in is no record: it is left out and the delivery says how many there were. A row on a form, a
version or an item that does not exist, or on a version not in force on the day of the visit, is set aside with that reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl

from data.forms import forms
from data.mapping import Source
from data.parsing import FAILURES
from data.reading import LINE, Note, Reading

NOTE = "form_lines_blank"


def answered(reading: Reading, source: Source) -> Iterator[pl.DataFrame]:
    """The chunks of a reading without lines left blank; notes on the reading how many there were."""
    blank = 0
    for chunk in reading.chunks:
        if source.form is None:
            yield chunk
            continue
        headings = [h for h in source.form.filled if h in chunk.columns]
        said = [~pl.col(h).fill_null("").str.strip_chars().is_in(source.nothing) for h in headings]
        kept = chunk.filter(pl.any_horizontal(said)) if said else chunk
        blank += chunk.height - kept.height
        yield kept
    if blank:
        reading.notes.append(Note(NOTE, {"n": blank}))


@cache
def _known() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every version with its days (name, version, since, until), and every item of it (name, version, item)."""
    versions = [(f.form, str(f.version), f.valid_from, f.valid_to) for f in forms()]
    items = [(f.form, str(f.version), i.code) for f in forms() for i in f.items]
    return (
        pl.DataFrame(versions, schema=["name", "version", "since", "until"], orient="row"),
        pl.DataFrame(items, schema=["name", "version", "item"], orient="row"),
    )


def off_form(chunk: pl.DataFrame, rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Failures of the rows that their form does not allow.

    Args:
        chunk: the rows as they came. rows: the same rows typed.
    """
    if source.form is None:
        return pl.DataFrame(schema=FAILURES)
    versions, items = _known()
    day = pl.col("inspected_on") if "inspected_on" in rows.columns else pl.lit(None, pl.Date)
    item = pl.col("item_code") if "item_code" in rows.columns else pl.lit(None, pl.String)
    said = chunk.select(
        LINE,
        name=pl.col(source.form.name).str.strip_chars(),
        version=pl.col(source.form.version).str.strip_chars().str.replace(r"\.0$", ""),
    ).join(rows.select(LINE, day=day, item=item), on=LINE)
    said = said.join(versions, on=["name", "version"], how="left")
    said = said.join(items.with_columns(on_form=True), on=["name", "version", "item"], how="left")
    said = said.with_columns(
        reason=pl.when(pl.col("since").is_null())
        .then(pl.lit("form_unknown"))
        .when((pl.col("day") < pl.col("since")) | (pl.col("day") >= pl.col("until")))
        .then(pl.lit("form_not_in_force"))
        .when(pl.col("item").is_not_null() & pl.col("on_form").is_null())
        .then(pl.lit("item_not_on_form"))
    )
    version = pl.concat_str(pl.col("name"), pl.lit(" "), pl.col("version"))
    return said.filter(pl.col("reason").is_not_null()).select(
        LINE,
        column_name=pl.when(pl.col("reason") == "item_not_on_form").then(pl.lit("item_code")),
        found=pl.when(pl.col("reason") == "item_not_on_form").then(pl.col("item")).otherwise(version),
        reason="reason",
        reason_params=pl.lit(None, pl.String),
    )
