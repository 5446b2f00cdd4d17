"""The same walk as a person makes it: Chromium at every address, signed in or not, and what then stands on the screen.

``tests/test_walk.py`` reads the bytes. Here the page is drawn: its text, everything its elements carry, the data and hover
texts of its charts, what stands in its fields, and what the browser still shows after signing out.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from data.ledger import open_ledger
from pages.shared.registry import PAGES
from pages.shared.viewer import SESSION_COOKIE
from tests.pages.hostile import town
from tests.pages.house import UVICORN, copied_stay, serving
from tests.pages.walker import held
from tests.test_walk import ROLES, Town, entered, forged

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"
BEGUN = "[data-testid=stMain] :is(h1, [data-testid=stAlert])"
TABLES = """() => !document.querySelector('[data-testid=stSkeleton]')
  && [...document.querySelectorAll('[data-testid=stDataFrame]')].every(t => t.querySelector('canvas td'))"""
PATIENCE = 90_000
#: All that is on the page or a pointer could bring up: elements with all they carry, fields, charts with their hover texts.
SEEN = """() => JSON.stringify([
  document.title, document.documentElement.outerHTML, document.body.innerText,
  [...document.querySelectorAll('input,textarea,select')].map(e => e.value),
  [...document.querySelectorAll('.js-plotly-plot')].map(e => [e.data, e.layout]),
])"""


@pytest.fixture(scope="module")
def walked(demo_root, tmp_path_factory) -> Town:
    return Town(town(demo_root, tmp_path_factory.mktemp("seen") / "var"))


@pytest.fixture(scope="module")
def port(walked):
    with serving(walked.root, UVICORN) as port:
        yield port


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        yield browser
        browser.close()


def with_cookies(chromium, port: int, cookies: dict[str, str]) -> BrowserContext:
    context = chromium.new_context(viewport={"width": 1440, "height": 1400}, locale="zh-CN")
    context.add_cookies([{"name": n, "value": v, "url": f"http://127.0.0.1:{port}"} for n, v in cookies.items()])
    return context


def seen(page: Page, marks: set[str]) -> set[str]:
    """Those of the marks that are on the page."""
    return held(page.evaluate(SEEN).encode(), marks)


def drawn(page: Page, address: str) -> None:
    page.bring_to_front()  # a tab behind others draws no table
    page.goto(address)
    page.wait_for_selector(BEGUN, timeout=PATIENCE)  # before its script begins a page counts as done
    page.wait_for_selector(DONE, timeout=PATIENCE)
    page.wait_for_timeout(150)
    page.wait_for_function(TABLES, timeout=PATIENCE)
    assert page.locator("[data-testid=stException]").count() == 0, address


def asked_for(town: Town, role: str) -> list[str]:
    """Every page of the role's with strangers' ids and a stranger's case; a manager is also sent to those not theirs."""
    strangers = urlencode(town.stranger(role))
    pages = [p.url_path for p in PAGES if role in (*p.roles, "manager")]
    cases = {f"{page}?{query}" for page, query in town.case_pages(town.docket.strangers(role)[:1])}
    return [f"{page}?{strangers}" for page in pages] + sorted(cases)


@pytest.mark.parametrize("role", ROLES)
def test_no_page_shows_a_role_a_stranger_whatever_its_address_says(walked, port, chromium, role):
    context = with_cookies(chromium, port, entered(port, role).cookies)
    page, shown = context.new_page(), set()
    for address in asked_for(walked, role):
        drawn(page, f"http://127.0.0.1:{port}/{address}")
        asked = set(walked.stranger(role).values()) | set(re.split("[=&?]", address))  # stands in the address anyway
        assert not seen(page, walked.secrets[role] - asked), f"/{address} shows the {role} strangers"
        shown |= seen(page, walked.own_marks[role])
    assert len(shown) > 3, "the role's own names are on its pages, or this proves nothing"
    context.close()


def test_the_eyes_find_names_where_they_are(walked, port, chromium):
    """The detector itself: what a supervisor sees is what a manager and a station must not."""
    context = with_cookies(chromium, port, entered(port, "supervisor").cookies)
    page = context.new_page()
    drawn(page, f"http://127.0.0.1:{port}/companies")
    assert seen(page, walked.secrets["manager"]) and seen(page, walked.secrets["station"])
    context.close()


def shut_out(context: BrowserContext, port: int, town: Town) -> int:
    """Every address leads this browser to the sign-in page, and no socket opens; returns how many there were."""
    page, sockets = context.new_page(), []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    query = urlencode(town.stranger("manager"))
    addresses = ["/", "/estate", *(f"/{p.url_path}?{query}" for p in PAGES)]
    for address in addresses:
        page.goto(f"http://127.0.0.1:{port}{address}")
        assert urlsplit(page.url).path == "/signin", address
        assert not seen(page, town.all_marks), address
    assert not sockets
    page.close()
    return len(addresses)


def test_without_a_stay_every_address_leads_to_the_sign_in_page_also_on_a_server_just_restarted(walked, port, chromium):
    live, gone = entered(port, "supervisor"), entered(port, "supervisor")
    long_ago = timedelta(days=1)
    expired = copied_stay(open_ledger(walked.root), live.cookies[SESSION_COOKIE], started_at=long_ago, seen_at=long_ago)
    over = gone.cookies[SESSION_COOKIE]
    assert gone.send("/signout", {}).status == 303
    cookies = {"nobody": {}, "expired": {SESSION_COOKIE: expired}, "signed out": {SESSION_COOKIE: over}}
    tried = 0
    for who in cookies.values():
        with with_cookies(chromium, port, who) as context:
            tried += shut_out(context, port, walked)
    with serving(walked.root, UVICORN) as again:
        forgery = forged(live.cookies[SESSION_COOKIE])["one sign other"]
        for who in (cookies["expired"], cookies["signed out"], {SESSION_COOKIE: forgery}):
            with with_cookies(chromium, again, who) as context:
                tried += shut_out(context, again, walked)
    assert tried == 6 * (2 + len(PAGES))


def test_after_signing_out_neither_going_back_nor_another_tab_shows_anything_more(walked, port, chromium):
    context = with_cookies(chromium, port, entered(port, "supervisor").cookies)
    page, other = context.new_page(), context.new_page()
    for tab in (other, page):
        drawn(tab, f"http://127.0.0.1:{port}/companies")
        assert seen(tab, walked.all_marks)
    page.locator("form[action='/signout'] button").click()
    page.wait_for_url("**/signin*")
    page.go_back()
    page.wait_for_url("**/signin*")
    assert not seen(page, walked.all_marks)
    other.bring_to_front()
    other.locator("[data-testid=stSidebarNav] a").nth(1).click()  # in the tab left open, without loading anew
    other.wait_for_function(f"() => !/qx[0-9a-f]{{8}}/.test(({SEEN})())")
    other.wait_for_selector(DONE, timeout=PATIENCE)
    assert not seen(other, walked.all_marks)
    context.close()
