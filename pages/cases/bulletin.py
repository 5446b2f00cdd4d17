"""The district bulletin of a period: what it will say, and its draft as a paper."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st

from cases.papers.extracts import BULLETIN_BANDS
from cases.papers.press import LANGUAGES
from data.queries import digest, rankings
from pages.shared import choose, downloads, format, tables

SHOWN = 10


def show(scope, con, t) -> None:
    """For the supervisor: the district at a glance, and the draft in both languages."""
    scope.require("supervisor")
    st.title(t("page.bulletin.title"))
    st.caption(t("page.bulletin.lead"))
    periods = rankings.periods(scope, con)
    box, zh, en = st.columns([2, 1, 1], vertical_alignment="bottom")
    period = choose.must(box, t("filter.period"), periods, name="period", words=lambda p: format.period(p, t))
    for cell, language in zip((zh, en), LANGUAGES, strict=True):
        make = partial(downloads.bulletin, scope, con, language, period=period)
        downloads.paper(cell, f"pdf_{language}", make, t, name=downloads.file_name("bulletin", period, t, language))
    bands = digest.bands_by_area(scope, con, period=period)
    companies = rankings.companies(scope, con, period=period, limit=SHOWN)
    total = companies["total"][0] if companies.height else 0
    st.markdown(
        t("page.bulletin.counts", estates=format.number(int(bands["estates"].sum()), t, 0),
          companies=format.number(total, t, 0), households=format.number(int(bands["households"].sum()), t, 0))
    )  # fmt: skip
    st.subheader(t("page.bulletin.bands"))
    _bands(bands, t)
    st.subheader(t("page.bulletin.ranking"))
    st.caption(t("page.bulletin.ranking_lead", n=format.number(total, t, 0)))
    config = st.column_config
    rows = tables.words_of(tables.scored(tables.named(companies, t)), "band", "band", t)
    columns = {
        "rank": config.NumberColumn(t("column.rank"), width="small"),
        "name": config.TextColumn(t("column.company"), width="large"),
        "final": config.NumberColumn(t("column.score"), format="%.1f", width="small"),
        "interval": config.TextColumn(t("column.interval"), width="small"),
        "ranks": config.TextColumn(t("column.rank_set"), width="small"),
        "band": config.TextColumn(t("column.band"), width="small"),
    }
    tables.show(rows, columns, t, key="bulletin-companies")


def _bands(bands: pl.DataFrame, t) -> None:
    """One sub-district a row, its estates by band."""
    config = st.column_config
    wide = (
        tables.named(bands, t)
        .pivot("band", index="name", values="estates", aggregate_function="sum")
        .with_columns(pl.lit(None, pl.Int64).alias(b) for b in BULLETIN_BANDS if b not in bands["band"].to_list())
    )
    wide = wide.with_columns(pl.col(b).fill_null(0) for b in BULLETIN_BANDS)
    columns = {"name": config.TextColumn(t("filter.subdistrict"), width="medium")}
    columns |= {b: config.NumberColumn(t(f"band.{b}"), width="small") for b in BULLETIN_BANDS}
    tables.show(wide, columns, t, key="bulletin-bands")
