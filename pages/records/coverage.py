"""Coverage: which estates lack what, since when, and who should deliver it (indicator D05)."""

from __future__ import annotations

import polars as pl
import streamlit as st

import metrics
from data.queries import coverage, rankings
from i18n.words import Words
from pages.shared import choose, format, tables

#: Bodies that answer for an estate's records: whose name stands in the row.
NAMED = {"company": "company", "police": "station", "fire": "station", "population": "station", "inspection": "subdistrict",
         "authority": "subdistrict", "survey": "subdistrict"}  # fmt: skip


def show(scope, con, t: Words) -> None:
    """Indicators by how many estates lack them; what is missing, longest first; estates by what they have."""
    scope.require("steward", "supervisor", "subdistrict", "station")
    st.title(t("page.coverage.title"))
    period = format.period(rankings.edition(scope, con)["period"], t)
    st.caption(t("page.coverage.lead", period=period))
    per_metric = coverage.by_metric(scope, con)
    if per_metric.is_empty():
        st.info(t("page.coverage.nothing"))
        return
    _metrics(per_metric, t)
    left, right = st.columns(2)
    names = per_metric.filter(pl.col("lacking") > 0)["metric"].to_list()
    metric = choose.one(
        left,
        t("column.metric"),
        names,
        name="metric",
        words=lambda m: t(f"metric.{m}.name"),
        everything=t("filter.all"),
    )
    search = choose.text(right, t("filter.search_estate"), name="q", hint=t("filter.search_estate_hint"))
    st.subheader(t("page.coverage.missing"))
    rows = coverage.lacking(
        scope, con, metric=metric, search=search, limit=tables.PAGE_ROWS, offset=tables.offset("page")
    )
    if rows.is_empty():
        st.success(t("page.coverage.nothing_missing"))
    else:
        _missing(rows, t)
        tables.pager("page", rows["total"][0], t)
    st.subheader(t("page.coverage.estates"))
    found = coverage.by_estate(scope, con, search=search, limit=tables.PAGE_ROWS, offset=tables.offset("estates_page"))
    _estates(found, t)
    if found.height:
        tables.pager("estates_page", found["total"][0], t)


def body(metric: str, t: Words) -> str:
    """The body a metric's records come from."""
    return t(f"body.{metrics.ALL[metric].source}")


def _metrics(rows: pl.DataFrame, t: Words) -> None:
    shown = rows.with_columns(
        name=pl.Series([t(f"metric.{m}.name") for m in rows["metric"]], dtype=pl.String),
        body=pl.Series([body(m, t) for m in rows["metric"]], dtype=pl.String),
        table=pl.Series([t(f"table.{metrics.ALL[m].record}") for m in rows["metric"]], dtype=pl.String),
        share=(pl.col("lacking") / pl.col("applies") * 100),
    )
    config = st.column_config
    columns = {
        "name": config.TextColumn(t("column.metric")),
        "table": config.TextColumn(t("column.table")),
        "body": config.TextColumn(t("page.coverage.body")),
        "applies": config.NumberColumn(t("page.coverage.applies"), format="localized"),
        "lacking": config.NumberColumn(t("page.coverage.lacking"), format="localized"),
        "share": config.ProgressColumn(t("page.coverage.share"), format="%.0f%%", min_value=0, max_value=100),
    }
    tables.show(shown, columns, t, key="coverage-metrics")


def _missing(rows: pl.DataFrame, t: Words) -> None:
    shown = tables.named(rows, t).with_columns(
        indicator=pl.Series([t(f"metric.{m}.name") for m in rows["metric"]], dtype=pl.String),
        since=pl.Series([_since(r, t) for r in rows.iter_rows(named=True)], dtype=pl.String),
        who=pl.Series([who(r, t) for r in rows.iter_rows(named=True)], dtype=pl.String),
    )
    config = st.column_config
    columns = {
        "name": config.TextColumn(t("column.estate")),
        "indicator": config.TextColumn(t("column.metric")),
        "since": config.TextColumn(t("page.coverage.since")),
        "who": config.TextColumn(t("page.coverage.who"), width="large"),
        "estate_id": config.TextColumn(t("page.coverage.code"), width="small"),
    }
    tables.show(shown, columns, t, key="coverage-missing")


def _since(row: dict, t: Words) -> str:
    """The day of the last record, or that there has been none."""
    if row["last_on"] is None:
        return t("page.coverage.never")
    return t("page.coverage.last_on", day=format.day(row["last_on"], t))


def who(row: dict, t: Words) -> str:
    """Who should deliver: the body, with the name of the company, station or sub-district in charge of the estate."""
    source = metrics.ALL[row["metric"]].source
    prefix = NAMED.get(source)
    if prefix is None or not row[f"{prefix}_zh"]:
        return t(f"body.{source}")
    return t("page.coverage.of", body=t(f"body.{source}"), name=format.name(row, t, prefix))


def _estates(rows: pl.DataFrame, t: Words) -> None:
    shown = tables.words_of(tables.named(rows, t), "estate_class", "estate_class", t).with_columns(
        share=pl.col("covered") * 100
    )
    config = st.column_config
    columns = {
        "name": config.TextColumn(t("column.estate")),
        "estate_class": config.TextColumn(t("column.class")),
        "applies": config.NumberColumn(t("page.coverage.indicators"), format="localized"),
        "lacking": config.NumberColumn(t("page.coverage.without"), format="localized"),
        "share": config.ProgressColumn(
            t("metric.indicator_coverage.name"), format="%.0f%%", min_value=0, max_value=100
        ),
        "estate_id": config.TextColumn(t("page.coverage.code"), width="small"),
    }
    tables.show(shown, columns, t, key="coverage-estates")
