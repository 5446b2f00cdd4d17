"""Corrections after publishing: which published editions they would change, and by how much."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data import editions
from data.queries import desk, history, rankings
from data.records import StoreBusy
from i18n.words import Words
from metrics.calendar import Quarter
from pages.records import moves
from pages.records.store import records
from pages.shared import choose, format, place, tables

KEPT = "corrections_told"


def show(scope, con, t: Words) -> None:
    """What came since each published edition; on asking, what it would say otherwise."""
    scope.require("steward", "supervisor")
    st.title(t("page.corrections.title"))
    st.caption(t("page.corrections.lead"))
    names = [n for n in editions.list_editions(place.root()) if not n.startswith("draft-")]
    if not names:
        st.info(t("page.editions.nothing"))
        return
    folder = editions.folder(place.root())
    about = {n: rankings.edition(scope, editions.open_edition(folder / f"{n}.duckdb")) for n in names}
    try:
        with records() as store:
            came = {n: _came(scope, store, a) for n, a in about.items()}
            estates = {r["estate_id"]: format.name(r, t) for r in desk.estates(scope, store).iter_rows(named=True)}
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    _editions(about, came, t)
    chosen = choose.must(st, t("page.corrections.edition"), names, name="edition", words=lambda n: n)
    _tables(came[chosen], t)
    if st.button(t("page.corrections.ask"), type="primary", disabled=came[chosen].is_empty()):
        st.session_state[KEPT] = (chosen, moves.worked_out(scope, t, edition=chosen))
    kept = st.session_state.get(KEPT)
    if kept and kept[0] == chosen and kept[1]:
        st.subheader(t("page.corrections.would", edition=chosen))
        moves.show(scope, kept[1], estates, t)
        st.caption(t("page.corrections.stays"))


def _came(scope, store, about: dict) -> pl.DataFrame:
    return history.since(scope, store, as_of=about["as_of"], last=Quarter.parse(about["period"]).last)


def _editions(about: dict, came: dict, t: Words) -> None:
    shown = pl.DataFrame(
        [
            {
                "edition": name,
                "period": format.period(row["period"], t),
                "published": format.moment(row["published_at"], t),
                "as_of": row["as_of"],
                "added": int(came[name]["added"].sum()),
                "revised": int(came[name]["revised"].sum()),
            }
            for name, row in about.items()
        ]
    )
    config = st.column_config
    columns = {
        "edition": config.TextColumn(t("column.edition_edition")),
        "period": config.TextColumn(t("column.edition_period")),
        "published": config.TextColumn(t("column.edition_published")),
        "as_of": config.NumberColumn(t("column.edition_as_of"), format="%d"),
        "added": config.NumberColumn(t("page.corrections.added"), format="localized"),
        "revised": config.NumberColumn(t("page.corrections.revised"), format="localized"),
    }
    tables.show(shown, columns, t, key="corrections-editions")


def _tables(came: pl.DataFrame, t: Words) -> None:
    if came.is_empty():
        st.info(t("page.corrections.nothing"))
        return
    config = st.column_config
    columns = {
        "record_table": config.TextColumn(t("column.table")),
        "added": config.NumberColumn(t("page.corrections.added"), format="localized"),
        "revised": config.NumberColumn(t("page.corrections.revised"), format="localized"),
        "estates": config.NumberColumn(t("page.corrections.estates"), format="localized"),
    }
    tables.show(tables.words_of(came, "record_table", "table", t), columns, t, key="corrections-tables")
