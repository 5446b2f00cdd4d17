"""From text to typed rows: every kind of failure with its column and the value found."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from data.breaches import REASONS, broken
from data.contracts import TABLES
from data.mapping import Source
from data.parsing import typed
from data.reading import LINE
from i18n.words import table as words

DRILLS = Source(
    name="drills",
    title="演练",
    table=TABLES["fire_drills"],
    columns={c: (c,) for c in TABLES["fire_drills"].columns},
    codes={"kind": {"疏散": "evacuation"}},
)
GOOD = {"drill_id": "d1", "estate_id": "oak", "held_on": "2026-01-05", "kind": "疏散", "verification": "verified"}
ORDERS = Source(
    name="orders", title="工单", table=TABLES["complaints"], columns={c: (c,) for c in TABLES["complaints"].columns},
    derive={"received_on": {"day_of": "received_at"}},
)  # fmt: skip
ORDER = {"complaint_id": "o1", "channel": "hotline", "nature": "complaint"}


def judged(source: Source, **texts: str) -> tuple[pl.DataFrame, list[tuple]]:
    """One row through mapping, parsing and contract: (typed row, [(column, found, reason)])."""
    rows, unparsed = typed(pl.DataFrame({LINE: [7]} | {k: [v] for k, v in texts.items()}), source)
    failures = pl.concat([unparsed, broken(rows, source)], how="vertical_relaxed")
    assert set(failures[LINE]) <= {7}
    return rows, sorted(failures.select("column_name", "found", "reason").rows(), key=str)


def test_a_good_row_has_no_failure_and_its_label_becomes_a_code():
    rows, failures = judged(DRILLS, **GOOD)
    assert failures == []
    assert rows.select("kind", "held_on", "staff").row(0) == ("evacuation", date(2026, 1, 5), None)


@pytest.mark.parametrize("text", ["2026-01-05", "2026-1-5", "2026/1/5", "2026.01.05", "2026年1月5日", "20260105",
                                  "2026-01-05 08:30:00", " 2026-01-05 "])  # fmt: skip
def test_a_day_is_read_in_each_usual_form(text):
    assert judged(DRILLS, **GOOD | {"held_on": text})[0]["held_on"].item() == date(2026, 1, 5)


def test_days_in_mixed_forms_are_each_read():
    texts = ["2026-01-05", "2026年1月6日", "2026/1/7", "soon"]
    rows, failed = typed(pl.DataFrame({LINE: [2, 3, 4, 5], "held_on": texts}), DRILLS)
    assert rows["held_on"].to_list() == [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7), None]
    assert failed.select(LINE, "found").rows() == [(5, "soon")]


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("held_on", "2026-02-30", "not_date"),
        ("held_on", "26-01-05", "not_date"),  # read as the year 26
        ("staff", "many", "not_whole_number"),
        ("staff", "2.5", "not_whole_number"),
        ("staff", "inf", "not_whole_number"),
        ("evacuation_minutes", "ten", "not_number"),
        ("announced", "perhaps", "not_yes_or_no"),
        ("kind", "比赛", "unknown_code"),
        ("staff", "-1", "out_of_range"),
        ("staff", "100001", "out_of_range"),
        ("evacuation_minutes", "nan", "out_of_range"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_column_text_and_reason(column, text, reason):
    (failure,) = [f for f in judged(DRILLS, **GOOD | {column: text})[1] if f[2] != "missing"]
    assert failure[0] == column
    assert failure[1].lower() == text.lower()
    assert failure[2] == reason


@pytest.mark.parametrize("text", ["0", "100000"])
def test_a_number_on_the_limit_is_believed(text):
    assert judged(DRILLS, **GOOD | {"staff": text})[1] == []


@pytest.mark.parametrize(
    "text",
    ["", "  ", "-", "－", "—", "–", "/", "／", "无", " 无 ", "暂无", "暂　无", "N/A", "Ｎ／Ａ", "NULL", "null", "None"],
)
def test_a_text_that_says_nothing_is_missing_where_a_value_is_needed(text):
    assert judged(DRILLS, **GOOD | {"held_on": text})[1] == [("held_on", None, "missing")]


def test_all_failures_of_a_row_are_gathered():
    bad = GOOD | {"kind": "比赛", "staff": "-1", "announced": "perhaps", "estate_id": ""}
    assert [f[2] for f in judged(DRILLS, **bad)[1]] == ["not_yes_or_no", "missing", "unknown_code", "out_of_range"]


def test_an_answer_before_its_complaint_makes_no_sense():
    _, failures = judged(ORDERS, **ORDER, received_on="2026-01-05", closed_on="2026-01-04")
    assert [f[2] for f in failures] == ["sense.closed_on_is_before_received_on"]
    assert judged(ORDERS, **ORDER, received_on="2026-01-05", closed_on="2026-01-05")[1] == []


def test_a_local_moment_is_stored_in_utc_and_its_day_is_local():
    # 00:30 in Shanghai (UTC+8) on the 5th is 16:30 UTC on the 4th; the order was received on the 5th
    rows, failures = judged(ORDERS, **ORDER, received_at="2026-01-05 00:30:00")
    assert failures == []
    assert rows.select("received_at", "received_on").row(0) == (
        datetime(2026, 1, 4, 16, 30, tzinfo=UTC),
        date(2026, 1, 5),
    )


def test_a_moment_with_an_offset_is_taken_at_its_word():
    rows, _ = judged(ORDERS, **ORDER, received_at="2026-01-05T00:30:00+00:00")
    assert rows["received_at"].item() == datetime(2026, 1, 5, 0, 30, tzinfo=UTC)


def test_every_reason_has_words_in_both_languages():
    plain = {f"not_{k}" for k in ("date", "moment", "whole_number", "number", "yes_or_no")} | set(REASONS.values())
    plain |= {"unknown_reference", "contradicted_below", "overlapping_tenure", "overlapping_period", "values_in_line"}
    checks = [c.error for t in TABLES.values() for c in t.contract.to_schema().checks]
    assert len(checks) > 10
    for language in ("zh", "en"):
        known = words(language)
        assert [r for r in plain if f"intake.reason.{r}" not in known] == []
        assert [c for c in checks if f"intake.reason.sense.{c.replace(' ', '_')}" not in known] == []
