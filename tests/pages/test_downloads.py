"""Downloads: the whole list a page shows, never a row its viewer may not see, and a press in a real browser gives a file."""

from __future__ import annotations

import re
from io import BytesIO

import openpyxl
import polars as pl
import pypdf
import pytest
from playwright.sync_api import sync_playwright

from data import accounts, editions
from data.ledger import open_ledger
from data.queries import files, rankings
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.shared import downloads
from tests.conftest import copy_of
from tests.pages.house import serving
from tests.pages.test_pages import opened
from tests.pages.test_windows import READY, ready

ZH = Words("zh")
NO_FILTERS = {
    "estate_class": None, "size": None, "step": None, "subdistrict": None, "station": None, "search": "",
    "worst_first": False,
}  # fmt: skip
ALL = 100_000


@pytest.fixture(scope="module")
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


@pytest.fixture(scope="module")
def people(demo_root) -> dict[str, Scope]:
    return {p.role: p.scope for p in accounts.demo_people(open_ledger(demo_root))}


@pytest.fixture(scope="module")
def period(con, people) -> str:
    return rankings.periods(people["supervisor"], con)[0]


def table(data: bytes, sheet: str) -> pl.DataFrame:
    """A sheet as a frame of texts, with the headings as names."""
    head, *rows = openpyxl.load_workbook(BytesIO(data))[sheet].iter_rows(values_only=True)
    return pl.DataFrame([[None if c is None else str(c) for c in row] for row in rows], schema=list(head), orient="row")


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s+", "", "".join(p.extract_text() for p in pypdf.PdfReader(BytesIO(pdf)).pages))


def estates_of(scope, con, period, **chosen) -> pl.DataFrame:
    data = downloads.estates(scope, con, ZH, chosen={**NO_FILTERS, **chosen, "period": period}, filters="—")
    return table(data, "排名")


def test_the_workbook_holds_the_whole_list_and_not_only_the_page(con, people, period):
    rows = estates_of(people["supervisor"], con, period)
    assert rows.height == 60  # the demo of the tests; a page shows 50
    assert rows["小区编号"].n_unique() == 60


def test_the_workbook_has_the_filters_of_the_page(con, people, period):
    wanted = rankings.estates(people["supervisor"], con, period=period, estate_class="HR", limit=ALL)
    rows = estates_of(people["supervisor"], con, period, estate_class="HR")
    assert rows["小区编号"].to_list() == wanted["estate_id"].to_list()
    assert set(rows["类别"]) == {ZH("estate_class.HR")}


@pytest.mark.parametrize("role", ["subdistrict", "station"])
def test_an_officers_workbooks_hold_the_own_area_and_no_other(con, people, period, role):
    scope = people[role]
    column = {"subdistrict": "subdistrict_id", "station": "station_id"}[role]
    own = con.sql(
        f"SELECT estate_id, company_id FROM estates WHERE period = $p AND {column} = $a",
        params={"p": period, "a": scope.area_id},
    ).pl()
    rows = estates_of(scope, con, period)
    assert 0 < rows.height < 60
    assert set(rows["小区编号"]) == set(own["estate_id"])
    companies = table(downloads.companies(scope, con, ZH, period=period, search=""), "排名")
    seen = rankings.companies(scope, con, period=period, limit=ALL)
    assert companies["统一社会信用代码"].to_list() == seen["company_id"].to_list()
    assert companies.height < 20


def test_a_score_that_does_not_exist_is_an_empty_cell(con, people, period):
    companies = table(downloads.companies(people["supervisor"], con, ZH, period=period, search=""), "排名")
    unrated = companies.filter(pl.col("等级") == ZH("band.not_rated"))
    assert unrated.height > 0
    assert unrated.select("名次", "指数", "指数区间下限").null_count().row(0) == (unrated.height,) * 3


