"""Signing in through the office's own service, and choosing one duty of several: plain HTML, no script."""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import asdict
from datetime import datetime
from functools import cache, partial
from html import escape

from anyio import to_thread
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from data import accounts, duties, editions, oidc, sessions
from data.accounts import Account
from data.brake import SignInRefused
from data.grants import Grant, granted, grants_of
from data.oidc import OidcFailed, Provider, Started
from data.queries import own
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.shared import format, place, rule
from pages.shared.gate import local_path
from pages.shared.plain import PLAIN_HEADERS, document
from pages.shared.signin import Clock, FormRefused, hidden, language_of, read_form, refused_form, set_cookie
from pages.shared.viewer import FORM_COOKIE, SESSION_COOKIE, form_token, ledger

LOG = logging.getLogger("steward")
COOKIE = "steward_oidc"
MINUTES = 10  # for signing in at the service
ADDRESS = "/role"


@cache
def _signer() -> URLSafeTimedSerializer:
    """Signs what the browser keeps while it is at the service; a restart makes those begun before begin again."""
    return URLSafeTimedSerializer(secrets.token_urlsafe(32), salt="oidc")


def provider() -> Provider | None:
    return oidc.configured(place.root())


def _said(t: Words, title: str, lines: list[str], status: int) -> Response:
    """A page that says what went wrong in both languages, and leads back to signing in."""
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    again = f'<p><a href="{place.at("/signin")}">{escape(t("frame.sign_in_again"))}</a></p>'
    body = f'<main class="desk alone"><div class="card"><h1>{escape(title)}</h1>{text}{again}</div></main>'
    return HTMLResponse(document(t, f"{title} · {t('frame.product')}", body), status, PLAIN_HEADERS)


def _failed(t: Words, code: str, status: int = 401) -> Response:
    order = (t, Words(next(language for language in LANGUAGES if language != t.language)))
    return _said(t, t("oidc.failed_title"), [w(f"oidc.failed.{code}") for w in order], status)


def _vouched(request: Request, now: datetime) -> tuple[str, str]:
    """Take the browser's answer to a token of a new stay, and where to go on.

    Raises:
        OidcFailed, SignInRefused: nobody came in.
    """
    service = provider()
    if service is None:
        raise OidcFailed("state", "There is no sign-in service configured.")
    try:
        kept = _signer().loads(request.cookies.get(COOKIE, ""), max_age=MINUTES * 60)
        started = Started(**json.loads(kept))
    except (BadData, ValueError, TypeError):
        raise OidcFailed("state", "The browser brought no sign-in begun here within ten minutes.") from None
    claims = oidc.finish(service, started, request.query_params, now)
    grants = granted(claims, rule.book().on(now.date(), "roles"))
    if not grants:
        raise OidcFailed(
            "no_role", f"Account {service.account_id(claims['sub'])} has no claim that rules/roles.toml knows."
        )
    names = (str(claims.get("name") or claims.get("preferred_username") or claims["sub"])[:128], None)
    account = duties.from_provider(ledger(), service.account_id(claims["sub"]), names, grants, now)
    sessions.end(ledger(), request.cookies.get(SESSION_COOKIE), now)
    _note(request, account.account_id, now, came_in=True)
    return sessions.start(ledger(), account, now), started.onward


def _note(request: Request, account_id: str, now: datetime, *, came_in: bool) -> None:
    """Enter it in the sign-in log, with the address it came from."""
    address = request.client.host if request.client else ""
    accounts.note_service(ledger(), account_id, came_in=came_in, address=address, now=now)


def _choices(grants: list[Grant], t: Words, token: str) -> str:
    rows = "".join(
        f'<li><button name="place" value="{i}"><b>{escape(t(f"role.{g.role}"))}</b>'
        f'<span class="who">{escape(_place_of(g, t))}</span></button></li>'
        for i, g in enumerate(grants)
    )
    return (
        f'<form method="post" action="{place.at(ADDRESS)}">{hidden(token=token)}<ul class="people">{rows}</ul></form>'
    )


