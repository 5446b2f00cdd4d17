"""The view log and the sign-in log: what is entered, who may read it, and that nothing of it can be rewritten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from data import accounts, sessions, views
from data.ledger import open_ledger, writing
from data.queries import watching
from data.scope import Scope
from data.views import Party, ReasonMissing

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)  # 16:00 in the district
PASSWORD = "four unrelated words"
OFFICER = Scope("anna", "station", area_id="north-1")
STEWARD = Scope("wei", "steward")
ACME, OTHER = Party("e1", "acme", "h1"), Party("e2", "other", "h2")


@pytest.fixture
def ledger(tmp_path):
    engine = open_ledger(tmp_path)
    accounts.create_account(
        engine, account_id="anna", name_zh="安娜", role="station", area_id="north-1", password=PASSWORD, now=NOW
    )
    yield engine
    engine.dispose()


def entered(ledger, scope=STEWARD, **asked) -> list[dict]:
    return watching.view_log(scope, None, ledger, at=NOW, **asked).to_dicts()


def enter(ledger, table="office_heads", parties=(ACME,), at=NOW, scope=OFFICER, reason="", about="m 2026Q3"):
    return views.enter(ledger, scope, table, parties, about=about, how="page", at=at, reason=reason)


def test_the_steward_reads_who_read_what_of_whom_when_and_why(ledger):
    enter(ledger, table="incidents", reason="核对异议")
    row = entered(ledger)[0]
    assert (row["account_id"], row["name_zh"], row["role"], row["at"]) == ("anna", "安娜", "station", NOW)
    assert (row["record_table"], row["estate_id"], row["company_id"], row["head_id"]) == (
        "incidents",
        "e1",
        "acme",
        "h1",
    )
    assert (row["about"], row["how"], row["reason"]) == ("m 2026Q3", "page", "核对异议")


@pytest.mark.parametrize("reason", ["", "   ", "abc", "aaaaaaa", " a a a a "])
def test_police_cases_are_not_read_without_a_reason_and_nothing_is_entered(ledger, reason):
    with pytest.raises(ReasonMissing, match="incidents"):
        enter(ledger, table="incidents", reason=reason)
    assert entered(ledger) == []


def test_a_manager_says_no_reason_for_the_own_companys_cases_and_is_entered_all_the_same(ledger):
    assert enter(ledger, table="incidents", scope=Scope("m", "manager", company_id="acme")) == 1
    assert entered(ledger)[0]["role"] == "manager"


def test_the_same_reading_is_entered_once_a_day_of_the_district(ledger):
    assert enter(ledger) == 1
    assert enter(ledger, at=NOW + timedelta(hours=7)) == 0  # 23:00 there
    assert enter(ledger, at=NOW + timedelta(hours=8, minutes=1)) == 1  # 00:01 of the next day there
    assert len(entered(ledger)) == 2


def test_another_party_another_matter_another_duty_or_another_reason_is_another_reading(ledger):
    made = [
        enter(ledger),
        enter(ledger, parties=(ACME, OTHER)),  # one of them is new
        enter(ledger, about="other 2026Q3"),
        enter(ledger, scope=Scope("anna", "supervisor")),
        enter(ledger, reason="another reason"),
    ]
    assert made == [1, 1, 1, 1, 1]


def test_a_table_the_rule_does_not_name_leaves_no_trace(ledger):
    assert enter(ledger, table="hazards") == 0
    assert entered(ledger) == []


def test_a_company_reads_that_its_heads_were_looked_up_by_which_duty_not_by_whom_or_why(ledger):
    enter(ledger, parties=(ACME, OTHER), reason="x y z w")
    enter(ledger, table="incidents", reason="an inquiry")
    enter(ledger, table="complaints")
    rows = entered(ledger, Scope("m", "manager", company_id="acme"))
    assert rows == [
        {
            "at": NOW,
            "role": "station",
            "record_table": "office_heads",
            "estate_id": "e1",
            "head_id": "h1",
            "how": "page",
            "total": 1,
        }
    ]
    assert entered(ledger, Scope("m", "manager", company_id="acme"), table="incidents") == []


@pytest.mark.parametrize("role", ["supervisor", "subdistrict", "station"])
def test_officers_read_neither_log(ledger, role):
    scope = Scope("anna", role, area_id="north-1")
    with pytest.raises(PermissionError):
        watching.view_log(scope, None, ledger, at=NOW)
    with pytest.raises(PermissionError):
        watching.sign_in_log(scope, None, ledger, at=NOW)


def test_a_manager_reads_no_sign_in_log(ledger):
    with pytest.raises(PermissionError):
        watching.sign_in_log(Scope("m", "manager", company_id="acme"), None, ledger, at=NOW)


def sign_ins(ledger, at, **asked) -> list[tuple]:
    rows = watching.sign_in_log(STEWARD, None, ledger, at=at, **asked).to_dicts()
    return [(r["at"] - NOW, r["account_id"], r["what"], r["address"]) for r in rows]


def test_the_sign_in_log_tells_success_failure_and_lock(ledger):
    for i in range(6):
        with pytest.raises(accounts.SignInRefused):
            accounts.check_password(ledger, "anna", "wrong", address="10.0.0.9", now=NOW + timedelta(seconds=i))
    later = NOW + timedelta(minutes=20)
    accounts.check_password(ledger, "anna", PASSWORD, address="10.0.0.7", now=later)
    # five failures lock the name; the sixth attempt finds it locked
    assert sign_ins(ledger, later) == [
        (timedelta(minutes=20), "anna", "signed_in", "10.0.0.7"),
        (timedelta(seconds=5), "anna", "locked", "10.0.0.9"),
        *((timedelta(seconds=i), "anna", "refused", "10.0.0.9") for i in (4, 3, 2, 1, 0)),
    ]
    assert sign_ins(ledger, later, state="locked") == [(timedelta(seconds=5), "anna", "locked", "10.0.0.9")]
    assert sign_ins(ledger, later, search="AN") != [] and sign_ins(ledger, later, search="%") == []


def test_the_sign_in_log_tells_how_each_stay_ended(ledger):
    anna = accounts.existing(ledger, "anna")
    signed_out = sessions.start(ledger, anna, NOW)
    sessions.end(ledger, signed_out, NOW + timedelta(minutes=5))
    sessions.start(ledger, anna, NOW + timedelta(minutes=6))  # left idle: an hour after 8:06
    at = NOW + timedelta(minutes=65)
    assert sign_ins(ledger, at) == [(timedelta(minutes=5), "anna", "sign_out", "")]
    at = NOW + timedelta(minutes=66)
    assert sign_ins(ledger, at)[0] == (timedelta(minutes=6), "anna", "idle", "")
    busy = sessions.start(ledger, anna, at)
    for quarter in range(1, 49):  # a sign every 15 minutes: twelve hours
        sessions.find(ledger, busy, at + timedelta(minutes=15 * quarter))
    end = at + timedelta(hours=12)
    assert sign_ins(ledger, end)[0][1:3] == ("anna", "limit")


def test_the_offices_own_service_stands_in_the_sign_in_log_and_is_no_failure_for_the_brake(ledger):
    for _ in range(40):
        accounts.note_service(ledger, "", came_in=False, address="10.0.0.9", now=NOW)
    accounts.note_service(ledger, "oidc-1", came_in=True, address="10.0.0.9", now=NOW + timedelta(seconds=1))
    assert sign_ins(ledger, NOW + timedelta(minutes=1))[:2] == [
        (timedelta(seconds=1), "oidc-1", "service", "10.0.0.9"),
        (timedelta(0), "", "not_vouched", "10.0.0.9"),
    ]
    assert accounts.check_password(ledger, "anna", PASSWORD, address="10.0.0.9", now=NOW).account_id == "anna"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE views SET reason = 'x'", "DELETE FROM views", "DELETE FROM sign_in_attempts", "DELETE FROM sessions",
     "UPDATE sign_in_attempts SET outcome = 'refused'", "UPDATE sign_in_attempts SET address = 'elsewhere'",
     "UPDATE sessions SET ended_at = NULL", "UPDATE sessions SET started_at = '2027-01-01 00:00:00'"],
)  # fmt: skip
def test_the_database_itself_refuses_to_rewrite_either_log(ledger, statement):
    enter(ledger)
    accounts.check_password(ledger, "anna", PASSWORD, address="10.0.0.7", now=NOW)
    token = sessions.start(ledger, accounts.existing(ledger, "anna"), NOW)
    sessions.end(ledger, token, NOW + timedelta(minutes=1))
    with pytest.raises(sa.exc.DBAPIError, match="never changed or removed"), writing(ledger) as con:
        con.execute(sa.text(statement))


def test_every_kind_of_the_sign_in_log_has_words_in_both_languages():
    from i18n.words import Words

    for language in ("zh", "en"):
        assert all(Words(language).has(f"signins.what.{kind}") for kind in watching.KINDS)
        assert all(Words(language).has(f"table.{table}") for table in views.rule_on(date(2026, 11, 23))["tables"])
