"""Complainants: what tells callers apart is kept on record and shown to nobody, also where a row is mended by hand."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from data import mapping
from data.mapping import sources
from data.mending import mend
from data.queries import desk
from data.records import attach_records
from data.scope import Scope
from data.unshown import headings, restored, without
from tests.data.test_mending import ACT
from tests.data.town import ask, load, put, registers

HASH = "caller-7f3a9c"
ORDERS = (
    "工单编号,小区编号,来电时间,受理渠道,诉求性质,来电人哈希\n"
    f"o1,ash,2026-01-05 09:00:00,110,投诉,{HASH}\n"
    f"o2,oak,2026-01-06 09:00:00,110,投诉,{HASH}\n"
)


@pytest.fixture
def root(tmp_path):
    root = registers(tmp_path / "var")
    load(root, put(tmp_path, "orders.csv", ORDERS))
    return root


def set_aside(root, role: str) -> pl.DataFrame:
    con = duckdb.connect()
    attach_records(con, root)
    return desk.set_aside(Scope("x", role), con)


@pytest.mark.parametrize("role", ["steward", "supervisor"])
def test_a_row_set_aside_is_shown_without_its_caller(root, role):
    rows = set_aside(root, role)
    assert json.loads(rows["original"][0])["工单编号"] == "o1"
    assert HASH not in rows.write_json()
    assert ask(root, "SELECT count(*) FROM rows_set_aside WHERE contains(original, 'caller-7f3a9c')") == [(1,)]


def test_a_row_mended_on_the_page_keeps_the_caller_nobody_saw(root):
    row = set_aside(root, "steward").row(0, named=True)
    mended = json.loads(row["original"]) | {"小区编号": "elm"}
    edit = pl.DataFrame({"delivery_id": [row["delivery_id"]], "line": [row["line"]], "after": [json.dumps(mended)]})
    (done,) = mend(root, edit, ACT)
    assert (done.rows, done.left.height) == (1, 0)
    stored = "SELECT record_id, estate_id, caller_hash FROM complaints ORDER BY 1"
    assert ask(root, stored) == [("o1", "elm", HASH), ("o2", "oak", HASH)]
    rows = set_aside(root, "steward")
    assert rows["state"].to_list() == ["mended"]
    assert HASH not in rows.write_json(), "nor does what the row says now tell"


def test_a_caller_altered_on_purpose_is_taken_as_written():
    con = duckdb.connect()
    hidden = headings(sources().values())
    said = restored("a", "o", hidden)
    row = {"o": '{"工单编号": "o1", "来电人哈希": "x\\"y"}', "a": '{"工单编号": "o1"}', "b": '{"来电人哈希": "z"}'}
    con.execute("CREATE TABLE t AS SELECT $o AS o, $a AS a", {"o": row["o"], "a": row["a"]})
    assert json.loads(con.sql(f"SELECT {said} FROM t").fetchall()[0][0]) == {"工单编号": "o1", "来电人哈希": 'x"y'}
    con.execute("UPDATE t SET a = $b", {"b": row["b"]})
    assert json.loads(con.sql(f"SELECT {said} FROM t").fetchall()[0][0]) == {"来电人哈希": "z"}
    con.execute("UPDATE t SET a = NULL")
    assert con.sql(f"SELECT {said}, {without('a', hidden)} FROM t").fetchall() == [(None, None)]


def test_the_heading_of_every_mapping_file_is_known():
    assert set(headings(sources().values())) == {"caller_hash", "来电人哈希"}


def test_a_heading_of_the_districts_own_mapping_is_not_shown_either(root, tmp_path):
    shipped = (Path(mapping.__file__).parent / "sources" / "complaints.toml").read_text(encoding="utf-8")
    own = shipped.replace('"来电人哈希"', '"诉求人摘要"').replace('"工单编号"', '"单号"')
    (root / "mappings").mkdir()
    (root / "mappings" / "own_orders.1.toml").write_text(own, encoding="utf-8")
    load(root, put(tmp_path, "own.csv", ORDERS.replace("来电人哈希", "诉求人摘要").replace("工单编号", "单号")))
    rows = set_aside(root, "steward")
    assert "own_orders" in rows["source"].to_list()
    assert HASH not in rows.write_json()
    row = rows.filter(pl.col("source") == "own_orders").row(0, named=True)
    mended = json.loads(row["original"]) | {"小区编号": "elm"}
    edit = pl.DataFrame({"delivery_id": [row["delivery_id"]], "line": [row["line"]], "after": [json.dumps(mended)]})
    (done,) = mend(root, edit, ACT)
    assert done.left.is_empty()
    assert ask(root, "SELECT DISTINCT caller_hash FROM complaints WHERE record_id = 'o1'") == [(HASH,)]
