"""Photos of visits over http: to whom the records are open that name them, and to whom they are still a draft of."""

from __future__ import annotations

from datetime import datetime
from html import escape

import polars as pl
import streamlit as st
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from data import drafts, editions, photos, sessions
from data.queries import visits
from i18n.words import Words
from pages.shared import place
from pages.shared.signin import Clock
from pages.shared.viewer import SESSION_COOKIE, ledger

ADDRESS = "/photo/"
HEADERS = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'"}


def address(photo: str) -> str:
    return place.at(ADDRESS + photo)


def shown(names: list[str], alt: str) -> str:
    """Small pictures that lead to the whole ones, as HTML."""
    made = (
        f'<a href="{escape(address(n))}" target="_blank" rel="noopener"><img src="{escape(address(n))}" alt="{escape(alt)}" '
        f'style="max-width:8rem;max-height:8rem;margin:0 8px 8px 0;border-radius:8px"></a>'
        for n in names
        if photos.NAME.fullmatch(n)
    )
    return "".join(made)


def of_records(facts: pl.Series, t: Words) -> None:
    """The photos that records name in their facts, folded until asked for."""
    said = facts.drop_nulls().str.json_path_match("$.photos").drop_nulls()
    names = said.str.split(" ").explode().unique(maintain_order=True).to_list()
    if names:
        with st.expander(t("visit.of_page", n=len(names))):
            st.html(shown(names, t("visit.photo")))


def _seen(token: str | None, photo: str, now: datetime) -> bool:
    stay = sessions.find(ledger(), token, now)
    if stay is None or stay.account.must_change or stay.must_choose:
        return False
    draft = drafts.kept(place.root(), stay.account.account_id) or {}
    if any(photo in answer.get("photos", ()) for answer in draft.get("answers", {}).values()):
        return True
    path = editions.current(place.root())
    if path is None or editions.lacking(path):
        return False
    try:
        return visits.may_see_photo(stay.account.scope, editions.open_edition(path).cursor(), photo=photo)
    except PermissionError:
        return False


def routes(now: Clock) -> list[Route]:
    """``/photo/<hash>``; to anybody who may not see it, it is not there."""

    async def serve(request: Request) -> Response:
        name = request.path_params["name"]
        path = photos.path_of(place.root(), name)
        if path is None or not await to_thread.run_sync(_seen, request.cookies.get(SESSION_COOKIE), name, now()):
            return PlainTextResponse("not found", 404, HEADERS)
        return FileResponse(path, media_type="image/jpeg", headers=HEADERS)

    return [Route(ADDRESS + "{name}", serve, methods=["GET"])]
