"""Cases on a matter of their own: an order to put hazards right, a referral, an advice; none rests on a score."""

from __future__ import annotations

from datetime import date

import pytest

from cases import acts
from cases.allowed import NotDue, possible
from cases.papers.press import PaperWrong
from cases.tasks import tasks_of
from data.queries import casefiles
from tests.cases.casebook import ANNA, BEN, at, edition_id, manager_of, text_of

HAZARD = {
    "hazard_id": "HZ-1", "what": "疏散通道被占用", "where": "5栋楼梯间", "severity": "general", "law": "FL 28",
    "interim": "专人值守", "due_on": "2026-11-12",
}  # fmt: skip
ORDER = {
    "found_on": "2026-11-02", "visit": "V-1", "hazards": [HAZARD], "rectify_by": "2026-11-12", "object_until": "2026-11-12",
    "asked": [{"what": HAZARD["what"], "measure": HAZARD["law"], "by": HAZARD["due_on"]}],
    "officers": [{"name": "示检一", "certificate": "Z-1"}, {"name": "示检二", "certificate": "Z-2"}],
}  # fmt: skip


KINDS = {"rectification": "hazards_found", "referral": "fire_safety", "advice": "shared_equipment"}


def by_hand(desk, con, row, step: str):
    given = {"estate_id": row["estate_id"], "period": row["period"], "kind": KINDS[step]}
    case_id = acts.open_by_hand(desk, con, **given, matter="疏散通道被占用", reason="检查发现")
    case = acts.read(desk, con, case_id)[0]
    return acts.act(desk, con, case, "decided", facts={"outcome": "accept", "step": step}, reason="事实清楚")


def ordered(desk, con, row, **changed):
    return acts.act(
        desk, con, by_hand(desk, con, row, "rectification"), "served", facts=ORDER | changed, reason="依法责令"
    )


def test_an_order_states_its_hazards_its_inspectors_and_where_it_may_be_contested(desk, con, row):
    case = ordered(desk, con, row)
    assert (case.phase, case.rectify_by, case.object_until) == ("effective", date(2026, 11, 12), date(2026, 11, 12))
    # without another day from the form: ten working days after Monday 2 November are Monday 16; the next working day is the 17th
    assert case.reinspect_on == date(2026, 11, 17)
    paper = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id).row(0, named=True)
    assert paper["kind"] == "rectification"
    kept = casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=paper["sha256_zh"])
    said = text_of(kept[2])
    # sixty days after 2 November 2026 are 1 January 2027 (28 + 31 + 1), six months later is 2 May 2027
    for expected in (
        "HZ-1",
        "5栋楼梯间",
        "Z-1",
        "Z-2",
        "示例区人民政府",
        "2027年1月1日",
        "2027年5月2日",
        "不以任何评分",
    ):
        assert expected in said, expected


def test_an_order_without_two_certified_inspectors_is_not_written(desk, con, row):
    with pytest.raises(PaperWrong, match="two"):
        ordered(desk, con, row, officers=ORDER["officers"][:1])
    assert casefiles.case_papers(ANNA, con, desk.ledger).is_empty()


def test_an_order_names_its_day_to_the_party_and_its_reinspection_to_officers(desk, con, row):
    case = ordered(desk, con, row)
    rule = desk.asked().rule
    found = {(t.kind, t.until, t.roles) for t in tasks_of(case, rule, desk.today, [])}
    assert ("rectify", date(2026, 11, 12), ("manager",)) in found
    assert ("reinspect", date(2026, 11, 17), ("supervisor", "subdistrict", "station")) in found
    mine = at(desk, manager_of(row), 4)
    assert {"proof_given", "reinspection_asked", "objected"} <= set(possible(case, mine.asked()))


def test_an_order_ends_on_a_passed_reinspection_with_a_paper_that_names_each_hazard(desk, con, row):
    case = ordered(desk, con, row)
    case = acts.act(at(desk, manager_of(row), 4), con, case, "proof_given", reason="已清理")
    desk = at(desk, ANNA, 7)
    case = acts.act(desk, con, case, "reinspected", facts={"on": "2026-11-09", "passed": True}, reason="已清理")
    # five working days after the re-inspection of Monday 9 November: Monday 16 November
    assert {(t.kind, t.until) for t in tasks_of(case, desk.asked().rule, desk.today, [])} >= {
        ("close_order", date(2026, 11, 16))
    }
    with pytest.raises(NotDue) as refused:
        acts.act(desk, con, case, "closed", facts={"how": "referred"}, reason="移送")
    assert refused.value.code == "not_failed"
    case = acts.act(desk, con, case, "closed", reason="复查合格")
    assert (case.phase, case.closed_how) == ("closed", "rectified")
    paper = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id).row(0, named=True)
    kept = casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=paper["sha256_zh"])
    assert paper["kind"] == "closure" and HAZARD["what"] in text_of(kept[2])


def test_an_order_not_followed_is_handed_on_and_nothing_else_closes_it(desk, con, row):
    case = ordered(desk, con, row)
    desk = at(desk, ANNA, 15)
    case = acts.act(desk, con, case, "reinspected", facts={"on": "2026-11-17", "passed": False}, reason="仍被占用")
    for how, code in (("rectified", "not_reinspected"), ("done", "close_on_evidence"), ("expired", "not_expired")):
        with pytest.raises(NotDue) as refused:
            acts.act(desk, con, case, "closed", facts={"how": how}, reason="结案")
        assert refused.value.code == code
    case = acts.act(desk, con, case, "closed", facts={"how": "referred"}, reason="已移送消防救援机构")
    assert case.closed_how == "referred"
    paper = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id).row(0, named=True)
    said = text_of(
        casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=paper["sha256_zh"])[2]
    )
    assert paper["kind"] == "closure" and "2026年11月17日复查仍未完成" in said
    assert "均已完成" not in said and "完成情况和证据" not in said and "观察期" not in said


def test_an_objection_to_an_order_is_decided_by_somebody_else_and_the_order_withdrawn_with_a_paper(desk, con, row):
    case = ordered(desk, con, row)
    case = acts.act(
        at(desk, manager_of(row), 2), con, case, "objected", facts={"ground": "not_ours"}, reason="系业主所有"
    )
    with pytest.raises(NotDue) as refused:
        acts.act(at(desk, ANNA, 3), con, case, "objection_decided", facts={"outcome": "upheld"}, reason="属实")
    assert refused.value.code == "somebody_else"
    case = acts.act(at(desk, BEN, 3), con, case, "objection_decided", facts={"outcome": "upheld"}, reason="属实")
    assert case.must_withdraw and len(case.papers) == 2  # the decision is in writing, without two computations
    case = acts.act(
        at(desk, BEN, 3), con, case, "withdrawn", facts={"corrected_edition": edition_id(con)}, reason="撤销"
    )
    kinds = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id)["kind"].to_list()
    assert (case.phase, sorted(kinds)) == ("withdrawn", ["appeal", "rectification", "withdrawal"])
