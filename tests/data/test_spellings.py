"""Values as people type them: each spelling reads as the plain one, and what has two readings is left alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from data.mapping import sources
from data.parsing import typed
from data.reading import LINE
from tests.data.test_parsing import DRILLS, GOOD, ORDER, ORDERS, judged


@pytest.mark.parametrize(
    "text",
    ["２０２６－０３－０５", "2026 年 3 月 5 日", "二〇二六年三月五日", "二零二六年三月五日", "2026年3月5号", "2026-3-5(星期四)",
     "2026年3月5日 周四", "46086", "2026/3/5 0:00:00"],
)  # fmt: skip
def test_each_spelling_of_a_day_is_that_day(text):
    assert judged(DRILLS, **GOOD | {"held_on": text})[0]["held_on"].item() == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("text", "day"),
    [("二〇二五年十二月三十一日", date(2025, 12, 31)), ("二〇二五年十月十日", date(2025, 10, 10)),
     ("二〇二五年十一月廿三日", date(2025, 11, 23)), ("二〇二五年一月二十日", date(2025, 1, 20))],
)  # fmt: skip
def test_chinese_numerals_with_tens_are_read(text, day):
    assert judged(DRILLS, **GOOD | {"held_on": text})[0]["held_on"].item() == day


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [("2026年3月5日 下午3:20", 15, 20), ("2026-03-05 上午 9时20分", 9, 20), ("2026-3-5 中午12:20", 12, 20),
     ("2026年3月5日凌晨12点20分", 0, 20), ("2026-03-05 03:20 PM", 15, 20), ("2026/3/5 15:20:00.000", 15, 20),
     ("46086.638888889", 15, 20)],
)  # fmt: skip
def test_each_spelling_of_a_moment_is_that_moment_in_shanghai(text, hour, minute):
    found = judged(ORDERS, **ORDER | {"received_at": text})[0]["received_at"].item()
    assert found == datetime(2026, 3, 5, (hour - 8) % 24, minute, tzinfo=UTC).replace(day=5 if hour >= 8 else 4)


@pytest.mark.parametrize("text", ["3/4/26", "5.3.2026", "2026年3月", "约2026年", "1234", "460860", "0.5", "2026-13-05"])
def test_a_day_with_two_readings_or_none_is_set_aside_as_it_came(text):
    failures = judged(DRILLS, **GOOD | {"held_on": text})[1]
    assert set(failures) == {("held_on", None, "missing"), ("held_on", text, "not_date")}


@pytest.mark.parametrize(
    ("text", "value"), [("１２", 12), ("1,234", 1234), ("12人", 12), ("12 名", 12), ("１，２３４人", 1234)]
)
def test_each_spelling_of_a_whole_number_is_that_number(text, value):
    assert judged(DRILLS, **GOOD | {"staff": text})[0]["staff"].item() == value


@pytest.mark.parametrize("text", ["约500", "1,23", "12-15", "3小时", "3天", "12元", "十几", "12%"])
def test_a_number_that_is_not_one_is_set_aside(text):
    assert ("staff", text, "not_whole_number") in judged(DRILLS, **GOOD | {"staff": text})[1]


def test_a_unit_is_dropped_only_where_the_column_counts_in_it():
    rows, failed = typed(pl.DataFrame({LINE: [2, 3, 4], "evacuation_minutes": ["8分钟", "8 min", "8秒"]}), DRILLS)
    assert rows["evacuation_minutes"].to_list() == [8.0, 8.0, None]
    assert failed.select(LINE, "found").rows() == [(4, "8秒")]


def first(source: str, column: str, *texts: str) -> list:
    """What a standard source reads in a column."""
    one = sources()[source]
    lines = list(range(2, 2 + len(texts)))
    return typed(pl.DataFrame({LINE: lines, one.columns[column][0]: texts}), one)[0][column].to_list()


def test_days_in_a_cell_are_the_days_of_a_column_that_counts_them():
    assert first("patrols", "days_signed", "3天", "３ 天", "3日", "3户") == [3, 3, 3, None]


def test_a_percentage_is_a_share_only_where_the_column_is_one():
    assert first("estates", "rental_share", "85%", "８５％", "85.5 %", "0.85") == [0.85, 0.85, 0.855, 0.85]
    assert first("estates", "households", "85%", "1,234户", "１２３４") == [None, 1234, 1234]


def test_leading_zeros_of_a_key_stay():
    assert first("estates", "estate_id", "007", "００７", "0") == ["007", "007", "0"]


@pytest.mark.parametrize(
    ("text", "value"), [("是", True), (" 是 ", True), ("ＹＥＳ", True), ("否", False), ("－", None)]
)
def test_each_spelling_of_yes_and_no_is_read(text, value):
    assert judged(DRILLS, **GOOD | {"announced": text})[0]["announced"].item() is value


def test_a_label_in_full_width_or_with_blanks_inside_is_the_same_label():
    assert judged(DRILLS, **GOOD | {"kind": "疏 散"})[0]["kind"].item() == "evacuation"


def test_ids_typed_in_full_width_name_the_same_record():
    assert judged(DRILLS, **GOOD | {"estate_id": "ｏａｋ０１"})[0]["estate_id"].item() == "oak01"
