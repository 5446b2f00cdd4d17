"""The frame around every page: what edition one looks at, who is signed in, language, signing out; and closed doors."""

from __future__ import annotations

import logging
from html import escape
from urllib.parse import quote, urlsplit

import streamlit as st

from data.accounts import Account
from data.queries import rankings
from data.queries.own import belongs_to
from data.sessions import Session
from i18n.words import Words
from pages.shared import format, place
from pages.shared.gate import local_path
from pages.shared.viewer import FORM_COOKIE

LOG = logging.getLogger("steward")
STYLE = """<style>
.frame-edition { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; font-size: 0.95rem; margin: 0; }
.frame-edition b { font-weight: 600; }
.frame-demo { padding: 1px 10px; border-radius: 999px; background: #ffe3a3; color: #3d2900; font-weight: 600; }
.frame-draft { padding: 1px 10px; border-radius: 999px; background: #f6cfc9; color: #5c0f08; font-weight: 600; }
.frame-who { margin: 0; font-size: 0.95rem; line-height: 1.5; }
.frame-who b { display: block; font-size: 1rem; }
.frame-form { display: inline-block; margin: 8px 8px 0 0; }
.frame-form button, .frame-button {
  font: inherit; padding: 4px 14px; border-radius: 8px; border: 1px solid currentColor; background: transparent;
  color: inherit; cursor: pointer; text-decoration: none; display: inline-block;
}
.frame-form button:hover, .frame-button:hover { background: rgba(90, 167, 232, 0.18); }
.frame-form button:focus-visible, .frame-button:focus-visible { outline: 3px solid #e69f00; outline-offset: 2px; }
[data-testid="InputInstructions"] { display: none; } /* Streamlit's hint, in English whatever the page's language */
[data-testid="stMainBlockContainer"] { padding-top: 4.25rem; }
</style>"""


#: Streamlit says in English that the connection is gone; the page keeps trying by itself. No dialog of ours is open then.
AWAY = """<style>
body:has([data-test-connection-state]:not([data-test-connection-state="CONNECTED"])) [data-testid="stDialog"] section {{
  h2, div {{ font-size: 0; }}
  h2::after {{ content: "{title}"; font-size: 1.5rem; }}
  div:last-child > div::after {{ content: "{said}"; font-size: 1rem; }}
}}
</style>"""


#: The words of Streamlit's own file field, which knows no Chinese; labels say which files and how large.
UPLOAD = """<style>
[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"] p {{ font-size: 0; }}
[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"] p::after {{ content: "{upload}"; font-size: 1rem; }}
[data-testid="stFileUploaderDropzoneInstructions"] {{ display: none; }}
</style>"""


def here() -> str:
    """The address one is at, as a path of this server."""
    parts = urlsplit(str(st.context.url or "/"))
    kept = "&".join(
        f"{quote(k, safe='')}={quote(v, safe='')}"
        for k in st.query_params
        for v in st.query_params.get_all(k)
        if k != "lang"
    )
    return local_path(place.within(parts.path or "/") + (f"?{kept}" if kept else ""))


def _form(action: str, label: str, lang: str, **fields: str) -> str:
    token = st.context.cookies.get(FORM_COOKIE)
    fields["token"] = token if isinstance(token, str) else ""
    hidden = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in fields.items())
    return (
        f'<form class="frame-form" method="post" action="{place.at(action)}">{hidden}'
        f'<button type="submit" lang="{lang}">{escape(label)}</button></form>'
    )


