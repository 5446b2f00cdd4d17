"""Referral and advice: opened on a matter, told with their paper, followed up and closed; never on a score."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from cases import acts
from cases.allowed import NotDue
from cases.matters import matters
from cases.tasks import inbox
from data.events import AlreadyOpen, events_of
from data.queries import casefiles, files, rankings
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from rules.book import Book
from rules.laws import laws
from tests.cases.casebook import ANNA, at, text_of

REFERRED = {"kind": "fire_safety", "matter": "3栋消防车通道被占用", "reason": "11月1日检查，通道内停放车辆"}


def opened(desk, con, row, **changed):
    given = {"estate_id": row["estate_id"], "period": row["period"]} | REFERRED | changed
    return acts.read(desk, con, acts.open_by_hand(desk, con, **given))[0]


def told(desk, con, case):
    case = acts.act(
        desk, con, case, "decided", facts={"outcome": "accept", "step": case.recommended}, reason="事实清楚"
    )
    return acts.act(desk, con, case, "served", reason="移送并告知")


def papers_of(desk, con, case, language: str) -> dict[str, str]:
    rows = casefiles.case_papers(ANNA, con, desk.ledger, case_id=case.case_id).rows(named=True)
    found = {}
    for paper in rows:
        sha = paper[f"sha256_{language}"]
        found[paper["kind"]] = text_of(
            casefiles.case_attachment(ANNA, con, desk.ledger, case_id=case.case_id, sha256=sha)[2]
        )
    return found


def test_a_referral_is_opened_told_followed_up_and_closed_by_one_supervisor(desk, con, row):
    case = opened(desk, con, row)
    # the party is the company's spell now, so the company is told and hears of its rights
    assert (case.company_id, case.party_id, case.recommended) == (row["company_id"], row["party_id"], "referral")
    case = told(desk, con, case)
    # Monday 2 November 2026 and twenty working days (no holiday in November): Monday 30 November
    assert case.follow_up == date(2026, 11, 30)
    todo = inbox([case], ANNA, desk.asked().rule, date(2026, 11, 30), [])
    assert [(t.kind, t.until, t.overdue(date(2026, 12, 1))) for t in todo] == [("follow_up", date(2026, 11, 30), True)]
    closed = acts.act(at(desk, ANNA, 9), con, case, "closed", reason="消防救援机构已受理")
    assert (closed.phase, closed.closed_how) == ("closed", "done")
    assert inbox([closed], ANNA, desk.asked().rule, desk.today, []) == []


def test_a_referral_names_the_body_the_facts_and_the_law_of_its_kind_and_no_score(desk, con, row):
    case = told(desk, con, opened(desk, con, row))
    assert events_of(desk.ledger, case.case_id)[0].law == "FL 60; GDF 44"
    said = papers_of(desk, con, case, "zh")["referral"]
    for expected in (
        "消防救援机构",
        "3栋消防车通道被占用",
        "11月1日检查，通道内停放车辆",
        "不以任何评分或者排名为依据",
    ):
        assert expected in said
    assert laws()["FL"].title_zh.split("（")[0] in said and "第六十条" in said
    unit = files.unit(ANNA, con, level="tenure", unit_id=case.party_id, period=case.period)
    assert unit["final"] is not None and f"{unit['final']:.1f}" not in said
    english = papers_of(desk, con, case, "en")["referral"]
    assert "Fireandrescueauthority" in english and "penalty" not in english.lower()


def test_advice_goes_to_the_owners_and_says_that_it_binds_nobody(desk, con, row):
    case = opened(desk, con, row, kind="shared_equipment", matter="水泵大修", reason="检测报告两台水泵不能启动")
    case = told(desk, con, case)
    said = papers_of(desk, con, case, "zh")["advice"]
    assert "业主大会、业主委员会" in said and "没有约束力" in said and "水泵大修" in said
    assert acts.act(desk, con, case, "closed", reason="业主大会已讨论").phase == "closed"


def test_an_objection_to_a_referral_is_heard_by_somebody_else_and_upheld_withdraws_it(desk, con, row):
    case = told(desk, con, opened(desk, con, row))
    mine, ben = Scope("mei", "manager", company_id=row["company_id"]), Scope("ben", "supervisor")
    case = acts.act(at(desk, mine), con, case, "objected", facts={"ground": "not_ours"}, reason="属市政道路")
    with pytest.raises(NotDue) as open_still:
        acts.act(desk, con, case, "closed", reason="办结")
    assert open_still.value.code == "objection_open"
    # no score was relied on, so none is computed again; the objection is to the matter as a whole
    case = acts.act(at(desk, ben), con, case, "objection_decided", facts={"outcome": "upheld"}, reason="经核属市政道路")
    decided = papers_of(desk, con, case, "zh")["appeal"]
    assert "没有指明单条记录" in decided and "两种计算" not in decided and "评分" not in decided
    # three working days after Monday 2 November 2026
    assert "2026年11月5日书面通知" in decided and "随时可以提出" in decided
    case = acts.act(at(desk, ben), con, case, "withdrawn", reason="撤回移送")
    assert case.phase == "withdrawn"
    withdrawal = papers_of(desk, con, case, "zh")["withdrawal"]
    assert "移送函" in withdrawal


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"matter": " "}, "name_the_matter"), ({"reason": " "}, "reason_missing"), ({"kind": "attention"}, "no_such_matter"),
        ({"estate_id": "nowhere"}, "no_such_estate"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_nothing_is_written(desk, con, row, changed, code):
    with pytest.raises(NotDue) as refused:
        opened(desk, con, row, **changed)
    assert refused.value.code == code
    assert casefiles.case_ids(ANNA, con, desk.ledger) == []


def test_an_officer_refers_only_estates_of_the_own_area_and_a_manager_none(desk, con, row):
    places = con.sql("SELECT DISTINCT estate_id, station_id FROM estates ORDER BY ALL").pl()
    own = dict(places.rows())[row["estate_id"]]
    other = places.filter(pl.col("station_id") != own)["station_id"][0]
    for who, code in ((Scope("tao", "station", area_id=other), "no_such_estate"),
                      (Scope("mei", "manager", company_id=row["company_id"]), "not_your_role")):  # fmt: skip
        with pytest.raises(NotDue) as refused:
            opened(at(desk, who), con, row)
        assert refused.value.code == code
    assert opened(at(desk, Scope("tao", "station", area_id=own)), con, row).opened_by == "tao"


def test_the_same_matter_has_one_case_and_another_matter_its_own(desk, con, row):
    first = opened(desk, con, row)
    with pytest.raises(AlreadyOpen):
        opened(desk, con, row)
    assert opened(desk, con, row, matter="5栋疏散通道堆物").case_id != first.case_id


def test_every_kind_of_matter_has_law_in_force_here_a_body_and_words(desk):
    found = matters(Book(), desk.today)
    assert {m.step for m in found} == {"rectification", "referral", "advice"}
    here = Book().on(desk.today, "papers")["laws_here"]
    for t in (Words(language) for language in LANGUAGES):
        for m in found:
            words = [t(f"matter.{m.key}.name"), t(f"matter.{m.key}.about"), t(f"addressee.{m.body}")]
            assert all(words) and not any(w in " ".join(words) for w in ("处罚", "penalty"))
            assert m.law and all(law.partition(" ")[0] in here for law in m.law)


def test_an_estate_nobody_manages_is_named_by_its_sub_district(desk, con):
    period = rankings.edition(ANNA, con)["period"]
    alone = con.sql(
        "SELECT estate_id FROM index_scores WHERE level = 'estate' AND period = $p AND estate_id NOT IN "
        "(SELECT estate_id FROM index_scores WHERE level = 'tenure' AND current AND period = $p) ORDER BY 1",
        params={"p": period},
    ).pl()["estate_id"]
    assert len(alone) > 0
    case = told(desk, con, opened(desk, con, {"estate_id": alone[0], "period": period}))
    assert (case.company_id, case.party_id) == (None, alone[0])
    assert "所在街道办事处" in papers_of(desk, con, case, "zh")["referral"]
