"""The gate in front of everything: without a stay nobody gets past it, by http or by websocket.

Streamlit knows nothing of it and needs to know nothing: a page's address, an upload, a table's data and the socket that
carries the pages are all refused alike. What stays open is the sign-in page, its icon, signing out, and the health
check, which says "ok".
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Callable, Container
from datetime import datetime
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cases.acts import LARGEST_FILE
from data import accounts, sessions
from data.accounts import LANGUAGES
from data.scope import Role
from data.uploads import MEGABYTE, limits
from i18n.words import Words
from pages.shared import place
from pages.shared.held import UPLOAD, Held
from pages.shared.local import over_loopback
from pages.shared.plain import cookie, plain_page
from pages.shared.told import FILES, Told
from pages.shared.viewer import FORM_COOKIE, SESSION_COOKIE, form_token

#: By method too: whatever no route of ours takes falls through to Streamlit, which answers any address with its page.
OPEN = {
    "/signin": ("GET", "HEAD", "POST"),
    "/signin/oidc": ("GET",),
    "/signin/oidc/back": ("GET",),
    "/signout": ("POST",),
    "/icon.svg": ("GET", "HEAD"),
    "/_stcore/health": ("GET", "HEAD"),
}
#: Streamlit's way in for programs that act like a person. It is off (.streamlit/config.toml), and stays shut if it is not.
SHUT = "/_stcore/agent/"
#: Pages of our own, for the signed-in; Streamlit knows nothing of them.
OWN = ("/password", "/role")
#: All that is open to who must first change a password somebody else knows.
BEFORE_CHANGE = ("/password", "/signout", "/language", "/icon.svg")
#: All that is open to who has several duties and has not chosen one.
BEFORE_CHOICE = ("/role", "/signout", "/language", "/icon.svg")
#: Whose pages take deliveries (``server.maxUploadSize``); the forms of all others take ``cases.acts.LARGEST_FILE``.
HAND_IN_DELIVERIES = ("steward", "supervisor")
FRAMING = 65_536  # bytes of a form around its file
LOG = logging.getLogger("steward")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
#: For pages: our own server only. Streamlit sets styles from its script, plotly draws into data: and blob: images.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; frame-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
PAGE_ADDRESS = re.compile(r"/([^/.]*)/?")  # pages have one segment; Streamlit's own files lie deeper or have an ending
INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.S)


def local_path(asked: str | None) -> str:
    """An address of this server to go on to; ``/`` for anything a browser might read as another server's."""
    path = asked or "/"
    plain = all(" " < c != "\\" for c in path)
    parts = urlsplit(path) if plain and path.startswith("/") and not path.startswith("//") else None
    if parts is None or parts.scheme or parts.netloc or parts.path.rstrip("/") in OPEN:
        return "/"
    return path


def sign_in_address(scope: Scope) -> str:
    """The sign-in page, remembering what was asked for."""
    query = scope.get("query_string", b"").decode("latin-1")
    asked = local_path(quote(scope["path"]) + (f"?{query}" if query else ""))
    return "/signin" if asked == "/" else f"/signin?next={quote(asked, safe='')}"


def _policy_of(page: bytes) -> str:
    """The content policy of an index page: scripts from our server, and its own inline one by its hash."""
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in INLINE_SCRIPT.findall(page))
    return PAGE_POLICY.format(scripts=" ".join(f"'sha256-{h}'" for h in hashes))


