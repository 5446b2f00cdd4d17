"""Workbooks: every visible sheet that holds a table, and what a reader of values alone would miss.

Values come from calamine (fastexcel). Hidden rows, the year dates count from and long numbers stored as numbers stand
in the XLSX parts themselves; other kinds (XLS, XLSB, ODS) are read without those checks.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import ParseError, iterparse

import fastexcel
import polars as pl

#: A number of more digits than a spreadsheet keeps (15): what stands behind them was lost before the file came.
KEPT_DIGITS = 15


@dataclass
class Sheet:
    """One sheet as text.

    Attributes:
        frame: columns ``0``, ``1``, ... with every row of the sheet from row 1 on.
        hidden: rows hidden from view (they are read all the same).
        lost: rows with a number of more than 15 digits.
        date_1904: do serial numbers count from 1904?
    """

    name: str
    frame: pl.DataFrame
    hidden: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    date_1904: bool = False


@dataclass
class Book:
    """A workbook's sheets with content, and the names of those not read because they are hidden."""

    sheets: list[Sheet]
    unread: list[str]


def read_book(path: Path) -> Book:
    """Read a workbook; raises fastexcel's errors where it cannot be opened."""
    book = fastexcel.read_excel(path)
    parts, date_1904 = _parts(path)
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
        hidden, lost = _odd_rows(path, parts.get(name))
        sheets.append(Sheet(name, frame, hidden, lost, date_1904))
    return Book(sheets, unread)


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


def _odd_rows(path: Path, part: str | None) -> tuple[list[int], list[int]]:
    """(hidden rows, rows with a long number) of one sheet's part, read as a stream."""
    hidden: list[int] = []
    lost: list[int] = []
    if part is None:
        return hidden, lost
    try:
        with zipfile.ZipFile(path) as z, z.open(part) as f:
            number = 0
            for _, row in iterparse(f):  # noqa: S314 - expat bounds what entities may grow to
                if not row.tag.endswith("}row"):
                    continue
                number = int(row.get("r", number + 1))
                if row.get("hidden") in ("1", "true"):
                    hidden.append(number)
                if any(_is_long(cell) for cell in row):
                    lost.append(number)
                row.clear()
    except (ParseError, KeyError, ValueError, zipfile.BadZipFile, OSError):
        return [], []
    return hidden, lost


def _is_long(cell) -> bool:
    if cell.get("t", "n") != "n":
        return False
    value = next((v.text or "" for v in cell if v.tag.endswith("}v")), "")
    digits = value.split(".")[0].lstrip("-")
    return (digits.isdigit() and len(digits) > KEPT_DIGITS) or bool(
        re.fullmatch(r"\d\.\d+[eE]\+(1[5-9]|[2-9]\d)", value)
    )
