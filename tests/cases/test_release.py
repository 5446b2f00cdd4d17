"""What holds an edition, and the answer that lets it go."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest
from click.testing import CliRunner

import steward
from cases import publish
from cases.release import EditionHeld
from data import editions
from tests.conftest import copy_of

NOW = datetime(2026, 10, 9, tzinfo=UTC)
REASON, ANSWER = "第三季度", "老旧小区偏低三分，已查明系漏送的巡查记录，下期补算。"


@pytest.fixture
def root(demo_root, tmp_path):
    """A district whose draft has a class of estates scored too low as a rule."""
    root = copy_of(demo_root, tmp_path / "root")
    draft = publish.path_of(root, "draft-2026Q3-1")
    draft.chmod(0o644)
    con = duckdb.connect(draft)
    con.execute(
        """INSERT INTO audits VALUES ('2026Q3', 'residual', 'estate_class', 'OD', 90, 3.4, -.2, .6, 1e-6, true, true, true)"""
    )
    con.execute("UPDATE validity SET value = 1.4, breached = true WHERE measure = 'slope'")
    con.close()
    return root


def test_a_finding_keeps_the_edition_a_draft_and_says_why(root):
    before = editions.list_editions(root)
    with pytest.raises(EditionHeld) as held:
        publish.publish(root, "draft-2026Q3-1", now=NOW, by="lin", reason=REASON, answer="  ")
    said = str(held.value)
    assert "residual of estate_class OD: 3.400, all others -0.200" in said
    assert "slope: 1.400, the limit 1.150" in said
    assert "written answer" in said
    assert editions.list_editions(root) == before


def test_an_officers_written_answer_is_kept_in_the_edition(root):
    made = publish.publish(root, "draft-2026Q3-1", now=NOW, by="lin", reason=REASON, answer=ANSWER)
    con = duckdb.connect(publish.path_of(root, made), read_only=True)
    assert con.execute("SELECT status, published_by, answer FROM edition").fetchall() == [("published", "lin", ANSWER)]


def test_what_nothing_holds_needs_no_answer(demo_root, tmp_path):
    root = copy_of(demo_root, tmp_path / "root")
    assert publish.findings_of(root, "draft-2026Q3-1") == []
    made = publish.publish(root, "draft-2026Q3-1", now=NOW, by="lin", reason=REASON)
    con = duckdb.connect(publish.path_of(root, made), read_only=True)
    assert con.execute("SELECT answer FROM edition").fetchall() == [(None,)]


def test_the_command_line_refuses_and_takes_an_answer(root):
    command = ["--root", str(root), "publish", "draft-2026Q3-1", "--by", "lin", "--reason", REASON]
    refused = CliRunner().invoke(steward.main, command)
    assert refused.exit_code == 2
    assert "held as a draft" in refused.output
    assert CliRunner().invoke(steward.main, [*command, "--answer", ANSWER]).exit_code == 0


def older(demo_root, tmp_path, edition: str):
    """A district whose edition was made before the audit and the answers were kept."""
    root = copy_of(demo_root, tmp_path / "older")
    path = publish.path_of(root, edition)
    path.chmod(0o644)
    con = duckdb.connect(path)
    con.execute("DROP TABLE validity")
    con.execute("ALTER TABLE edition DROP COLUMN answer")
    con.close()
    return root, path


def test_an_older_programs_edition_is_told_by_what_it_lacks(demo_root, tmp_path):
    _, path = older(demo_root, tmp_path, "2026Q3-1")
    lacking = editions.lacking(path)
    assert "edition.answer" in lacking and "validity.breached" in lacking
    assert not any(name.startswith("index_scores.") for name in lacking)
    assert editions.lacking(editions.current(demo_root)) == ()


def test_an_older_programs_draft_is_drafted_again_before_it_is_published(demo_root, tmp_path):
    root, _ = older(demo_root, tmp_path, "draft-2026Q3-1")
    with pytest.raises(ValueError, match=r"made by an older program .* Draft again"):
        publish.publish(root, "draft-2026Q3-1", now=NOW, by="lin", reason=REASON)


def test_an_answer_changed_afterwards_is_found(root):
    made = publish.publish(root, "draft-2026Q3-1", now=NOW, by="lin", reason=REASON, answer=ANSWER)
    path = publish.path_of(root, made)
    assert not changed(root, made)
    path.chmod(0o644)
    con = duckdb.connect(path)
    con.execute("UPDATE edition SET answer = '一切正常'")
    con.close()
    assert changed(root, made)


def test_a_publication_hash_written_anew_is_found_by_the_ledger(root):
    made = publish.publish(root, "draft-2026Q3-1", now=NOW, by="lin", reason=REASON, answer=ANSWER)
    path = publish.path_of(root, made)
    path.chmod(0o644)
    con = duckdb.connect(path)
    con.execute("UPDATE edition SET published_by = 'wang'")
    con.execute("UPDATE edition SET publication_hash = $h", {"h": publish.publication_hash(con, "main")})
    con.close()
    assert changed(root, made)


def changed(root, edition_id: str) -> bool:
    """What verify asks of an edition's publication before it recomputes the numbers."""
    con = duckdb.connect()
    try:
        con.execute(f"ATTACH '{publish.path_of(root, edition_id)}' AS stored (READ_ONLY)")
        return publish.publication_changed(con, root, edition_id)
    finally:
        con.close()
