"""The outbox: what waits, went out, was given up; what nobody can tell a person decides. And whose notices go where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import polars as pl
import streamlit as st

from data import accounts, notices, outbox
from data.outbox import DecisionWrong
from data.queries import messages
from i18n.words import Words
from pages.shared import choose, format, notice_form, tables
from pages.shared.viewer import ledger
from rules.book import Book

DECIDED = "outbox_decided"
CODES = (outbox.DISABLED, outbox.LOST, outbox.OUT_OF_TRIES, outbox.RESTORED)
WIDTHS = {
    "since": 150,
    "whom": 110,
    "subject": 300,
    "to": 200,
    "why": 260,
    "attempts": 70,
    "due": 150,
    "channel": 80,
}  # pixels
LEFT_OUT = {"sent": ("why", "due"), "waiting": (), "under_way": ("why", "due")}  # else when it is tried next


def show(scope, con, t: Words) -> None:
    """Counts, messages of one state, a decision about one; addresses of accounts."""
    scope.require("steward")
    st.title(t("page.outbox.title"))
    st.caption(t("page.outbox.lead"))
    ways = notice_form.configured(t)
    now = datetime.now(UTC)
    minutes = Book().on(now.date(), "outbox")["late_after_minutes"]
    late = messages.outbox_late(scope, con, ledger(), channels=ways, at=now - timedelta(minutes=minutes))
    if late:
        st.warning(t("page.outbox.late", n=late, minutes=minutes))
    _messages(scope, con, t)
    _decisions(scope, con, t)
    _addresses(scope, t)


def _messages(scope, con, t: Words) -> None:
    counts = messages.outbox_counts(scope, con, ledger())
    if kept := st.session_state.pop(DECIDED, None):
        st.success(t(f"page.outbox.done.{kept}"))
    state = choose.must(
        st, t("page.outbox.state"), messages.STATES, name="state",
        words=lambda s: t("page.outbox.counted", state=t(f"message_state.{s}"), n=counts[s]),
    )  # fmt: skip
    st.caption(t(f"page.outbox.about.{state}"))
    rows = messages.outbox_rows(scope, con, ledger(), state=state, limit=tables.PAGE_ROWS, offset=tables.offset("page"))
    if rows.is_empty():
        st.info(t("page.outbox.nothing"))
        return
    picked = tables.show(
        _shown(rows, t), _columns(state, t), t, key=f"outbox-{state}", pick=state in ("unsure", "failed")
    )
    tables.pager("page", counts[state], t)
    if picked is not None:
        _decide(scope, rows.row(picked, named=True), t)


def _shown(rows: pl.DataFrame, t: Words) -> pl.DataFrame:
    listed = [
        {
            "since": format.moment(r["since"], t),
            "whom": format.name(r, t) if r["name_zh"] else r["account_id"],
            "to": r["to"],
            "subject": r["subject"],
            "channel": t(f"channel.{r['channel']}"),
            "attempts": r["attempts"],
            "due": format.moment(r["due_at"], t) if r["state"] == "waiting" else t("common.none"),
            "why": _why(r["error"], t),
        }
        for r in rows.to_dicts()
    ]
    return pl.DataFrame(listed)


def _why(error: str | None, t: Words) -> str:
    return t(f"message_error.{error}") if error in CODES else error or t("common.none")


def _columns(state: str, t: Words) -> dict:
    config = st.column_config
    left_out = LEFT_OUT.get(state, ("due",))
    return {
        name: (config.NumberColumn if name == "attempts" else config.TextColumn)(
            t(f"page.outbox.column.{name}"), width=width
        )
        for name, width in WIDTHS.items()
        if name not in left_out
    }


def _decide(scope, row: dict, t: Words) -> None:
    """The person's word: it arrived (only where nobody can tell), or send it again."""
    st.subheader(t("page.outbox.decide"))
    st.text(f"{row['subject']} → {row['to']}")  # no markup, and no links made of it
    st.caption(t(f"page.outbox.ask.{row['state']}"))
    with st.form(f"decide-{row['message_id']}", enter_to_submit=False):
        reason = st.text_area(t("page.outbox.reason"), max_chars=1000)
        left, right = st.columns(2)
        arrived = row["state"] == "unsure" and left.form_submit_button(t("page.outbox.arrived"), width="stretch")
        again = right.form_submit_button(t("page.outbox.resend"), width="stretch")
    if not (arrived or again):
        return
    what: Literal["arrived", "resend"] = "arrived" if arrived else "resend"
    try:
        outbox.decide(ledger(), row["message_id"], what, reason=reason or "", by=scope.viewer_id, now=datetime.now(UTC))
    except DecisionWrong as wrong:
        st.error(t(f"page.outbox.refused.{wrong.code}"))
        return
    st.session_state[DECIDED] = what
    st.rerun()


def _decisions(scope, con, t: Words) -> None:
    made = messages.outbox_decided(scope, con, ledger())
    if made.is_empty():
        return
    with st.expander(t("page.outbox.decisions")):
        shown = pl.DataFrame(
            [
                {
                    "at": format.moment(r["at"], t),
                    "by": format.name(r, t) if r["name_zh"] else r["by"],
                    "what": t(f"page.outbox.done.{r['what']}"),
                    "reason": r["reason"],
                }
                for r in made.to_dicts()
            ]
        )
        columns = {c: st.column_config.TextColumn(t(f"page.outbox.decision.{c}")) for c in shown.columns}
        tables.show(shown, columns, t, key="outbox-decisions")


def _addresses(scope, t: Words) -> None:
    st.subheader(t("page.outbox.addresses"))
    people = {a.account_id: a for a in accounts.everyone(ledger()) if not a.demo and not a.disabled}
    kept = notices.everyones(scope, ledger())
    st.caption(t("page.outbox.addresses_lead", with_one=len(kept.keys() & people.keys()), people=len(people)))
    if not people:
        st.info(t("page.outbox.nobody"))
        return
    if mine := {name: to for name, to in kept.items() if name in people}:
        shown = pl.DataFrame(
            [
                {"whom": people[name].name(t.language), **{c: to.get(c, "") for c in notices.CHANNELS}}
                for name, to in mine.items()
            ]
        )
        headings = {"whom": t("page.outbox.column.whom")} | {c: t(f"channel.{c}") for c in notices.CHANNELS}
        tables.show(shown, {n: st.column_config.TextColumn(h) for n, h in headings.items()}, t, key="addresses")
    chosen = choose.must(
        st, t("page.outbox.account"), list(people), name="account",
        words=lambda a: f"{people[a].name(t.language)} ({a}) · {t(f'role.{people[a].role}')}",
    )  # fmt: skip
    notice_form.addresses(scope, chosen, t)
