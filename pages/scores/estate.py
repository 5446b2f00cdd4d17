"""One estate: its score taken apart, down to each record, its rule and its law."""

from __future__ import annotations

from functools import partial

import polars as pl
import streamlit as st

import metrics
from cases import flag_words
from cases.explanations import estate_sentence
from cases.sentences import sentence
from data.queries import files, rankings, reasons, watching
from metrics.hazards import BY_DEADLINE
from pages.shared import (
    beside,
    charts,
    choose,
    downloads,
    format,
    go,
    openings,
    place,
    record_points,
    rule,
    tables,
    watch,
    why,
)  # fmt: skip
from pages.shared import photos as pictures

#: Factors nearer to 1 are shown as 1.00.
LEAST_SHOWN = 0.005


def show(scope, con, t) -> None:
    """The estate the address names, in the period it names."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    periods = rankings.periods(scope, con)
    period = place.asked_period(periods)
    estate_id = place.asked("estate")
    ways = files.units_of_estate(scope, con, estate_id=estate_id, period=period)
    _way_back(scope, t)
    if ways.is_empty():
        st.title(t("page.estate.not_found_title"))
        st.info(t("page.estate.not_found"))
        return
    level, unit_id = _chosen_way(ways, t)
    unit = files.unit(scope, con, level=level, unit_id=unit_id, period=period)
    scores = files.metric_scores(scope, con, level=level, unit_id=unit_id, period=period)
    moved = reasons.change_of(scope, con, level=level, unit_id=unit_id, period=period)
    if unit:
        _header(unit, period, t)
        _disputed(scope, con, level, unit_id, period, t)
        _told(unit, scores, moved, period, t)
    _due(scope, con, estate_id, t)
    beside.cases(scope, con, t, estate_id=estate_id)
    if scope.role != "manager":
        openings.offer(scope, con, estate_id=estate_id, period=period, t=t)
    go.link("history", t("page.history.of_estate"), estate=estate_id)
    left, right = st.columns(2)
    with left:
        st.subheader(t("page.estate.subindices"))
        subs = files.subindices(scope, con, level=level, unit_id=unit_id, period=period)
        charts.subindices(subs.to_dicts(), t, key="subs")
    with right:
        st.subheader(t("page.estate.history"))
        past = files.history(scope, con, level=level, unit_id=unit_id)
        charts.history(past.to_dicts(), t, key="history", bands=rule.bands(periods[0]))
    why.change(moved, rule.index(period)["change_sure"], t)
    pi = files.propensity(scope, con, estate_id=estate_id, period=period)
    estate = format.name(unit, t) if unit else estate_id
    _metrics(scope, con, scores, level, unit_id, period, pi, estate, t)
    _tenures(scope, con, estate_id, t)


def _way_back(scope, t) -> None:
    page = "scorecard" if scope.role == "manager" else "estates"
    go.link(page, t("common.back_to", page=t(f"page.{page}.menu")))


def _chosen_way(ways: pl.DataFrame, t) -> tuple[str, str]:
    """The estate whole, or one company's spell; officers choose, a manager has the own spell."""
    rows = ways.to_dicts()

    def label(i: int) -> str:
        row = rows[i]
        if row["level"] == "estate":
            return t("page.estate.whole")
        since = "" if row["current"] else t("page.estate.former")
        return f"{format.plain(format.name(row, t, 'company'))}{since}"

    if len(rows) == 1:
        return rows[0]["level"], rows[0]["unit_id"]
    i = st.radio(
        t("page.estate.way"),
        range(len(rows)),
        format_func=label,
        horizontal=True,
        key="way",
        help=t("page.estate.way_help"),
    )
    return rows[i]["level"], rows[i]["unit_id"]


