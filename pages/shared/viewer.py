"""Who is looking: the ledger of this process, and the stay behind the browser's cookie."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import sqlalchemy as sa
import streamlit as st

from data import sessions
from data.ledger import open_ledger
from pages.shared import place

SESSION_COOKIE = "steward_session"
FORM_COOKIE = "steward_form"  # the token every form must send back (double submit)
LANGUAGE_COOKIE = "steward_language"  # what the sign-in page was last read in

TOKEN = re.compile(r"[\w-]{43}")


def ledger() -> sa.Engine:
    return _opened(place.root())


@cache
def _opened(root: Path) -> sa.Engine:
    return open_ledger(root)


def session() -> sessions.Session | None:
    """The viewer's stay, looked up afresh; None once it ended. Fragments ask too: they run without the entry script."""
    stay = sessions.find(ledger(), st.context.cookies.get(SESSION_COOKIE), datetime.now(UTC))
    closed = stay and (stay.account.must_change or stay.must_choose)  # the gate leads to /password, to /role
    return None if closed else stay


def form_token(known: object) -> str:
    """The browser's form token; a new one where it has none. Kept while well formed: other tabs use it too."""
    return known if isinstance(known, str) and TOKEN.fullmatch(known) else secrets.token_urlsafe(32)
