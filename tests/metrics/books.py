"""A copy of the rulebook with one more version of one metric's rule, for tests of a change on a day."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

from rules.book import HERE, Book


def amended_book(folder: Path, metric: str, day: date, **changes: float) -> Book:
    """Copy the rulebook to ``folder`` and append a version of ``metric`` from ``day`` with changed numbers.

    The last block is repeated with ``changes`` put in; every changed key must stand in it.
    """
    path, text = _copied(folder, metric)
    block = text[text.rindex("[[in_force]]") :]
    for key, value in {"from": day, **changes}.items():
        block, found = re.subn(rf"(?m)^{key}(\s*)=.*$", rf"{key}\1= {value}", block)
        assert found == 1, f"{path.name} has no '{key}'"
    path.write_text(f"{text}\n{block}", encoding="utf-8")
    return Book(folder / "rules")


def book_starting(folder: Path, metric: str, day: date) -> Book:
    """Copy the rulebook to ``folder`` with ``metric``'s last version as its only one, from ``day``."""
    path, text = _copied(folder, metric)
    block = re.sub(r"(?m)^from(\s*)=.*$", rf"from\1= {day}", text[text.rindex("[[in_force]]") :])
    path.write_text(text[: text.index("[[in_force]]")] + block, encoding="utf-8")
    return Book(folder / "rules")


def _copied(folder: Path, metric: str) -> tuple[Path, str]:
    shutil.copytree(HERE, folder / "rules", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "rules" / "metrics" / f"{metric}.toml"
    return path, path.read_text(encoding="utf-8")
