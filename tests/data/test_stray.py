"""Quotation marks out of place: their own line is set aside with its text, every other row is read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import stray
from data.mending import mend
from data.reading import LINE, WrongFile, open_file
from tests.data.test_mending import ACT
from tests.data.town import ORDERS, ask, counts, load, put, registers


def read(path: Path) -> tuple[list[tuple], list[tuple]]:
    """(rows with their line last, lines set aside for a mark with their text)."""
    opened = open_file(path)
    frames = list(opened.chunks)
    rows = pl.concat(frames).select(*opened.headings, LINE).fill_null("").rows() if frames else []
    return rows, [(m.line, m.text) for m in opened.misshapen if m.mark]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('5" pipe,2', "a mark in an unquoted value"),
        ('"5" pipe,2', "a quoted value followed by other signs"),
        ('1,"open', "a mark that opens and never closes, before lines that are rows"),
        ('"a"b"c",2', "twice in one line"),
        ('x",2', "a mark at the end alone"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_spoilt_line_is_set_aside_and_the_others_are_read(tmp_path, line, why, end):
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(["a,b", '"1,0",2', line, "3,4", '5,"six"', ""]).encode())
    # ``1,"open`` meets the mark of line 5, which is followed by ``six``: it was never meant to open
    assert read(path) == ([("1,0", "2", 2), ("3", "4", 4), ("5", "six", 5)], [(3, line)]), why


def test_a_mark_never_closed_before_rows_is_one_line_and_before_other_text_the_file_is_refused(tmp_path):
    assert read(put(tmp_path, "a.csv", 'a,b\n1,2\n3,"open\n5,6\n7,8\n')) == (
        [("1", "2", 2), ("5", "6", 4), ("7", "8", 5)], [(3, '3,"open')],
    )  # fmt: skip
    assert read(put(tmp_path, "b.csv", 'a,b\n1,2\n3,"open'))[1] == [(3, '3,"open')]
    with pytest.raises(WrongFile, match="line 3: a quotation mark is never closed"):
        open_file(put(tmp_path, "c.csv", 'a,b\n1,2\n3,"a remark\nthat goes on\nand on, at length\n'))


def test_a_text_over_lines_above_a_spoilt_one_keeps_the_numbers_of_lines(tmp_path):
    # lines 2 and 3 are one row; line 5 is spoilt
    rows, aside = read(put(tmp_path, "a.csv", 'a,b\n1,"over\ntwo"\n3,4\n5,6" x\n7,8\n'))
    assert rows == [("1", "over\ntwo", 2), ("3", "4", 4), ("7", "8", 6)] and aside == [(5, '5,6" x')]


def test_a_mark_in_a_title_above_the_heading_spoils_nothing(tmp_path):
    opened = open_file(put(tmp_path, "a.csv", '5" 管道检查\na,b\n1,2\n'), frozenset(("a", "b")))
    assert opened.headings == ["a", "b"]
    assert pl.concat(list(opened.chunks)).rows() == [(3, "1", "2")]


def test_a_file_spoilt_on_very_many_lines_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stray, "MOST_LINES", 3)
    put(tmp_path, "a.csv", "a,b\n" + '1,2"x\n' * 3)
    assert len(read(tmp_path / "a.csv")[1]) == 3
    with pytest.raises(WrongFile, match="line 2"):
        open_file(put(tmp_path, "b.csv", "a,b\n" + '1,2"x\n' * 4))


CELL = st.text("ab1 ,\n户", max_size=4)
#: How a row may be spoilt; the mark never ends its value, so that no later one can pair with it by chance.
SPOILT = st.sampled_from([None, None, None, 'x"y', '"x"y', 'x""y', '"x"" "y'])


def quoted(cell: str) -> str:
    return f'"{cell}"' if set(cell) & {",", "\n"} else cell


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL, SPOILT), max_size=12), window=st.sampled_from([1, 7, 4096]))
def test_of_any_table_exactly_the_spoilt_lines_are_set_aside(rows, window):
    """Told from outside: each row's first line is known by its place; no program reads the file to know what is in it."""
    lines, good, spoilt, at = ["k,a,b"], [], [], 2
    for i, (a, b, mark) in enumerate(rows):
        if mark:
            a, b = "plain", mark  # a spoilt record is one line
            spoilt.append(at)
        else:
            good.append((f"k{i}", a, b, at))
        lines.append(f"k{i},{quoted(a)},{b if mark else quoted(b)}")
        at += 1 + (0 if mark else a.count("\n") + b.count("\n"))
    before = stray.LEAST_BYTES
    stray.LEAST_BYTES = window
    try:
        with tempfile.TemporaryDirectory() as folder:
            found, aside = read(put(Path(folder), "x.csv", "\n".join(lines) + "\n"))
    finally:
        stray.LEAST_BYTES = before
    assert ([n for n, _ in aside], found) == (spoilt, good)


def test_the_spoilt_line_stands_at_the_desk_with_its_text_and_is_mended_like_any_other(tmp_path):
    root = registers(tmp_path / "var")
    good = "c{0},oak,2026-01-0{0} 09:00:00,110,投诉,,\n"
    text = ORDERS + "\n" + good.format(1) + 'c2,"oak"x,2026-01-02 09:00:00,110,投诉,,\n' + good.format(3)
    made = load(root, put(tmp_path, "orders.csv", text))
    assert counts(made) == (3, 2, 0, 0, 1)  # three lines below the heading
    ((line, reason, found, original),) = ask(root, "SELECT line, reason, found, original FROM rows_set_aside")
    assert (line, reason) == (3, "stray_quote") and '"oak"x' in found
    assert json.loads(original) == {"line": 'c2,"oak"x,2026-01-02 09:00:00,110,投诉,,'}
    after = {"complaint_id": "c2", "estate_id": "oak", "received_at": "2026-01-02 09:00:00", "received_on": "2026-01-02",
             "channel": "police", "nature": "complaint"}  # fmt: skip
    columns = [c for (c,) in ask(root, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'complaints'")]
    own = columns[: columns.index("record_id")]
    edit = {"delivery_id": made.delivery_id, "line": 3, "after": json.dumps({c: after.get(c, "") for c in own})}
    (done,) = mend(root, pl.DataFrame([edit]), ACT)
    assert done.rows == 1 and ask(root, "SELECT count(*) FROM complaints") == [(3,)]
