"""Passwords given by a steward, changes of duty, and what of it stays on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from data import accounts, sessions
from data.accounts import AccountWrong, SignInRefused
from data.ledger import account_events, open_ledger

NOW = datetime(2026, 10, 12, 8, 0, tzinfo=UTC)
FIRST, OWN = "handed over on paper", "only anna knows this"


@pytest.fixture
def ledger(ledger):
    accounts.create_account(
        ledger, account_id="anna", name_zh="安娜", role="station", area_id="north-1", password=FIRST, by="wei", now=NOW
    )
    return ledger


def record(ledger) -> list[tuple]:
    with ledger.connect() as con:
        rows = con.execute(sa.select(account_events.c.what, account_events.c.by).order_by(account_events.c.event_id))
        return [tuple(row) for row in rows]


def change(ledger, old=FIRST, new=OWN, now=NOW):
    accounts.choose_password(ledger, "anna", old, new, address="10.0.0.1", now=now)


def test_a_password_given_by_a_steward_must_be_changed_and_one_of_ones_own_need_not(ledger):
    assert accounts.existing(ledger, "anna").must_change
    change(ledger)
    assert not accounts.existing(ledger, "anna").must_change
    accounts.set_password(ledger, "anna", "recovered by the steward", NOW, by="wei")
    assert accounts.existing(ledger, "anna").must_change


def test_the_new_password_must_differ_and_be_long_enough(ledger):
    for wrong in (FIRST, "short"):
        with pytest.raises(AccountWrong):
            change(ledger, new=wrong)
    assert accounts.existing(ledger, "anna").must_change


def test_guessing_the_old_password_in_the_form_is_braked_like_at_the_door(ledger):
    for _ in range(accounts.FAILURES_ALLOWED):
        with pytest.raises(SignInRefused) as refused:
            change(ledger, old="a wrong password")
        assert refused.value.locked_until is None
    with pytest.raises(SignInRefused) as refused:
        change(ledger)
    assert refused.value.locked_until == NOW + timedelta(minutes=15)


def test_recovery_by_the_steward_lifts_the_lock(ledger):
    for _ in range(accounts.FAILURES_ALLOWED):
        with pytest.raises(SignInRefused):
            change(ledger, old="a wrong password")
    accounts.set_password(ledger, "anna", "recovered by the steward", NOW, by="wei")
    assert accounts.check_password(ledger, "anna", "recovered by the steward", address="10.0.0.1", now=NOW).must_change


def test_another_duty_ends_every_stay_and_counts_at_once(ledger):
    tokens = [sessions.start(ledger, accounts.existing(ledger, "anna"), NOW) for _ in range(2)]
    accounts.change_role(ledger, "anna", "manager", area_id=None, company_id="acme", by="wei", now=NOW)
    assert [sessions.find(ledger, token, NOW) for token in tokens] == [None, None]
    assert accounts.existing(ledger, "anna").scope.company_id == "acme"


def test_a_duty_without_its_area_is_refused_and_nothing_ends(ledger):
    token = sessions.start(ledger, accounts.existing(ledger, "anna"), NOW)
    with pytest.raises(AccountWrong, match="without area_id"):
        accounts.change_role(ledger, "anna", "station", area_id=None, company_id=None, by="wei", now=NOW)
    assert sessions.find(ledger, token, NOW) is not None


def test_what_was_done_to_an_account_stays_on_record_without_any_password(ledger, tmp_path):
    change(ledger)
    accounts.change_role(ledger, "anna", "supervisor", area_id=None, company_id=None, by="wei", now=NOW)
    accounts.disable(ledger, "anna", NOW, by="wei")
    accounts.enable(ledger, "anna", NOW, by="wei")
    assert record(ledger) == [
        ("created", "wei"), ("password_given", "wei"), ("password_chosen", "anna"), ("role_changed", "wei"),
        ("disabled", "wei"), ("enabled", "wei"),
    ]  # fmt: skip
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert FIRST.encode() not in stored and OWN.encode() not in stored


def test_demo_people_and_closed_accounts_are_no_accounts_to_serve_others_by(tmp_path):
    ledger = open_ledger(tmp_path / "new")
    demo = {"account_id": "d", "name_zh": "示", "name_en": None, "role": "steward", "area_id": None, "company_id": None}
    accounts.ensure_demo_people(ledger, [demo], NOW)
    assert not accounts.anyone_real(ledger)
    accounts.create_account(ledger, account_id="li", name_zh="李", role="steward", now=NOW)
    assert accounts.anyone_real(ledger)
    accounts.disable(ledger, "li", NOW)
    assert not accounts.anyone_real(ledger)
