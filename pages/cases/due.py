"""What is due for consideration. The program recommends; a named person decides."""

from __future__ import annotations

import polars as pl
import streamlit as st

from cases import acts
from cases.allowed import may_open
from cases.sentences import sentence
from data.edition_tables import STEPS
from data.events import AlreadyOpen
from data.queries import casefiles, rankings, reasons
from pages.shared import casework, choose, format, go, openings, rule, tables, watch

WRAPPED = {"zh": 90, "en": 132}  # pixels: four lines of a Chinese sentence, six of an English one
LABEL_ROOM = 6  # letters besides its label that a number above the list takes


def show(scope, con, t) -> None:
    """Steps due, gravest first, each with the sentence that says why and the rule behind it."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    st.title(t("page.due.title"))
    st.caption(t("page.due.lead"))
    counts = dict(rankings.due_counts(scope, con).iter_rows())
    steps = [s for s in reversed(STEPS) if s != "none"]
    names = [t(f"ladder.step.{s}.name") for s in steps]
    cells = st.columns([len(name) + LABEL_ROOM for name in names])
    for cell, step, name in zip(cells, steps, names, strict=True):
        cell.metric(name, counts.get(step, 0), help=t(f"ladder.step.{step}.meaning"))
    _expected_wrong(reasons.flagged(scope, con), t)
    wanted = choose.one(
        st, t("filter.step"), steps, name="step", words=lambda s: t(f"ladder.step.{s}.name"), everything=t("filter.all")
    )
    rows = rankings.due_list(scope, con, step=wanted, limit=tables.PAGE_ROWS, offset=tables.offset("page"))
    if rows.is_empty():
        st.info(t("page.due.nothing"))
        _candidates(scope, con, wanted, t)
        return
    watch.heads(scope, rows, t)
    picked = tables.show(_worded(rows, t), _columns(t), t, key="due-table", pick=True, row_height=WRAPPED[t.language])
    tables.pager("page", rows["total"][0], t)
    if picked is not None:
        _picked(scope, con, rows.row(picked, named=True), t)
    else:
        st.caption(t("page.due.pick"))
    _candidates(scope, con, wanted, t)


def _candidates(scope, con, wanted: str | None, t) -> None:
    """The tier ahead of a listing, for officers: who is watched, and what is missing until a listing would be due."""
    if scope.role == "manager" or wanted not in (None, "listing"):
        return
    rows = rankings.candidates(scope, con)
    st.subheader(t("candidate.title", n=format.number(rows.height, t, 0)))
    st.caption(t("candidate.lead"))
    if rows.is_empty():
        return
    said = [
        {
            "estate": format.name(r, t, "estate"),
            "company": format.name(r, t, "company") if r["company_id"] else t("page.estate.unmanaged"),
            "chance": format.percent(r["p_below"], t, 0), "missing": t(f"candidate.{_missing(r)}"),
            "step_word": t(f"ladder.step.{r['step']}.name"),
        }
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip
    config = st.column_config
    columns = {
        "estate": config.TextColumn(t("column.estate"), width=110),
        "final": config.NumberColumn(t("column.score"), format="%.1f", width=60),
        "chance": config.TextColumn(t("candidate.chance"), width=135),
        "missing": config.TextColumn(t("candidate.missing"), width=370),
        "step_word": config.TextColumn(t("column.step"), width=95),
        "company": config.TextColumn(t("column.company"), width=165),
    }
    frame = pl.concat([rows.select(pl.col("final").round(1)), pl.DataFrame(said)], how="horizontal")
    picked = tables.show(frame, columns, t, key="candidates-table", pick=True, row_height=WRAPPED[t.language])
    if picked is not None:
        go.to("estate", estate=rows["estate_id"][picked], period=rows["period"][picked])


def _missing(row: dict) -> str:
    """What is missing until a listing would be due, by what the numbers say (cases/persistence.py)."""
    if row["stage"] != "watch":
        return "met" if row["selected"] else "not_left"
    return "one_more" if row["selected"] else "not_sure"


def _picked(scope, con, row: dict, t) -> None:
    """One row of the list: its estate, its case, or the form that opens one."""
    with st.container(border=True):
        names = [format.name(row, t, k) for k in ("estate", "head", "company") if row[f"{k}_zh"]]
        step = t(f"ladder.step.{row['step']}.name")
        st.markdown(f"**{step}** · {format.plain(' · '.join(names))}")
        st.markdown(format.plain(sentence(t, row["reason"], row["params"])))
        if row["estate_id"]:
            go.link("estate", t("page.case.open_estate"), estate=row["estate_id"], period=row["period"])
        else:
            go.link("company", t("page.due.open_company"), company=row["company_id"], period=row["period"])
        desk = casework.desk(scope)
        held = casefiles.case_of(
            scope, con, desk.ledger, period=row["period"], step=row["step"], unit_id=row["party_id"]
        )
        if held:
            go.link("case", t("page.tasks.open_case", case=held), case=held)
        elif may_open(row["step"], False, desk.asked()) is None:
            _open(desk, con, row, t)
    if row["estate_id"]:
        openings.offer(scope, con, estate_id=row["estate_id"], period=row["period"], t=t)


def _open(desk, con, row: dict, t) -> None:
    """One press opens the case with everything the edition knows; the reason is the officer's own."""
    with st.form("open-case"):
        reason = st.text_area(t("page.due.open_reason"), help=t("page.due.open_help"))
        pressed = st.form_submit_button(t("page.due.open"), type="primary")
    if not pressed:
        return
    if not reason.strip():
        st.warning(t("case.refused.reason_missing"))
        return
    try:
        case_id = acts.open_case(desk, row, edition=rankings.edition(desk.scope, con)["edition_id"], reason=reason)
    except acts.NotDue as e:
        st.warning(casework.refusal_words(e, t))
    except AlreadyOpen as e:
        st.warning(casework.already_open(e, t))
    else:
        go.to("case", case=case_id)


