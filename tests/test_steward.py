"""The nightly job's command line: exit codes, editions that never change, and a process killed at any instant."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from data import editions
from data.records import open_store
from tests.conftest import copy_of

REPOSITORY = Path(__file__).parent.parent


def steward(root: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root), *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.fixture
def root(demo_root, tmp_path) -> Path:
    """A copy of the demo district that a test may change."""
    place = tmp_path / "var"
    return copy_of(demo_root, place)


def complaints(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["工单编号,小区编号,受理日期,受理渠道,诉求性质", *rows, ""]), encoding="utf-8")
    return path


def counts(root: Path) -> dict[str, int]:
    con = open_store(root)
    try:
        return {
            t: con.sql(f"SELECT count(*) AS n FROM {t}").pl()["n"][0]
            for t in ("complaints", "deliveries", "rows_set_aside")
        }
    finally:
        con.close()


def test_a_good_file_is_loaded_and_loading_it_again_changes_nothing(root, tmp_path):
    file = complaints(
        tmp_path / "好.csv", "新1,E00001,2026-10-02,12345热线,投诉", "新2,E00002,2026-10-03,12345热线,咨询"
    )
    before = counts(root)
    first = steward(root, "load", str(file))
    assert first.returncode == 0, first.stderr
    assert "2 accepted" in first.stdout
    after = counts(root)
    assert after == before | {"complaints": before["complaints"] + 2, "deliveries": before["deliveries"] + 1}
    again = steward(root, "load", str(file))
    assert again.returncode == 0
    assert "loaded before" in again.stdout
    assert counts(root) == after


def test_rows_set_aside_are_told_by_the_exit_code(root, tmp_path):
    file = complaints(
        tmp_path / "半.csv", "新1,E00001,2026-13-02,12345热线,投诉", "新2,E00002,2026-10-03,12345热线,咨询"
    )
    done = steward(root, "load", str(file))
    assert done.returncode == 1
    assert "1 accepted" in done.stdout and "1 set aside" in done.stdout


def test_a_wrong_file_is_refused_whole_with_its_reason(root, tmp_path):
    page = tmp_path / "release.csv"
    page.write_text("<html><head><title>500 Error</title></head></html>")
    before = counts(root)
    done = steward(root, "load", str(page))
    assert done.returncode == 2
    assert "web page" in done.stderr
    assert counts(root) == before


def test_a_folder_without_tables_is_told(root, tmp_path):
    done = steward(root, "load", str(tmp_path / "nothing-here"))
    assert done.returncode == 2
    assert "nothing-here" in done.stderr


def test_a_load_beside_another_load_is_refused_in_plain_words(root, tmp_path):
    file = complaints(tmp_path / "好.csv", "新1,E00001,2026-10-02,12345热线,投诉")
    other = open_store(root, write=True)
    try:
        done = steward(root, "load", str(file))
    finally:
        other.close()
    assert done.returncode == 2
    assert "held by another process" in done.stderr and "Traceback" not in done.stderr
    assert steward(root, "load", str(file)).returncode == 0, "the store is free again"


def test_a_draft_is_published_with_a_name_and_a_reason_and_never_changes(root):
    made = steward(root, "draft", "--period", "2026Q3")
    assert made.returncode == 0, made.stderr
    draft = made.stdout.split()[-1]
    unreasoned = steward(root, "publish", draft, "--by", "demo-supervisor", "--reason", " ")
    assert unreasoned.returncode == 2
    assert "reason" in unreasoned.stderr
    assert editions.current(root).stem == "2026Q3-1"
    done = steward(root, "publish", draft, "--by", "demo-supervisor", "--reason", "重算")
    assert done.stdout.split()[-1] == "2026Q3-2"
    assert editions.current(root).stem == "2026Q3-2"
    assert (root / "editions/2026Q3-1.duckdb").is_file(), "the edition before stands beside the new one"
    assert all(p.stat().st_mode & 0o222 == 0 for p in (root / "editions").glob("*.duckdb")), (
        "editions are read-only files"
    )
    twice = steward(root, "publish", "2026Q3-2", "--by", "x", "--reason", "y")
    assert twice.returncode == 2


def test_an_edition_no_one_made_is_named(root):
    done = steward(root, "publish", "draft-2031Q1-9", "--by", "x", "--reason", "y")
    assert done.returncode == 2
    assert "draft-2031Q1-9" in done.stderr and "2026Q3-1" in done.stderr


def test_verify_finds_an_edition_equal_even_after_later_deliveries(root, tmp_path):
    late = complaints(tmp_path / "晚到.csv", "晚1,E00001,2026-08-02,12345热线,投诉")
    assert steward(root, "load", str(late)).returncode == 0
    done = steward(root, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal, number by number" in done.stdout


def test_verify_names_the_table_in_which_one_number_was_changed(root):
    path = editions.current(root)
    path.chmod(0o644)
    con = duckdb.connect(str(path))
    con.execute(
        "UPDATE index_scores SET final = final - 0.001 WHERE level = 'tenure' AND unit_id = "
        "(SELECT min(unit_id) FROM index_scores WHERE level = 'tenure' AND final IS NOT NULL)"
    )
    con.close()
    done = steward(root, "verify")
    assert done.returncode == 1
    assert "index_scores" in done.stderr
    assert "evidence:" not in done.stderr


@pytest.mark.parametrize("wait", [1.6, 3.0, 4.5])
def test_killed_while_drafting_no_half_edition_is_left_and_the_next_draft_works(root, wait):
    before = editions.list_editions(root)
    job = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root), "draft", "--period", "2026Q3"],
        cwd=REPOSITORY,
    )
    time.sleep(wait)
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert set(editions.list_editions(root)) - set(before) in (set(), {"draft-2026Q3-2"})
    assert editions.current(root).stem == "2026Q3-1"
    made = steward(root, "draft", "--period", "2026Q3")
    assert made.returncode == 0, made.stderr
    assert not list((root / "editions").glob("*.building*"))
