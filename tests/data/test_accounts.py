"""Accounts, the brake on guessing, and stays. Anna is a supervisor, Di manages acme's estates."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from data import accounts, sessions
from data.accounts import AccountWrong, SignInRefused
from data.ledger import METADATA, open_ledger, sign_in_attempts
from data.ledger import sessions as session_rows
from data.scope import Scope

NOW = datetime(2026, 10, 12, 8, 0, tzinfo=UTC)
PASSWORD = "four unrelated words"
MINUTE = timedelta(minutes=1)
PEOPLE = [
    {"account_id": "demo-station", "name_zh": "示二", "name_en": "Station", "role": "station", "area_id": "north-1",
     "company_id": None},
    {"account_id": "demo-supervisor", "name_zh": "示一", "name_en": "Supervisor", "role": "supervisor", "area_id": None,
     "company_id": None},
]  # fmt: skip


@pytest.fixture
def ledger(ledger):
    accounts.create_account(ledger, account_id="anna", name_zh="安娜", role="supervisor", password=PASSWORD, now=NOW)
    return ledger


def try_in(ledger, password=PASSWORD, name="anna", now=NOW, address="10.0.0.1"):
    return accounts.check_password(ledger, name, password, address=address, now=now)


def fail(ledger, times, **kwargs):
    for _ in range(times):
        with pytest.raises(SignInRefused) as refused:
            try_in(ledger, password="wrong password", **kwargs)
        assert refused.value.locked_until is None


def stay(ledger, now=NOW):
    return sessions.start(ledger, accounts.existing(ledger, "anna"), now)


def test_the_right_password_lets_in_and_the_wrong_one_does_not(ledger):
    assert try_in(ledger).name_zh == "安娜"
    fail(ledger, 1)


def test_a_name_is_found_however_it_is_typed(ledger):
    assert try_in(ledger, name="  ANNA ").account_id == "anna"


def test_the_password_itself_is_nowhere_in_the_ledger(ledger, tmp_path):
    try_in(ledger)
    fail(ledger, 1)
    with ledger.connect() as con:
        rows = [str(row) for table in METADATA.sorted_tables for row in con.execute(sa.select(table))]
    assert len(rows) >= 4  # the account, its event, two attempts
    assert all(PASSWORD not in row for row in rows)
    assert all(PASSWORD.encode() not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("password", ("", "a" * 11, "a" * 257))
def test_a_password_too_short_or_too_long_is_refused_with_the_numbers(ledger, password):
    with pytest.raises(AccountWrong, match=f"has {len(password)} characters; 12 to 256 are needed"):
        accounts.set_password(ledger, "anna", password, NOW)


def test_a_password_of_exactly_twelve_characters_will_do(ledger):
    accounts.set_password(ledger, "anna", "a" * 12, NOW)
    assert try_in(ledger, password="a" * 12).account_id == "anna"


def test_a_password_typed_on_another_keyboard_is_the_same_password(ledger):
    accounts.set_password(ledger, "anna", "cafe\u0301 au lait au lait", NOW)  # e and a combining accent
    assert try_in(ledger, password="caf\u00e9 au lait au lait").account_id == "anna"


def test_the_sixth_try_after_five_failures_is_locked_even_with_the_right_password(ledger):
    fail(ledger, 5)
    with pytest.raises(SignInRefused, match="locked until 2026-10-12 08:15 UTC") as refused:
        try_in(ledger)
    assert refused.value.locked_until == NOW + 15 * MINUTE


def test_four_failures_do_not_lock(ledger):
    fail(ledger, 4)
    assert try_in(ledger).account_id == "anna"


def test_the_lock_opens_fifteen_minutes_after_the_last_failure(ledger):
    fail(ledger, 5)
    with pytest.raises(SignInRefused):
        try_in(ledger, now=NOW + 15 * MINUTE - timedelta(seconds=1))
    assert try_in(ledger, now=NOW + 15 * MINUTE).account_id == "anna"


def test_trying_while_locked_does_not_prolong_the_lock(ledger):
    fail(ledger, 5)
    for minute in range(1, 15):
        with pytest.raises(SignInRefused):
            try_in(ledger, now=NOW + minute * MINUTE)
    assert try_in(ledger, now=NOW + 15 * MINUTE).account_id == "anna"


def test_after_a_lock_one_more_failure_locks_again(ledger):
    fail(ledger, 5)
    fail(ledger, 1, now=NOW + 15 * MINUTE)
    with pytest.raises(SignInRefused) as refused:
        try_in(ledger, now=NOW + 16 * MINUTE)
    assert refused.value.locked_until == NOW + 30 * MINUTE


def test_a_success_wipes_the_slate(ledger):
    fail(ledger, 4)
    try_in(ledger)
    fail(ledger, 4)
    assert try_in(ledger).account_id == "anna"


def test_a_new_password_opens_the_lock(ledger):
    fail(ledger, 5)
    accounts.set_password(ledger, "anna", "another four words", NOW + MINUTE)
    assert try_in(ledger, password="another four words", now=NOW + 2 * MINUTE).account_id == "anna"


def test_failures_a_day_ago_are_forgotten(ledger):
    fail(ledger, 4)
    fail(ledger, 4, now=NOW + timedelta(days=1))
    assert try_in(ledger, now=NOW + timedelta(days=1)).account_id == "anna"


def test_the_lock_survives_reopening_the_ledger(ledger, tmp_path):
    fail(ledger, 5)
    ledger.dispose()
    again = open_ledger(tmp_path)
    with pytest.raises(SignInRefused) as refused:
        try_in(again)
    assert refused.value.locked_until == NOW + 15 * MINUTE
    again.dispose()


def test_a_name_without_an_account_is_refused_and_locked_in_the_same_words(ledger):
    with pytest.raises(SignInRefused) as known:
        try_in(ledger, password="wrong password")
    with pytest.raises(SignInRefused) as unknown:
        try_in(ledger, name="nobody")
    assert str(unknown.value) == str(known.value).replace("'anna'", "'nobody'")
    fail(ledger, 4, name="nobody")
    with pytest.raises(SignInRefused, match="Sign-in as 'nobody' is locked"):
        try_in(ledger, name="nobody")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(ledger):
    def seconds(name):
        begun = time.perf_counter()
        fail(ledger, 1, name=name)
        return time.perf_counter() - begun

    seconds("warm")
    known = min(seconds("anna") for _ in range(3))
    unknown = min(seconds("nobody") for _ in range(3))
    assert unknown / known > 0.2  # a missing comparison would be over ten times faster


def test_one_address_trying_many_names_is_braked_and_others_are_not(ledger):
    for number in range(30):
        fail(ledger, 1, name=f"name-{number}")
    with pytest.raises(SignInRefused) as refused:
        try_in(ledger)
    assert refused.value.locked_until == NOW + 15 * MINUTE
    assert try_in(ledger, address="10.0.0.2").account_id == "anna"


def test_guesses_in_parallel_all_count(ledger):
    def guess(_):
        with pytest.raises(SignInRefused) as refused:
            try_in(ledger, password="wrong password")
        return refused.value.locked_until is None

    with ThreadPoolExecutor(8) as together:
        compared = list(together.map(guess, range(16)))
    assert sum(compared) == 5  # five passwords looked at, eleven tries turned away


def test_every_attempt_goes_on_record(ledger):
    fail(ledger, 5)
    with pytest.raises(SignInRefused):
        try_in(ledger)
    try_in(ledger, now=NOW + 15 * MINUTE, address="10.0.0.9")
    with ledger.connect() as con:
        rows = con.execute(sa.select(sign_in_attempts.c.outcome, sign_in_attempts.c.address)).all()
    assert [r.outcome for r in rows] == ["refused"] * 5 + ["locked", "signed_in"]
    assert rows[-1].address == "10.0.0.9"


def test_a_disabled_account_is_refused_until_it_is_enabled(ledger):
    accounts.disable(ledger, "anna", NOW)
    with pytest.raises(SignInRefused):
        try_in(ledger)
    accounts.enable(ledger, "anna", NOW)
    assert try_in(ledger).account_id == "anna"


def test_an_account_without_a_password_cannot_sign_in(ledger):
    accounts.create_account(ledger, account_id="bo", name_zh="博", role="steward", now=NOW)
    for password in ("", "None", PASSWORD):
        with pytest.raises(SignInRefused):
            try_in(ledger, name="bo", password=password)


def test_an_account_gives_the_scope_of_its_person(ledger):
    made = accounts.create_account(
        ledger, account_id="di", name_zh="狄", role="manager", company_id="acme", password=PASSWORD, now=NOW
    )
    assert made.scope == Scope("di", "manager", company_id="acme")
    assert (made.name("en"), made.language, made.demo) == ("狄", "zh", False)


@pytest.mark.parametrize(
    ("change", "said"),
    (
        ({"role": "manager"}, "is a manager without company_id"),
        ({"role": "station"}, "is a station without area_id"),
        ({"role": "supervisor", "name_zh": "长" * 129}, "name_zh is longer than 128 characters"),
        ({"role": "mayor"}, "has role 'mayor', which does not exist"),
        ({"account_id": "Gu"}, "lower-case"),
        ({"account_id": ""}, "1 to 64"),
        ({"language": "fr"}, "has language 'fr'"),
        ({"account_id": "anna"}, "exists already, and nothing was changed"),
    ),
)
def test_a_wrong_account_is_not_made_and_says_why(ledger, change, said):
    with pytest.raises(AccountWrong, match=said):
        accounts.create_account(
            ledger, **({"account_id": "gu", "name_zh": "顾", "role": "steward", "now": NOW} | change)
        )
    assert [a.account_id for a in accounts.everyone(ledger)] == ["anna"]


@pytest.mark.parametrize("change", (accounts.disable, lambda ledger, name, now: accounts.enable(ledger, name, now)))
def test_a_name_nobody_has_cannot_be_changed(ledger, change):
    with pytest.raises(AccountWrong, match="There is no account 'nobody'"):
        change(ledger, "nobody", NOW)


def test_demo_people_are_made_once_and_enter_by_their_button_only(ledger):
    accounts.ensure_demo_people(ledger, PEOPLE, NOW)
    accounts.ensure_demo_people(ledger, [PEOPLE[0] | {"area_id": "north-2"}, PEOPLE[1]], NOW)
    assert [a.account_id for a in accounts.demo_people(ledger)] == ["demo-supervisor", "demo-station"]
    entered = accounts.demo_person(ledger, "demo-station", address="127.0.0.1", now=NOW)
    assert entered.scope == Scope("demo-station", "station", area_id="north-2")
    with pytest.raises(SignInRefused):
        try_in(ledger, name="demo-station", password="")
    with pytest.raises(AccountWrong, match="demo person without a password"):
        accounts.set_password(ledger, "demo-station", PASSWORD, NOW)


@pytest.mark.parametrize("name", ("anna", "nobody"))
def test_the_demo_button_opens_no_real_account(ledger, name):
    with pytest.raises(SignInRefused, match="is no demo person"):
        accounts.demo_person(ledger, name, address="127.0.0.1", now=NOW)


def test_a_demo_person_never_takes_over_a_real_account(ledger):
    with pytest.raises(AccountWrong, match="belongs to a real person"):
        accounts.ensure_demo_people(ledger, [PEOPLE[1] | {"account_id": "anna"}], NOW)
    assert accounts.existing(ledger, "anna").demo is False


def test_a_stay_is_found_by_its_token_and_only_the_hash_is_stored(ledger, tmp_path):
    token = stay(ledger)
    assert len(token) >= 43  # 32 bytes in base64
    assert sessions.find(ledger, token, NOW).account.account_id == "anna"
    assert all(token.encode() not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("forged", ("", "x", None, 7, b"bytes", object(), "\udc80", "' OR 1=1 --"))
def test_a_forged_token_opens_nothing(ledger, forged):
    stay(ledger)
    assert sessions.find(ledger, forged, NOW) is None


def test_the_stored_hash_is_no_token(ledger):
    assert sessions.find(ledger, sessions.key_of(stay(ledger)), NOW) is None


def test_a_stay_ends_after_an_hour_without_a_sign_of_the_person(ledger):
    token = stay(ledger)
    assert sessions.find(ledger, token, NOW + 60 * MINUTE) is None
    assert sessions.find(ledger, token, NOW + 59 * MINUTE)
    # seen at 59 minutes, so the hour starts again
    assert sessions.find(ledger, token, NOW + 118 * MINUTE)
    assert sessions.find(ledger, token, NOW + 178 * MINUTE) is None


def test_a_stay_ends_after_twelve_hours_whatever_happens(ledger):
    token = stay(ledger)
    for half_hours in range(1, 24):
        assert sessions.find(ledger, token, NOW + half_hours * 30 * MINUTE)
    assert sessions.find(ledger, token, NOW + timedelta(hours=12)) is None


def test_being_there_is_written_down_once_a_minute(ledger):
    token = stay(ledger)

    def seen():
        with ledger.connect() as con:
            return con.execute(sa.select(session_rows.c.seen_at)).scalar_one()

    sessions.find(ledger, token, NOW + timedelta(seconds=59))
    assert seen() == NOW
    sessions.find(ledger, token, NOW + MINUTE)
    assert seen() == NOW + MINUTE


def test_signing_out_ends_the_stay_and_no_other(ledger):
    first, second = stay(ledger), stay(ledger)
    sessions.end(ledger, first, NOW)
    assert sessions.find(ledger, first, NOW) is None
    assert sessions.find(ledger, second, NOW)


@pytest.mark.parametrize(
    "change",
    (
        lambda ledger: accounts.disable(ledger, "anna", NOW),
        lambda ledger: accounts.set_password(ledger, "anna", "another four words", NOW),
    ),
    ids=("disabled", "new password"),
)
def test_every_stay_ends_when_the_account_is_disabled_or_gets_a_new_password(ledger, change):
    tokens = [stay(ledger), stay(ledger)]
    change(ledger)
    assert [sessions.find(ledger, t, NOW) for t in tokens] == [None, None]


def test_a_stay_that_ended_does_not_come_back_when_the_account_is_enabled(ledger):
    token = stay(ledger)
    accounts.disable(ledger, "anna", NOW)
    accounts.enable(ledger, "anna", NOW)
    assert sessions.find(ledger, token, NOW) is None


def test_the_language_chosen_is_kept_with_the_account(ledger):
    accounts.set_language(ledger, "anna", "en")
    accounts.set_language(ledger, "anna", "xx")  # nothing we speak
    assert sessions.find(ledger, stay(ledger), NOW).account.language == "en"


def test_moments_come_back_in_utc_whatever_zone_they_were_given_in(ledger):
    beijing = timezone(timedelta(hours=8))
    token = stay(ledger, now=NOW.astimezone(beijing))
    assert sessions.find(ledger, token, NOW).started_at == NOW
    with pytest.raises(sa.exc.StatementError, match="has no time zone"):
        stay(ledger, now=datetime(2026, 10, 12, 8, 0))


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)  # PostgreSQL's own defaults: fsync, enforced keys
def test_the_ledger_flushes_before_it_says_done_and_keeps_its_references(ledger):
    with ledger.connect() as con:
        pragmas = [
            con.exec_driver_sql(f"PRAGMA {p}").scalar_one() for p in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


def test_another_ledger_can_be_named_by_its_url(tmp_path, monkeypatch):
    monkeypatch.setenv("STEWARD_LEDGER_URL", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    open_ledger(tmp_path / "unused").dispose()
    assert (tmp_path / "elsewhere.sqlite").is_file()
    assert not (tmp_path / "unused").exists()
