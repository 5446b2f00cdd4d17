"""Headings that differ from those known in blanks, full-width signs or a mark alone need nobody's confirmation."""

from __future__ import annotations

import openpyxl
import polars as pl
import pytest

from data.headings import as_known, spellings
from data.reading import LINE, open_file
from tests.data.test_odd_files import told
from tests.data.town import ask, counts, load, put, registers

KNOWN = frozenset({"小区编号", "户数", "A（层）", "SITE ADDRESS"})


@pytest.mark.parametrize(
    ("stands", "known"),
    [
        ("小区 编号", "小区编号"), ("小区编号\u3000", "小区编号"), ("小区编号*", "小区编号"), ("＊小区编号", "小区编号"),
        ("小区编号（必填）", "小区编号"), ("小区编号 (必填项)*", "小区编号"), ("户数必填", "户数"), ("Ａ(层)", "A（层）"),
        ("ＳＩＴＥ  ADDRESS", "SITE ADDRESS"), ("小区编码", "小区编码"), ("小区编号2", "小区编号2"), ("", ""), ("*", "*"),
    ],
)  # fmt: skip
def test_what_a_heading_is_taken_for(stands, known):
    assert as_known([stands], spellings(KNOWN)) == [known]


def test_a_heading_that_two_are_like_or_that_stands_twice_is_left_as_it_is():
    assert as_known(["户 数"], spellings(KNOWN | {"户数*"})) == ["户 数"]
    assert as_known(["户数*"], spellings(KNOWN | {"户数*"})) == ["户数*"]  # known as it stands
    assert as_known(["户数", "户数*"], spellings(KNOWN)) == ["户数", "户数*"]
    assert as_known(["户 数", "户数*"], spellings(KNOWN)) == ["户 数", "户数*"]


MARKED = ("工单编号*", "小区编号（必填）", "来电 时间", "受理渠道＊", "诉求性质")
ROW = ("o1", "oak", "2026-03-05 09:30", "110", "投诉")


def written(folder, kind: str):
    path = folder / f"orders.{kind}"
    if kind == "csv":
        return put(folder, path.name, f"{','.join(MARKED)}\n{','.join(ROW)}\n")
    if kind == "parquet":
        pl.DataFrame([ROW], schema=MARKED, orient="row").write_parquet(path)
        return path
    book = openpyxl.Workbook()
    for row in (["受理工单汇总"], MARKED, ROW):
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_file_with_marked_headings_is_loaded_and_the_delivery_says_so(tmp_path, kind):
    root = registers(tmp_path / "var")
    made = load(root, written(tmp_path, kind))
    assert counts(made) == (1, 1, 0, 0, 0)
    assert ask(root, "SELECT complaint_id, estate_id FROM complaints") == [("o1", "oak")]
    said = told(root, made.delivery_id)["headings_spelled"]
    assert said["n"] == 4 and "小区编号（必填） → 小区编号" in said["names"] and "诉求性质" not in said["names"]


def test_headings_as_they_are_known_have_nothing_told(tmp_path):
    reading = open_file(put(tmp_path, "a.csv", "小区编号,户数\noak,5\n"), KNOWN)
    assert reading.notes == [] and pl.concat(list(reading.chunks)).drop(LINE).rows() == [("oak", "5")]
