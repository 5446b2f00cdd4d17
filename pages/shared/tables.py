"""Tables: translated headings, one way to page through them, one way to open a row."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from i18n.words import Words

PAGE_ROWS = 50
TWO_LINES = 66  # pixels of a row whose text wraps to two lines; up to 64 nothing wraps
SHORT, TALL = 30, 720  # rows shown without a scroll bar; pixels where there are more


def offset(name: str) -> int:
    """First row of the page the address asks for (``?<name>=2``)."""
    asked = st.query_params.get(name, "1")
    return (int(asked) - 1) * PAGE_ROWS if asked.isdigit() and 1 <= int(asked) <= 10_000 else 0


def pager(name: str, total: int, t: Words) -> None:
    """Previous and next, with where one stands."""
    pages = max(1, -(-total // PAGE_ROWS))
    if pages == 1:
        return
    page = offset(name) // PAGE_ROWS + 1
    back, here, forth = st.columns([1, 2, 1], vertical_alignment="center")
    if back.button(t("common.previous"), disabled=page <= 1, key=f"{name}-back", width="stretch"):
        st.query_params[name] = str(page - 1)
        st.rerun()
    here.markdown(f"<div style='text-align:center'>{t('common.page_of', page=page, pages=pages, total=total)}</div>",
                  unsafe_allow_html=True)  # fmt: skip
    if forth.button(t("common.next"), disabled=page >= pages, key=f"{name}-forth", width="stretch"):
        st.query_params[name] = str(page + 1)
        st.rerun()


def show(
    frame: pl.DataFrame, columns: dict, t: Words, *, key: str, pick: bool = False, row_height: Any = None
) -> int | None:
    """Draw a table; returns the row picked, if rows can be picked.

    Args:
        columns: column name to column_config, in order; headings are already translated.
        row_height: pixels; rows tall enough wrap their text.
    """
    chosen = frame.select(list(columns))
    height: Any = "content" if chosen.height <= SHORT else TALL
    if not pick:
        st.dataframe(
            chosen,
            column_config=columns,
            hide_index=True,
            key=key,
            width="stretch",
            height=height,
            row_height=row_height,
            placeholder=t("common.none"),
        )
        return None
    event = st.dataframe(
        chosen, column_config=columns, hide_index=True, key=key, width="stretch", on_select="rerun",
        selection_mode="single-row", height=height, row_height=row_height,
        placeholder=t("common.none"),
    )  # fmt: skip
    rows = event.selection.rows
    return rows[0] if rows else None


def words_of(frame: pl.DataFrame, column: str, kind: str, t: Words) -> pl.DataFrame:
    """Replace a column's codes by their words (there are few distinct codes)."""
    found = {c: t(f"{kind}.{c}") for c in frame[column].unique().drop_nulls().to_list()}
    return frame.with_columns(
        pl.col(column)
        .replace_strict(found, default=t("common.none"), return_dtype=pl.String)
        .fill_null(t("common.none"))
    )


def named(frame: pl.DataFrame, t: Words, prefix: str = "name", into: str = "name") -> pl.DataFrame:
    """Add column ``into``: the name in the viewer's language, else the Chinese one."""
    return frame.with_columns(pl.coalesce(f"{prefix}_{t.language}", f"{prefix}_zh").alias(into))


def scored(frame: pl.DataFrame) -> pl.DataFrame:
    """Make scores fit to show: ``final`` and ``interval`` where rated or provisional, ``ranks`` where ranked.

    ``band`` becomes the state's own word where there is no band (provisional, not rated).
    """
    shown = pl.col("state") != "not_rated"
    low, high = (pl.col(name).round(1) for name in ("lo", "hi"))
    return frame.with_columns(
        pl.when(shown).then(pl.col("final").round(1)).alias("final"),
        interval=pl.when(shown).then(pl.format("{}–{}", low, high)),
        ranks=pl.when(pl.col("rank_lo").is_not_null()).then(pl.format("{}–{}", "rank_lo", "rank_hi")),
        band=pl.when(pl.col("state") == "rated").then("band").otherwise("state"),
    )
