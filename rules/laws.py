"""The register of laws: what the keys that rules cite stand for (rules/laws.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rules.book import HERE, REGISTER, RuleFileWrong, read_toml, top_line

FIELDS = ("title_zh", "title_en", "grade", "address")
#: A key as rules write it: ``HR5 41`` cites article 41 of HR5. ``seed`` is the only key in small letters.
KEY = re.compile(r"\b(?:[A-Z][A-Z0-9]+b?|seed)\b")


@dataclass(frozen=True)
class Law:
    """One law, regulation, standard or report that rules may cite.

    Attributes:
        grade: A law text or government site, B named paper or standards body, C copy elsewhere, D weak.
        address: where it was read.
    """

    key: str
    title_zh: str
    title_en: str
    grade: str
    address: str


@cache
def laws(folder: Path = HERE) -> dict[str, Law]:
    """Read the register: key to law, in the file's order.

    Raises:
        RuleFileWrong: an entry lacks a field.
    """
    text, raw = read_toml(folder / f"{REGISTER}.toml", REGISTER)
    register = {}
    for key, entry in raw.items():
        if key == "title":
            continue
        lacking = [
            f for f in FIELDS if not isinstance(entry, dict) or not isinstance(entry.get(f), str) or not entry[f]
        ]
        if lacking:
            raise RuleFileWrong(
                f"rules/{REGISTER}.toml, line {top_line(text, key)}, entry [{key}]: {', '.join(lacking)} is missing. Whoever reads a rule must be able "
                "to find its ground; add it to the entry."
            )
        register[key] = Law(key, **{f: entry[f] for f in FIELDS})
    return register


def cited(text: str, folder: Path = HERE) -> list[Law]:
    """The laws a rule's ``law`` text cites, in its order, each once.

    >>> [law.key for law in cited("HR5 41 (HR, SH: residents drill at least once a year); O61 40 (others)")]
    ['HR5', 'O61']
    """
    register = laws(folder)
    return [register[key] for key in dict.fromkeys(KEY.findall(text)) if key in register]
