"""A first password opens nothing but the form for a new one; without accounts only this machine is served."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from data import accounts
from data.ledger import open_ledger
from pages.shared.registry import PAGES
from tests.pages.house import Browser, furnish, serving, write_edition

FIRST, OWN = "handed over on paper", "only li knows this one"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    root = tmp_path_factory.mktemp("house")
    furnish(root, demo=False)
    with serving(root) as port:
        yield root, port


@pytest.fixture
def li(house):
    root, port = house
    ledger = open_ledger(root)
    name = f"li-{datetime.now(UTC).timestamp()}"
    accounts.create_account(
        ledger, account_id=name, name_zh="李", role="supervisor", password=FIRST, by="wei", now=datetime.now(UTC)
    )
    ledger.dispose()
    browser = Browser(port)
    assert browser.sign_in(name, FIRST).status == 303
    return name, browser


def test_a_first_password_opens_nothing_but_the_form(li):
    _, browser = li
    for page in PAGES:
        assert browser.get(f"/{page.url_path}").header("location") == "/password"
    assert browser.get("/").header("location") == "/password"
    assert browser.get("/_stcore/host-config", accept="*/*").status == 403
    assert browser.ask("PUT", "/_stcore/upload_file/s/f", {}, accept="*/*").status == 403
    assert browser.socket_status() == 403
    assert "当前密码由他人设定" in browser.get("/password").text


def test_after_the_change_pages_open_and_older_stays_are_over(li):
    name, browser = li
    elsewhere = Browser(browser.port)
    elsewhere.sign_in(name, FIRST)
    before = browser.cookies["steward_session"]
    done = browser.send("/password", {"old": FIRST, "new": OWN, "again": OWN})
    assert (done.status, done.header("location")) == (303, "/")
    assert browser.cookies["steward_session"] != before
    assert browser.get("/estates").status == 200
    assert browser.socket_status() == 101
    assert elsewhere.get("/password").header("location").startswith("/signin")


@pytest.mark.parametrize(
    ("fields", "status"),
    (
        ({"old": "wrong password", "new": OWN, "again": OWN}, 401),
        ({"old": FIRST, "new": OWN, "again": OWN + "!"}, 400),
        ({"old": FIRST, "new": "short", "again": "short"}, 400),
        ({"old": FIRST, "new": FIRST, "again": FIRST}, 400),
        ({"old": FIRST, "new": OWN, "again": OWN, "token": "A" * 43}, 403),
    ),
)
def test_a_wrong_form_changes_nothing_and_says_why(li, fields, status):
    _, browser = li
    answer = browser.send("/password", fields)
    assert answer.status == status
    assert browser.get("/estates").header("location") == "/password"
    assert not any(value in answer.text for value in (FIRST, OWN))


def test_nobody_signed_in_is_led_to_the_door(house):
    assert Browser(house[1]).get("/password").header("location").startswith("/signin")


def test_without_accounts_another_address_is_told_so_and_gets_nothing(tmp_path):
    write_edition(tmp_path, demo=False)
    with serving(tmp_path) as port:
        outside = {"X_Forwarded_For": "203.0.113.9"}
        for path in ("/signin", "/", "/estates", "/_stcore/host-config"):
            answer = Browser(port).get(path, **outside)
            assert answer.status == 503
            assert "尚未建立任何账号" in answer.text and "no accounts yet" in answer.text
        assert Browser(port).get("/signin").status == 200  # this machine
        assert Browser(port).get("/_stcore/health", **outside).status == 200
        ledger = open_ledger(tmp_path)
        accounts.create_account(ledger, account_id="li", name_zh="李", role="steward", now=datetime.now(UTC))
        ledger.dispose()
        assert Browser(port).get("/signin", **outside).status == 200


def test_a_demo_stay_counts_on_this_machine_only(tmp_path):
    furnish(tmp_path)
    with serving(tmp_path) as port:
        browser = Browser(port)
        browser.get("/signin")
        assert browser.send("/signin", {"person": "demo-supervisor"}).status == 303
        assert browser.get("/estates").status == 200
        assert browser.get("/estates", X_Forwarded_For="203.0.113.9").status == 303
