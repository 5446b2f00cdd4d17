"""Backup and restore: every table again, while the stores are in use; what is torn or altered is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from data import accounts, editions, notices, outbox, sessions
from data.backup import MANIFEST, BackupRefused, backup, restore
from data.ledger import FILE, URL_VARIABLE, open_ledger, writing
from data.ledger import outbox as outbox_rows
from data.records import StoreBusy, open_store
from data.scope import Scope
from rules.book import Book

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def root(demo_root, tmp_path, monkeypatch) -> Path:
    """The demo district with a ledger in a file of its own: test_ledger_copy.py has one in PostgreSQL."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    place = tmp_path / "var"
    shutil.copytree(demo_root, place, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    ledger = open_ledger(place)
    accounts.ensure_demo_people(ledger, [{"account_id": "demo", "name_zh": "示", "role": "supervisor"}], NOW)
    ledger.dispose()
    return place


def duck_rows(path: Path) -> dict[str, list]:
    with duckdb.connect(path, read_only=True) as con:
        names = [n for (n,) in con.sql("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {
            n: con.sql(f'SELECT hash(t)::VARCHAR, count(*) FROM "{n}" AS t GROUP BY 1 ORDER BY 1').fetchall()
            for n in names
        }


def ledger_rows(path: Path) -> dict[str, list]:
    with closing(sqlite3.connect(path)) as con:
        names = [n for (n,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {n: sorted(con.execute(f'SELECT * FROM "{n}"').fetchall(), key=repr) for n in names}


def test_every_table_of_the_three_stores_comes_back(root, tmp_path):
    restored = tmp_path / "again"
    backup(root, tmp_path / "backup", NOW)
    restore(tmp_path / "backup", restored, NOW)
    records = duck_rows(root / "records.duckdb")
    assert len(records) > 10 and sum(n for rows in records.values() for _, n in rows) > 1_000
    assert duck_rows(restored / "records.duckdb") == records
    kept = ledger_rows(root / FILE)
    assert kept["accounts"]
    assert ledger_rows(restored / FILE) == kept  # nobody was signed in
    assert editions.list_editions(restored) == editions.list_editions(root)
    assert editions.current(restored).stem == editions.current(root).stem
    for name in editions.list_editions(root):
        assert duck_rows(editions.path_of(restored, name)) == duck_rows(editions.path_of(root, name))
    assert (restored / "DEMO").read_bytes() == (root / "DEMO").read_bytes()


def test_a_notice_that_waited_when_the_backup_was_made_is_not_sent_again_unasked(root, tmp_path):
    ledger = open_ledger(root)
    accounts.create_account(ledger, account_id="wei", name_zh="韦", role="supervisor", now=NOW)
    notices.set_address(Scope("wei", "supervisor"), ledger, "wei", "mail", "wei@example.com", hosts=(), now=NOW)
    with writing(ledger) as con:
        assert outbox.put(con, "case_event:1", "wei", "通知", "请查看。", NOW) == 1
    backup(root, tmp_path / "backup", NOW)
    waits = outbox.Waits.of(Book().on(NOW.date(), "outbox"))
    assert outbox.claim(ledger, "sender", ("mail",), NOW, waits) is not None  # it goes out after the backup
    ledger.dispose()
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    restored = open_ledger(tmp_path / "again")
    assert outbox.claim(restored, "sender", ("mail",), NOW, waits) is None
    with restored.connect() as con:
        assert con.execute(sa.select(outbox_rows.c.unsure_at, outbox_rows.c.error)).all() == [(NOW, outbox.RESTORED)]


def test_a_ledger_in_use_is_copied_with_everything_committed(root, tmp_path):
    ledger = open_ledger(root)
    accounts.create_account(ledger, account_id="late", name_zh="晚", role="steward", now=NOW)  # stands in the WAL
    reader = editions.open_edition(editions.current(root))
    backup(root, tmp_path / "backup", NOW)
    assert reader.sql("SELECT count(*) FROM edition").fetchall() == [(1,)]
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    assert accounts.find(open_ledger(tmp_path / "again"), "late") is not None
    ledger.dispose()


def test_a_stay_of_before_the_backup_does_not_come_back_to_life(root, tmp_path):
    ledger = open_ledger(root)
    token = sessions.start(ledger, accounts.demo_people(ledger)[0], NOW)
    backup(root, tmp_path / "backup", NOW)
    restore(tmp_path / "backup", tmp_path / "again", NOW)
    assert sessions.find(ledger, token, NOW) is not None
    assert sessions.find(open_ledger(tmp_path / "again"), token, NOW) is None
    ledger.dispose()


def test_while_records_are_loaded_no_backup_is_made(root, tmp_path):
    loading = open_store(root, write=True)
    with pytest.raises(StoreBusy):
        backup(root, tmp_path / "backup", NOW)
    loading.close()
    assert not (tmp_path / "backup").exists()
    backup(root, tmp_path / "backup", NOW)  # what the first try left behind is in nobody's way


@pytest.mark.parametrize("harm", ("altered", "missing", "no list"))
def test_a_harmed_backup_is_refused_and_nothing_is_restored(root, tmp_path, harm):
    made = backup(root, tmp_path / "backup", NOW)
    if harm == "altered":
        with (made / "records.duckdb").open("r+b") as f:
            f.seek(5_000)
            f.write(b"\x00\xff\x00\xff")
    else:
        (made / (MANIFEST if harm == "no list" else FILE)).unlink()
    with pytest.raises(BackupRefused):
        restore(made, tmp_path / "again", NOW)
    assert not (tmp_path / "again").exists()


def test_nothing_is_written_over(root, tmp_path):
    made = backup(root, tmp_path / "backup", NOW)
    with pytest.raises(BackupRefused, match="not empty"):
        backup(root, made, NOW)
    with pytest.raises(BackupRefused, match="not empty"):
        restore(made, root, NOW)
    with pytest.raises(BackupRefused, match="lies within"):
        backup(root, root / "backup", NOW)


def test_a_list_that_points_outside_the_backup_is_refused(root, tmp_path):
    made = backup(root, tmp_path / "backup", NOW)
    outside = tmp_path / "outside"
    outside.write_text("not part of it", encoding="utf-8")
    said = json.loads((made / MANIFEST).read_text(encoding="utf-8"))
    from data.backup import _sha256

    said["files"]["../outside"] = _sha256(outside)
    (made / MANIFEST).write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(BackupRefused):
        restore(made, tmp_path / "deep" / "again", NOW)
