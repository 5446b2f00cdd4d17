"""Signing in and out: plain HTML of our own, no script, nothing from outside.

Every form carries a token that must equal the browser's form cookie (double submit), so no other site can sign a person
in or out. Passwords are compared off the event loop, few at a time: each comparison takes 64 MB on purpose.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import streamlit as st
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from data import accounts, editions, oidc, sessions
from data.accounts import LANGUAGES, Account, SignInRefused
from data.queries import rankings
from data.scope import Scope
from i18n.words import Words
from pages.shared import format, place
from pages.shared.gate import local_path
from pages.shared.local import loopback, over_loopback
from pages.shared.plain import PLAIN_HEADERS, cookie, document, plain_page
from pages.shared.viewer import FORM_COOKIE, LANGUAGE_COOKIE, SESSION_COOKIE, TOKEN, form_token, ledger

ICON = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
BARS = (
    '<svg class="bars" viewBox="0 0 220 96" aria-hidden="true"><g fill="#7fb4e3"><rect y="56" width="30" height="40"/>'
    '<rect x="47" y="38" width="30" height="58"/><rect x="94" y="48" width="30" height="48"/>'
    '<rect x="141" y="22" width="30" height="74"/><rect x="188" y="6" width="30" height="90"/></g>'
    '<path d="M0 36h220" stroke="#ffd58a" stroke-width="2" stroke-dasharray="5 5"/></svg>'
)
FORM_LIMIT = 8_192  # bytes of a form; ours have a few hundred
WAITING_ALLOWED = 40  # sign-ins in the queue before more are sent away
NOBODY = Scope("sign-in page", "steward")  # reads what an edition says of itself, no score

Clock = Callable[[], datetime]


@cache
def turnstile() -> anyio.CapacityLimiter:
    """At most two passwords are compared at once."""
    return anyio.CapacityLimiter(2)


class FormRefused(PermissionError):
    """The form did not come from a page of ours."""


# --- what the request tells -----------------------------------------------------------------------------------------


def from_this_machine(request: Request) -> bool:
    """True where the server is bound to loopback and the request came over it, by its name, through no proxy."""
    return loopback(st.config.get_option("server.address")) and over_loopback(request)


@cache
def _is_demo(edition: Path) -> bool:
    """Whether this edition was made from invented records (an edition never changes)."""
    return bool(rankings.edition(NOBODY, editions.open_edition(edition))["demo"])


def demo_people(request: Request) -> list[Account]:
    """The demo people to offer: none unless the edition says demo and the request came from this machine."""
    edition = editions.current(place.root())
    if edition is None or not from_this_machine(request) or not _is_demo(edition):
        return []
    return accounts.demo_people(ledger())


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form of ours.

    Raises:
        FormRefused: it is too long, of another kind, from another site, or without the browser's token.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise FormRefused(f"The form is longer than {FORM_LIMIT} bytes; ours never are. Nothing was done.")
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    fields = {k: v[0] for k, v in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}
    known, sent = request.cookies.get(FORM_COOKIE, ""), fields.get("token", "")
    origin = request.headers.get("origin")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    same = bool(TOKEN.fullmatch(known)) and secrets.compare_digest(known.encode(), sent.encode())
    if kind != "application/x-www-form-urlencoded" or not ours or not same:
        raise FormRefused("The form lacks this browser's token, so it may come from another site. Nothing was done.")
    return fields


def set_cookie(response: Response, request: Request, name: str, value: str, max_age: int | None = None) -> None:
    header = cookie(name, value, secure=request.url.scheme == "https", max_age=max_age)
    response.headers.append("set-cookie", header)


def language_of(request: Request) -> str:
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in LANGUAGES:
            return asked
    return "zh"


# --- the page -------------------------------------------------------------------------------------------------------


def hidden(**fields: str) -> str:
    return "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in fields.items() if v)


def _people(people: list[Account], hidden: str, t: Words) -> str:
    """One button for each demo person. They are everybody's, so they speak the language of the page just read."""
    if not people:
        return ""
    rows = "".join(
        f'<li><button name="person" value="{escape(p.account_id)}"><b>{escape(t(f"role.{p.role}"))}</b>'
        f'<span class="who">{escape(p.name(t.language))}</span>'
        f'<span class="sees">{escape(t(f"signin.sees.{p.role}"))}</span></button></li>'
        for p in people
    )
    return (
        f'<form method="post" action="{place.at("/signin")}">{hidden}<h2>{t("signin.demo_title")}</h2>'
        f'<p class="lead">{t("signin.demo_lead")}</p><ul class="people">{rows}</ul></form>'
        f'<div class="or">{t("signin.demo_or")}</div>'
    )


def _service(onward: str, t: Words) -> str:
    """The way to the office's own sign-in service, where one is configured."""
    service = oidc.configured(place.root())
    if service is None:
        return ""
    name = service.name_en if t.language == "en" and service.name_en else service.name_zh
    address = "/signin/oidc" + (f"?next={quote(onward, safe='')}" if onward != "/" else "")
    return f'<p><a class="send service" href="{escape(place.at(address))}">{escape(t("oidc.go", name=name))}</a></p>'


