"""Workbooks read back with two other libraries: typed cells, text that stays text, headings that stay in sight."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from zipfile import ZipFile

import fastexcel
import openpyxl
import polars as pl
import pytest

from cases.papers import tables, workbooks
from cases.papers.blocks import Both, Fact, Record, Task
from cases.papers.workbooks import About, Column, Sheet
from i18n.words import Words

ZH = Words("zh")
ABOUT = About("企业排名", (("评分版本", "2026Q3-1"),), date(2026, 10, 12), demo=True)
HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x","y")', "http://example.org", "007"]


def written(rows: pl.DataFrame, *columns: Column, about: About = ABOUT) -> bytes:
    return workbooks.workbook(about, [Sheet("表", rows, columns)], ZH)


def read(data: bytes, sheet: str) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(BytesIO(data))[sheet]


def test_text_that_looks_like_a_formula_stays_text():
    data = written(pl.DataFrame({"a": HOSTILE}), Column("a", "=HEADING()"))
    cells = [row[0] for row in read(data, "表").iter_rows()]
    assert [c.value for c in cells] == ["=HEADING()", *HOSTILE]
    assert {c.data_type for c in cells} == {"s"}
    assert all(c.quotePrefix for c in cells[1:])  # also after somebody edits the cell
    raw = ZipFile(BytesIO(data)).read("xl/worksheets/sheet2.xml").decode()
    assert "<f>" not in raw
    assert "hyperlink" not in raw.lower()


def test_a_hostile_title_and_note_stay_text_too():
    about = About("=1+1", (("@x", "+y"),), date(2026, 10, 12), demo=False)
    page = read(written(pl.DataFrame({"a": ["x"]}), Column("a", "a"), about=about), "说明")
    values = [(c.value, c.data_type) for row in page.iter_rows() for c in row if c.value is not None]
    assert values == [("=1+1", "s"), ("@x", "s"), ("+y", "s")]


def test_cells_are_typed_and_unknown_is_empty():
    rows = pl.DataFrame(
        {
            "name": ["橡树花园", None],
            "score": [56.44, float("nan")],
            "share": [0.717, None],
            "homes": [128_540, None],
            "day": [date(2026, 8, 2), None],
            "at": [datetime(2026, 8, 1, 16, 30, tzinfo=UTC), None],  # 00:30 of the 2nd in the district
        }
    )
    data = written(
        rows, Column("name", "小区"), Column("score", "指数", "score"), Column("share", "率", "share"),
        Column("homes", "户数", "whole"), Column("day", "日期", "day"), Column("at", "时间", "moment"),
    )  # fmt: skip
    first, second = (list(row) for row in read(data, "表").iter_rows(min_row=2))
    assert [c.value for c in first] == [
        "橡树花园", 56.44, 0.717, 128_540, datetime(2026, 8, 2), datetime(2026, 8, 2, 0, 30),
    ]  # fmt: skip
    assert [c.number_format for c in first[1:]] == ["0.0", "0.0%", "#,##0", "yyyy-mm-dd", "yyyy-mm-dd hh:mm"]
    assert [c.value for c in second] == [None] * 6


def test_a_second_reader_gives_the_same_table():
    rows = pl.DataFrame({"a": ["x", "=y"], "b": [1.5, 2.5]})
    data = written(rows, Column("a", "甲"), Column("b", "乙", "number"))
    back = fastexcel.read_excel(data).load_sheet("表").to_polars()
    assert back.to_dict(as_series=False) == {"甲": ["x", "=y"], "乙": [1.5, 2.5]}


def test_headings_stay_in_sight_and_columns_have_their_width():
    page = read(written(pl.DataFrame({"a": ["x"]}), Column("a", "甲", "text", 33)), "表")
    assert page.freeze_panes == "B2"
    assert page.column_dimensions["A"].width == pytest.approx(33, abs=1)
    assert page.auto_filter.ref == "A1:A2"
    assert page.print_title_rows == "$1:$1"


def test_the_workbook_says_what_it_is_and_that_it_is_a_demo():
    book = openpyxl.load_workbook(BytesIO(written(pl.DataFrame({"a": ["x"]}), Column("a", "甲"))))
    said = [c.value for row in book["说明"].iter_rows() for c in row if c.value]
    assert said[:3] == ["企业排名", "演示数据", ZH("workbook.demo_said")]
    assert (book.properties.title, book.properties.category) == ("企业排名", "演示数据")
    assert book.properties.created == datetime(2026, 10, 12)
    assert "演示数据" in book["表"].oddFooter.left.text


def test_the_same_table_gives_the_same_bytes():
    rows = pl.DataFrame({"a": ["x"], "d": [date(2026, 1, 1)]})
    assert written(rows, Column("a", "甲"), Column("d", "日", "day")) == written(
        rows, Column("a", "甲"), Column("d", "日", "day")
    )


def test_text_longer_than_a_cell_is_cut_and_shows_it():
    back = read(written(pl.DataFrame({"a": ["长" * 40_000]}), Column("a", "甲")), "表")["A2"].value
    assert len(back) == 32_767
    assert back.endswith("长…")


def test_a_sheet_too_long_for_excel_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 2)
    with pytest.raises(ValueError, match="'表' has 3 rows; a sheet of Excel holds 2"):
        written(pl.DataFrame({"a": ["x"] * 3}), Column("a", "甲"))


def test_a_column_the_frame_lacks_is_named():
    with pytest.raises(ValueError, match="lacks b"):
        written(pl.DataFrame({"a": ["x"]}), Column("b", "乙"))


def evidence_rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "record_table": ["hazards", "hazards"],
            "record_id": ["HZ-1", "HZ-2"],
            "decided_on": [date(2026, 8, 2), date(2026, 8, 3)],
            "numerator": [1.0, 0.0],
            "denominator": [1.0, 1.0],
            "excluded": [None, "disputed"],
            "factor": [None, 1.25],
            "facts": [
                '{"severity": "major", "due_on": "2026-08-01", "weight_kg": 3, "note": "=1+1"}',
                '{"severity": "general", "due_on": null, "weight_kg": 0.5, "repeat": true}',
            ],
            "file": ["hazards.csv", "hazards.csv"],
            "line": [12, 13],
            "flags": [[{"kind": "same_finding", "days": 4, "likeness": None, "other_id": "HZ-0"}], []],
        },
        schema_overrides={"factor": pl.Float64},
    )


def test_evidence_has_each_fact_in_a_typed_column_of_its_own():
    rows = evidence_rows()
    page = read(tables.evidence_workbook(rows, ABOUT, ZH), ZH("workbook.evidence"))
    head, first, second = ([c.value for c in row] for row in page.iter_rows())
    one, two = dict(zip(head, first, strict=True)), dict(zip(head, second, strict=True))
    assert one[ZH("field.severity")] == ZH("fact.severity.major")
    assert one[ZH("field.due_on")] == datetime(2026, 8, 1)
    assert two[ZH("field.due_on")] is None
    assert (one["weight_kg"], two["weight_kg"]) == (3, 0.5)
    assert one["note"] == "=1+1"
    assert two[ZH("column.counts")] == "异议处理中"
    assert one[ZH("column.counts")] == ZH("page.estate.counts")
    assert (one[ZH("column.line")], one[ZH("column.file")]) == (12, "hazards.csv")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_case_workbook_holds_its_timeline_papers_tasks_and_records(language):
    t = Words(language)
    case = tables.CaseFile(
        case_id="C-1",
        facts=(Fact(label=Both("指数", "Index"), value="56.4"),),
        happenings=(
            tables.Happening(
                at=datetime(2026, 11, 23, 1, 5, tzinfo=UTC), who=Both("李卫东", "Li Weidong"), role=Both("决定人", "decides"),
                what=Both("立案", "Case opened"), reason="=缺记26天", law="HR5 34", edition="2026Q3-1",
            ),
        ),
        papers=(
            tables.Issued(
                number="物督提〔2026〕7号", title=Both("关注提醒函", "Attention letter"), issued_on=date(2026, 11, 23),
                check_code="7M56-MBSY-N3NV", sha256="ab" * 32,
            ),
        ),
        tasks=(Task(what="巡查", measure="30日", by=date(2026, 12, 31)),),
        records=(
            Record(record_id="FP-1", on=date(2026, 8, 2), duty="巡查", what="缺记", counts="计入", file="f.csv", line=101),
        ),
    )  # fmt: skip
    book = openpyxl.load_workbook(BytesIO(tables.case_workbook(case, ABOUT, t)))
    names = ("about", "facts", "timeline", "papers", "tasks", "records")
    assert book.sheetnames == [t(f"workbook.{n}") for n in names]
    told = [c.value for c in book[t("workbook.timeline")][2]]
    who = "李卫东" if language == "zh" else "Li Weidong"
    assert told[:2] == [datetime(2026, 11, 23, 9, 5), who]  # 01:05 UTC is 09:05 in the district
    assert told[4] == "=缺记26天"
    assert [c.value for c in book[t("workbook.papers")][2]][3:] == ["7M56-MBSY-N3NV", "ab" * 32]
    assert [c.value for c in book[t("workbook.tasks")][2]][2] == datetime(2026, 12, 31)
    assert [c.value for c in book[t("workbook.records")][2]][-1] == 101
