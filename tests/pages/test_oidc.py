"""Signing in through the office's own service: a real provider, and one that lies."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from data import oidc, sessions
from data.accounts import AccountWrong, create_account, disable, existing, find, noted
from data.duties import from_provider, grant_roles
from data.grants import Grant, granted, grants_of
from data.ledger import open_ledger
from data.oidc import OidcFailed, OidcWrong, Provider, Started
from i18n.words import LANGUAGES, Words
from rules.book import Book
from tests.pages.house import Browser, furnish, serving

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RULE = Book().on(NOW.date(), "roles")
PEOPLE = [
    oidc_provider_mock.User(sub="lin", claims={"name": "林海", "groups": ["steward-supervisors"]}),
    oidc_provider_mock.User(
        sub="two",
        claims={"name": "吴敏", "groups": ["steward-supervisors", "steward-stations"], "station_id": "north-1"},
    ),
    oidc_provider_mock.User(sub="guest", claims={"name": "访客", "groups": ["canteen"]}),
    oidc_provider_mock.User(sub="homeless", claims={"name": "无所", "groups": ["steward-stations"]}),
]
SECRET = "the-clients-own-secret"


def configure(root, issuer: str, port: int) -> None:
    path = root / oidc.FILE
    path.write_text(
        f'[provider]\nissuer = "{issuer}"\nclient_id = "steward"\nclient_secret = "{SECRET}"\n'
        f'address = "http://127.0.0.1:{port}"\nname_zh = "区统一登录"\nname_en = "District sign-in"\n',
        encoding="utf-8",
    )
    path.chmod(0o600)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """The app beside a real provider; yields (port, root, issuer)."""
    root = tmp_path_factory.mktemp("office")
    furnish(root, demo=False)
    with oidc_provider_mock.run_server_in_thread(user_claims=PEOPLE) as provider, serving(root) as port:
        issuer = f"http://localhost:{provider.server_port}"
        configure(root, issuer, port)
        yield port, root, issuer


def through(browser: Browser, person: str, onward: str = ""):
    """Go to the service, sign in there as ``person``, and come back; returns the last answer."""
    sent = browser.ask("GET", "/signin/oidc" + (f"?next={onward}" if onward else ""))
    assert sent.status == 303
    agreed = requests.post(sent.header("location"), data={"sub": person}, allow_redirects=False, timeout=10)
    back = urlsplit(agreed.headers["location"])
    return browser.ask("GET", f"{back.path}?{back.query}")


def test_a_person_the_service_vouches_for_comes_in_where_they_were_going(office):
    port, root, issuer = office
    browser = Browser(port)
    page = browser.ask("GET", "/signin")
    assert 'href="/signin/oidc"' in page.text and "区统一登录" in page.text
    answer = through(browser, "lin", "/editions")
    assert (answer.status, answer.header("location")) == (303, "/editions")
    assert browser.ask("GET", "/editions").status == 200
    account = find(open_ledger(root), Provider(issuer, "steward", "x", "y").account_id("lin"))
    assert (account.name_zh, account.role, account.must_change) == ("林海", "supervisor", False)


def test_the_browser_is_sent_with_pkce_state_and_nonce_and_never_the_secret(office):
    port, _, _ = office
    sent = Browser(port).ask("GET", "/signin/oidc")
    asked = {k: v[0] for k, v in parse_qs(urlsplit(sent.header("location")).query).items()}
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43 and len(asked["nonce"]) >= 43 and asked["response_type"] == "code"
    assert SECRET not in sent.header("location") + sent.text + str(sent.headers)


@pytest.mark.parametrize("person", ["guest", "homeless"])
def test_claims_the_rules_do_not_know_give_a_clear_page_and_no_stay(office, person):
    port, _, _ = office
    browser = Browser(port)
    answer = through(browser, person)
    assert answer.status == 403
    assert all(Words(t)("oidc.failed.no_role") in unescape(answer.text) for t in LANGUAGES)
    assert browser.ask("GET", "/companies").header("location").startswith("/signin")


def test_a_person_with_two_duties_chooses_one_and_the_ledger_says_which(office):
    port, root, _ = office
    browser = Browser(port)
    assert through(browser, "two").status == 303
    assert browser.ask("GET", "/companies").header("location") == "/role"
    page = browser.ask("GET", "/role")
    assert page.text.count('name="place"') == 2 and "north-1" in page.text
    before = browser.cookies["steward_session"]
    answer = browser.ask("POST", "/role", {"token": browser.cookies["steward_form"], "place": "1"})
    assert answer.status == 303 and browser.cookies["steward_session"] != before
    ledger = open_ledger(root)
    stay = sessions.find(ledger, browser.cookies["steward_session"], datetime.now(UTC))
    assert (stay.account.role, stay.account.area_id, stay.must_choose) == ("station", "north-1", False)
    assert sessions.find(ledger, before, datetime.now(UTC)) is None, "the stay before the choice is over"

    assert noted(ledger, "role_chosen", "station north-1") == ["station north-1"]
    wrong = browser.ask("POST", "/role", {"token": browser.cookies["steward_form"], "place": "7"})
    assert wrong.status == 403


def test_an_answer_to_a_sign_in_not_begun_here_is_refused(office):
    port, _, _ = office
    for cookies in ({}, {"steward_oidc": "forged.value.here"}):
        browser = Browser(port, dict(cookies))
        answer = browser.ask("GET", "/signin/oidc/back?code=x&state=y")
        assert answer.status == 401 and Words("zh")("oidc.failed.state") in answer.text
        assert "steward_session" not in browser.cookies
    browser = Browser(port)
    browser.ask("GET", "/signin/oidc")
    answer = browser.ask("GET", "/signin/oidc/back?code=x&state=someone-elses")
    assert answer.status == 401 and not browser.cookies.get("steward_session")


def test_a_disabled_account_stays_out(office):
    port, root, issuer = office

    through(Browser(port), "lin")
    account_id = Provider(issuer, "steward", "x", "y").account_id("lin")
    disable(open_ledger(root), account_id, datetime.now(UTC))
    answer = through(Browser(port), "lin")
    assert answer.status == 403 and Words("zh")("oidc.failed.disabled") in answer.text


def test_nothing_of_all_this_put_a_secret_in_the_log(office):
    port, root, _ = office
    through(Browser(port), "guest")
    through(Browser(port), "lin")
    log = (root / "server.log").read_text(encoding="utf-8")
    assert "Signing in through the service failed" in log
    assert SECRET not in log and "eyJ" not in log and "code=" not in log


# --- a provider that lies ---------------------------------------------------------------------------------------------


class Liar:
    """Answers as a provider does, with whatever token it was told to give."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key, self.published = RSAKey.generate_key(2048, {"kid": "1"}), None
        self.token, self.claims = "", {}

    def answer(self, path: str) -> object:
        keys = self.published or self.key
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer, "authorization_endpoint": self.issuer + "/a", "token_endpoint": self.issuer + "/t",
                "jwks_uri": self.issuer + "/k", "userinfo_endpoint": self.issuer + "/u",
            },
            "/k": {"keys": [keys.as_dict(private=False)]},
            "/t": {"access_token": "x", "token_type": "Bearer", "id_token": self.token},
            "/u": self.claims,
        }[path]  # fmt: skip


