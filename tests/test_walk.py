"""The second proof: every address of the running app, asked by raw HTTP and over the websocket, by those it is not for.

In this district everybody's name carries a mark of its own (``tests/pages/hostile.py``), and so does every text, file and
paper of six cases (``tests/pages/docket.py``); a mark, an id, a check code or a hash of a stranger anywhere in an answer is a
leak, and so is what tells complainants apart. Pages are read from the registry, so a new page is walked from its first day.
The addresses tried are printed (``pytest -s``), and written to the file STEWARD_WALK names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pytest

from data import accounts, editions
from data.ledger import open_ledger
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.shared.registry import PAGES
from tests.pages.docket import opened
from tests.pages.hostile import mark, town
from tests.pages.house import UVICORN, Browser, copied_stay, serving
from tests.pages.test_gate import STREAMLITS_OWN, TRICKS
from tests.pages.walker import Visitor, fetch, held, inside

ROLES = ("subdistrict", "station", "manager")  # those who may see some and not others
ALL_ROLES = ("supervisor", *ROLES, "steward")
OWN = {
    "subdistrict": "SELECT estate_id FROM estates WHERE subdistrict_id = $key AND period = (SELECT max(period) FROM periods)",
    "station": "SELECT estate_id FROM estates WHERE station_id = $key AND period = (SELECT max(period) FROM periods)",
    "manager": "SELECT estate_id FROM management WHERE company_id = $key",
}
FAILED = {Words(language)("frame.failed") for language in LANGUAGES}
REFUSED = (303, 400, 401, 403, 404, 405)
TRIED: Counter[str] = Counter()


class Town:
    """The folder, each role's scope, strangers' ids and the marks that must not be seen."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ledger = open_ledger(root)
        self.scopes: dict[str, Scope] = {p.role: p.scope for p in accounts.demo_people(ledger)}
        ledger.dispose()
        current = editions.current(root)
        assert current
        con = editions.open_edition(current)

        def ids(sql: str, **params) -> set[str]:
            return set(con.sql(sql, params=params).pl().to_series().drop_nulls().to_list())

        self.estates, self.companies = ids("SELECT estate_id FROM estates"), ids("SELECT company_id FROM companies")
        heads = ids("SELECT head_id FROM office_heads")
        self.own: dict[str, set[str]] = {}
        for role in ROLES:
            scope = self.scopes[role]
            own = ids(OWN[role], key=scope.area_id or scope.company_id)
            of = ", ".join(f"'{e}'" for e in own)
            if role == "manager":
                own |= {scope.company_id or ""} | ids(
                    "SELECT head_id FROM tenures WHERE company_id = $c", c=scope.company_id
                )
            else:
                own |= ids(f"SELECT company_id FROM tenures WHERE estate_id IN ({of})")
                own |= ids(f"SELECT head_id FROM tenures WHERE estate_id IN ({of}) AND head_id IS NOT NULL")
            self.own[role] = own
        self.everything = self.estates | self.companies | heads
        self.strange = {role: self.everything - self.own[role] for role in ROLES}
        self.docket = opened(root)
        with closing(duckdb.connect(root / "records.duckdb", read_only=True)) as records:
            self.callers = {
                h for (h,) in records.execute("SELECT DISTINCT caller_hash FROM complaints").fetchall() if h
            }
        assert len(self.callers) > 100
        written = set().union(*self.docket.marks.values())
        # The manager's estates lie with officers whose own the manager's case is not: theirs by area, its by company.
        self.secrets = {
            r: {mark(k) for k in self.strange[r]} | self.docket.hidden_from(r) | self.callers for r in ROLES
        }
        self.all_marks = {mark(key) for key in self.everything} | written
        self.own_marks = {r: {mark(k) for k in self.own[r]} | (written - self.secrets[r]) for r in ROLES}
        assert all(self.strange[r] and self.own[r] and self.docket.strangers(r) for r in ROLES)

    def stranger(self, role: str) -> dict[str, str]:
        """Ids that are not this role's, under every name the pages read from their address."""
        estate, company = min(self.estates & self.strange[role]), min(self.companies & self.strange[role])
        case = self.docket.strangers(role)[0]
        return {
            "estate": estate,
            "company": company,
            "case": case,
            "code": self.docket.codes[case][0],
            "metric": "hazards_fixed_in_time",
            "delivery": "00001-estates",
        }

    def case_pages(self, cases: Iterable[str]) -> list[tuple[str, str]]:
        """(page, query) of these cases by every way an address names one."""
        found = []
        for case in cases:
            about = next(a for a, c in self.docket.cases.items() if c == case)
            found += [("case", f"case={case}"), ("history", f"estate={self.docket.estates[about]}")]
            found += [("tasks", f"code={code}") for code in self.docket.codes[case]]
        return found


