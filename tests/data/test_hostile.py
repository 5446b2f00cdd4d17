"""Random and broken input in bulk. ``STEWARD_LONG=1`` tries 10,000 files; otherwise a few, so that every run is quick."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import openpyxl
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.deliveries import Delivery
from data.mapping import HERE, MappingWrong, read_source
from data.reading import WrongFile
from data.records import FILE
from tests.data.town import COMPANIES, ESTATES, ORDERS, ask, load, put, registers

LONG = bool(os.environ.get("STEWARD_LONG"))
FILES = 10_000 if LONG else 60
BOOKS = 2_000 if LONG else 20
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
CELL = st.one_of(
    st.sampled_from(
        ["", "-", "无", "oak", "elm", "ash", "ｏａｋ", "o1", "o2", "合计", "注：", "2026-01-05", "2026-01-05 09:00:00", "２０２６年３月５日 下午3:20",
         "二〇二六年三月五日", "46086.5", "12345热线", "投诉", "110", "是", "否", "1,234", "3天", "85%", '"a,b"', "a,b", '"', "\x00", "\r"]
    ),
    st.text(max_size=6),
)  # fmt: skip
TABLE = st.lists(st.lists(CELL, min_size=0, max_size=9), max_size=8)
HEADING = st.sampled_from(
    [ORDERS, "标题\n" + ORDERS, ORDERS.replace(",", "\t"), ESTATES.split("\n")[0], COMPANIES.split("\n")[0]]
)
LOOSE = settings(
    max_examples=FILES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example]
)


@cache
def town() -> tempfile.TemporaryDirectory:
    """A folder with a store that knows the town, made once; each file meets a copy of it."""
    place = tempfile.TemporaryDirectory(prefix="hostile-town-")
    registers(Path(place.name) / "var")
    return place


def loaded(place: str, path: Path) -> tuple[Path, Delivery | None]:
    """The file loaded into a copy of the town; no delivery where it was refused by its name."""
    root = Path(place) / "var"
    root.mkdir()
    shutil.copy(Path(town().name) / "var" / FILE, root / FILE)
    try:
        return root, load(root, path)
    except WrongFile as refused:
        assert str(refused).startswith(path.name)
        return root, None


def whole(root: Path, made: Delivery) -> None:
    """Every row read is a record or stands among the rows set aside with its text, and is counted once."""
    assert made.rows_read == made.accepted + made.revised + made.unchanged + made.set_aside
    aside = ask(root, f"SELECT count(DISTINCT line) FROM rows_set_aside WHERE delivery_id = '{made.delivery_id}'")
    assert aside == [(made.set_aside,)]
    stored = ask(root, f"SELECT count(*) FROM {made.record_table} WHERE delivery_id = '{made.delivery_id}'")
    assert stored == [(made.accepted + made.revised,)]


def rows_in(table: list[list[str]], separator: str) -> int | None:
    """How many rows a person counts below the heading, told without the program; None where marks make that doubtful."""
    text = "".join(v for row in table for v in row)
    if re.search(r'["\r\n\x00\ufffe\ufeff]', text):
        return None
    lines = [separator.join(row) for row in table]
    return sum(bool(line.strip(separator + " \t")) for line in lines)


@LOOSE
@given(heading=HEADING, table=TABLE, encoding=ENCODINGS, end=st.sampled_from(["\n", "\r\n"]))
def test_any_file_is_refused_by_name_or_every_row_of_it_is_counted(heading, table, encoding, end):
    separator = "\t" if "\t" in heading else ","
    text = end.join([heading, *(separator.join(row) for row in table)]) + end
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.csv"
        path.write_bytes(text.encode(encoding, errors="replace"))
        root, made = loaded(place, path)
        if made is None:
            return
        whole(root, made)
        counted = rows_in(table, separator)
        assert counted is None or made.rows_read == counted


ILLEGAL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"  # what no workbook can hold


@settings(parent=LOOSE, max_examples=BOOKS)
@given(heading=HEADING, table=TABLE, hidden=st.sets(st.integers(2, 9)), numbers=st.booleans())
def test_any_workbook_is_refused_by_name_or_every_row_of_it_is_counted(heading, table, hidden, numbers):
    table = [[re.sub(ILLEGAL, "", v) for v in row] for row in table]
    book = openpyxl.Workbook()
    titled = heading.split("\n")
    for row in [*([t] for t in titled[:-1]), re.split("[,\t]", titled[-1]), *table]:
        book.active.append([_cell(v, numbers) for v in row])
    for line in hidden:
        book.active.row_dimensions[line].hidden = True
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.xlsx"
        book.save(path)
        root, made = loaded(place, path)
        if made is None:
            return
        whole(root, made)
        # a cell of blanks alone is empty to whoever looks at it, and in the workbook's XML
        assert made.rows_read == sum(any(v.strip(" \t\r\n") for v in row) for row in table)


def _cell(text: str, numbers: bool) -> str | float | None:
    """A text as Excel would keep it: digits as a number where ``numbers``; never as a formula."""
    if not text:
        return None
    return float(text) if numbers and re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text) else text.lstrip("=") or "x"


@settings(parent=LOOSE, max_examples=BOOKS)
@given(table=st.lists(st.lists(CELL, min_size=7, max_size=7), max_size=8))
def test_any_parquet_file_is_counted_row_by_row(table):
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.parquet"
        frame = pl.DataFrame(table, schema=dict.fromkeys(ORDERS.split(","), pl.String), orient="row")
        frame.write_parquet(path)
        root, made = loaded(place, path)
        assert made is not None
        whole(root, made)
        assert made.rows_read == len(table)


MAPPINGS = [p.read_text("utf-8") for p in sorted(HERE.glob("*.toml"))]
SCRAP = st.sampled_from(
    ["", "=", "[", "]", '"', "1", "true", "[x]", "{}", "[[columns]]\n", "columns = 3\n", "''", "\n", "-", "1979-05-27"]
)


@settings(max_examples=FILES * 5, deadline=None)
@given(text=st.sampled_from(MAPPINGS), at=st.floats(0, 1), length=st.integers(0, 40), scrap=SCRAP)
def test_a_mapping_file_with_a_mistake_is_refused_by_its_name_and_line_or_still_means_something(
    text, at, length, scrap
):
    place = int(at * len(text))
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), "mine.toml", text[:place] + scrap + text[place + length :])
        try:
            read_source(path)
        except MappingWrong as refused:
            assert re.match(r"data/sources/mine\.toml: .*\bline \d+\b", str(refused), re.DOTALL), refused
