"""Workbooks: every visible sheet that holds a table, and what a reader of values alone would miss.

Values come from calamine (fastexcel). Hidden rows and columns, the year dates count from and long numbers stored as numbers
stand in the XLSX parts themselves; what an ODS file hides, in its one part (``data/ods.py``). Of XLS, XLSB and ODS a long number
is told from a long text by asking calamine for each cell a second time. What XLS and XLSB hide is read and not told.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import ParseError, iterparse

import fastexcel
import polars as pl

from data.ods import Hidden, hidden_in

#: A number of more digits than a spreadsheet keeps (15): what stands behind them was lost before the file came.
KEPT_DIGITS = 15
#: Columns a sheet may have.
WIDEST = 16_384


@dataclass
class Sheet:
    """One sheet as text.

    Attributes:
        frame: columns ``0``, ``1``, ... with every row of the sheet from row 1 on.
        hidden: rows hidden from view (they are read all the same). hidden_columns: the same of columns of ``frame``.
        lost: rows with a number of more than 15 digits.
        date_1904: do serial numbers count from 1904?
    """

    name: str
    frame: pl.DataFrame
    hidden: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    date_1904: bool = False
    hidden_columns: list[int] = field(default_factory=list)


@dataclass
class Book:
    """A workbook's sheets with content, and the names of those not read because they are hidden."""

    sheets: list[Sheet]
    unread: list[str]


def read_book(path: Path) -> Book:
    """Read a workbook; raises fastexcel's errors where it cannot be opened."""
    book = fastexcel.read_excel(path)
    parts, date_1904 = _parts(path)
    ods = hidden_in(path)
    sheets, unread = [], []
    for name in book.sheet_names:
        sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        if sheet.visible != "visible":
            unread.append(name)
            continue
        frame = sheet.to_polars()
        if not frame.height:
            continue
        frame = frame.rename({c: str(i) for i, c in enumerate(frame.columns)}).fill_null("")
        sheets.append(_told(Sheet(name, frame, date_1904=date_1904), path, parts.get(name), ods.get(name)))
        if parts.get(name) is None:
            sheets[-1].lost = _long_numbers(book, name, frame)
    return Book(sheets, unread)


def _told(sheet: Sheet, path: Path, part: str | None, ods: Hidden | None) -> Sheet:
    """The sheet with what its parts say beside its values."""
    if ods is not None:
        sheet.hidden, columns, first = ods.rows_up_to(sheet.frame.height), ods.columns, ods.first
    else:
        sheet.hidden, sheet.lost, columns, first = _odd_rows(path, part)
    sheet.hidden_columns = [c - first for c in columns if 0 <= c - first < sheet.frame.width]
    return sheet


def _long_numbers(book: fastexcel.ExcelReader, name: str, frame: pl.DataFrame) -> list[int]:
    """Rows with a number of more than 15 digits. Read as texts they look like long texts; as yes or no a text says nothing."""
    long = pl.all().str.contains(rf"^-?\d{{{KEPT_DIGITS + 1},}}$")
    seen = frame.select(long)
    if not any(seen[c].any() for c in seen.columns):
        return []
    numbers = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="boolean").to_polars()
    numbers = numbers.rename(dict(zip(numbers.columns, frame.columns, strict=True)))
    both = [seen[c] & numbers[c].is_not_null() for c in frame.columns]
    return (pl.DataFrame(both).select(pl.any_horizontal(pl.all())).to_series().arg_true() + 1).to_list()


def _parts(path: Path) -> tuple[dict[str, str], bool]:
    """(sheet name -> part of the XLSX file, do dates count from 1904?); nothing for other kinds."""
    try:
        with zipfile.ZipFile(path) as z:
            book = z.read("xl/workbook.xml").decode("utf-8", "replace")
            rels = z.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError):
        return {}, False
    target = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", rels):
        target[_attribute(tag, "Id")] = _attribute(tag, "Target")
    parts = {}
    for tag in re.findall(r"<sheet\b[^>]*>", book):
        place = target.get(_attribute(tag, "r:id"), "")
        parts[_attribute(tag, "name")] = place.lstrip("/") if place.startswith("/") else f"xl/{place}"
    return parts, bool(re.search(r'date1904="(1|true)"', book))


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    text = found.group(1) if found else ""
    for code, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(code, sign)
    return text


def _odd_rows(path: Path, part: str | None) -> tuple[list[int], list[int], list[int], int]:
    """(hidden rows, rows with a long number, hidden columns, first column that holds anything) of one sheet's part.

    Columns count from 0; the part is read as a stream.
    """
    hidden: list[int] = []
    lost: list[int] = []
    columns: list[int] = []
    first = WIDEST
    if part is None:
        return hidden, lost, columns, 0
    try:
        with zipfile.ZipFile(path) as z, z.open(part) as f:
            number = 0
            for _, row in iterparse(f):  # noqa: S314 - expat bounds what entities may grow to
                if row.tag.endswith("}col") and row.get("hidden") in ("1", "true"):
                    columns += range(int(row.get("min", 1)) - 1, min(int(row.get("max", 1)), WIDEST))
                if not row.tag.endswith("}row"):
                    continue
                number = int(row.get("r", number + 1))
                if row.get("hidden") in ("1", "true"):
                    hidden.append(number)
                if any(_is_long(cell) for cell in row):
                    lost.append(number)
                if columns:
                    first = min([first, *(_column(c.get("r", "")) for c in row if len(c))])
                row.clear()
    except (ParseError, KeyError, ValueError, zipfile.BadZipFile, OSError):
        return [], [], [], 0
    return hidden, lost, columns, first


def _column(at: str) -> int:
    """The column of a cell's place, from 0: ``B7`` is 1."""
    number = 0
    for sign in at.rstrip("0123456789"):
        number = number * 26 + ord(sign) - 64
    return number - 1 if number else WIDEST


def _is_long(cell) -> bool:
    if cell.get("t", "n") != "n":
        return False
    value = next((v.text or "" for v in cell if v.tag.endswith("}v")), "")
    digits = value.split(".")[0].lstrip("-")
    return (digits.isdigit() and len(digits) > KEPT_DIGITS) or bool(
        re.fullmatch(r"\d\.\d+[eE]\+(1[5-9]|[2-9]\d)", value)
    )
