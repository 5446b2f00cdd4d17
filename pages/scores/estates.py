"""The ranking of estates."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st

from data.codes import ESTATE_CLASSES
from data.edition_tables import STEPS
from data.queries import rankings
from pages.shared import beside, choose, downloads, format, go, tables

SIZES = ("small", "medium", "large")


def show(scope, con, t) -> None:
    """Estates with filters; best first unless asked otherwise."""
    scope.require("supervisor", "subdistrict", "station")
    st.title(t("page.estates.title"))
    st.caption(t("page.estates.lead"))
    chosen, said = _filters(scope, con, t)
    rows = rankings.estates(scope, con, **chosen, limit=tables.PAGE_ROWS, offset=tables.offset("page"))
    if rows.is_empty():
        st.info(t("page.estates.nothing"))
        return
    st.caption(t("page.estates.count", n=rows["total"][0]) + " " + t("page.estates.how_to_open"))
    rows = beside.cut(beside.replies(rows, "estate_id", scope, con, chosen["period"], t), t)
    picked = tables.show(worded(rows, t), columns(t, beside.reply_column(rows, t)), t, key="estates-table", pick=True)
    tables.pager("page", rows["total"][0], t)
    make = partial(downloads.estates, scope, con, t, chosen=chosen, filters=said)
    downloads.workbook(st, "ranking", make, t, name=downloads.file_name("estates", chosen["period"], t))
    if picked is not None:
        go.to("estate", estate=rows["estate_id"][picked], period=chosen["period"])


def _filters(scope, con, t) -> tuple[dict, str]:
    """What the viewer asks for, and the same in words; every choice stands in the address."""
    areas = rankings.areas(scope, con)
    names = {r["area_id"]: format.name(r, t) for r in areas.iter_rows(named=True)}
    subs = areas.filter(pl.col("kind") == "subdistrict")["area_id"].to_list()
    stations = areas.filter(pl.col("kind") == "station")["area_id"].to_list()
    first, second = st.columns(4), st.columns(4)
    periods, everything = rankings.periods(scope, con), t("filter.all")

    def one(box, label: str, options, name: str, words) -> str | None:
        return choose.one(box, t(f"filter.{label}"), options, name=name, words=words, everything=everything)

    period = choose.must(first[0], t("filter.period"), periods, name="period", words=lambda p: format.period(p, t))
    estate_class = one(first[1], "class", ESTATE_CLASSES, "class", lambda c: t(f"estate_class.{c}"))
    size = one(first[2], "size", SIZES, "size", lambda s: t(f"size_band.{s}"))
    step = one(first[3], "step", STEPS, "step", lambda s: t(f"ladder.step.{s}.name"))
    subdistrict = station = None
    if scope.role == "supervisor":
        subdistrict = one(second[0], "subdistrict", subs, "subdistrict", names.__getitem__)
    if scope.role != "station":
        station = one(second[1], "station", stations, "station", names.__getitem__)
    search = choose.text(second[2], t("filter.search_estate"), name="search", hint=t("filter.search_estate_hint"))
    order = choose.must(
        second[3], t("filter.order"), ("best", "worst"), name="order", words=lambda o: t(f"filter.order_{o}")
    )
    spoken = [
        f"{t(f'filter.{label}')}{t('common.colon')}{words}"
        for label, words in (
            ("class", estate_class and t(f"estate_class.{estate_class}")), ("size", size and t(f"size_band.{size}")),
            ("step", step and t(f"ladder.step.{step}.name")), ("subdistrict", subdistrict and names[subdistrict]),
            ("station", station and names[station]), ("search_estate", search),
            ("order", t(f"filter.order_{order}")),
        )
        if words
    ]  # fmt: skip
    return {
        "period": period, "estate_class": estate_class, "size": size, "step": step, "subdistrict": subdistrict,
        "station": station, "search": search, "worst_first": order == "worst",
    }, t("common.separator").join(spoken)  # fmt: skip


def worded(rows: pl.DataFrame, t) -> pl.DataFrame:
    """Names and codes in the viewer's language; scores where rated or provisional."""
    rows = tables.scored(tables.named(rows, t)).with_columns(
        step=pl.col("step").fill_null("none"),
        place=pl.when(pl.col("rank_in_class").is_not_null()).then(
            pl.format("{} / {}", "rank_in_class", "class_size")
        ),
    )  # fmt: skip
    steps = {s: t(f"ladder.step.{s}.name") for s in STEPS}
    rows = rows.with_columns(pl.col("step").replace_strict(steps, return_dtype=pl.String))
    return tables.words_of(tables.words_of(rows, "band", "band", t), "estate_class", "estate_class", t)


def columns(t, replies: dict) -> dict:
    config = st.column_config
    subs = {
        k: config.NumberColumn(t(f"subindex_short.{k}"), format="%.0f", width="small", help=t(f"subindex.{k}"))
        for k in rankings.SUBINDICES
    }
    return {
        "name": config.TextColumn(t("column.estate"), width=165),
        "final": config.NumberColumn(t("column.score"), format="%.1f", width=60, help=t("column.score_help")),
        "interval": config.TextColumn(t("column.interval"), width=90, help=t("column.interval_help")),
        "band": config.TextColumn(t("column.band"), width="small"),
        **replies,
        "place": config.TextColumn(t("column.rank_in_class"), width="small", help=t("column.rank_in_class_help")),
        "tier": config.NumberColumn(t("standing.tier"), width=50, help=t("standing.tier_help")),
        "ranks": config.TextColumn(t("column.rank_interval"), width="small", help=t("column.rank_interval_help")),
        "step": config.TextColumn(t("column.step"), width="small"),
        "trend": config.LineChartColumn(
            t("column.trend"), y_min=40, y_max=100, help=t("column.trend_help"), width="small"
        ),
        **subs,
        "estate_class": config.TextColumn(t("column.class"), width="small"),
        "households": config.NumberColumn(t("column.households"), format="localized", width="small"),
    }
