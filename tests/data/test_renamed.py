"""A file that still fits its source with other headings than the delivery before: nothing is left out in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from data import own_mappings
from data.intake import accept
from data.ledger import open_ledger
from data.waiting import Decision
from tests.data.test_deliveries import odd_of, told
from tests.data.town import NOW, ORDERS, ask, counts, load, put, registers

ROW = "o{i},oak,2026-01-05 09:00:00,110,投诉,2026-01-06,是"


@pytest.fixture
def root(tmp_path):
    """Three orders on record, closed on 6 January."""
    place = registers(tmp_path / "var")
    load(place, put(tmp_path, "first.csv", "\n".join([ORDERS, *(ROW.format(i=i) for i in range(3))]) + "\n"))
    return place


def sent(heading: str, row: str, rows: range = range(3)) -> str:
    return "\n".join([heading, *(row.format(i=i) for i in rows)]) + "\n"


def test_a_column_that_nobody_needs_renamed_waits_with_its_likely_new_name_and_empties_nothing(root, tmp_path):
    made = load(root, put(tmp_path, "b.csv", sent(ORDERS.replace("办结日期", "结案日期"), ROW)))
    assert made.waits == "waiting"
    # data/synonyms.toml knows 结案日期 as a name of the closing day: 100 % alike
    assert odd_of(root) == {"column_renamed": {"old": "办结日期", "new": "结案日期", "percent": 100}}
    assert ask(root, "SELECT count(*), count(closed_on) FROM complaints") == [(3, 3)]


def test_a_name_no_list_knows_is_told_by_its_likeness(root, tmp_path):
    load(root, put(tmp_path, "b.csv", sent(ORDERS.replace("办结日期", "办结的日期"), ROW)))
    # 4 of the 9 signs of both meet twice: 2 * 4 / 9 = 88.9
    assert odd_of(root) == {"column_renamed": {"old": "办结日期", "new": "办结的日期", "percent": 89}}


def test_a_column_gone_waits_where_records_would_be_emptied_and_says_how_many(root, tmp_path):
    heading, row = ORDERS.replace(",办结日期", ""), ROW.replace(",2026-01-06", "")
    assert load(root, put(tmp_path, "b.csv", sent(heading, row, range(1, 6)))).waits == "waiting"
    # orders 1 and 2 are on record with a closing day, 3 to 5 are new
    assert odd_of(root) == {"columns_gone": {"n": 1, "names": "办结日期", "emptied": 2}}


def test_a_column_gone_that_empties_nothing_is_told_only(root, tmp_path):
    heading, row = ORDERS.replace(",办结日期", ""), ROW.replace(",2026-01-06", "")
    made = load(root, put(tmp_path, "b.csv", sent(heading, row, range(7, 9))))
    assert (made.waits, counts(made)) == (None, (2, 2, 0, 0, 0))
    assert told(root, made) == {"columns_gone": {"n": 1, "names": "办结日期", "emptied": 0}}


def test_a_new_column_is_told_once_and_not_with_the_next_file_that_has_it(root, tmp_path):
    heading, row = ORDERS + ",坐席工号", ROW + ",77"
    assert told(root, load(root, put(tmp_path, "b.csv", sent(heading, row, range(7, 9))))) == {
        "columns_new": {"n": 1, "names": "坐席工号"}
    }
    assert told(root, load(root, put(tmp_path, "c.csv", sent(heading, row, range(10, 12))))) == {}


def test_of_a_first_delivery_what_no_mapping_reads_is_told_and_a_likely_column_named(tmp_path):
    root = registers(tmp_path / "var")
    heading, row = ORDERS.replace("办结日期", "结案日期") + ",坐席工号", ROW + ",77"
    made = load(root, put(tmp_path, "a.csv", sent(heading, row)))
    assert made.waits is None  # nobody knows yet what is usual
    assert told(root, made) == {
        "column_renamed": {"old": "办结日期", "new": "结案日期", "percent": 100},
        "columns_unread": {"n": 1, "names": "坐席工号"},
    }


def test_another_accepted_heading_of_the_same_column_is_no_change(root, tmp_path):
    heading = ORDERS.replace("办结日期", "closed_on").replace("来电时间", "受理时间")
    assert told(root, load(root, put(tmp_path, "b.csv", sent(heading, ROW, range(7, 9))))) == {}


def test_let_in_all_the_same_it_loads_and_says_what_it_waited_for(root, tmp_path):
    made = load(root, put(tmp_path, "b.csv", sent(ORDERS.replace("办结日期", "结案日期"), ROW)))
    (taken,) = accept(root, Decision(made.delivery_id, "steward-1", "没有这一列", NOW))
    assert taken.revised == 3
    assert set(told(root, taken)) == {"column_renamed", "accepted_by_person"}


def test_a_mapping_confirmed_for_it_loads_it_and_settles_what_waited(root, tmp_path):
    headings = ORDERS.replace("办结日期", "结案日期").split(",")
    path = put(tmp_path, "b.csv", sent(",".join(headings), ROW.replace("01-06", "01-08")))
    assert load(root, path).waits == "waiting"
    text = (
        'table = "complaints"\ninstead_of = "complaints"\nrequired_headings = ["工单编号", "结案日期"]\n[columns]\n'
        'complaint_id = "工单编号"\nestate_id = "小区编号"\nreceived_at = "来电时间"\nchannel = "受理渠道"\n'
        'nature = "诉求性质"\nclosed_on = "结案日期"\nsolved = "是否解决"\n[codes]\nchannel = { "110" = "police" }\n'
        'nature = { "投诉" = "complaint" }\n[derive]\nreceived_on = { day_of = "received_at" }\n'
    )
    own_mappings.save(
        root, open_ledger(root), "orders_2", text, headings=headings, by="steward-1", reason="改名", at=NOW
    )
    made = load(root, path)
    assert (made.source, made.waits, counts(made)) == ("orders_2", None, (3, 0, 3, 0, 0))
    assert ask(root, "SELECT DISTINCT closed_on::VARCHAR FROM complaints WHERE revised_by_seq IS NULL") == [
        ("2026-01-08",)
    ]
    state, by, at = ask(root, "SELECT state, decided_by, decided_at FROM deliveries_waiting")[0]
    assert (state, by, at.astimezone(UTC)) == ("refused", "mapping orders_2", datetime(2026, 10, 8, tzinfo=UTC))
    assert json.loads(ask(root, "SELECT headings FROM delivery_headings ORDER BY delivery_id DESC")[0][0]) == headings
