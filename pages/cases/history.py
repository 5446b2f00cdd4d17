"""The sanction history of a company, an office head or an estate: what stands, what has ended, what was overturned."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data.queries import sanctions
from pages.shared import beside, format, go, place, tables, watch

PARTIES = ("company", "head", "estate")


def show(scope, con, t) -> None:
    """The history of the party the address names; a manager's own company where it names none."""
    scope.require("supervisor", "subdistrict", "station", "manager")
    go.link("tasks", t("common.back_to", page=t("page.tasks.menu")))
    asked = {kind: place.asked(kind) for kind in PARTIES if place.asked(kind)}
    if not asked and scope.role == "manager":
        asked = {"company": scope.company_id or ""}
    whose = sanctions.party(
        scope, con, company_id=asked.get("company"), head_id=asked.get("head"), estate_id=asked.get("estate")
    )
    watch.heads(scope, whose, t)
    name = format.name(whose.row(0, named=True), t) if whose.height == 1 else ""
    st.title(format.plain(t("page.history.title_of", name=name) if name else t("page.history.title")))
    if len(asked) != 1:
        st.info(t("page.history.name_one"))
        return
    ((kind, party_id),) = asked.items()
    st.caption(t(f"page.history.lead_{kind}"))
    rows = sanctions.history(
        scope, con, company_id=asked.get("company"), head_id=asked.get("head"), estate_id=asked.get("estate")
    )
    if rows.is_empty():
        st.info(t("page.history.nothing"))
    else:
        watch.heads(scope, rows, t)
        _table(rows, t)
    st.subheader(t("page.history.cases"))
    if not beside.cases(scope, con, t, **{f"{kind}_id": party_id}):
        st.caption(t("page.history.no_cases"))


def _table(rows: pl.DataFrame, t) -> None:
    shown = pl.DataFrame(
        [
            {
                "step": _what(r, t), "decided": format.day(r["decided_on"], t), "standing": _standing(r, t),
                "ends": format.day(r["ends"], t), "estate": format.name(r, t, "estate") if r["estate_id"] else t("common.none"),
                "company": format.name(r, t, "company") if r["company_id"] else t("common.none"),
                "head": format.name(r, t, "head") if r["head_id"] else t("common.none"), "law": r["law"],
                "origin": t(f"page.history.origin_{r['origin']}"),
            }
            for r in rows.iter_rows(named=True)
        ]
    )  # fmt: skip
    config = st.column_config
    widths = {
        "step": 130,
        "decided": 130,
        "standing": 95,
        "ends": 130,
        "estate": 130,
        "company": 200,
        "head": 90,
        "law": 130,
    }
    columns = {c: config.TextColumn(t(f"page.history.{c}"), width=widths.get(c, 110)) for c in shown.columns}
    tables.show(shown, columns, t, key="history-table")


def _what(row: dict, t) -> str:
    if row["kind"] == "finding" and row["finding"]:
        return t(f"ladder.finding.{row['finding']}")
    return t(f"sanction_kind.{row['kind']}")


def _standing(row: dict, t) -> str:
    """Whether it stands; an objection or an overturned entry says so."""
    if row["status"] != "final":
        return t(f"page.history.{row['status']}")
    return t("page.history.stands" if row["stands"] else "page.history.ended")