@pytest.fixture(scope="module")
def walked(demo_root, tmp_path_factory) -> Town:
    return Town(town(demo_root, tmp_path_factory.mktemp("walk") / "var"))


@pytest.fixture(scope="module")
def port(walked):
    with serving(walked.root, UVICORN) as port:
        yield port


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    lines = [f"{count:5d} x {what}" for what, count in sorted(TRIED.items())]
    said = "\n".join([f"{len(TRIED)} addresses, {TRIED.total()} requests", *lines])
    print("\n" + said)
    if place := os.environ.get("STEWARD_WALK"):
        Path(place).write_text(said + "\n", encoding="utf-8")


def entered(port: int, role: str) -> Browser:
    """A browser signed in as a demo person."""
    browser = Browser(port)
    browser.get("/signin")
    assert browser.send("/signin", {"person": f"demo-{role}"}).status == 303
    return browser


def ask(browser: Browser, path: str, who: str, method: str = "GET", **more) -> tuple[int, str]:
    TRIED[f"{method} {path.split('?')[0]} ({who})"] += 1
    answer = browser.ask(method, path, **more)
    return answer.status, answer.text + str(answer.headers)


def every_address(town: Town) -> list[str]:
    query = urlencode(town.stranger("manager"))
    pages = [f"/{p.url_path}" for p in PAGES]
    cases = [f"/{page}?{asked}" for page, asked in town.case_pages(town.docket.cases.values())]
    return [
        *pages,
        *(f"{p}?{query}" for p in pages),
        *cases,
        *STREAMLITS_OWN,
        "/photo/" + "0" * 64,
        *TRICKS,
        "/role",
        "/password",
        "/language",
    ]


def nothing_for(browser: Browser, town: Town, who: str) -> None:
    """Every address by every way refuses this browser and tells it of nobody."""
    for path in every_address(town):
        for accept in ("text/html", "*/*"):
            status, said = ask(browser, path, who, accept=accept)
            assert status in REFUSED, f"{who}: {path} answered {status}"
            assert not held(said.encode(), town.all_marks), path
    for method in ("PUT", "POST", "DELETE"):
        for path in ("/_stcore/upload_file/0/0", "/media/x.csv", "/component/x/index.html", "/_stcore/stream"):
            assert ask(browser, path, who, method=method, accept="*/*")[0] in REFUSED
    for path in ("/_stcore/stream", "/estate/_stcore/stream", "/companies"):
        TRIED[f"websocket {path} ({who})"] += 1
        assert browser.socket_status(path) == 403


def forged(token: str) -> dict[str, str]:
    """Cookies that were never given out, made from one that was."""
    return {
        "cut short": token[:-1], "one sign other": ("A" if token[0] != "A" else "B") + token[1:], "twice": token + token,
        "its hash": hashlib.sha256(token.encode()).hexdigest(), "nothing": "", "a quote": "' OR 1=1 --", "long": "x" * 7000,
        "an account": "demo-supervisor",
    }  # fmt: skip


