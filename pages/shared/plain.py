"""Pages outside Streamlit: plain HTML of our own, one style, no script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse

from i18n.words import Words
from pages.shared import place

STYLE = (Path(__file__).parent / "plain.css").read_text(encoding="utf-8")
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PLAIN_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


def cookie(name: str, value: str, *, secure: bool, max_age: int | None = None) -> str:
    """A Set-Cookie header no script can read and no other site sends along; ``max_age`` 0 deletes it."""
    age = "" if max_age is None else f"; Max-Age={max_age}"
    return f"{name}={value}; Path={place.at('') or '/'}; HttpOnly; SameSite=Lax{age}" + ("; Secure" if secure else "")


def document(t: Words, title: str, body: str) -> str:
    """A whole HTML document; ``body`` is HTML, ``title`` text."""
    return f"""<!DOCTYPE html>
<html lang="{t("frame.html_lang")}"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{place.at("/icon.svg")}" type="image/svg+xml">
<style>{STYLE}</style></head><body>{body}</body></html>"""


def plain_page(t: Words, title: str, said: str, status: int) -> HTMLResponse:
    """A page that says one thing and leads back to the start."""
    body = (
        f'<main class="desk alone"><div class="card"><h1>{escape(title)}</h1><p>{escape(said)}</p>'
        f'<p><a href="{place.at("/")}">{escape(t("frame.to_start"))}</a></p></div></main>'
    )
    return HTMLResponse(document(t, f"{title} · {t('frame.product')}", body), status, PLAIN_HEADERS)
