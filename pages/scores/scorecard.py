"""The manager's scorecard: own estates, what costs most, what would lift it."""

from __future__ import annotations

import streamlit as st

from data.queries import files, rankings
from data.scope import LEAST_OTHERS
from pages.scores.company import header, units_table
from pages.shared import beside, charts, downloads, format, place

COSTLIEST = 6


def show(scope, con, t) -> None:
    """The own company's score and estates; others appear only as anonymous quantiles of their class."""
    scope.require("manager")
    period = place.asked_period(rankings.periods(scope, con))
    company = files.company(scope, con, company_id=scope.company_id, period=period)
    if company is None:
        st.title(t("page.scorecard.title"))
        st.info(t("page.scorecard.nothing"))
        return
    header(company, period, t)
    downloads.scorecard_buttons(scope, con, scope.company_id, period, t)
    beside.cases(scope, con, t, company_id=scope.company_id)
    units = files.company_units(scope, con, company_id=scope.company_id, period=period)
    st.subheader(t("page.scorecard.units"))
    units_table(units, period, t)
    current = [u for u in units.iter_rows(named=True) if u["current"] and u["final"] is not None]
    if not current:
        return
    st.subheader(t("page.scorecard.costliest"))
    i = st.selectbox(
        t("page.scorecard.choose"),
        range(len(current)),
        format_func=lambda i: format.name(current[i], t),
        key="own_unit",
    )
    unit = current[i]
    scores = files.metric_scores(scope, con, level="tenure", unit_id=unit["unit_id"], period=period)
    rows = [r for r in scores.to_dicts() if r["points_lost"] is not None][:COSTLIEST]
    charts.points_lost(rows, t, key="costliest")
    for row in rows:
        metric = row["metric"]
        line = t(
            "page.scorecard.lift", metric=t(f"metric.{metric}.name"), lost=format.number(-row["points_lost"], t),
            lift=t(f"metric.{metric}.lift"),
        )  # fmt: skip
        st.markdown(f"- {format.plain(line)}")
    _among_the_class(scope, con, unit, period, t)


def _among_the_class(scope, con, unit: dict, period: str, t) -> None:
    found = files.quantiles(scope, con, estate_class=unit["estate_class"], period=period)
    index = [q for q in found.iter_rows(named=True) if q["metric"] == "index"]
    if index and unit["state"] == "rated":
        q = index[0]
        st.caption(
            t("page.scorecard.class_range", estate_class=t(f"estate_class.{unit['estate_class']}"), n=q["units"],
              p25=format.number(q["p25"], t), p50=format.number(q["p50"], t), p75=format.number(q["p75"], t),
              own=format.number(unit["final"], t))
        )  # fmt: skip
    elif unit["state"] == "rated":
        said = t(f"estate_class.{unit['estate_class']}")
        st.caption(t("page.scorecard.class_hidden", estate_class=said, n=LEAST_OTHERS))