def test_nobody_learns_anything_without_a_stay_also_from_a_server_just_restarted(walked, port):
    """On this server and on a second one started on the same folder: strangers, forged, expired and ended stays."""
    live, expired, ended = (entered(port, "supervisor") for _ in range(3))
    mine, long_ago = expired.cookies["steward_session"], timedelta(days=1)
    expired.cookies["steward_session"] = copied_stay(
        open_ledger(walked.root), mine, started_at=long_ago, seen_at=long_ago
    )
    cookie = dict(ended.cookies)
    assert ended.send("/signout", {}).status == 303
    ended.cookies = cookie
    nothing_for(Browser(port), walked, "stranger")
    nothing_for(expired, walked, "expired")
    nothing_for(ended, walked, "signed out")
    with serving(walked.root, UVICORN) as again:
        nothing_for(Browser(again), walked, "stranger, restarted")
        for old, who in ((expired, "expired, restarted"), (ended, "signed out, restarted")):
            nothing_for(Browser(again, dict(old.cookies)), walked, who)
        for how, token in forged(live.cookies["steward_session"]).items():
            browser = Browser(again, {"steward_session": token})
            for path in ("/companies", "/estate", "/_stcore/host-config", "/media/x.csv"):
                assert ask(browser, path, "forged, restarted", accept="*/*")[0] in REFUSED, how
            TRIED["websocket /_stcore/stream (forged, restarted)"] += 1
            assert browser.socket_status() in (400, 403), how
        assert Browser(again, dict(live.cookies)).socket_status() == 101, "an honest stay outlives a restart"


@pytest.mark.parametrize("role", ROLES)
def test_no_page_tells_a_role_of_strangers_whatever_its_address_says(walked, port, role):
    browser, secrets = entered(port, role), walked.secrets[role]
    strangers = urlencode(walked.stranger(role))
    own_shown: set[str] = set()
    with Visitor(browser) as visitor:
        for page in PAGES:
            for query in (
                "",
                strangers,
                f"{strangers}&q=qx&page=2&lang=en",
                f"period=x&level=estate&reason=x&{strangers}",
            ):
                TRIED[f"websocket page /{page.url_path} ({role}{', strangers' if query else ''})"] += 1
                seen = visitor.open(page.url_path, query)
                assert seen.ended_well and not held(seen.raw, FAILED), (
                    f"/{page.url_path}?{query} failed: this proves nothing"
                )
                asked = set(walked.stranger(role).values())  # which a page may repeat
                assert not seen.holds(secrets - asked), f"/{page.url_path}?{query} told the {role} of strangers"
                if not query:
                    assert not seen.holds(walked.strange[role]), f"/{page.url_path} told the {role} strangers' ids"
                    own_shown |= seen.holds(walked.all_marks)
                    files(browser, visitor, seen, role, page.url_path, secrets)
    assert own_shown and own_shown <= walked.own_marks[role]
    for path in every_address(walked):
        status, said = ask(browser, path, role)
        assert status < 500 and not held(said.encode(), walked.all_marks), path


@pytest.mark.parametrize("role", ROLES)
def test_a_strangers_case_is_not_there_and_ones_own_holds_nothing_of_other_cases(walked, port, role):
    browser, secrets, docket = entered(port, role), walked.secrets[role], walked.docket
    strange = docket.strangers(role)
    with Visitor(browser) as visitor:
        for page, query in walked.case_pages(strange):
            for more in ("", "&lang=en&phase=decided&do=objected"):
                TRIED[f"websocket page /{page} ({role}, a stranger's case)"] += 1
                seen = visitor.open(page, query + more)
                assert seen.ended_well and not held(seen.raw, FAILED), f"/{page}?{query}: this proves nothing"
                echoed = set(query.replace("=", "&").split("&"))
                assert not seen.holds(secrets - echoed), f"/{page}?{query} told the {role} of strangers"
                assert page != "case" or not (seen.deferred or seen.media), "a stranger's case offers files"
        own = [c for c in docket.cases.values() if c not in strange]
        for case in own:
            for lang in ("", "&lang=en"):
                TRIED[f"websocket page /case ({role}, an own case)"] += 1
                seen = visitor.open("case", f"case={case}{lang}")
                assert seen.ended_well and not held(seen.raw, FAILED)
                assert not seen.holds(secrets), f"case {case} told the {role} of other cases"
                assert seen.holds(docket.marks[case]), "the own case is shown, or this proves nothing"
                offered = len(seen.deferred) + len(seen.media)
                assert offered >= 1 + 2 * len(docket.codes[case]), "workbook, papers in both languages, files handed in"
                files(browser, visitor, seen, role, "case", secrets)
    assert own or role == "subdistrict"