def _place_of(grant: Grant, t: Words) -> str:
    """The area or company of a duty, by name where an edition knows it."""
    path = editions.current(place.root())
    known = path is not None and not editions.lacking(path) and grant.complete
    scope = Scope("choosing", grant.role, grant.area_id, grant.company_id)
    found = own.belongs_to(scope, editions.open_edition(path)) if known and path else None
    return format.name(found, t) if found else str(grant.area_id or grant.company_id or t("oidc.whole_district"))


def routes(now: Clock) -> list[Route]:
    """``/signin/oidc`` there and back, and ``/role``."""

    async def leave(request: Request) -> Response:
        t = Words(language_of(request))
        service = await to_thread.run_sync(provider)
        if service is None:
            return _failed(t, "state", 404)
        try:
            address, started = await to_thread.run_sync(
                oidc.begin, service, local_path(request.query_params.get("next"))
            )
        except OidcFailed as e:
            LOG.warning("Signing in through the service failed: %s", e)
            return _failed(t, e.code, 502)
        response = RedirectResponse(address, 303)
        set_cookie(response, request, COOKIE, _signer().dumps(json.dumps(asdict(started))), max_age=MINUTES * 60)
        return response

    async def back(request: Request) -> Response:
        t = Words(language_of(request))
        try:
            token, onward = await to_thread.run_sync(_vouched, request, now())
        except OidcFailed as e:
            LOG.warning("Signing in through the service failed: %s", e)
            await to_thread.run_sync(partial(_note, request, "", now(), came_in=False))
            response = _failed(t, e.code, {"no_role": 403, "unreachable": 502}.get(e.code, 401))
        except SignInRefused as e:
            LOG.warning("Signing in through the service failed: %s", e)
            await to_thread.run_sync(partial(_note, request, "", now(), came_in=False))
            response = _failed(t, "disabled", 403)
        else:
            response = RedirectResponse(onward, 303)
            set_cookie(response, request, SESSION_COOKIE, token)
        set_cookie(response, request, COOKIE, "", max_age=0)
        return response

    async def show(request: Request) -> Response:
        stay = await to_thread.run_sync(sessions.find, ledger(), request.cookies.get(SESSION_COOKIE), now())
        if stay is None:
            return RedirectResponse("/signin", 303)
        t, token = Words(stay.account.language), form_token(request.cookies.get(FORM_COOKIE))
        grants = await to_thread.run_sync(grants_of, ledger(), stay.account.account_id)
        if not grants:
            return RedirectResponse("/", 303)
        form = _choices(grants, t, token)
        title = t("oidc.choose_title")
        body = (
            f'<main class="desk alone"><div class="card"><h1>{escape(title)}</h1><p>{escape(t("oidc.choose_lead"))}</p>'
            f"{form}</div></main>"
        )
        response = HTMLResponse(document(t, f"{title} · {t('frame.product')}", body), 200, PLAIN_HEADERS)
        set_cookie(response, request, FORM_COOKIE, token)
        return response

    def choose(request: Request, account: Account, grant: Grant) -> str:
        """The stay ends and another begins with this duty: nothing of the old one stays on a screen."""
        sessions.end(ledger(), request.cookies.get(SESSION_COOKIE), now())
        return sessions.start(ledger(), account, now(), grant)

    async def send(request: Request) -> Response:
        try:
            fields = await read_form(request)
        except FormRefused:
            return refused_form(request)
        stay = await to_thread.run_sync(sessions.find, ledger(), request.cookies.get(SESSION_COOKIE), now())
        if stay is None:
            return RedirectResponse("/signin", 303)
        grants = await to_thread.run_sync(grants_of, ledger(), stay.account.account_id)
        asked = fields.get("place", "")
        if not asked.isdigit() or int(asked) >= len(grants):
            return refused_form(request)
        token = await to_thread.run_sync(choose, request, stay.account, grants[int(asked)])
        response = RedirectResponse("/", 303)
        set_cookie(response, request, SESSION_COOKIE, token)
        return response

    return [
        Route("/signin/oidc", leave, methods=["GET"]), Route(oidc.BACK, back, methods=["GET"]),
        Route(ADDRESS, show, methods=["GET"]), Route(ADDRESS, send, methods=["POST"]),
    ]  # fmt: skip
