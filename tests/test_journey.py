"""One journey through the whole house in a real browser: a file comes in, a score moves, its evidence opens.

Each role signs in as itself; a manager is refused at another company's address. No request leaves the machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from data import accounts, editions
from data.ledger import open_ledger
from tests.conftest import copy_of
from tests.pages.house import REPOSITORY, serving

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FILE = "2026-11_补充隐患.csv"
CELLS = "[data-testid=stDataFrame] canvas td"  # of the tables: the accessible table behind each canvas


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory) -> Path:
    """A demo district of our own: this journey changes it."""
    place = tmp_path_factory.mktemp("journey") / "var"
    return copy_of(demo_root, place)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as p:
        opened = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def port(root):
    with serving(root) as port:
        yield port


@pytest.fixture(scope="module")
def facts(root) -> dict:
    """What the journey needs to know of the district: the manager's company, an estate of theirs, another company."""
    con = editions.open_edition(editions.current(root))
    company = next(p for p in accounts.demo_people(open_ledger(root)) if p.role == "manager").company_id
    mine = con.sql(
        """
        SELECT e.estate_id, e.name_zh, s.final
        FROM estates AS e
        JOIN index_scores AS s ON s.level = 'estate' AND s.unit_id = e.estate_id AND s.period = e.period
        WHERE e.company_id = $company AND e.period = (SELECT max(period) FROM periods) AND s.state = 'rated'
        ORDER BY s.final DESC
        """,
        params={"company": company},
    ).pl()
    other = con.sql(
        "SELECT company_id, name_zh FROM companies WHERE company_id <> $company ORDER BY company_id",
        params={"company": company},
    ).pl()
    return {"company": company, "estate": mine.row(0, named=True), "other": other.row(0, named=True)}


@contextmanager
def signed_in(browser: Browser, port: int, role: str):
    """A browser of its own, signed in by the demo person's button; notes every request that left the machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="zh-CN")
    page = context.new_page()
    outside: list[str] = []
    page.on(
        "request",
        lambda r: None if re.match(r"(https?|wss?)://127\.0\.0\.1|data:|blob:", r.url) else outside.append(r.url),
    )
    page.goto(f"http://127.0.0.1:{port}/")
    page.locator(f'button[value="demo-{role}"]').click()
    settled(page)
    yield page
    assert outside == [], f"requests left the machine: {outside}"
    context.close()


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_timeout(600)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def go(page: Page, port: int, path: str) -> None:
    page.goto(f"http://127.0.0.1:{port}/{path}")
    settled(page)


def shown_score(page: Page) -> float:
    """The index on an estate's page."""
    return float(page.locator("[data-testid=stMetricValue]").first.inner_text())


def overdue_hazards(estate: str, count: int) -> str:
    """A file as the sub-district would send it: hazards that fell due in August and were never put right."""
    rows = pl.DataFrame(
        {
            "隐患编号": [f"补{i:04d}" for i in range(count)], "小区编号": [estate] * count,
            "发现日期": ["2026-07-20"] * count, "发现来源": ["街道"] * count, "隐患类别": ["消防设施"] * count,
            "隐患等级": ["重点"] * count, "责任主体": ["物业"] * count, "整改期限": ["2026-08-05"] * count,
            "录入日期": ["2026-07-21"] * count,
        }
    )  # fmt: skip
    return rows.write_csv()


@pytest.mark.parametrize(
    ("role", "title"),
    [("supervisor", "物业服务企业排名"), ("subdistrict", "小区物业管理水平指数|物业服务企业排名"),
     ("station", "小区物业管理水平指数|物业服务企业排名"), ("manager", "物业服务"), ("steward", "数据接收")],
)  # fmt: skip
def test_each_role_signs_in_and_lands_where_its_work_is(browser, port, role, title):
    with signed_in(browser, port, role) as page:
        expect(page.locator("h1").first).to_have_text(re.compile(title))
        page.get_by_text("English", exact=True).first.click()
        settled(page)
        expect(page.locator("body")).to_contain_text("Sign out")


def test_a_file_comes_in_the_score_moves_and_the_evidence_opens(browser, port, root, facts, tmp_path):
    estate = facts["estate"]
    address = f"estate?estate={estate['estate_id']}&metric=hazards_fixed_in_time"
    with signed_in(browser, port, "supervisor") as page:
        go(page, port, address)
        expect(page.locator("h1").first).to_have_text(estate["name_zh"])
        before = shown_score(page)
    assert before == pytest.approx(estate["final"], abs=0.051)

    file = tmp_path / FILE
    file.write_bytes(overdue_hazards(estate["estate_id"], 25).encode("gb18030"))  # as an old office program saves it
    with signed_in(browser, port, "steward") as page:
        go(page, port, "deliveries")
        page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_text(FILE)).to_be_visible()
        page.get_by_role("button", name="装载", exact=True).click()
        expect(page.get_by_text("已全部收下。")).to_be_visible(timeout=60_000)
        expect(page.locator("body")).to_contain_text("25 accepted")

    program = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root)]
    made = subprocess.run(
        [*program, "draft", "--period", "2026Q3"], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    draft = made.stdout.split()[-1]

    with signed_in(browser, port, "supervisor") as page:
        go(page, port, "editions")
        page.locator("textarea").fill("补充街道送来的隐患记录")
        page.get_by_role("button", name="发布", exact=True).click()
        expect(page.get_by_text(re.compile("已发布：2026Q3-2"))).to_be_visible(timeout=60_000)
        go(page, port, address)
        after = shown_score(page)
        assert after < before - 0.5, f"25 hazards left undone moved the score from {before} to {after}"
        page.set_viewport_size(
            {"width": 2200, "height": 1000}
        )  # the file stands far right; cells out of sight are not drawn
        named = page.locator(CELLS).filter(has_text=FILE).first
        expect(named, "the new records stand in the evidence with their file").to_be_attached(timeout=60_000)

    con = duckdb.connect(str(root / f"editions/{draft}.duckdb"), read_only=True)
    counted = con.sql(
        "SELECT count(*) AS n FROM evidence WHERE metric = 'hazards_fixed_in_time' AND estate_id = $e AND record_id LIKE '补%' "
        "AND decided_on = $d AND numerator = 0 AND excluded IS NULL",
        params={"e": estate["estate_id"], "d": date(2026, 8, 5)},
    ).pl()["n"][0]
    con.close()
    assert counted == 25


def test_a_manager_is_refused_at_another_companys_address(browser, port, facts):
    with signed_in(browser, port, "manager") as page:
        go(page, port, f"company?company={facts['other']['company_id']}")
        expect(page.locator("h1").first).to_have_text("没有这家企业")
        assert facts["other"]["name_zh"] not in page.locator("body").inner_text()
        for path in ("companies", "estates", "deliveries", "set_aside", "editions"):
            go(page, port, path)
            expect(page.locator("body")).to_contain_text("无权")
        go(page, port, f"estate?estate={facts['estate']['estate_id']}")
        expect(page.locator("h1").first).to_have_text(facts["estate"]["name_zh"])


def test_signed_out_every_address_asks_to_sign_in(browser, port):
    context = browser.new_context()
    page = context.new_page()
    for path in ("companies", "estate?estate=E00001", "deliveries", "method"):
        page.goto(f"http://127.0.0.1:{port}/{path}")
        expect(page).to_have_url(re.compile("/signin"))
    context.close()