def test_evidence_of_an_own_estate_comes_whole_and_a_strangers_empty(con, people, period):
    manager, supervisor = people["manager"], people["supervisor"]
    units = files.company_units(manager, con, company_id=manager.company_id, period=period)
    own = units.filter(pl.col("current"))["unit_id"][0]
    strange = con.sql(
        "SELECT unit_id FROM management WHERE company_id <> $c ORDER BY 1", params={"c": manager.company_id}
    ).pl()["unit_id"]
    metric = "valid_matters_per_100_homes"

    def asked(scope, unit):
        data = downloads.evidence(
            scope, con, ZH, level="tenure", unit_id=unit, metric=metric, period=period, estate="小区"
        )
        return table(data, "证据记录")

    wanted = files.evidence(manager, con, level="tenure", unit_id=own, metric=metric, period=period, limit=ALL)
    assert asked(manager, own)["记录编号"].to_list() == wanted["record_id"].to_list() != []
    others = [u for u in strange.to_list() if asked(supervisor, u).height > 0][:3]
    assert others and all(asked(manager, u).is_empty() for u in others)
    assert not [c for c in asked(manager, own).columns if "caller" in c.lower()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_manager_gets_the_own_scorecard_with_no_other_companys_name(con, people, period, language):
    scope = people["manager"]
    pdf = downloads.scorecard(scope, con, language, company_id=scope.company_id, period=period)
    text = text_of(pdf)
    company = files.company(scope, con, company_id=scope.company_id, period=period)
    own = company[f"name_{language}"] or company["name_zh"]
    assert re.sub(r"\s+", "", own) in text
    assert f"{company['final']:.1f}" in text
    assert "DEMO" in text
    names = (
        con.sql("SELECT company_id, name_zh, name_en FROM companies")
        .pl()
        .filter(pl.col("company_id") != scope.company_id)
    )
    strangers = {re.sub(r"\s+", "", n) for c in ("name_zh", "name_en") for n in names[c].drop_nulls()}
    assert len(strangers) > 10
    assert not {n for n in strangers if n in text}
    for unit in files.company_units(scope, con, company_id=scope.company_id, period=period).iter_rows(named=True):
        assert re.sub(r"\s+", "", unit[f"name_{language}"] or unit["name_zh"]) in text
    assert pdf == downloads.scorecard(scope, con, language, company_id=scope.company_id, period=period)


def test_a_scorecard_is_for_those_who_see_the_whole_company(con, people, period):
    company = people["manager"].company_id
    other = next(c for c in con.sql("SELECT company_id FROM companies").pl()["company_id"] if c != company)
    for role, asked in (("manager", other), ("station", company), ("subdistrict", company), ("steward", company)):
        with pytest.raises(PermissionError):
            downloads.scorecard(people[role], con, "zh", company_id=asked, period=period)
    assert downloads.scorecard(people["supervisor"], con, "zh", company_id=other, period=period).startswith(b"%PDF")


def test_every_company_of_every_state_has_a_scorecard(con, people, period):
    rows = rankings.companies(people["supervisor"], con, period=period, limit=ALL)
    picked = rows.unique("state", keep="first", maintain_order=True)
    assert {"rated", "not_rated"} <= set(picked["state"])
    for company in picked.iter_rows(named=True):
        pdf = downloads.scorecard(people["supervisor"], con, "zh", company_id=company["company_id"], period=period)
        assert company["name_zh"] in text_of(pdf)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bulletin_lists_every_company_and_is_marked_draft_and_demo(con, people, period, language):
    text = text_of(downloads.bulletin(people["supervisor"], con, language, period=period))
    rows = rankings.companies(people["supervisor"], con, period=period, limit=ALL)
    names = [r[f"name_{language}"] or r["name_zh"] for r in rows.iter_rows(named=True)]
    assert len(names) == 20
    assert not [n for n in names if re.sub(r"\s+", "", n) not in text]
    assert ("草稿" if language == "zh" else "Draft") in text
    assert "DEMO" in text


@pytest.mark.parametrize("role", ["subdistrict", "station", "manager", "steward"])
def test_the_bulletin_is_the_supervisors(con, people, period, role):
    with pytest.raises(PermissionError):
        downloads.bulletin(people[role], con, "zh", period=period)


def test_the_first_period_has_a_bulletin_too(con, people):
    first = rankings.periods(people["supervisor"], con)[-1]
    assert downloads.bulletin(people["supervisor"], con, "zh", period=first).startswith(b"%PDF")


def buttons(at) -> set[str]:
    return {b.proto.label for b in at.get("download_button")}


def test_pages_offer_what_they_show(demo_root, people):
    assert buttons(opened(demo_root, "companies", "supervisor")) == {ZH("download.xlsx_ranking")}
    assert buttons(opened(demo_root, "estates", "station")) == {ZH("download.xlsx_ranking")}
    cards = {ZH("download.scorecard_zh"), ZH("download.scorecard_en")}
    assert buttons(opened(demo_root, "scorecard", "manager")) == cards
    assert buttons(opened(demo_root, "company", "supervisor", company=people["manager"].company_id)) == cards
    assert buttons(opened(demo_root, "company", "station", company=people["manager"].company_id)) == set()
    assert buttons(opened(demo_root, "bulletin", "supervisor")) == {ZH("download.pdf_zh"), ZH("download.pdf_en")}


def test_a_machine_without_fonts_says_so_instead_of_offering_papers(demo_root, monkeypatch):
    monkeypatch.setattr(downloads, "fonts_here", lambda: False)
    at = opened(demo_root, "scorecard", "manager")
    assert buttons(at) == set()
    assert ZH("download.no_fonts") in [c.value for c in at.caption]


def test_file_names_hold_nothing_a_file_system_refuses():
    name = downloads.file_name("evidence", "2026Q3", ZH, '../晨光/花园:"*?', "owner_survey")
    assert name == "证据记录-2026Q3-晨光花园-owner_survey"


def test_a_press_in_a_browser_gives_the_file(demo_root, tmp_path):
    root = copy_of(demo_root, tmp_path / "var")
    with serving(root) as port, sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(base_url=f"http://127.0.0.1:{port}", accept_downloads=True).new_page()
        page.goto("/bulletin")
        page.locator("button[value^=demo]").first.wait_for()
        supervisor = next(p.account_id for p in accounts.demo_people(open_ledger(root)) if p.role == "supervisor")
        page.click(f"button[value={supervisor}]")
        ready(page)
        got = {}
        for address, label in (("/bulletin", "download.pdf_zh"), ("/estates", "download.xlsx_ranking")):
            page.goto(address)
            page.wait_for_selector(READY, timeout=60_000)
            with page.expect_download(timeout=60_000) as pressed:
                page.get_by_role("button", name=ZH(label)).click()
            got[address] = pressed.value
            got[address].save_as(tmp_path / pressed.value.suggested_filename)
        browser.close()
    names = [d.suggested_filename for d in got.values()]
    assert [n.split("-")[0] for n in names] == ["通报草稿", "小区排名"]
    assert (tmp_path / names[0]).read_bytes().startswith(b"%PDF")
    assert table((tmp_path / names[1]).read_bytes(), "排名").height == 60
