"""What the desk's pages call columns: words, never a raw name."""

from __future__ import annotations

import json

import pytest

from data.contracts import TABLES
from i18n.words import LANGUAGES, Words
from pages.records.words import changed, column_words, original
from pages.shared import format


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_of_every_record_has_a_word(language):
    t = Words(language)
    raw = {c for table in TABLES.values() for c in table.columns if column_words(c, t) == c}
    assert raw == set()


def test_a_record_is_told_in_words_and_a_row_of_a_file_under_its_own_headings():
    zh, row = Words("zh"), json.dumps({"estate_class": "HR", "households": 9, "gated": None})
    assert original(row, zh, record=True) == "小区类别：高层住宅；户数：9"
    assert original(row, zh) == "estate_class：HR；households：9"


def test_what_changed_in_a_record_is_told_by_the_columns_words():
    before, after = json.dumps({"built_year": 1998}), json.dumps({"built_year": 1989})
    assert changed(before, after, Words("zh")) == "；建成年份 1998 → 1989"
    assert "Year built 1998 → 1989" in changed(before, after, Words("en"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_every_code_of_every_record_is_told_in_words(table, language):
    t = Words(language)
    columns = table.contract.to_schema().columns
    for name, column in columns.items():
        for check in column.checks:
            for code in check.statistics.get("allowed_values", ()) if check.name == "isin" else ():
                assert format.said(name, code, t) != str(code) or language == "en", (name, code)
                assert "_" not in format.said(name, code, t)


def test_days_and_yes_or_no_of_a_record_are_told_in_words():
    row = '{"valid_from": "2020-01-05", "has_control_room": true, "kind": "station"}'
    assert original(row, Words("zh"), record=True) == "生效日期：2020年1月5日；消防控制室：是；类型：派出所"
