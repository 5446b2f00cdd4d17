"""Files as offices really send them: titles, merged headings, totals, several sheets, odd encodings."""

from __future__ import annotations

import json
import tempfile
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import encodings
from data.intake import load_file
from data.reading import LINE, open_file
from tests.data.town import NOW, ask, counts, load, put, registers

ROWS = "小区编号,小区名称\noak,橡园\nelm,榆园\n"
KNOWN = frozenset({"小区编号", "小区名称", "户数", "检查日期", "检查编号"})


def read(path: Path) -> tuple[list[str], list[tuple]]:
    """Headings, and all rows with their lines last."""
    reading = open_file(path, KNOWN)
    frame = pl.concat(list(reading.chunks))
    return reading.headings, frame.select(pl.exclude(LINE), LINE).fill_null("").rows()


def notes(path: Path) -> dict[str, dict]:
    return {n.kind: n.params for n in open_file(path, KNOWN).notes}


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def told(root: Path, delivery_id: str) -> dict[str, dict]:
    rows = ask(root, f"SELECT note, params FROM delivery_notes WHERE delivery_id = '{delivery_id}'")
    return {note: json.loads(params) for note, params in rows}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030"), ("utf-16", "utf-16-le"),
     ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32-le")],
)  # fmt: skip
def test_each_encoding_is_told_and_gives_the_same_rows(tmp_path, encoding, said):
    path = put(tmp_path, "a.csv", ROWS, encoding)
    assert read(path) == (["小区编号", "小区名称"], [("oak", "橡园", 2), ("elm", "榆园", 3)])
    assert open_file(path).encoding == said


def test_western_bytes_among_utf8_lines_are_read_and_their_lines_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,name\n1,橡园\n".encode() + "2,Café Élan\n3,plain\n4,naïve\n".encode("cp1252"))
    assert read(path)[1] == [("1", "橡园", 2), ("2", "Café Élan", 3), ("3", "plain", 4), ("4", "naïve", 5)]
    assert notes(path)["mixed_encoding"] == {"lines": "3, 5", "n": 2}


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(st.one_of(st.text(max_size=4).map(str.encode), st.binary(max_size=3)), max_size=8),
    block=st.integers(1, 9),
)
def test_utf8_is_told_as_python_tells_it_wherever_a_block_ends(parts, block):
    content = b"".join(parts).replace(b"\x00", b"")
    try:
        content.decode("utf-8")
        told = b"\n" in content or b"\r" not in content
    except UnicodeDecodeError:
        told = False
    with tempfile.TemporaryDirectory() as folder, patch.object(encodings, "BLOCK", block):
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        assert encodings._plain(path) == told


def test_lines_of_gbk_among_lines_of_utf8_are_each_read_as_their_own_and_named(tmp_path):
    path = tmp_path / "a.csv"
    # 橡园 in UTF-8 is e6 a9 a1 e5 9b ad, which GB18030 reads as 姗″洯: another name, and no error
    assert "橡园".encode().decode("gb18030") == "姗″洯"
    path.write_bytes("编号,名称\n1,橡园\n".encode() + "2,榆园\n".encode("gbk") + "3,plain\n4,柏园\n".encode())
    assert read(path)[1] == [("1", "橡园", 2), ("2", "榆园", 3), ("3", "plain", 4), ("4", "柏园", 5)]
    assert open_file(path, KNOWN).encoding == "utf-8+gb18030"
    assert notes(path)["mixed_gb"] == {"lines": "3", "n": 1}


def test_a_line_of_gbk_that_looks_like_utf8_by_chance_stays_gbk(tmp_path):
    path = tmp_path / "a.csv"
    chance = b"\xe4\xb8\xbb\xe4\xb9\xa6"  # two signs in UTF-8, three in GBK
    rows = b"".join(f"{i},榆园花苑\n".encode("gbk") for i in range(300))
    path.write_bytes("编号,名称\n".encode("gbk") + rows + b"300," + chance + b"\n")
    assert open_file(path, KNOWN).encoding == "gb18030"
    assert read(path)[1][-1][1] == chance.decode("gbk")


