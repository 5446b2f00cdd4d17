"""Acts on both databases: the event, its paper and its file are written together or not at all."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from cases import acts
from cases.acts import Desk, Handed
from cases.allowed import NotDue
from cases.days import ZONE
from cases.papers.press import FieldMissing
from data import accounts, events
from data.events import AlreadyOpen, Overtaken
from data.ledger import addresses, outbox, writing
from data.queries import casefiles, rankings
from data.scope import Scope
from tests.cases.casebook import ANNA, BEN, START, at, manager_of, opened, own_record, text_of, told


@pytest.fixture
def head_row(con, row) -> dict:
    """The same for an office head, as a recommendation to replace would stand in the due list."""
    found = (
        con.sql(
            """
        SELECT s.unit_id, s.estate_id, s.company_id, t.head_id, e.name_zh, c.name_zh AS company, h.name_zh AS head
        FROM index_scores AS s
        JOIN tenures AS t ON t.tenure_id = s.unit_id
        JOIN estates AS e ON e.estate_id = s.estate_id AND e.period = s.period
        JOIN companies AS c ON c.company_id = s.company_id
        JOIN office_heads AS h ON h.head_id = t.head_id
        WHERE s.level = 'head' AND s.period = $period AND s.final IS NOT NULL ORDER BY s.unit_id LIMIT 1
        """,
            params={"period": row["period"]},
        )
        .pl()
        .row(0, named=True)
    )
    return row | {
        "party": "head", "party_id": found["unit_id"], "estate_id": found["estate_id"], "company_id": found["company_id"],
        "head_id": found["head_id"], "estate_zh": found["name_zh"], "estate_en": None, "company_zh": found["company"],
        "company_en": None, "head_zh": found["head"], "head_en": None,
    }  # fmt: skip


def test_telling_the_party_sends_a_paper_that_the_ledger_finds_again(desk, con, row):
    case = told(desk, con, row)
    papers = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id)
    paper = papers.row(0, named=True)
    assert case.papers == (paper["check_code"],)
    _, media_type, pdf = casefiles.case_attachment(
        ANNA, con, desk.ledger, case_id=case.case_id, sha256=paper["sha256_zh"]
    )
    assert (media_type, hashlib.sha256(pdf).hexdigest()) == ("application/pdf", paper["sha256_zh"])
    said = text_of(pdf)
    for expected in (paper["number_zh"], paper["check_code"], row["estate_zh"], "记录属实"):
        assert "".join(expected.split()) in said
    # ten working days after Monday 2 November 2026 (no holiday in November): Monday 16 November
    assert case.object_until == date(2026, 11, 16)
    assert "2026年11月16日" in said
    found = casefiles.case_papers(ANNA, con, desk.ledger, check_code=paper["check_code"].lower())
    assert found["case_id"].to_list() == [case.case_id]


def test_numbers_run_without_a_gap_within_kind_and_year(desk, con, row):
    first = told(desk, con, row)
    second = told(desk, con, row | {"party_id": row["party_id"], "period": row["period"]}, "interview")
    numbers = casefiles.case_papers(ANNA, con, desk.ledger)["number_zh"].to_list()
    assert sorted(numbers) == ["物督督〔2026〕1号", "物督约〔2026〕1号"]
    assert first.case_id != second.case_id


def test_a_row_of_the_due_list_has_one_case(desk, con, row):
    case = opened(desk, con, row)
    with pytest.raises(AlreadyOpen, match=case.case_id):
        opened(desk, con, row)
    unit = {"period": row["period"], "step": "attention", "unit_id": row["party_id"]}
    assert casefiles.case_of(ANNA, con, desk.ledger, **unit) == case.case_id


def test_the_second_of_two_officers_is_told_and_writes_nothing(desk, con, row):
    case = opened(desk, con, row)
    acts.act(desk, con, case, "decided", facts={"outcome": "decline"}, reason="已整改")
    before = events.end_of(desk.ledger)
    with pytest.raises(Overtaken, match="anna: decided"):
        acts.act(
            at(desk, BEN), con, case, "decided", facts={"outcome": "accept", "step": "attention"}, reason="应当提醒"
        )
    assert events.end_of(desk.ledger) == before


def test_an_act_whose_paper_cannot_be_set_writes_nothing(desk, con, row):
    case = opened(desk, con, row, "interview")
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": "interview"}, reason="记录属实")
    before = events.end_of(desk.ledger)
    with pytest.raises(FieldMissing, match="bring"):
        acts.act(desk, con, case, "served", facts={"bring": [" "]}, reason="依法告知")
    assert events.end_of(desk.ledger) == before
    assert casefiles.case_papers(ANNA, con, desk.ledger).is_empty()
    assert acts.act(desk, con, case, "served", reason="依法告知").phase == "told"


def test_a_manager_reads_the_file_once_told_and_no_other_company_ever(desk, con, row):
    mine, other = manager_of(row), Scope("eve", "manager", company_id="nobody-else")
    case = opened(desk, con, row, "listing")
    assert casefiles.case_ids(mine, con, desk.ledger) == []
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": "listing"}, reason="记录属实")
    case = acts.act(desk, con, case, "served", reason="依法告知")
    assert casefiles.case_ids(mine, con, desk.ledger) == [case.case_id]
    assert casefiles.case_ids(other, con, desk.ledger) == []
    sha = casefiles.case_papers(mine, con, desk.ledger, case_id=case.case_id)["sha256_zh"][0]
    assert casefiles.case_attachment(other, con, desk.ledger, case_id=case.case_id, sha256=sha) is None
    with pytest.raises(LookupError):
        acts.act(at(desk, other), con, case, "replied", reason="别人的说明")


def test_the_party_objects_with_a_file_and_a_colleague_decides(desk, con, row):
    case = told(desk, con, row)
    mei = at(desk, manager_of(row), 3)
    handed = Handed("平面图.pdf", "application/pdf", b"%PDF-1.7 plan")
    own = own_record(con, row)
    claim = [own | {"wish": "exclude"}]
    case = acts.act(
        mei, con, case, "objected", facts={"ground": "not_ours", "records": claim}, reason="在业主家中", handed=handed
    )
    assert len(case.open_objections) == 1
    same = {"score": 55.1, "low": 50.0, "high": 60.2, "rank": 9, "ranked": 10, "band": "failing", "step": "listing"}
    lighter = same | {"score": 63.0, "low": 58.0, "high": 68.0, "band": "attention", "step": "none"}
    facts = {
        "objection": 1, "outcome": "upheld", "before": same, "after": lighter,
        "rulings": [own | {"ruling": "exclude"}],
        "findings": [{"record_id": own["record_id"], "claim": "在业主家中", "ruling": "exclude", "reason": "照片相符"}],
    }  # fmt: skip
    case = acts.act(at(desk, BEN, 4), con, case, "objection_decided", facts=facts, reason="责任主体有误")
    assert case.must_withdraw
    case = acts.act(
        at(desk, ANNA, 5), con, case, "withdrawn", facts={"corrected_edition": "2026Q3-2"}, reason="异议成立"
    )
    kinds = casefiles.case_papers(manager_of(row), con, desk.ledger, case_id=case.case_id)["kind"].to_list()
    assert kinds == ["withdrawal", "appeal", "listing"]
    assert list(events.faults(desk.ledger)) == []


def test_a_replacement_goes_from_hearing_to_closing_with_two_people(desk, con, head_row):
    case = opened(desk, con, head_row, "replacement")
    case = acts.act(desk, con, case, "heard", facts={"said": "承认安排不力"}, reason="当面听取")
    with pytest.raises(NotDue) as told_so:
        acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": "replacement"}, reason="应当撤换")
    assert told_so.value.code == "two_people"
    ben = at(desk, BEN, 1)
    case = acts.act(ben, con, case, "decided", facts={"outcome": "accept", "step": "replacement"}, reason="应当撤换")
    case = acts.act(ben, con, case, "served", reason="发函")
    _, _, pdf = casefiles.case_attachment(
        ANNA, con, desk.ledger, case_id=case.case_id,
        sha256=casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id)["sha256_zh"][0],
    )  # fmt: skip
    assert "承认安排不力" in text_of(pdf)
    case = acts.act(
        at(desk, manager_of(head_row), 5), con, case, "answered", facts={"choice": "alternative"}, reason="增派副职"
    )
    assert acts.act(at(desk, BEN, 6), con, case, "closed", reason="采纳替代方案").phase == "closed"


def test_the_cases_that_name_a_head_are_found_by_the_head(desk, con, row, head_row):
    case = opened(desk, con, head_row, "replacement")
    opened(desk, con, row)  # about the estate, and names nobody
    found = casefiles.case_file(ANNA, con, desk.ledger, head_id=head_row["head_id"])
    assert {e.case_id for e in found} == {case.case_id}
    assert (
        casefiles.case_file(manager_of(head_row), con, desk.ledger, head_id=head_row["head_id"]) == []
    )  # not told yet


def test_a_commendation_and_an_interview_send_their_papers(desk, con, row):
    case = opened(desk, con, row, "commendation")
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": "commendation"}, reason="演练真实")
    case = acts.act(desk, con, case, "shown", reason="公示")
    case = acts.act(at(desk, ANNA, 10), con, case, "awarded", reason="公示无异议")
    papers = casefiles.case_papers(ANNA, con, desk.ledger)
    assert papers["kind"].to_list() == ["commendation", "commendation"]
    award, notice = (
        text_of(casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=sha)[2])
        for sha in papers["sha256_zh"]
    )
    # shown from Monday 2 November for five working days: 3, 4, 5, 6, 9 November; awarded on the 12th
    assert "公示文本" in notice and "2026年11月9日前（含当日）谢绝" in notice and "予以表彰" not in notice
    assert "自2026年11月12日起予以表彰" in award and "公示文本" not in award and "拟予表彰" not in award
    case = told(desk, con, row, "interview")
    assert case.meeting_at.astimezone(ZONE).date() == date(2026, 11, 5)
    facts = {
        "present": ["林海"],
        "put": ["缺巡查记录26天"],
        "said": [{"speaker": "林海", "words": "已带来原件"}],
        "recorder": "王芳",
    }
    case = acts.act(at(desk, ANNA, 3), con, case, "held", facts=facts, reason="已约谈")
    case = acts.act(at(desk, ANNA, 4), con, case, "result_sent", reason="限期补齐")
    assert acts.act(at(desk, ANNA, 20), con, case, "closed", reason="已补齐").phase == "closed"


def test_minutes_name_the_place_and_hour_of_the_invitation_on_the_day_it_was_held(desk, con, row):
    case = opened(desk, con, row, "interview")
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": "interview"}, reason="记录属实")
    set_for = {"meeting_at": "2026-11-06T09:15:00+08:00", "place": "三号楼204室"}
    case = acts.act(desk, con, case, "served", facts=set_for, reason="依法告知")
    facts = {"on": "2026-11-09", "present": ["林海"], "put": ["缺记录"], "said": [{"speaker": "林海", "words": "属实"}]}
    acts.act(at(desk, ANNA, 8), con, case, "held", facts=facts | {"recorder": "王芳"}, reason="改期后约谈")
    paper = (
        casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id).filter(kind="minutes").row(0, named=True)
    )
    _, _, pdf = casefiles.case_attachment(
        ANNA, con, desk.ledger, case_id=case.case_id, sha256=paper["sha256_zh"]
    )  # fmt: skip
    said = text_of(pdf)
    assert "三号楼204室" in said and "2026年11月9日09:15" in said
    assert "2026年11月6日" not in said
    # entered on Tuesday the 10th; the result is due five working days after the 9th: 10, 11, 12, 13, 16
    assert "2026年11月16日" in said


def test_a_reminder_closes_with_a_paper_after_a_reinspection(desk, con, row):
    case = told(desk, con, row, "attention")
    case = acts.act(
        at(desk, BEN, 7), con, case, "reinspected", facts={"on": "2026-11-09", "passed": True}, reason="全部合格"
    )
    case = acts.act(at(desk, ANNA, 8), con, case, "closed", reason="复查合格")
    assert (case.phase, case.closed_how) == ("closed", "rectified")
    papers = casefiles.case_papers(ANNA, con, desk.ledger)
    assert papers["kind"].to_list() == ["closure", "attention"]
    said = text_of(
        casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=papers["sha256_zh"][0])[2]
    )
    # a reminder was never published and is not watched
    assert "2026-11-09ben" in said and "2026-11-09anna" not in said  # who looked, not who closed
    assert "2026年11月9日复查，均已完成" in said and "摘牌" not in said and "观察期" not in said


def test_a_case_ends_on_clean_periods_only_where_the_edition_shows_them(desk, con, row, monkeypatch):
    case = told(desk, con, row, "attention")
    before = events.end_of(desk.ledger)
    with pytest.raises(NotDue) as told_so:  # told in November 2026; the edition's newest period ended in September
        acts.act(desk, con, case, "closed", facts={"how": "clean_periods"}, reason="已达标")
    assert told_so.value.code == "not_clean_yet" and events.end_of(desk.ledger) == before
    later = pl.DataFrame({"period": ["2026Q4"], "state": ["rated"], "band": ["good"], "p_below": [0.02]})
    monkeypatch.setattr(acts.files, "history", lambda *_, **__: later)
    edition = rankings.edition(ANNA, con) | {"period": "2026Q4"}
    monkeypatch.setattr(acts.rankings, "edition", lambda *_: edition)
    case = acts.act(at(desk, ANNA, 70), con, case, "closed", facts={"how": "clean_periods"}, reason="四季度良好")
    assert case.closed_how == "clean_periods"
    paper = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id).row(0, named=True)
    said = text_of(
        casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=paper["sha256_zh"])[2]
    )
    assert "连续达标" in said and "经复查" not in said and "均已完成" not in said


def test_an_act_without_a_reason_or_with_a_file_too_large_is_refused(desk, con, row, monkeypatch):
    case = opened(desk, con, row)
    with pytest.raises(NotDue) as first:
        acts.act(desk, con, case, "decided", facts={"outcome": "decline"}, reason="  ")
    assert first.value.code == "reason_missing"
    monkeypatch.setattr(acts, "LARGEST_FILE", 3)
    with pytest.raises(NotDue) as second:
        acts.act(desk, con, case, "decided", facts={"outcome": "decline"}, reason="x", handed=Handed("a", "b", b"1234"))
    assert second.value.code == "file_too_large"


def test_a_reading_is_noted_once_a_day(desk, con, row):
    case = told(desk, con, row)
    mine = manager_of(row)
    for hours in (0, 3, 30):
        casefiles.note_reading(mine, con, desk.ledger, case_id=case.case_id, at=START + timedelta(hours=hours))
    found = casefiles.readings(ANNA, con, desk.ledger, case_id=case.case_id)
    assert found["account_id"].to_list() == ["mei", "mei"]


def test_the_company_is_told_once_by_a_line_and_a_link_and_officers_of_its_answer(desk, con, row):
    people = [("mei", "manager", row["company_id"]), ("eve", "manager", "nobody-else"), ("anna", "supervisor", None)]
    for name, role, company in people:
        accounts.create_account(
            desk.ledger,
            account_id=name,
            name_zh=name,
            role=role,
            company_id=company,
            password="four unrelated words",
            now=START,
        )
        with writing(desk.ledger) as ledger_con:
            address = {"account_id": name, "channel": "mail", "to": f"{name}@example.test"}
            ledger_con.execute(sa.insert(addresses).values(address))
    case = opened(desk, con, row)
    case = acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": "attention"}, reason="记录属实")
    assert waiting(desk) == []  # nobody outside hears of a case before it is told
    case = acts.act(desk, con, case, "served", reason="依法告知")
    (message,) = waiting(desk)
    assert message["to"] == "mei@example.test"
    assert case.case_id in message["body"] and "/case?case=" in message["body"]
    for name in (row["estate_zh"], row["company_zh"]):
        assert name not in message["subject"] + message["body"]
    acts.act(at(desk, manager_of(row), 1), con, case, "replied", reason="情况说明")
    assert [m["to"] for m in waiting(desk)] == ["mei@example.test", "anna@example.test"]


def test_a_withdrawal_is_told_to_everyone_who_was_told_or_read_the_file(desk, con, row):
    for name in ("mei", "anna", "ben", "tao", "uli"):
        company = row["company_id"] if name == "mei" else None
        role = "manager" if name == "mei" else "supervisor"
        accounts.create_account(
            desk.ledger, account_id=name, name_zh=name, role=role, company_id=company, password="four unrelated words",
            now=START,
        )  # fmt: skip
        with writing(desk.ledger) as ledger_con:
            ledger_con.execute(
                sa.insert(addresses).values({"account_id": name, "channel": "mail", "to": f"{name}@example.test"})
            )
    case = told(desk, con, row, "attention")  # by Anna
    casefiles.note_reading(Scope("tao", "supervisor"), con, desk.ledger, case_id=case.case_id, at=START)
    before = len(waiting(desk))
    acts.act(at(desk, BEN, 1), con, case, "withdrawn", reason="发错")
    # the company, Anna who handled it, Tao who read it; not Ben who withdraws, nor Uli who never saw it
    assert [m["to"] for m in waiting(desk)[before:]] == [f"{n}@example.test" for n in ("anna", "mei", "tao")]


def test_an_act_that_is_overtaken_tells_nobody(desk, con, row):
    case = told(desk, con, row, "attention")
    accounts.create_account(
        desk.ledger,
        account_id="mei",
        name_zh="mei",
        role="manager",
        company_id=row["company_id"],
        password="four unrelated words",
        now=START,
    )
    with writing(desk.ledger) as ledger_con:
        ledger_con.execute(
            sa.insert(addresses).values({"account_id": "mei", "channel": "mail", "to": "mei@example.test"})
        )
    acts.act(desk, con, case, "reinspected", facts={"on": "2026-11-02", "passed": True}, reason="合格")
    with pytest.raises(Overtaken):
        acts.act(at(desk, BEN), con, case, "reinspected", facts={"on": "2026-11-02", "passed": False}, reason="不合格")
    assert len(waiting(desk)) == 1


def waiting(desk: Desk) -> list[dict]:
    with desk.ledger.connect() as con:
        return [dict(r) for r in con.execute(sa.select(outbox).order_by(outbox.c.message_id)).mappings()]
