"""The workbook of an inspection form: empty for a set of estates, or filled in by the page for phones.

Both are the same workbook and take the same way in (data/sources/form_visits.toml, form_items.toml). Text is written as text, so a
name that begins with = + - or @ is never a formula; the same input gives the same bytes. Cells that are not to be changed are
locked, the form's name and version stand in hidden columns of every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO

import polars as pl
import xlsxwriter

from data.forms import Form
from data.mapping import sources

VISITS, ITEMS = "检查", "检查项"
RESULTS = ("合格", "不合格", "不涉及")
TO_CONFIRM = "（依据待核实 to be confirmed）"
SIGNED = ("是", "否")
OF_PHOTOS = ("照片指纹", "照片相似码")  # their hashes and prints: hidden, filled in by the page for phones
MOST_POINTS = 100_000  # as the contract of inspection items allows
MOST_OFFICERS = 50
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)  # a workbook's own date: the same input gives the same bytes


@dataclass(frozen=True)
class Column:
    """One column of a sheet: heading, width, and whether it is filled in, fixed or hidden."""

    heading: str
    width: float = 14
    kind: str = "open"  # open, fixed, hidden
    form: str = "@"


VISIT_COLUMNS = (
    Column("检查编号", 30, "fixed"), Column("小区编号", 14, "fixed"), Column("小区名称", 22, "fixed"),
    Column("检查日期", 14, "open", "yyyy-mm-dd"), Column("检查类型"), Column("检查缘由", 12), Column("检查主体", 12), Column("执法证号", 16),
    Column("执法人数", 10, "open", "0"), Column("主管签字", 10), Column("录入日期", 14, "open", "yyyy-mm-dd"),
    Column("签字时间", 18, "hidden"),
    Column("签字账号", 18, "hidden"),
    Column("检查表编号", 14, "hidden"), Column("检查表版本", 8, "hidden", "0"),
)  # fmt: skip
ITEM_COLUMNS = (
    Column("检查编号", 30, "fixed"), Column("小区名称", 22, "fixed"), Column("检查项", 18, "fixed"), Column("检查内容", 60, "fixed"),
    Column("依据", 24, "fixed"), Column("结果", 10), Column("检查点数", 10, "open", "0"), Column("合格点数", 10, "open", "0.##"),
    Column("问题严重程度", 14), Column("问题描述", 40), Column("照片指纹", 20, "hidden"), Column("照片相似码", 20, "hidden"),
    Column("检查表编号", 14, "hidden"), Column("检查表版本", 8, "hidden", "0"),
)  # fmt: skip


def labels(source: str, column: str) -> dict[str, str]:
    """Code to the word a form's workbook uses for it."""
    return {code: label for label, code in sources()[source].codes[column].items()}


def visit_id(form: Form, estate_id: str, mark: str) -> str:
    """The number of one visit: form, estate, and a mark of the workbook it stands in."""
    return f"{form.form}-{estate_id}-{mark}"


def template(form: Form, estates: pl.DataFrame, mark: str) -> bytes:
    """An empty workbook for these estates: estate_id, name, estate_class; ``mark`` tells it from other workbooks."""
    return _book(form, *_rows(form, estates, mark))


def filled(form: Form, estate: Mapping[str, str], mark: str, visit: Mapping, answers: Mapping[str, Mapping]) -> bytes:
    """The workbook of one visit.

    Args:
        estate: estate_id, name, estate_class. visit: heading to value. answers: item code to heading to value.
    """
    visits, items = _rows(form, pl.DataFrame([dict(estate)]), mark)
    visits = visits.with_columns(**{h: pl.lit(v) for h, v in visit.items()})
    codes = {label: code for code, label in labels("form_items", "item_code").items()}
    given = pl.DataFrame(
        [
            {"检查项": item}
            | {c.heading: answers.get(codes[item], {}).get(c.heading) for c in ITEM_COLUMNS if _given(c)}
            for item in items["检查项"]
        ],
        schema_overrides={
            "检查点数": pl.Int64,
            "合格点数": pl.Float64,
            "问题描述": pl.String,
            **dict.fromkeys(OF_PHOTOS, pl.String),
        },
        infer_schema_length=None,
    )
    return _book(form, visits, items.join(given, on="检查项", how="left", maintain_order="left"))


def _given(column: Column) -> bool:
    return column.kind == "open" or column.heading in OF_PHOTOS


