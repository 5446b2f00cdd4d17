"""Workbooks of other kinds than XLSX, and what a workbook hides: nothing is read wrongly without a word."""

from __future__ import annotations

import base64
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest

from data.reading import Reading, open_file
from tests.data.test_odd_files import COMPLAINTS
from tests.data.town import ask, counts, load, registers

KNOWN = frozenset(COMPLAINTS)
#: A file of Excel 97 with three orders: 440301199001011234 as a number, the same as a text, 12 as a number.
XLS = (
    'c-rk)O-NKx6#njeZ~jEb8B;+88HChK;mwRj3OZ$!tHc_j2qVWFB9yTPTjU}wa}gp4Ayl*x+_bUU^g}Ibmk=1W5Q0F9R;>d2S*Wjb&%Bv@=E8}RiuXP4x#y'
    'gF?|1LJ|L?t=^Dj)@D_z7ov_QqG;em6FPf+lr4Ie1oFr=D}-4qNP{}eoK8c3%DkMmx*<QU5FUW9_X+B1^CI|`jRi}wCRJg|jm<u=5GY(q0ifm`J9qJ&#j!'
    '15H!Z7lC_&L=GQuxFfQGv!?n$1xXaui0(R;$un$r+FcHA8?sB><OX>&*dy0nh>eH4(v^yiS_-R3FTTYra|M@7Ei>JvAzWq(g055vk?H6(ku08!1iygUx57'
    'ItbW%9{%eW`48!Q+2|kJ(lxaM`0`1Efq^S$?0UE@I6Gx)OLtmq$=65!w)%fX#^Izgilcdf^odbbHbb{2`vDUt-uIh0W=#TZ%`VQ%#U3Gf6PHzb4jZI;l5`'
    'saU>YVJJ9ivL>>-Df63^q3EdXVB!xL($p+8TV8ts#$>OfJbD<g@PQh2x{mfBE*OR|mU0A}851%*R3M(AX~D69z8H5>(jBDg3H5m4O;Av6JOxW-VjAlw~31'
    'p}4Z6$W#uDaGooiT1oYU8LuN%YxHW;M?W5VSU&nbvV-)Qw#C81nfb^RD(DdFq4M$>L9M72H*ZKhilk#<ZZL0Imi)BYxD}t-cEdaw^RdDs1?mrplqGvdWGu'
    'z(tCXdZrDiOREX`yV>zGyQFTu?ItE~y|x$FC68NuuhlR+@MGh<11SH_a;Zj)Wvpxp|yd(8Zbg;}vMD;8$O!mO@izNqA|&ySFqU$ro+7G~ALtY(;7lmgtB4'
    'Ww=T2XbJ;h7B7wY}l}2<Ch@#VhX;fY36lYUddeMf1MQytM+e_{}zYQPtO2-nC?e{;v_C)HGhiX5NR&4$ujBxg%U@p_9S}I&F$#Tdj8Ufnppcjn=a`4eM>0'
    'Y`d71Q=O3>BJ6KEXBm'
)  # fmt: skip
ORDER = ["oak", "2026-03-05 09:30", "110", "投诉"]
NAMESPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)


def xls(path: Path) -> Path:
    path.write_bytes(zlib.decompress(base64.b85decode(XLS)))
    return path


def cell(value: str | float | None) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'


def ods(
    path: Path, rows: list[list], *, columns: str = "", hidden: tuple[int, ...] = (), above: str = "", below: str = ""
) -> Path:
    """A workbook as office programs for open documents write it; ``hidden`` rows count from 1 below ``above``."""
    unseen = ' table:visibility="collapse"'
    body = "".join(
        f"<table:table-row{unseen if n in hidden else ''}>{''.join(map(cell, row))}</table:table-row>"
        for n, row in enumerate(rows, 1)
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMESPACES} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="一">{columns}{above}{body}{below}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        z.writestr("content.xml", content)
        z.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


def notes(reading: Reading) -> dict[str, dict]:
    return {n.kind: n.params for n in reading.notes}


ORDERS = [COMPLAINTS, [440301199001011234.0, *ORDER], ["440301199001011234", *ORDER], [12.0, *ORDER]]


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_a_number_of_more_than_15_digits_is_set_aside_and_a_text_of_as_many_is_not(tmp_path, kind):
    root = registers(tmp_path / "var")
    path = xls(tmp_path / "o.xls") if kind == "xls" else ods(tmp_path / "o.ods", ORDERS)
    made = load(root, path)
    assert counts(made) == (3, 2, 0, 0, 1)
    assert ask(root, "SELECT line, reason FROM rows_set_aside") == [(2, "digits_lost")]
    assert ask(root, "SELECT complaint_id FROM complaints ORDER BY 1") == [("12",), ("440301199001011234",)]


def test_rows_and_columns_hidden_in_an_open_document_are_read_and_told(tmp_path):
    # an empty column A in view, then COMPLAINTS in B to F; C and D (the second and third heading) are hidden
    columns = '<table:table-column table:number-columns-repeated="2"/><table:table-column table:number-columns-repeated="2" table:visibility="collapse"/>'
    above = '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    below = '<table:table-row table:number-rows-repeated="1048000" table:visibility="filter"><table:table-cell/></table:table-row>'
    rows = [[None, *COMPLAINTS], [None, "o1", *ORDER], [None, "o2", *ORDER], [None, "o3", *ORDER]]
    reading = open_file(ods(tmp_path / "o.ods", rows, columns=columns, hidden=(3,), above=above, below=below), KNOWN)
    assert sum(c.height for c in reading.chunks) == 3
    # two empty rows above: the third row of the table is line 5
    assert notes(reading) == {
        "heading_on_line": {"line": 3}, "hidden_rows": {"n": 1, "lines": "5"},
        "hidden_columns": {"n": 2, "names": ", ".join(COMPLAINTS[1:3])},
    }  # fmt: skip


@pytest.mark.parametrize("first", [1, 3])
def test_columns_hidden_in_a_workbook_are_read_and_told_wherever_the_table_begins(tmp_path, first):
    book = openpyxl.Workbook()
    for n, row in enumerate([COMPLAINTS, ["o1", *ORDER]], 1):
        for i, value in enumerate(row):
            book.active.cell(n, first + i, value)
    letter = openpyxl.utils.get_column_letter(first + 3)
    book.active.column_dimensions[letter].hidden = True
    book.active.column_dimensions["Z"].hidden = True  # beyond the table
    book.save(tmp_path / "o.xlsx")
    reading = open_file(tmp_path / "o.xlsx", KNOWN)
    assert [c["受理渠道"].to_list() for c in reading.chunks] == [["110"]]
    assert notes(reading) == {"hidden_columns": {"n": 1, "names": "受理渠道"}}


def test_a_workbook_that_hides_nothing_has_nothing_told(tmp_path):
    assert notes(open_file(ods(tmp_path / "o.ods", ORDERS), KNOWN)) == {}
    assert notes(open_file(xls(tmp_path / "o.xls"), KNOWN)) == {}
