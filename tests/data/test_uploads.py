"""Files handed in that mean harm: each is refused by name, and nothing of it is stored."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data import bounded, uploads
from data.intake import load_file
from data.reading import WrongFile
from data.uploads import Unsafe, check, limits, own_name
from i18n.words import LANGUAGES, Words
from tests.data.hostile_files import bomb, far_cell, laughs, row, workbook
from tests.data.town import NOW, everything, registers

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def kind_of(path: Path, **bounds) -> str | None:
    try:
        check(path, replace(limits(), **bounds))
    except Unsafe as e:
        return e.kind
    return None


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("小区登记.xlsx", "小区登记.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/var/ledger.sqlite", "ledger.sqlite"),
        ("....//x.csv", "x.csv"),
        (".bashrc", "bashrc"),
        ("--root=evil.csv", "root=evil.csv"),
        ("a\r\nrefused  b.csv", "arefused  b.csv"),  # a name does not write lines of its own into the log
        ("a\x00.csv", "a.csv"),
        ("invoice\u202excod.exe", "invoicexcod.exe"),  # no reading backwards
        ("<script>alert(1)</script>.csv", "script_.csv"),  # all up to the last slash is a folder
        ('a|b"c?.csv', "a_b_c_.csv"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("/", "unnamed"),
        ("-.csv", "unnamed.csv"),
    ],
)
def test_a_name_is_kept_as_one_harmless_name(given_name, kept):
    assert own_name(given_name) == kept


@given(st.text(max_size=400))
@example("长" * 300 + ".xlsx")
@example("a." + "b" * 300)
def test_no_name_leads_out_of_the_folder_or_is_too_long_for_it(name):
    kept = own_name(name)
    assert kept and kept not in (".", "..") and not kept.startswith((".", "-"))
    assert Path(kept).name == kept and not set(kept) & set("/\\\r\n\0")
    assert len(kept.encode()) <= limits().name_bytes
    assert own_name(kept) == kept


# --- what is inside -------------------------------------------------------------------------------------------------


def test_a_plain_workbook_passes(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", rows=row(2, "oak", "橡园 &lt;!DOCTYPE x&gt; &lt;!ENTITY", "高层住宅", "S1", "500")
    )
    assert kind_of(path) is None


@pytest.mark.parametrize("name", ["a.xlsm", "a.XLSM", "a.xltm"])
def test_a_workbook_named_for_its_macros_is_refused(tmp_path, name):
    assert kind_of(workbook(tmp_path / name)) == "macros"


@pytest.mark.parametrize(
    "part", ["xl/vbaProject.bin", "XL/VBAPROJECT.BIN", "xl/macrosheets/sheet1.xml", "Basic/Standard/M.xml"]
)
def test_a_workbook_with_macros_inside_is_refused_whatever_its_name(tmp_path, part):
    assert kind_of(workbook(tmp_path / "a.xlsx", more={part: b"x"})) == "macros"


def test_an_old_workbook_with_macros_is_refused(tmp_path):
    old = tmp_path / "a.xls"
    old.write_bytes(uploads.COMPOUND + b"\0" * 2_000_000 + "_VBA_PROJECT".encode("utf-16-le") + b"\0" * 100)
    assert kind_of(old) == "macros"
    old.write_bytes(uploads.COMPOUND + b"\0" * 2_000_000)
    assert kind_of(old) is None


def test_macros_are_seen_across_the_edge_of_a_block(tmp_path):
    old = tmp_path / "a.xls"
    old.write_bytes((uploads.COMPOUND + b"\0" * uploads.BLOCK)[: uploads.BLOCK - 5] + uploads.MACRO_STREAM)
    assert kind_of(old) == "macros"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = bomb(tmp_path / "a.xlsx", 60)
    assert path.stat().st_size < 100_000  # 60 MB of blanks in 60 kB
    assert kind_of(path) == "expands"


def test_many_parts_that_are_each_harmless_are_refused_together(tmp_path):
    path = workbook(tmp_path / "a.xlsx", more={f"xl/p{i}.bin": bytes(1_048_576) for i in range(12)})
    assert kind_of(path, unpacked_mb=10) == "expands"
    assert kind_of(path, parts_at_most=16) == "parts"  # 5 of its own and 12
    assert kind_of(path, parts_at_most=17) is None


def test_a_part_whose_size_is_a_lie_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", more={"xl/sharedStrings.xml": b" " * 3_000_000})
    raw = bytearray(path.read_bytes())
    honest = struct.pack("<L", 3_000_000)
    assert raw.count(honest) == 2  # before the part, and in the list at the end
    path.write_bytes(bytes(raw).replace(honest, struct.pack("<L", 10)))
    assert kind_of(path) == "damaged"


def test_entities_are_refused_in_any_spelling_and_any_part(tmp_path):
    assert kind_of(laughs(tmp_path / "a.xlsx")) == "entities"
    wide = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'.encode("utf-16")
    assert kind_of(workbook(tmp_path / "b.xlsx", more={"docProps/app.xml": wide})) == "entities"
    outside = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'
    assert kind_of(workbook(tmp_path / "c.xlsx", more={"xl/_rels/x.rels": outside})) == "entities"
    edge = b" " * (uploads.BLOCK - 4) + b"<!ENTITY"
    with zipfile.ZipFile(tmp_path / "d.xlsx", "w") as z:
        z.writestr("x.xml", edge)
    assert kind_of(tmp_path / "d.xlsx") == "entities"


@pytest.mark.parametrize("part", ["../../etc/cron.d/x", "/etc/x", "xl/../../x", "xl\\..\\x"])
def test_a_part_that_points_outside_is_refused(tmp_path, part):
    assert kind_of(workbook(tmp_path / "a.xlsx", more={part: b"x"})) == "paths"


def test_a_file_larger_than_allowed_is_refused(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 1_048_577)
    assert kind_of(path, largest_file_mb=1) == "too_large"
    path.write_bytes(b"x" * 1_048_576)
    assert kind_of(path, largest_file_mb=1) is None


@pytest.mark.parametrize("ending", [".csv", ".txt", ".TSV"])
def test_a_text_read_block_by_block_has_a_bound_of_its_own(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"x" * 1_048_577)
    assert kind_of(path, largest_file_mb=1, largest_text_mb=2) is None
    assert kind_of(path, largest_file_mb=2, largest_text_mb=1) == "too_large"


@pytest.mark.parametrize(
    "make", [bomb, laughs, lambda p: workbook(p.with_suffix(".xlsm"))], ids=["bomb", "laughs", "macros"]
)
def test_a_refused_file_leaves_the_store_as_it_was(root, tmp_path, make):
    before = everything(root)
    path = make(tmp_path / "estates.xlsx")
    with pytest.raises(WrongFile, match=path.name):
        load_file(root, path, received_at=NOW)
    after = everything(root)
    assert before.keys() == after.keys() and all(before[n].equals(after[n]) for n in before)


def test_the_look_from_a_process_of_its_own_tells_kind_and_values_that_have_words(tmp_path):
    found = {}
    for path in (bomb(tmp_path / "a.xlsx", 60), laughs(tmp_path / "b.xlsx"), workbook(tmp_path / "c.xlsm")):
        look = [sys.executable, "-m", "data.uploads", str(path)]
        ended = bounded.run(look, seconds=60, memory_mb=500)
        assert (ended.code, ended.stopped) == (2, None), ended.text
        wrong = json.loads(ended.text)
        found[wrong["kind"]] = wrong["params"]
    assert set(found) == {"expands", "entities", "macros"}
    for language in LANGUAGES:
        for kind in Unsafe.SAID:
            params = {"size": 1, "limit": 2, "n": 3, "part": "x"}
            assert Words(language)(f"intake.unsafe.{kind}", **params)


# --- the process with limits ----------------------------------------------------------------------------------------


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_program_within_its_limits_ends_as_always():
    heard: list[str] = []
    ended = bounded.run(
        python("print('a'); print('b'); raise SystemExit(2)"), seconds=60, memory_mb=500, tell=heard.append
    )
    assert (ended.code, ended.text, ended.stopped, heard) == (2, "a\nb", None, ["a", "b"])


@pytest.mark.parametrize(
    ("code", "stopped"),
    [
        ("while True: pass", "time"),
        ("import time; time.sleep(600)", "time"),
        ("import os, time\nif os.fork(): time.sleep(600)\nwhile True: pass", "time"),
        ("x = [bytearray(b'x') * 10_000_000 for _ in range(10_000)]", "memory"),
        ("import os, time\nif not os.fork(): x = [bytearray(b'x') * 10_000_000 for _ in range(200)]\ntime.sleep(600)", "memory"),
    ],
    ids=["spins", "sleeps", "spins in a child", "eats", "eats in a child"],
)  # fmt: skip
def test_a_program_at_a_limit_is_killed_with_its_children(code, stopped):
    ended = bounded.run(python(code), seconds=4, memory_mb=300)
    assert ended.stopped == stopped, ended


def test_what_a_program_says_is_kept_to_its_end_and_no_more():
    ended = bounded.run(python("for i in range(5000): print(i, 'x' * 5000)"), seconds=120, memory_mb=500)
    assert len(ended.text) <= bounded.LINES_KEPT * bounded.LINE_LONGEST
    assert ended.code == 0


def test_a_sheet_that_grows_in_memory_is_stopped_and_the_store_left_as_it_was(root, tmp_path):
    path = far_cell(tmp_path / "estates.xlsx")
    assert path.stat().st_size < 5_000 and kind_of(path) is None  # nothing to be seen beforehand
    before = everything(root)
    command = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root), "load", str(path)]
    ended = bounded.run(command, seconds=300, memory_mb=700)
    assert ended.stopped == "memory", ended
    after = everything(root)
    assert all(before[n].equals(after[n]) for n in before)


def test_a_usual_load_needs_far_less_than_the_limit(root, tmp_path):
    """22,000 rows within a fifth of the memory allowed: the limit meets no honest file."""
    orders = tmp_path / "orders.csv"
    head = "工单编号,小区编号,来电时间,受理渠道,诉求性质,办结日期,是否解决\n"
    orders.write_text(
        head + "".join(f"o{i},oak,2026-01-05 09:00:00,12345热线,投诉,2026-01-07,是\n" for i in range(22_000)),
        encoding="utf-8",
    )
    command = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root), "load", str(orders)]
    ended = bounded.run(command, seconds=300, memory_mb=limits().memory_mb // 5)
    assert (ended.code, ended.stopped) == (0, None), ended.text


def test_the_process_can_be_run_without_its_parent_reading_it():
    job = subprocess.run(
        [
            sys.executable,
            "-m",
            "data.bounded",
            "300",
            "5",
            *python("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert job.stdout.strip() == "(0, 0)"
