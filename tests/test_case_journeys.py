"""Whole cases in a real browser: from the due list to the end, each person on their own screen. No request leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from cases import acts
from cases.days import ZONE
from cases.papers.press import Press
from data import accounts, editions, events
from data.ledger import open_ledger
from data.queries import casefiles, rankings
from data.scope import Scope
from rules.book import Book
from tests.conftest import copy_of
from tests.pages.house import serving
from tests.test_journey import CELLS, go, settled, signed_in
from tests.test_journey import browser as browser  # the fixture


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory) -> Path:
    return copy_of(demo_root, tmp_path_factory.mktemp("cases") / "var")


@pytest.fixture(scope="module")
def port(root):
    with serving(root) as port:
        yield port


class Town:
    """The district of these journeys, and four people signed in side by side."""

    def __init__(self, root: Path) -> None:
        self.root, self.ledger = root, open_ledger(root)
        self.con = editions.open_edition(editions.current(root))
        self.people = {p.account_id: p.scope for p in accounts.demo_people(self.ledger)}
        self.edition = rankings.edition(self.people["demo-supervisor"], self.con)["edition_id"]
        self.company = self.people["demo-manager"].company_id

    def rows(self) -> list[dict]:
        """The due list's rows about the manager's estates."""
        due = rankings.due_list(self.people["demo-supervisor"], self.con, limit=10_000)
        return due.filter((pl.col("company_id") == self.company) & (pl.col("party") == "estate")).to_dicts()

    def opened(self, row: dict, step: str, by: str = "demo-supervisor") -> str:
        """A case opened as the due list would, had it named this step."""
        desk = acts.Desk(self.root, self.ledger, Book(), Press(), datetime.now(UTC), self.people[by])
        return acts.open_case(desk, row | {"step": step}, edition=self.edition, reason="季度评分")

    def events(self, case_id: str) -> list[str]:
        return [e.kind for e in casefiles.case_file(Scope("x", "supervisor"), self.con, self.ledger, case_id=case_id)]

    def papers(self, case_id: str) -> list[str]:
        found = casefiles.case_papers(Scope("x", "supervisor"), self.con, self.ledger, case_id=case_id)
        return found["kind"].to_list()[::-1]


@pytest.fixture(scope="module")
def town(root) -> Town:
    return Town(root)


@pytest.fixture
def screens(browser, port) -> Iterator[dict[str, Page]]:
    """Each person's own browser, by role."""
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(signed_in(browser, port, role))
            for role in ("supervisor", "supervisor-2", "manager")
        }


def choose(page: Page, label: str, option: str) -> None:
    box = page.locator("[data-testid=stSelectbox]").filter(has_text=label)
    box.locator("input").click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def do(page: Page, port: int, case_id: str, act: str, reason: str, **fill: str) -> None:
    """One act on the page of a case: choose it, fill in, press, and read that it was entered."""
    go(page, port, f"case?case={case_id}")
    if not page.locator("[data-testid=stForm]").get_by_role("button", name=act, exact=True).count():
        choose(page, "办理事项", act)
    form = page.locator("[data-testid=stForm]")
    for label, value in fill.items():
        form.get_by_label(label).first.fill(value)
    form.locator("textarea").last.fill(reason)
    form.get_by_role("button", name=act, exact=True).click()
    expect(page.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)


def tick(page: Page, row: int, height: int) -> None:
    """The check box of a row of the page's first table, scrolled to where it can be seen."""
    scroller = page.locator("[data-testid=stDataFrame] .dvn-scroller").first
    top = scroller.evaluate("(e, y) => { e.scrollTop = y; return e.scrollTop }", max(0, row - 1) * height)
    page.wait_for_timeout(300)
    scroller.scroll_into_view_if_needed()
    box = scroller.bounding_box()
    assert box
    page.mouse.click(box["x"] + 18, box["y"] + 36 + row * height + height / 2 - top)


def type_row(page: Page, *cells: str) -> None:
    """A row of the form's first table to be filled in, cell by cell."""
    editor = page.locator("[data-testid=stForm] [data-testid=stDataFrame]").first
    editor.scroll_into_view_if_needed()
    box = editor.bounding_box()
    assert box
    page.mouse.click(box["x"] + 60, box["y"] + 53)  # the empty row below the headings
    page.wait_for_timeout(600)
    for i, cell in enumerate(cells):
        if i:  # the first cell is open for writing
            page.keyboard.press("Tab")
            page.wait_for_timeout(300)
            page.keyboard.press("Enter")
            page.wait_for_timeout(300)
        page.keyboard.type(cell)
        page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    page.wait_for_timeout(400)


