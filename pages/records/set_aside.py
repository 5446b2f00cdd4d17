"""The steward's desk: rows set aside by delivery and reason, the original beside the reason, and what became of them."""

from __future__ import annotations

import json

import polars as pl
import streamlit as st

from data.queries import desk
from data.records import StoreBusy
from data.views import Party
from i18n.words import Words
from pages.records import mending
from pages.records.store import records
from pages.records.words import changed, column_words, original, reason_words, source_name
from pages.shared import choose, format, tables, watch


def show(scope, con, t) -> None:
    """What waits, by delivery and reason; the rows; mending them; what was done so far."""
    scope.require("steward", "supervisor")
    st.title(t("page.set_aside.title"))
    st.caption(t("page.set_aside.lead"))
    mending.said(t)
    try:
        with records() as store:
            asked = _choices(scope, store, t)
            waiting = desk.waiting(scope, store, state=asked["state"])
            rows = desk.set_aside(scope, store, **asked, limit=tables.PAGE_ROWS, offset=tables.offset("page"))
            one_kind = asked["source"] and asked["reason"]
            found = desk.found(scope, store, source=asked["source"], reason=asked["reason"]) if one_kind else None
            estates = desk.estates(scope, store) if one_kind else None
            acts = desk.acts(scope, store)
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    if rows.is_empty():
        st.success(t("page.set_aside.nothing"))
    else:
        _overview(waiting, asked, t)
        read = {table: [Party()] for table in sorted(rows["record_table"].unique())}
        if watch.may_show(scope, read, t, about=" ".join(["set_aside", *(v for v in asked.values() if v)])):
            _rows(rows, asked, t)
            if scope.role == "steward" and asked["state"] in ("open", "waived"):
                mending.show(scope, rows, asked, found, estates, t)
    _acts(acts, t)


def _choices(scope, store, t: Words) -> dict[str, str | None]:
    """What the viewer asks for: state, source, reason, delivery; None = all."""
    boxes = [*st.columns(2), *st.columns(2)]
    state = choose.must(
        boxes[0], t("desk.state"), list(desk.STATES), name="state", words=lambda s: t(f"desk.states.{s}")
    )
    counted = desk.reasons(scope, store, state=state)
    everything = t("filter.all")
    source = choose.one(
        boxes[1], t("desk.source"), sorted(counted["source"].unique()), name="source",
        words=lambda s: source_name(s, t), everything=everything,
    )  # fmt: skip
    of_source = counted if source is None else counted.filter(pl.col("source") == source)
    names = of_source.group_by("reason", maintain_order=True).agg(pl.col("n").sum())
    many = dict(names.iter_rows())
    reason = choose.one(
        boxes[2], t("filter.reason"), list(many), name="reason", everything=everything,
        words=lambda r: t("desk.reason_count", reason=reason_words(r, t), n=many[r]),
    )  # fmt: skip
    listed = desk.waiting(scope, store, state=state)
    files = dict(listed.select("delivery_id", "file").unique(maintain_order=True).iter_rows())
    delivery = choose.one(
        boxes[3], t("desk.delivery"), list(files), name="delivery", words=lambda d: files[d], everything=everything
    )
    return {"state": state, "source": source, "reason": reason, "delivery_id": delivery}


def _overview(waiting: pl.DataFrame, asked: dict, t: Words) -> None:
    """How many rows of each delivery were set aside for each reason."""
    for column, value in (
        ("source", asked["source"]),
        ("reason", asked["reason"]),
        ("delivery_id", asked["delivery_id"]),
    ):
        waiting = waiting if value is None else waiting.filter(pl.col(column) == value)
    shown = waiting.with_columns(
        why=pl.Series([reason_words(r, t) for r in waiting["reason"]], dtype=pl.String),
        came=pl.Series([format.moment(m, t) for m in waiting["received_at"]], dtype=pl.String),
    )
    config = st.column_config
    columns = {
        "file": config.TextColumn(t("column.file")),
        "came": config.TextColumn(t("column.received_at")),
        "why": config.TextColumn(t("column.reason")),
        "n": config.NumberColumn(t("desk.rows"), format="localized", width="small"),
    }
    with st.expander(t("desk.overview", n=int(waiting["n"].sum()), groups=waiting.height)):
        tables.show(shown, columns, t, key="waiting-table")


def _rows(rows: pl.DataFrame, asked: dict, t: Words) -> None:
    worded = rows.with_columns(
        why=pl.Series([reason_words(r, t, p) for r, p in rows.select("reason", "reason_params").iter_rows()]),
        column=pl.Series([column_words(c, t) for c in rows["column_name"]]),
        as_it_came=pl.Series([original(o, t) for o in rows["original"]]),
        settled=pl.Series([_settled(r, t) for r in rows.iter_rows(named=True)], dtype=pl.String),
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
    if asked["state"] != "open":
        columns = {"settled": config.TextColumn(t("desk.settled"), width="large"), **columns}
    tables.show(worded, columns, t, key="set-aside-table")
    tables.pager("page", rows["total"][0], t)
    st.caption(t("page.set_aside.remedy"))


def _settled(row: dict, t: Words) -> str:
    """How a row was settled, by whom and why."""
    if row["state"] in ("mended", "waived"):
        what = t(f"desk.states.{row['state']}")
        after = changed(row["original"], row["after"], t) if row["after"] else ""
        return t("desk.settled_by", what=what, by=row["done_by"], why=row["why"], act=row["act_id"]) + after
    return t("desk.settled_later", what=t(f"desk.states.{row['state']}"), seq=row["settled_by_seq"] or 0)


def _acts(acts: pl.DataFrame, t: Words) -> None:
    """What was done at the desk, newest first."""
    st.subheader(t("desk.acts"))
    if acts.is_empty():
        st.caption(t("desk.no_acts"))
        return
    shown = acts.with_columns(
        what=pl.Series([t(f"desk.kinds.{k}") for k in acts["kind"]], dtype=pl.String),
        when=pl.Series([format.moment(m, t) for m in acts["done_at"]], dtype=pl.String),
        altered=pl.Series([_altered(c, t) for c in acts["changes"]], dtype=pl.String),
    )
    config = st.column_config
    columns = {
        "act_id": config.TextColumn(t("desk.act")),
        "when": config.TextColumn(t("desk.when")),
        "done_by": config.TextColumn(t("desk.who")),
        "what": config.TextColumn(t("desk.what")),
        "row_count": config.NumberColumn(t("desk.rows"), format="localized", width="small"),
        "altered": config.TextColumn(t("desk.altered")),
        "why": config.TextColumn(t("desk.why"), width="large"),
        "delivery_id": config.TextColumn(t("desk.delivery")),
    }
    tables.show(shown, columns, t, key="acts-table")


def _altered(text: str | None, t: Words) -> str:
    if not text:
        return t("common.none")
    said = json.loads(text)
    return f"{column_words(said['column'], t)}{t('common.colon')}{said['from']} → {said['to']}"
