"""The district bulletin of a period: what it will say, and its draft as a paper."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st

from cases import bulletins
from cases.papers.extracts import BULLETIN_BANDS
from cases.papers.press import LANGUAGES
from data.queries import bulletins as issued
from data.queries import digest, rankings
from pages.shared import casework, choose, downloads, format, tables

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
    _issue(scope, con, period, t)
    _issued(scope, con, t)


def _issue(scope, con, period: str, t) -> None:
    """The form that numbers, signs and keeps the bulletin of the period."""
    st.subheader(t("bulletin.issue"))
    st.caption(t("bulletin.issue_lead"))
    if told := st.session_state.pop("bulletin_said", None):
        st.success(told)
    with st.form("bulletin-issue"):
        reason = st.text_area(t("bulletin.issue_reason"), key="bulletin-reason")
        pressed = st.form_submit_button(t("bulletin.press"), type="primary")
    if pressed:
        desk = casework.desk(scope)
        with st.spinner(t("page.case.working")):
            code = casework.tried(lambda: bulletins.issue(desk, con, period=period, reason=reason or ""), t)
        if code:
            row = issued.issued(scope, con, desk.ledger, check_code=code).row(0, named=True)
            number = format.plain(row[f"number_{t.language}"])
            st.session_state["bulletin_said"] = t("bulletin.done", number=number, code=code)
            st.rerun()


def _issued(scope, con, t) -> None:
    """Every bulletin issued: number, day, check code, whether it holds; the files of the one chosen; its withdrawal."""
    st.subheader(t("bulletin.issued"))
    desk = casework.desk(scope)
    rows = issued.issued(scope, con, desk.ledger)
    if rows.is_empty():
        st.caption(t("bulletin.none"))
        return
    said = bulletins.listed(rows, t)
    frame = pl.DataFrame(
        {
            "number": [number for number, _ in said], "period": [format.period(p, t) for p in rows["period"]],
            "on": [format.moment(at, t) for at in rows["made_at"]], "standing": [standing for _, standing in said],
            "code": rows["check_code"], "edition": rows["edition"],
        }
    )  # fmt: skip
    widths = {"number": 150, "period": 115, "on": 145, "standing": 345, "code": 140, "edition": 85}
    titles = {c: t("filter.period") if c == "period" else t(f"bulletin.{c}") for c in widths}
    columns = {c: st.column_config.TextColumn(titles[c], width=w) for c, w in widths.items()}
    tables.show(frame, columns, t, key="bulletins-issued")
    i = st.selectbox(t("bulletin.choose"), range(rows.height), format_func=lambda n: said[n][0], key="bulletin-chosen")
    row = rows.row(i, named=True)
    for cell, language in zip(st.columns(4), LANGUAGES, strict=False):
        name, kind, pdf = issued.bulletin_file(scope, con, desk.ledger, sha256=row[f"sha256_{language}"]) or (
            "",
            "",
            b"",
        )
        cell.download_button(t(f"download.pdf_{language}"), data=pdf, file_name=name, mime=kind, on_click="ignore", icon="⬇️",
                             key=f"bulletin-{row['check_code']}-{language}")  # fmt: skip
    st.caption(t("bulletin.hashes", zh=row["sha256_zh"], en=row["sha256_en"]))
    if row["withdrawn_at"] is None:
        _withdraw(desk, con, row["check_code"], t)


def _withdraw(desk, con, code: str, t) -> None:
    with st.expander(t("bulletin.withdraw")), st.form("bulletin-withdraw", border=False):
        reason = st.text_area(t("bulletin.withdraw_reason"), key="bulletin-withdraw-reason")
        if st.form_submit_button(t("bulletin.withdraw_press")) and casework.tried(
            lambda: bulletins.withdraw(desk, con, check_code=code, reason=reason or ""), t
        ):
            st.rerun()


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