@contextmanager
def lying():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.dumps(liar.answer(self.path.split("?")[0])).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    liar = Liar(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield liar
    finally:
        server.shutdown()
        server.server_close()


STARTED = Started("s" * 43, "n" * 43, "v" * 64, "/")
QUERY = {"state": "s" * 43, "code": "c"}


def finished(liar: Liar, key=None, header=None, **changed) -> dict:
    """What the program makes of a token with these claims."""
    claims = {"iss": liar.issuer, "aud": "steward", "sub": "lin", "nonce": STARTED.nonce, "iat": int(NOW.timestamp()),
              "exp": int(NOW.timestamp()) + 300} | changed  # fmt: skip
    claims = {k: v for k, v in claims.items() if v is not None}
    liar.token = jwt.encode(header or {"alg": "RS256", "kid": "1"}, claims, key or liar.key)
    liar.claims = {"sub": "lin", "groups": ["steward-supervisors"]}
    oidc._kept.clear()
    return oidc.finish(Provider(liar.issuer, "steward", "http://x", "y", client_secret=SECRET), STARTED, QUERY, NOW)


def test_a_token_that_holds_gives_its_claims_and_what_the_service_adds():
    with lying() as liar:
        assert granted(finished(liar), RULE) == [Grant("supervisor")]


@pytest.mark.parametrize(
    "changed",
    [{"nonce": "another"}, {"nonce": None}, {"aud": "another-program"}, {"iss": "http://elsewhere"}, {"sub": None},
     {"exp": int(NOW.timestamp()) - 61}, {"exp": None}, {"iat": int(NOW.timestamp()) + 3600},
     {"aud": ["steward", "another"]}, {"aud": ["steward", "another"], "azp": "another"}],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_this_sign_in_is_refused(changed):
    with lying() as liar, pytest.raises(OidcFailed) as refused:
        finished(liar, **changed)
    assert refused.value.code == "token" and SECRET not in str(refused.value)


def test_a_token_signed_by_somebody_else_or_by_nobody_is_refused():
    with lying() as liar:
        with pytest.raises(OidcFailed, match="signature"):
            finished(liar, key=RSAKey.generate_key(2048, {"kid": "1"}))
        finished(liar)
        head, body, _ = liar.token.split(".")
        none = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
        for token in (f"{none}.{body}.", f"{head}.{body}.", "no token"):
            liar.token = token
            with pytest.raises(OidcFailed) as refused:
                oidc.finish(Provider(liar.issuer, "steward", "http://x", "y"), STARTED, QUERY, NOW)
            assert refused.value.code == "token"


def test_a_key_the_service_changed_since_is_fetched_again():
    with lying() as liar:
        finished(liar)
        liar.key = RSAKey.generate_key(2048, {"kid": "2"})
        claims = {"iss": liar.issuer, "aud": "steward", "sub": "lin", "nonce": STARTED.nonce, "iat": int(NOW.timestamp()),
                  "exp": int(NOW.timestamp()) + 300}  # fmt: skip
        liar.token = jwt.encode({"alg": "RS256", "kid": "2"}, claims, liar.key)
        found = oidc.finish(Provider(liar.issuer, "steward", "http://x", "y"), STARTED, QUERY, NOW)
    assert found["sub"] == "lin"


def test_userinfo_of_somebody_else_and_a_service_by_another_name_are_refused():
    with lying() as liar:
        finished(liar)
        liar.claims = {"sub": "another", "groups": ["steward-supervisors"]}
        with pytest.raises(OidcFailed, match="somebody else"):
            oidc.finish(Provider(liar.issuer, "steward", "http://x", "y"), STARTED, QUERY, NOW)
        oidc._kept.clear()
        port, liar.issuer = urlsplit(liar.issuer).port, "http://elsewhere"
        with pytest.raises(OidcFailed, match="calls itself"):
            oidc.begin(Provider(f"http://127.0.0.1:{port}", "steward", "http://x", "y"), "/")


def test_a_service_that_is_down_is_said_and_takes_no_longer_than_it_must():
    begun = time.monotonic()
    with pytest.raises(OidcFailed) as down:
        oidc.begin(Provider("http://127.0.0.1:9", "steward", "http://x", "y", client_secret=SECRET), "/")
    assert down.value.code == "unreachable" and SECRET not in str(down.value)
    assert time.monotonic() - begun < 2 * oidc.TIMEOUT


# --- rules, accounts, configuration -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({"groups": "steward-supervisors"}, [Grant("supervisor")]), ({"groups": []}, []), ({}, []), ({"groups": 7}, []),
     ({"groups": ["steward-managers"], "company_id": "acme"}, [Grant("manager", company_id="acme")]),
     ({"groups": ["steward-stations"], "station_id": ["n1", "n2"]}, [Grant("station", "n1"), Grant("station", "n2")]),
     ({"groups": ["steward-stations"]}, []), ({"groups": ["STEWARD-SUPERVISORS"]}, [])],
)  # fmt: skip
def test_only_claims_the_rules_name_give_a_duty(claims, expected):
    assert granted(claims, RULE) == expected


