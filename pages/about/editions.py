"""Editions: what was published, by whom and why; a supervisor publishes a draft with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from cases import publish
from data import editions
from data.queries import rankings
from pages.shared import format, go, place, tables
from pages.shared.findings import finding_line

WIDTHS = {
    "edition": 120,
    "status": 90,
    "reason": 240,
    "answer": 260,
    "by": 120,
    "published": 165,
    "made": 140,
    "as_of": 70,
}


def show(scope, con, t) -> None:
    """Every edition, newest first; drafts can be published by a supervisor."""
    scope.require("supervisor", "steward")
    st.title(t("page.editions.title"))
    st.caption(t("page.editions.lead"))
    names = editions.list_editions(place.root())
    if not names:
        st.info(t("page.editions.nothing"))
        return
    rows = [
        rankings.edition(scope, editions.open_edition(editions.folder(place.root()) / f"{n}.duckdb")) for n in names
    ]
    shown = pl.DataFrame(
        [
            {
                "edition": r["edition_id"],
                "status": t(f"edition_status.{r['status']}"),
                "reason": r["reason"] or t("common.none"),
                "answer": r.get("answer") or t("common.none"),
                "by": r["published_by"] or t("common.none"),
                "published": format.moment(r["published_at"], t),
                "period": format.period(r["period"], t),
                "made": format.moment(r["made_at"], t),
                "as_of": r["as_of"],
                "rulebook": r["rulebook_hash"][:12],
                "content": r["content_hash"][:12],
                "publication": (r.get("publication_hash") or t("common.none"))[:12],
            }
            for r in rows
        ]
    )
    config = st.column_config
    columns = {c: config.TextColumn(t(f"column.edition_{c}"), width=WIDTHS.get(c, 110)) for c in shown.columns}
    tables.show(shown, columns, t, key="editions-table", row_height=tables.TWO_LINES)
    if scope.role == "supervisor":
        drafts = [n for n in names if n.startswith("draft-")]
        _publish(scope, [n for n in drafts if not editions.lacking(editions.folder(place.root()) / f"{n}.duckdb")], t)


def _publish(scope, drafts: list[str], t) -> None:
    st.subheader(t("page.editions.publish"))
    if not drafts:
        st.info(t("page.editions.no_drafts"))
        return
    chosen = st.selectbox(t("page.editions.choose"), drafts)
    held = publish.findings_of(place.root(), chosen)
    if held:
        st.warning(t("page.editions.held") + "\n" + "\n".join(f"- {finding_line(f, t)}" for f in held))
        go.link("fairness", t("page.editions.look", edition=chosen), edition=chosen)
    with st.form("publish"):
        reason = st.text_area(t("page.editions.reason"), help=t("page.editions.reason_help"))
        answer = st.text_area(t("page.editions.answer"), help=t("page.editions.answer_help")) if held else ""
        pressed = st.form_submit_button(t("page.editions.press"), type="primary")
    if pressed and not reason.strip():
        st.warning(t("page.editions.reason_missing"))
    elif pressed and held and not answer.strip():
        st.warning(t("page.editions.answer_missing"))
    elif pressed:
        made = publish.publish(
            place.root(), chosen, now=datetime.now(UTC), by=scope.viewer_id, reason=reason, answer=answer
        )
        st.success(t("page.editions.done", edition=made))
