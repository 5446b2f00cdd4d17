"""Deliveries: what came in, what was made of it, and handing in a new file."""

from __future__ import annotations

import json
from datetime import datetime

import polars as pl
import streamlit as st

from data.queries import arrivals, desk
from data.reading import EXCEL
from data.records import StoreBusy
from pages.records import handed_in, waiting
from pages.records.store import records
from pages.records.words import all_sources, source_name
from pages.shared import format, tables

TYPES = [e.removeprefix(".") for e in (".csv", ".tsv", ".txt", ".parquet", *EXCEL)]


def show(scope, con, t) -> None:
    """The upload, then every delivery with its counts."""
    scope.require("steward", "supervisor")
    st.title(t("page.deliveries.title"))
    st.caption(t("page.deliveries.lead"))
    _upload(t)
    try:
        with records() as store:
            rows = desk.deliveries(scope, store)
            notes = desk.notes(scope, store)
            held = arrivals.held(scope, store)
            links = arrivals.links(scope, store)
            rhythms = arrivals.rhythms(
                scope, store, today=datetime.now(format.DISTRICT_ZONE).date(), known=all_sources()
            )
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    waiting.show(scope, held, t)
    if rows.is_empty():
        st.info(t("page.deliveries.nothing"))
        return
    waiting.rhythms(rhythms, t, lambda s: source_name(s, t))
    waiting.links(links, t)
    st.caption(t("page.deliveries.count", n=rows["total"][0], shown=rows.height))
    rows = tables.words_of(rows, "record_table", "table", t)
    rows = rows.join(_worded(notes, t), on="delivery_id", how="left")
    config = st.column_config
    columns = {
        "seq": config.NumberColumn(t("column.seq"), width=56, format="%d"),
        "file": config.TextColumn(t("column.file"), width=245),
        "record_table": config.TextColumn(t("column.table"), width=100),
        **{k: config.NumberColumn(t(f"column.{k}"), format="localized", width=80)
           for k in ("rows_read", "accepted", "revised", "unchanged", "set_aside", "waiting")},
        "notes": config.TextColumn(t("column.notes"), width=360),
        "received_at": config.DatetimeColumn(t("column.received_at"), format="YYYY-MM-DD HH:mm", timezone=format.DISTRICT_ZONE.key),
        "encoding": config.TextColumn(t("column.encoding"), width="small"),
        "sha256": config.TextColumn(t("column.sha256"), width="small", help=t("column.sha256_help")),
    }  # fmt: skip
    tables.show(rows, columns, t, key="deliveries-table")


def _worded(notes: pl.DataFrame, t) -> pl.DataFrame:
    """What was noticed of each delivery in words: delivery_id, notes."""
    said = [waiting.noticed(n, json.loads(p or "{}"), t) for n, p in notes.select("note", "params").iter_rows()]
    worded = notes.select("delivery_id").with_columns(notes=pl.Series(said, dtype=pl.String))
    return worded.group_by("delivery_id", maintain_order=True).agg(pl.col("notes").str.join(t("common.semicolon")))


def _upload(t) -> None:
    """Save the file in the inbox and load it with the nightly job's own command, in a process of its own."""
    with st.form("upload", clear_on_submit=True):
        label = t("page.deliveries.choose", megabytes=st.get_option("server.maxUploadSize"))
        file = st.file_uploader(label, type=TYPES, help=t("page.deliveries.choose_help"))
        pressed = st.form_submit_button(t("page.deliveries.load"), type="primary")
    if pressed and file is None:
        st.warning(t("page.deliveries.no_file"))
    if pressed and file is not None:
        handed_in.load(handed_in.save(file), t)
    handed_in.show_result(t)
