"""The ranking of companies."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st

from data.queries import rankings
from pages.shared import beside, charts, choose, downloads, format, go, tables


def show(scope, con, t) -> None:
    """Companies best first; unrated ones last, never as worst."""
    scope.require("supervisor", "subdistrict", "station")
    st.title(t("page.companies.title"))
    periods = rankings.periods(scope, con)
    st.caption(t("page.companies.lead") if scope.role == "supervisor" else t("page.companies.lead_area"))
    left, right = st.columns([1, 2])
    period = choose.must(left, t("filter.period"), periods, name="period", words=lambda p: format.period(p, t))
    search = choose.text(right, t("filter.search_company"), name="search", hint=t("filter.search_company_hint"))
    counts = rankings.company_bands(scope, con, period=period)
    charts.bands(dict(counts.iter_rows()), t, key="company-bands")
    rows = rankings.companies(
        scope, con, period=period, search=search, limit=tables.PAGE_ROWS, offset=tables.offset("page")
    )
    if rows.is_empty():
        st.info(t("page.companies.nothing"))
        return
    st.caption(t("page.companies.how_to_open"))
    rows = beside.cut(beside.replies(rows, "company_id", scope, con, period, t), t)
    picked = tables.show(_worded(rows, t), _columns(rows, t), t, key="companies-table", pick=True)
    tables.pager("page", rows["total"][0], t)
    make = partial(downloads.companies, scope, con, t, period=period, search=search)
    downloads.workbook(st, "ranking", make, t, name=downloads.file_name("companies", period, t))
    if picked is not None:
        go.to("company", company=rows["company_id"][picked], period=period)


def _worded(rows: pl.DataFrame, t) -> pl.DataFrame:
    return tables.words_of(tables.scored(tables.named(rows, t)), "band", "band", t)


def _columns(rows: pl.DataFrame, t) -> dict:
    config = st.column_config
    return {
        "rank": config.NumberColumn(t("column.rank"), width=50, help=t("column.rank_help")),
        "name": config.TextColumn(t("column.company"), width=190),
        "final": config.NumberColumn(t("column.score"), format="%.1f", width=60, help=t("column.score_help")),
        "interval": config.TextColumn(t("column.interval"), width="small", help=t("column.interval_help")),
        "tier": config.NumberColumn(t("standing.tier"), width=60, help=t("standing.tier_help")),
        "ranks": config.TextColumn(t("column.rank_set"), width="small", help=t("column.rank_set_help")),
        "band": config.TextColumn(t("column.band"), width="small"),
        **beside.reply_column(rows, t),
        "trend": config.LineChartColumn(t("column.trend"), y_min=40, y_max=100, help=t("column.trend_help")),
        "worst_fifth": config.NumberColumn(t("column.worst_fifth"), format="%.1f", help=t("column.worst_fifth_help")),
        "units_rated": config.NumberColumn(t("column.units_rated"), width="small"),
        "households": config.NumberColumn(t("column.households"), format="localized"),
        "due_estates": config.NumberColumn(t("column.due_estates"), width="small"),
    }
