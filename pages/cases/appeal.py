"""Deciding an objection: each record named in it, and the two computations, with and without."""

from __future__ import annotations

import polars as pl
import streamlit as st

from cases.allowed import NotDue
from cases.appeal import WeighingFailed, weigh_case
from cases.case import Case
from i18n.words import Words
from pages.shared import casework, format, tables

RULINGS = ("keep", "exclude", "reassign")


def weighing(desk, con, case: Case, t: Words) -> None:
    """Choose what becomes of each record named, compute with and without, and keep both for the decision."""
    objection = case.open_objections[0]
    st.markdown(
        f"**{t('page.case.objection', number=objection.number, ground=t(f'objection.ground.{objection.ground}'), state=t('page.case.open'))}**"
    )
    st.markdown(f"> {format.plain(objection.text)}")
    rulings, findings = [], []
    for i, record in enumerate(objection.records):
        left, right = st.columns([2, 3])
        label = t("page.case.ruling_on", record=record["record_id"])
        ruling = left.selectbox(label, RULINGS, format_func=lambda r: t(f"ruling.{r}"), key=f"ruling-{case.case_id}-{i}",
                                index=RULINGS.index(record.get("wish", "exclude")))  # fmt: skip
        why = right.text_input(t("page.case.ruling_why"), key=f"ruling-why-{case.case_id}-{i}") or ""
        moved = (
            right.text_input(
                t("page.case.reassign_to"), key=f"ruling-to-{case.case_id}-{i}", help=t("page.case.reassign_help")
            )
            if ruling == "reassign"
            else None
        )
        findings.append(
            {
                "record_id": record["record_id"],
                "claim": objection.text,
                "ruling": ruling,
                "reason": why or t("page.case.as_reasoned"),
            }
        )
        if ruling != "keep":
            rulings.append(
                {
                    "table": record["table"],
                    "record_id": record["record_id"],
                    "ruling": ruling,
                    "to_estate": moved or None,
                }
            )
    if st.button(t("page.case.weigh"), key="weigh", help=t("page.case.weigh_help")):
        _weigh(desk, case, objection.number, rulings, findings, t)
    every = st.session_state.setdefault("weighed", {})
    kept = still_weighed(every.pop(case.case_id, None), objection.number, rulings, findings)
    if kept:
        every[case.case_id] = kept
        side_by_side(kept["before"], kept["after"], t, key="weighed-both")
    else:
        st.caption(t("page.case.weigh_first"))


def still_weighed(kept: dict | None, number: int, rulings: list[dict], findings: list[dict]) -> dict | None:
    """What was weighed, with the reasons as they read now; None once another choice stands in the form: it is not weighed."""
    if kept is None or (kept["objection"], kept["rulings"]) != (number, rulings):
        return None
    return kept | {"findings": findings}


def _weigh(desk, case: Case, number: int, rulings: list[dict], findings: list[dict], t: Words) -> None:
    with st.status(t("page.case.weighing")) as status:

        def tell(_step: str, done: int, steps: int) -> None:
            status.update(label=f"{t('page.case.weighing')} {done}/{steps}")

        try:
            before, after = weigh_case(desk.root, case, rulings, progress=tell)
        except NotDue as e:
            status.update(label=casework.refusal_words(e, t), state="error")
            return
        except WeighingFailed as e:
            status.update(label=t("page.case.weighing_failed", why=format.plain(str(e))[:400]), state="error")
            return
        status.update(label=t("page.case.weighed"), state="complete")
    kept = st.session_state.setdefault("weighed", {})
    kept[case.case_id] = {
        "objection": number, "before": before, "after": after, "rulings": rulings, "findings": findings,
    }  # fmt: skip


def side_by_side(before: dict, after: dict, t: Words, *, key: str) -> None:
    """Score, interval, band, rank and step, as it was and without the records."""

    def said(given: dict) -> list[str]:
        rated = given.get("score") is not None
        return [
            format.number(given.get("score"), t) if rated else t("state.not_rated"),
            f"{format.number(given['low'], t)}–{format.number(given['high'], t)}"
            if rated and given.get("low") is not None
            else t("common.none"),
            t(f"band.{given['band']}") if given.get("band") else t("common.none"),
            f"{given['rank']} / {given['ranked']}" if given.get("rank") else t("common.none"),
            t(f"ladder.step.{given['step']}.name"),
        ]

    labels = [t("column.score"), t("column.interval"), t("column.band"), t("column.rank_in_class"), t("column.step")]
    frame = pl.DataFrame({"label": labels, "before": said(before), "after": said(after)})
    config = st.column_config
    columns = {
        "label": config.TextColumn(t("workbook.column.label"), width=105), "before": config.TextColumn(t("page.case.before"), width=115),
        "after": config.TextColumn(t("page.case.after"), width=115),
    }  # fmt: skip
    tables.show(frame, columns, t, key=key)
