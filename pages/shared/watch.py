"""Before sensitive records are shown: an entry in the view log, and the reason first where rules/views.toml asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import polars as pl
import streamlit as st

from cases.case import Case
from data import views
from data.scope import Scope
from data.views import Party
from i18n.words import Words
from pages.shared import rule
from pages.shared.viewer import ledger

REASONS = "reasons_given"
HEAD = ("estate_id", "company_id", "head_id")


def may_show(scope: Scope, read: Mapping[str, Sequence[Party]], t: Words, *, about: str) -> bool:
    """Enter that the viewer reads these tables of these parties; where a reason is asked and not given yet, ask, and say no."""
    now = datetime.now(UTC)
    asked = rule.book().on(now.date(), views.RULE)
    key = _key(read, about)
    said = _reason_of(key) if any(views.reason_asked(asked, table, scope.role) for table in read) else ""
    if said is None:
        _ask(key, int(asked["reason_letters"]), t)
        return False
    for table, parties in read.items():  # as many tables as a metric reads: one, seldom two
        views.enter(ledger(), scope, table, parties, about=about, how="page", at=now, reason=said, rule=asked)
    return True


def parties(rows: pl.DataFrame) -> dict[str, list[Party]]:
    """``watching.parties`` by table of records; as many rows as companies that ran one estate."""
    found: dict[str, list[Party]] = {}
    for table, estate, company in rows.iter_rows():
        found.setdefault(table, []).append(Party(estate, company))
    return found


def heads(scope: Scope, rows: pl.DataFrame, t: Words) -> None:
    """Enter that the names of the office heads in these rows (estate_id, company_id, head_id) are shown."""
    named = rows.filter(pl.col("head_id").is_not_null()).select(HEAD).unique()
    found = [Party(*(value or "" for value in row)) for row in named.iter_rows()]  # a page of rows at most
    may_show(scope, {"office_heads": found} if found else {}, t, about="")


def heads_of_cases(scope: Scope, cases: Iterable[Case], t: Words) -> None:
    """Enter that the names of the office heads these cases are about are shown."""
    rows = [(case.estate_id, case.company_id, case.head_id) for case in cases]
    heads(scope, pl.DataFrame(rows, dict.fromkeys(HEAD, pl.String), orient="row"), t)


def heads_in_file(make: Callable[[], bytes], scope: Scope, case: Case) -> Callable[[], bytes]:
    """The file of a case, made after the entry that its head's name was taken along; as it was where the case names none."""
    party = Party(*(getattr(case, k) or "" for k in HEAD))
    return noting(make, scope, {"office_heads": [party]} if party.head_id else {}, about=case.case_id)


def noting(
    make: Callable[[], bytes], scope: Scope, read: Mapping[str, Sequence[Party]], *, about: str
) -> Callable[[], bytes]:
    """The same file, made after the entry that it was taken along; the reason is the one the page was opened with."""
    said = _reason_of(_key(read, about)) or ""

    def made() -> bytes:
        for table, parties in read.items():
            views.enter(ledger(), scope, table, parties, about=about, how="file", at=datetime.now(UTC), reason=said)
        return make()

    return made


def _key(read: Mapping[str, Sequence[Party]], about: str) -> str:
    """One matter of one party: a reason given for one estate opens no other."""
    return f"{about} {sorted({party.estate_id for parties in read.values() for party in parties})}"


def _reason_of(key: str) -> str | None:
    """Why the viewer reads this, as said earlier in this window."""
    return st.session_state.get(REASONS, {}).get(key)


def _ask(key: str, letters: int, t: Words) -> None:
    st.info(t("views.reason_lead"))
    with st.form(f"reason-{key}", enter_to_submit=True):
        reason = st.text_input(t("views.reason"), max_chars=300, placeholder=t("views.reason_hint"))
        sent = st.form_submit_button(t("views.show"))
    if not sent:
        return
    if views.good_reason(rule.book().on(datetime.now(UTC).date(), views.RULE), reason or ""):
        st.session_state[REASONS] = st.session_state.get(REASONS, {}) | {key: reason.strip()}
        st.rerun()
    st.error(t("views.reason_short", n=letters))