def test_western_text_that_is_also_valid_gb18030_is_not_read_as_chinese(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,name\n1,Séance\n2,Élan vital\n".encode("cp1252"))  # "éa" and "Él" are pairs of GB18030 too
    assert [r[1] for r in read(path)[1]] == ["Séance", "Élan vital"]


def test_nul_characters_are_left_out_and_counted(tmp_path):
    path = put(tmp_path, "a.csv", "a,b\n1,x\x00y\n2,\x00\n")
    assert read(path)[1] == [("1", "xy", 2), ("2", "", 3)]
    assert notes(path) == {"nul_characters": {"n": 2}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_kind_of_line_end_gives_the_same_rows(tmp_path, end):
    path = tmp_path / "a.csv"
    path.write_bytes(ROWS.replace("\n", end).encode())
    assert [r[0] for r in read(path)[1]] == ["oak", "elm"]


def test_a_heading_below_a_title_is_found_and_lines_keep_their_numbers(tmp_path):
    text = "罗湖区小区台账（2026年）\n\n填报单位：橡树街道,,\n小区编号,小区名称,户数\noak,橡园,5\n"
    path = put(tmp_path, "a.csv", text)
    assert read(path) == (["小区编号", "小区名称", "户数"], [("oak", "橡园", "5", 5)])
    assert notes(path) == {"heading_on_line": {"line": 4}}


def test_a_separator_is_told_past_a_title_that_holds_another(tmp_path):
    assert read(put(tmp_path, "a.csv", "台账,2026\na;b;c\n1,5;2;3\n2,5;3;4\n"))[0] == ["a", "b", "c"]


def workbook(path: Path, *sheets: tuple[str, list[list]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for i, (name, rows) in enumerate(sheets):
        sheet = book.active if i == 0 else book.create_sheet()
        sheet.title = name
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def test_headings_in_two_rows_with_a_merged_group_are_joined(tmp_path):
    rows = [["检查台账"], ["小区", None, "检查", None, "户数"], ["小区编号", "小区名称", "日期", "编号", None],
            ["oak", "橡园", date(2026, 3, 5), "i1", 5]]  # fmt: skip
    workbook(tmp_path / "a.xlsx", ("台账", rows))
    headings, found = read(tmp_path / "a.xlsx")
    assert headings == ["小区编号", "小区名称", "检查日期", "检查编号", "户数"]
    assert found == [("oak", "橡园", "2026-03-05 00:00:00", "i1", "5", 4)]
    assert notes(tmp_path / "a.xlsx") == {"heading_on_line": {"line": 2}, "heading_of_two_rows": {"line": 2}}


def test_a_first_row_of_words_under_an_unnamed_column_is_no_heading(tmp_path):
    assert read(put(tmp_path, "a.csv", "小区编号,,户数\noak,近河,五百\n"))[1] == [("oak", "近河", "五百", 2)]


def test_rows_hidden_in_a_sheet_are_read_and_named(tmp_path):
    book = workbook(tmp_path / "a.xlsx", ("一", [["小区编号", "户数"], ["oak", 1], ["elm", 2]]))
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "a.xlsx")
    assert [r[0] for r in read(tmp_path / "a.xlsx")[1]] == ["oak", "elm"]
    assert notes(tmp_path / "a.xlsx") == {"hidden_rows": {"n": 1, "lines": "3"}}


def test_leading_zeros_and_ids_of_18_digits_stay_text(tmp_path):
    workbook(tmp_path / "a.xlsx", ("一", [["小区编号", "户数"], ["007", 1], ["440301199001011234", 2], [12, 3]]))
    assert [r[0] for r in read(tmp_path / "a.xlsx")[1]] == ["007", "440301199001011234", "12"]


COMPLAINTS = ["工单编号", "小区编号", "来电时间", "受理渠道", "诉求性质"]


def test_an_id_kept_as_a_number_of_more_than_15_digits_is_set_aside(root, tmp_path):
    row = ["oak", datetime(2026, 3, 5, 9, 30), "110", "投诉"]
    workbook(tmp_path / "o.xlsx", ("一", [COMPLAINTS, [440301199001011234, *row], ["440301199001011234", *row]]))
    made = load(root, tmp_path / "o.xlsx")
    assert counts(made) == (2, 1, 0, 0, 1)
    assert ask(root, "SELECT line, reason FROM rows_set_aside") == [(2, "digits_lost")]


def test_totals_and_notes_below_the_table_are_set_aside_by_name(root, tmp_path):
    rows = [COMPLAINTS, ["o1", "oak", "2026-03-05 09:30", "110", "投诉"], [None] * 5, ["合 计", None, 1],
            ["注：本表由街道填报"]]  # fmt: skip
    workbook(tmp_path / "o.xlsx", ("一", rows))
    assert counts(load(root, tmp_path / "o.xlsx")) == (3, 1, 0, 0, 2)  # a blank row is no row
    assert ask(root, "SELECT line, reason FROM rows_set_aside ORDER BY 1") == [(4, "totals_row"), (5, "note_row")]


def test_each_sheet_that_fits_a_source_becomes_a_delivery_and_the_others_are_named(root, tmp_path):
    def rows(n: int) -> list[list]:
        return [COMPLAINTS, [f"o{n}", "oak", "2026-03-05 09:30", "110", "投诉"]]

    book = workbook(tmp_path / "o.xlsx", ("1月", rows(1)), ("2月", rows(2)), ("说明", [["甲", "乙"], ["x", "y"]]))
    book.create_sheet("底稿").sheet_state = "hidden"
    book.save(tmp_path / "o.xlsx")
    made = load_file(root, tmp_path / "o.xlsx", received_at=NOW)
    assert [(d.file, d.accepted) for d in made] == [("o.xlsx#1月", 1), ("o.xlsx#2月", 1)]
    assert told(root, made[0].delivery_id) == {
        "hidden_sheets": {"sheets": "底稿"},
        "sheets_not_read": {"sheets": "说明"},
    }
    assert [d.already for d in load_file(root, tmp_path / "o.xlsx", received_at=NOW)] == [True, True]


@pytest.mark.parametrize("mac", [False, True])
def test_days_of_workbooks_counting_from_1900_or_1904_are_the_same_days(root, tmp_path, mac):
    book = openpyxl.Workbook()
    if mac:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    serial = 46_086.4 - (1_462 if mac else 0)  # 2026-03-05 09:36; the 1904 system lies 1,462 days behind
    for row in (COMPLAINTS, ["o1", "oak", datetime(2026, 3, 5, 9, 30), "110", "投诉"],
                ["o2", "oak", serial, "110", "投诉"]):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "o.xlsx")
    load(root, tmp_path / "o.xlsx")
    found = ask(root, "SELECT complaint_id, received_on FROM complaints ORDER BY 1")
    assert found == [("o1", date(2026, 3, 5)), ("o2", date(2026, 3, 5))]
