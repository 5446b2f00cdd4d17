"""Files that wait for a person, and sources that are late: above the deliveries."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import streamlit as st

from data import bounded, uploads
from i18n.words import Words
from pages.records.words import column_words
from pages.shared import format, go, place, tables

PROGRAM = Path(__file__).parents[2] / "steward.py"
RESULT = "waiting_result"
#: Doubts that a mapping settles.
HEADINGS = ("column_renamed", "columns_gone")
COUNTS = ("rows_read", "accepted", "revised", "unchanged", "set_aside")


def noticed(note: str, params: dict, t: Words) -> str:
    """One thing noticed of a delivery, in words."""
    said = {k: column_words(v, t) if k == "column" else v for k, v in params.items()}
    return t(f"intake.note.{note}", **said)


def show(scope, held: pl.DataFrame, t: Words) -> None:
    """Each undecided file with what is odd of it, and the two decisions; decided ones folded away."""
    if told := st.session_state.pop(RESULT, None):
        (st.success if told["good"] else st.warning)(told["text"])
    open_ones = held.filter(pl.col("state") == "waiting")
    if open_ones.height:
        st.subheader(t("page.deliveries.waiting", n=open_ones.height))
        st.caption(t("page.deliveries.waiting_lead"))
    for row in open_ones.iter_rows(named=True):
        with st.container(border=True):
            _one(scope, row, t)
    decided = held.filter(pl.col("state") != "waiting")
    if decided.height:
        with st.expander(t("page.deliveries.decided", n=decided.height)):
            _decided(decided, t)


def _one(scope, row: dict, t: Words) -> None:
    st.markdown(f"**{row['waiting_id']}** {format.plain(row['file'])} · {format.moment(row['received_at'], t)}")
    for part in json.loads(row["parts"]):
        counts = t("common.separator").join(f"{t(f'column.{c}')} {part[c]:,}" for c in COUNTS)
        lines = [f"{t('table.' + part['record_table'])}{t('common.colon')}{counts}"]
        for doubt in part["doubts"]:
            mark = "●" if doubt["waits"] else "○"
            lines.append(f"{mark} {noticed(doubt['note'], doubt['params'], t)}")
        st.markdown("  \n".join(format.plain(line) for line in lines))
    if scope.role != "steward":
        return
    if _renamed(row) and (place.root() / "inbox" / row["file"]).is_file():
        go.link("mapping", t("page.deliveries.map_instead"), file=row["file"])
    with st.form(f"decide-{row['waiting_id']}"):
        why = st.text_input(t("desk.why"), help=t("desk.why_help"))
        yes, no = st.columns(2)
        accepted = yes.form_submit_button(t("page.deliveries.accept"), type="primary", width="stretch")
        refused = no.form_submit_button(t("page.deliveries.refuse"), width="stretch")
    if accepted or refused:
        _decide(scope, row["waiting_id"], "accept" if accepted else "refuse", why, t)


def _renamed(row: dict) -> bool:
    """Does it wait because of its headings?"""
    return any(d["note"] in HEADINGS for p in json.loads(row["parts"]) for d in p["doubts"])


def _decide(scope, waiting_id: str, act: str, why: str, t: Words) -> None:
    """Carried out by the nightly job's own command, in a process of its own: the file may be large."""
    if not why.strip():
        st.warning(t("desk.why_missing"))
        return
    command = [
        sys.executable, str(PROGRAM), "--root", str(place.root()), "delivery", act, waiting_id, f"--by={scope.viewer_id}",
        f"--reason={why}",
    ]  # fmt: skip
    with st.spinner(t("page.deliveries.loading")):
        bounds = uploads.limits()
        done = bounded.run(command, seconds=bounds.seconds, memory_mb=bounds.memory_mb)
    good = done.code == 0
    said = t(f"page.deliveries.{act}ed" if act == "accept" else "page.deliveries.refused_one", id=waiting_id)
    st.session_state[RESULT] = {"good": good, "text": said if good else format.plain(done.text)}
    st.rerun()


def _decided(rows: pl.DataFrame, t: Words) -> None:
    config = st.column_config
    columns = {
        "waiting_id": config.TextColumn(t("column.seq"), width="small"),
        "file": config.TextColumn(t("column.file")),
        "state_words": config.TextColumn(t("page.deliveries.decision"), width="small"),
        "why": config.TextColumn(t("desk.why"), width="medium"),
        "decided_by": config.TextColumn(t("page.deliveries.decided_by"), width="small"),
        "decided_at": config.DatetimeColumn(
            t("page.deliveries.decided_at"), format="YYYY-MM-DD HH:mm", timezone=format.DISTRICT_ZONE.key
        ),
    }
    said = [t(f"page.deliveries.state.{s}") for s in rows["state"]]
    tables.show(rows.with_columns(state_words=pl.Series(said)), columns, t, key="decided-table")


def rhythms(rows: pl.DataFrame, t: Words, title) -> None:
    """Which sources are late, and the rhythm of the rest."""
    late = rows.filter(pl.col("late"))
    if late.height:
        names = t("common.separator").join(title(s) for s in late["source"])
        st.warning(t("page.deliveries.late", n=late.height, sources=names))
    with st.expander(t("page.deliveries.rhythm")):
        st.caption(t("page.deliveries.rhythm_lead"))
        said = rows.with_columns(
            name=pl.Series([title(s) for s in rows["source"]], dtype=pl.String),
            state=pl.Series(
                [t("page.deliveries.rhythm_unknown" if x is None else f"page.deliveries.is_late.{'yes' if x else 'no'}") for x in rows["late"]],
                dtype=pl.String,
            ),
        )  # fmt: skip
        config = st.column_config
        columns = {
            "name": config.TextColumn(t("page.deliveries.source")),
            "state": config.TextColumn(t("page.deliveries.in_time"), width="small"),
            "last_on": config.DateColumn(t("page.deliveries.last_on"), format="YYYY-MM-DD", width="small"),
            "days": config.NumberColumn(t("page.deliveries.days_since"), format="%d", width="small"),
            "usual_days": config.NumberColumn(t("page.deliveries.usual_days"), format="%d", width="small"),
            "deliveries": config.NumberColumn(t("page.deliveries.times"), format="%d", width="small"),
        }
        tables.show(said, columns, t, key="rhythm-table")


def links(rows: pl.DataFrame, t: Words) -> None:
    """Names taken for records of a register, the least sure first."""
    if rows.is_empty():
        return
    with st.expander(t("page.deliveries.links", n=rows["total"][0])):
        st.caption(t("page.deliveries.links_lead"))
        shown = rows.with_columns(
            record=pl.concat_str("linked_name", pl.lit(" "), "linked_id"),
            how=pl.Series([t(f"intake.link.{r}") for r in rows["reason"]]),
            sure=(100 * pl.col("confidence")).round(0),
            next=(100 * pl.col("runner_up")).round(0),
        )
        config = st.column_config
        columns = {
            "said": config.TextColumn(t("page.deliveries.said"), width="medium"),
            "record": config.TextColumn(t("page.deliveries.linked"), width="medium"),
            "how": config.TextColumn(t("page.deliveries.how"), width="small"),
            "sure": config.NumberColumn(t("page.deliveries.sure"), format="%d%%", width="small"),
            "next": config.NumberColumn(t("page.deliveries.next"), format="%d%%", width="small"),
            "row_count": config.NumberColumn(t("page.deliveries.rows"), format="localized", width="small"),
            "file": config.TextColumn(t("column.file")),
        }
        tables.show(shown, columns, t, key="links-table")
