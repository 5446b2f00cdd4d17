"""One company: its score, its rank, its worst fifth, and the estates it is made of."""

from __future__ import annotations

import polars as pl
import streamlit as st

from cases.explanations import company_sentence
from data.queries import files, rankings, reasons
from metrics.calendar import Quarter
from pages.shared import beside, charts, downloads, format, go, place, rule, tables, why


def show(scope, con, t) -> None:
    """The company the address names; a manager's own where it names none."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    periods = rankings.periods(scope, con)
    period = place.asked_period(periods)
    company_id = place.asked("company") or scope.company_id or ""
    company = files.company(scope, con, company_id=company_id, period=period)
    back = "scorecard" if scope.role == "manager" else "companies"
    go.link(back, t("common.back_to", page=t(f"page.{back}.menu")))
    if company is None:
        st.title(t("page.company.not_found_title"))
        st.info(t("page.company.not_found"))
        return
    header(company, period, t)
    closings(files.closings_of(scope, con, company_id=company_id), t)
    if scope.role in ("supervisor", "manager"):
        downloads.scorecard_buttons(scope, con, company_id, period, t)
    beside.cases(scope, con, t, company_id=company_id)
    go.link("history", t("page.history.of_company"), company=company_id)
    if company["state"] == "rated":
        _why(scope, con, company, period, t)
    past = files.company_history(scope, con, company_id=company_id)
    st.subheader(t("page.estate.history"))
    charts.history(past.to_dicts(), t, key="company-history", bands=rule.bands(periods[0]))
    st.subheader(t("page.company.units"))
    st.caption(
        t("page.company.units_lead") if scope.role in ("supervisor", "manager") else t("page.company.units_area")
    )
    units_table(files.company_units(scope, con, company_id=company_id, period=period), period, t)


def _why(scope, con, company: dict, period: str, t) -> None:
    """One sentence on the score and its change; to those who see all its units, every line of the change."""
    asked = {"company_id": company["party_id"]}
    parts, then = reasons.parts_of_company(scope, con, period=period, **asked), None
    since, sure = str(Quarter.parse(period) - 1), rule.index(period)["change_sure"]
    before = files.company(scope, con, period=since, **asked)
    if before is not None and before["state"] == "rated":
        earlier = reasons.parts_of_company(scope, con, period=since, **asked)
        if (parts.height, earlier.height) == (company["units_rated"], before["units_rated"]):
            then = before, earlier, sure
    st.markdown(f"**{format.plain(company_sentence(company, parts, t, then))}**")
    if then is not None:
        why.change_of_company(company, parts, *then[:2], t)


def header(company: dict, period: str, t) -> None:
    """Score, band, rank, worst fifth."""
    st.title(format.plain(format.name(company, t)))
    rated = company["state"] == "rated"
    cells = st.columns(4)
    cells[0].metric(t("column.score"), format.number(company["final"], t) if rated else t("state.not_rated"))
    cells[1].metric(t("column.band"), t(f"band.{company['band']}") if rated else t("common.none"))
    rank = f"{company['rank']} / {company['ranked']}" if company["rank"] else t("common.none")
    cells[2].metric(t("column.rank"), rank, help=t("column.rank_help"))
    if company["rank_lo"]:
        ranks = f"{company['rank_lo']}–{company['rank_hi']}"
        cells[2].caption(f"{t('column.rank_set')} {ranks}", help=t("column.rank_set_help"))
        cells[2].caption(t("standing.alike_companies", n=format.number(company["alike"], t, 0)))
    cells[3].metric(
        t("column.worst_fifth"), format.number(company["worst_fifth"], t), help=t("column.worst_fifth_help")
    )
    st.caption(
        t("page.company.facts", period=format.period(period, t), code=format.plain(company["party_id"]),
          units=format.number(company["units"], t, 0), rated=format.number(company["units_rated"], t, 0),
          households=format.number(company["households"], t, 0))
    )  # fmt: skip
    if rated and company["sd"] is not None:
        st.caption(t("page.company.sure", interval=format.interval(company["lo"], company["hi"], t)))
    if not rated:
        st.info(t("page.estate.why_not_rated", reasons=format.codes("not_rated", company["why_not_rated"], t)))
    elif company["mean"] - company["final"] > 0.05:
        st.warning(
            t("page.company.guarded", mean=format.number(company["mean"], t), final=format.number(company["final"], t))
        )


def closings(row: dict | None, t) -> None:
    """What the hazards seen again at random take off those nobody saw again, where they take anything off."""
    if row is None or not row["applied"] or not row["unseen"]:
        return
    told = {name: format.number(row[name], t, 0) for name in ("picked", "undone", "unseen")}
    st.caption(t("closings.told", trust=format.number(1 - row["share"], t, 3), **told), help=t("closings.help"))


def units_table(rows: pl.DataFrame, period: str, t) -> None:
    """The company's spells, worst first; a row opens its estate."""
    if rows.is_empty():
        st.info(t("page.company.no_units"))
        return
    worded = tables.scored(tables.named(rows, t)).with_columns(
        still=pl.when("current").then(pl.lit(t("common.yes"))).otherwise(pl.lit(t("common.no"))),
        place=pl.when(pl.col("rank_in_class").is_not_null()).then(pl.format("{} / {}", "rank_in_class", "class_size")),
        why=pl.Series([format.codes("not_rated", w, t) for w in rows["why_not_rated"]]),
    )
    worded = tables.words_of(tables.words_of(worded, "band", "band", t), "estate_class", "estate_class", t)
    config = st.column_config
    columns = {
        "name": config.TextColumn(t("column.estate")),
        "final": config.NumberColumn(t("column.score"), format="%.1f", width="small"),
        "interval": config.TextColumn(t("column.interval"), width="small", help=t("column.interval_help")),
        "band": config.TextColumn(t("column.band"), width="small"),
        "place": config.TextColumn(t("column.rank_in_class"), width="small", help=t("column.rank_in_class_help")),
        "still": config.TextColumn(t("column.still_in_charge"), width="small"),
        "in_charge_days": config.NumberColumn(t("column.in_charge_days"), format="localized", width="small"),
        "households": config.NumberColumn(t("column.households"), format="localized", width="small"),
        "estate_class": config.TextColumn(t("column.class"), width="small"),
        "why": config.TextColumn(t("column.why_not_rated")),
    }
    st.caption(t("page.estates.how_to_open"))
    picked = tables.show(worded, columns, t, key="units-table", pick=True)
    if picked is not None:
        go.to("estate", estate=rows["estate_id"][picked], period=period)
