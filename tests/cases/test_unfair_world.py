"""A district the method is unfair to, from its records to the refusal to publish; and the same district untouched."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from cases import publish
from cases.release import EditionHeld
from rules.book import HERE, Book
from tests.conftest import copy_of

NOW = datetime(2026, 10, 9, tzinfo=UTC)
#: The third of the estates that is oldest keeps a spotless record, of which little is left on file: the pull to the class, fair
#: to everybody else, takes from them what they earned.
SPOTLESS = """
    CREATE TEMP TABLE spotless AS
    SELECT estate_id FROM (
        SELECT estate_id, rank() OVER (ORDER BY any_value(built_year)) AS place, count(*) OVER () AS n
        FROM estates GROUP BY estate_id
    ) WHERE place <= n / 3;
    UPDATE inspection_items SET passed = checked WHERE inspection_id IN
        (SELECT inspection_id FROM inspections WHERE estate_id IN (FROM spotless));
    DELETE FROM inspections
    WHERE estate_id IN (FROM spotless) AND kind <> 'self_check' AND right(inspection_id, 1)::INT < 7;
    UPDATE hazards SET rectified_on = found_on, verified_result = NULL, lot_result = NULL WHERE estate_id IN (FROM spotless);
    DELETE FROM hazards WHERE estate_id IN (FROM spotless) AND right(hazard_id, 1)::INT < 7;
    DELETE FROM complaints WHERE estate_id IN (FROM spotless) AND right(complaint_id, 1)::INT < 9;
    DELETE FROM incidents WHERE estate_id IN (FROM spotless);
"""


def drafted(demo_root: Path, folder: Path, change: str | None) -> tuple[Path, str]:
    """A draft of the demo's sixty estates; groups of fifteen are compared, so that thirds of them can be."""
    root = copy_of(demo_root, folder / "root")
    shutil.copytree(HERE, folder / "rules", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "rules" / "audit.toml"
    text, found = re.subn(r"(?m)^(residual +=.*units_min = )30", r"\g<1>15", path.read_text(encoding="utf-8"))
    assert found == 1
    path.write_text(text, encoding="utf-8")
    if change:
        con = duckdb.connect(root / "records.duckdb")
        con.execute(change)
        con.close()
    return root, publish.draft(root, "2026Q3", now=NOW, by="lin", book=Book(folder / "rules"))


def told(root: Path, draft: str) -> dict[tuple[str, str], dict]:
    con = duckdb.connect(publish.path_of(root, draft), read_only=True)
    rows = con.sql("FROM audits WHERE measure = 'residual' AND told").pl()
    con.close()
    return {(r["grouping"], r["group"]): r for r in rows.iter_rows(named=True)}


@pytest.fixture(scope="module")
def unfair(demo_root, tmp_path_factory):
    return drafted(demo_root, tmp_path_factory.mktemp("unfair"), SPOTLESS)


def test_those_the_method_takes_from_are_found_first(unfair):
    found = told(*unfair)
    worst = min(found.values(), key=lambda r: r["p"])
    assert (worst["grouping"], worst["group"]) == ("age", "low")
    assert (
        worst["value"] - worst["others"] > 3
    )  # their bare record says more than they were given, by points that matter
    assert worst["finding"] and worst["holds"]


def test_the_draft_is_held_for_them_and_an_answer_is_asked_for(unfair):
    root, draft = unfair
    with pytest.raises(EditionHeld, match="residual of age low"):
        publish.publish(root, draft, now=NOW, by="lin", reason="第三季度")
    assert ("residual", "age", "low") in {(f.check, f.grouping, f.group) for f in publish.findings_of(root, draft)}


def test_the_same_district_untouched_is_not_held(demo_root, tmp_path):
    root, draft = drafted(demo_root, tmp_path, None)
    found = told(root, draft)
    assert ("age", "low") in found and len(found) >= 12  # as many groups could be compared
    assert not [key for key, r in found.items() if r["holds"]]
    assert publish.findings_of(root, draft) == []
