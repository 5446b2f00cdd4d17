"""Names that follow each other at estates: one company under two spellings, or two companies? A steward decides."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from data.mending import Act, MendRefused
from data.queries import arrivals
from data.records import ClockBehind, StoreBusy, StoreUnwritable
from data.respelled import SAME, TWO
from data.same_company import decide
from i18n.words import Words
from pages.records.store import patiently, records
from pages.records.words import all_sources
from pages.shared import choose, format, place, tables

RESULT = "spellings_result"
#: What is shown -> states of pairs (``arrivals.names_in_turn``).
STATES = {"open": ("open",), "linked": ("linked",), "decided": (SAME, TWO)}


def show(scope, con, t: Words) -> None:
    """The pairs of one state, the likest first; one picked is decided below with a reason."""
    scope.require("steward", "supervisor")
    st.title(t("page.spellings.title"))
    st.caption(t("page.spellings.lead"))
    if told := st.session_state.pop(RESULT, None):
        st.success(told)
    state = choose.must(
        st, t("desk.state"), list(STATES), name="state", words=lambda s: t(f"page.spellings.states.{s}")
    )
    try:
        with records() as store:
            today = datetime.now(format.DISTRICT_ZONE).date()
            every = arrivals.names_in_turn(scope, store, today=today, known=all_sources())
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    rows = every.filter(pl.col("state").is_in(STATES[state]))
    if rows.is_empty():
        st.info(t(f"page.spellings.none.{state}"))
        return
    _table(rows, state, t)
    if scope.role == "steward":
        _ask(scope, rows, t)


def _table(rows: pl.DataFrame, state: str, t: Words) -> None:
    shown = rows.with_columns(
        like=(100 * pl.col("likeness")).round(0),
        says=pl.Series([t(f"page.spellings.rule.{r}") for r in rows["rule"]], dtype=pl.String),
        decision=pl.Series([_decision(r, t) for r in rows.iter_rows(named=True)], dtype=pl.String),
    )
    config = st.column_config
    columns = {
        "before": config.TextColumn(t("page.spellings.said" if state == "linked" else "page.spellings.before"), width="medium"),
        "after": config.TextColumn(t("page.spellings.kept" if state == "linked" else "page.spellings.after"), width="medium"),
        "estates": config.NumberColumn(t("page.spellings.estates"), format="localized", width="small"),
        "day": config.DateColumn(t("page.spellings.day"), format="YYYY-MM-DD", width="small"),
        "like": config.NumberColumn(t("page.spellings.like"), format="%d%%", width="small"),
        "says": config.TextColumn(t("page.spellings.verdict"), width="small"),
    }  # fmt: skip
    if state == "linked":
        del columns["day"]
    if state == "decided":
        for name in ("day", "estates", "like", "says"):  # told of the pair chosen below
            del columns[name]
        columns |= {
            "decision": config.TextColumn(t("page.spellings.decision"), width="large"),
            "tenures": config.NumberColumn(t("page.spellings.tenures"), format="localized", width="small"),
        }
    tables.show(shown, columns, t, key=f"spellings-{state}")


def _facts(row: dict, t: Words) -> str:
    """What speaks for and against, in one line."""
    rule, like = t(f"page.spellings.rule.{row['rule']}"), format.number(100 * row["likeness"], t, 0)
    said = [t("page.spellings.facts", like=like, rule=rule)]
    if row["day"]:
        said.append(t("page.spellings.turned", n=row["estates"], day=format.day(row["day"], t)))
    if row["act_id"]:
        said.append(_decision(row, t))
    return t("common.semicolon").join(said)


def _decision(row: dict, t: Words) -> str:
    if row["act_id"] is None:
        return ""
    what, when = t(f"desk.kinds.{row['state']}"), format.moment(row["done_at"], t)
    return t("page.spellings.decided_by", what=what, by=row["done_by"], when=when, why=row["why"], act=row["act_id"])


def _ask(scope, rows: pl.DataFrame, t: Words) -> None:
    """One pair, chosen, and the answers that change something, each with a reason."""
    st.subheader(t("page.spellings.question"))
    named = {f"{r['before']} → {r['after']}": r for r in rows.iter_rows(named=True)}
    pair = choose.one(
        st, t("page.spellings.pair"), list(named), name="pair", words=str, everything=t("desk.choose_right")
    )
    if pair is None:
        return
    row = named[pair]
    st.markdown(f"**{format.plain(pair)}**  \n{format.plain(_facts(row, t))}")  # all of it, also on a narrow screen
    st.caption(t("page.spellings.effect"))
    kinds = [k for k in (SAME, TWO) if k != row["state"] and not (k == SAME and row["state"] == "linked")]
    with st.form(f"decide-{row['before']}-{row['after']}"):
        why = st.text_input(t("desk.why"), help=t("desk.why_help"))
        boxes = st.columns(len(kinds))
        pressed = [
            b.form_submit_button(t(f"desk.kinds.{k}"), width="stretch") for b, k in zip(boxes, kinds, strict=True)
        ]
    for kind in (k for k, p in zip(kinds, pressed, strict=True) if p):
        _do(scope, row, kind, why, t)


def _do(scope, row: dict, kind: str, why: str, t: Words) -> None:
    """Carry a decision out; what is refused is said as it is."""
    if not why.strip():
        st.warning(t("desk.why_missing"))
        return
    act = Act(scope.viewer_id, datetime.now(UTC), why)
    try:
        done = patiently(lambda: decide(place.root(), row["before"], row["after"], kind, act))
    except StoreBusy:
        st.warning(t("desk.busy"))
    except (MendRefused, ClockBehind, StoreUnwritable) as refused:
        st.warning(t("desk.refused", said=format.plain(refused)))
    else:
        names = {"before": format.plain(row["before"]), "after": format.plain(row["after"])}
        kept = {"company": format.plain(done.company or ""), "n": done.tenures, "act": done.act_id}
        st.session_state[RESULT] = t(f"page.spellings.done.{kind}", **names, **kept)
        st.rerun()
