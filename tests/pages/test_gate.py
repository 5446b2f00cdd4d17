"""The gate, asked over real http and websockets on a server of its own."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest

import app
from data import accounts, sessions
from data.ledger import open_ledger
from pages.shared.gate import OPEN, local_path
from pages.shared.registry import PAGES, landing
from tests.pages.house import PASSWORD, STREAMLIT, UVICORN, Browser, copied_stay, furnish, serving

ADDRESSES = [f"/{page.url_path}" for page in PAGES]
STREAMLITS_OWN = [
    "/index.html", "/manifest.json", "/favicon.png", "/favicon.ico", "/static/js/index.js", "/_stcore/host-config",
    "/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact", "/_stcore/agent/mcp", "/media/x.csv",
    "/component/x/index.html", "/_stcore/bidi-components/x", "/_stcore/upload_file/s/f", "/app/static/x",
    "/oauth2callback", "/auth/login",
]  # fmt: skip
TRICKS = [
    "/signin/../_stcore/host-config", "//_stcore/host-config", "/signin/", "/signin/x", "/SIGNIN", "/%5fstcore/host-config",
    "/_stcore/health/", "/_stcore/health/../host-config", "/signin%2f..%2fstatic", "/icon.svg/x", "/pages/shared/entry.py",
    "/app.py", "/.streamlit/config.toml", "/var/ledger.sqlite", "/entry", "/ranking", "/estate/_stcore/host-config",
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("house")
    furnish(root)
    return root


@pytest.fixture(scope="module")
def port(root):
    with serving(root) as port:
        yield port


@pytest.fixture
def browser(port):
    return Browser(port)


@pytest.fixture
def ledger(root):
    ledger = open_ledger(root)
    yield ledger
    ledger.dispose()


# --- before signing in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", (STREAMLIT, UVICORN), ids=("streamlit run", "uvicorn"))
def test_a_server_just_started_serves_nothing_before_sign_in(tmp_path, command):
    furnish(tmp_path)
    with serving(tmp_path, command) as port:
        for path in [*ADDRESSES, "/", *STREAMLITS_OWN, *TRICKS]:
            stranger = Browser(port)
            person = stranger.get(path)
            assert person.status in (303, 400), f"{path}: {person.status}"
            assert person.status == 400 or person.header("location").startswith("/signin"), path
            assert "Streamlit" not in person.text, path
            program = stranger.get(path, accept="*/*")
            assert program.status in (401, 400), f"{path}: {program.status}"
            assert stranger.ask("POST", path, {}, accept="*/*").status in (401, 400), path
        for path in OPEN:
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
                assert "Streamlit" not in Browser(port).ask(method, path).text, f"{method} {path}"
        for path in ("/_stcore/stream", "/estate/_stcore/stream", "/", "/signin", "/_stcore/health"):
            assert Browser(port).socket_status(path) == 403, path
        assert Browser(port).get("/_stcore/health").text == "ok"


def test_streamlit_finds_no_pages_beside_the_entry_script():
    assert app.app.script_path.name == "entry.py"
    assert not (app.app.script_path.parent / "pages").exists()


def test_the_signed_in_get_what_strangers_are_refused(browser):
    assert browser.socket_status() == 403
    assert browser.sign_in().status == 303
    assert browser.socket_status() == 101
    assert browser.get("/_stcore/host-config", accept="*/*").status == 200
    assert browser.get("/estates").status == 200


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.url_path)
def test_an_address_is_kept_through_signing_in(browser, page):
    asked = f"/{page.url_path}?id=5&name=%E5%A4%A9%E5%B9%B3"
    refused = browser.get(asked)
    onward = refused.header("location")
    shown = browser.get(onward)
    assert shown.status == 200
    assert f'name="next" value="{asked.replace("&", "&amp;")}"' in shown.text
    assert browser.send("/signin", {"name": "anna", "password": PASSWORD, "next": asked}).header("location") == asked


@pytest.mark.parametrize(
    "elsewhere",
    (
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)",
        "/\n/evil.example", " /estate", "evil.example", "http:/evil.example", "", "/signin", "/signout", "///evil.example",
    ),
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(browser, elsewhere):
    assert local_path(elsewhere) == "/"
    assert browser.sign_in(next=elsewhere).header("location") == "/"


@pytest.mark.parametrize("path", ("/", "/estate?id=5", "/estate?q=%E5%A4%A9", "/a//b", "/estate?u=https://x.example/"))
def test_an_address_of_ours_is_kept_as_it_is(path):
    assert local_path(path) == path


def test_the_start_leads_on_to_the_roles_own_page(browser):
    browser.sign_in()
    assert browser.get("/").header("location") == f"/{landing('supervisor')}"
    assert browser.get("/?period=2026Q2").header("location") == f"/{landing('supervisor')}?period=2026Q2"


def test_an_address_without_a_page_says_so_in_chinese(browser):
    browser.sign_in()
    answer = browser.get("/nosuch")
    assert answer.status == 404
    assert "没有这个页面" in answer.text


# --- signing in -----------------------------------------------------------------------------------------------------


def test_the_sign_in_page_is_chinese_first_and_english_on_request(browser):
    chinese, english = browser.get("/signin"), Browser(browser.port).get("/signin?lang=en")
    assert '<html lang="zh-CN">' in chinese.text
    assert '<label for="password">密码</label>' in chinese.text
    assert '<html lang="en">' in english.text
    assert '<label for="password">Password</label>' in english.text
    assert english.cookies["steward_language"] == "en"


def test_the_language_chosen_at_sign_in_is_kept_with_the_account(browser, ledger):
    accounts.create_account(ledger, account_id="li", name_zh="李", role="steward", password=PASSWORD, now=_now())
    browser.sign_in("li", language="en")
    assert accounts.existing(ledger, "li").language == "en"
    assert '<html lang="en">' in browser.get("/deliveries").text
    assert '<html lang="zh-CN">' in browser.get("/deliveries?lang=zh").text


def test_the_sign_in_page_asks_nothing_of_anyone_else(browser):
    page = browser.get("/signin")
    assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page.text
    assert "<script" not in page.text
    assert page.header("content-security-policy").startswith("default-src 'none'; style-src 'sha256-")


@pytest.mark.parametrize("path", ("/signin", "/_stcore/health", "/nosuch", "/estates"))
def test_every_answer_forbids_sniffing_and_foreign_frames(browser, path):
    browser.sign_in()
    answer = browser.get(path)
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") in ("DENY", "SAMEORIGIN")
    assert answer.header("referrer-policy") == "same-origin"


def test_pages_carry_a_policy_that_allows_no_other_server(browser):
    browser.sign_in()
    policy = browser.get("/estates").header("content-security-policy")
    assert "connect-src 'self'" in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "http" not in policy
    assert browser.get("/estates").header("cache-control") == "no-store"


def test_cookies_cannot_be_read_by_scripts_or_sent_by_other_sites(browser):
    browser.get("/signin")
    answer = browser.send("/signin", {"name": "anna", "password": PASSWORD})
    session = next(v for k, v in answer.headers if k.lower() == "set-cookie" and v.startswith("steward_session="))
    assert "; HttpOnly; SameSite=Lax" in session
    assert "Secure" not in session  # plain http on this machine
    assert "Max-Age" not in session  # gone with the browser


def test_cookies_are_secure_behind_https(browser):
    browser.get("/signin")
    answer = browser.send(
        "/signin", {"name": "anna", "password": PASSWORD}, X_Forwarded_Proto="https", X_Forwarded_For="127.0.0.1"
    )
    assert all(v.endswith("; Secure") for k, v in answer.headers if k.lower() == "set-cookie")
    assert answer.cookies["steward_session"]


def test_a_wrong_password_is_refused_and_keeps_the_name_typed(browser):
    answer = browser.sign_in("anna", "wrong password")
    assert answer.status == 401
    assert 'role="alert"' in answer.text
    assert 'name="name" value="anna"' in answer.text
    assert "steward_session" not in browser.cookies
    assert browser.socket_status() == 403


def test_what_was_typed_comes_back_as_text_never_as_markup(browser):
    answer = browser.sign_in('"><script>alert(1)</script>', "wrong password", next='/estate?"><script>')
    assert "<script" not in answer.text


def test_five_failures_lock_the_name_and_say_until_when(browser, ledger):
    accounts.create_account(ledger, account_id="locked", name_zh="锁", role="steward", password=PASSWORD, now=_now())
    assert [browser.sign_in("locked", "wrong password").status for _ in range(5)] == [401] * 5
    answer = browser.sign_in("locked")
    assert answer.status == 429
    assert "已暂停登录至" in answer.text
    assert "steward_session" not in browser.cookies


def test_signing_in_again_ends_the_browsers_older_stay(browser):
    browser.sign_in()
    older = dict(browser.cookies)
    browser.send("/signin", {"name": "anna", "password": PASSWORD})
    assert browser.cookies["steward_session"] != older["steward_session"]
    assert Browser(browser.port, older).socket_status() == 403


def test_who_is_signed_in_is_led_past_the_sign_in_page(browser):
    browser.sign_in()
    assert browser.get("/signin?next=%2Festate%3Fid%3D5").header("location") == "/estate?id=5"


# --- forms from elsewhere -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ("/signin", "/signout", "/language"))
@pytest.mark.parametrize("wrong", ("none", "empty", "other", "cookie gone", "origin", "kind", "too long"))
def test_a_form_without_the_browsers_own_token_is_refused(browser, path, wrong):
    browser.sign_in()
    fields = {"name": "anna", "password": PASSWORD, "language": "en", "token": browser.cookies["steward_form"]}
    headers = {}
    if wrong == "none":
        del fields["token"]
    elif wrong == "cookie gone":
        del browser.cookies["steward_form"]
    elif wrong == "origin":
        headers["Origin"] = "https://evil.example"
    elif wrong == "kind":
        headers["Content_Type"] = "text/plain"
    elif wrong == "too long":
        fields["more"] = "x" * 9_000
    else:
        fields["token"] = {"empty": "", "other": "A" * 43}[wrong]
    before = browser.cookies["steward_session"]
    assert browser.ask("POST", path, fields, **headers).status == 403
    assert browser.cookies["steward_session"] == before
    assert browser.socket_status() == 101  # nothing happened


def test_an_empty_token_does_not_match_an_empty_cookie(browser):
    browser.cookies["steward_form"] = ""
    assert browser.send("/signin", {"name": "anna", "password": PASSWORD}).status == 403


def test_our_own_origin_is_no_foreign_one(browser):
    browser.get("/signin")
    origin = f"http://127.0.0.1:{browser.port}"
    assert browser.send("/signin", {"name": "anna", "password": PASSWORD}, Origin=origin).status == 303


def test_a_second_tab_of_the_sign_in_page_leaves_the_first_ones_form_good(browser):
    browser.get("/signin")
    token = browser.cookies["steward_form"]
    browser.get("/signin?lang=en")
    browser.get("/favicon.ico")
    assert browser.cookies["steward_form"] == token


def test_a_page_gives_a_browser_without_form_cookie_a_new_one(browser):
    browser.sign_in()
    del browser.cookies["steward_form"]
    browser.get("/estates")
    assert browser.send("/signout", {}).header("location") == "/signin"


# --- staying and leaving --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forged", ("", "x", "0" * 64, "A" * 43, "../../etc/passwd", "%00"))
def test_a_forged_cookie_opens_nothing(browser, forged):
    browser.cookies["steward_session"] = forged
    assert browser.get("/estates").status == 303
    assert browser.socket_status() == 403


def test_the_hash_in_the_ledger_is_no_cookie(browser, ledger):
    browser.sign_in()
    browser.cookies["steward_session"] = sessions.key_of(browser.cookies["steward_session"])
    assert browser.socket_status() == 403


@pytest.mark.parametrize(("column", "ago"), (("started_at", timedelta(hours=12)), ("seen_at", timedelta(minutes=60))))
def test_an_expired_stay_opens_nothing(browser, ledger, column, ago):
    browser.sign_in()
    mine = browser.cookies["steward_session"]
    almost, expired = (copied_stay(ledger, mine, **{column: t}) for t in (ago - timedelta(minutes=5), ago))
    browser.cookies["steward_session"] = almost
    assert browser.socket_status() == 101
    browser.cookies["steward_session"] = expired
    assert browser.get("/estates").header("location") == "/signin?next=%2Festates"
    assert browser.socket_status() == 403


def test_signing_out_ends_the_stay_for_whoever_holds_the_cookie(browser):
    browser.sign_in()
    copied = Browser(browser.port, dict(browser.cookies))
    assert copied.socket_status() == 101
    answer = browser.send("/signout", {})
    assert (answer.status, answer.header("location")) == (303, "/signin")
    assert browser.cookies["steward_session"] == ""
    assert copied.socket_status() == 403
    assert copied.get("/estates").status == 303


def test_signing_out_takes_a_form_not_a_link(browser):
    browser.sign_in()
    assert browser.get("/signout").status == 404
    assert browser.socket_status() == 101


def test_a_closed_account_is_out_at_once(browser, ledger):
    accounts.create_account(ledger, account_id="gone", name_zh="离", role="steward", password=PASSWORD, now=_now())
    browser.sign_in("gone")
    assert browser.socket_status() == 101
    accounts.disable(ledger, "gone", _now())
    assert browser.socket_status() == 403


def test_the_stay_survives_a_restart_of_the_server(tmp_path):
    furnish(tmp_path)
    with serving(tmp_path) as port:
        first = Browser(port)
        first.sign_in()
    with serving(tmp_path) as port:
        assert Browser(port, first.cookies).socket_status() == 101


def test_the_language_switch_keeps_the_choice_and_returns_to_the_page(browser, ledger):
    accounts.create_account(ledger, account_id="wu", name_zh="吴", role="steward", password=PASSWORD, now=_now())
    browser.sign_in("wu")
    assert '<html lang="zh-CN">' in browser.get("/deliveries").text
    assert (
        browser.send("/language", {"language": "en", "next": "/deliveries?page=2"}).header("location")
        == "/deliveries?page=2"
    )
    assert '<html lang="en">' in browser.get("/deliveries").text
    assert "<title>Property management index</title>" in browser.get("/deliveries").text


# --- demo people ----------------------------------------------------------------------------------------------------


def test_the_demo_district_offers_one_person_of_each_role(browser):
    page = browser.get("/signin")
    offered = [f'value="demo-{role}"' for role in ("supervisor", "station", "manager", "steward")]
    positions = [page.text.index(value) for value in offered]
    assert positions == sorted(positions)
    assert "演示数据 Demo data" in page.text


def test_a_demo_person_enters_by_one_button_in_the_language_of_the_page(browser, ledger):
    browser.get("/signin?lang=en")
    answer = browser.send("/signin", {"person": "demo-manager", "language": "en", "next": "/scorecard"})
    assert (answer.status, answer.header("location")) == (303, "/scorecard")
    assert '<html lang="en">' in browser.get("/scorecard").text


@pytest.mark.parametrize("name", ("anna", "nobody", "demo-"))
def test_the_demo_button_opens_no_other_account(browser, name):
    browser.get("/signin")
    assert browser.send("/signin", {"person": name}).status == 403
    assert "steward_session" not in browser.cookies


@pytest.mark.parametrize(
    "through",
    (
        {"Host": "steward.example"},
        {"X_Forwarded_For": "203.0.113.7"},
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Real_IP": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
    ),
    ids=str,
)
def test_demo_people_are_not_offered_through_a_proxy_or_under_another_name(browser, through):
    assert "demo-supervisor" not in browser.get("/signin", **through).text
    assert browser.send("/signin", {"person": "demo-supervisor"}, **through).status == 403
    assert "steward_session" not in browser.cookies


def test_no_demo_people_are_offered_where_the_edition_is_real(tmp_path):
    furnish(tmp_path, demo=False)
    with serving(tmp_path) as port:
        browser = Browser(port)
        page = browser.get("/signin")
        assert page.status == 200
        assert "demo" not in page.text.lower().replace(".demo", "")  # the style sheet names its class
        assert browser.send("/signin", {"person": "demo-supervisor"}).status == 403


def test_no_demo_people_are_offered_where_the_server_listens_to_the_network(tmp_path):
    furnish(tmp_path)
    with serving(tmp_path, (*STREAMLIT, "--server.address", "0.0.0.0")) as port:
        browser = Browser(port)
        assert "demo-supervisor" not in browser.get("/signin").text
        assert browser.send("/signin", {"person": "demo-supervisor"}).status == 403
        assert browser.sign_in().status == 303


def _now():
    return datetime.now(UTC)


def _put(port: int, role: str, *framing: str, body: bytes = b"") -> int:
    """The status an upload of a person of this role gets, its size as the header lines say."""
    browser = Browser(port)
    browser.get("/signin")
    browser.send("/signin", {"person": f"demo-{role}"})
    cookie = "; ".join(f"{k}={v}" for k, v in browser.cookies.items())
    lines = [
        "PUT /_stcore/upload_file/s/f HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}", "Connection: close",
        *framing,
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return int(s.recv(4096).split(b" ")[1])


def test_who_hands_in_no_deliveries_cannot_fill_the_servers_memory_with_uploads(port):
    twenty_megabytes = 20 * 1024 * 1024
    let_by = 404  # its size is none too large; the address was told to nobody
    assert _put(port, "manager", f"Content-Length: {twenty_megabytes + 65_537}") == 413
    assert _put(port, "station", f"Content-Length: {twenty_megabytes * 20}") == 413
    assert _put(port, "manager", "Content-Length: 0") == let_by
    assert _put(port, "manager", "Content-Length: 3", body=b"abc") == let_by
    assert _put(port, "steward", f"Content-Length: {twenty_megabytes * 2}") == let_by


def test_an_upload_that_does_not_say_its_size_counts_as_too_large(port):
    endless = b"5\r\nabcde\r\n"
    assert _put(port, "manager", "Transfer-Encoding: chunked", body=endless) == 413
    assert _put(port, "station") == 413
    assert _put(port, "manager", "Content-Length: ") == 400, "the web server itself takes no empty length"
    assert _put(port, "manager", "Content-Length: 5", "Content-Length: 99999999", body=b"abcde") == 400
    assert _put(port, "manager", "Content-Length: -5") == 400


def test_programs_that_act_like_a_person_find_no_way_in(tmp_path_factory):
    """Also where somebody turned Streamlit's on."""
    root = tmp_path_factory.mktemp("agents")
    furnish(root)
    command = (*STREAMLIT, "--server.enableAgentApi", "true")
    with serving(root, command) as port:
        browser = Browser(port)
        browser.get("/signin")
        browser.send("/signin", {"person": "demo-supervisor"})
        assert browser.socket_status() == 101
        for path in (
            "/_stcore/agent/interact",
            "/_stcore/agent/mcp",
            "/_stcore/agent/openapi.json",
            "/_stcore/agent/x",
        ):
            for method in ("GET", "POST"):
                answer = browser.ask(method, path, {} if method == "POST" else None, accept="*/*")
                assert (answer.status, answer.text) == (404, "not here"), f"{method} {path}"
