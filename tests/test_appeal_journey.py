"""An appeal that changes an edition, in a real browser: a record named in it is another estate's, and both scores show it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from data import editions, events
from tests.pages.house import REPOSITORY
from tests.test_case_journeys import Town, choose, do, pick
from tests.test_case_journeys import port as port  # the fixtures, on a district of this file's own
from tests.test_case_journeys import root as root
from tests.test_case_journeys import screens as screens
from tests.test_case_journeys import town as town
from tests.test_journey import CELLS, go, settled, shown_score
from tests.test_journey import browser as browser

METRIC = "hazards_fixed_in_time"


def disputed(town: Town) -> tuple[dict, str, dict]:
    """A reminder due to the manager's company, a hazard behind it that was never put right, and whose it is to become: the
    smallest rated estate of another company."""
    rows = {r["party_id"]: r for r in town.rows() if r["step"] == "attention"}
    unit, record = town.con.execute(
        """
        SELECT unit_id, record_id FROM evidence
        WHERE metric = $metric AND period = $period AND excluded IS NULL AND numerator = 0 AND list_contains($units, unit_id)
        ORDER BY unit_id, record_id LIMIT 1
        """,
        {"metric": METRIC, "period": next(iter(rows.values()))["period"], "units": list(rows)},
    ).fetchall()[0]
    other = town.con.sql(
        """
        SELECT s.unit_id, s.estate_id, e.name_zh FROM index_scores AS s JOIN estates AS e USING (estate_id, period)
        WHERE s.level = 'tenure' AND s.current AND s.state = 'rated' AND s.period = $period AND s.company_id <> $company
        ORDER BY e.households, s.unit_id LIMIT 1
        """,
        params={"period": rows[unit]["period"], "company": town.company},
    ).pl()
    return rows[unit], record, other.row(0, named=True)


def finals(con, units: list[str], period: str) -> list[float]:
    """The score of each company's spell in an edition."""
    rows = con.execute(
        "SELECT unit_id, final FROM index_scores WHERE level = 'tenure' AND period = $p AND list_contains($u, unit_id)",
        {"p": period, "u": units},
    ).fetchall()
    return [dict(rows)[unit] for unit in units]


def scores_on_screen(page: Page, port: int, estates: list[str]) -> list[float]:
    shown = []
    for estate in estates:
        go(page, port, f"estate?estate={estate}")
        shown.append(shown_score(page))
    return shown


def objected(page: Page, port: int, case_id: str, record: str) -> None:
    """The company names one record and says that it belongs to another estate."""
    go(page, port, f"case?case={case_id}")
    choose(page, "办理事项", "提出异议")
    page.locator("[data-testid=stMultiSelect] input").fill(record)
    page.get_by_role("option").filter(has_text=record).first.click()
    page.keyboard.press("Escape")
    pick(page, "改列其他小区")
    page.locator("[data-testid=stForm] textarea").last.fill("该隐患在相邻小区地下车库")
    page.locator("[data-testid=stForm]").get_by_role("button", name="提出异议", exact=True).click()
    expect(page.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)


def weighed(page: Page, port: int, case_id: str, estate: str) -> None:
    """Give the record to the other estate and compute both, before anything is decided."""
    go(page, port, f"case?case={case_id}")
    choose(page, "办理事项", "处理异议")
    page.get_by_role("textbox", name="改列的小区编号").fill(estate)
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("button", name="计算有无这些记录的两种结果").click()
    expect(page.get_by_text("计算完成")).to_be_visible(timeout=300_000)
    settled(page)


def published(page: Page, port: int) -> None:
    go(page, port, "editions")
    page.locator("textarea").first.fill("申诉部分成立，更正评分")
    if page.locator("textarea").count() > 1:
        page.locator("textarea").nth(1).fill("已核对")
    page.get_by_role("button", name="发布", exact=True).click()
    expect(page.get_by_text(re.compile("已发布："))).to_be_visible(timeout=60_000)


def test_a_record_given_to_another_estate_changes_the_edition_and_both_scores(town, screens, port, root):
    first, second, manager = screens["supervisor"], screens["supervisor-2"], screens["manager"]
    row, record, other = disputed(town)
    estates, units = [row["estate_id"], other["estate_id"]], [row["party_id"], other["unit_id"]]
    shown_before = scores_on_screen(first, port, estates)
    before = finals(town.con, units, row["period"])

    case_id = town.opened(row, "attention")
    do(first, port, case_id, "决定", "记录属实")
    do(first, port, case_id, "告知企业", "依法告知")
    objected(manager, port, case_id, record)
    weighed(second, port, case_id, other["estate_id"])
    cells = second.locator(CELLS).all_inner_texts()
    score = cells[cells.index("指数") + 1 :][:2]
    assert score[0] == f"{before[0]:.1f}" and float(score[1]) > before[0], "as it was, beside as it would be"
    pick(second, "部分成立")
    second.locator("[data-testid=stForm] textarea").last.fill("平面图显示在相邻小区，提醒的其余部分维持")
    second.locator("[data-testid=stForm]").get_by_role("button", name="处理异议", exact=True).click()
    expect(second.get_by_text("已记入案卷")).to_be_visible(timeout=60_000)
    decided = events.events_of(town.ledger, case_id)[-1].facts
    assert [(r["record_id"], r["ruling"], r["to_estate"]) for r in decided["rulings"]] == [
        (record, "reassign", other["estate_id"])
    ]

    program = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root)]
    subprocess.run([*program, "draft", "--period", row["period"]], capture_output=True, cwd=REPOSITORY, check=True)
    go(first, port, "tasks")
    expect(first.locator(CELLS).filter(has_text="公布更正后的版本").first).to_be_attached()  # a draft does not end it
    published(first, port)
    corrected = editions.current(root)
    go(first, port, f"case?case={case_id}")
    expect(first.locator("body")).to_contain_text(f"更正后的版本：{corrected.stem}")
    expect(first.locator("body")).not_to_contain_text("公布更正后的版本：")

    con = editions.open_edition(corrected)
    after = finals(con, units, row["period"])
    assert after[0] == pytest.approx(decided["after"]["score"], abs=1e-9), "the corrected edition is exactly as weighed"
    assert after[0] > before[0] and after[1] < before[1], "a hazard nobody put right left one and came to the other"
    shown_after = scores_on_screen(first, port, estates)
    assert shown_after[0] > shown_before[0] and shown_after[1] < shown_before[1]
    whole = con.execute(
        "SELECT unit_id, final FROM index_scores WHERE level = 'estate' AND period = $p", {"p": row["period"]}
    ).fetchall()
    assert shown_after == [round(dict(whole)[e], 1) for e in estates]
    stands = con.execute(
        "SELECT DISTINCT estate_id, excluded FROM evidence WHERE record_id = $r AND metric = $m",
        {"r": record, "m": METRIC},
    ).fetchall()
    assert set(stands) == {(estates[0], "reassigned"), (estates[1], None)}
    do(first, port, case_id, "撤销", "其余事项已查清，不再提醒")  # the form offers the edition that shows the ruling
    assert events.events_of(town.ledger, case_id)[-1].facts["corrected_edition"] == corrected.stem
    assert town.events(case_id) == ["opened", "decided", "served", "objected", "objection_decided", "withdrawn"]
    assert town.papers(case_id) == ["attention", "appeal", "withdrawal"]
    assert list(events.faults(town.ledger)) == []