def _header(unit: dict, period: str, t) -> None:
    st.title(format.plain(format.name(unit, t)))
    rated = unit["state"] == "rated"
    cells = st.columns(4)
    shown = unit["state"] != "not_rated"
    cells[0].metric(t("column.score"), format.number(unit["final"], t) if shown else t("state.not_rated"))
    cells[1].metric(t("column.band"), t(f"band.{unit['band'] if rated else unit['state']}"))
    rank = f"{unit['rank_in_class']} / {unit['class_size']}" if unit["rank_in_class"] else t("common.none")
    cells[2].metric(t("column.rank_in_class"), rank, help=t("column.rank_in_class_help"))
    if unit["rank_lo"]:
        ranks = f"{unit['rank_lo']}–{unit['rank_hi']}"
        cells[2].caption(f"{t('column.rank_interval')} {ranks}", help=t("column.rank_interval_help"))
        cells[2].caption(why.standing(unit, t))
    cells[3].metric(t("column.coverage"), format.percent(unit["coverage"], t, 0), help=t("column.coverage_help"))
    company = format.name(unit, t, "company") if unit["company_id"] else t("page.estate.unmanaged")
    st.caption(
        t(
            "page.estate.facts", period=format.period(period, t), estate_class=t(f"estate_class.{unit['estate_class']}"),
            households=format.number(unit["households"], t, 0), company=format.plain(company),
            records=format.number(unit["records"], t, 0),
        )
    )  # fmt: skip
    _certainty(unit, period, t)
    if unit["cap"] is not None and unit["final"] is not None and unit["final"] < unit["score"]:
        st.warning(
            t("page.estate.capped", cap=format.number(unit["cap"], t, 0), score=format.number(unit["score"], t),
              reasons=format.codes("ladder.finding", unit["cap_reason"], t))
        )  # fmt: skip


def _disputed(scope, con, level: str, unit_id: str, period: str, t) -> None:
    """Both values, where records of the window are under appeal."""
    row = files.disputed(scope, con, level=level, unit_id=unit_id, period=period)
    if row is not None and row["without"] is not None and row["with_them"] is not None:
        values = {name: format.number(row[name], t) for name in ("without", "with_them")}
        st.info(t("page.estate.disputed", n=format.number(row["records"], t, 0), **values))


def _told(unit: dict, scores: pl.DataFrame, moved: pl.DataFrame, period: str, t) -> None:
    """One plain sentence on the score, and the lines it is made of."""
    if unit["state"] == "not_rated" or unit["score"] is None:
        return
    lost = scores.filter(pl.col("points_lost").is_not_null()).select("metric", "points_lost").rows()
    sure = rule.index(period)["change_sure"]
    st.markdown(f"**{format.plain(estate_sentence(unit, lost, moved, sure, t))}**")
    why.lines(unit, scores, t)


def _certainty(unit: dict, period: str, t) -> None:
    """How far the score can be trusted, or why there is none."""
    if unit["state"] == "not_rated":
        st.info(t("page.estate.why_not_rated", reasons=format.codes("not_rated", unit["why_not_rated"], t)))
        return
    index = rule.index(period)
    st.caption(
        t("page.estate.sure", interval=format.interval(unit["lo"], unit["hi"], t),
          line=format.number(index["bands"]["attention"], t, 0), chance=format.chance(unit["p_below"], t))
    )  # fmt: skip
    if unit["state"] == "provisional":
        st.info(
            t("page.estate.provisional", reliability=format.number(unit["reliability"], t, 2),
              needed=format.number(index["reliability_rated"], t, 2))
        )  # fmt: skip


def _due(scope, con, estate_id: str, t) -> None:
    for row in files.due_of_estate(scope, con, estate_id=estate_id).iter_rows(named=True):
        said = sentence(t, row["reason"], row["params"])
        box = st.info if row["step"] in ("none", "commendation") else st.warning
        step = t(f"ladder.step.{row['step']}.name")
        box(f"**{step}**{t('common.colon')}{format.plain(said)}")
        st.caption(
            t("page.due.basis", basis=format.plain(rule.basis(row["basis"], t)), since=format.day(row["rule_from"], t))
        )
        if said := rule.laws(row["basis"], t):
            st.caption(said)


