"""Downloads: workbooks and papers of what a page shows, made when somebody presses, from the page's own queries.

Whatever is in a file came through the viewer's own scope: each maker below asks with it, as the page does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial

import duckdb
import polars as pl
import streamlit as st

from cases import bulletins
from cases.acts import Desk, found_for, read
from cases.days import local_day
from cases.papers import extracts, prefill
from cases.papers.blocks import Both, Task
from cases.papers.press import LANGUAGES, FontsMissing, Language, Press, own_templates
from cases.papers.tables import CaseFile, Happening, Issued, case_workbook, evidence_workbook, ranking_workbook
from cases.papers.workbooks import MOST_ROWS, About, Column
from cases.tasks import tasks_of
from data.accounts import names_of
from data.queries import casefiles, digest, files, rankings, reasons
from data.scope import Scope
from i18n.words import Words
from pages.shared import beside, format, place, rule, tables, viewer

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"
SUBINDEX_COLUMNS = rankings.SUBINDICES
Connection = duckdb.DuckDBPyConnection


@cache
def press() -> Press:
    """One typesetter for all viewers; it locks itself."""
    return Press(own_templates(place.root()), rule.book())


@cache
def fonts_here() -> bool:
    """Whether papers can be set on this machine."""
    try:
        return bool(press().made_with)
    except FontsMissing:
        return False


def workbook(box, kind: str, make: Callable[[], bytes], t: Words, *, name: str) -> None:
    """A button that makes a workbook when pressed."""
    box.download_button(
        t(f"download.xlsx_{kind}"), data=make, file_name=f"{name}.xlsx", mime=XLSX, key=f"xlsx-{kind}", on_click="ignore",
        help=t("download.help"), icon="⬇️",
    )  # fmt: skip


def paper(box, label: str, make: Callable[[], bytes], t: Words, *, name: str) -> None:
    """A button that sets a paper when pressed; where there are no fonts, a line that says so."""
    if not fonts_here():
        box.caption(t("download.no_fonts"))
        return
    box.download_button(
        t(f"download.{label}"), data=make, file_name=f"{name}.pdf", mime=PDF, key=f"pdf-{label}", on_click="ignore",
        icon="⬇️",
    )  # fmt: skip


def file_name(kind: str, period: str, t: Words, *more: str) -> str:
    """Such as ``企业排名-2026Q3``; characters no file system takes are left out."""
    words = "-".join((t(f"download.name_{kind}"), period, *more))
    return "".join(c for c in words if c.isalnum() or c in "-_ ").strip()


def _about(scope: Scope, con: Connection, title: str, period: str, lines: list[tuple[str, str]], t: Words) -> About:
    edition = rankings.edition(scope, con)
    source = extracts.Source(edition, period, rule.book())
    status = t(f"edition_status.{edition['status']}")
    own = [
        (t("workbook.period"), format.period(period, t)),
        (t("workbook.edition"), f"{edition['edition_id']} ({status})"),
        (t("workbook.rulebook"), edition["rulebook_hash"]),
    ]
    return About(title, (*own, *lines), source.day, edition["demo"])


def _scores(rows: pl.DataFrame) -> pl.DataFrame:
    """Scores and intervals where there are any; a unit not rated has none, and is not a zero."""
    shown = pl.col("state") != "not_rated"
    return rows.with_columns(pl.when(shown).then(pl.col(c)).alias(c) for c in ("final", "lo", "hi")).with_columns(
        band=pl.when(pl.col("state") == "rated").then("band").otherwise("state")
    )


def _interval_columns(t: Words) -> tuple[Column, ...]:
    low, high = t("workbook.low"), t("workbook.high")
    return (
        Column("final", t("column.score"), "score", 9), Column("lo", f"{t('column.interval')}{low}", "score", 10),
        Column("hi", f"{t('column.interval')}{high}", "score", 10), Column("band", t("column.band"), "text", 10),
    )  # fmt: skip


def _rank_columns(label: str, t: Words) -> tuple[Column, ...]:
    return (
        Column("rank_lo", f"{t(label)}{t('workbook.low')}", "whole", 10),
        Column("rank_hi", f"{t(label)}{t('workbook.high')}", "whole", 10),
    )


def companies(scope: Scope, con: Connection, t: Words, *, period: str, search: str) -> bytes:
    """The ranking of companies the viewer sees, whole."""
    con = con.cursor()
    rows = rankings.companies(scope, con, period=period, search=search, limit=MOST_ROWS)
    rows = beside.replies(rows, "company_id", scope, con, period, t)
    rows = tables.words_of(_scores(tables.named(rows, t)), "band", "band", t)
    columns = (
        Column("rank", t("column.rank"), "whole", 8), Column("name", t("column.company"), "text", 36),
        Column("company_id", t("workbook.code"), "text", 22), *_interval_columns(t),
        *_rank_columns("column.rank_set", t), Column("worst_fifth", t("column.worst_fifth"), "score", 10),
        Column("units_rated", t("column.units_rated"), "whole", 10), Column("units", t("workbook.units"), "whole", 10),
        Column("households", t("column.households"), "whole", 10),
        Column("due_estates", t("column.due_estates"), "whole", 10), Column("reply", t("column.reply"), "text", 40),
    )  # fmt: skip
    lines = [(t("workbook.filters"), search or t("workbook.no_filters"))]
    about = _about(scope, con, t("page.companies.title"), period, lines, t)
    return ranking_workbook(rows, columns, about, t)


def estates(scope: Scope, con: Connection, t: Words, *, chosen: dict, filters: str) -> bytes:
    """The ranking of estates the viewer sees with the filters chosen, whole.

    Args:
        chosen: the arguments of ``rankings.estates``. filters: the same in words.
    """
    con = con.cursor()
    rows = rankings.estates(scope, con, **chosen, limit=MOST_ROWS)
    rows = beside.replies(rows, "estate_id", scope, con, chosen["period"], t)
    areas = tables.named(rankings.areas(scope, con), t).select("area_id", "name")
    places = {"subdistrict_id": "subdistrict", "station_id": "station"}
    rows = tables.named(_scores(rows), t)
    for key, column in places.items():
        rows = rows.join(areas.rename({"area_id": key, "name": column}), on=key, how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("step").fill_null("none"))
    for column, kind in (("band", "band"), ("estate_class", "estate_class"), ("size_band", "size_band")):
        rows = tables.words_of(rows, column, kind, t)
    steps = {s: t(f"ladder.step.{s}.name") for s in rows["step"].unique().to_list()}
    rows = rows.with_columns(pl.col("step").replace_strict(steps, return_dtype=pl.String))
    columns = (
        Column("name", t("column.estate"), "text", 22), Column("estate_id", t("workbook.estate_id"), "text", 14),
        *_interval_columns(t), Column("rank_in_class", t("column.rank_in_class"), "whole", 9),
        Column("class_size", t("workbook.class_size"), "whole", 10), *_rank_columns("column.rank_interval", t),
        Column("step", t("column.step"), "text", 14),
        *(Column(k, t(f"subindex.{k}"), "score", 10) for k in SUBINDEX_COLUMNS),
        Column("estate_class", t("column.class"), "text", 14), Column("size_band", t("filter.size"), "text", 10),
        Column("households", t("column.households"), "whole", 10),
        Column("subdistrict", t("filter.subdistrict"), "text", 18), Column("station", t("filter.station"), "text", 22),
        Column("reply", t("column.reply"), "text", 40),
    )  # fmt: skip
    about = _about(scope, con, t("page.estates.title"), chosen["period"], [(t("workbook.filters"), filters)], t)
    return ranking_workbook(rows, columns, about, t)


def evidence(
    scope: Scope, con: Connection, t: Words, *, level: str, unit_id: str, metric: str, period: str, estate: str
) -> bytes:
    """The records behind one metric of one unit, all of them."""
    con = con.cursor()
    rows = files.evidence(scope, con, level=level, unit_id=unit_id, metric=metric, period=period, limit=MOST_ROWS)
    lines = [(t("workbook.estate"), estate), (t("workbook.metric"), t(f"metric.{metric}.name"))]
    about = _about(scope, con, f"{estate} · {t(f'metric.{metric}.name')}", period, lines, t)
    return evidence_workbook(rows, about, t)


def case_book(scope: Scope, con: Connection, desk: Desk, case_id: str, t: Words) -> bytes:
    """A case as a workbook: facts, timeline, papers with their hashes, tasks with their days, records relied on."""
    con = con.cursor()
    case, rows = read(desk, con, case_id)
    found = None if case.matter else found_for(desk, case)
    names = prefill.metrics_named(found.due, found.scores) if found else []
    who = names_of(desk.ledger, {e.by for e in rows})
    happened = tuple(
        Happening(at=e.at, who=Both(*who.get(e.by, (e.by, None))), role=extracts.said(f"role.{e.role}"),
                  what=extracts.said(f"case.event.{e.kind}"), reason=e.reason or None, law=e.law, edition=e.edition,
                  attachment=e.attachment)
        for e in rows
    )  # fmt: skip
    issued = tuple(
        Issued(number=p[f"number_{'zh' if t.language == 'zh' else 'en'}"], title=extracts.said(f"paper.title.{p['kind']}"),
               issued_on=local_day(p["made_at"]), check_code=p["check_code"], sha256=p[f"sha256_{t.language}"])
        for p in casefiles.case_papers(scope, con, desk.ledger, case_id=case_id).iter_rows(named=True)
    )  # fmt: skip
    todo = tuple(
        Task(
            what=extracts.said(f"task.{k.kind}"),
            measure=Both(*(w(f"case.phase.{case.phase}") for w in (extracts.ZH, extracts.EN))),
            by=k.until,
        )
        for k in tasks_of(case, desk.asked().rule, desk.today, desk.published())
    )
    file = CaseFile(
        case_id=case_id, facts=prefill.facts(found, names, float(rule.bands(case.period)["attention"])) if found else (),
        happenings=happened, papers=issued, tasks=todo,
        records=tuple(r for m in names if m in found.evidence for r in prefill.record_rows(m, found.evidence[m])) if found else (),
    )  # fmt: skip
    return case_workbook(file, _about(scope, con, case_id, case.period, [], t), t)


def scorecard(scope: Scope, con: Connection, language: Language, *, company_id: str, period: str) -> bytes:
    """A company's scorecard as a PDF; for those who may see the whole company.

    Raises:
        PermissionError: the viewer sees only part of the company's estates, or nothing of it.
    """
    scope.require("supervisor", "manager")
    con = con.cursor()
    asked = {"company_id": company_id, "period": period}
    company = files.company(scope, con, **asked)
    if company is None:
        raise PermissionError(
            f"Viewer '{scope.viewer_id}' may not read company '{company_id}'. Open a company of your own."
        )
    card = extracts.scorecard(
        extracts.Source(rankings.edition(scope, con), period, rule.book()), company,
        files.company_history(scope, con, company_id=company_id).filter(pl.col("period") <= period),
        files.company_units(scope, con, **asked), reasons.parts_of_company(scope, con, **asked),
        digest.company_subindices(scope, con, **asked), digest.company_metrics(scope, con, **asked),
        casefiles.replies(scope, con, viewer.ledger(), period=period).filter(pl.col("company_id") == company_id),
    )  # fmt: skip
    return press().print(card, language).pdf


def scorecard_buttons(scope: Scope, con: Connection, company_id: str, period: str, t: Words) -> None:
    """Both languages, the viewer's first."""
    cells = st.columns(4)
    for cell, language in zip(cells, LANGUAGES, strict=False):
        make = partial(scorecard, scope, con, language, company_id=company_id, period=period)
        paper(cell, f"scorecard_{language}", make, t, name=file_name("scorecard", period, t, company_id, language))


def bulletin(scope: Scope, con: Connection, language: Language, *, period: str) -> bytes:
    """The draft of a period's bulletin as a PDF; for the supervisor, who sees the whole district."""
    scope.require("supervisor")
    desk = Desk(place.root(), viewer.ledger(), rule.book(), press(), datetime.now(UTC), scope)
    return press().print(bulletins.draft(desk, con, period), language).pdf
