"""Files become deliveries: counted row by row, set aside with their reasons, and never half stored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.intake import load_file, load_files
from data.mapping import sources, to_source_form
from tests.data.town import AREAS, COMPANIES, ESTATES, NOW, ORDERS, ask, counts, everything, load, put, registers

THREE = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,12345热线,投诉,2026-01-08,是\no2,elm,2026-01-06 09:00:00,110,咨询,,\no3,,2026-01-07 09:00:00,上门,投诉,,\n"
BAD = f"""{ORDERS}
o1,oak,2026-01-05 09:00:00,12345热线,投诉,2026-01-08,是
o2,oak,yesterday,12345热线,投诉,,
o3,oak,2026-01-05 09:00:00,鸽子,抱怨,,也许
o4,oak,2026-01-05 09:00:00,12345热线,投诉,2026-01-04,
o5,ash,2026-01-05 09:00:00,12345热线,投诉,,
o6,oak,2026-01-05
"""


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def failures(root: Path) -> list[tuple]:
    return ask(root, "SELECT line, column_name, found, reason FROM rows_set_aside ORDER BY ALL")


def test_each_row_set_aside_is_told_with_line_column_value_and_reason(root, tmp_path):
    made = load(root, put(tmp_path, "orders.csv", BAD))
    assert counts(made) == (6, 1, 0, 0, 5)
    assert failures(root) == [
        (3, "received_at", "yesterday", "not_moment"),
        (3, "received_on", None, "missing"),  # it would have come from the moment
        (4, "channel", "鸽子", "unknown_code"),
        (4, "nature", "抱怨", "unknown_code"),
        (4, "solved", "也许", "not_yes_or_no"),
        (5, "closed_on", "closed_on 2026-01-04, received_on 2026-01-05", "sense.closed_on_is_before_received_on"),
        (6, "estate_id", "ash", "unknown_reference"),
        (7, None, "3", "values_in_line"),
    ]
    (told,) = ask(root, "SELECT original FROM rows_set_aside WHERE line = 6")
    assert '"o5"' in told[0]
    assert ask(root, "SELECT record_id, line FROM complaints") == [("o1", 2)]


def test_an_order_that_names_no_estate_is_kept(root, tmp_path):
    load(root, put(tmp_path, "orders.csv", THREE))
    assert ask(root, "SELECT complaint_id FROM complaints WHERE estate_id IS NULL") == [("o3",)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_encodings_give_identical_records(root, tmp_path, encoding):
    load(root, put(tmp_path, "orders.csv", THREE, encoding))
    assert ask(root, "SELECT complaint_id, channel, nature, received_on, solved FROM complaints ORDER BY 1") == [
        ("o1", "hotline", "complaint", date(2026, 1, 5), True), ("o2", "police", "question", date(2026, 1, 6), None),
        ("o3", "visit", "complaint", date(2026, 1, 7), None),
    ]  # fmt: skip


def test_contract_names_and_codes_are_accepted_as_they_are(root, tmp_path):
    text = "complaint_id,estate_id,received_on,channel,nature\no1,oak,2026-01-05,hotline,complaint\n"
    assert counts(load(root, put(tmp_path, "orders.csv", text))) == (1, 1, 0, 0, 0)


def test_workbook_and_parquet_store_what_the_csv_stores(tmp_path):
    stored = []
    frame = pl.read_csv(THREE.encode(), infer_schema=False)
    for ending in ("csv", "xlsx", "parquet"):
        folder = tmp_path / ending
        folder.mkdir()
        root, path = registers(folder / "var"), folder / f"orders.{ending}"
        {"csv": frame.write_csv, "xlsx": frame.write_excel, "parquet": frame.write_parquet}[ending](path)
        load(root, path)
        stored.append(everything(root)["complaints"].drop("line"))
    assert stored[0].height == 3
    assert stored[0].equals(stored[1])
    assert stored[0].equals(stored[2])


def test_the_same_file_twice_changes_nothing(root, tmp_path):
    path = put(tmp_path, "orders.csv", BAD)
    load(root, path)
    before = everything(root)
    again = load(root, put(tmp_path, "another_name.csv", BAD))
    assert again.already
    after = everything(root)
    assert {n: f.equals(after[n]) for n, f in before.items()} == dict.fromkeys(before, True)


def test_a_changed_record_is_a_new_version_beside_the_old(root, tmp_path):
    load(root, put(tmp_path, "a.csv", THREE))
    made = load(root, put(tmp_path, "b.csv", THREE.replace("咨询,,", "咨询,2026-01-09,是")))
    assert counts(made) == (3, 0, 1, 2, 0)
    seq = made.seq
    versions = "SELECT closed_on, delivery_seq, revised_by_seq FROM complaints WHERE record_id = 'o2' ORDER BY 2"
    assert ask(root, versions) == [(None, seq - 1, seq), (date(2026, 1, 9), seq, None)]


def test_of_contradicting_rows_the_last_stands_and_repeats_are_counted(root, tmp_path):
    o2 = "o2,elm,2026-01-06 09:00:00,110,{},,\n"
    text = f"{ORDERS}\n" + o2.format("咨询") + o2.format("投诉") + o2.format("投诉")
    # line 2 is contradicted by line 4, line 3 says the same as line 4
    assert counts(load(root, put(tmp_path, "a.csv", text))) == (3, 1, 0, 1, 1)
    assert failures(root) == [(2, None, "o2", "contradicted_below")]
    assert ask(root, "SELECT nature, line FROM complaints") == [("complaint", 4)]


def test_a_doubled_file_loads_once(root, tmp_path):
    body = THREE.split("\n", 1)[1]
    assert counts(load(root, put(tmp_path, "a.csv", THREE + body))) == (6, 3, 0, 3, 0)


def test_two_tenures_of_one_estate_may_touch_but_not_overlap(root, tmp_path):
    text = (
        "任期编号,小区编号,统一社会信用代码,任职日期,离任日期\n"
        "t1,oak,acme,2024-01-01,2025-01-01\nt2,oak,best,2025-01-01,\nt3,elm,acme,2024-01-01,2025-01-02\nt4,elm,best,2025-01-01,\n"
    )
    # t2 starts on the day t1 ends (exclusive): no overlap; t4 starts one day before t3 ends
    assert counts(load(root, put(tmp_path, "t.csv", text))) == (4, 3, 0, 0, 1)
    assert failures(root) == [(5, "valid_from", "2025-01-01", "overlapping_tenure")]


def test_a_second_open_period_of_an_estate_is_set_aside_until_the_first_is_closed(root, tmp_path):
    new = "oak,2026-01-01,,橡园,高层住宅,S1,510\n"
    made = load(root, put(tmp_path, "new.csv", ESTATES.splitlines()[0] + "\n" + new * 2))
    assert counts(made) == (2, 0, 0, 1, 1)
    both = ESTATES.replace("oak,2020-01-01,,", "oak,2020-01-01,2026-01-01,") + new
    assert counts(load(root, put(tmp_path, "both.csv", both))) == (3, 1, 1, 1, 0)


def test_one_form_gives_a_visit_and_its_items(root, tmp_path):
    text = (
        "检查编号,小区编号,检查日期,检查类型,检查缘由,检查主体,疏散通道,消防设施,保安持证\n"
        "v1,oak,2026-01-05,日常检查,计划,派出所,合格,不合格,不涉及\n"
    )
    made = load_file(root, put(tmp_path, "form.csv", text), received_at=NOW)
    assert [(d.record_table, *counts(d)) for d in made] == [
        ("inspections", 1, 1, 0, 0, 0),
        ("inspection_items", 2, 2, 0, 0, 0),
    ]
    assert ask(root, "SELECT item_code, checked, passed, line FROM inspection_items ORDER BY 1") == [
        ("escape_routes", 1, 1.0, 2), ("fire_equipment", 1, 0.0, 2),
    ]  # fmt: skip


def test_a_file_far_smaller_than_the_one_before_waits_for_a_person(root, tmp_path):
    header, row = ESTATES.splitlines()[:2]
    many = [row.replace("oak", f"e{i}") for i in range(10)]
    load(root, put(tmp_path, "ten.csv", "\n".join([header, *many]) + "\n"))
    before = everything(root)
    # [expect] share_of_previous = 0.5: five of ten pass, four are too few
    four = load(root, put(tmp_path, "four.csv", "\n".join([header, *many[:4]]) + "\n"))
    assert (four.waits, four.rows_read) == ("waiting", 4)
    after = {n: f for n, f in everything(root).items() if n != "deliveries_waiting"}
    assert {n: f.equals(before[n]) for n, f in after.items()} == dict.fromkeys(after, True)
    five = load(root, put(tmp_path, "five.csv", "\n".join([header, *many[:5]]) + "\n"))
    assert counts(five) == (5, 0, 0, 5, 0)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("page.csv", "<html><body>404</body></html>", "web page"),
        ("odd.csv", "x,y\n1,2\n", "no source has these headings: x, y"),
    ],
)
def test_a_wrong_file_is_refused_whole_and_the_others_go_on(root, tmp_path, name, text, said):
    folder = tmp_path / "inbox"
    folder.mkdir()
    put(folder, name, text)
    put(folder, "orders.csv", THREE)
    done, refused = load_files(root, [folder], received_at=NOW)
    assert [d.accepted for d in done] == [3]
    assert [said in str(r) for r in refused] == [True]


def test_registers_load_before_the_records_that_name_them(tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for name, text in (("1_orders", THREE), ("2_companies", COMPANIES), ("3_estates", ESTATES), ("4_areas", AREAS)):
        put(inbox, f"{name}.csv", text)
    done, refused = load_files(tmp_path / "var", [inbox], received_at=NOW)
    assert refused == []
    assert [(d.record_table, d.set_aside) for d in done] == [
        ("areas", 0),
        ("companies", 0),
        ("estates", 0),
        ("complaints", 0),
    ]


def test_a_file_named_that_is_no_table_is_refused_not_passed_over(root, tmp_path):
    named = [put(tmp_path, "letter.docx", "x"), tmp_path / "absent.csv", put(tmp_path, "orders.csv", THREE)]
    done, refused = load_files(root, named, received_at=NOW)
    assert [d.file for d in done] == ["orders.csv"]
    assert sorted(str(r).split(":")[0] for r in refused) == ["absent.csv", "letter.docx"]


def many_orders(rows: int) -> pl.DataFrame:
    frame = pl.DataFrame({"complaint_id": [f"o{i}" for i in range(rows)]}).with_columns(
        estate_id=pl.lit("oak"), received_on=pl.lit(date(2026, 1, 5)), channel=pl.lit("hotline"), nature=pl.lit("complaint"),
        received_at=pl.lit(datetime(2026, 1, 5, 1, tzinfo=UTC)),
    )  # fmt: skip
    return to_source_form(frame, sources()["complaints"])


def test_a_file_larger_than_a_chunk_and_a_row_group_loads_every_row(root, tmp_path):
    # 300,000 rows: more than DuckDB's row group (122,880) and more than one chunk (200,000)
    many_orders(300_000).write_csv(tmp_path / "many.csv")
    assert counts(load(root, tmp_path / "many.csv")) == (300_000, 300_000, 0, 0, 0)
    assert ask(root, "SELECT count(DISTINCT record_id), min(line), max(line) FROM complaints") == [
        (300_000, 2, 300_001)
    ]


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from data import intake, staging
step = sys.argv[3]
place = staging if hasattr(staging, step) and not hasattr(intake, step) else intake
real = getattr(place, step)
def then_die(*args, **options):
    result = real(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(place, step, then_die)
intake.load_file(Path(sys.argv[1]), Path(sys.argv[2]), received_at=datetime(2026, 10, 8, tzinfo=UTC))
"""


