"""Backup and restore of a ledger in PostgreSQL: every table as it stood at one moment, into an empty place or nowhere."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import steward
from data import accounts, events, notices, outbox, sessions
from data.backup import BackupRefused, backup, restore
from data.ledger import FILE, METADATA, OF_FOLDER, URL_VARIABLE, at_address, open_ledger, writing
from data.ledger_copy import FILES_AT_ONCE, ROWS_AT_ONCE, CopyRefused
from data.records import open_store
from data.scope import Scope
from rules.book import Book
from tests.data import postgres
from tests.data.test_events import add, opened, said

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
TABLES = METADATA.tables
#: One row at least of what the steps below leave empty; moments to the microsecond, a day, text no ASCII holds.
ROWS = {
    "account_roles": {"account_id": "wei", "place": 1, "role": "station", "area_id": "北-1"},
    "sessions": {"token_hash": "5" * 64, "account_id": "wei", "started_at": NOW, "seen_at": NOW, "ended_at": NOW,
                 "ended_by": "sign_out"},
    "sign_in_attempts": {"account_typed": "wei", "address": "::1", "tried_at": NOW, "outcome": "signed_in"},
    "papers": {"check_code": "k", "case_id": "2026Q3-0001", "kind": "letter", "year": 2026, "sequence": 1, "number": "一",
               "made_at": NOW},
    "outbox": {"key": "e:1", "channel": "mail", "to": "wei@example.com", "subject": "通知", "body": "“请”\n查看", "made_at": NOW,
               "due_at": NOW, "attempts": 1, "sent_at": NOW},
    "outbox_decisions": {"message_id": 1, "what": "arrived", "reason": "电话", "by": "wei", "at": NOW},
    "addresses": {"account_id": "wei", "channel": "mail", "to": "wei@example.com"},
    "case_readings": {"case_id": "2026Q3-0001", "account_id": "wei", "day": date(2026, 11, 23), "first_at": NOW},
    "views": {"at": NOW, "day": date(2026, 11, 23), "account_id": "wei", "role": "supervisor", "record_table": "incidents",
              "estate_id": "oak", "company_id": "", "head_id": "", "about": "S01", "how": "page", "reason": "复核"},
    "mapping_files": {"name": "m", "version": 1, "record_table": "estates", "sha256": "0" * 64, "reason": "r", "by": "wei",
                      "at": NOW},
}  # fmt: skip


@pytest.fixture
def empty(postgres_address):
    """Another database, where nothing is."""
    with postgres.database(postgres_address) as url:
        yield url


@pytest.fixture
def root(postgres_address, tmp_path, monkeypatch) -> Path:
    """A folder without a district; its ledger, in PostgreSQL, holds rows in every table."""
    with postgres.database(postgres_address) as url:
        monkeypatch.setenv(URL_VARIABLE, url)
        place = tmp_path / "var"
        place.mkdir()
        open_store(place, write=True).close()
        ledger = open_ledger(place)
        fill(ledger)
        ledger.dispose()
        yield place


def fill(ledger: sa.Engine) -> None:
    accounts.create_account(ledger, account_id="wei", name_zh="韦", role="supervisor", now=NOW)
    case_id = opened(ledger)
    with writing(ledger) as con:
        shas = [events.attach(con, bytes(range(256)) * (n + 1), f"图{n}.bin", "x/y") for n in range(FILES_AT_ONCE + 1)]
        for name, row in ROWS.items():
            con.execute(sa.insert(TABLES[name]).values({**row, **_files(name, shas)}))
        attempt = ROWS["sign_in_attempts"]
        con.execute(sa.insert(TABLES["sign_in_attempts"]), [attempt] * (2 * ROWS_AT_ONCE))  # with the one: three chunks
    add(ledger, case_id, 1, said("taken_up", reason="事实清楚", attachment=shas[0], facts={"数": [1.5, None, True]}))


def _files(name: str, shas: list[str]) -> dict:
    return {"sha256_zh": shas[1], "sha256_en": shas[2]} if name == "papers" else {}


def rows_of(engine: sa.Engine) -> dict[str, list[str]]:
    """Every row of every table as the program reads it, and the version the schema stands at."""
    with engine.connect() as con:
        found = {n: sorted(map(repr, con.execute(sa.select(t)).all())) for n, t in TABLES.items()}
        return found | {"alembic_version": [con.execute(sa.text("SELECT * FROM alembic_version")).scalar_one()]}


def at(root: Path) -> dict[str, list[str]]:
    ledger = open_ledger(root)
    found = rows_of(ledger)
    ledger.dispose()
    return found


class WhileRead:
    """Somebody else who writes and commits once, between two tables of a backup that is being made."""

    def __init__(self, root: Path) -> None:
        self.root, self.written = root, False

    def __call__(self, _con, _cursor, statement, *_rest) -> None:
        if not self.written and "FROM accounts" in statement:
            self.written = True
            ledger = open_ledger(self.root)
            accounts.create_account(ledger, account_id="late", name_zh="晚", role="steward", now=NOW)
            add(ledger, "2026Q3-0001", 2, said("party_told"))
            ledger.dispose()

    def __enter__(self) -> WhileRead:
        sa.event.listen(sa.Engine, "before_cursor_execute", self)
        return self

    def __exit__(self, *_what) -> None:
        sa.event.remove(sa.Engine, "before_cursor_execute", self)


def assert_whole_and_in_use(root: Path) -> None:
    """The chain holds, the next rows get the next numbers, and what may not change does not."""
    ledger = open_ledger(root)
    assert list(events.faults(ledger)) == []
    assert [e.seq for e in add(ledger, "2026Q3-0001", 2, said("party_told"))] == [3]  # after opened and taken_up
    with writing(ledger) as con:
        given = con.execute(sa.insert(TABLES["sign_in_attempts"]).values(ROWS["sign_in_attempts"])).inserted_primary_key
        assert given == (2 * ROWS_AT_ONCE + 2,)
        view = con.execute(sa.insert(TABLES["views"]).values(ROWS["views"])).inserted_primary_key
        assert view == (2,)
    assert list(events.faults(ledger)) == []
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), writing(ledger) as con:
        con.execute(sa.text("UPDATE case_events SET reason = 'x'"))
    ledger.dispose()


def test_every_table_comes_back_as_it_stood_though_somebody_wrote_meanwhile(root, empty, tmp_path, monkeypatch):
    before = at(root)
    assert [name for name, rows in before.items() if not rows] == []
    with WhileRead(root) as other:
        backup(root, tmp_path / "backup", NOW)
    assert other.written
    after = at(root)
    assert {n for n in after if after[n] != before[n]} == {"accounts", "account_events", "case_events", "chain"}
    monkeypatch.setenv(URL_VARIABLE, empty)
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    assert at(tmp_path / "again") == before
    assert not (tmp_path / "again" / FILE).exists()  # no second copy of people's records
    assert_whole_and_in_use(tmp_path / "again")


def test_the_same_backup_goes_into_a_file(root, tmp_path, monkeypatch):
    before = at(root)
    backup(root, tmp_path / "backup", NOW)
    assert sorted(p.name for p in (tmp_path / "backup").iterdir()) == [
        "BACKUP.json", "editions", "ledger.sqlite", "records.duckdb",
    ]  # fmt: skip
    monkeypatch.delenv(URL_VARIABLE)
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    assert at(tmp_path / "again") == before
    assert_whole_and_in_use(tmp_path / "again")


def test_two_districts_of_one_database_keep_their_own(root, empty, tmp_path, monkeypatch):
    backup(root, tmp_path / "backup", NOW)
    before = at(root)
    with pytest.raises(BackupRefused, match=r"holds no records\.duckdb"):
        backup(tmp_path, tmp_path / "none", NOW)  # the database is the right one, the folder is not
    monkeypatch.setenv(URL_VARIABLE, f"{empty}?options=-csearch_path%3D{OF_FOLDER}")
    with pytest.raises(CopyRefused, match="holds no ledger"):
        backup(root, tmp_path / "none", NOW)
    for name in ("one", "two"):
        restore(tmp_path / "backup", tmp_path / name, NOW)
        assert at(tmp_path / name) == before
    assert_whole_and_in_use(tmp_path / "two")
    assert at(tmp_path / "one") == before


def test_who_has_not_finished_writing_neither_holds_it_up_nor_is_in_it(root, tmp_path, monkeypatch):
    before = at(root)
    ledger = open_ledger(root)
    with writing(ledger) as con:
        con.execute(sa.insert(TABLES["addresses"]).values({**ROWS["addresses"], "channel": "webhook"}))
        backup(root, tmp_path / "backup", NOW)
    ledger.dispose()
    assert len(at(root)["addresses"]) == 2
    monkeypatch.delenv(URL_VARIABLE)
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    assert at(tmp_path / "again") == before


def test_stays_end_and_waiting_notices_are_doubted_there_too(root, empty, tmp_path, monkeypatch):
    ledger = open_ledger(root)
    token = sessions.start(ledger, accounts.find(ledger, "wei"), NOW)
    notices.set_address(Scope("wei", "supervisor"), ledger, "wei", "mail", "wei@example.com", hosts=(), now=NOW)
    with writing(ledger) as con:
        assert outbox.put(con, "case_event:2", "wei", "通知", "请查看。", NOW) == 1
    backup(root, tmp_path / "backup", NOW)
    assert sessions.find(ledger, token, NOW) is not None
    ledger.dispose()
    monkeypatch.setenv(URL_VARIABLE, empty)
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    restored = open_ledger(tmp_path / "again")
    assert sessions.find(restored, token, NOW) is None
    assert outbox.claim(restored, "sender", ("mail",), NOW, outbox.Waits.of(Book().on(NOW.date(), "outbox"))) is None
    restored.dispose()


def test_a_database_that_holds_something_is_refused_and_left_as_it_was(root, tmp_path):
    before = at(root)
    backup(root, tmp_path / "backup", NOW)
    done = CliRunner().invoke(steward.main, ["--root", str(tmp_path / "again"), "restore", str(tmp_path / "backup")])
    assert done.exit_code == 2 and "is not empty" in done.output and "Nothing was restored" in done.output
    assert not (tmp_path / "again").exists() and not (tmp_path / "again.partial").exists()
    assert at(root) == before


def test_a_ledger_that_postgresql_will_not_take_leaves_it_empty_and_no_name_in_the_refusal(
    root, empty, tmp_path, monkeypatch
):
    """SQLite holds a name of any length; PostgreSQL refuses one of more than 128 characters, late in the copy."""
    monkeypatch.delenv(URL_VARIABLE)
    shutil.copytree(root, tmp_path / "file")
    open_ledger(tmp_path / "file").dispose()
    with closing(sqlite3.connect(tmp_path / "file" / FILE)) as con, con:
        con.execute(
            "INSERT INTO mapping_files (name, version, record_table, sha256, reason, by, at) "
            "VALUES (?, 1, 't', 's', 'r', 'b', '2026-11-23 08:00:00.000000')",
            ("秘" * 129,),
        )
    backup(tmp_path / "file", tmp_path / "backup", NOW)
    monkeypatch.setenv(URL_VARIABLE, empty)
    with pytest.raises(CopyRefused, match="nothing was changed") as refused:
        restore(tmp_path / "backup", tmp_path / "again", NOW)
    assert "秘" not in str(refused.value)
    there = at_address(tmp_path / "again")
    assert sa.inspect(there).get_table_names() == []
    there.dispose()
    assert not (tmp_path / "again").exists()


def test_a_ledger_of_another_version_is_not_led_on_by_a_backup(root, tmp_path):
    ledger = open_ledger(root)
    with writing(ledger) as con:
        con.execute(sa.text("UPDATE alembic_version SET version_num = 'views_0005'"))
    with pytest.raises(CopyRefused, match="stands at 'views_0005'"):
        backup(root, tmp_path / "backup", NOW)
    with ledger.connect() as con:
        assert con.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == "views_0005"
    ledger.dispose()
    assert not (tmp_path / "backup").exists()
