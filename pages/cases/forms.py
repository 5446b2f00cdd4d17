"""The form of each act: what a person gives, beside the reason. The days the rules give stand in it already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl
import streamlit as st

from cases.acts import LARGEST_FILE, Handed
from cases.allowed import CLOSED_HOW, GROUNDS, OBJECTION_OUTCOMES, OUTCOMES
from cases.case import Case, level_of
from cases.corrected import corrected_by
from cases.days import ZONE
from cases.standing import RANKS
from data import codes
from data.editions import Published
from data.queries import files
from data.scope import Scope
from i18n.words import Words
from pages.shared import format, openings

WITH_FILE = ("replied", "objected", "proof_given", "reinspection_asked", "answered", "served", "heard", "reinspected")
MEGABYTE = 1024 * 1024
NAMED_AT_MOST = 50  # records one objection names
CLAIMED_AT_MOST = 500  # records offered for an objection


@dataclass(frozen=True)
class Form:
    """What a form is drawn from. ``drafted``: what the rules give (cases/drafting.py); ``published``: editions that may have
    taken the case's rulings."""

    scope: Scope
    con: duckdb.DuckDBPyConnection
    case: Case
    drafted: dict[str, Any]
    t: Words
    published: list[Published] = field(default_factory=list)


def _day(form: Form, name: str, value: date | None = None) -> str:
    start = value or (date.fromisoformat(form.drafted[name]) if form.drafted.get(name) else None)
    chosen = st.date_input(form.t(f"form.{name}"), value=start, format="YYYY-MM-DD", key=f"form-{name}")
    return chosen.isoformat() if isinstance(chosen, date) else ""


def _lines(form: Form, name: str) -> list[str]:
    typed = st.text_area(form.t(f"form.{name}"), help=form.t("form.one_a_line"), key=f"form-{name}") or ""
    return [line.strip() for line in typed.splitlines() if line.strip()]


def _text(form: Form, name: str) -> str:
    return (st.text_input(form.t(f"form.{name}"), key=f"form-{name}") or "").strip()


def _tasks(form: Form, name: str) -> list[dict]:
    """What is asked of the party; an empty table leaves what the rules propose."""
    t = form.t
    st.caption(t("form.asked_help"))
    empty = pl.DataFrame(schema={"what": pl.String, "measure": pl.String, "by": pl.Date})
    columns = {
        "what": st.column_config.TextColumn(t("form.what"), width="large"),
        "measure": st.column_config.TextColumn(t("form.measure"), width="large"),
        "by": st.column_config.DateColumn(t("form.by"), format="YYYY-MM-DD"),
    }
    rows = st.data_editor(
        empty, column_config=columns, num_rows="dynamic", key=f"form-{name}", hide_index=True, width="stretch"
    )
    full = [r for r in pl.DataFrame(rows).to_dicts() if r["what"] and r["measure"] and r["by"]]
    return [r | {"by": r["by"].isoformat()} for r in full]


def _kept(facts: dict) -> dict:
    """Only what somebody gave."""
    return {k: v for k, v in facts.items() if v not in ("", [], None)}


def _heard(form: Form) -> dict:
    return _kept({"on": _day(form, "on"), "said": st.text_area(form.t("form.said_by_head"), key="form-said")})


def _decided(form: Form) -> dict:
    t, case = form.t, form.case
    lighter = [s for s, rank in RANKS.items() if 0 < rank < RANKS.get(case.recommended, 0)]
    offered = [o for o in OUTCOMES if o != "lower" or lighter]
    outcome = st.radio(t("form.outcome"), offered, format_func=lambda o: t(f"case.outcome.{o}"), key="form-outcome")
    facts = {"outcome": outcome, "step": case.recommended}
    if lighter:
        step = st.selectbox(
            t("form.lighter"), lighter[::-1], format_func=lambda s: t(f"ladder.step.{s}.name"), key="form-step"
        )
        facts["step"] = step if outcome == "lower" else case.recommended
    until = _day(form, "until")
    return facts | ({"until": until} if outcome == "defer" and until else {})


