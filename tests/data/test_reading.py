"""Files as text: encodings, workbooks, Parquet, and files that are not what their name says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.reading import LINE, WrongFile, open_file
from tests.data.town import put


def rows(path: Path) -> list[tuple]:
    """All rows of a file with their lines last."""
    frame = pl.concat(list(open_file(path).chunks))
    return frame.select(pl.exclude(LINE), LINE).fill_null("").rows()


@pytest.mark.parametrize(("encoding", "told"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030")])
def test_each_encoding_gives_the_same_headings_and_rows(tmp_path, encoding, told):
    path = put(tmp_path, "a.csv", "小区编号,小区名称\noak,橡园\nelm,榆园𠮷\n", encoding)
    reading = open_file(path)
    assert (reading.headings, reading.encoding) == (["小区编号", "小区名称"], told)
    assert rows(path) == [("oak", "橡园", 2), ("elm", "榆园𠮷", 3)]  # line 1 is the heading


def test_headings_are_stripped_of_spaces(tmp_path):
    assert open_file(put(tmp_path, "a.csv", " 小区编号 ,户数\noak,1\n")).headings == ["小区编号", "户数"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_heading(tmp_path, separator):
    text = "a,b\n1,2\n".replace(",", separator)
    assert rows(put(tmp_path, "a.csv", text)) == [("1", "2", 2)]


def test_a_quoted_text_may_hold_separators_and_quotes(tmp_path):
    assert rows(put(tmp_path, "a.csv", 'a,b\n"1,5","say ""hi"""\n')) == [("1,5", 'say "hi"', 2)]


def test_a_line_after_a_text_over_two_lines_keeps_its_own_number(tmp_path):
    # line 1 heading, lines 2 and 3 hold the first row, line 4 the second
    found = rows(put(tmp_path, "a.csv", 'a,b\n1,"over\ntwo"\n3,4\n'))
    assert [r[-1] for r in found] == [2, 4]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path):
    assert rows(put(tmp_path, "a.csv", "a,b\n1,2\n\n3,4\n\n\n")) == [("1", "2", 2), ("3", "4", 4)]


def test_rows_of_separators_alone_are_no_rows(tmp_path):
    assert rows(put(tmp_path, "a.csv", "a,b\n1,2\n,\n,\n")) == [("1", "2", 2)]


def test_lines_with_too_few_or_too_many_values_are_told_apart(tmp_path):
    reading = open_file(put(tmp_path, "a.csv", 'a,b,c\n1,2,3\n1,2\n1,2,3,4\n"x,y",2,3\n'))
    kept = pl.concat(list(reading.chunks))
    assert kept.select(LINE, "a").rows() == [(2, "1"), (5, "x,y")]
    assert [(m.line, m.values, m.text) for m in reading.misshapen] == [(3, 2, "1,2"), (4, 4, "1,2,3,4")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_empty_values_beyond_the_heading_are_no_values_and_any_other_is(tmp_path, end):
    lines = ["a,b", "1,2,", "3,4,,,", "5,6,7", "8,9,,0", ',"x,,",,', ",,,", '"1",,']
    path = tmp_path / "a.csv"
    path.write_bytes((end.join(lines) + end).encode())
    reading = open_file(path)
    kept = pl.concat(list(reading.chunks))
    # line 7 holds separators alone: no row
    assert kept.select(LINE, "a", "b").fill_null("").rows() == [
        (2, "1", "2"), (3, "3", "4"), (6, "", "x,,"), (8, "1", ""),
    ]  # fmt: skip
    assert [(m.line, m.values) for m in reading.misshapen] == [(4, 3), (5, 4)]


def test_a_workbook_gives_what_its_csv_gives(tmp_path):
    frame = pl.DataFrame({"编号": ["a", "b"], "数": [5, 6], "日": [date(2026, 1, 5), None]})
    frame.write_excel(tmp_path / "a.xlsx")
    found = rows(tmp_path / "a.xlsx")
    assert [(r[0], float(r[1]), r[2][:10], r[3]) for r in found] == [("a", 5.0, "2026-01-05", 2), ("b", 6.0, "", 3)]


def test_parquet_values_become_text_and_moments_keep_their_offset(tmp_path):
    moment = datetime(2026, 1, 5, 3, 4, 5)
    frame = pl.DataFrame(
        {"n": [5, None], "yes": [True, False], "here": [moment] * 2, "utc": [moment.replace(tzinfo=UTC)] * 2}
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert rows(tmp_path / "a.parquet") == [
        ("5", "true", "2026-01-05 03:04:05", "2026-01-05T03:04:05+00:00", 1),
        ("", "false", "2026-01-05 03:04:05", "2026-01-05T03:04:05+00:00", 2),
    ]


PAGE = "\n<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("page.csv", PAGE.encode(), "web page"),
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"\n \n", "the file is empty"),
        ("latin.csv", b"a,b\nCaf\x81\xff,\x8d\n", "neither UTF-8 nor GB18030"),
        ("cut_off.csv", "a,b\n1,2\n".encode("utf-16") + b"\x01", "neither UTF-8 nor GB18030"),
        ("half_a_pair.csv", b"\x00\x01\xd8\x01", "neither UTF-8 nor GB18030"),
        ("twice.csv", b"a,a\n1,2\n", "more than once"),
        ("quote.csv", b'a,b\n1,2\n1,"open\nmore words\n3,4\n', "line 3"),
        ("one_column.csv", b'a\n1\n"open\n3\n', "line 3"),
        ("page.xlsx", PAGE.encode(), "cannot be opened"),
        ("page.parquet", PAGE.encode(), "no Parquet file"),
        ("letter.docx", b"x", "'.docx' files are not read"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_was_found(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WrongFile, match=said) as refused:
        for _ in open_file(path).chunks:
            pass
    assert str(refused.value).startswith(name)
    assert "nothing was stored" in str(refused.value)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(WrongFile, match="no such file"):
        open_file(tmp_path / "none.csv")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.text(alphabet='a1,"\n\r;\t 园\x00', max_size=200).map(str.encode)),
       ending=st.sampled_from([".csv", ".xlsx", ".parquet"]))  # fmt: skip
def test_any_bytes_are_a_table_or_refused_by_name(tmp_path, content, ending):
    path = tmp_path / f"hostile{ending}"
    path.write_bytes(content)
    try:
        for chunk in open_file(path).chunks:
            assert chunk.get_column(LINE).null_count() == 0
    except WrongFile as e:
        assert str(e).startswith(path.name)
