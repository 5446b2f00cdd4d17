"""A person's own password: the only page open to who was given one by somebody else."""

from __future__ import annotations

from html import escape

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from data import accounts, sessions
from data.accounts import PASSWORD_MAX, PASSWORD_MIN, Account, AccountWrong, SignInRefused
from i18n.words import Words
from pages.shared import format, place
from pages.shared.plain import PLAIN_HEADERS, document
from pages.shared.signin import Clock, FormRefused, hidden, read_form, refused_form, set_cookie, turnstile
from pages.shared.viewer import FORM_COOKIE, SESSION_COOKIE, form_token, ledger

ADDRESS = "/password"


def _field(t: Words, name: str, complete: str) -> str:
    return (
        f'<label for="{name}">{t(f"password.{name}")}</label>'
        f'<input id="{name}" name="{name}" type="password" autocomplete="{complete}" maxlength="{PASSWORD_MAX}" required>'
    )


def _show(request: Request, account: Account, said: str = "", status: int = 200) -> Response:
    t, token = Words(account.language), form_token(request.cookies.get(FORM_COOKIE))
    lead = t("password.first") if account.must_change else t("password.lead")
    alert = f'<p class="said" role="alert">{escape(said)}</p>' if said else ""
    body = (
        f'<main class="desk alone"><div class="card"><h1>{t("password.title")}</h1><p>{lead}</p>{alert}'
        f'<form method="post" action="{place.at(ADDRESS)}">{hidden(token=token)}'
        f'<input type="hidden" name="username" autocomplete="username" value="{escape(account.account_id)}">'
        + _field(t, "old", "current-password")
        + _field(t, "new", "new-password")
        + f'<p class="note">{t("password.rule", least=PASSWORD_MIN, most=PASSWORD_MAX)}</p>'
        + _field(t, "again", "new-password")
        + f'<button class="send">{t("password.submit")}</button></form></div></main>'
    )
    page = document(t, f"{t('password.title')} · {t('frame.product')}", body)
    response = HTMLResponse(page, status, PLAIN_HEADERS)
    set_cookie(response, request, FORM_COOKIE, token)
    return response


def routes(now: Clock) -> list[Route]:
    """``/password``: the form and what it sends."""

    async def stay_of(request: Request) -> sessions.Session | None:
        return await to_thread.run_sync(sessions.find, ledger(), request.cookies.get(SESSION_COOKIE), now())

    async def show(request: Request) -> Response:
        stay = await stay_of(request)
        return RedirectResponse("/signin", 303) if stay is None else _show(request, stay.account)

    def change(request: Request, account: Account, fields: dict[str, str]) -> str:
        """Change it and begin a new stay for this browser; every other one ended."""
        address = request.client.host if request.client else "unknown"
        old, new = fields.get("old", ""), fields.get("new", "")
        accounts.choose_password(ledger(), account.account_id, old, new, address=address, now=now())
        return sessions.start(ledger(), accounts.existing(ledger(), account.account_id), now())

    async def send(request: Request) -> Response:
        try:
            fields = await read_form(request)
        except FormRefused:
            return refused_form(request)
        stay = await stay_of(request)
        if stay is None:
            return RedirectResponse("/signin", 303)
        t = Words(stay.account.language)
        if fields.get("new", "") != fields.get("again", ""):
            return _show(request, stay.account, t("password.differ"), 400)
        try:
            token = await to_thread.run_sync(change, request, stay.account, fields, limiter=turnstile())
        except SignInRefused as refused:
            until = refused.locked_until
            said = t("signin.locked", until=format.moment(until, t)) if until else t("password.wrong")
            return _show(request, stay.account, said, 429 if until else 401)
        except AccountWrong:
            said = t("password.refused", least=PASSWORD_MIN, most=PASSWORD_MAX)
            return _show(request, stay.account, said, 400)
        response = RedirectResponse("/", 303)
        set_cookie(response, request, SESSION_COOKIE, token)
        return response

    return [Route(ADDRESS, show, methods=["GET"]), Route(ADDRESS, send, methods=["POST"])]
