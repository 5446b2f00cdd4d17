"""One case: what it rests on, everything done in it, its papers, and what this person may do now."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import polars as pl
import streamlit as st

from cases.acts import EditionGone, found_for, how_far, read
from cases.allowed import possible
from cases.case import DISPUTE, Case
from cases.corrected import corrected_by
from cases.days import first_unknown_year
from cases.drafting import drafted
from cases.papers import prefill
from cases.papers.numbers import in_language
from cases.tasks import tasks_of
from data.events import Event
from data.queries import casefiles
from pages.cases import appeal
from pages.cases.forms import FORMS, Form, handed_in
from pages.shared import casework, charts, downloads, format, go, place, rule, tables, watch

RECORDS_SHOWN = 40


def show(scope, con, t) -> None:
    """The case the address names, for officers of its area and, once told, its company."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    go.link("tasks", t("common.back_to", page=t("page.tasks.menu")))
    desk = casework.desk(scope)
    try:
        case, rows = read(desk, con, place.asked("case"))
    except LookupError:
        st.title(t("page.case.not_found_title"))
        st.info(t("page.case.not_found"))
        return
    casefiles.note_reading(scope, con, desk.ledger, case_id=case.case_id, at=desk.now)
    watch.heads_of_cases(scope, [case], t)
    if said := st.session_state.pop("case_said", None):
        st.success(said)
    _header(desk, case, t)
    _counter(desk, con, case, t)
    _act(desk, con, case, t)
    _grounds(desk, case, t)
    _objections(case, rows, t)
    _timeline(scope, con, desk, case, rows, t)
    _papers(scope, con, desk, case, t)
    _readings(scope, con, desk, case, t)


def _header(desk, case: Case, t) -> None:
    st.title(format.plain(casework.title(case, t)))
    st.caption(
        t("page.case.facts", case=case.case_id, period=format.period(case.period, t), edition=case.edition,
          step=t(f"ladder.step.{case.recommended}.name"), opened=format.day(case.opened_on, t))
    )  # fmt: skip
    if case.matter:
        st.caption(t("page.case.matter", matter=format.plain(_matter(case, t))))
    cells = st.columns(3)
    cells[0].metric(t("page.case.phase"), t(f"case.phase.{case.phase}"))
    step = t(f"ladder.step.{case.step}.name") if case.step else t("page.case.undecided")
    cells[1].metric(t("page.case.step"), step)
    if case.closed_how and case.closed_on:
        cells[0].caption(
            t("page.case.closed", how=t(f"case.closed_how.{case.closed_how}"), on=format.day(case.closed_on, t))
        )
    if case.watch_until:
        cells[0].caption(t("page.case.watch", until=format.day(case.watch_until, t)))
    _correction(desk, case, cells[0], t)
    open_now = len(case.open_objections)
    cells[2].metric(t("page.case.objections"), format.number(open_now, t, 0), help=t("page.case.objections_help"))
    if open_now:
        st.warning(t("page.case.marked"))
    _todo(desk, case, t)


def _correction(desk, case: Case, place_at, t) -> None:
    """The withdrawal, and the edition that shows what was ruled."""
    made = corrected_by(case, desk.published())
    ruled = any(o.changes_scores for o in case.objections)
    edition = case.corrected_edition or (made[0].edition_id if made else None)
    if case.withdrawn_on:
        none = t("form.corrected_pending") if ruled else t("page.case.no_edition")
        place_at.caption(t("page.case.withdrawn", on=format.day(case.withdrawn_on, t), edition=edition or none))
    elif edition:
        place_at.caption(t("page.case.corrected", edition=edition))


