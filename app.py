"""The ASGI application: the sign-in gate in front of everything, then the viewer's pages.

``streamlit run app.py`` and ``uvicorn app:app`` both serve it. This file draws nothing; ``pages/shared/entry.py`` draws
the pages. It lies in a folder without a ``pages/`` beside it, so Streamlit finds no pages of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.shared import frame, password, photos, place, service, signin
from pages.shared.gate import Gate
from pages.shared.registry import PAGES, landing
from pages.shared.unready import Ready
from pages.shared.viewer import ledger


def now() -> datetime:
    return datetime.now(UTC)


place.base()  # a path that cannot be is told now, not to the first person
app = st.App(
    Path(__file__).parent / "pages" / "shared" / "entry.py",
    routes=[*signin.routes(now), *password.routes(now), *service.routes(now), *photos.routes(now)],
    middleware=[
        Middleware(Ready),
        Middleware(Gate, ledger=ledger, now=now, pages={p.url_path for p in PAGES}, home=landing),
    ],
    on_script_error=frame.sorry,
)
