"""The sign-in log for the steward: who came in, who was refused or locked out, how stays ended."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from data.queries import watching
from i18n.words import Words
from pages.shared import choose, format, tables
from pages.shared.viewer import ledger


def show(scope, con, t: Words) -> None:
    """The log, newest first, by kind and by name."""
    scope.require("steward")
    st.title(t("page.signins.title"))
    st.caption(t("page.signins.lead"))
    left, right = st.columns(2)
    state = choose.one(
        left, t("page.signins.column.what"), list(watching.KINDS), name="what",
        words=lambda k: t(f"signins.what.{k}"), everything=t("filter.all"),
    )  # fmt: skip
    search = choose.text(right, t("page.signins.search"), name="q", hint=t("page.signins.search_hint"))
    rows = watching.sign_in_log(
        scope, con, ledger(), at=datetime.now(UTC), state=state, search=search, limit=tables.PAGE_ROWS,
        offset=tables.offset("page"),
    )  # fmt: skip
    if rows.is_empty():
        st.info(t("page.signins.nothing"))
        return
    tables.show(_worded(rows, t), _columns(t), t, key="signins-table")
    tables.pager("page", rows["total"][0], t)


def _worded(rows: pl.DataFrame, t: Words) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "at": format.moment(r["at"], t),
                "account": r["account_id"] or t("common.none"),
                "name": format.name(r, t) if r["name_zh"] else t("page.signins.no_account"),
                "what": t(f"signins.what.{r['what']}"),
                "address": r["address"] or t("common.none"),
            }
            for r in rows.to_dicts()
        ]
    )


def _columns(t: Words) -> dict:
    widths = {"at": 160, "account": 200, "name": 160, "what": 260, "address": 140}
    return {
        name: st.column_config.TextColumn(t(f"page.signins.column.{name}"), width=width)
        for name, width in widths.items()
    }
