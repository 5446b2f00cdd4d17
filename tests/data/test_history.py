"""As known on any day: versions by the moment they were known, whatever clock the machine had."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from data.intake import load_file
from data.queries import history
from data.records import attach_records
from data.scope import Scope
from tests.data.town import ORDERS, put, registers

STEWARD = Scope("s", "steward")


def day(n: int, hour: int = 8) -> datetime:
    return datetime(2026, 10, n, hour, tzinfo=UTC)


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")  # on 8 October, at midnight


@pytest.fixture
def told(root, tmp_path) -> Path:
    """Order o1 open on the 10th, closed on the 12th; o2 new on the 12th."""
    open_ = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,,\n"
    closed = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,2026-01-08,是\no2,elm,2026-08-06 09:00:00,110,投诉,,\n"
    load_file(root, put(tmp_path, "open.csv", open_), received_at=day(10))
    load_file(root, put(tmp_path, "closed.csv", closed), received_at=day(12))
    return root


def at(root: Path, question):
    con = duckdb.connect()
    try:
        attach_records(con, root)
        return question(con)
    finally:
        con.close()


def known(root: Path, moment: datetime, **more) -> list[tuple]:
    rows = at(root, lambda c: history.known(STEWARD, c, table="complaints", at=moment, **more))
    return [(r["record_id"], json.loads(r["row_said"])["closed_on"], r["versions"]) for r in rows.iter_rows(named=True)]


def test_a_record_reads_as_it_was_known_on_the_day_asked_for(told):
    assert known(told, day(9)) == []
    assert known(told, day(10, 7)) == []
    assert known(told, day(10)) == [("o1", None, 2)]  # the moment of the delivery belongs
    assert known(told, day(12, 7)) == [("o1", None, 2)]
    assert known(told, day(12)) == [("o1", "2026-01-08", 2), ("o2", None, 1)]


def test_a_record_is_found_by_part_of_its_id_or_its_estate_and_marks_are_only_text(told):
    assert [r[0] for r in known(told, day(13), search="elm")] == ["o2"]
    assert [r[0] for r in known(told, day(13), search="O1")] == ["o1"]
    assert known(told, day(13), search="%") == known(told, day(13), search="o_") == []


def test_the_versions_of_a_record_follow_one_another_without_a_gap(told):
    rows = at(told, lambda c: history.versions_of(STEWARD, c, table="complaints", record_id="o1"))
    assert rows["known_to"].to_list()[:-1] == rows["known_from"].to_list()[1:]
    assert rows["known_to"].to_list()[-1] is None
    assert rows["file"].to_list() == ["open.csv", "closed.csv"]


def test_counts_tell_what_was_known_then_what_is_now_and_what_reads_otherwise(told):
    rows = at(told, lambda c: history.counts(STEWARD, c, at=day(11)))
    assert ("complaints", 1, 2, 1) in rows.rows()
    assert ("estates", 2, 2, 0) in rows.rows()


def test_what_came_since_a_delivery_counts_only_days_up_to_the_periods_last(told):
    # deliveries 1 to 3 are registers, 4 the open order, 5 its closing and o2 of 6 August
    assert at(told, lambda c: history.since(STEWARD, c, as_of=4, last=date(2026, 9, 30))).rows() == [
        ("complaints", 1, 1, 2)
    ]
    assert at(told, lambda c: history.since(STEWARD, c, as_of=4, last=date(2026, 6, 30))).rows() == [
        ("complaints", 0, 1, 1)
    ]
    assert at(told, lambda c: history.since(STEWARD, c, as_of=5, last=date(2026, 9, 30))).rows() == []


def test_who_called_is_in_no_answer(told):
    rows = at(told, lambda c: history.known(STEWARD, c, table="complaints", at=day(13)))
    assert "caller_hash" not in rows["row_said"][0]


def test_an_earlier_view_of_the_store_knows_nothing_of_later_versions(told):
    con = duckdb.connect()
    attach_records(con, told, 4)
    rows = history.versions_of(STEWARD, con, table="complaints", record_id="o1")
    con.close()
    assert rows.select("delivery_seq", "known_to").rows() == [(4, None)]
