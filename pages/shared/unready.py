"""While the ledger does not answer: one page that says so in both languages, for every address, and tries again by itself.

The server stands, but knows nobody: whoever asks is neither let in nor told they are signed out. Where the server itself
is stopped nginx says the same (``deploy/unavailable.html``).
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.ledger import LedgerTooNew
from i18n.words import LANGUAGES, Words
from pages.shared.plain import plain_page
from pages.shared.viewer import LANGUAGE_COOKIE

LOG = logging.getLogger("steward")
AGAIN = 30  # seconds after which browser and proxy may try again
#: The database is away, locked for longer than a writer waits, or was led on by a newer program.
AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, LedgerTooNew)


class Ready:
    """ASGI middleware, outermost: a ledger that is away becomes 503, where nothing was answered yet."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] in ("http.response.start", "websocket.accept", "websocket.close")
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except AWAY as e:
            if begun or scope["type"] == "lifespan":
                raise
            LOG.error("The ledger does not answer (%s); people are told to come back.", type(e).__name__)
            await _come_back(scope, receive, send)


async def _come_back(scope: Scope, receive: Receive, send: Send) -> None:
    """503, the viewer's language first; a socket is told to try again later."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013, "reason": "try again later"})
        return

    async def later(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["retry-after"] = str(AGAIN)
            headers["refresh"] = str(AGAIN)
        await send(message)

    asked = HTTPConnection(scope)
    known = (asked.query_params.get("lang"), asked.cookies.get(LANGUAGE_COOKIE))
    first = next((language for language in known if language in LANGUAGES), LANGUAGES[0])
    order = [Words(first), *(Words(language) for language in LANGUAGES if language != first)]
    said = " ".join(t("frame.unready") for t in order)
    await plain_page(order[0], order[0]("frame.unready_title"), said, 503)(scope, receive, later)
