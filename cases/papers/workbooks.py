"""Workbooks for Excel: one sheet that says what this is, then tables with typed cells, frozen headings and widths.

Text is never a formula: it is written as text and marked as such, so a cell that begins with = + - or @ stays text also
after somebody edits it. The same input gives the same bytes. Sheets come from frames, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any, Literal
from zoneinfo import ZoneInfo

import polars as pl
import xlsxwriter

from i18n.words import Words

Form = Literal["text", "whole", "score", "number", "share", "day", "moment"]
FORMATS: dict[str, str] = {
    "whole": "#,##0", "score": "0.0", "number": "General", "share": "0.0%", "day": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}  # fmt: skip
ZONE = ZoneInfo("Asia/Shanghai")
MOST_ROWS = 1_048_575  # of an Excel sheet, less the headings
MOST_TEXT = 32_767  # characters of an Excel cell
A4 = 9  # Excel's number for the paper
SHEET_NAME = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@dataclass(frozen=True)
class Column:
    """One column: the frame's name, its heading in the reader's language, what kind of cell, width in characters."""

    name: str
    heading: str
    form: Form = "text"
    width: float = 14


@dataclass(frozen=True)
class Sheet:
    """One table: one row of the frame is one row of the sheet.

    Attributes:
        note: what the rows are and what was left out; stands on the first sheet.
    """

    name: str
    rows: pl.DataFrame
    columns: tuple[Column, ...]
    note: str = ""


@dataclass(frozen=True)
class About:
    """What the workbook is: title, and lines such as edition, period, filters, who it was made for.

    Attributes:
        made_on: of the edition or case shown, not of the download: the same content gives the same bytes.
        demo: True says on the first sheet and in every footer that the records are invented.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    made_on: date
    demo: bool


def workbook(about: About, sheets: Sequence[Sheet], t: Words) -> bytes:
    """Write a workbook.

    Raises:
        ValueError: a sheet has more rows than Excel holds, or a column its frame lacks.
    """
    out = BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    made = datetime(about.made_on.year, about.made_on.month, about.made_on.day)  # noqa: DTZ001 (Excel knows no zones)
    book.set_properties({
        "title": about.title, "subject": t("workbook.demo") if about.demo else about.title, "author": t("frame.product"),
        "company": "", "category": t("workbook.demo") if about.demo else "", "created": made,
    })  # fmt: skip
    looks = _looks(book)
    _about(book, about, sheets, looks, t)
    for sheet in sheets:
        _table(book, sheet, about, looks, t)
    book.close()
    return out.getvalue()


def _looks(book: xlsxwriter.Workbook) -> dict[str, Any]:
    looks = {form: book.add_format({"num_format": shape, "valign": "top"}) for form, shape in FORMATS.items()}
    plain = {"num_format": "@", "quote_prefix": True, "valign": "top", "text_wrap": True}
    return looks | {
        "text": book.add_format(plain),
        "heading": book.add_format({"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E8EEF5", "bottom": 1}),
        "title": book.add_format(plain | {"bold": True, "font_size": 14}),
        "label": book.add_format(plain | {"bold": True}),
        "demo": book.add_format(plain | {"bold": True, "font_color": "#B3261E"}),
    }  # fmt: skip


def _about(book: xlsxwriter.Workbook, about: About, sheets: Sequence[Sheet], looks: dict, t: Words) -> None:
    page = book.add_worksheet(_name(t("workbook.about")))
    page.set_column(0, 0, 26)
    page.set_column(1, 1, 90)
    page.write_string(0, 0, _text(about.title), looks["title"])
    lines = [*about.lines, *((sheet.name, sheet.note) for sheet in sheets if sheet.note)]
    if about.demo:
        page.write_string(1, 0, t("workbook.demo"), looks["demo"])
        page.write_string(1, 1, t("workbook.demo_said"), looks["demo"])
    page.write_column(3, 0, [_text(label) for label, _ in lines], looks["label"])
    page.write_column(3, 1, [_text(value) for _, value in lines], looks["text"])
    page.set_paper(A4)


def _table(book: xlsxwriter.Workbook, sheet: Sheet, about: About, looks: dict, t: Words) -> None:
    if sheet.rows.height > MOST_ROWS:
        raise ValueError(
            f"'{sheet.name}' has {sheet.rows.height:,} rows; a sheet of Excel holds {MOST_ROWS:,}. Choose a part of them."
        )
    lacking = [c.name for c in sheet.columns if c.name not in sheet.rows.columns]
    if lacking:
        raise ValueError(f"'{sheet.name}' lacks {', '.join(lacking)}; its frame has {', '.join(sheet.rows.columns)}.")
    page = book.add_worksheet(_name(sheet.name))
    page.freeze_panes(1, 1)
    page.set_row(0, 32)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(A4)
    page.fit_to_pages(1, 0)
    page.set_footer(f"&L{_footer(t('workbook.demo') if about.demo else about.title)}&R&P / &N")
    for i, column in enumerate(sheet.columns):
        page.set_column(i, i, column.width)
        page.write_string(0, i, _text(column.heading), looks["heading"])
        page.write_column(1, i, _cells(sheet.rows[column.name], column.form), looks[column.form])
    if sheet.columns:
        page.autofilter(0, 0, sheet.rows.height, len(sheet.columns) - 1)


def _cells(values: pl.Series, form: Form) -> list:
    """A column's values as Excel holds them: numbers, days, or text; unknown stays empty."""
    if form == "text":
        text = pl.col(values.name)
        cut = pl.when(text.str.len_chars() > MOST_TEXT).then(text.str.slice(0, MOST_TEXT - 1) + "…").otherwise(text)
        return values.cast(pl.String).to_frame().select(cut).to_series().to_list()
    if form == "day":
        return values.cast(pl.Date).to_list()
    if form == "moment":
        zoned = isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None
        return (values.dt.convert_time_zone(str(ZONE)).dt.replace_time_zone(None) if zoned else values).to_list()
    if values.dtype.is_integer():
        return values.to_list()
    known = values.cast(pl.Float64)
    return known.set(known.is_nan() | known.is_infinite(), None).to_list()


def _text(value: str) -> str:
    return value if len(value) <= MOST_TEXT else value[: MOST_TEXT - 1] + "…"


def _name(wanted: str) -> str:
    """A sheet's name as Excel takes it: 31 characters without [ ] : * ? / \\ or quotes."""
    return wanted.translate(SHEET_NAME).strip()[:31] or "-"


def _footer(text: str) -> str:
    return text.replace("&", "&&")[:200]
