"""As known on any day: what was on record then, beside what reads otherwise now."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import polars as pl
import streamlit as st

from data.contracts import TABLES
from data.queries import history
from data.records import StoreBusy
from data.views import Party
from i18n.words import Words
from pages.records.store import records
from pages.records.words import changed, original
from pages.shared import choose, format, place, tables, watch


def show(scope, con, t: Words) -> None:
    """A day, a table, its records as they were known at the end of that day, and how one of them came to read so."""
    scope.require("steward", "supervisor")
    st.title(t("page.known.title"))
    st.caption(t("page.known.lead"))
    left, right = st.columns(2)
    day = _day(left, t)
    table = choose.must(right, t("column.table"), list(TABLES), name="table", words=lambda n: t(f"table.{n}"))
    search = choose.text(st, t("page.known.search"), name="q", hint=t("page.known.search_hint"))
    at = datetime.combine(day + timedelta(days=1), time(), tzinfo=format.DISTRICT_ZONE).astimezone(UTC) - timedelta(
        microseconds=1
    )
    try:
        with records() as store:
            counted = history.counts(scope, store, at=at)
            rows = history.known(
                scope, store, table=table, at=at, search=search, limit=tables.PAGE_ROWS, offset=tables.offset("page")
            )
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    _counts(counted, t)
    st.subheader(t("page.known.records", table=t(f"table.{table}"), day=format.day(day, t)))
    if rows.is_empty():
        st.info(t("page.known.nothing"))
        return
    if not watch.may_show(scope, {table: [Party()]}, t, about=f"{day} {search}".strip()):
        return
    picked = _records(rows, t)
    tables.pager("page", rows["total"][0], t)
    if picked is not None:
        _history(scope, table, rows["record_id"][picked], t)


def _day(box, t: Words) -> date:
    today = datetime.now(format.DISTRICT_ZONE).date()
    try:
        asked = date.fromisoformat(place.asked("day"))
    except ValueError:
        asked = today
    day = box.date_input(
        t("page.known.day"), value=min(asked, today), max_value=today, key="known-day", format="YYYY-MM-DD"
    )
    if isinstance(day, date) and day.isoformat() != place.asked("day") and (place.asked("day") or day != today):
        st.query_params["day"] = day.isoformat()
    return day if isinstance(day, date) else today


def _counts(counted: pl.DataFrame, t: Words) -> None:
    config = st.column_config
    columns = {
        "record_table": config.TextColumn(t("column.table")),
        "stood": config.NumberColumn(t("page.known.then"), format="localized"),
        "stands": config.NumberColumn(t("page.known.now"), format="localized"),
        "revised_since": config.NumberColumn(t("page.known.revised_since"), format="localized"),
    }
    with st.expander(t("page.known.counts", n=format.number(int(counted["stood"].sum()), t, 0))):
        tables.show(tables.words_of(counted, "record_table", "table", t), columns, t, key="known-counts")


def _records(rows: pl.DataFrame, t: Words) -> int | None:
    shown = rows.with_columns(
        said=pl.Series([original(r, t, record=True) for r in rows["row_said"]], dtype=pl.String),
        since=pl.Series([format.moment(m, t) for m in rows["known_from"]], dtype=pl.String),
        until=pl.Series(
            [format.moment(m, t) if m else t("page.known.still") for m in rows["known_to"]], dtype=pl.String
        ),
    )
    config = st.column_config
    columns = {
        "record_id": config.TextColumn(t("column.record_id")),
        "said": config.TextColumn(t("column.record"), width="large"),
        "since": config.TextColumn(t("page.known.since")),
        "until": config.TextColumn(t("page.known.until")),
        "versions": config.NumberColumn(t("page.known.versions"), format="%d", width="small"),
        "file": config.TextColumn(t("column.file")),
        "line": config.NumberColumn(t("column.line"), format="%d", width="small"),
    }
    st.caption(t("page.known.pick"))
    return tables.show(shown, columns, t, key="known-table", pick=True)


def _history(scope, table: str, record_id: str, t: Words) -> None:
    """Every version of one record: since when it read so, and what changed against the one before."""
    with records() as store:
        rows = history.versions_of(scope, store, table=table, record_id=record_id)
    st.subheader(t("page.known.history", record=format.plain(record_id)))
    said = rows["row_said"].to_list()
    turns = [t("page.known.first"), *(_turn(a, b, t) for a, b in pairwise(said))]
    shown = rows.with_columns(
        turn=pl.Series(turns[: rows.height], dtype=pl.String),
        since=pl.Series([format.moment(m, t) for m in rows["known_from"]], dtype=pl.String),
        until=pl.Series(
            [format.moment(m, t) if m else t("page.known.still") for m in rows["known_to"]], dtype=pl.String
        ),
    )
    config = st.column_config
    columns = {
        "delivery_seq": config.NumberColumn(t("column.seq"), format="%d", width="small"),
        "since": config.TextColumn(t("page.known.since")),
        "until": config.TextColumn(t("page.known.until")),
        "turn": config.TextColumn(t("page.known.turn"), width="large"),
        "file": config.TextColumn(t("column.file")),
        "line": config.NumberColumn(t("column.line"), format="%d", width="small"),
    }
    tables.show(shown, columns, t, key="known-versions")


def _turn(before: str, after: str, t: Words) -> str:
    if json.loads(before) == json.loads(after):
        return t("common.none")
    return changed(before, after, t, record=True).removeprefix(t("common.semicolon"))
