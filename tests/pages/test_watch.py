"""Head offices' names on the pages of cases: whoever reads or takes them along is entered, once a day and by name of the head."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from data import accounts
from data.ledger import open_ledger
from data.queries import watching
from data.scope import Scope
from i18n.words import Words
from pages.shared import watch
from tests.cases.case_town import Run

STEWARD, OFFICER = Scope("wei", "steward"), Scope("anna", "supervisor")
T = Words("zh")


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    engine = open_ledger(tmp_path)
    accounts.create_account(
        engine, account_id="anna", name_zh="安娜", role="supervisor", password="four unrelated words", now=datetime.now(UTC)
    )  # fmt: skip
    monkeypatch.setattr(watch, "ledger", lambda: engine)
    yield engine
    engine.dispose()


def entered(ledger) -> list[tuple]:
    rows = watching.view_log(STEWARD, None, ledger, at=datetime.now(UTC)).to_dicts()
    return sorted(
        (r["account_id"], r["record_table"], r["estate_id"], r["company_id"], r["head_id"], r["how"]) for r in rows
    )


def case_of(head: str | None):
    return replace(Run("listing", date(2026, 2, 2)).case, head_id=head)


def test_the_heads_of_the_cases_of_a_list_are_entered_once_and_cases_without_one_leave_nothing(ledger):
    watch.heads_of_cases(OFFICER, [case_of("zhao"), case_of("qian"), case_of(None), case_of("zhao")], T)
    watch.heads_of_cases(OFFICER, [case_of("zhao")], T)
    row = ("anna", "office_heads", "oak", "acme")
    assert entered(ledger) == [(*row, "qian", "page"), (*row, "zhao", "page")]
    watch.heads_of_cases(OFFICER, [], T)
    assert len(entered(ledger)) == 2


def test_a_file_of_a_case_is_entered_when_it_is_taken_not_when_it_is_offered(ledger):
    make = watch.heads_in_file(lambda: b"paper", OFFICER, case_of("zhao"))
    assert entered(ledger) == []
    assert make() == b"paper"
    assert entered(ledger) == [("anna", "office_heads", "oak", "acme", "zhao", "file")]
    assert watch.heads_in_file(lambda: b"other", OFFICER, case_of(None))() == b"other"
    assert len(entered(ledger)) == 1


def test_the_company_reads_by_which_duty_its_head_was_looked_at(ledger):
    watch.heads_of_cases(OFFICER, [case_of("zhao")], T)
    rows = watching.view_log(Scope("m", "manager", company_id="acme"), None, ledger, at=datetime.now(UTC)).to_dicts()
    assert [(r["role"], r["head_id"]) for r in rows] == [("supervisor", "zhao")]
    assert "account_id" not in rows[0]
