"""The rulebook: every number with legal effect, dated and cited.

A rule file is TOML with a ``title`` and one ``[[in_force]]`` block per version. A version holds from its
``from`` day until the day before the next version's ``from`` (half-open: the start belongs, the end does not).
Each block repeats every number, so what held on a day is read in one place.
"""

from __future__ import annotations

import hashlib
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOREVER = date(9999, 12, 31)
REGISTER = "laws"  # the register of laws (rules/laws.py): titles and addresses, no numbers, so no versions


class RuleNotInForce(LookupError):
    """No version of a rule was in force on the day asked for."""


class RuleFileWrong(ValueError):
    """A rule file cannot be used as it stands; the message names file, block and key."""


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


def read_rule_file(path: Path, name: str) -> RuleFile:
    """Read one rule file, refusing what could mislead (no blocks, no law, dates that do not ascend)."""
    text = path.read_text(encoding="utf-8")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise RuleFileWrong(f"rules/{name}.toml is not valid TOML: {e}. Mend the line named.") from e
    blocks = raw.get("in_force") or []
    if not blocks:
        raise RuleFileWrong(f"rules/{name}.toml has no [[in_force]] block; a rule needs at least one version.")
    starts: list[date] = []
    for i, block in enumerate(blocks, 1):
        start, law = block.get("from"), block.get("law")
        if not isinstance(start, date):
            raise RuleFileWrong(f"rules/{name}.toml, block {i}: 'from' is {start!r}; write a day such as 2026-01-01.")
        if not law:
            raise RuleFileWrong(f"rules/{name}.toml, block {i}: 'law' is missing; every version cites its ground.")
        if starts and start <= starts[-1]:
            raise RuleFileWrong(
                f"rules/{name}.toml, block {i}: 'from' {start} does not come after {starts[-1]}; "
                "versions stand oldest first, each from a later day."
            )
        starts.append(start)
    ends = [*starts[1:], FOREVER]
    versions = tuple(
        Rule(name, s, e, {k: v for k, v in b.items() if k != "from"})
        for b, s, e in zip(blocks, starts, ends, strict=True)
    )
    return RuleFile(name, raw.get("title", name), versions, text)


@dataclass(frozen=True)
class Book:
    """All rule files of one folder."""

    root: Path = HERE

    @cached_property
    def files(self) -> dict[str, RuleFile]:
        paths = sorted(p for p in self.root.rglob("*.toml") if p.stem != REGISTER)
        names = [p.relative_to(self.root).with_suffix("").as_posix() for p in paths]
        return {n: read_rule_file(p, n) for n, p in zip(names, paths, strict=True)}

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