def _served(form: Form) -> dict:
    t, step = form.t, form.case.step
    if step == "rectification":
        return _ordered(form)
    facts: dict[str, Any] = {}
    for name in ("object_until", "publish_by", "answer_by", "hold_by", "follow_up"):
        if form.drafted.get(name):
            st.caption(f"{t(f'form.{name}')}{t('common.colon')}{format.day(date.fromisoformat(form.drafted[name]), t)}")
    if form.drafted.get("calendar_unknown"):
        st.caption(t("form.calendar_unknown"))
    if step == "listing":
        facts |= {"listed_until": _day(form, "listed_until"), "publish_at": _text(form, "publish_at")}
    if step == "interview":
        meeting = datetime.fromisoformat(form.drafted["meeting_at"])
        day = st.date_input(t("form.meeting_day"), value=meeting.date(), format="YYYY-MM-DD", key="form-meeting-day")
        hour = st.time_input(t("form.meeting_time"), value=meeting.time(), key="form-meeting-time")
        if isinstance(day, date) and hour:
            facts["meeting_at"] = datetime.combine(day, hour, ZONE).isoformat()
        facts |= {"place": _text(form, "place"), "purpose": _text(form, "purpose"), "bring": _lines(form, "bring")}
    if step in ("attention", "listing"):
        facts["asked"] = _tasks(form, "asked")
    return _kept(facts)


def _ordered(form: Form) -> dict:
    """An order: the visit, its two inspectors, and each hazard with its law, its deadline and what protects people till then."""
    t, config = form.t, st.column_config
    facts: dict[str, Any] = {"found_on": _day(form, "found_on", form.case.opened_on), "visit": _text(form, "visit")}
    st.caption(t("form.officers_help"))
    empty = pl.DataFrame(
        {"name": ["", ""], "certificate": ["", ""]}, schema={"name": pl.String, "certificate": pl.String}
    )
    columns: dict = {n: config.TextColumn(t(f"form.{n}"), required=True) for n in empty.columns}
    rows = st.data_editor(
        empty, column_config=columns, num_rows="dynamic", key="form-officers", hide_index=True, width="stretch"
    )
    facts["officers"] = [r for r in pl.DataFrame(rows).to_dicts() if r["name"] and r["certificate"]]
    st.caption(t("form.hazards_help"))
    facts["hazards"] = _hazards(form)
    if facts["hazards"]:
        last = max(h["due_on"] for h in facts["hazards"])
        facts |= {"rectify_by": last, "object_until": last}
        facts["asked"] = [{"what": h["what"], "measure": h["law"], "by": h["due_on"]} for h in facts["hazards"]]
    return facts | {"reinspect_on": _day(form, "reinspect_on")}


def _hazards(form: Form) -> list[dict]:
    """The hazards on record that are still open, to be completed, and any others; only whole rows count."""
    t, config = form.t, st.column_config
    words = {s: t(f"fact.severity.{s}") for s in codes.HAZARD_SEVERITIES}
    texts = dict.fromkeys(("hazard_id", "what", "where", "severity", "law", "interim"), pl.String)
    due = date.fromisoformat(form.drafted["rectify_by"])
    known = openings.open_hazards(form.scope, form.con, str(form.case.estate_id), form.case.period, t)
    rows = pl.DataFrame([h | {"due_on": due} for h in known], schema=texts | {"due_on": pl.Date})
    columns: dict = {n: config.TextColumn(t(f"form.{n}"), required=True) for n in texts}
    columns["severity"] = config.SelectboxColumn(
        t("form.severity"), options=list(words), format_func=lambda s: words.get(str(s), ""), required=True
    )
    columns["due_on"] = config.DateColumn(t("form.by"), format="YYYY-MM-DD", required=True)
    edited = st.data_editor(
        rows, column_config=columns, num_rows="dynamic", key="form-hazards", hide_index=True, width="stretch"
    )
    whole = [r for r in pl.DataFrame(edited).to_dicts() if all(r.values())]
    return [r | {"due_on": r["due_on"].isoformat()} for r in whole]


def _objected(form: Form) -> dict:
    t = form.t
    ground = st.selectbox(
        t("form.ground"), GROUNDS, format_func=lambda g: t(f"objection.ground.{g}"), key="form-ground"
    )
    rows = _records(form)
    labels = {i: f"{r['duty']} · {format.day(r['on'], t)} · {r['record_id']}" for i, r in enumerate(rows)}
    chosen = st.multiselect(
        t("form.records"),
        list(labels),
        format_func=lambda i: labels[i],
        key="form-records",
        max_selections=NAMED_AT_MOST,
        help=t("form.records_help"),
    )
    wish = st.radio(
        t("form.wish"),
        ("exclude", "reassign"),
        format_func=lambda w: t(f"ruling.{w}"),
        horizontal=True,
        key="form-wish",
    )
    records = [{"table": rows[i]["table"], "record_id": rows[i]["record_id"], "wish": wish} for i in chosen]
    return {"ground": ground, "records": records}