@pytest.mark.parametrize("step", ["insert_staged", "cross_checks", "store", "_load_source"])
def test_a_load_killed_at_any_step_leaves_no_half_delivery(root, tmp_path, step):
    load(root, put(tmp_path, "first.csv", THREE))
    before = everything(root)
    many_orders(150_000).write_csv(tmp_path / "many.csv")
    died = subprocess.run([sys.executable, "-c", KILLED, str(root), str(tmp_path / "many.csv"), step], check=False)
    assert died.returncode == -signal.SIGKILL
    after = everything(root)
    assert {n: f.equals(after[n]) for n, f in before.items()} == dict.fromkeys(before, True)
    # and the file can be loaded afterwards: o1 and o2 are revised, o3 too, the rest are new
    assert counts(load(root, tmp_path / "many.csv")) == (150_000, 149_997, 3, 0, 0)


def test_a_load_killed_at_any_moment_is_whole_or_absent(root, tmp_path):
    many_orders(150_000).write_csv(tmp_path / "many.csv")
    code = KILLED.replace("os.kill", "(lambda *_: None)")
    for seconds in (1.5, 2.0, 2.5, 3.0):
        loading = subprocess.Popen([sys.executable, "-c", code, str(root), str(tmp_path / "many.csv"), "store"])
        time.sleep(seconds)
        if loading.poll() is None:
            os.kill(loading.pid, signal.SIGKILL)
        loading.wait()
        (stored,) = ask(
            root,
            "SELECT (SELECT count(*) FROM complaints), (SELECT count(*) FROM deliveries WHERE source = 'complaints')",
        )
        assert stored in ((0, 0), (150_000, 1))