def _todo(desk, case: Case, t) -> None:
    """What is to be done next, by whom and until when."""
    todo = sorted(tasks_of(case, desk.asked().rule, desk.today, desk.published()), key=lambda task: task.until)
    for task in todo:
        who = t("common.separator").join(t(f"role.{r}") for r in task.roles)
        line = t("page.case.task", task=t(f"task.{task.kind}"), until=format.day(task.until, t), who=who)
        late = task.overdue(desk.today)
        (st.error if late else st.info)(f"{t('page.tasks.overdue')}{t('common.colon')}{line}" if late else line)
        if task.kind == "correct_edition" and desk.scope.role in task.roles:
            st.caption(t("page.case.correct_how"))
            go.link("editions", t("page.editions.menu"))
    if any(not task.known for task in todo):
        st.caption(t("page.tasks.calendar", year=first_unknown_year(desk.today)))


def _matter(case: Case, t) -> str:
    """What the case is about: as the officer wrote it, or the records the company disputes."""
    if case.step != DISPUTE:
        return case.matter
    named = [f"{t('table.' + r['table'])} {r['record_id']}" for o in case.objections for r in o.records]
    return t("common.semicolon").join(named)


def _counter(desk, con, case: Case, t) -> None:
    """How far the case is from its end, by the published edition."""
    found = how_far(desk, con, case)
    if found is None:
        return
    lines = "\n".join(f"- {format.plain(said(t))}" for said in found.says)
    (st.success if found.met else st.info)(f"**{t('page.case.exit')}**\n{lines}")


def _act(desk, con, case: Case, t) -> None:
    """What the viewer may do now: choose, fill in, press."""
    kinds = possible(case, desk.asked())
    if not kinds:
        st.caption(t("page.case.nothing_to_do"))
        return
    st.subheader(t("page.case.act"))
    kind = st.selectbox(t("page.case.choose_act"), kinds, format_func=lambda k: t(f"case.do.{k}"), key="act-kind")
    ladder, cases = desk.book.on(desk.today, "ladder"), desk.asked().rule
    form = Form(desk.scope, con, case, drafted(case, kind, desk.today, cases, ladder), t, desk.published())
    if kind == "objection_decided" and (not case.matter or case.step == DISPUTE):
        appeal.weighing(desk, con, case, t)
    with st.form(f"act-{kind}", border=True):
        facts = FORMS[kind](form) if kind in FORMS else {}
        handed = handed_in(form, kind)
        words = f"form.reason_{kind}"
        reason = st.text_area(
            t(words if t.has(words) else "form.reason"), key="form-reason", help=t("form.reason_help")
        )
        pressed = st.form_submit_button(t(f"case.do.{kind}"), type="primary")
    if pressed:
        with st.spinner(t("page.case.working")):
            written = casework.done(desk.scope, con, case, kind, facts, reason or "", handed, t)
        if written:
            st.session_state["case_said"] = t("page.case.done", what=t(f"case.event.{kind}"))
            for key in [k for k in st.session_state if str(k).startswith("form-")]:
                del st.session_state[key]  # the next act begins with an empty form
            st.rerun()


def _grounds(desk, case: Case, t) -> None:
    """The rule, the numbers, what speaks for the party, and the records, as the case's own edition has them."""
    st.subheader(t("page.case.grounds"))
    if case.matter:
        if case.step == DISPUTE:
            st.caption(t("page.case.by_party"))
        else:
            _by_hand(case, t)
        return
    try:
        found = found_for(desk, case)
    except (EditionGone, LookupError) as e:
        st.warning(t("page.case.edition_gone", edition=format.plain(case.edition), why=format.plain(str(e))))
        return
    sentence = prefill.rule(found.due)
    st.markdown(f"**{format.plain(in_language(sentence.reason, t.language))}**")
    basis = str(found.due.get("basis") or "")
    st.caption(t("page.due.basis", basis=format.plain(rule.basis(basis, t)), since=format.day(sentence.since, t)))
    if said := rule.laws(basis, t):
        st.caption(said)
    names = prefill.metrics_named(found.due, found.scores)
    facts = prefill.facts(found, names, float(rule.bands(case.period)["attention"]))
    lines = []
    for fact in facts:
        note = (
            f"（{in_language(fact.note, t.language)}）"
            if fact.note and t.language == "zh"
            else (f" ({in_language(fact.note, t.language)})" if fact.note else "")
        )
        line = f"{in_language(fact.label, t.language)}{t('common.colon')}{in_language(fact.value, t.language)}{note}"
        lines.append(f"- {format.plain(line)}")
    st.markdown("\n".join(lines))
    good = prefill.speaks_for(found.scores)
    st.markdown(f"**{t('page.case.for_party')}**")
    st.markdown("\n".join(f"- {format.plain(in_language(g, t.language))}" for g in good) or t("page.case.none_found"))
    charts.history(
        found.history.filter(pl.col("period") <= case.period).to_dicts(),
        t,
        key="case-history",
        bands=rule.bands(case.period),
    )
    if case.estate_id:
        go.link("history", t("page.history.of_estate"), estate=case.estate_id)
        go.link("estate", t("page.case.open_estate"), estate=case.estate_id, period=case.period)
    if case.head_id:
        go.link(
            "history", t("page.history.of_head", name=format.plain(format.name(case.due, t, "head"))), head=case.head_id
        )
    _records(found, names, t)


