"""Beside a score: the cases about it and what the company has to say, wherever the score stands (right of reply)."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl
import streamlit as st

from cases.case import Case, fold
from cases.days import local_day
from data.events import Event
from data.queries import casefiles
from data.scope import Scope
from i18n.words import Words
from pages.shared import format, go, viewer

SHOWN = 6
CELL, MARK = 20, 8  # letters of a reply, its day among them, that a cell of a ranking holds; of the mark of a cut


def cases(
    scope, con, t: Words, *, estate_id: str | None = None, company_id: str | None = None, head_id: str | None = None
) -> int:
    """Cases about an estate or company that the viewer may read, last spoken in or opened first, each with the company's
    newest reply whole; how many there are."""
    rows = casefiles.case_file(scope, con, viewer.ledger(), estate_id=estate_id, company_id=company_id, head_id=head_id)
    by_case: dict[str, list[Event]] = {}
    for event in rows:
        by_case.setdefault(event.case_id, []).append(event)
    found = sorted(((fold(own), own) for own in by_case.values()), key=_newest, reverse=True)
    for case, own in found[:SHOWN]:
        step = t(f"ladder.step.{case.step or case.recommended}.name")
        line = t("beside.case", step=step, phase=t(f"case.phase.{case.phase}"), period=format.period(case.period, t))
        go.link("case", line, case=case.case_id)
        if case.open_objections:
            st.caption(t("beside.marked"))
        said = [e for e in own if e.kind in casefiles.REPLIES]
        if said:
            newest = said[-1]
            st.markdown(
                f"> **{t('beside.reply', day=format.day(local_day(newest.at), t))}**  \n> {format.plain(newest.reason)}"
            )
    if len(found) > SHOWN:
        st.caption(t("beside.more", n=len(found) - SHOWN))
    return len(found)


def _newest(pair: tuple[Case, list[Event]]) -> datetime:
    _, own = pair
    return max((e.at for e in own if e.kind in casefiles.REPLIES), default=own[0].at)


def replies(
    rows: pl.DataFrame, key: str, scope: Scope, con: duckdb.DuckDBPyConnection, period: str, t: Words
) -> pl.DataFrame:
    """Add column ``reply``: what the company said last on the period's scores, with its day.

    Args:
        key: ``company_id`` or ``estate_id``, by which a row has its reply.
    """
    said = casefiles.replies(scope, con, viewer.ledger(), period=period).drop_nulls(key)
    said = said.unique(key, keep="last", maintain_order=True)
    words = [f"{format.day(r['day'], t)}{t('common.colon')}{r['words']}" for r in said.iter_rows(named=True)]
    return rows.join(
        said.select(key, reply=pl.Series(words, dtype=pl.String)), on=key, how="left", maintain_order="left"
    )


def reply_column(rows: pl.DataFrame, t: Words) -> dict:
    """The column of replies, where any row has one; for rows as ``cut`` gives them."""
    if rows["reply"].is_null().all():
        return {}
    return {"reply": st.column_config.TextColumn(t("column.reply"), width=350, help=t("column.reply_help"))}


def cut(rows: pl.DataFrame, t: Words) -> pl.DataFrame:
    """Rows of ``replies`` for a table on screen: what does not fit its cell ends with a mark that says how long it is."""
    reply, mark = pl.col("reply"), t("beside.cut", begun="{}", n="{}")
    long = reply.str.len_chars() > CELL + MARK
    words = reply.str.splitn(t("common.colon"), 2).struct.field("field_1")  # after the day, which holds no colon
    shown = pl.format(mark, reply.str.slice(0, CELL), words.str.len_chars())
    return rows.with_columns(reply=pl.when(long).then(shown).otherwise(reply))
