"""Below a path of a host that serves other things too: the documented nginx, a real server and a real browser.

Nothing of Steward's may be asked for, named or kept outside its path.
"""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from data import accounts
from data.ledger import open_ledger
from pages.shared import place
from tests.conftest import copy_of
from tests.pages.house import PASSWORD, REPOSITORY, UVICORN, free_port, serving, wait_for
from tests.pages.test_nginx import certificate, curl

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
BASE = "/steward"
PEOPLE = {"anna": "supervisor", "wei": "steward"}


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory) -> Path:
    root = copy_of(demo_root, tmp_path_factory.mktemp("below") / "var")
    ledger = open_ledger(root)
    for name, role in PEOPLE.items():
        accounts.create_account(
            ledger, account_id=name, name_zh=name, role=role, password=PASSWORD, now=datetime.now(UTC)
        )
    ledger.dispose()
    return root


@pytest.fixture(scope="module")
def front(root, tmp_path_factory):
    """nginx as documented, below a path of a host with something else at its root; yields its port."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    certificate(folder)
    before = os.environ.get(place.BASE_VARIABLE)
    os.environ[place.BASE_VARIABLE] = BASE
    try:
        with serving(root, UVICORN) as behind:
            written = (REPOSITORY / "deploy/nginx-path.conf").read_text(encoding="utf-8")
            assert written.count("127.0.0.1:8501") == 2
            written = written.replace("127.0.0.1:8501", f"127.0.0.1:{behind}")
            outer, inner = re.fullmatch(r"(.*\n# A\n.*\n)# end of A\n(.*)", written, re.S).groups()
            (folder / "nginx.conf").write_text(
                f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
                f"http {{ access_log {folder}/access.log; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;"
                f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{outer}\n"
                f"server {{ listen 127.0.0.1:{port} ssl http2; server_name steward.example;"
                f" ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/privkey.pem;\n{inner}\n"
                "location / { return 404; } } }\n",
                encoding="utf-8",
            )
            server = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
            try:
                wait_for(server, port, folder / "error.log")
                yield port
            finally:
                server.terminate()
                server.wait(timeout=20)
    finally:
        del os.environ[place.BASE_VARIABLE]
        if before is not None:
            os.environ[place.BASE_VARIABLE] = before


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP steward.example 127.0.0.1"],
        )
        yield browser
        browser.close()


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=90_000)
    page.wait_for_timeout(500)


def at(port: int, path: str = "") -> str:
    return f"https://steward.example:{port}{BASE}{path}"


def enter(page: Page, name: str) -> None:
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.locator("form:has(#password) button.send").click()


def test_a_person_signs_in_looks_round_takes_a_file_and_leaves_without_leaving_the_path(front, chromium, tmp_path):
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 1200}, locale="zh-CN")
    page, asked, failed = context.new_page(), [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("websocket", lambda w: asked.append(w.url.replace("wss://", "https://")))
    page.on("response", lambda r: failed.append((r.status, r.url)) if r.status >= 400 else None)

    page.goto(at(front, "/estates?period=2026Q2&size=large"))
    assert page.url.startswith(at(front, "/signin?next=")), "to the sign-in page, with where one was going"
    enter(page, "anna")
    settled(page)
    assert page.url.startswith(at(front, "/estates?")) and "period=2026Q2" in page.url and "size=large" in page.url
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible()

    page.get_by_role("link", name="企业排名").first.click()
    settled(page)
    assert page.url.split("?")[0] == at(front, "/companies")
    with page.expect_download() as taken:
        page.locator("[data-testid=stDownloadButton] button").first.click()
    file = tmp_path / "file.xlsx"
    taken.value.save_as(file)
    assert file.read_bytes()[:2] == b"PK"

    page.get_by_role("button", name="English").click()
    settled(page)
    assert page.url.split("?")[0] == at(front, "/companies")
    expect(page.locator("h1").first).to_have_text(re.compile("[A-Za-z]"))
    page.reload()
    settled(page)
    assert page.url.split("?")[0] == at(front, "/companies")

    ours = [c for c in context.cookies() if c["name"].startswith("steward_")]
    assert {c["name"] for c in ours} >= {"steward_session", "steward_form"}
    assert {c["path"] for c in ours} == {BASE} and all(c["secure"] and c["httpOnly"] for c in ours)
    page.get_by_role("link", name="Password").click()
    page.wait_for_url(at(front, "/password"))
    page.goto(at(front, "/companies"))
    settled(page)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(at(front, "/signin"))
    outside = {u for u in asked if not u.startswith((at(front, "/"), "data:", "blob:"))}
    assert not outside, f"asked for outside the path: {sorted(outside)[:5]}"
    assert not [f for f in failed if "_stcore" not in f[1]], failed
    context.close()


def test_a_file_is_handed_in_below_the_path(front, chromium, tmp_path):
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 1200}, locale="zh-CN")
    page, sent = context.new_page(), []
    page.on("response", lambda r: sent.append((r.request.method, r.status, r.url)) if "upload_file" in r.url else None)
    page.goto(at(front, "/deliveries"))
    enter(page, "wei")
    settled(page)
    file = tmp_path / "nothing.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(file)
    expect(page.get_by_text("nothing.csv")).to_be_visible()
    settled(page)
    assert [(m, s) for m, s, _ in sent] == [("PUT", 204)]
    assert all(u.startswith(at(front, "/_stcore/upload_file/")) for *_, u in sent)
    context.close()


def test_every_address_of_our_own_pages_names_the_path(front, tmp_path):
    page = curl(front, f"{BASE}/signin?next=%2Festate%3Fid%3D1")
    named = re.findall(r'(?:href|action)="([^"]+)"', page)
    assert named and all(a.startswith(f"{BASE}/") for a in named), named
    assert 'value="/estate?id=1"' in page, (
        "the address kept is one of the program's own, the path is added on the way out"
    )
    assert re.search(rf"set-cookie: steward_form=[\w-]{{43}}; Path={BASE}; HttpOnly; SameSite=Lax; Secure", page)
    answer = curl(front, f"{BASE}/companies", "-H", "Accept: text/html")
    assert " 303 " in answer.splitlines()[0]
    assert re.findall(r"(?im)^location: (.*)\r$", answer) == [f"{BASE}/signin?next=%2Fcompanies"]
    assert f"https://steward.example:{front}{BASE}/?a=1" in curl(front, f"{BASE}?a=1")
    missing = curl(front, f"{BASE}/signin/oidc")
    assert f'href="{BASE}/signin"' in missing, "a page that says what went wrong leads back below the path"


def test_nothing_of_it_is_served_outside_the_path_and_nothing_inside_is_open(front):
    for path in ("/signin", "/companies", "/_stcore/health", "/steward.example", "/stewards/signin"):
        assert " 404 " in curl(front, path).splitlines()[0], path
    for path, status in (
        ("/companies", 401), ("/_stcore/host-config", 401), ("/media/x.csv", 401), ("/_stcore/metrics", 404),
        ("/../companies", 404), ("/%2e%2e/companies", 404), ("//companies", 401),
    ):  # fmt: skip
        answer = curl(front, f"{BASE}{path}", "--path-as-is", "-H", "Accept: */*")
        assert f" {status} " in answer.splitlines()[0], f"{path}: {answer.splitlines()[0]}"


@pytest.mark.parametrize("next_", [f"{BASE}/companies", "//evil.example", "https://evil.example/x", "/\\evil.example"])
def test_no_address_to_go_on_to_leads_away(front, next_, tmp_path):
    jar = tmp_path / "jar"
    page = curl(front, "/steward/signin", "-c", str(jar), "-b", str(jar), "-G", "--data-urlencode", f"next={next_}")
    token = re.search(r'name="token" value="([\w-]{43})"', page)[1]
    fields = ["-d", f"token={token}", "-d", "name=anna", "--data-urlencode", f"password={PASSWORD}"]
    answer = curl(
        front, "/steward/signin", "-c", str(jar), "-b", str(jar), *fields, "--data-urlencode", f"next={next_}"
    )
    (onward,) = re.findall(r"(?im)^location: (.*)\r$", answer)
    assert onward == (f"{BASE}{next_}" if next_.startswith(BASE) else f"{BASE}/")


@pytest.mark.parametrize("said", ["steward", "/steward/", "/a/b.c_d~1"])
def test_the_path_is_told_with_or_without_slashes(monkeypatch, said):
    monkeypatch.setenv(place.BASE_VARIABLE, said)
    assert place.at("/signin") == "/" + said.strip("/") + "/signin"
    assert place.within(place.at("/estate")) == "/estate"
    assert place.within("/" + said.strip("/")) == "/"
    assert place.within("/stewards/x") == "/stewards/x"


@pytest.mark.parametrize("said", ["/a b", "/a?b", "//x", "/a//b", "/..", "/a/./b", '/"', "/é", "/a;b", "https://x/y"])
def test_a_path_no_browser_would_keep_as_it_is_stops_the_start(monkeypatch, said):
    monkeypatch.setenv(place.BASE_VARIABLE, said)
    with pytest.raises(place.BaseWrong, match="STEWARD_BASE_PATH"):
        place.base()


def test_without_a_path_everything_is_at_the_root(monkeypatch):
    monkeypatch.delenv(place.BASE_VARIABLE, raising=False)
    assert (place.base(), place.at("/signin"), place.within("/estate")) == ("", "/signin", "/estate")