def _by_hand(case: Case, t) -> None:
    """What a case opened by hand rests on: its kind, whom it goes to, its law."""
    st.caption(t("page.case.by_hand"))
    if kind := case.due.get("matter_kind"):
        law = "; ".join(case.due["law"])
        st.markdown(f"**{t(f'matter.{kind}.name')}**")
        st.markdown(t("by_hand.goes_to", body=t(f"addressee.{case.due['body']}"), law=format.plain(law)))
        if said := rule.laws(law, t):
            st.caption(said)
    if case.estate_id:
        go.link("estate", t("page.case.open_estate"), estate=case.estate_id, period=case.period)


def _records(found, names: list[str], t) -> None:
    rows = [r for m in names if m in found.evidence for r in prefill.record_rows(m, found.evidence[m])]
    if not rows:
        return
    frame = pl.DataFrame(
        [
            {"on": r.on, "duty": in_language(r.duty, t.language), "what": in_language(r.what, t.language),
             "counts": in_language(r.counts, t.language), "record_id": r.record_id, "file": r.file}
            for r in rows[:RECORDS_SHOWN]
        ],
        schema={"on": pl.Date, "duty": pl.String, "what": pl.String, "counts": pl.String, "record_id": pl.String, "file": pl.String},
    )  # fmt: skip
    config = st.column_config
    columns = {
        "on": config.DateColumn(t("column.decided_on"), format=t("common.date_pattern"), width=95),
        "duty": config.TextColumn(t("column.metric"), width=150), "what": config.TextColumn(t("column.record"), width=380),
        "counts": config.TextColumn(t("column.counts"), width=110), "record_id": config.TextColumn(t("column.record_id"), width=120),
        "file": config.TextColumn(t("column.file"), width=180),
    }  # fmt: skip
    with st.expander(t("page.case.records", n=format.number(len(rows), t, 0))):
        tables.show(frame, columns, t, key="case-records", row_height=tables.TWO_LINES)


def _objections(case: Case, rows: list[Event], t) -> None:
    """Each objection with its answer, and the two computations side by side."""
    if not case.objections:
        return
    st.subheader(t("page.case.objections"))
    decided = {e.facts["objection"]: e for e in rows if e.kind == "objection_decided"}
    for o in case.objections:
        state = t(f"objection.outcome.{o.outcome}") if o.outcome else t("page.case.open")
        head = t("page.case.objection", number=o.number, ground=t(f"objection.ground.{o.ground}"), state=state)
        st.markdown(f"**{head}** — {format.plain(o.text)}")
        event = decided.get(o.number)
        if event:
            st.caption(format.plain(event.reason))
            if event.facts.get("before") and event.facts.get("after"):
                appeal.side_by_side(event.facts["before"], event.facts["after"], t, key=f"both-{o.number}")


