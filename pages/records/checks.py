"""What in the records asks for a second look: what was seen, how else it may have come about, what to look at."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data.check_tables import CHECK_LEVELS
from data.queries import checks, rankings
from metrics.checks import ALL
from pages.shared import choose, format, go, tables

WHOLE = "supervisor"
#: The metric whose evidence, on the page of an estate, holds the records a detector read.
EVIDENCE = dict.fromkeys(
    ("one_caller", "few_callers", "many_on_a_day", "silent_since_handover", "before_contract_end", "matters_rising"),
    "valid_matters_per_100_homes",
)
EVIDENCE |= {"entered_late": "records_in_time", "entered_together": "records_in_time", "same_proof": "drill_records_complete",
             "photos_alike": "inspection_items_passed", "rising": "preventable_cases_per_1000"}  # fmt: skip


#: Why a detector's findings matter: ``check_why.<reason>``.
WHY = {
    "calls": ("one_caller", "few_callers", "many_on_a_day", "before_contract_end"),
    "silence": ("silent_since_handover",),
    "entries": (
        "entered_late",
        "entered_together",
        "entered_in_minutes",
        "same_proof",
        "told_alike",
        "drills_in_last_days",
        "round_numbers",
    ),
    "pictures": ("photos_alike",),
    "closings": ("closed_on_due_day", "closed_together", "found_again"),
    "pieces": ("split_findings",),
    "edges": ("just_above_the_mark", "just_in_time"),
    "trends": ("rising", "matters_rising", "more_than_its_share", "more_fires", "more_matters"),
    "eyes": ("finds_otherwise",),
}
#: Facts that rest on a measure of likeness: how often it finds two things alike that are not, nobody has counted.
MEASURED = ("photos_alike",)
REASON = {detector: reason for reason, detectors in WHY.items() for detector in detectors}


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
        level, chosen = _choices(found, names, t)
        rows = found if level is None else found.filter(pl.col("level") == level)
        for name in [n for n in names if n in set(rows["detector"]) and chosen in (None, n)]:
            _detector(name, rows.filter(pl.col("detector") == name), runs, t)
    st.subheader(t("page.checks.looked"))
    st.caption(t("page.checks.looked_help"))
    _looked(runs, t)


def _choices(found: pl.DataFrame, names: list[str], t) -> tuple[str | None, str | None]:
    """What the viewer asks for: a level and a detector; None = all."""
    left, right = st.columns(2)
    everything, levels = t("page.checks.all"), [n for n in CHECK_LEVELS if n in set(found["level"])]
    level = choose.one(
        left, t("page.checks.level"), levels, name="level", words=lambda n: t(f"check_level.{n}"), everything=everything
    )
    of_level = set(found.filter(pl.col("level") == level)["detector"]) if level else set(names)
    chosen = choose.one(
        right, t("page.checks.detector"), [n for n in names if n in of_level], name="detector",
        words=lambda n: t(f"check.{n}.name"), everything=everything,
    )  # fmt: skip
    return level, chosen


def _detector(name: str, rows: pl.DataFrame, runs: pl.DataFrame, t) -> None:
    st.subheader(t(f"check.{name}.name"))
    st.markdown(t(f"check.{name}.seen"))
    st.markdown(f"**{t('page.checks.innocent')}**{t('common.colon')}{t(f'check.{name}.innocent')}")
    st.markdown(f"**{t('page.checks.why')}**{t('common.colon')}{t(f'check_why.{REASON[name]}')}")
    st.markdown(f"**{t('page.checks.to_do')}**{t('common.colon')}{t(f'check.{name}.to_do')}")
    run = runs.filter(pl.col("detector") == name).to_dicts()
    if run:
        st.caption(by_chance(run[0], t))
    config = st.column_config
    shown = tables.named(rows, t).select(
        name=pl.col("name").fill_null(unnamed(t)), observed="observed", expected="expected",
        chance=pl.Series([chance(p, t) for p in rows["p"]], dtype=pl.String), records="record_ids",
        level="level", unit="unit_id",
    )  # fmt: skip
    columns = {
        "name": config.TextColumn(t("page.checks.unit")),
        "observed": config.NumberColumn(t(f"check.{name}.observed"), format="%.0f"),
        "expected": config.NumberColumn(t("page.checks.expected"), format="%.1f"),
        "chance": config.TextColumn(t("page.checks.chance")),
        "records": config.TextColumn(t("page.checks.records"), width="large"),
    }
    if not rows["records"].sum():
        del columns["records"]
    opens = rows["level"][0] in ("estate", "company")
    picked = tables.show(shown, columns, t, key=f"checks-{name}", pick=opens)
    if picked is not None:
        _open(name, shown["level"][picked], shown["unit"][picked])


def _open(detector: str, level: str, unit: str) -> None:
    """The page of an estate, at the evidence the detector read, or of a company; others have none."""
    if level == "estate":
        go.to("estate", estate=unit, **({"metric": EVIDENCE[detector]} if detector in EVIDENCE else {}))
    if level == "company":
        go.to("company", company=unit)


def unnamed(t) -> pl.Expr:
    """What a row without a name is called: the district, or an inspector by number."""
    return pl.when(pl.col("level") == "district").then(pl.lit(t("page.checks.district"))).otherwise("unit_id")


def by_chance(run: dict, t) -> str:
    """One sentence on how many were looked at, and how many of those listed chance alone would list.

    Args:
        run: contract CheckRun.
    """
    told = {"looked": format.number(run["looked_at"], t, 0), "selected": format.number(run["selected"], t, 0)}
    if run["by_chance"] is None:
        return t("page.checks.of_so_many", q=format.percent(run["q"], t, 0), **told)
    if run["detector"] in MEASURED:
        return t("page.checks.of_likeness", **told)
    if run["by_chance"] == 0:
        return t("page.checks.of_facts", **told)
    return t("page.checks.of_alarms", n=format.number(run["by_chance"], t), **told)


def chance(p: float | None, t) -> str:
    """How likely as much is by chance alone, in words where it is a fact."""
    if p is None:
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
