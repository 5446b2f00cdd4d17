"""What Streamlit runs for every viewer and every click: look the stay up, build the scope, offer the role's pages.

The navigation is set whatever happens, also for a stay that ended, so Streamlit never falls back to finding pages by
itself. A page outside the role keeps its address and says "not allowed".
"""

from __future__ import annotations

import atexit
import gc
from functools import cache, partial
from pathlib import Path

import streamlit as st

from data import editions
from data.accounts import LANGUAGES
from data.sessions import Session
from i18n.words import Words
from pages.shared import frame, place, viewer
from pages.shared.registry import PAGES, Page, landing

ICON = Path(__file__).parent / "icon.svg"


@cache
def settle() -> None:
    """Once per process, after the first page: take what is loaded out of the garbage collector's rounds.

    Streamlit collects after every run; walking over pandas and plotly each time took most of the server's time.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # let the process end as usual


def language_of(stay: Session | None) -> str:
    """``?lang=`` for this visit, else the account's."""
    asked = st.query_params.get("lang")
    if asked in LANGUAGES:
        st.session_state["language"] = asked
        st.session_state["language_asked"] = asked
    chosen = st.session_state.get("language_asked") or (stay.account.language if stay else None)
    st.session_state["language"] = chosen or st.session_state.get("language", "zh")
    return st.session_state["language"]


def forget_others(stay: Session | None) -> None:
    """Streamlit may hand a browser its earlier state back: drop it unless it was this very stay's."""
    key, language = stay.key if stay else None, st.session_state.get("language", "zh")
    if st.session_state.get("stay") not in (None, key):
        st.session_state.clear()
        st.session_state["language"] = language
    if key:
        st.session_state["stay"] = key


def draw(page: Page, stay: Session, con, t: Words) -> None:
    """One page inside its frame, or why it stays closed."""
    scope = stay.account.scope
    st.set_page_config(page_title=f"{t(f'page.{page.url_path}.menu')} · {t('frame.product')}")
    frame.sidebar(stay, con, t)
    frame.header(scope, con, t)
    if scope.role not in page.roles:
        frame.not_allowed(stay.account, t)
    elif not scope.complete:
        frame.incomplete(t)
    elif con is None and page.needs_edition and (older := st.session_state.get("older_edition")):
        frame.older_edition(older, t)
    elif con is None and page.needs_edition:
        frame.no_edition(t)
    else:
        page.show(scope, con, t)


def menu(stay: Session, con, t: Words) -> dict[str, list]:
    """All pages by section: those of the role in the menu, the others hidden but at their address.

    The gate sends ``/`` on to the role's landing address; the hidden default page serves what Streamlit itself sends
    there, so that every page keeps an address of its own.
    """
    sections: dict[str, list] = {}
    st.session_state["pages"] = {}
    for page in PAGES:
        allowed = stay.account.role in page.roles
        made = st.Page(
            partial(draw, page, stay, con, t),
            title=t(f"page.{page.url_path}.menu"),
            url_path=page.url_path,
            visibility="visible" if allowed and page.in_menu else "hidden",
        )
        sections.setdefault(t(f"section.{page.section}"), []).append(made)
        if allowed:
            st.session_state["pages"][page.url_path] = made
    first = next(page for page in PAGES if page.url_path == landing(stay.account.role))
    home = partial(draw, first, stay, con, t)
    title = t(f"page.{first.url_path}.menu")
    next(iter(sections.values())).append(st.Page(home, title=title, url_path="home", default=True, visibility="hidden"))
    return sections


def main() -> None:
    stay = viewer.session()
    forget_others(stay)
    t = Words(language_of(stay))
    st.set_page_config(page_title=t("frame.product"), page_icon=str(ICON), layout="wide")
    st.logo(frame.wordmark(t), size="large")
    if stay is None:
        closed = [st.Page(partial(frame.ended, t), title=t("frame.ended_title"), url_path=p.url_path) for p in PAGES]
        st.navigation(closed, position="hidden").run()
        return
    edition = editions.current(place.root())
    older = edition if edition and editions.lacking(edition) else None
    st.session_state["older_edition"] = older.stem if older else None
    con = editions.open_edition(edition) if edition and not older else None
    st.navigation(menu(stay, con, t), expanded=True).run()  # folded, Streamlit would say so in English
    settle()


if __name__ == "__main__":  # as Streamlit runs it
    main()
