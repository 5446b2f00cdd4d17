"""Opening a case that no row of the due list stands for: an order, a referral, an advice; a company's dispute of a record."""

from __future__ import annotations

import json

import duckdb
import polars as pl
import streamlit as st

from cases import acts
from cases.allowed import GROUNDS, NotDue, may_open
from cases.matters import Matter, matters
from data.events import AlreadyOpen
from data.queries import files
from data.scope import Scope
from i18n.words import Words
from metrics.hazards import BY_DEADLINE
from pages.shared import casework, format, go, rule

PARTY = ("estate_id", "company_id", "head_id", "company_zh", "company_en", "head_zh", "head_en", "period")


def offer(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str, period: str, t: Words) -> None:
    """The form, folded, for whoever may prepare such a case; nothing for others."""
    desk = casework.desk(scope)
    offered = [m for m in matters(desk.book, desk.today) if may_open(m.step, True, desk.asked()) is None]
    if not offered:
        return
    with st.expander(t("by_hand.title")):
        st.caption(t("by_hand.lead"))
        chosen = st.selectbox(t("by_hand.kind"), offered, format_func=lambda m: _named(m, t), key="by-hand-kind")
        law = "; ".join(chosen.law)
        st.caption(t(f"matter.{chosen.key}.about"))
        st.caption(t("by_hand.goes_to", body=t(f"addressee.{chosen.body}"), law=law))
        if said := rule.laws(law, t):
            st.caption(said)
        with st.form("by-hand", border=False):
            matter = st.text_input(t("by_hand.matter"), help=t("by_hand.matter_help"), max_chars=128) or ""
            reason = st.text_area(t("by_hand.reason"), help=t("by_hand.reason_help")) or ""
            pressed = st.form_submit_button(t("by_hand.open"), type="primary")
        if pressed:
            _open(desk, con, t, estate_id=estate_id, period=period, kind=chosen.key, matter=matter, reason=reason)


def _named(of: Matter, t: Words) -> str:
    return t("by_hand.kind_of", step=t(f"ladder.step.{of.step}.name"), name=t(f"matter.{of.key}.name"))


def _open(desk: acts.Desk, con: duckdb.DuckDBPyConnection, t: Words, **given: str) -> None:
    try:
        case_id = acts.open_by_hand(desk, con, **given)
    except NotDue as e:
        st.warning(format.plain(casework.refusal_words(e, t)))
    except AlreadyOpen as e:
        st.warning(casework.already_open(e, t))
    else:
        go.to("case", case=case_id)


def dispute(scope: Scope, con: duckdb.DuckDBPyConnection, unit: dict, rows: pl.DataFrame, t: Words) -> None:
    """The form by which a company disputes one of the records on screen (``files.evidence``) that counts."""
    own = rows.filter(pl.col("excluded").is_null() & pl.col("record_id").is_not_null())
    if scope.role != "manager" or own.is_empty():
        return
    labels = {r["record_id"]: f"{format.day(r['decided_on'], t)} · {r['record_id']}" for r in own.iter_rows(named=True)}
    with st.expander(t("page.dispute.title")):
        st.caption(t("page.dispute.lead"))
        with st.form("dispute", border=False):
            record = st.selectbox(
                t("page.dispute.record"), list(labels), format_func=lambda r: labels[r], key="dispute-record"
            )
            ground = st.selectbox(
                t("form.ground"), GROUNDS, index=GROUNDS.index("not_ours"), key="dispute-ground",
                format_func=lambda g: t(f"objection.ground.{g}"),
            )  # fmt: skip
            wish = st.radio(t("form.wish"), ("exclude", "reassign"), horizontal=True, key="dispute-wish",
                            format_func=lambda w: t(f"ruling.{w}"))  # fmt: skip
            reason = st.text_area(t("form.reason_objected"), key="dispute-reason", help=t("form.reason_help"))
            pressed = st.form_submit_button(t("page.dispute.press"), type="primary")
        if pressed and record:
            table = own.filter(record_id=record)["record_table"][0]
            claim = {"table": table, "record_id": record, "wish": wish}
            _dispute(casework.desk(scope), con, unit, claim, ground or "not_ours", reason or "", t)


def _dispute(
    desk: acts.Desk, con: duckdb.DuckDBPyConnection, unit: dict, claim: dict, ground: str, reason: str, t: Words
) -> None:
    party = {k: unit.get(k) for k in PARTY} | {"estate_zh": unit["name_zh"], "estate_en": unit["name_en"]}
    try:
        case_id = acts.dispute(
            desk, con, party | {"party_id": unit["unit_id"]}, ground=ground, records=[claim], reason=reason
        )
    except NotDue as e:
        st.warning(casework.refusal_words(e, t))
    except AlreadyOpen as e:
        st.warning(casework.already_open(e, t))
    else:
        go.to("case", case=case_id)


def open_hazards(scope: Scope, con: duckdb.DuckDBPyConnection, estate_id: str, period: str, t: Words) -> list[dict]:
    """Hazards of an estate on record as due and not put right, newest first: hazard_id, what, severity; the rest is empty."""
    found = [
        files.evidence(scope, con, level="estate", unit_id=estate_id, metric=m, period=period, counted=True)
        for m in BY_DEADLINE
    ]
    rows = pl.concat(found).filter(pl.col("numerator") == 0).unique("record_id", maintain_order=True)
    facts = [(r, json.loads(f)) for r, f in rows.select("record_id", "facts").iter_rows()]
    return [
        {"hazard_id": r, "what": t(f"fact.hazard_type.{f['hazard_type']}") if f.get("hazard_type") else "",
         "severity": f.get("severity"), "where": "", "law": "", "interim": ""}
        for r, f in facts if not f.get("rectified_on")
    ]  # fmt: skip
