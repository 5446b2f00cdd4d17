"""Editions as files: numbered, sealed, pointed at by CURRENT, recomputable, and whole or absent."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from cases import publish
from data import editions
from tests.conftest import copy_of

NOW = datetime(2026, 10, 8, 2, 30, tzinfo=UTC)


@pytest.fixture
def root(demo_root, tmp_path) -> Path:
    """A copy of the demo district; one edition of the demo's last quarter is published in it."""
    place = tmp_path / "var"
    return copy_of(demo_root, place)


def current(root: Path) -> str | None:
    """The id that CURRENT points at."""
    path = editions.current(root)
    return path.stem if path else None


@pytest.fixture
def published(root) -> str:
    name = current(root)
    assert name, "the demo district has a published edition"
    return name


@pytest.fixture
def draft_again(root, published) -> str:
    """The published edition once more as a draft: its file under a draft's name, for tests that need no new numbers."""
    name = f"draft-{published.rsplit('-', 1)[0]}-7"
    shutil.copyfile(publish.path_of(root, published), publish.folder(root) / f"{name}.duckdb")
    return name


def about(root: Path, edition_id: str) -> dict:
    con = duckdb.connect(publish.path_of(root, edition_id), read_only=True)
    try:
        return con.sql("SELECT * FROM edition").pl().row(0, named=True)
    finally:
        con.close()


def change(root: Path, edition_id: str, sql: str) -> None:
    """Tamper with a sealed edition."""
    path = publish.path_of(root, edition_id)
    path.chmod(0o644)
    con = duckdb.connect(path)
    try:
        con.execute(sql)
    finally:
        con.close()


def test_before_the_first_edition_nothing_is_current(tmp_path):
    assert editions.current(tmp_path) is None
    assert editions.list_editions(tmp_path) == []


def test_an_edition_asked_for_before_any_was_made_says_so(tmp_path):
    with pytest.raises(publish.NoSuchEdition, match="none yet"):
        publish.path_of(tmp_path, "2026Q3-1")


def test_a_published_edition_tells_who_published_it_when_and_why(root, draft_again):
    made = publish.publish(root, draft_again, now=NOW, by="demo-supervisor", reason="更正三处工单")
    row = about(root, made)
    assert (row["edition_id"], row["status"], row["published_by"], row["reason"]) == (
        made, "published", "demo-supervisor", "更正三处工单",
    )  # fmt: skip
    assert row["published_at"] == NOW


def test_publishing_copies_the_numbers_and_leaves_the_draft(root, draft_again):
    before = publish.path_of(root, draft_again).read_bytes()
    made = publish.publish(root, draft_again, now=NOW, by="a", reason="b")
    assert publish.path_of(root, draft_again).read_bytes() == before
    assert about(root, made)["content_hash"] == about(root, draft_again)["content_hash"]


def test_the_next_number_follows_the_highest_even_where_one_is_gone(root, published, draft_again):
    period = published.rsplit("-", 1)[0]
    assert publish.publish(root, draft_again, now=NOW, by="a", reason="b") == f"{period}-2"
    publish.path_of(root, published).unlink()
    assert publish.publish(root, draft_again, now=NOW, by="a", reason="b") == f"{period}-3"


def test_ten_comes_after_nine(root, published, draft_again):
    period = published.rsplit("-", 1)[0]
    shutil.copyfile(publish.path_of(root, published), publish.folder(root) / f"{period}-9.duckdb")
    assert publish.publish(root, draft_again, now=NOW, by="a", reason="b") == f"{period}-10"
    assert editions.list_editions(root)[0] == f"{period}-10"


def test_current_names_the_edition_published_last_and_the_older_one_keeps_its_bytes(root, published, draft_again):
    older = publish.path_of(root, published)
    before = older.read_bytes()
    made = publish.publish(root, draft_again, now=NOW, by="a", reason="b")
    assert current(root) == made
    assert (publish.folder(root) / "CURRENT").read_text(encoding="utf-8") == made
    assert older.read_bytes() == before


def test_no_one_may_write_to_a_sealed_edition(root, draft_again):
    made = publish.publish(root, draft_again, now=NOW, by="a", reason="b")
    assert publish.path_of(root, made).stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_without_a_reason_nothing_is_published(root, published, draft_again, reason):
    files = sorted(p.name for p in publish.folder(root).iterdir())
    with pytest.raises(ValueError, match="reason"):
        publish.publish(root, draft_again, now=NOW, by="a", reason=reason)
    assert sorted(p.name for p in publish.folder(root).iterdir()) == files
    assert current(root) == published


def test_a_published_edition_cannot_be_published_again(root, published):
    with pytest.raises(ValueError, match="published already"):
        publish.publish(root, published, now=NOW, by="a", reason="b")


def test_an_edition_is_named_never_pathed(root):
    outside = root / "elsewhere.duckdb"
    outside.write_bytes(b"")
    assert editions.path_of(root, "../elsewhere") is None


def test_a_disk_that_fails_while_publishing_leaves_the_current_edition(root, published, draft_again, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="No space"):
        publish.publish(root, draft_again, now=NOW, by="a", reason="b")
    assert current(root) == published
    assert editions.list_editions(root) == [published] + [
        n for n in editions.list_editions(root) if n.startswith("draft-")
    ], "no second published edition"


def test_the_content_hash_does_not_depend_on_the_order_of_rows_and_does_on_a_number(root, published):
    path = publish.path_of(root, published)
    con = duckdb.connect()
    try:
        con.execute(f"ATTACH '{path}' AS stored (READ_ONLY)")
        first = publish.content_hash(con, "stored")
        con.execute("ATTACH ':memory:' AS shuffled")
        for name in publish.NUMBERS:
            con.execute(f"CREATE TABLE shuffled.{name} AS SELECT * FROM stored.{name} ORDER BY hash({name})")
        assert publish.content_hash(con, "shuffled") == first == about(root, published)["content_hash"]
        con.execute("UPDATE shuffled.metric_sums SET y = y + 1 WHERE rowid = 0")
        assert publish.content_hash(con, "shuffled") != first
    finally:
        con.close()


def test_a_tampered_rulebook_is_found_before_anything_is_recomputed(root, published):
    change(root, published, "UPDATE rulebook SET text = text || '\n# one more line' WHERE name = 'index'")
    (found,) = publish.verify(root, published, now=NOW)
    assert found.table == "rulebook"


def test_a_row_taken_out_is_counted_as_only_recomputed(root, published):
    change(root, published, "DELETE FROM due WHERE rowid = (SELECT min(rowid) FROM due)")
    found = publish.verify(root, published, now=NOW)
    assert found == [publish.Difference("due", only_stored=0, only_recomputed=1)]
