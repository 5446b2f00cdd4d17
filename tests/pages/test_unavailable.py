"""A server that is stopped, starting, or without its ledger: one page, 503, both languages, and back by itself."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

from i18n.words import Words
from pages.shared.unready import AGAIN
from tests.pages.house import REPOSITORY, UVICORN, Browser, free_port, furnish, wait_for
from tests.pages.test_nginx import certificate, curl

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
NOWHERE = "postgresql://steward:not-for-the-log@127.0.0.1:{port}/ledger"
ZH, EN = "系统暂时不可用", "Not available at the moment"


@pytest.fixture
def chromium():
    with sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP steward.example 127.0.0.1"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def without_ledger(tmp_path_factory):
    """A server whose ledger is at an address where nobody answers; yields its port and its log."""
    root = tmp_path_factory.mktemp("house")
    furnish(root)
    port = free_port()
    address = NOWHERE.format(port=free_port())
    with (root / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *(part.format(port=port) for part in UVICORN)], cwd=REPOSITORY,
            env=os.environ | {"STEWARD_ROOT": str(root), "STEWARD_LEDGER_URL": address}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(server, port, root / "server.log")
            yield port, root / "server.log"
        finally:
            server.terminate()
            server.wait(timeout=20)


def test_without_its_ledger_every_address_says_come_back_and_nobody_is_let_in(without_ledger):
    port, log = without_ledger
    browser = Browser(port, {"steward_session": "x" * 43})
    for path in ("/", "/signin", "/companies?lang=en", "/password", "/role", "/_stcore/host-config", "/media/x.csv"):
        answer = browser.get(path)
        assert answer.status == 503, path
        assert answer.header("retry-after") == answer.header("refresh") == str(AGAIN)
        assert answer.header("cache-control") == "no-store"
        assert ZH in answer.text or EN in answer.text
        assert "数据库" in answer.text and "database" in answer.text
    assert browser.ask("POST", "/signin", {"name": "anna", "password": "x"}).status in (403, 503)
    assert browser.socket_status() == 403  # closed before it opened
    said = log.read_text(encoding="utf-8")
    assert "The ledger does not answer" in said
    assert "not-for-the-log" not in said and "Traceback" not in said


@pytest.mark.parametrize(("language", "title"), [("zh", ZH), ("en", EN)])
@pytest.mark.parametrize("wide", [1440, 390])
def test_a_browser_shows_the_page_in_the_language_asked_for(without_ledger, chromium, language, title, wide):
    page = chromium.new_page(viewport={"width": wide, "height": 900})
    answer = page.goto(f"http://127.0.0.1:{without_ledger[0]}/estates?lang={language}")
    assert answer and answer.status == 503
    expect(page.locator("h1")).to_have_text(title)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.card')).borderRadius") == "12px", (
        "its style is let in"
    )


@pytest.fixture
def front(tmp_path):
    """nginx as documented before a server that does not run yet; yields its port, the server's port and its folder."""
    folder, root = tmp_path / "nginx", tmp_path / "house"
    folder.mkdir()
    root.mkdir()
    furnish(root)
    certificate(folder)
    https, http, behind = free_port(), free_port(), free_port()
    site = (REPOSITORY / "deploy/nginx.conf").read_text(encoding="utf-8")
    for written, here in (
        ("127.0.0.1:8501", f"127.0.0.1:{behind}"), ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{https} ssl http2;"), ("/etc/ssl/steward", str(folder)),
        ("/opt/steward", str(REPOSITORY)),
    ):  # fmt: skip
        assert written in site
        site = site.replace(written, here)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;"
        f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{site}\n}}\n",
        encoding="utf-8",
    )
    server = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        wait_for(server, https, folder / "error.log")
        yield https, behind, root
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_a_stopped_server_is_told_by_nginx_and_the_browser_comes_back_by_itself(front, chromium):
    https, behind, root = front
    page = chromium.new_context(ignore_https_errors=True, viewport={"width": 390, "height": 900}).new_page()
    refused = []
    page.on("console", lambda m: refused.append(m.text) if "Content Security Policy" in m.text else None)
    answer = page.goto(f"https://steward.example:{https}/estates?period=2026Q3")
    assert answer and answer.status == 503
    expect(page.locator("h1")).to_have_text(ZH)
    expect(page.locator("h2")).to_have_text(EN)
    assert page.evaluate("() => getComputedStyle(document.querySelector('main')).borderRadius") == "12px"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert not refused
    head = curl(https, "/signin").split("\r\n\r\n")[0].lower()
    assert " 503" in head.splitlines()[0] and "retry-after: 30" in head and "cache-control: no-store" in head
    for name in ("strict-transport-security", "content-security-policy", "x-content-type-options", "x-frame-options"):
        assert head.count(f"\r\n{name}:") == 1, name
    with started(root, behind):
        page.wait_for_url("**/signin?next=*", timeout=90_000)
        assert page.url.endswith("next=%2Festates%3Fperiod%3D2026Q3"), "to where one was going"
        assert " 200 " in curl(https, "/signin").splitlines()[0], "what the server itself says stays its own"


@contextmanager
def started(root, port: int):
    """The server on a port agreed before."""
    environment = os.environ | {"STEWARD_ROOT": str(root)}
    with (root / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *(part.format(port=port) for part in UVICORN)], cwd=REPOSITORY, env=environment, stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(server, port, root / "server.log")
            yield
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_open_page_says_in_its_language_that_the_connection_is_gone_and_reconnects(tmp_path, chromium, language):
    root, port = tmp_path / "house", free_port()
    root.mkdir()
    furnish(root)
    t = Words(language)
    page = chromium.new_page(viewport={"width": 1000, "height": 800}, locale="en-US")
    with started(root, port):
        page.goto(f"http://127.0.0.1:{port}/signin?lang={language}")
        page.locator('button[value="demo-supervisor"]').click()
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=90_000)
    dialog = page.locator("[data-testid=stDialog] section")
    expect(dialog).to_be_visible(timeout=60_000)
    drawn = dialog.evaluate(
        """d => [...d.querySelectorAll('h2, div')].map(e => ({own: [...e.childNodes].some(n => n.nodeType === 3),
           size: getComputedStyle(e).fontSize, after: getComputedStyle(e, '::after').content}))"""
    )
    assert [e["size"] for e in drawn if e["own"]] == ["0px", "0px"], "Streamlit's own words are not drawn"
    assert [e["after"].strip('"') for e in drawn if e["own"]] == [t("frame.unready_title"), t("frame.away")]
    with started(root, port):
        expect(dialog).to_have_count(0, timeout=90_000)
        expect(page.locator("h1").first).to_be_visible()


def test_the_page_nginx_shows_needs_nothing_and_its_style_is_the_one_let_in():
    page = (REPOSITORY / "deploy/unavailable.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|src=|href=|url\(|@import|https?:", page)
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]
    named = f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
    for site in ("deploy/nginx.conf", "deploy/nginx-path.conf"):
        assert named in (REPOSITORY / site).read_text(encoding="utf-8"), site
