"""Deliveries judged as wholes: what is odd of one is told beside it, and nothing is refused for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.data.town import ORDERS, ask, counts, load, put, registers


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def orders(first: int, n: int, day: str) -> str:
    rows = [f"o{i},oak,{day} 09:00:00,110,投诉,," for i in range(first, first + n)]
    return "\n".join([ORDERS, *rows]) + "\n"


def told(root: Path, made) -> dict[str, dict]:
    rows = ask(root, f"SELECT note, params FROM delivery_notes WHERE delivery_id = '{made.delivery_id}'")
    return {n: json.loads(p) for n, p in rows}


def test_an_ordinary_delivery_has_nothing_told_of_it(root, tmp_path):
    assert told(root, load(root, put(tmp_path, "a.csv", orders(0, 5, "2026-01-05")))) == {}


def test_a_large_share_set_aside_is_told_with_its_percent(root, tmp_path):
    text = orders(0, 3, "2026-01-05").replace("o0,oak", "o0,ash")  # an estate nobody knows: 1 of 3 is 33 %
    assert told(root, load(root, put(tmp_path, "a.csv", text))) == {"many_set_aside": {"n": 1, "percent": 33}}


def test_three_times_the_usual_number_of_rows_passes_and_more_is_told(root, tmp_path):
    for i in range(3):
        load(root, put(tmp_path, f"{i}.csv", orders(10 * i, 4, "2026-01-05")))
    assert told(root, load(root, put(tmp_path, "x.csv", orders(100, 12, "2026-01-06")))) == {}
    assert told(root, load(root, put(tmp_path, "y.csv", orders(200, 13, "2026-01-06")))) == {
        "unusual_count": {"n": 13, "usual": 4}
    }


def test_days_without_a_record_before_a_delivery_are_told(root, tmp_path):
    load(root, put(tmp_path, "a.csv", orders(0, 2, "2026-01-05")))
    assert told(root, load(root, put(tmp_path, "b.csv", orders(10, 2, "2026-02-05")))) == {}  # 31 days
    found = told(root, load(root, put(tmp_path, "c.csv", orders(20, 2, "2026-03-09"))))  # 32 days
    assert found == {"period_gap": {"days": 32, "last": "2026-02-05", "first": "2026-03-09"}}


def test_records_dated_after_the_delivery_are_told_and_kept(root, tmp_path):
    made = load(root, put(tmp_path, "a.csv", orders(0, 2, "2026-10-09")))  # received on 8 October 2026
    assert counts(made) == (2, 2, 0, 0, 0)
    assert told(root, made) == {"future_days": {"n": 2, "day": "2026-10-09"}}
