"""Random and broken input in bulk. ``STEWARD_LONG=1`` tries 10,000 files; otherwise a few, so that every run is quick."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.mapping import HERE, MappingWrong, read_source
from data.reading import WrongFile
from tests.data.town import COMPANIES, ESTATES, ORDERS, ask, load, put, registers

LONG = bool(os.environ.get("STEWARD_LONG"))
FILES = 10_000 if LONG else 60
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


@settings(
    max_examples=FILES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example]
)
@given(heading=HEADING, table=TABLE, encoding=ENCODINGS, end=st.sampled_from(["\n", "\r\n"]))
def test_any_file_is_refused_by_name_or_every_row_of_it_is_counted(heading, table, encoding, end):
    separator = "\t" if "\t" in heading else ","
    text = end.join([heading, *(separator.join(row) for row in table)]) + end
    with tempfile.TemporaryDirectory() as place:
        root = registers(Path(place) / "var")
        path = Path(place) / "x.csv"
        path.write_bytes(text.encode(encoding, errors="replace"))
        try:
            made = load(root, path)
        except WrongFile as refused:
            assert str(refused).startswith("x.csv")
            return
        assert made.rows_read == made.accepted + made.revised + made.unchanged + made.set_aside
        told = ask(root, f"SELECT count(DISTINCT line) FROM rows_set_aside WHERE delivery_id = '{made.delivery_id}'")
        assert told == [(made.set_aside,)]
        stored = ask(root, f"SELECT count(*) FROM {made.record_table} WHERE delivery_id = '{made.delivery_id}'")
        assert stored == [(made.accepted + made.revised,)]


MAPPINGS = [p.read_text("utf-8") for p in sorted(HERE.glob("*.toml"))]
SCRAP = st.sampled_from(
    ["", "=", "[", "]", '"', "1", "true", "[x]", "{}", "[[columns]]\n", "columns = 3\n", "''", "\n", "-", "1979-05-27"]
)


@settings(max_examples=FILES * 5, deadline=None)
@given(text=st.sampled_from(MAPPINGS), at=st.floats(0, 1), length=st.integers(0, 40), scrap=SCRAP)
def test_a_mapping_file_with_a_mistake_is_refused_by_its_name_or_still_means_something(text, at, length, scrap):
    place = int(at * len(text))
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), "mine.toml", text[:place] + scrap + text[place + length :])
        try:
            read_source(path)
        except MappingWrong as refused:
            assert "mine.toml" in str(refused)