def _rows(form: Form, estates: pl.DataFrame, mark: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines of both sheets: an estate to a visit, an item that applies to its class to a line."""
    word = labels("form_items", "item_code")
    asked = pl.DataFrame(
        [
            {"estate_class": c, "order": n, "检查项": word[i.code], "检查内容": f"{i.text_zh} {i.text_en}",
             "依据": i.law + (TO_CONFIRM if i.unconfirmed else "")}
            for n, i in enumerate(form.items) for c in i.estate_classes
        ]
    )  # fmt: skip
    visits = estates.select(
        "estate_class",
        检查编号=pl.concat_str(pl.lit(f"{form.form}-"), pl.col("estate_id"), pl.lit(f"-{mark}")),
        小区编号="estate_id",
        小区名称="name",
        检查表编号=pl.lit(form.form),
        检查表版本=pl.lit(form.version),
    )
    items = visits.join(asked, on="estate_class", maintain_order="left").sort("检查编号", "order", maintain_order=True)
    return visits, items


def _book(form: Form, visits: pl.DataFrame, items: pl.DataFrame) -> bytes:
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties(
        {"title": f"{form.name_zh} {form.name_en}", "subject": f"{form.form} {form.version}", "created": BEGINNING}
    )
    sheet = _sheet(book, VISITS, VISIT_COLUMNS, visits)
    _check_visits(sheet, visits.height)
    sheet = _sheet(book, ITEMS, ITEM_COLUMNS, items)
    _check_items(sheet, items.height)
    book.close()
    return out.getvalue()


def _sheet(
    book: xlsxwriter.Workbook, name: str, columns: tuple[Column, ...], rows: pl.DataFrame
) -> xlsxwriter.worksheet.Worksheet:
    """One protected sheet: headings that stay in view, typed cells, only what is to be answered unlocked."""
    sheet = book.add_worksheet(name)
    head = book.add_format(
        {"bold": True, "bg_color": "#0b4f8a", "font_color": "#ffffff", "text_wrap": True, "valign": "top", "border": 1}
    )
    for place, column in enumerate(columns):
        locked = column.kind != "open"
        cell = book.add_format(
            {"num_format": column.form, "locked": locked, "text_wrap": True, "valign": "top", "border": 1}
            | ({"bg_color": "#eef2f6"} if locked else {})
        )
        sheet.set_column(place, place, column.width, None, {"hidden": column.kind == "hidden"})
        sheet.write_string(0, place, column.heading, head)
        values = rows[column.heading].to_list() if column.heading in rows.columns else [None] * rows.height
        sheet.write_column(1, place, values, cell)
    sheet.freeze_panes(1, 3)
    sheet.protect("", {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True})
    sheet.set_landscape()
    sheet.repeat_rows(0)
    return sheet


def _place(columns: tuple[Column, ...], heading: str) -> int:
    return next(n for n, c in enumerate(columns) if c.heading == heading)


def _listed(sheet, columns: tuple[Column, ...], heading: str, words: tuple[str, ...] | list[str], last: int) -> None:
    place = _place(columns, heading)
    sheet.data_validation(1, place, last, place, {
        "validate": "list", "source": list(words), "error_title": heading,
        "error_message": "请从下拉列表中选择。Choose from the list.",
    })  # fmt: skip


def _check_visits(sheet, rows: int) -> None:
    last = max(rows, 1)
    for heading, column in (("检查类型", "kind"), ("检查缘由", "trigger"), ("检查主体", "body")):
        _listed(sheet, VISIT_COLUMNS, heading, list(labels("form_visits", column).values()), last)
    _listed(sheet, VISIT_COLUMNS, "主管签字", SIGNED, last)
    for heading in ("检查日期", "录入日期"):
        place = _place(VISIT_COLUMNS, heading)
        sheet.data_validation(1, place, last, place, {
            "validate": "date", "criteria": "between", "minimum": date(2000, 1, 1), "maximum": "=TODAY()",
            "error_title": heading, "error_message": "日期不得晚于今天。The day must not lie in the future.",
        })  # fmt: skip
    place = _place(VISIT_COLUMNS, "执法人数")
    sheet.data_validation(1, place, last, place, {
        "validate": "integer", "criteria": "between", "minimum": 0, "maximum": MOST_OFFICERS,
        "error_title": "执法人数", "error_message": f"0–{MOST_OFFICERS}",
    })  # fmt: skip


def _check_items(sheet, rows: int) -> None:
    last = max(rows, 1)
    _listed(sheet, ITEM_COLUMNS, "结果", RESULTS, last)
    _listed(sheet, ITEM_COLUMNS, "问题严重程度", list(labels("form_items", "severity").values()), last)
    checked, passed = _place(ITEM_COLUMNS, "检查点数"), _place(ITEM_COLUMNS, "合格点数")
    sheet.data_validation(1, checked, last, checked, {
        "validate": "integer", "criteria": "between", "minimum": 0, "maximum": MOST_POINTS,
        "error_title": "检查点数", "error_message": f"0–{MOST_POINTS}",
    })  # fmt: skip
    letter = "ABCDEFGHIJKLM"[checked]
    sheet.data_validation(1, passed, last, passed, {
        "validate": "decimal", "criteria": "between", "minimum": 0, "maximum": f"=${letter}2",
        "error_title": "合格点数", "error_message": "合格点数不得多于检查点数。No more passed than were looked at.",
    })  # fmt: skip