def invited_for_today(page: Page, port: int, case_id: str) -> None:
    """The invitation to an interview this very afternoon: these journeys have no other day."""
    go(page, port, f"case?case={case_id}")
    choose(page, "办理事项", "告知企业")
    form = page.locator("[data-testid=stForm]")
    form.get_by_label("约谈日期").first.get_by_role("spinbutton").first.click()
    page.keyboard.type(datetime.now(ZONE).strftime("%Y%m%d"))
    page.keyboard.press("Enter")
    form.get_by_label("地点").first.fill("三号楼204室")
    form.locator("textarea").last.fill("约谈")
    form.get_by_role("button", name="告知企业", exact=True).click()
    expect(page.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)


def minuted(page: Page, port: int, case_id: str) -> None:
    """What was said at the interview, put on record."""
    go(page, port, f"case?case={case_id}")
    choose(page, "办理事项", "登记约谈")
    form = page.locator("[data-testid=stForm]")
    for box, words in (("记录人", "王芳"), ("到场人员", "林海"), ("提出的问题", "缺巡查记录26天")):
        form.get_by_role("textbox", name=box).fill(words)
        expect(form.get_by_text("Press ")).not_to_be_visible()  # Streamlit's hint, which knows no Chinese
    type_row(page, "林海", "已带来原件")
    form.locator("textarea").last.fill("已约谈")
    form.get_by_role("button", name="登记约谈", exact=True).click()
    expect(page.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)


def pick(page: Page, label: str) -> None:
    """One of the round buttons of a form."""
    page.locator("[data-testid=stForm] [data-testid=stRadio] label").filter(has_text=label).first.click()


def test_a_reminder_from_the_due_list_to_its_closing(town, screens, port):
    supervisor, manager = screens["supervisor"], screens["manager"]
    row = next(r for r in town.rows() if r["step"] == "attention")
    go(supervisor, port, "due?step=attention")
    listed = rankings.due_list(town.people["demo-supervisor"], town.con, step="attention", limit=50)[
        "party_id"
    ].to_list()
    tick(supervisor, listed.index(row["party_id"]), height=90)
    settled(supervisor)
    expect(supervisor.locator("body")).to_contain_text(row["estate_zh"])
    supervisor.get_by_role("textbox", name="立案理由").fill("季度内逾期隐患，需要提醒")
    supervisor.get_by_role("button", name="立案", exact=True).click()
    supervisor.wait_for_url("**/case?case=*", timeout=30_000)
    settled(supervisor)
    case_id = supervisor.url.split("case=")[1]

    go(manager, port, f"case?case={case_id}")
    expect(manager.locator("h1").first).to_have_text("没有这一案件")  # nobody was told yet
    do(supervisor, port, case_id, "决定", "记录属实")
    do(supervisor, port, case_id, "告知企业", "依法告知")
    do(manager, port, case_id, "提交整改证明", "已于昨日整改")
    do(manager, port, case_id, "申请复查", "请复查")
    do(supervisor, port, case_id, "登记复查结果", "全部合格")
    do(supervisor, port, case_id, "结案", "复查合格")
    expect(supervisor.locator("body")).to_contain_text("已结案")
    assert town.events(case_id) == [
        "opened", "decided", "served", "proof_given", "reinspection_asked", "reinspected", "closed",
    ]  # fmt: skip
    assert town.papers(case_id) == ["attention", "closure"]
    go(manager, port, "tasks")
    expect(manager.locator("body")).to_contain_text("没有待办")


def test_a_commendation_is_declined_by_the_company(town, screens, port):
    case_id = town.opened(town.rows()[0], "commendation")
    do(screens["supervisor"], port, case_id, "决定", "演练真实")
    do(screens["supervisor"], port, case_id, "开始公示", "公示五个工作日")
    do(screens["manager"], port, case_id, "谢绝表彰", "不希望记录")
    expect(screens["manager"].locator("body")).to_contain_text("企业谢绝")
    assert town.events(case_id) == ["opened", "decided", "shown", "declined"]