def _page(t: Words, *, token: str, onward: str, chosen: str, people: list[Account], said: str, name: str) -> str:
    """The sign-in page. ``said`` is a message about the last try, ``name`` what was typed then."""
    sent = {"token": token, "next": onward}
    other = "en" if t.language == "zh" else "zh"
    switch = f"/signin?lang={other}" + (f"&next={quote(onward, safe='')}" if onward != "/" else "")
    alert = f'<p class="said" role="alert">{escape(said)}</p>' if said else ""
    banner = (
        f'<div class="demo" role="note"><strong>{t("signin.demo_badge")}</strong>{t("signin.demo_banner")}</div>'
        if people
        else ""
    )
    focus = "" if people else " autofocus"
    body = f"""<div class="house">
<header class="front"><p class="owner">{t("signin.owner")}</p><p class="product">{t("signin.product")}</p>
<p class="promise">{t("signin.promise")}</p>{BARS}</header>
<main class="desk">
<a class="language" href="{escape(place.at(switch))}" lang="{other}" hreflang="{other}">{t("signin.other_language")}</a>
{banner}<div class="card"><h1>{t("signin.title")}</h1>{alert}{_service(onward, t)}{_people(people, hidden(**sent, language=t.language), t)}
<form method="post" action="{place.at("/signin")}">{hidden(**sent, language=chosen)}
<label for="name">{t("signin.name")}</label>
<input id="name" name="name" value="{escape(name)}" autocomplete="username" autocapitalize="none" spellcheck="false"
 maxlength="64" required{focus}>
<label for="password">{t("signin.password")}</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256" required>
<button class="send">{t("signin.submit")}</button></form>
<p class="note">{t("signin.help")}</p></div></main></div>"""
    return document(t, t("signin.page_title"), body)


async def _show(request: Request, *, onward: str, said: str = "", name: str = "", status: int = 200) -> Response:
    """Draw the sign-in page and see to its cookies. ``said`` is a word key, ``until`` part of it resolved before."""
    language, token = language_of(request), form_token(request.cookies.get(FORM_COOKIE))
    people = await to_thread.run_sync(demo_people, request)
    asked = request.query_params.get("lang", "")
    chosen = asked if asked in LANGUAGES else ""
    page = _page(Words(language), token=token, onward=onward, chosen=chosen, people=people, said=said, name=name)
    response = HTMLResponse(page, status, PLAIN_HEADERS)
    set_cookie(response, request, FORM_COOKIE, token)
    if chosen:
        set_cookie(response, request, LANGUAGE_COOKIE, chosen, max_age=365 * 86_400)
    return response


# --- the routes -----------------------------------------------------------------------------------------------------


def _enter(request: Request, fields: dict[str, str], now: datetime) -> str:
    """Check who it is and begin a stay; returns its token. An older stay of this browser ends."""
    address = request.client.host if request.client else "unknown"
    if person := fields.get("person"):
        if person not in {p.account_id for p in demo_people(request)}:
            raise SignInRefused(f"'{person}' is not offered here. Demo people enter on the demo district only.")
        account = accounts.demo_person(ledger(), person, address=address, now=now)
    else:
        name, password = fields.get("name", ""), fields.get("password", "")
        account = accounts.check_password(ledger(), name, password, address=address, now=now)
    sessions.end(ledger(), request.cookies.get(SESSION_COOKIE), now)
    if fields.get("language") in LANGUAGES:
        accounts.set_language(ledger(), account.account_id, fields["language"])
    return sessions.start(ledger(), account, now)


def refused_form(request: Request) -> Response:
    t = Words(language_of(request))
    return plain_page(t, t("frame.refused_title"), t("frame.refused"), 403)


def routes(now: Clock) -> list[Route]:
    """``/signin``, ``/signout``, ``/language`` and the icon; ``now`` tells the time."""

    async def show_form(request: Request) -> Response:
        onward = local_path(request.query_params.get("next"))
        stay = await to_thread.run_sync(sessions.find, ledger(), request.cookies.get(SESSION_COOKIE), now())
        return RedirectResponse(onward, 303) if stay else await _show(request, onward=onward)

    async def sign_in(request: Request) -> Response:
        t = Words(language_of(request))
        try:
            fields = await read_form(request)
        except FormRefused:
            return await _show(request, onward="/", said=t("signin.stale"), status=403)
        onward, name = local_path(fields.get("next")), fields.get("name", "")
        if turnstile().statistics().tasks_waiting >= WAITING_ALLOWED:
            return await _show(request, onward=onward, name=name, said=t("signin.busy"), status=503)
        try:
            token = await to_thread.run_sync(_enter, request, fields, now(), limiter=turnstile())
        except SignInRefused as refused:
            if fields.get("person"):
                said, status = t("signin.no_demo"), 403
            elif refused.locked_until:
                said, status = t("signin.locked", until=format.moment(refused.locked_until, t)), 429
            else:
                said, status = t("signin.wrong"), 401
            return await _show(request, onward=onward, name=name, said=said, status=status)
        response = RedirectResponse(onward, 303)
        set_cookie(response, request, SESSION_COOKIE, token)
        return response

    async def sign_out(request: Request) -> Response:
        try:
            await read_form(request)
        except FormRefused:
            return refused_form(request)
        await to_thread.run_sync(sessions.end, ledger(), request.cookies.get(SESSION_COOKIE), now())
        response = RedirectResponse("/signin", 303)
        set_cookie(response, request, SESSION_COOKIE, "", max_age=0)
        return response

    async def language(request: Request) -> Response:
        """Keep the language chosen with the account and go back to where the person was."""
        try:
            fields = await read_form(request)
        except FormRefused:
            return refused_form(request)
        stay = await to_thread.run_sync(sessions.find, ledger(), request.cookies.get(SESSION_COOKIE), now())
        if stay:
            await to_thread.run_sync(
                accounts.set_language, ledger(), stay.account.account_id, fields.get("language", "")
            )
        return RedirectResponse(local_path(fields.get("next")), 303)

    async def icon(_request: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})

    return [
        Route("/signin", show_form, methods=["GET"]),
        Route("/signin", sign_in, methods=["POST"]),
        Route("/signout", sign_out, methods=["POST"]),
        Route("/language", language, methods=["POST"]),
        Route("/icon.svg", icon, methods=["GET"]),
    ]
