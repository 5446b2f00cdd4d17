"""Why a score is what it is, on screen: where it stands, the lines it is made of, and what moved it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from cases.explanations import company_change, item_word, names_of, reliable
from pages.shared import format, tables

NOTHING = 1e-9  # points: what did not move is not listed


def standing(unit: dict, t) -> str:
    """In which third of its class a unit surely stands, and how many it cannot be told from."""
    third = t(f"standing.third_{unit['third'] or 'none'}")
    alike = t("standing.alike", n=format.number(unit["alike"], t, 0))
    return t("common.semicolon").join([alike, third])


def lines(unit: dict, scores: pl.DataFrame, t) -> None:
    """From the full score to the published one, and from the class's level to it: every line sums exactly.

    Args:
        unit: a row of ``index_scores`` with a score. scores: its ``metric_scores``.
    """
    lost, gap = (scores[name].drop_nulls().sum() for name in ("points_lost", "gap_to_class"))
    score, own, final = unit["score"], unit["own_score"], unit["final"]
    rows = [("full", 100.0), ("lost", lost), ("score", score)]
    rows += [("own", own), ("protection", score - own)] if own is not None else []
    rows += [("cap", final - score), ("final", final), ("peers", score - gap), ("gap", gap)]
    frame = pl.DataFrame({"step": [t(f"lines.{name}") for name, _ in rows], "points": [float(x) for _, x in rows]})
    config = st.column_config
    columns = {
        "step": config.TextColumn(t("lines.step"), width=330),
        "points": config.NumberColumn(t("lines.points"), format="%.2f", width=90),
    }
    with st.expander(t("lines.title")):
        tables.show(frame, columns, t, key="lines-table")


def change(rows: pl.DataFrame, sure: float, t) -> None:
    """What moved the score since the quarter before, by metric and by cause.

    Args:
        rows: ``data.queries.reasons.change_of``; empty = nothing to compare with. sure: of the index rule.
    """
    st.subheader(t("change.title"))
    if rows.is_empty():
        st.info(t("change.none"))
        return
    first = rows.row(0, named=True)
    now, then = first["final"], first["then_final"]
    st.caption(
        t("change.lead", since=format.period(first["since"], t), then=format.number(then, t), now=format.number(now, t),
          moved=f"{now - then:+.2f}")
    )  # fmt: skip
    st.caption(t("change.sure", sure=format.percent(sure, t, 0)) if reliable(rows, sure) else t("change.unsure"))
    for box, part in zip(st.columns([3, 2]), ("metric", "cause"), strict=True):
        with box:
            _part(rows.filter(pl.col("part") == part), part, t)


def change_of_company(now: dict, parts: pl.DataFrame, then: dict, then_parts: pl.DataFrame, t) -> None:
    """What moved a company's score since the quarter before: its estates, their mix, its guard (``company_change``)."""
    names = names_of(pl.concat([then_parts, parts]), t)
    rows = company_change(now, parts, then, then_parts).filter(pl.col("points").abs() > NOTHING)
    rows = rows.sort(pl.col("points").abs(), descending=True)
    shown = rows.with_columns(item=pl.Series([names.get(i) or t(f"change.{i}") for i in rows["item"]], dtype=pl.String))
    config = st.column_config
    columns = {
        "item": config.TextColumn(t("change.item"), width=200),
        "points": config.NumberColumn(t("change.points"), format="%+.2f", width=100),
    }
    with st.expander(t("change.of_company_title")):
        st.caption(
            t("change.of_company_lead", since=format.period(then["period"], t), then=format.number(then["final"], t),
              now=format.number(now["final"], t), moved=f"{now['final'] - then['final']:+.2f}")
        )  # fmt: skip
        tables.show(shown, columns, t, key="change-company")


def _part(rows: pl.DataFrame, part: str, t) -> None:
    help_ = t("change.records_help") if part == "cause" else t("change.points_help")
    st.markdown(f"**{t(f'change.by_{part}')}**", help=help_)
    rows = rows.filter(pl.col("points").abs() > NOTHING)
    shown = rows.select(item=pl.Series([item_word(i, t) for i in rows["item"]], dtype=pl.String), points="points")
    config = st.column_config
    columns = {
        "item": config.TextColumn(t("change.item"), width=210),
        "points": config.NumberColumn(t("change.points"), format="%+.2f", width=110),
    }
    tables.show(shown, columns, t, key=f"change-{part}")