class Gate:
    """ASGI middleware, outermost.

    Args:
        ledger: opens the ledger.
        now: tells the time.
        pages: the addresses there are, without their slash.
        home: the landing address of a role.
    """

    def __init__(
        self,
        app: ASGIApp,
        ledger: Callable[[], sa.Engine],
        now: Callable[[], datetime],
        pages: Container[str],
        home: Callable[[Role], str],
    ) -> None:
        self.app, self.ledger, self.now, self.pages, self.home = app, ledger, now, pages, home
        self._peopled, self._told, self._held = False, Told(), Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        send = _with_headers(send) if scope["type"] == "http" else send
        if scope.get("path") != "/_stcore/health" and not await run_in_threadpool(self._serves, HTTPConnection(scope)):
            return await _no_accounts(scope, receive, send)
        if scope["type"] == "http" and scope["method"] in OPEN.get(scope["path"], ()):
            return await self.app(scope, receive, send)
        session = await run_in_threadpool(self._session, HTTPConnection(scope))
        if session is None:
            return await _refuse(scope, receive, send)
        if scope["path"].startswith(SHUT):
            return await PlainTextResponse("not here", 404)(scope, receive, send)
        if session.account.must_change and scope["path"] not in BEFORE_CHANGE:
            return await _refuse(scope, receive, send, onward="/password")
        if session.must_choose and scope["path"] not in BEFORE_CHOICE:
            return await _refuse(scope, receive, send, onward="/role")
        if scope["type"] == "http" and _too_large(scope, session.account.role):
            return await PlainTextResponse("too large", 413)(scope, receive, send)
        if scope["path"].startswith(FILES) and not self._told.to(session.key, scope["path"]):
            return await PlainTextResponse("not here", 404)(scope, receive, send)
        if scope["path"].startswith(UPLOAD) and scope["method"] == "PUT":
            return await self._upload(scope, receive, send, session.account)
        if scope["type"] == "websocket":
            return await self.app(scope, receive, self._told.listening(session.key, send))
        if scope["type"] != "http" or scope["path"] in OWN or not _wants_page(scope):
            return await self.app(scope, receive, send)
        asked = HTTPConnection(scope).query_params.get("lang")
        t = Words(asked if asked in LANGUAGES else session.account.language)
        address = PAGE_ADDRESS.fullmatch(scope["path"])
        if address and not address[1]:
            query = scope.get("query_string", b"").decode("latin-1")
            landing = f"/{self.home(session.account.role)}" + (f"?{query}" if query else "")
            return await RedirectResponse(landing, 303)(scope, receive, send)
        if address and address[1] not in self.pages:
            return await plain_page(t, t("frame.missing_title"), t("frame.missing"), 404)(scope, receive, send)
        return await self.app(_unpacked(scope), receive, _Index(send, t, _new_form_cookie(scope)).send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send, account: accounts.Account) -> None:
        """Let an upload in where the server's memory has room for one more of this person's."""
        path, deliveries = scope["path"], account.role in HAND_IN_DELIVERIES
        size = _said_size(scope)
        size = limits().largest_file_mb * MEGABYTE if size is None else size
        if not self._held.takes(account.account_id, path, size, deliveries=deliveries):
            return await PlainTextResponse("too much held", 413)(scope, receive, send)
        try:
            await self.app(scope, receive, send)
        finally:
            self._held.came(path)

    def _session(self, connection: HTTPConnection) -> sessions.Session | None:
        stay = sessions.find(self.ledger(), connection.cookies.get(SESSION_COOKIE), self.now())
        return None if stay and stay.account.demo and not over_loopback(connection) else stay

    def _serves(self, connection: HTTPConnection) -> bool:
        """Without any account only this machine is served: nobody could have been let in by anyone."""
        if not self._peopled:
            self._peopled = accounts.anyone_real(self.ledger())
        return self._peopled or over_loopback(connection)


def _wants_page(scope: Scope) -> bool:
    """A browser going to an address, as opposed to one fetching what a page needs."""
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def _too_large(scope: Scope, role: Role) -> bool:
    """An upload larger than any form this role sees takes; one that does not say its size counts as larger."""
    if not scope["path"].startswith(UPLOAD) or scope["method"] != "PUT" or role in HAND_IN_DELIVERIES:
        return False
    size = _said_size(scope)
    return size is None or size > LARGEST_FILE + FRAMING


def _said_size(scope: Scope) -> int | None:
    """The size a request says its body has; None where it says none."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


async def _no_accounts(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that this installation has no accounts yet, in both languages, and in the log."""
    LOG.warning("Refused a request from another address: there are no accounts yet. Make one: steward.py account add")
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "no accounts yet"})
        return
    said = " ".join(Words(language)("frame.no_accounts") for language in LANGUAGES)
    await plain_page(Words("zh"), Words("zh")("frame.no_accounts_title"), said, 503)(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, onward: str | None = None) -> None:
    """403 for the socket (closed before it opened), the sign-in page for a person, 401 for anything else."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "sign in first"})
    elif _wants_page(scope):
        await RedirectResponse(onward or sign_in_address(scope), 303)(scope, receive, send)
    else:
        await PlainTextResponse(f"First: {onward or '/signin'}", 403 if onward else 401)(scope, receive, send)


def _new_form_cookie(scope: Scope) -> str | None:
    """A form cookie for a browser without one: without it the forms of the page, such as signing out, are refused."""
    known = HTTPConnection(scope).cookies.get(FORM_COOKIE)
    token = form_token(known)
    return None if token == known else cookie(FORM_COOKIE, token, secure=scope["scheme"] == "https")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if (onward := headers.get("location", "")).startswith("/"):
                headers["location"] = place.at(onward)
        await send(message)

    return sending


def _unpacked(scope: Scope) -> Scope:
    """The request without leave to compress or to answer "not modified": the page is rewritten on its way out."""
    dropped = (b"accept-encoding", b"if-none-match", b"if-modified-since")
    return {**scope, "headers": [(k, v) for k, v in scope["headers"] if k not in dropped], "extensions": {}}


class _Index:
    """Streamlit's index page on its way out: the viewer's language, our title, a policy that allows no outside request.

    Anything that is not an HTML page passes untouched.
    """

    def __init__(self, send: Send, words: Words, set_cookie: str | None) -> None:
        self._send, self._words, self._set_cookie = send, words, set_cookie
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if "text/html" not in Headers(raw=message["headers"]).get("content-type", ""):
                await self._send(message)
            else:
                self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        t = self._words
        page = self._body.replace(b'<html lang="en">', f'<html lang="{t("frame.html_lang")}">'.encode(), 1)
        page = page.replace(b"<title>Streamlit</title>", f"<title>{t('frame.product')}</title>".encode(), 1)
        page = page.replace(b'href="./favicon.png"', f'href="{place.at("/icon.svg")}"'.encode(), 1)
        headers = MutableHeaders(scope=start)
        for stale in ("etag", "last-modified"):
            del headers[stale]
        headers["content-length"] = str(len(page))
        headers["cache-control"] = "no-store"
        headers["content-security-policy"] = _policy_of(page)
        if self._set_cookie:
            headers.append("set-cookie", self._set_cookie)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": page})