def _expected_wrong(rows: pl.DataFrame, t) -> None:
    """How many of the steps that rest on a probability are expected to be wrong, above every list."""
    if rows.is_empty():
        return
    said = [
        t("expected.line", step=t(f"ladder.step.{r['step']}.name"), n=r["n"], wrong=_few(r["wrong"], t))
        for r in rows.sort(pl.col("step").replace_strict(STEPS, range(len(STEPS))), descending=True).to_dicts()
    ]
    st.info("\n".join([t("expected.lead"), *(f"- {line}" for line in said), "", t("expected.facts")]))


def _few(expected: float, t) -> str:
    """An expected number with one decimal, in words; never shown as none at all."""
    return t("expected.some", n=format.number(expected, t)) if expected >= 0.05 else t("expected.hardly")


def _worded(rows: pl.DataFrame, t) -> pl.DataFrame:
    said = [
        {
            "step_word": t(f"ladder.step.{r['step']}.name"),
            "party_word": t(f"party.{r['party']}"),
            "estate": format.name(r, t, "estate") if r["estate_id"] else t("common.none"),
            "company": format.name(r, t, "company") if r["company_id"] else t("page.estate.unmanaged"),
            "head": format.name(r, t, "head") if r["head_id"] else t("common.none"),
            "why": sentence(t, r["reason"], r["params"]),
            "rule": t("page.due.rule", since=format.day(r["rule_from"], t), basis=rule.basis(r["basis"], t)),
        }
        for r in rows.iter_rows(named=True)
    ]
    return pl.concat([rows.select(pl.col("final").round(1)), pl.DataFrame(said)], how="horizontal")


def _columns(t) -> dict:
    config = st.column_config
    return {
        "step_word": config.TextColumn(t("column.step"), width=110),
        "estate": config.TextColumn(t("column.estate"), width=110),
        "final": config.NumberColumn(t("column.score"), format="%.1f", width=60),
        "why": config.TextColumn(t("column.why"), width=470),
        "company": config.TextColumn(t("column.company"), width=190),
        "party_word": config.TextColumn(t("column.party"), width=130),
        "head": config.TextColumn(t("column.head"), width=80),
        "rule": config.TextColumn(t("column.rule"), width=260),
    }
