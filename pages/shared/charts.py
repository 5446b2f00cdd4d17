"""Charts (plotly graph objects). Every axis has a title with its unit; colours read without telling red from green."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

import plotly.graph_objects as go
import streamlit as st

from i18n.words import Words

#: Band colours after Okabe and Ito, told apart in every common colour vision; the band's word always stands beside.
BAND_COLOURS = {
    "excellent": "#0072B2",
    "good": "#56B4E9",
    "attention": "#E69F00",
    "failing": "#D55E00",
    None: "#8C8C8C",
}
INK, GRID, MUTED, BAND_FILL = "#3A6EA5", "rgba(128,128,128,0.25)", "#8C8C8C", "rgba(58,110,165,0.22)"
FONT = "'Noto Sans CJK SC','Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
CHINESE = {
    "dictionary": {"Autoscale": "自动缩放", "Box Select": "框选", "Download plot as a PNG": "下载为PNG图片",
                   "Reset axes": "重置坐标轴", "Zoom in": "放大", "Zoom out": "缩小", "Pan": "平移", "Zoom": "缩放"},
    "format": {"decimal": ".", "thousands": ","},
}  # fmt: skip


def draw(figure: go.Figure, t: Words, key: str, height: int = 280) -> None:
    """Lay the figure out and show it."""
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, font={"family": FONT, "size": 13}, dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    config: dict[str, object] = {"displayModeBar": False, "responsive": True}
    if t.language == "zh":
        config |= {"locale": "zh-CN", "locales": {"zh-CN": CHINESE}}
    st.plotly_chart(figure, key=key, config=config, width="stretch")


def history(rows: list[dict], t: Words, *, key: str, bands: dict[str, float]) -> None:
    """Score by quarter within its interval, with the bands' least scores as lines; an unrated quarter is a gap.

    Args:
        rows: ``period, final, lo, hi, state``, oldest first. A provisional quarter is a hollow mark.
    """
    figure = go.Figure()
    for band in ("excellent", "good", "attention"):
        figure.add_hline(
            y=bands[band], line={"color": BAND_COLOURS[band], "dash": "dot", "width": 1},
            annotation_text=t(f"band.{band}"), annotation_position="top left",
        )  # fmt: skip
    shown = [r for r in rows if r["state"] != "not_rated" and r["final"] is not None]
    _interval(figure, rows, t)
    scores = [r["final"] if r in shown else None for r in rows]
    words = [t(f"state.{r['state']}") for r in rows]
    marks = ["circle" if r["state"] == "rated" else "circle-open" for r in rows]
    figure.add_trace(
        go.Scatter(
            x=[r["period"] for r in rows], y=scores, mode="lines+markers", line={"color": INK, "width": 2},
            marker={"size": 7, "symbol": marks}, name=t("chart.score"), connectgaps=False, customdata=words,
            hovertemplate="%{x}<br>%{y:.1f}<br>%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title=t("chart.quarter"), type="category", tickangle=-45)
    lowest = [r["lo"] if r["lo"] is not None else r["final"] for r in shown]
    figure.update_yaxes(title=t("chart.index_points"), range=[min([50, *[s - 5 for s in lowest]]), 100])
    figure.update_xaxes(categoryorder="array", categoryarray=[r["period"] for r in rows])
    draw(figure, t, key)


def _interval(figure: go.Figure, rows: list[dict], t: Words) -> None:
    """A band from lo to hi over each unbroken run of quarters that have one."""
    known = [r["state"] != "not_rated" and r["lo"] is not None for r in rows]
    runs = [list(run) for has, run in groupby(zip(known, rows, strict=True), key=itemgetter(0)) if has]
    for place, run in enumerate(runs):
        periods = [r["period"] for _, r in run]
        figure.add_trace(
            go.Scatter(
                x=periods + periods[::-1], y=[r["hi"] for _, r in run] + [r["lo"] for _, r in run][::-1],
                fill="toself", mode="lines", fillcolor=BAND_FILL, line={"color": BAND_FILL, "width": 2},
                name=t("chart.interval"), legendgroup="interval", showlegend=place == 0, hoverinfo="skip",
            )
        )  # fmt: skip


def subindices(rows: list[dict], t: Words, *, key: str) -> None:
    """Points of the five sub-indices with the class's middle half behind them."""
    names = [t(f"subindex.{r['subindex']}") for r in rows]
    figure = go.Figure()
    ranged = [(n, r) for n, r in zip(names, rows, strict=True) if r["p25"] is not None]
    if ranged:
        figure.add_trace(
            go.Bar(
                y=[n for n, _ in ranged], base=[r["p25"] for _, r in ranged], x=[r["p75"] - r["p25"] for _, r in ranged],
                orientation="h", marker={"color": MUTED, "opacity": 0.35}, width=0.75, name=t("chart.class_middle_half"),
                hoverinfo="skip",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Bar(
            y=names, x=[r["points"] for r in rows], orientation="h", width=0.38, marker={"color": INK},
            name=t("chart.points"), text=[f"{r['points']:.1f}" for r in rows],
            textposition="inside", textfont={"size": 13, "color": "#FFFFFF"}, insidetextanchor="end", constraintext="none",
            hovertemplate="%{y}: %{x:.1f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title=t("chart.points_0_100"), range=[0, 100])
    figure.update_yaxes(autorange="reversed")
    draw(figure, t, key, 300)


def points_lost(rows: list[dict], t: Words, *, key: str) -> None:
    """What costs most: index points lost by metric, costliest at the top."""
    figure = go.Figure(
        go.Bar(
            y=[t(f"metric.{r['metric']}.name") for r in rows], x=[-r["points_lost"] for r in rows], orientation="h",
            marker={"color": BAND_COLOURS["failing"]}, text=[f"{-r['points_lost']:.1f}" for r in rows], textposition="auto",
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title=t("chart.points_lost"))
    figure.update_yaxes(autorange="reversed")
    draw(figure, t, key, 80 + 34 * max(3, len(rows)))


def bands(counts: dict[str | None, int], t: Words, *, key: str) -> None:
    """How many stand in each band: one bar, its parts named in the legend with their numbers."""
    figure = go.Figure()
    for band in ("excellent", "good", "attention", "failing", None):
        n = counts.get(band, 0)
        if n:
            label = f"{t(f'band.{band}') if band else t('state.not_rated')} {n}"
            figure.add_trace(
                go.Bar(
                    y=[""], x=[n], orientation="h", name=label, marker={"color": BAND_COLOURS[band]},
                    hovertemplate=f"{label}<extra></extra>",
                )
            )  # fmt: skip
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_xaxes(title=t("chart.count"))
    draw(figure, t, key, 200)


def choices(rows: list[dict], t: Words, *, key: str) -> None:
    """Share of each choice of the method in the movement of places, by itself and in all, greatest at the top.

    Args:
        rows: contract Sensitivity, greatest first. A share slightly below 0 is noise and drawn as 0.
    """
    names = [t(f"sensitivity.{r['input']}.short") for r in rows]
    figure = go.Figure()
    for column, word, colour in (("total", "together", INK), ("first", "alone", BAND_COLOURS["good"])):
        shares = [100 * max(r[column] or 0.0, 0.0) for r in rows]
        label = t(f"page.sensitivity.{word}")
        bounds = None
        if column == "total":
            up, down = ([100 * abs(r[end] - r["total"]) for r in rows] for end in ("total_hi", "total_lo"))
            bounds = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": MUTED}
        figure.add_trace(
            go.Bar(
                y=names, x=shares, orientation="h", name=label, marker={"color": colour},
                text=[f"{s:.0f}" for s in shares], textposition="inside", insidetextanchor="start", textangle=0,
                constraintext="none", error_x=bounds,
                hovertemplate=f"%{{y}}<br>{label} %{{x:.0f}}%<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(barmode="group")
    figure.update_xaxes(title=t("page.sensitivity.axis_share"), rangemode="tozero")
    figure.update_yaxes(title=t("page.sensitivity.axis_choice"), autorange="reversed")
    draw(figure, t, key, 100 + 56 * len(rows))


def seasons(rows: list[dict], t: Words, *, key: str) -> None:
    """How much each calendar month's exposure counts, one line per metric.

    Args:
        rows: ``metric, month, factor``, by metric and month.
    """
    figure = go.Figure()
    figure.add_hline(y=1, line={"color": MUTED, "dash": "dot", "width": 1})
    for number, (metric, months) in enumerate(groupby(rows, key=itemgetter("metric"))):
        line = list(months)
        figure.add_scatter(
            x=[t(f"month.{r['month']}") for r in line], y=[r["factor"] for r in line], mode="lines+markers",
            name=t(f"metric.{metric}.name"), marker={"symbol": number, "size": 8},
            hovertemplate="%{x} %{y:.2f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_xaxes(title=t("page.method.axis_month"), type="category")
    figure.update_yaxes(title=t("page.method.axis_season"))
    draw(figure, t, key, height=320)
