"""The entry script and the frame: which role finds which page, and what stays closed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from data.accounts import Account
from data.scope import ROLES
from data.sessions import Session
from i18n.words import Words
from pages.shared import place, viewer
from pages.shared.registry import PAGES, landing
from tests.pages.house import furnish

NOW = datetime(2026, 10, 12, 8, 0, tzinfo=UTC)
ENTRY = str(place.__file__).replace("place.py", "entry.py")
FORBIDDEN = [(p.url_path, role) for p in PAGES for role in ROLES if role not in p.roles]
ALLOWED = [(p.url_path, role) for p in PAGES for role in ROLES if role in p.roles]


def stay_of(role: str, *, area: str | None = "north-1", language: str = "zh") -> Session:
    company = "acme" if role == "manager" else None
    account = Account(f"x-{role}", "某人", "Someone", role, area, company, language, demo=False, disabled=False)
    return Session("key-of-" + role, account, NOW, NOW)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("house")
    furnish(root)
    return root


def drawing(url_path: str, role: str, area: str | None) -> None:
    """Draw one page as one role, without an edition; a page that draws leaves a mark."""
    from dataclasses import replace

    import streamlit as st

    from i18n.words import Words
    from pages.shared import entry
    from pages.shared.registry import PAGES
    from tests.pages.test_entry import stay_of

    page = next(p for p in PAGES if p.url_path == url_path)
    page = replace(page, show=lambda scope, con, t: st.title("drawn"), needs_edition=False)
    entry.draw(page, stay_of(role, area=area), None, Words("zh"))


def titles(url_path: str, role: str, area: str | None = "north-1") -> list[str]:
    at = AppTest.from_function(drawing, args=(url_path, role, area)).run()
    assert not at.exception
    return [title.value for title in at.title]


@pytest.mark.parametrize(("url_path", "role"), FORBIDDEN)
def test_a_page_outside_the_role_is_not_drawn(url_path, role):
    assert titles(url_path, role) == ["无权访问"]


@pytest.mark.parametrize(("url_path", "role"), ALLOWED)
def test_a_page_of_the_role_is_drawn(url_path, role):
    assert titles(url_path, role) == ["drawn"]


@pytest.mark.parametrize("role", ("subdistrict", "station"))
def test_an_officer_without_an_area_is_told_and_shown_nothing(role):
    assert titles("estates", role, area=None) == ["账号信息不完整"]


@pytest.mark.parametrize(("url_path", "role"), FORBIDDEN)
def test_a_page_also_asks_for_the_role_itself(url_path, role):
    page = next(p for p in PAGES if p.url_path == url_path)
    with pytest.raises(PermissionError, match=f"is '{role}'"):
        page.show(stay_of(role).account.scope, None, Words("zh"))


@pytest.mark.parametrize("role", ROLES)
def test_every_role_lands_on_a_page_open_to_it(role):
    page = next(p for p in PAGES if p.url_path == landing(role))
    assert role in page.roles
    assert page.in_menu


def listing(role: str) -> None:
    """Note down the menu of one role."""
    import streamlit as st

    from i18n.words import Words
    from pages.shared import entry
    from tests.pages.test_entry import stay_of

    pages = [page for pages in entry.menu(stay_of(role), None, Words("zh")).values() for page in pages]
    st.session_state["menu"] = {page.url_path: page.visibility for page in pages}


@pytest.mark.parametrize("role", ROLES)
def test_every_page_has_an_address_and_only_the_roles_pages_are_in_the_menu(role):
    menu = AppTest.from_function(listing, args=(role,)).run().session_state["menu"]
    assert set(menu) == {"", *(p.url_path for p in PAGES)}
    visible = {address for address, visibility in menu.items() if visibility == "visible"}
    assert visible == {p.url_path for p in PAGES if role in p.roles and p.in_menu}


def run(monkeypatch, root, stay):
    monkeypatch.setenv("STEWARD_ROOT", str(root))
    monkeypatch.setattr(viewer, "session", lambda: stay)
    return AppTest.from_file(ENTRY, default_timeout=60).run()


@pytest.mark.parametrize("role", ROLES)
def test_the_landing_page_draws_on_an_edition_without_scores(monkeypatch, root, role):
    at = run(monkeypatch, root, stay_of(role))
    assert not at.exception
    assert [e.value for e in at.error] == []
    assert at.title[0].value not in ("无权访问", "已退出登录")


def test_the_header_says_which_edition_it_is_and_that_it_is_invented(monkeypatch, root):
    at = run(monkeypatch, root, stay_of("supervisor"))
    said = "".join(str(e.proto.body) for e in at.main if e.type == "html")
    assert "演示数据 Demo data" in said
    assert "2026年第3季度指数 · 已发布" in said


def test_the_side_names_the_person_the_duty_and_the_company(monkeypatch, root):
    at = run(monkeypatch, root, stay_of("manager"))
    said = "".join(str(e.proto.body) for e in at.sidebar if e.type == "html")
    assert "某人" in said
    assert "物业企业负责人 · 示例甲物业" in said
    assert 'action="/signout"' in said


def test_everything_is_english_for_who_chose_english(monkeypatch, root):
    at = run(monkeypatch, root, stay_of("manager", language="en"))
    said = "".join(str(e.proto.body) for e in [*at.main, *at.sidebar] if e.type == "html")
    assert "Index of Q3 2026 · published" in said
    assert "Property manager, Acme" in said


def test_before_the_first_publication_a_page_says_so(monkeypatch, tmp_path):
    at = run(monkeypatch, tmp_path, stay_of("supervisor"))
    assert at.title[0].value == "尚未发布指数"


def test_without_a_stay_only_the_way_back_is_drawn(monkeypatch, root):
    at = run(monkeypatch, root, None)
    assert [t.value for t in at.title] == ["已退出登录"]
    assert len(at.sidebar) == 0
    assert 'href="/signin' in "".join(str(e.proto.body) for e in at.main if e.type == "html")


def test_a_cookie_jar_that_returns_no_string_is_nobody(monkeypatch, root):
    # AppTest's jar returns a truthy mock for any name; taking it for a token would be a door
    monkeypatch.setenv("STEWARD_ROOT", str(root))
    at = AppTest.from_file(ENTRY, default_timeout=60).run()
    assert [t.value for t in at.title] == ["已退出登录"]


def test_a_stay_that_ends_takes_the_page_away_at_the_next_run(monkeypatch, root):
    at = run(monkeypatch, root, stay_of("supervisor", language="en"))
    monkeypatch.setattr(viewer, "session", lambda: None)
    at.run()
    assert [t.value for t in at.title] == ["Signed out"]
    assert len(at.dataframe) == 0


def test_another_person_in_the_same_window_starts_with_nothing_of_the_first(monkeypatch, root):
    at = run(monkeypatch, root, stay_of("supervisor"))
    at.session_state["remembered"] = "what the supervisor looked for"
    at.run()
    assert "remembered" in at.session_state
    monkeypatch.setattr(viewer, "session", lambda: stay_of("manager"))
    at.run()
    assert "remembered" not in at.session_state
    assert at.session_state["stay"] == "key-of-manager"


def test_a_page_that_fails_says_sorry_in_the_viewers_language_and_logs_why(caplog):
    def failing() -> None:
        import streamlit as st

        from pages.shared import frame

        st.session_state["language"] = "en"
        frame.sorry(ValueError("what went wrong"))

    at = AppTest.from_function(failing).run()
    assert "This page failed" in at.error[0].value
    assert "what went wrong" in caplog.text
    assert "what went wrong" not in at.error[0].value
