"""How a score is made, drawn from the rule files in force."""

from __future__ import annotations

import polars as pl
import streamlit as st

import metrics
from data.queries import rankings, studies
from metrics.calendar import Quarter
from metrics.certainty import LOW
from pages.shared import charts, format, place, rule, tables
from rules.laws import cited

DEFAULT_PERIOD = "2026Q3"  # whose rules are shown before the first edition


def show(scope, con, t) -> None:
    """Sub-indices, weights, goalposts, laws, bands, caps and the ladder, as the rulebook has them."""
    st.title(t("page.method.title"))
    period = place.asked_period(rankings.periods(scope, con)) if con is not None else DEFAULT_PERIOD
    day = Quarter.parse(period).last
    book = rule.book()
    index = book.on(day, "index")
    for key in ("own", "steps", "small", "not"):
        st.markdown(t(f"page.method.{key}"))
    st.markdown(
        t("page.method.sure", rated=format.number(index["reliability_rated"], t, 2),
          provisional=format.number(index["reliability_provisional"], t, 2))
    )  # fmt: skip
    st.caption(t("page.method.in_force", day=format.day(day, t), hash=book.hash[:12]))
    st.subheader(t("page.method.weights"))
    config = st.column_config
    for sub, weight in index["weights"].items():
        st.markdown(f"**{t(f'subindex.{sub}')}** {format.percent(weight, t, 0)}")
        names = [n for n in metrics.ALL if book.metric(day, n)["subindex"] == sub and book.metric(day, n)["weight"] > 0]
        tables.show(
            _metric_table(names, day, t), _columns(t, config), t, key=f"method-{sub}", row_height=tables.TWO_LINES
        )
    st.markdown(f"**{t('page.method.shown')}**")
    shown = [n for n in metrics.ALL if book.metric(day, n)["weight"] == 0]
    tables.show(_metric_table(shown, day, t), _columns(t, config), t, key="method-shown", row_height=tables.TWO_LINES)
    everything = "; ".join(book.metric(day, n)["law"] for n in metrics.ALL)
    with st.expander(t("page.method.laws")):
        for law in cited(everything):
            title = getattr(law, f"title_{t.language}")
            st.markdown(f"- **{format.plain(law.key)}** {format.plain(title)} [{law.grade}]")
    if con is not None:
        _seasons(studies.seasons(scope, con), t)
    st.subheader(t("page.method.bands"))
    st.markdown(
        t("common.separator").join(f"{t(f'band.{b}')} ≥ {least}" for b, least in index["bands"].items() if b != "failing")
        + t("common.separator") + t("band.failing") + f" < {index['bands']['attention']}"
    )  # fmt: skip
    _caps(book.on(day, "caps"), t)
    _ladder(t)
    st.subheader(t("page.method.appeal_title"))
    st.markdown(t("page.method.appeal"))


def _metric_table(names: list[str], day, t) -> pl.DataFrame:
    rows = []
    for name in names:
        metric, in_force = metrics.ALL[name], rule.book().metric(day, name)
        rows.append(
            {
                "code": metric.code,
                "metric": t(f"metric.{name}.name"),
                "weight": format.percent(float(in_force["weight"]), t, 0),
                **{a: format.value_of(float(in_force[a]), metric.unit, t) for a in rule.ANCHORS},
                "unit": t(f"unit.{metric.unit}"),
                "law": rule.law_of(in_force, t),
                "basis": t("rule.basis_proposed") if in_force.get("basis") == "proposed" else t("rule.basis_law"),
            }
        )
    return pl.DataFrame(rows)


def _columns(t, config) -> dict:
    anchors = {a: config.TextColumn(t(f"column.anchor_{a}"), width=76) for a in rule.ANCHORS}
    return {
        "code": config.TextColumn(t("column.code"), width=52),
        "metric": config.TextColumn(t("column.metric"), width=130),
        "weight": config.TextColumn(t("column.weight"), width=62),
        **anchors,
        "unit": config.TextColumn(t("column.unit"), width=96),
        "law": config.TextColumn(t("column.law"), width=256),
        "basis": config.TextColumn(t("column.basis"), width=82),
    }


def _seasons(rows: pl.DataFrame, t) -> None:
    st.subheader(t("page.method.seasons"))
    st.markdown(t("page.method.seasons_lead"))
    if rows.is_empty():
        st.markdown(t("page.method.seasons_none"))
    else:
        charts.seasons(rows.to_dicts(), t, key="method-seasons")


def _caps(caps, t) -> None:
    st.subheader(t("page.method.caps"))
    lines = [
        f"- {t(f'ladder.finding.{name}')}{t('common.colon')}{t('page.method.cap', cap=caps[name]['cap'])}"
        for name in ("fatal_fire", "systems_disabled", "routes_blocked", "records_falsified", *LOW)
    ]
    st.markdown("\n".join(lines))


def _ladder(t) -> None:
    st.subheader(t("page.method.ladder"))
    st.caption(t("page.method.ladder_lead"))
    steps = ("attention", "listing", "interview", "replacement", "commendation")
    st.markdown(
        "\n".join(
            f"- **{t(f'ladder.step.{s}.name')}**{t('common.colon')}{t(f'ladder.step.{s}.meaning')}" for s in steps
        )
    )
