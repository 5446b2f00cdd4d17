"""What an ODS workbook hides: rows and columns out of view, told from its one part, read as a stream."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, iterparse

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
OUT_OF_VIEW = ("collapse", "filter")
#: Columns a sheet may have.
WIDEST = 16_384


@dataclass
class Hidden:
    """What one sheet hides.

    Attributes:
        rows: first and last row of each stretch, from 1. columns: from 0. first: the first column that holds anything.
    """

    rows: list[tuple[int, int]] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    first: int = WIDEST

    def rows_up_to(self, last: int) -> list[int]:
        """The hidden rows, none after ``last``: a sheet may hide a million rows below its table."""
        return [n for a, b in self.rows for n in range(a, min(b, last) + 1)]


def hidden_in(path: Path) -> dict[str, Hidden]:
    """Sheet name -> what it hides; nothing for other kinds of file."""
    found: dict[str, Hidden] = {}
    try:
        with zipfile.ZipFile(path) as z, z.open("content.xml") as f:
            row = column = 0
            for event, one in iterparse(f, ("start", "end")):  # noqa: S314 - expat bounds what entities may grow to
                if event == "start" and one.tag == f"{TABLE}table":
                    sheet = found.setdefault(one.get(f"{TABLE}name", ""), Hidden())
                    row = column = 0
                elif event == "end" and one.tag == f"{TABLE}table-column" and found:
                    many = min(_repeated(one, "columns"), WIDEST - column)
                    if one.get(f"{TABLE}visibility") in OUT_OF_VIEW:
                        sheet.columns += range(column, column + many)
                    column += many
                elif event == "end" and one.tag == f"{TABLE}table-row" and found:
                    many = _repeated(one, "rows")
                    if one.get(f"{TABLE}visibility") in OUT_OF_VIEW:
                        sheet.rows.append((row + 1, row + many))
                    row += many
                    sheet.first = min(sheet.first, _first(one))
                    one.clear()
    except (ParseError, KeyError, ValueError, zipfile.BadZipFile, OSError, RuntimeError):
        return {}
    return found


def _repeated(one: Element, what: str) -> int:
    return int(one.get(f"{TABLE}number-{what}-repeated", "1"))


def _first(row: Element) -> int:
    """The first column of a row that holds anything."""
    column = 0
    for cell in row:
        if cell.get(f"{OFFICE}value-type"):
            return column
        column += _repeated(cell, "columns")
    return WIDEST