def sidebar(stay: Session, con, t: Words) -> None:
    """Who is signed in and for which part of the district, the other language, the way out."""
    account = stay.account
    other = "en" if t.language == "zh" else "zh"
    duty = t(f"role.{account.role}")
    if con is not None and account.scope.complete and (own := belongs_to(account.scope, con)):
        duty = t("frame.duty", role=duty, place=format.name(own, t))
    with st.sidebar:
        st.html(
            f'<p class="frame-who">{escape(t("frame.signed_in_as"))}<b>{escape(account.name(t.language))}</b>'
            f"{escape(duty)}</p>"
            + _form("/language", t("frame.switch"), other, language=other, next=here())
            + _form("/signout", t("frame.sign_out"), t.language)
            + (
                f'<p><a href="{place.at("/role")}" target="_self">{escape(t("oidc.change"))}</a></p>'
                if stay.several
                else ""
            )
            + (
                ""
                if account.demo
                else f'<p><a href="{place.at("/password")}" target="_self">{escape(t("password.title"))}</a></p>'
            )
        )


def header(scope, con, t: Words) -> None:
    """Which edition this is: its period, whether it is published and when, and whether its records are invented."""
    own = UPLOAD.format(upload=t("frame.upload")) if t.language == "zh" else ""
    st.html(STYLE + AWAY.format(title=t("frame.unready_title"), said=t("frame.away")) + own)
    if con is None or not scope.complete:
        return
    edition = rankings.edition(scope, con)
    period = format.period(edition["period"], t)
    parts = []
    if edition["demo"]:
        said = f'<span class="frame-demo">{escape(t("frame.demo"))}</span> {escape(t("frame.demo_said"))}'
        parts.append(f'<span role="note">{said}</span>')
    if edition["status"] == "published":
        parts.append(f"<b>{escape(t('frame.published', period=period))}</b>")
        parts.append(f"<span>{escape(t('frame.published_on', day=format.moment(edition['published_at'], t)))}</span>")
    else:
        parts.append(f'<span class="frame-draft">{escape(t("frame.draft", period=period))}</span>')
    st.html(f'<p class="frame-edition">{"".join(parts)}</p>')


def not_allowed(account: Account, t: Words) -> None:
    """A page that is not for this role."""
    st.title(t("frame.not_allowed_title"))
    st.warning(t("frame.not_allowed", role=t(f"role.{account.role}")))


def incomplete(t: Words) -> None:
    """An account without its area or company."""
    st.title(t("frame.incomplete_title"))
    st.warning(t("frame.incomplete"))


def no_edition(t: Words) -> None:
    """A page that needs a published edition, before the first."""
    st.title(t("frame.no_edition_title"))
    st.info(t("frame.no_edition"))


def older_edition(name: str, t: Words) -> None:
    """A page that needs a table the published edition does not have: an older program made it."""
    st.title(t("frame.older_edition_title"))
    st.info(t("frame.older_edition", edition=name))


def ended(t: Words) -> None:
    """The stay is over: nothing is shown but the way back to this very address."""
    st.html(STYLE)
    st.title(t("frame.ended_title"))
    st.info(t("frame.ended"))
    onward = here()
    address = "/signin" if onward == "/" else f"/signin?next={quote(onward, safe='')}"
    st.html(
        f'<a class="frame-button" href="{escape(place.at(address))}" target="_self">{escape(t("frame.sign_in_again"))}</a>'
    )


def sorry(error: Exception) -> bool:
    """Say in the viewer's language that a page failed, and put the error in the log; Streamlit shows nothing more."""
    LOG.error("A page failed.", exc_info=error)
    t = Words(st.session_state.get("language", "zh"))
    st.error(t("frame.failed"))
    return True


def wordmark(t: Words) -> str:
    """The product's name beside its mark, for the head of the menu, readable on light and on dark."""
    mark = (
        '<rect y="3" width="30" height="30" rx="6" fill="#3d83bf"/>'
        '<path fill="#fff" d="M6 28V15l7-4v17zM15 28V9l9 5v14z"/>'
    )
    name = escape(t("frame.product"))
    size, letter = (20, 20) if t.language == "zh" else (16, 9)  # pixels: height of a letter, room for one
    wide = 44 + letter * len(name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="36" viewBox="0 0 {wide} 36" role="img">'
        f'<title>{name}</title>{mark}<text x="40" y="25" font-size="{size}" font-weight="700" fill="#3d83bf" '
        f'font-family="Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, sans-serif">{name}</text></svg>'
    )
