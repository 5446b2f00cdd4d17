"""When the machine does not play along: no room, no right to write, two loaders, a clock set back. The store is as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from data.intake import load_files
from data.mending import Act, mend
from data.records import ClockBehind, StoreUnwritable, open_store
from tests.data.test_intake import many_orders
from tests.data.town import NOW, ORDERS, ask, everything, load, put, registers

PROGRAM = Path(__file__).parents[2] / "steward.py"
ONE = f"{ORDERS}\no1,oak,2026-01-05 09:00:00,110,投诉,,\n"
BAD = f"{ORDERS}\no7,ash,2026-01-05 09:00:00,110,投诉,,\n"


@pytest.fixture
def root() -> Iterator[Path]:
    """A store in a folder that any account may enter, as the tests may run as root and give that up."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        root = registers(Path(place) / "var")
        load(root, put(root.parent, "one.csv", ONE))
        load(root, put(root.parent, "bad.csv", BAD))
        many_orders(150_000).write_csv(root.parent / "many.csv")
        yield root


#: Run in a process of its own: a limit, then the load; what it raised is told as JSON.
TRIED = """
import json, os, resource, sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from data.intake import load_file
from data.mending import Act, mend
root, how, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
from tests.data.town import NOW
if how == "full":
    size = (root / "records.duckdb").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(1, size + int(sys.argv[4])), resource.RLIM_INFINITY))
elif os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    if what == "load":
        load_file(root, root.parent / "many.csv", received_at=NOW)
    else:
        mend(root, pl.DataFrame(json.loads(sys.argv[5])), Act("a", NOW, "b"))
    print(json.dumps(["done", ""]))
except Exception as e:
    print(json.dumps([type(e).__name__, str(e)]))
"""


def tried(root: Path, how: str, what: str = "load", room: int = 0, edits: str = "[]") -> tuple[str, str]:
    """What a load or a mend under a limit came to: the exception's name and its words."""
    command = [sys.executable, "-c", TRIED, str(root), how, what, str(room), edits]
    run = subprocess.run(command, capture_output=True, text=True, cwd=PROGRAM.parent)
    assert run.returncode == 0, run.stderr
    name, said = json.loads(run.stdout.strip().splitlines()[-1])
    return name, said


def unchanged(before: dict[str, pl.DataFrame], root: Path) -> bool:
    after = everything(root)
    return all(f.equals(after[n]) for n, f in before.items())


@pytest.mark.parametrize("room", [0, 100_000, 1_000_000])
def test_where_the_disk_is_full_the_load_says_so_and_the_store_is_as_it_was(root, room):
    before = everything(root)
    name, said = tried(root, "full", room=room)
    assert name == "StoreUnwritable"
    assert "there is no room to write" in said and "Free space" in said
    assert unchanged(before, root)
    assert load(root, root.parent / "many.csv").accepted == 149_999, "and with room again it loads (o1 is revised)"


def test_where_the_disk_is_full_a_mend_says_so_and_the_store_is_as_it_was(root):
    ((delivery, original),) = ask(root, "SELECT delivery_id, original FROM rows_set_aside")
    edit = {"delivery_id": delivery, "line": 2, "after": json.dumps(json.loads(original) | {"小区编号": "oak"})}
    before = everything(root)
    name, said = tried(
        root, "full", "mend", -(10**9), json.dumps([edit])
    )  # a mend would fit into what the file has free
    assert (name, "no room" in said) == ("StoreUnwritable", True)
    assert unchanged(before, root)
    (done,) = mend(root, pl.DataFrame([edit]), Act("a", NOW, "b"))
    assert done.rows == 1


@pytest.mark.parametrize("what", ["load", "mend"])
def test_a_folder_that_may_only_be_read_is_told_and_not_called_busy(root, what):
    before = everything(root)
    (root / "records.duckdb").chmod(0o444)
    root.chmod(0o555)
    name, said = tried(root, "forbidden", what)
    root.chmod(0o755)
    (root / "records.duckdb").chmod(0o644)
    assert name == "StoreUnwritable"
    assert "cannot be written by this account" in said and "another process" not in said
    assert unchanged(before, root)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "var").write_text("a file stands here", encoding="utf-8")
    with pytest.raises((StoreUnwritable, FileExistsError)):
        open_store(tmp_path / "var", write=True)


def test_of_two_loaders_at_once_each_is_whole_or_told_that_the_store_is_held(tmp_path):
    root = registers(tmp_path / "var")
    many_orders(150_000).write_csv(root.parent / "many.csv")
    many_orders(60_000).with_columns(pl.col("工单编号") + "B").write_csv(root.parent / "other.csv")
    environment = os.environ | {"PYTHONPATH": str(PROGRAM.parent)}
    command = [sys.executable, str(PROGRAM), "--root", str(root), "load"]
    both = [
        subprocess.Popen([*command, str(root.parent / f"{n}.csv")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         env=environment)
        for n in ("many", "other")
    ]  # fmt: skip
    told = [(p.communicate()[0], p.returncode) for p in both]
    rows = dict(ask(root, "SELECT file, rows_read FROM deliveries WHERE file IN ('many.csv', 'other.csv')"))
    for (said, code), (name, count) in zip(told, (("many.csv", 150_000), ("other.csv", 60_000)), strict=True):
        assert code in (0, 2), said
        assert (code == 0) == (rows.get(name) == count)
        assert code == 0 or "held by another process" in said
    assert rows, "at least one of them loads"
    stored = ask(root, "SELECT count(*) FROM complaints WHERE revised_by_seq IS NULL")[0][0]
    assert stored == (150_000 if "many.csv" in rows else 0) + (60_000 if "other.csv" in rows else 0)


def test_a_clock_set_back_is_told_and_nothing_is_stored_unless_the_other_one_ran_ahead(root):
    before = everything(root)
    yesterday = NOW - timedelta(days=1)
    with pytest.raises(ClockBehind, match=r"2026-10-07 00:00 UTC, but the last delivery came at 2026-10-08"):
        load_files(root, [root.parent / "many.csv"], received_at=yesterday)
    with pytest.raises(ClockBehind):
        mend(root, pl.DataFrame({"delivery_id": ["x"], "line": [1], "after": ["{}"]}), Act("a", yesterday, "b"))
    assert unchanged(before, root)
    done, _ = load_files(root, [root.parent / "many.csv"], received_at=yesterday, despite_clock=True)
    assert done[0].accepted == 149_999


def test_a_clock_put_right_by_a_minute_is_nothing(root):
    done, _ = load_files(root, [root.parent / "many.csv"], received_at=NOW - timedelta(minutes=1))
    assert done[0].rows_read == 150_000


def test_a_delivery_by_a_clock_set_back_is_known_no_earlier_than_the_one_before_it(root):
    load_files(root, [root.parent / "many.csv"], received_at=datetime(2026, 9, 1, tzinfo=UTC), despite_clock=True)
    import duckdb

    from data.records import attach_records

    con = duckdb.connect()
    attach_records(con, root)
    earliest = con.sql("SELECT min(known_from) AS k FROM versions WHERE record_table = 'complaints'").pl()["k"][0]
    con.close()
    assert earliest == NOW
