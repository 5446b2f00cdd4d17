"""Rows set aside: file, line, column, what was found, why, and the row as it came."""

from __future__ import annotations

import json

import polars as pl
import streamlit as st

from data.queries import desk
from data.records import StoreBusy
from pages.records.store import records
from pages.shared import choose, tables


def show(scope, con, t) -> None:
    """Every failure of every row set aside, newest delivery first."""
    scope.require("steward", "supervisor")
    st.title(t("page.set_aside.title"))
    st.caption(t("page.set_aside.lead"))
    try:
        with records() as store:
            counts = desk.reasons(scope, store)
            names = counts["reason"].to_list()
            reason = choose.one(
                st, t("filter.reason"), names, name="reason", words=lambda r: _reason(r, t), everything=t("filter.all")
            )
            rows = desk.set_aside(scope, store, reason=reason, limit=tables.PAGE_ROWS, offset=tables.offset("page"))
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    if rows.is_empty():
        st.success(t("page.set_aside.nothing"))
        return
    worded = rows.with_columns(
        why=pl.Series([_reason(r, t) for r in rows["reason"]]),
        column=pl.Series(
            [
                t(f"field.{c}") if c and t.has(f"field.{c}") else (c or t("page.set_aside.whole_row"))
                for c in rows["column_name"]
            ]
        ),
        as_it_came=pl.Series([_original(o, t) for o in rows["original"]]),
    )
    worded = tables.words_of(worded, "record_table", "table", t)
    config = st.column_config
    columns = {
        "file": config.TextColumn(t("column.file")),
        "line": config.NumberColumn(t("column.line"), format="%d", width="small"),
        "column": config.TextColumn(t("column.column")),
        "found": config.TextColumn(t("column.found")),
        "why": config.TextColumn(t("column.reason")),
        "as_it_came": config.TextColumn(t("column.original"), width="large"),
        "record_table": config.TextColumn(t("column.table"), width="small"),
    }
    tables.show(worded, columns, t, key="set-aside-table")
    tables.pager("page", rows["total"][0], t)
    st.caption(t("page.set_aside.remedy"))


def _reason(reason: str, t) -> str:
    key = f"intake.reason.{reason}"
    return (
        t(key) if t.has(key) else t("intake.reason.sense_other", said=reason.removeprefix("sense.").replace("_", " "))
    )


def _original(text: str, t) -> str:
    row = json.loads(text)
    return t("common.semicolon").join(f"{k}{t('common.colon')}{v}" for k, v in row.items() if v not in (None, ""))