def _timeline(scope, con, desk, case: Case, rows: list[Event], t) -> None:
    st.subheader(t("page.case.timeline"))
    names = casework.people(rows, t)
    for e in reversed(rows):
        who = f"{format.plain(names.get(e.by, e.by))} · {t(f'role.{e.role}')}"
        extra = _said_of(e, t)
        st.markdown(f"**{t(f'case.event.{e.kind}')}** · {format.moment(e.at, t)} · {who}")
        st.markdown(f"> {format.plain(e.reason)}" + (f"  \n> {format.plain(extra)}" if extra else ""))
        st.caption(t("page.case.event_law", law=format.plain(e.law), seq=e.seq, hash=e.hash[:12]))
        if e.attachment:
            _file_button(scope, con, desk, case, e, t)
    if said := rule.laws("; ".join(sorted({e.law for e in rows})), t):
        st.caption(said)


def _said_of(e: Event, t) -> str:
    """What an event holds beside its reason, in words."""
    f = e.facts
    parts = []
    if e.kind == "decided":
        parts += [
            t(f"case.outcome.{f['outcome']}"),
            t(f"ladder.step.{f['step']}.name") if f["outcome"] in ("accept", "lower") else "",
        ]
    if e.kind == "objected":
        parts += [t(f"objection.ground.{f['ground']}"), *(r["record_id"] for r in f.get("records", ()))]
    if e.kind == "objection_decided":
        parts.append(t(f"objection.outcome.{f['outcome']}"))
    if e.kind == "closed":
        parts.append(t(f"case.closed_how.{f['how']}"))
    if e.kind == "answered":
        parts.append(t(f"case.answer.{f['choice']}"))
    if e.kind == "reinspected":
        parts.append(t(f"form.passed_{str(f['passed']).lower()}"))
    return t("common.semicolon").join(p for p in parts if p)


def _file_button(scope, con, desk, case: Case, e: Event, t) -> None:
    kept = casefiles.case_attachment(scope, con, desk.ledger, case_id=case.case_id, sha256=e.attachment or "")
    if kept:
        name, _, content = kept
        st.download_button(
            t("page.case.file", name=format.plain(name)), data=content, file_name=name, mime="application/octet-stream",
            key=f"file-{e.seq}", on_click="ignore",
        )  # fmt: skip


def _papers(scope, con, desk, case: Case, t) -> None:
    st.subheader(t("page.case.papers"))
    rows = casefiles.case_papers(scope, con, desk.ledger, case_id=case.case_id)
    for row in rows.iter_rows(named=True):
        number = row["number_zh"] if t.language == "zh" else row["number_en"]
        st.markdown(
            f"**{t('paper.title.' + row['kind'])}** {format.plain(number)} · {format.moment(row['made_at'], t)}"
        )
        st.caption(t("page.case.paper", code=row["check_code"], sha=row["sha256_zh"][:16]))
        cells = st.columns(4)
        for cell, language in zip(cells, ("zh", "en"), strict=False):
            name, _, pdf = casefiles.case_attachment(
                scope, con, desk.ledger, case_id=case.case_id, sha256=row[f"sha256_{language}"]
            ) or ("", "", b"")
            taken = watch.heads_in_file(partial(bytes, pdf), scope, case)
            cell.download_button(t(f"download.pdf_{language}"), data=taken, file_name=name, mime=downloads.PDF,
                                 key=f"paper-{row['check_code']}-{language}", on_click="ignore", icon="⬇️")  # fmt: skip
    if rows.is_empty():
        st.caption(t("page.case.no_papers"))
    make = watch.heads_in_file(partial(downloads.case_book, scope, con, replace(desk), case.case_id, t), scope, case)
    downloads.workbook(st, "case", make, t, name=downloads.file_name("case", case.period, t, case.case_id))


def _readings(scope, con, desk, case: Case, t) -> None:
    read_by = casefiles.readings(scope, con, desk.ledger, case_id=case.case_id)
    with st.expander(t("page.case.readings", n=read_by.height)):
        st.caption(t("page.case.readings_help"))
        config = st.column_config
        columns = {
            "account_id": config.TextColumn(t("workbook.column.who")),
            "day": config.DateColumn(t("workbook.column.on"), format=t("common.date_pattern")),
        }
        tables.show(read_by, columns, t, key="case-readings")
