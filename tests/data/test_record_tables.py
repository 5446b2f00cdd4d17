"""How the record tables lie in the store: columns from the first delivery that fills them, and stores made before that."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from data.contracts import TABLES
from data.record_tables import held, record_id_sql, sql_type
from data.records import FILE, attach_records
from tests.data.town import ORDERS, ask, counts, load, put, registers

ONE = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,,\n"
CLOSED = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,2026-01-08,是\no2,elm,2026-01-06 09:00:00,110,投诉,,\n"
VERSION = {"delivery_id", "line", "delivery_seq", "revised_by_seq"}
SAID = {"complaint_id", "estate_id", "received_at", "received_on", "channel", "nature"}


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def stored(root: Path, table: str) -> set[str]:
    """The columns of a record table in the file itself."""
    with duckdb.connect(root / FILE, read_only=True) as con:
        return held(con, "records")[table]


def made_before(root: Path, table: str, without: tuple[str, ...] = ()) -> None:
    """Give the store its table as the first version made it: every column then known, and ``record_id`` stored."""
    contract = TABLES[table]
    columns = ", ".join(f'"{c}" {sql_type(k)}' for c, k in contract.columns.items() if c not in without)
    with duckdb.connect(root / FILE) as con:
        con.execute(f"DROP TABLE {table}")
        con.execute(
            f"CREATE TABLE {table} ({columns}, record_id VARCHAR NOT NULL, delivery_id VARCHAR NOT NULL, "
            "line BIGINT NOT NULL, delivery_seq INTEGER NOT NULL, revised_by_seq INTEGER)"
        )


def test_a_column_stands_in_the_store_from_the_first_delivery_that_fills_it(root, tmp_path):
    assert stored(root, "complaints") == {"complaint_id"} | VERSION
    load(root, put(tmp_path, "one.csv", ONE))
    assert stored(root, "complaints") == SAID | VERSION
    made = load(root, put(tmp_path, "closed.csv", CLOSED))
    assert counts(made) == (2, 1, 1, 0, 0)
    assert stored(root, "complaints") == SAID | {"closed_on", "solved"} | VERSION
    assert ask(root, "SELECT record_id, closed_on, solved, due_on FROM complaints ORDER BY delivery_seq, record_id") == [
        ("o1", None, None, None), ("o1", date(2026, 1, 8), True, None), ("o2", None, None, None),
    ]  # fmt: skip


def test_what_was_known_before_a_column_came_says_nothing_in_it(root, tmp_path):
    first = load(root, put(tmp_path, "one.csv", ONE)).seq
    load(root, put(tmp_path, "closed.csv", CLOSED))
    with duckdb.connect() as con:
        attach_records(con, root, first)
        assert con.sql("SELECT record_id, closed_on, solved FROM complaints").fetchall() == [("o1", None, None)]
        said = con.sql("SELECT DISTINCT row_said::JSON->>'closed_on' FROM versions WHERE record_table = 'complaints'")
        assert said.fetchall() == [(None,)]


def test_a_delivery_that_is_not_taken_leaves_no_column_behind(root, tmp_path):
    """Half of its days lie after the day of delivery, so it waits for a person."""
    rows = "".join(f"n{i},oak,2031-01-05 09:00:00,110,投诉,2031-02-01,是\n" for i in range(60))
    made = load(root, put(tmp_path, "later.csv", f"{ORDERS}\n{rows}"))
    assert made.waits == "waiting"
    assert stored(root, "complaints") == {"complaint_id"} | VERSION
    assert ask(root, "SELECT count(*), count(closed_on) FROM complaints") == [(0, 0)]


def test_a_store_made_by_the_first_version_is_read_and_written_as_it_is(root, tmp_path):
    made_before(root, "complaints")
    load(root, put(tmp_path, "one.csv", ONE))
    made = load(root, put(tmp_path, "closed.csv", CLOSED))
    assert counts(made) == (2, 1, 1, 0, 0)
    assert stored(root, "complaints") == {*TABLES["complaints"].columns, "record_id"} | VERSION
    assert ask(root, "SELECT record_id, closed_on FROM records.main.complaints ORDER BY delivery_seq, record_id") == [
        ("o1", None), ("o1", date(2026, 1, 8)), ("o2", None),
    ]  # fmt: skip


def test_a_store_made_before_there_were_forms_gets_their_columns_when_they_are_filled(root):
    late = ("form", "form_version", "remark", "photos", "photo_prints")
    made_before(root, "inspection_items", late)
    assert ask(root, f"SELECT count(*), {', '.join(f'count({c})' for c in late)} FROM inspection_items") == [(0,) * 6]
    assert not stored(root, "inspection_items") & set(late)


def test_a_record_of_several_keys_is_named_by_them_in_their_order():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (estate_id VARCHAR, valid_from DATE)")
        con.execute("INSERT INTO t VALUES ('oak', '2020-01-01')")
        assert TABLES["estates"].key == ("estate_id", "valid_from")
        assert con.sql(f"SELECT {record_id_sql(TABLES['estates'])} FROM t").fetchall() == [("oak/2020-01-01",)]
