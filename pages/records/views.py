"""Who read which sensitive records: all of it for the steward; for a manager what the rule lets the party know."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from data.queries import watching
from data.views import RULE
from i18n.words import Words
from pages.shared import choose, format, rule, tables
from pages.shared.viewer import ledger


def show(scope, con, t: Words) -> None:
    """The view log, newest first, by table of records."""
    scope.require("steward", "manager")
    st.title(t("page.views.title"))
    st.caption(t("page.views.lead" if scope.role == "steward" else "page.views.lead_party"))
    now = datetime.now(UTC)
    asked = rule.book().on(now.date(), RULE)
    shown = [name for name, said in asked["tables"].items() if scope.role == "steward" or said["party"]]
    table = choose.one(
        st, t("column.table"), shown, name="table", words=lambda n: t(f"table.{n}"), everything=t("filter.all")
    )
    rows = watching.view_log(
        scope, con, ledger(), at=now, table=table, limit=tables.PAGE_ROWS, offset=tables.offset("page")
    )
    if rows.is_empty():
        st.info(t("page.views.nothing"))
    else:
        known = watching.names(scope, con) if con is not None else pl.DataFrame()
        called = {(r["kind"], r["id"]): format.name(r, t) for r in known.to_dicts()}
        tables.show(_worded(rows, called, t), _columns(scope, t), t, key="views-table")
        tables.pager("page", rows["total"][0], t)
    st.caption(rule.laws(asked["law"], t))


def _worded(rows: pl.DataFrame, called: dict, t: Words) -> pl.DataFrame:
    def party(row: dict, kind: str) -> str:
        key = row.get(f"{kind}_id") or ""
        return called.get((kind, key), key) or t("common.none")

    return pl.DataFrame(
        [
            {
                "at": format.moment(r["at"], t),
                "who": _who(r, t),
                "role": t(f"role.{r['role']}"),
                "table": t(f"table.{r['record_table']}"),
                "estate": party(r, "estate"),
                "company": party(r, "company"),
                "head": party(r, "head"),
                "about": _about(r.get("about", ""), t),
                "how": t(f"views.how.{r['how']}"),
                "reason": r.get("reason") or t("common.none"),
            }
            for r in rows.to_dicts()
        ]
    )


def _who(row: dict, t: Words) -> str:
    return format.name(row, t) if row.get("name_zh") else row.get("account_id", "")


def _about(about: str, t: Words) -> str:
    """A metric and its period in words; anything else as it stands."""
    metric, _, period = about.partition(" ")
    known = t.has(f"metric.{metric}.name")
    return f"{t(f'metric.{metric}.name')} {format.period(period, t)}" if known else about or t("common.none")


def _columns(scope, t: Words) -> dict:
    text = st.column_config.TextColumn
    all_of = {
        "at": text(t("page.views.column.at"), width=150),
        "who": text(t("page.views.column.who"), width=110),
        "role": text(t("page.views.column.role"), width=120),
        "table": text(t("column.table"), width=110),
        "estate": text(t("column.estate"), width=150),
        "company": text(t("column.company"), width=190),
        "head": text(t("column.head"), width=90),
        "about": text(t("page.views.column.about"), width=220),
        "how": text(t("page.views.column.how"), width=80),
        "reason": text(t("page.views.column.reason"), width=220),
    }
    hidden = () if scope.role == "steward" else ("who", "company", "about", "reason")
    return {name: column for name, column in all_of.items() if name not in hidden}
