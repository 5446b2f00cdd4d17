"""Files made to harm whoever reads them, small enough to be made in a test."""

from __future__ import annotations

import zipfile
from pathlib import Path

TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>'
)
BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
)
SHEET = '<?xml version="1.0"?>{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
CELL = '<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'
HEADINGS = ("小区编号", "小区名称", "小区类别", "街道编号", "户数", "生效日期", "失效日期")


def row(number: int, *values: str) -> str:
    cells = "".join(CELL.format(at=f"{chr(65 + i)}{number}", text=v) for i, v in enumerate(values))
    return f'<row r="{number}">{cells}</row>'


def workbook(path: Path, *, rows: str = "", before: str = "", more: dict[str, bytes] | None = None) -> Path:
    """A workbook of one sheet, as spreadsheet programs write one, with what the caller adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", TYPES)
        z.writestr("_rels/.rels", RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        z.writestr("xl/workbook.xml", BOOK)
        z.writestr("xl/_rels/workbook.xml.rels", RELS.format(kind="worksheet", target="worksheets/sheet1.xml"))
        z.writestr("xl/worksheets/sheet1.xml", SHEET.format(before=before, rows=row(1, *HEADINGS) + rows))
        for name, content in (more or {}).items():
            z.writestr(name, content)
    return path


def far_cell(path: Path) -> Path:
    """Two cells at opposite corners of the sheet: two kilobytes that a reader of rectangles makes gigabytes of."""
    return workbook(path, rows=f'<row r="1048576">{CELL.format(at="XFD1048576", text="x")}</row>')


def laughs(path: Path) -> Path:
    """Ten entities, each ten times the one before."""
    names = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(10))
    return workbook(path, before=f"<!DOCTYPE x [{names}]>", rows=row(2, "&l9;"))


def bomb(path: Path, megabytes: int = 300) -> Path:
    """Blanks that pack to a thousandth of their size."""
    return workbook(path, more={"xl/sharedStrings.xml": b" " * (megabytes * 1_048_576)})
