"""My tasks: what I may do or must know of, with its last day; every case I may read; a calendar file."""

from __future__ import annotations

from typing import get_args

import polars as pl
import streamlit as st

from cases.case import Case, Phase, fold_all
from cases.days import first_unknown_year
from cases.tasks import Task, calendar, inbox
from data.queries import bulletins, casefiles
from pages.shared import casework, choose, format, go, place, tables, watch

PHASES = get_args(Phase)
ICS = "text/calendar"


def show(scope, con, t) -> None:
    """The viewer's tasks, nearest first, then the cases."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    st.title(t("page.tasks.title"))
    st.caption(t("page.tasks.lead"))
    desk = casework.desk(scope)
    found = fold_all(casefiles.case_file(scope, con, desk.ledger))
    todo = inbox(found, scope, desk.asked().rule, desk.today, desk.published())
    _code(scope, con, desk, t)
    if not found:
        st.info(t("page.tasks.no_cases_manager" if scope.role == "manager" else "page.tasks.no_cases"))
        return
    _inbox(scope, todo, desk, t)
    _cases(scope, found, t)


def _code(scope, con, desk, t) -> None:
    """A check code typed from a paper opens its case."""
    with st.expander(t("page.tasks.by_code"), expanded=bool(place.asked("code"))):
        code = choose.text(st, t("page.tasks.code"), name="code", hint="XXXX-XXXX-XXXX")
        if not code:
            return
        rows = casefiles.case_papers(scope, con, desk.ledger, check_code=code)
        if rows.is_empty() and scope.role == "supervisor":
            found = bulletins.issued(scope, con, desk.ledger, check_code=code)
            if found.height:
                _found(found.row(0, named=True) | {"kind": "bulletin"}, t)
                go.link("bulletin", t("page.bulletin.menu"))
                return
        if rows.is_empty():
            st.warning(t("page.tasks.no_such_code"))
            return
        row = rows.row(0, named=True)
        _found(row, t)
        go.link("case", t("page.tasks.open_case", case=row["case_id"]), case=row["case_id"])


def _found(row: dict, t) -> None:
    """The paper a check code belongs to, with the hashes of its files."""
    number = row["number_zh"] if t.language == "zh" else row["number_en"]
    st.success(
        t(
            "page.tasks.code_found",
            title=t(f"paper.title.{row['kind']}"),
            number=format.plain(number),
            made=format.moment(row["made_at"], t),
        )
    )
    st.caption(t("page.tasks.code_hashes", zh=row["sha256_zh"], en=row["sha256_en"]))


def _inbox(scope, todo: list[Task], desk, t) -> None:
    st.subheader(t("page.tasks.inbox"))
    if not todo:
        st.info(t("page.tasks.nothing"))
        return
    watch.heads_of_cases(scope, (task.case for task in todo), t)
    late = sum(task.overdue(desk.today) for task in todo)
    if late:
        st.error(t("page.tasks.late", n=late))
    if any(not task.known for task in todo):
        st.caption(t("page.tasks.calendar", year=first_unknown_year(desk.today)))
    frame = pl.DataFrame(
        [
            {"until": task.until, "task": _task_words(task, desk, t), "about": casework.about(task.case, t), "case": task.case.case_id,
             "step": t(f"ladder.step.{task.case.step or task.case.recommended}.name")}
            for task in todo
        ]
    )  # fmt: skip
    config = st.column_config
    columns = {
        "until": config.DateColumn(t("page.tasks.until"), format=t("common.date_pattern"), width=100),
        "task": config.TextColumn(t("page.tasks.task"), width=190), "about": config.TextColumn(t("page.tasks.about"), width=290),
        "step": config.TextColumn(t("column.step"), width=120), "case": config.TextColumn(t("page.tasks.case"), width=120),
    }  # fmt: skip
    picked = tables.show(frame, columns, t, key="tasks-table", pick=True, row_height=tables.TWO_LINES)
    if picked is not None:
        go.to("case", case=todo[picked].case.case_id)
    made = calendar(todo, t, desk.now, desk.link)
    st.download_button(
        t("page.tasks.ics"),
        data=made,
        file_name="steward-tasks.ics",
        mime=ICS,
        key="ics",
        on_click="ignore",
        icon="⬇️",
        help=t("page.tasks.ics_help"),
    )


def _task_words(task: Task, desk, t) -> str:
    words = t(f"task.{task.kind}")
    return f"{t('page.tasks.overdue')}{t('common.colon')}{words}" if task.overdue(desk.today) else words


def _cases(scope, found: list[Case], t) -> None:
    st.subheader(t("page.tasks.cases"))
    phase = choose.one(
        st, t("page.case.phase"), PHASES, name="phase", words=lambda p: t(f"case.phase.{p}"), everything=t("filter.all")
    )
    rows = sorted(
        (c for c in found if phase in (None, c.phase)), key=lambda c: (c.over, c.opened_on, c.case_id), reverse=False
    )
    if not rows:
        st.info(t("page.tasks.none_in_phase"))
        return
    watch.heads_of_cases(scope, rows, t)
    frame = pl.DataFrame(
        [
            {"case": c.case_id, "about": casework.about(c, t), "step": t(f"ladder.step.{c.step or c.recommended}.name"),
             "phase": t(f"case.phase.{c.phase}"), "opened": c.opened_on, "objections": len(c.open_objections)}
            for c in rows
        ]
    )  # fmt: skip
    config = st.column_config
    columns = {
        "case": config.TextColumn(t("page.tasks.case"), width=120), "about": config.TextColumn(t("page.tasks.about"), width=330),
        "step": config.TextColumn(t("column.step"), width=120), "phase": config.TextColumn(t("page.case.phase"), width=130),
        "opened": config.DateColumn(t("case.event.opened"), format=t("common.date_pattern"), width=100),
        "objections": config.NumberColumn(t("page.case.objections"), width=110),
    }  # fmt: skip
    picked = tables.show(frame, columns, t, key="cases-table", pick=True, row_height=tables.TWO_LINES)
    if picked is not None:
        go.to("case", case=rows[picked].case_id)