def test_an_interview_then_a_recommendation_with_two_people(town, screens, port):
    first, second, manager = screens["supervisor"], screens["supervisor-2"], screens["manager"]
    row = town.rows()[0]
    talk = town.opened(row, "interview")
    do(first, port, talk, "决定", "两期未达标")
    invited_for_today(first, port, talk)
    do(manager, port, talk, "提交说明", "届时到场")
    minuted(first, port, talk)
    do(first, port, talk, "发出约谈结果", "限期补齐记录")
    do(first, port, talk, "结案", "记录已补齐")
    assert town.events(talk) == ["opened", "decided", "served", "replied", "held", "result_sent", "closed"]
    assert town.papers(talk) == ["interview", "minutes"]
    head = _head_row(town, row)
    case_id = town.opened(head, "replacement")
    go(first, port, f"case?case={case_id}")
    do(first, port, case_id, "记录听取意见", "当面听取", 负责人的意见="承认安排不力")
    expect(first.locator("[data-testid=stForm]").get_by_role("button", name="决定", exact=True)).to_have_count(0)
    do(second, port, case_id, "决定", "应当建议撤换")
    do(second, port, case_id, "告知企业", "发函")
    do(manager, port, case_id, "答复建议", "增派副职，三个月内考核")
    do(second, port, case_id, "结案", "采纳替代方案")
    rows = events.events_of(town.ledger, case_id)
    assert [e.kind for e in rows] == ["opened", "heard", "decided", "served", "answered", "closed"]
    assert rows[0].by != rows[2].by
    assert town.papers(case_id) == ["recommendation"]


def _head_row(town: Town, row: dict) -> dict:
    """The office head of an estate of the manager's, as the due list would name them."""
    found = (
        town.con.sql(
            """
        SELECT t.tenure_id, t.head_id, t.estate_id, e.name_zh AS estate, h.name_zh AS head
        FROM tenures AS t
        JOIN office_heads AS h ON h.head_id = t.head_id
        JOIN index_scores AS s ON s.level = 'head' AND s.unit_id = t.tenure_id AND s.period = $period
        JOIN estates AS e ON e.estate_id = t.estate_id AND e.period = s.period
        WHERE t.company_id = $company AND t.valid_to IS NULL ORDER BY t.tenure_id LIMIT 1
        """,
            params={"period": row["period"], "company": town.company},
        )
        .pl()
        .row(0, named=True)
    )
    return row | {
        "party": "head", "party_id": found["tenure_id"], "estate_id": found["estate_id"], "head_id": found["head_id"],
        "estate_zh": found["estate"], "estate_en": None, "head_zh": found["head"], "head_en": None,
    }  # fmt: skip


def objected(page: Page, port: int, case_id: str) -> str:
    """The company disputes the newest record that counts; returns its id."""
    go(page, port, f"case?case={case_id}")
    choose(page, "办理事项", "提出异议")
    page.locator("[data-testid=stMultiSelect] input").click()
    option = page.get_by_role("option").filter(has_text=" · ").first
    named = option.inner_text().split(" · ")[-1]
    option.click()
    page.keyboard.press("Escape")
    page.locator("[data-testid=stForm] textarea").last.fill("该记录的责任主体不是本企业")
    page.locator("[data-testid=stForm]").get_by_role("button", name="提出异议", exact=True).click()
    expect(page.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)
    return named


def test_a_listing_objected_to_is_withdrawn_before_anybody_else_hears_of_it(town, screens, port):
    first, second, manager = screens["supervisor"], screens["supervisor-2"], screens["manager"]
    row = town.rows()[-1]
    case_id = town.opened(row, "listing")
    do(first, port, case_id, "决定", "记录属实")
    do(first, port, case_id, "告知企业", "依法告知")
    record = objected(manager, port, case_id)
    go(first, port, f"case?case={case_id}")
    expect(first.locator("body")).to_contain_text("有异议尚未处理")
    expect(first.locator("[data-testid=stForm]").get_by_role("button", name="处理异议", exact=True)).to_have_count(0)

    go(second, port, f"case?case={case_id}")
    choose(second, "办理事项", "处理异议")
    second.get_by_role("button", name="计算有无这些记录的两种结果").click()
    expect(second.get_by_text("计算完成")).to_be_visible(timeout=300_000)
    settled(second)
    pick(second, "成立")
    second.locator("[data-testid=stForm] textarea").last.fill("照片与平面图相符，责任主体有误")
    second.locator("[data-testid=stForm]").get_by_role("button", name="处理异议", exact=True).click()
    expect(second.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)
    decided = events.events_of(town.ledger, case_id)[-1].facts
    assert [r["record_id"] for r in decided["rulings"]] == [record]

    go(first, port, "tasks")
    for task in ("撤销并通知", "公布更正后的版本"):
        expect(first.locator(CELLS).filter(has_text=task).first).to_be_attached()
    do(first, port, case_id, "撤销", "异议成立")
    assert town.events(case_id) == ["opened", "decided", "served", "objected", "objection_decided", "withdrawn"]
    assert town.papers(case_id) == ["listing", "appeal", "withdrawal"]
    go(manager, port, f"case?case={case_id}")
    expect(manager.locator("body")).to_contain_text("更正版本编制中")
    expect(manager.locator("body")).to_contain_text("公布更正后的版本：")  # still owed, and by when
    assert list(events.faults(town.ledger)) == []