def files(browser: Browser, visitor: Visitor, seen, role: str, page: str, secrets: set[str]) -> None:
    """Every file a page offers: nothing of strangers in it, and nothing for who has no stay."""
    made = [url for file_id in seen.deferred if (url := visitor.made(file_id))]
    assert len(made) == len(seen.deferred), f"/{page}: a download could not be made"
    for url in [*made, *seen.media]:
        TRIED[f"download from /{page} ({role})"] += 1
        status, content = fetch(browser, url)
        assert status == 200 and content
        assert not held(inside(content), secrets), f"a file of /{page} tells the {role} of strangers"
        TRIED["download by a stranger"] += 1
        assert fetch(Browser(browser.port), url)[0] == 401


def test_the_walk_finds_names_where_they_are(walked, port):
    """The detector itself: the supervisor's pages do name those whom a manager must not see."""
    with Visitor(entered(port, "supervisor")) as visitor:
        seen = visitor.open("companies")
        assert seen.holds(walked.secrets["manager"]) and seen.holds(walked.secrets["station"])


def test_an_open_page_tells_nothing_more_once_its_person_signed_out(walked, port):
    browser = entered(port, "supervisor")
    with Visitor(browser) as visitor:
        before = visitor.open("companies")
        assert before.holds(walked.all_marks) and before.deferred
        cookies = dict(browser.cookies)
        assert browser.send("/signout", {}).status == 303
        browser.cookies = cookies
        for page in PAGES:
            TRIED[f"websocket page /{page.url_path} (signed out, socket still open)"] += 1
            asked = urlencode({"estate": "E00001", "case": walked.docket.cases["stranger"]})
            assert not visitor.open(page.url_path, asked).holds(walked.all_marks), page.url_path
        for file_id in before.deferred:
            url = visitor.made(file_id)
            assert url is None or fetch(browser, url)[0] == 401


def test_one_persons_downloads_uploads_and_session_are_of_no_use_to_another(walked, port):
    supervisor, manager = entered(port, "supervisor"), entered(port, "manager")
    with Visitor(supervisor) as theirs, Visitor(manager) as mine:
        case = theirs.open("case", f"case={walked.docket.cases['stranger']}")
        assert case.media, "the file handed in with a stranger's case"
        for url in case.media:
            for other, answer in ((Browser(port), 401), (manager, 404), (entered(port, "supervisor"), 404)):
                TRIED["a case's file by another person, with its address"] += 1
                assert fetch(other, url)[0] == answer, "an address is of use to the stay it was told to and no other"
            kept = supervisor.get("/" + url.lstrip("/"), accept="*/*")
            assert kept.header("content-type").split(";")[0] in ("application/octet-stream", "application/pdf")
            assert kept.header("content-disposition").startswith("attachment"), (
                "handed in as text/html, never opened as such"
            )
            assert kept.header("x-content-type-options") == "nosniff"
        page = theirs.open("companies")
        mine.open("scorecard")
        session = page.session_id
        assert re.fullmatch(r"[0-9a-f-]{36}", session)
        TRIED["PUT /_stcore/upload_file (another's session)"] += 1
        made = theirs.made(next(iter(page.deferred)))
        assert made and fetch(supervisor, made)[0] == 200 and fetch(manager, made)[0] == 404
        sought = mine.open("scorecard", f"q={made}&company={made}&period={made}&lang=en")
        assert sought.ended_well and fetch(manager, made)[0] == 404, "an address that is only repeated is not told"
        answer = manager.ask("PUT", f"/_stcore/upload_file/{session}/x", {"a": "b"}, accept="*/*")
        assert answer.status in (400, 403, 404), answer.status
    for page in PAGES:  # the supervisor's page is closed and its state lies ready for whoever comes back with its key
        TRIED[f"websocket page /{page.url_path} (manager, with a supervisor's session key)"] += 1
    with Visitor(manager, session=session) as taken:
        for page in PAGES:
            seen = taken.open(page.url_path)
            assert not seen.holds(walked.secrets["manager"]), page.url_path