def _metrics(
    scope, con, scores: pl.DataFrame, level: str, unit_id: str, period: str, propensity: float | None, estate: str, t
) -> None:
    st.subheader(t("page.estate.metrics"))
    st.caption(t("page.estate.metrics_lead"))
    if propensity is not None and abs(propensity - 1) >= LEAST_SHOWN:
        said = "loud" if propensity > 1 else "quiet"
        st.caption(t(f"adjustment.{said}", factor=format.number(propensity, t, 2)), help=t("adjustment.reporting_help"))
    rows = scores.to_dicts()
    worded = pl.DataFrame(
        [
            {
                "metric": t(f"metric.{r['metric']}.name"),
                "points": r["points"] if r["weight"] > 0 else None,
                "lost": -r["points_lost"] if r["points_lost"] is not None else None,
                "gap": r["gap_to_class"],
                "value": format.value_of(r["raw"], metrics.ALL[r["metric"]].unit, t)
                if r["raw"] is not None and r["state"] != "withheld"
                else t(f"value_state.{'withheld' if r['state'] == 'withheld' else 'not_collected'}"),
                "unit": t(f"unit.{metrics.ALL[r['metric']].unit}"),
                "records": r["records"],
                "median": r["class_median"] if r["weight"] > 0 else None,
            }
            for r in rows
        ]
    )
    config = st.column_config
    columns = {
        "metric": config.TextColumn(t("column.metric")),
        "points": config.NumberColumn(t("column.points"), format="%.1f", width="small"),
        "median": config.NumberColumn(
            t("column.class_median"), format="%.1f", width="small", help=t("column.class_median_help")
        ),
        "lost": config.NumberColumn(
            t("column.points_lost"), format="%.2f", width="small", help=t("column.points_lost_help")
        ),
        "gap": config.NumberColumn(t("column.gap"), format="%+.2f", width="small", help=t("column.gap_help")),
        "value": config.TextColumn(t("column.value"), width="small"),
        "unit": config.TextColumn(t("column.unit"), width=190),
        "records": config.NumberColumn(t("column.records"), width="small"),
    }
    tables.show(worded, columns, t, key="metrics-table")
    names = [r["metric"] for r in rows]
    st.subheader(t("page.estate.evidence"))
    metric = choose.must(
        st, t("page.estate.choose_metric"), names, name="metric",
        words=lambda m: f"{metrics.ALL[m].code} {t(f'metric.{m}.name')}",
    )  # fmt: skip
    _evidence(scope, con, level, unit_id, metric, period, rows[names.index(metric)], estate, t)


