"""The rulebook: every number with legal effect, dated and cited.

A rule file is TOML with a ``title`` and one ``[[in_force]]`` block per version. A version holds from its
``from`` day until the day before the next version's ``from`` (half-open: the start belongs, the end does not).
Each block repeats every number, so what held on a day is read in one place.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from rules.shape import line_of, mistakes

HERE = Path(__file__).parent
FOREVER = date(9999, 12, 31)
REGISTER = "laws"  # the register of laws (rules/laws.py): titles and addresses, no numbers, so no versions


class RuleNotInForce(LookupError):
    """No version of a rule was in force on the day asked for."""


class RuleFileWrong(ValueError):
    """A rule file cannot be used as it stands; the message names file, line and key."""


@dataclass(frozen=True)
class Rule:
    """One version of one rule: what was in force in ``[valid_from, valid_to)``."""

    name: str
    valid_from: date
    valid_to: date
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        try:
            return self.values[key]
        except KeyError:
            raise RuleFileWrong(
                f"rules/{self.name}.toml, version from {self.valid_from}: '{key}' is missing. "
                "Every [[in_force]] block repeats every number; add the key to this block."
            ) from None

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)


@dataclass(frozen=True)
class RuleFile:
    """All versions of one rule, oldest first."""

    name: str
    title: str
    versions: tuple[Rule, ...]
    text: str

    def on(self, day: date) -> Rule:
        """Return the version in force on ``day``.

        Raises:
            RuleNotInForce: ``day`` lies before the first version.
        """
        i = bisect_right([v.valid_from for v in self.versions], day) - 1
        if i < 0:
            raise RuleNotInForce(
                f"Rule '{self.name}' was not in force on {day}. Its first version starts on "
                f"{self.versions[0].valid_from}. If it should have applied, add an [[in_force]] block "
                f"to rules/{self.name}.toml."
            )
        return self.versions[i]


def read_toml(path: Path, name: str) -> tuple[str, dict[str, Any]]:
    """The text of a file below ``rules/`` and what it holds; raises RuleFileWrong naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as e:
        line = e.object.count(b"\n", 0, e.start) + 1
        raise RuleFileWrong(f"rules/{name}.toml, line {line}: not UTF-8 text ({e.reason}). Save it as UTF-8.") from e
    except tomllib.TOMLDecodeError as e:
        said = str(e).replace("end of document", f"the end of the file, line {text.count(chr(10)) + 1}")
        raise RuleFileWrong(f"rules/{name}.toml is not valid TOML: {said}. Mend the line named.") from e


def read_rule_file(path: Path, name: str, *, shaped: bool = False) -> RuleFile:
    """Read one rule file, refusing what could mislead (no blocks, no law, dates that do not ascend).

    Args:
        shaped: hold every version to its shape (``rules/shape.py``). Not asked of the rules an edition was made with: they
            had the shape of their own time.
    """
    text, raw = read_toml(path, name)
    for key in raw.keys() - {"title", "in_force", "code"}:
        raise RuleFileWrong(
            f"rules/{name}.toml, line {top_line(text, key)}, {key}: no such key here; versions stand in [[in_force]] blocks."
        )
    blocks = raw.get("in_force") or []
    if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks) or not blocks:
        raise RuleFileWrong(f"rules/{name}.toml has no [[in_force]] block; a rule needs at least one version.")
    starts: list[date] = []
    for i, block in enumerate(blocks, 1):
        if said := _block_wrong(i, block, starts, text):
            raise RuleFileWrong(f"rules/{name}.toml, {said}")
        starts.append(block["from"])
    values = [{k: v for k, v in b.items() if k != "from"} for b in blocks]
    if shaped:
        wrong = [said for i, held in enumerate(values, 1) for said in mistakes(name, i, held, text)]
        if wrong:
            raise RuleFileWrong(f"rules/{name}.toml, " + f" rules/{name}.toml, ".join(wrong))
    ends = [*starts[1:], FOREVER]
    versions = tuple(Rule(name, s, e, v) for v, s, e in zip(values, starts, ends, strict=True))
    return RuleFile(name, raw.get("title", name), versions, text)


def _block_wrong(i: int, block: dict[str, Any], starts: list[date], text: str) -> str | None:
    """What is wrong with when and why a version holds, with its line."""
    start, law = block.get("from"), block.get("law")
    at = f"line {line_of(text, i, ['from'])}, block {i}"
    if not isinstance(start, date) or isinstance(start, datetime):
        return f"{at}: 'from' is {start!r}; write a day such as 2026-01-01."
    if not isinstance(law, str) or not law.strip():
        return f"line {line_of(text, i, ['law'])}, block {i}: 'law' is missing; every version cites its ground."
    if starts and start <= starts[-1]:
        return f"{at}: 'from' {start} does not come after {starts[-1]}; versions stand oldest first, each from a later day."
    return None


def top_line(text: str, key: str) -> int:
    """The line of a key or part that no version holds."""
    said = re.compile(rf"""^\s*\[*\s*["']?{re.escape(key)}["']?\s*[=\].]""")
    return next((n for n, line in enumerate(text.splitlines(), start=1) if said.match(line)), 1)


@dataclass(frozen=True)
class Book:
    """All rule files of one folder."""

    root: Path = HERE

    @cached_property
    def files(self) -> dict[str, RuleFile]:
        paths = sorted(p for p in self.root.rglob("*.toml") if p.stem != REGISTER)
        names = [p.relative_to(self.root).with_suffix("").as_posix() for p in paths]
        return {n: read_rule_file(p, n, shaped=self.root == HERE) for n, p in zip(names, paths, strict=True)}

    def file(self, name: str) -> RuleFile:
        try:
            return self.files[name]
        except KeyError:
            raise RuleNotInForce(f"There is no rules/{name}.toml. Known rules: {', '.join(self.files)}.") from None

    def on(self, day: date, name: str) -> Rule:
        """Return the version of rule ``name`` in force on ``day``; raises RuleNotInForce."""
        return self.file(name).on(day)

    def metric(self, day: date, name: str) -> Rule:
        return self.on(day, f"metrics/{name}")

    @cached_property
    def hash(self) -> str:
        """SHA-256 over every rule file's name and text: the rulebook an edition was made with."""
        h = hashlib.sha256()
        for name, f in sorted(self.files.items()):
            h.update(name.encode() + b"\0" + f.text.encode() + b"\0")
        return h.hexdigest()
