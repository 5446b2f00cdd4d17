"""The gate and the frame in a real browser: two tabs, deep links, a narrow screen, the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright

from pages.shared.registry import landing
from tests.pages.house import furnish, serving

READY = "[data-testid=stApp][data-test-script-state=notRunning]"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("house")
    furnish(root)
    with serving(root) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium, base):
    """A fresh browser window at the server; fails the test on any request to another server."""
    context = chromium.new_context(base_url=base, viewport={"width": 1440, "height": 900})
    outside = []
    context.on("request", lambda r: None if r.url.startswith((base, "data:", "blob:")) else outside.append(r.url))
    yield context
    context.close()
    assert outside == []


def ready(page):
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_timeout(300)
    return page


def entered(window, who: str = "supervisor", at: str = "/"):
    page = window.new_page()
    page.goto(at)
    page.click(f"button[value=demo-{who}]")
    return ready(page)


def heading(page) -> str:
    return page.locator("[data-testid=stMain] h1").first.inner_text()


def test_signing_out_in_one_tab_ends_the_other_at_its_next_step(window):
    first = entered(window)
    second = window.new_page()
    second.goto("/estates")
    ready(second)
    first.get_by_role("button", name="退出登录").click()
    first.wait_for_url("**/signin")
    second.get_by_role("link", name="待处置").click()
    second.get_by_text("已退出登录").first.wait_for()
    assert heading(second) == "已退出登录"
    assert second.locator("[data-testid=stSidebar]").count() == 0
    assert second.locator("[data-testid=stDataFrame]").count() == 0
    second.get_by_role("link", name="重新登录").click()
    second.wait_for_url("**/signin?next=%2Fdue")
    second.click("button[value=demo-supervisor]")
    ready(second)
    assert second.url.endswith("/due")


@pytest.mark.parametrize("who", ("supervisor", "station", "manager", "steward"))
def test_the_landing_pages_own_address_works_as_a_deep_link(window, who):
    page = entered(window, who, at=f"/{landing(who)}")
    assert page.url.endswith(f"/{landing(who)}")
    assert page.get_by_role("dialog").count() == 0
    assert heading(page) != "无权访问"


def test_a_manager_at_the_address_of_the_ranking_is_not_allowed(window):
    page = entered(window, "manager", at="/companies")
    assert page.url.endswith("/companies")
    assert heading(page) == "无权访问"
    assert page.get_by_role("link", name="企业排名").count() == 0


def test_the_language_switch_changes_page_and_document_and_survives_reloading(window):
    page = entered(window, at="/estates?period=2026Q3")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Sign out").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "period=2026Q3" in page.url
    page.reload()
    ready(page)
    assert page.get_by_role("button", name="Sign out").count() == 1


def test_the_demo_badge_is_not_covered_on_a_narrow_screen(chromium, base):
    context = chromium.new_context(base_url=base, viewport={"width": 390, "height": 844})
    page = entered(context)
    badge = page.locator(".frame-demo").bounding_box()
    on_top = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).className",
        [badge["x"] + badge["width"] / 2, badge["y"] + badge["height"] / 2],
    )
    assert on_top == "frame-demo"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


@pytest.mark.parametrize("width", (390, 1440))
@pytest.mark.parametrize("language", ("zh", "en"))
def test_the_sign_in_page_fits_the_screen(chromium, base, width, language):
    context = chromium.new_context(base_url=base, viewport={"width": width, "height": 844})
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"/signin?lang={language}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert said == []  # no breach of the page's own policy
    context.close()


def test_the_sign_in_page_is_usable_by_keyboard_alone(window):
    page = window.new_page()
    page.goto("/signin")
    page.get_by_label("账号").focus()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type("four unrelated words")
    page.keyboard.press("Enter")
    ready(page)
    assert page.url.endswith(f"/{landing('supervisor')}")
    assert "安娜" in page.locator("[data-testid=stSidebar]").inner_text()
