"""Opening a case on a matter of its own: an order to put hazards right, a referral, an advice to the owners."""

from __future__ import annotations

import json

import duckdb
import polars as pl
import streamlit as st

from cases import acts
from cases.allowed import NotDue, may_open
from cases.case import BY_HAND
from data.events import AlreadyOpen
from data.queries import files, rankings
from data.scope import Scope
from i18n.words import Words
from pages.shared import casework, go

HAZARD_METRICS = ("hazards_fixed_in_time", "security_notices_met")
PARTY = ("estate_id", "company_id", "head_id", "company_zh", "company_en", "head_zh", "head_en", "period")


def offer(scope: Scope, con: duckdb.DuckDBPyConnection, *, estate_id: str, period: str, t: Words) -> None:
    """The form that opens one about an estate's present company, for those whose role may prepare it."""
    desk = casework.desk(scope)
    steps = [s for s in BY_HAND if may_open(s, True, desk.asked()) is None]
    party = _party(scope, con, estate_id, period)
    if not steps or party is None:
        return
    with st.expander(t("page.open.title")):
        st.caption(t("page.open.lead"))
        with st.form("open-by-hand", border=False):
            step = st.radio(
                t("page.open.step"), steps, format_func=lambda s: t(f"ladder.step.{s}.name"), key="hand-step",
                captions=[t(f"ladder.step.{s}.meaning") for s in steps],
            )  # fmt: skip
            matter = st.text_input(
                t("page.open.matter"), max_chars=128, key="hand-matter", help=t("page.open.matter_help")
            )
            reason = st.text_area(t("form.reason"), key="hand-reason", help=t("form.reason_help"))
            pressed = st.form_submit_button(t("page.due.open"), type="primary")
        if pressed:
            _open(desk, con, party, step, matter or "", reason or "", t)


def _party(scope: Scope, con: duckdb.DuckDBPyConnection, estate_id: str, period: str) -> dict | None:
    """Names of the estate, its present company and its head; None where nobody manages it."""
    ways = files.units_of_estate(scope, con, estate_id=estate_id, period=period).filter(level="tenure", current=True)
    if ways.is_empty():
        return None
    row = files.unit(scope, con, level="tenure", unit_id=ways["unit_id"][0], period=period)
    if row is None:
        return None
    return {k: row.get(k) for k in PARTY} | {"estate_zh": row["name_zh"], "estate_en": row["name_en"]}


def _open(
    desk: acts.Desk, con: duckdb.DuckDBPyConnection, party: dict, step: str, matter: str, reason: str, t: Words
) -> None:
    if not reason.strip():
        st.warning(t("case.refused.reason_missing"))
        return
    edition = rankings.edition(desk.scope, con)["edition_id"]
    try:
        case_id = acts.open_by_hand(desk, party, step, matter=matter, edition=edition, reason=reason)
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
        for m in HAZARD_METRICS
    ]
    rows = pl.concat(found).filter(pl.col("numerator") < pl.col("denominator")).unique("record_id", maintain_order=True)
    facts = [(r, json.loads(f)) for r, f in rows.select("record_id", "facts").iter_rows()]
    return [
        {"hazard_id": r, "what": t(f"fact.hazard_type.{f['hazard_type']}") if f.get("hazard_type") else None,
         "severity": f.get("severity")}
        for r, f in facts if not f.get("rectified_on")
    ]  # fmt: skip