def _records(form: Form) -> list[dict]:
    """Records the case's unit was scored on, newest first: what an objection may name."""
    case, t = form.case, form.t
    if case.party == "company":
        return []
    level = level_of(case)
    rows = files.counted_records(
        form.scope, form.con, level=level, unit_id=case.party_id, period=case.period, limit=CLAIMED_AT_MOST
    )
    return [
        {
            "table": r["record_table"],
            "record_id": r["record_id"],
            "on": r["decided_on"],
            "duty": t(f"metric.{r['metric']}.name"),
        }
        for r in rows.iter_rows(named=True)
    ]


def _objection_decided(form: Form) -> dict:
    """Which objection, how, and the two computations the page has put beside it."""
    t, case = form.t, form.case
    weighed = st.session_state.get("weighed", {}).get(case.case_id)
    outcome = st.radio(
        t("form.objection_outcome"), OBJECTION_OUTCOMES, format_func=lambda o: t(f"objection.outcome.{o}"), key="form-objection-outcome",
        index=len(OBJECTION_OUTCOMES) - 1, horizontal=True,
    )  # fmt: skip
    return {"outcome": outcome} | (weighed or {})


def _reinspected(form: Form) -> dict:
    t = form.t
    passed = st.radio(
        t("form.passed"),
        (True, False),
        format_func=lambda p: t(f"form.passed_{str(p).lower()}"),
        horizontal=True,
        key="form-passed",
    )
    return _kept({"on": _day(form, "on"), "visit": _text(form, "visit")}) | {"passed": passed}


def _extension_asked(form: Form) -> dict:
    return _kept({"until": _day(form, "until", form.case.listed_until)})


def _extension_answered(form: Form) -> dict:
    t = form.t
    granted = st.radio(
        t("form.granted"),
        (True, False),
        format_func=lambda g: t(f"form.granted_{str(g).lower()}"),
        horizontal=True,
        key="form-granted",
    )
    return {"granted": granted, "until": _day(form, "until")}


def _held(form: Form) -> dict:
    t = form.t
    facts: dict[str, Any] = {"on": _day(form, "on"), "recorder": _text(form, "recorder")}
    facts |= {name: _lines(form, name) for name in ("present", "put")}
    st.caption(t("form.said"))
    empty = pl.DataFrame(schema={"speaker": pl.String, "words": pl.String})
    columns = {
        "speaker": st.column_config.TextColumn(t("form.speaker")),
        "words": st.column_config.TextColumn(t("form.words"), width="large"),
    }
    rows = st.data_editor(
        empty, column_config=columns, num_rows="dynamic", key="form-said", hide_index=True, width="stretch"
    )
    facts["said"] = [r for r in pl.DataFrame(rows).to_dicts() if r["speaker"] and r["words"]]
    return facts | {"undertakings": _tasks(form, "undertakings")}


def _answered(form: Form) -> dict:
    t = form.t
    choice = st.radio(
        t("form.choice"),
        ("accept", "alternative", "refuse"),
        format_func=lambda c: t(f"case.answer.{c}"),
        key="form-choice",
    )
    return {"choice": choice}


def _withdrawn(form: Form) -> dict:
    """Only an edition that shows what was ruled may be named as the corrected one."""
    t, corrected = form.t, None
    if any(o.changes_scores for o in form.case.objections):
        made = [p.edition_id for p in corrected_by(form.case, form.published)]
        corrected = st.selectbox(
            t("form.corrected_edition"), made, index=0 if made else None, placeholder=t("form.corrected_pending"),
            key="form-corrected", disabled=not made,
        )  # fmt: skip
    return _kept({"corrected_edition": corrected, "told": _lines(form, "told")})


def _closed(form: Form) -> dict:
    t, ways = form.t, CLOSED_HOW.get(form.case.step or "", ("done",))
    how = st.selectbox(t("form.how"), ways, format_func=lambda h: t(f"case.closed_how.{h}"), key="form-how")
    return {"how": how}


#: What each act asks beside the reason; an act that is not here asks the reason alone.
FORMS: dict[str, Callable[[Form], dict]] = {
    "heard": _heard, "decided": _decided, "served": _served, "objected": _objected, "objection_decided": _objection_decided,
    "reinspected": _reinspected, "extension_asked": _extension_asked, "extension_answered": _extension_answered, "held": _held,
    "answered": _answered, "withdrawn": _withdrawn, "closed": _closed,
}  # fmt: skip


def handed_in(form: Form, kind: str) -> Handed | None:
    """The file handed in with an act, where one is taken."""
    if kind not in WITH_FILE:
        return None
    file = st.file_uploader(
        form.t("form.file", megabytes=LARGEST_FILE // MEGABYTE), key="form-file", help=form.t("form.file_help"),
        max_upload_size=LARGEST_FILE // MEGABYTE,
    )  # fmt: skip
    return Handed(file.name[:256], file.type or "application/octet-stream", file.getvalue()) if file else None
