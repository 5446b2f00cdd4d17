"""The records store: versions that stay, views as of a delivery, one writer at a time."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from data.contracts import TABLES
from data.intake import load_file
from data.record_tables import ORIGIN
from data.records import StoreBusy, attach_records, open_store
from tests.data.town import NOW, ORDERS, ask, load, put, registers

OPEN = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,,\n"
CLOSED = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,2026-01-08,是\no2,oak,2026-01-06 09:00:00,110,投诉,,\n"


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def seen(root: Path, as_of: int | None, sql: str) -> list[tuple]:
    con = duckdb.connect()
    try:
        attach_records(con, root, as_of)
        return con.sql(sql).fetchall()
    finally:
        con.close()


def test_a_new_folder_gets_every_table_and_no_rows(tmp_path):
    con = duckdb.connect()
    attach_records(con, tmp_path / "it's new", None)
    for name in (*TABLES, "deliveries", "rows_set_aside"):
        assert con.sql(f"SELECT count(*) FROM {name}").fetchall() == [(0,)]
    con.close()


def test_views_carry_the_contract_s_columns_and_where_a_row_came_from(root):
    con = duckdb.connect()
    attach_records(con, root)
    for name, table in TABLES.items():
        assert tuple(con.sql(f"SELECT * FROM {name}").columns) == (*table.columns, *ORIGIN)
    con.close()


def test_any_past_delivery_can_be_read_as_it_was_then(root, tmp_path):
    first = load(root, put(tmp_path, "open.csv", OPEN)).seq
    second = load(root, put(tmp_path, "closed.csv", CLOSED)).seq
    closed = "SELECT record_id, closed_on, line FROM complaints ORDER BY 1"
    assert seen(root, first - 1, closed) == []
    assert seen(root, first, closed) == [("o1", None, 2)]
    assert seen(root, second, closed) == [("o1", date(2026, 1, 8), 2), ("o2", None, 3)]
    assert seen(root, None, closed) == seen(root, second, closed)
    assert seen(root, first, "SELECT max(seq) FROM deliveries") == [(first,)]


def test_rows_set_aside_are_seen_as_of_their_delivery(root, tmp_path):
    load(root, put(tmp_path, "open.csv", OPEN))
    bad = load(root, put(tmp_path, "bad.csv", OPEN.replace("110", "鸽子").replace("o1", "o9")))
    assert seen(root, bad.seq - 1, "SELECT count(*) FROM rows_set_aside") == [(0,)]
    assert seen(root, bad.seq, "SELECT line, found, estate_id FROM rows_set_aside") == [(2, "鸽子", "oak")]


def test_the_same_connection_may_look_at_another_day(root, tmp_path):
    first = load(root, put(tmp_path, "open.csv", OPEN)).seq
    load(root, put(tmp_path, "closed.csv", CLOSED))
    con = duckdb.connect()
    counted = []
    for as_of in (None, first):
        attach_records(con, root, as_of)
        counted += con.sql("SELECT count(*) FROM complaints").fetchall()
    con.close()
    assert counted == [(2,), (1,)]


def test_an_earlier_version_is_never_changed_except_for_who_revised_it(root, tmp_path):
    load(root, put(tmp_path, "open.csv", OPEN))
    before = ask(root, "SELECT * EXCLUDE revised_by_seq FROM complaints")
    load(root, put(tmp_path, "closed.csv", CLOSED))
    assert ask(root, "SELECT * EXCLUDE revised_by_seq FROM complaints WHERE revised_by_seq IS NOT NULL") == before


HOLD = """
import sys, time
from pathlib import Path
from data.records import open_store
con = open_store(Path(sys.argv[1]), write=True)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_store_held_by_another_process_is_told_plainly(root, tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy, match=r"held by another process.*try again"):
            load_file(root, put(tmp_path, "open.csv", OPEN), received_at=NOW)
        con = duckdb.connect()
        with pytest.raises(StoreBusy):
            attach_records(con, root)
        con.close()
    finally:
        holder.communicate()
    assert load(root, put(tmp_path, "open.csv", OPEN)).accepted == 1


def test_a_store_being_loaded_in_this_process_is_told_as_busy_to_readers(root):
    writing = open_store(root, write=True)
    try:
        with pytest.raises(StoreBusy):
            open_store(root)
        reader = duckdb.connect()
        with pytest.raises(StoreBusy):
            attach_records(reader, root)
        reader.close()
    finally:
        writing.close()
    open_store(root).close()
