"""What in the records asks for a second look: what was seen, how else it may have come about, what to look at."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data.queries import checks, rankings
from metrics.checks import ALL
from pages.shared import choose, format, go, tables

WHOLE = "supervisor"


def show(scope, con, t) -> None:
    """Every detector that found something in the viewer's area, one after another; then what was looked at in vain."""
    scope.require("supervisor", "subdistrict", "station")
    st.title(t("page.checks.title"))
    edition = rankings.edition(scope, con)
    st.markdown(t("page.checks.lead", period=format.period(edition["period"], t)))
    found, runs = checks.checks(scope, con), checks.check_runs(scope, con)
    if scope.role != WHOLE:
        st.caption(t("page.checks.area_only"))
    names = [n for n in ALL if n in set(found["detector"])]
    if not names:
        st.info(t("page.checks.nothing"))
    else:
        chosen = choose.one(
            st, t("page.checks.detector"), names, name="detector", words=lambda n: t(f"check.{n}.name"),
            everything=t("page.checks.all"),
        )  # fmt: skip
        for name in names if chosen is None else [chosen]:
            _detector(name, found.filter(pl.col("detector") == name), runs, t)
    st.subheader(t("page.checks.looked"))
    st.caption(t("page.checks.looked_help"))
    _looked(runs, t)


def _detector(name: str, rows: pl.DataFrame, runs: pl.DataFrame, t) -> None:
    st.subheader(t(f"check.{name}.name"))
    st.markdown(t(f"check.{name}.seen"))
    st.markdown(f"**{t('page.checks.innocent')}**{t('common.colon')}{t(f'check.{name}.innocent')}")
    st.markdown(f"**{t('page.checks.to_do')}**{t('common.colon')}{t(f'check.{name}.to_do')}")
    run = runs.filter(pl.col("detector") == name).to_dicts()
    if run:
        looked, q = format.number(run[0]["looked_at"], t, 0), format.percent(run[0]["q"], t, 0)
        st.caption(t("page.checks.of_so_many", looked=looked, selected=run[0]["selected"], q=q))
    config = st.column_config
    shown = tables.named(rows, t).select(
        name=pl.col("name").fill_null(t("page.checks.district")), observed="observed", expected="expected",
        chance=pl.Series([chance(p, t) for p in rows["p"]], dtype=pl.String), records="record_ids",
        estate=pl.when(pl.col("level") == "estate").then(pl.col("unit_id")),
    )  # fmt: skip
    columns = {
        "name": config.TextColumn(t("page.checks.unit")),
        "observed": config.NumberColumn(t(f"check.{name}.observed"), format="%.0f"),
        "expected": config.NumberColumn(t("page.checks.expected"), format="%.1f"),
        "chance": config.TextColumn(t("page.checks.chance")),
        "records": config.TextColumn(t("page.checks.records"), width="large"),
    }
    picked = tables.show(shown.drop("estate"), columns, t, key=f"checks-{name}", pick=True)
    if picked is not None and shown["estate"][picked]:
        go.to("estate", estate=shown["estate"][picked])


def chance(p: float | None, t) -> str:
    """How likely as much is by chance alone, in words where it is a fact."""
    if p is None or p == 0:
        return t("page.checks.fact")
    return t("page.checks.less") if p < 0.0001 else format.percent(p, t, 2)


def _looked(runs: pl.DataFrame, t) -> None:
    shown = runs.select(
        detector=pl.Series([t(f"check.{n}.name") for n in runs["detector"]], dtype=pl.String),
        level=pl.Series([t(f"check_level.{n}") for n in runs["level"]], dtype=pl.String),
        looked="looked_at", selected="selected",
    )  # fmt: skip
    config = st.column_config
    columns = {
        "detector": config.TextColumn(t("page.checks.detector")),
        "level": config.TextColumn(t("page.checks.level")),
        "looked": config.NumberColumn(t("page.checks.looked_at")),
        "selected": config.NumberColumn(t("page.checks.selected")),
    }
    tables.show(shown, columns, t, key="checks-runs")