def test_duties_that_changed_at_the_service_end_every_stay(ledger):
    both = [Grant("supervisor"), Grant("station", "n1")]
    account = from_provider(ledger, "oidc-1", ("林", None), both, NOW)
    assert grants_of(ledger, "oidc-1") == both
    token = sessions.start(ledger, account, NOW, both[1])
    assert sessions.find(ledger, token, NOW).account.role == "station"
    from_provider(ledger, "oidc-1", ("林", None), both, NOW)
    assert sessions.find(ledger, token, NOW), "the same duties leave it open"
    from_provider(ledger, "oidc-1", ("林", None), [Grant("station", "n1")], NOW)
    assert sessions.find(ledger, token, NOW) is None and grants_of(ledger, "oidc-1") == []


def test_the_steward_gives_a_local_account_two_duties(ledger):

    create_account(
        ledger, account_id="mei", name_zh="梅", role="station", area_id="n1", password="four unrelated words", now=NOW
    )
    token = sessions.start(ledger, existing(ledger, "mei"), NOW)
    grant_roles(ledger, "mei", [Grant("station", "n1"), Grant("subdistrict", "s1")], by="wei", now=NOW)
    assert sessions.find(ledger, token, NOW) is None
    token = sessions.start(ledger, existing(ledger, "mei"), NOW)
    assert sessions.find(ledger, token, NOW).must_choose
    with pytest.raises(AccountWrong):
        grant_roles(ledger, "mei", [Grant("manager")], by="wei", now=NOW)


def test_a_configuration_others_can_read_or_that_lacks_a_key_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv(oidc.VARIABLE, raising=False)
    assert oidc.configured(tmp_path) is None
    configure(tmp_path, "http://i", 1)
    (tmp_path / oidc.FILE).chmod(0o644)
    with pytest.raises(OidcWrong, match="chmod 600"):
        oidc.configured(tmp_path)
    (tmp_path / oidc.FILE).chmod(0o600)
    found = oidc.configured(tmp_path)
    assert SECRET not in repr(found) and found.client_secret == SECRET
    monkeypatch.setenv(oidc.SECRET_VARIABLE, "from the environment")
    assert oidc.configured(tmp_path).client_secret == "from the environment"
    (tmp_path / oidc.FILE).write_text('[provider]\nissuer = "x"\nsecrett = "y"\n', encoding="utf-8")
    with pytest.raises(OidcWrong, match=r"client_id.*secrett"):
        oidc.configured(tmp_path)
