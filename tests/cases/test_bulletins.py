"""The bulletin of a period: numbered, kept with its hash, found by its check code, replaced and withdrawn in words."""

from __future__ import annotations

import hashlib

import pytest

from cases import acts, bulletins
from cases.allowed import NotDue
from cases.rulings import decided
from data import events
from data.ledger import writing
from data.queries import bulletins as query
from data.queries import casefiles
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from tests.cases.casebook import ANNA, BEN, at, edition_id, opened, text_of

PERIOD = "2026Q3"


def issue(desk, con, **changed) -> dict:
    code = bulletins.issue(desk, con, **({"period": PERIOD, "reason": "按季度公布"} | changed))
    return query.issued(ANNA, con, desk.ledger, check_code=code).row(0, named=True)


def text(desk, con, row: dict, language: str = "zh") -> str:
    return text_of(query.bulletin_file(ANNA, con, desk.ledger, sha256=row[f"sha256_{language}"])[2])


def test_an_issued_bulletin_has_a_number_a_check_code_and_the_hash_of_its_bytes_in_the_chain(desk, con):
    row = issue(desk, con)
    # rules/papers.toml: mark 物督, letter 报, year of issue, running number from 1
    assert (row["number_zh"], row["number_en"]) == ("物督报〔2026〕1号", "WD B [2026] No. 1")
    [event] = events.events_of(desk.ledger, row["case_id"])
    assert (event.by, event.edition, event.reason) == ("anna", edition_id(con), "按季度公布")
    assert event.facts["papers"] == [row["check_code"]] and event.facts["number"] == row["number_zh"]
    for language in LANGUAGES:
        _, _, pdf = query.bulletin_file(ANNA, con, desk.ledger, sha256=event.facts["sha256"][language])
        assert hashlib.sha256(pdf).hexdigest() == row[f"sha256_{language}"]
        assert row["check_code"] in text_of(pdf)
    assert "物督报〔2026〕1号" in text(desk, con, row) and "草稿" not in text(desk, con, row)


def test_the_walk_along_the_chain_takes_a_bulletin_for_what_it_is(desk, con):
    first = issue(desk, con)
    bulletins.withdraw(desk, con, check_code=first["check_code"], reason="有误")
    assert list(events.faults(desk.ledger)) == [] and events.end_of(desk.ledger)[0] == 2


def test_the_same_edition_is_issued_once_and_the_next_after_a_withdrawal_says_what_it_replaces(desk, con):
    first = issue(desk, con)
    with pytest.raises(NotDue) as again:
        issue(desk, con)
    assert again.value.code == "bulletin_issued" and first["number_zh"] in str(again.value.params)
    bulletins.withdraw(at(desk, BEN), con, check_code=first["check_code"], reason="附表有误")
    second = issue(desk, con)
    assert second["number_zh"] == "物督报〔2026〕2号"
    assert "2026年11月2日发布的物督报〔2026〕1号已经撤回，由本通报取代" in text(desk, con, second)
    assert "WDB[2026]No.1of2November2026waswithdrawn" in text(desk, con, second, "en")
    rows = query.issued(ANNA, con, desk.ledger)
    assert [s for _, s in bulletins.listed(rows, Words("zh"))] == [
        "有效",
        "2026年11月2日撤回；已由物督报〔2026〕2号取代",
    ]


def test_a_corrected_edition_brings_a_bulletin_that_replaces_the_first(desk, con, monkeypatch):
    first = issue(desk, con)
    real = bulletins.rankings.edition
    monkeypatch.setattr(bulletins.rankings, "edition", lambda *a: real(*a) | {"edition_id": "2026Q3-2"})
    second = issue(desk, con)
    assert (second["edition"], second["number_zh"]) == ("2026Q3-2", "物督报〔2026〕2号")
    assert "本通报取代2026年11月2日发布的物督报〔2026〕1号" in text(desk, con, second)
    assert events.events_of(desk.ledger, second["case_id"])[0].facts["replaces"] == first["check_code"]


@pytest.mark.parametrize("who", [Scope("tao", "station", area_id="x"), Scope("mei", "manager", company_id="acme")])
def test_only_the_supervisor_issues_withdraws_and_lists(desk, con, who):
    row = issue(desk, con)
    for act in (
        lambda d: issue(d, con),
        lambda d: bulletins.withdraw(d, con, check_code=row["check_code"], reason="x"),
    ):
        with pytest.raises(NotDue) as refused:
            act(at(desk, who))
        assert refused.value.code == "not_your_role"
    with pytest.raises(PermissionError):
        query.issued(who, con, desk.ledger)


def test_without_a_reason_or_on_a_draft_nothing_is_written(desk, con, monkeypatch):
    with pytest.raises(NotDue) as silent:
        issue(desk, con, reason=" ")
    real = bulletins.rankings.edition
    monkeypatch.setattr(bulletins.rankings, "edition", lambda *a: real(*a) | {"status": "draft"})
    with pytest.raises(NotDue) as unpublished:
        issue(desk, con)
    assert (silent.value.code, unpublished.value.code) == ("reason_missing", "edition_not_published")
    assert events.end_of(desk.ledger)[0] == 0


def test_a_bulletin_is_no_case_and_counts_for_nobody(desk, con, row):
    issued = issue(desk, con)
    assert casefiles.case_ids(ANNA, con, desk.ledger) == []
    assert casefiles.case_papers(ANNA, con, desk.ledger, check_code=issued["check_code"]).is_empty()
    made = decided(desk.ledger)
    assert made.rulings.is_empty() and made.sanctions.is_empty() and made.seq == 1
    case = opened(desk, con, row)
    assert acts.read(desk, con, case.case_id)[0].phase == "prepared"


def test_a_withdrawn_bulletin_is_not_withdrawn_twice_and_an_unknown_code_is_said(desk, con):
    row = issue(desk, con)
    bulletins.withdraw(desk, con, check_code=row["check_code"].lower(), reason="有误")
    for code, said in ((row["check_code"], "done_already"), ("XXXX-XXXX-XXXX", "no_such_bulletin")):
        with pytest.raises(NotDue) as refused:
            bulletins.withdraw(desk, con, check_code=code, reason="有误")
        assert refused.value.code == said


def test_a_paper_that_cannot_be_set_leaves_no_number_behind(desk, con, monkeypatch):
    with monkeypatch.context() as broken, pytest.raises(OSError):
        broken.setattr(bulletins.papers, "keep", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
        issue(desk, con)
    with writing(desk.ledger) as ledger_con:
        assert bulletins.papers.next_sequence(ledger_con, "bulletin", 2026) == 1
    assert issue(desk, con)["number_zh"] == "物督报〔2026〕1号"
