"""Imports point down: draw, act, judge, know, say. Only pages and the program's two doors know Streamlit or the clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Each room and the rooms it may import from.
ROOMS = {
    "app": {"pages", "cases", "metrics", "data", "rules", "i18n"},
    "steward": {"commands", "cases", "data", "rules"},
    "commands": {"commands", "cases", "metrics", "data", "rules", "i18n"},
    "pages": {"pages", "cases", "metrics", "data", "rules", "i18n"},
    "cases": {"cases", "metrics", "data", "rules", "i18n"},
    "metrics": {"metrics", "data", "rules", "i18n"},
    "data": {"data", "rules", "i18n"},
    "rules": {"rules"},
    "i18n": {"i18n"},
    "benchmarks": {"benchmarks", "cases", "metrics", "data", "rules", "i18n"},
}
FILES = sorted(p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0].removesuffix(".py") in ROOMS)


def imports(path: Path) -> set[str]:
    """First names of everything a file imports, at any depth of the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    ours = imports(path) & set(ROOMS)
    assert ours <= ROOMS[room(path)], f"{room(path)} must not import {ours - ROOMS[room(path)]}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_pages_and_app_know_streamlit(path):
    assert room(path) in ("app", "pages") or "streamlit" not in imports(path)


CLOCK = {("datetime", "now"), ("date", "today"), ("datetime", "today"), ("datetime", "utcnow"), ("time", "time")}


@pytest.mark.parametrize(
    "path", [p for p in FILES if room(p) in ("data", "metrics", "cases", "rules", "i18n")],
    ids=lambda p: str(p.relative_to(ROOT)),
)  # fmt: skip
def test_only_the_programs_doors_ask_what_day_it_is(path):
    calls = [n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    asked = {
        (f.value.id, f.attr) for f in calls if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name)
    } & CLOCK
    assert not asked, f"{path.name} asks the clock ({asked}); give it the day instead"


def test_page_files_live_one_folder_down():
    assert [p.name for p in (ROOT / "pages").glob("*.py") if p.name != "__init__.py"] == []


def test_the_import_walk_finds_a_wrong_arrow(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from pages.shared import charts\n")
    assert imports(wrong) == {"pages"}
