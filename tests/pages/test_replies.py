"""What a company says stands beside its score: in both rankings, their workbooks, its scorecard and the bulletin."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cases import acts, bulletins
from cases.acts import Desk
from cases.papers.press import Press
from data import accounts, editions
from data.ledger import open_ledger
from data.queries import casefiles, rankings
from data.scope import Scope
from i18n.words import Words
from pages.shared import beside, downloads
from rules.book import Book
from tests.conftest import copy_of
from tests.pages.test_downloads import NO_FILTERS, table, text_of

ZH = Words("zh")
START = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)  # one in the morning of Monday 2 November in the district
WORDS = "=1+1 隐患在业主家中，已三次催告"


@pytest.fixture
def house(demo_root, tmp_path, monkeypatch):
    """A supervisor's desk in a copy of the demo, its edition, and a row of the due list about the manager's company."""
    root = copy_of(demo_root, tmp_path / "var")
    monkeypatch.setenv("STEWARD_ROOT", str(root))
    ledger = open_ledger(root)
    monkeypatch.setattr(beside.viewer, "ledger", lambda: ledger)
    people = {p.role: p.scope for p in accounts.demo_people(ledger)}
    con = editions.open_edition(editions.current(root))
    due = rankings.due_list(people["supervisor"], con, limit=10_000).filter(party="estate")
    row = due.filter(company_id=people["manager"].company_id).row(0, named=True)
    return Desk(root, ledger, Book(), Press(), START, people["supervisor"]), con, row, people["manager"]


def replied(house, step: str = "listing", words: str = WORDS):
    """A case told on 2 November and replied to the day after."""
    desk, con, row, manager = house
    edition = rankings.edition(desk.scope, con)["edition_id"]
    case_id = acts.open_case(desk, row | {"step": step}, edition=edition, reason="季度评分")
    case = acts.read(desk, con, case_id)[0]
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": step}, reason="记录属实")
    case = acts.act(desk, con, case, "served", reason="依法告知")
    later = replace(desk, scope=manager, now=START + timedelta(days=1))
    return acts.act(later, con, case, "replied", reason=words)


def test_the_newest_words_of_a_case_stand_in_both_rankings_on_the_districts_day(house):
    desk, con, row, manager = house
    case = replied(house, words="前一次的说明")
    acts.act(replace(desk, scope=manager, now=START + timedelta(days=1, minutes=1)), con, case, "replied", reason=WORDS)
    period = row["period"]
    said = f"2026年11月3日：{WORDS}"  # 17:01 UTC on the 2nd is the 3rd in the district
    rows = rankings.companies(desk.scope, con, period=period, limit=10_000)
    found = beside.replies(rows, "company_id", desk.scope, con, period, ZH)
    assert dict(found.select("company_id", "reply").drop_nulls().rows()) == {row["company_id"]: said}
    assert found.drop("reply").equals(rows)
    estates = rankings.estates(desk.scope, con, period=period, limit=10_000)
    found = beside.replies(estates, "estate_id", desk.scope, con, period, ZH)
    assert dict(found.select("estate_id", "reply").drop_nulls().rows()) == {row["estate_id"]: said}


def test_a_reply_too_long_for_its_cell_is_marked_as_cut_and_stands_whole_a_press_away(house, monkeypatch):
    desk, con, row, _ = house
    long = "我公司已逐户排查，" * 20  # nine letters each
    replied(house, words=long)
    rows = rankings.companies(desk.scope, con, period=row["period"], limit=10_000)
    whole = beside.replies(rows, "company_id", desk.scope, con, row["period"], ZH)
    cell = beside.cut(whole, ZH).filter(company_id=row["company_id"])["reply"][0]
    assert cell == f"2026年11月3日：{long}"[:20] + "……（全文180字）"
    assert beside.cut(whole, ZH)["reply"].null_count() == rows.height - 1
    drawn: list[str] = []
    for name in ("markdown", "caption"):
        monkeypatch.setattr(beside.st, name, drawn.append)
    monkeypatch.setattr(beside.go, "link", lambda *_, **__: None)
    beside.cases(desk.scope, con, ZH, company_id=row["company_id"])
    assert long in "".join(drawn)


def test_short_words_are_shown_as_they_are(house):
    desk, con, row, _ = house
    replied(house, words="已整改")
    whole = beside.replies(
        rankings.companies(desk.scope, con, period=row["period"], limit=10_000), "company_id", desk.scope, con,
        row["period"], ZH,
    )  # fmt: skip
    assert beside.cut(whole, ZH).equals(whole)


def test_a_reply_belongs_to_its_period_its_readers_and_a_case_that_stands(house):
    desk, con, row, _ = house
    case = replied(house)
    before = rankings.periods(desk.scope, con)[1]
    assert casefiles.replies(desk.scope, con, desk.ledger, period=before).is_empty()
    stranger = Scope("eve", "manager", company_id="nobody-else")
    assert casefiles.replies(stranger, con, desk.ledger, period=row["period"]).is_empty()
    assert casefiles.replies(desk.scope, con, desk.ledger, period=row["period"])["words"].to_list() == [WORDS]
    acts.act(replace(desk, now=START + timedelta(days=2)), con, case, "withdrawn", reason="发错")
    assert casefiles.replies(desk.scope, con, desk.ledger, period=row["period"]).is_empty()


def test_workbooks_and_the_scorecard_carry_the_reply(house):
    desk, con, row, manager = house
    replied(house)
    period = row["period"]
    books = (
        downloads.companies(desk.scope, con, ZH, period=period, search=""),
        downloads.estates(desk.scope, con, ZH, chosen={**NO_FILTERS, "period": period}, filters="—"),
    )
    for book in books:
        said = table(book, "排名")["企业的说明"].drop_nulls().to_list()
        assert said == [f"2026年11月3日：{WORDS}"]
    for language in ("zh", "en"):
        pdf = downloads.scorecard(manager, con, language, company_id=manager.company_id, period=period)
        assert re.sub(r"\s+", "", WORDS) in text_of(pdf)


def test_the_bulletin_carries_what_a_company_said_whose_listing_is_shown(house):
    desk, con, row, _ = house
    case = replied(house)
    assert bulletins.draft(desk, con, row["period"]).replies == ()  # told, not yet published
    # ten working days from 2 November 2026 end on the 16th
    acts.act(replace(desk, now=START + timedelta(days=15)), con, case, "published", reason="期满无异议")
    draft = bulletins.draft(replace(desk, now=START + timedelta(days=16)), con, row["period"])
    assert [(r.on.isoformat(), r.words) for r in draft.replies] == [("2026-11-03", WORDS)]
    assert row["estate_zh"] in draft.replies[0].about.zh
