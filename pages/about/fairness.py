"""Whether the method treats kinds of estates alike, and whether half the records tell the other half (method.md 9.4, 14.7)."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data import editions
from data.queries import rankings, studies
from pages.shared import format, go, place, rule, tables
from pages.shared.findings import group_name

MEASURES = ("residual", "wrong_flags", "reliability", "not_rated")
WHOLE = ("supervisor", "steward")  # who sees every group, small ones too


def show(scope, con, t) -> None:
    """The halves of the records first, then every measure by every kind of estate, findings above the rest."""
    scope.require("supervisor", "subdistrict", "station", "manager", "steward")
    con = _asked(scope, con, t)
    edition = rankings.edition(scope, con)
    st.title(t("page.fairness.title"))
    if edition["status"] == "draft":
        st.warning(t("page.fairness.draft", edition=edition["edition_id"]))
        go.link("editions", t("common.back_to", page=t("page.editions.menu")))
    st.markdown(t("page.fairness.lead", period=format.period(edition["period"], t)))
    audits = studies.audits(scope, con)
    found = audits.filter("finding")
    if scope.role in WHOLE:
        st.markdown(t("page.fairness.judged", told=audits["told"].sum(), all=audits.height))
    st.markdown(t("page.fairness.none") if found.is_empty() else t("page.fairness.some", n=found.height))
    if edition["answer"]:
        st.info(
            t(
                "page.fairness.answered",
                by=format.plain(edition["published_by"]),
                answer=format.plain(edition["answer"]),
            )
        )
    st.subheader(t("page.fairness.halves"))
    st.caption(t("page.fairness.halves_help"))
    halves, weak = studies.validity(scope, con).to_dicts(), rule.audit(edition["period"])["units_weak"]
    for row in halves:
        st.markdown(check_line(row, t))
    if any(row["units"] < weak for row in halves):
        st.caption(t("page.fairness.weak", weak=weak))
    names = tables.named(rankings.areas(scope, con), t)
    places = dict(names.select("area_id", "name").iter_rows())
    st.subheader(t("page.fairness.groups"))
    st.caption(t("page.fairness.groups_help"))
    if scope.role not in WHOLE:
        st.caption(t("page.fairness.findings_only"))
    for measure in MEASURES:
        rows = audits.filter(pl.col("measure") == measure)
        if scope.role in WHOLE or rows.height:
            _measure(measure, rows, places, t)


def _asked(scope, con, t):
    """The edition the address names, for the supervisor alone: what holds a draft is looked at before it is answered."""
    path = editions.path_of(place.root(), place.asked("edition")) if scope.role == "supervisor" else None
    if path is None:
        return con
    if editions.lacking(path):
        st.info(t("frame.older_edition", edition=path.stem))
        return con
    return editions.open_edition(path)


def check_line(row: dict, t) -> str:
    """What the halves say, in one sentence."""
    name = t(f"fairness.check.{row['measure']}")
    if row["value"] is None and row["measure"] == "flags":
        return f"- **{name}**{t('common.colon')}{t('page.fairness.nobody_flagged')}"
    if row["value"] is None:
        return f"- **{name}**{t('common.colon')}{t('page.fairness.too_few', units=row['units'])}"
    said = {k: format.number(row[k], t, 2) for k in ("value", "se", "least") if row[k] is not None}
    most = "" if row["most"] is None else format.number(row["most"], t, 2)
    if row["least"] is None and row["most"] is None:  # shown, without a limit
        words = t("fairness.said.flags", **said, units=row["units"])
        return f"- **{name}**{t('common.colon')}{words}"
    verdict = t("page.fairness.breached" if row["breached"] else "page.fairness.kept")
    words = t(f"fairness.said.{row['measure']}", **said, most=most, units=row["units"])
    return f"- **{name}**{t('common.colon')}{words} {verdict}"


def _verdict(row: dict, t) -> str:
    kind = "holds" if row["holds"] else "finding" if row["finding"] else "none" if row["told"] else "untold"
    return t(f"fairness.verdict.{kind}")


def _measure(measure: str, rows: pl.DataFrame, places: dict, t) -> None:
    st.markdown(f"**{t(f'fairness.measure.{measure}.name')}**")
    st.caption(t(f"fairness.measure.{measure}.help"))
    if rows.is_empty():
        st.markdown(t("page.fairness.nobody"))
        return
    told, few = rows.filter("told"), rows.filter(~pl.col("told"))
    if told.height:
        _table(measure, told, places, t, key=f"fairness-{measure}")
    if few.height:
        with st.expander(t("page.fairness.few", n=few.height)):
            _table(measure, few, places, t, key=f"fairness-{measure}-few")


def _table(measure: str, rows: pl.DataFrame, places: dict, t, *, key: str) -> None:
    points = measure == "residual"

    def number(value: float | None) -> str:
        if value is None:
            return t("common.none")
        return format.number(value, t, 1) if points else format.percent(value, t, 1)

    shown = pl.DataFrame(
        [
            {
                "finding": _verdict(r, t),
                "grouping": t(f"fairness.grouping.{r['grouping']}"),
                "group": group_name(r["grouping"], r["group"], t, places),
                "units": r["units"], "value": number(r["value"]), "others": number(r["others"]), "se": number(r["se"]),
            }
            for r in rows.sort("finding", maintain_order=True, descending=True).to_dicts()
        ]
    )  # fmt: skip
    config = st.column_config
    columns = {
        "finding": config.TextColumn(t("fairness.column.finding"), width=150),
        "group": config.TextColumn(t("fairness.column.group"), width=190),
        "value": config.TextColumn(t(f"fairness.measure.{measure}.unit"), width=100),
        "others": config.TextColumn(t("fairness.column.others"), width=100),
        "se": config.TextColumn(t("fairness.column.se"), width=190),
        "units": config.NumberColumn(t("fairness.column.units"), width=80),
        "grouping": config.TextColumn(t("fairness.column.grouping"), width=150),
    }
    tables.show(shown, columns, t, key=key)