def _evidence(scope, con, level: str, unit_id: str, metric: str, period: str, score: dict, estate: str, t) -> None:
    """The records behind one metric, its arithmetic, its rule and law."""
    st.markdown(f"**{t(f'metric.{metric}.question')}**")
    rule.show(metric, period, score, t)
    rows = files.evidence(
        scope, con, level=level, unit_id=unit_id, metric=metric, period=period, limit=tables.PAGE_ROWS,
        offset=tables.offset("evidence_page"),
    )  # fmt: skip
    if rows.is_empty():
        st.info(t("page.estate.no_evidence"))
        return
    asked = watching.parties(scope, con, level=level, unit_id=unit_id, metric=metric, period=period)
    read = watch.parties(asked)
    if not watch.may_show(scope, read, t, about=f"{metric} {period}"):
        return
    worded = rows.with_columns(
        record=pl.Series([format.facts(f, t) for f in rows["facts"]]),
        counts=pl.Series([t(f"excluded.{x}") if x else t("page.estate.counts") for x in rows["excluded"]]),
        flags=pl.Series([flag_words.said(f, t) for f in rows["flags"].to_list()], dtype=pl.String),
        adjusted=pl.Series([_eyes(f, t) for f in rows["factor"]], dtype=pl.String),
    )
    _in_part(rows, metric, t)
    found = record_points.split_of(scope, con, level=level, unit_id=unit_id, metric=metric, period=period)
    if found is not None:
        taken, peers = found
        worded = worded.join(taken, on=record_points.KEY, how="left", maintain_order="left")
        total = {"lost": score["points_lost"], "peers": peers, "records": score["points_lost"] - peers}
        st.caption(t("page.estate.split", **{name: format.number(-x, t, 2) for name, x in total.items()}))
    config = st.column_config
    columns = {
        "decided_on": config.DateColumn(
            t("column.decided_on"), format=t("common.date_pattern"), help=t("column.decided_on_help")
        ),
        "counts": config.TextColumn(t("column.counts")),
        "flags": config.TextColumn(t("column.flags"), help=t("column.flags_help"), width="medium"),
        "numerator": config.NumberColumn(t("column.numerator"), width="small"),
        "denominator": config.NumberColumn(t("column.denominator"), width="small"),
        "lost_points": config.NumberColumn(
            t("column.record_points"), format="%.3f", width="small", help=t("column.record_points_help")
        ),
        "adjusted": config.TextColumn(t("column.adjusted"), help=t("column.adjusted_help")),
        "record": config.TextColumn(t("column.record"), width="large"),
        "file": config.TextColumn(t("column.file")),
        "line": config.NumberColumn(t("column.line"), format="%d", width="small"),
        "record_id": config.TextColumn(t("column.record_id")),
    }
    if rows["factor"].is_null().all():
        del columns["adjusted"]
    if found is None:
        del columns["lost_points"]
    if (worded["flags"] == "").all():
        del columns["flags"]
    else:
        st.caption(t("page.estate.flags", n=int((worded["flags"] != "").sum())))
    tables.show(worded, columns, t, key="evidence-table")
    tables.pager("evidence_page", rows["total"][0], t)
    pictures.of_records(rows["facts"], t)
    if unit := files.unit(scope, con, level=level, unit_id=unit_id, period=period) if level == "tenure" else None:
        openings.dispute(scope, con, unit, rows, t)
    make = partial(
        downloads.evidence, scope, con, t, level=level, unit_id=unit_id, metric=metric, period=period, estate=estate
    )
    noted = watch.noting(make, scope, read, about=f"{metric} {period}")
    downloads.workbook(st, "evidence", noted, t, name=downloads.file_name("evidence", period, t, estate, metric))


def _in_part(rows: pl.DataFrame, metric: str, t) -> None:
    """How many hazards put right in time count in part, since nobody saw them again."""
    part = rows.filter(pl.col("excluded").is_null(), pl.col("numerator").is_between(0, 1, closed="none")).height
    if metric in BY_DEADLINE and part:
        st.caption(t("closings.in_part", n=part), help=t("closings.help"))


def _eyes(factor: float | None, t) -> str | None:
    """By what a visit's failed points were divided, and why, in words."""
    if factor is None:
        return None
    side = "even" if abs(factor - 1) < LEAST_SHOWN else "strict" if factor > 1 else "lenient"
    return t(f"adjustment.{side}", factor=format.number(factor, t, 2))


def _tenures(scope, con, estate_id: str, t) -> None:
    st.subheader(t("page.estate.tenures"))
    rows = files.tenures(scope, con, estate_id=estate_id)
    if rows.is_empty():
        st.info(t("page.estate.no_tenures"))
    else:
        watch.heads(scope, watching.heads_of_estate(scope, con, estate_id=estate_id), t)
        config = st.column_config
        rows = tables.named(tables.named(rows, t, "company", "company"), t, "head", "head")
        rows = rows.with_columns(since=pl.Series([format.day(d, t) for d in rows["valid_from"]]))
        rows = rows.with_columns(
            until=pl.Series([format.day(d, t) if d else t("page.estate.still") for d in rows["valid_to"]])
        )
        columns = {
            "since": config.TextColumn(t("column.from")),
            "until": config.TextColumn(t("column.to")),
            "company": config.TextColumn(t("column.company")),
            "head": config.TextColumn(t("column.head")),
        }
        tables.show(rows, columns, t, key="tenures-table")
        heads = rows.filter(pl.col("head_id").is_not_null() & pl.col("head").is_not_null())
        for head in heads.unique("head_id", keep="last", maintain_order=True).iter_rows(named=True):
            go.link("history", t("page.history.of_head", name=format.plain(head["head"])), head=head["head_id"])
    touched = files.rows_touched(scope, con, estate_id=estate_id)
    if touched:
        st.caption(t("page.estate.rows_set_aside", n=touched))