CELL = st.sampled_from(
    ["", "o1", "o2", "oak", "ash", "2026-01-05", "2026-01-05 09:00:00", "12345热线", "投诉", "是", "x", '"a,b"', "a,b"]
)


@settings(max_examples=40, deadline=None)
@given(files=st.lists(st.lists(st.lists(CELL, min_size=7, max_size=7), max_size=8), min_size=1, max_size=3))
def test_every_row_read_is_accepted_revised_unchanged_or_set_aside(files):
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "var"
        for i, rows in enumerate(files):
            text = "\n".join([ORDERS, *(",".join(r) for r in rows), f"z{i},,2026-01-05 09:00:00,上门,投诉,,"]) + "\n"
            made = load(root, put(Path(place), f"{i}.csv", text))
            if not made.already:
                blank = sum(not any(r) for r in rows)  # a line of separators is no row
                assert made.rows_read == len(rows) + 1 - blank
                assert made.rows_read == made.accepted + made.revised + made.unchanged + made.set_aside
                told = ask(
                    root, f"SELECT count(DISTINCT line) FROM rows_set_aside WHERE delivery_id = '{made.delivery_id}'"
                )
                assert told == [(made.set_aside,)]


def test_what_a_file_has_no_column_for_stays_empty_and_a_fuller_file_revises_it(tmp_path):
    root = registers(tmp_path / "var")
    made = load(
        root,
        put(tmp_path, "a.csv", "工单编号,小区编号,来电时间,受理渠道,诉求性质\no1,oak,2026-01-05 09:00:00,110,投诉\n"),
    )
    assert counts(made) == (1, 1, 0, 0, 0)
    text = ORDERS + "\no1,oak,2026-01-05 09:00:00,110,投诉,2026-01-08,是\n"
    assert counts(load(root, put(tmp_path, "b.csv", text))) == (1, 0, 1, 0, 0)
    said = ask(root, "SELECT closed_on, solved, upheld, revised_by_seq IS NULL FROM complaints ORDER BY delivery_seq")
    assert said == [(None, None, None, False), (date(2026, 1, 8), True, None, True)]
    assert counts(load(root, put(tmp_path, "c.csv", text.replace("诉求性质,", "诉求性质 ,")))) == (1, 0, 0, 1, 0)
