"""A new mapping file's text, from a source it starts from and what a person chose for each column."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from data import parsing
from data.breaches import broken as breaches_of
from data.guess import labels, needed
from data.making import headings_of
from data.mapping import Source
from data.reading import LINE

#: Keys of a mapping file in the order they are written; parts with keys of their own come last.
FIRST = ("title", "title_en", "table", "order", "instead_of", "required_headings", "excluded_headings")


class Choice(NamedTuple):
    """What a person chose: headings of columns, values that stand for every row, headings a key is made of, words for codes."""

    columns: Mapping[str, str]
    fixed: Mapping[str, Any]
    joined: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, Mapping[str, str]]


class Tried(NamedTuple):
    """What would become of the first rows: how many are read, accepted, set aside, and each failure."""

    rows: int
    accepted: int
    failures: pl.DataFrame  # parsing.FAILURES


def draft(base: Source, text: str, alike: list[Source], choice: Choice, headings: list[str], title: str) -> str:
    """The text of a mapping that reads this file as the person chose.

    Args:
        base, text: the source it starts from, and its file's text; what it says of forms and void rows is kept.
        alike: sources of the same table, whose labels for codes are taken along.
        headings: of the file.
    """
    raw = copy.deepcopy(tomllib.loads(text))
    table = base.table
    for key in ("columns", "fixed", "codes", "required_headings", "instead_of", "excluded_headings", "title_en"):
        raw.pop(key, None)
    raw["title"] = title
    raw["columns"] = {c: h for c, h in choice.columns.items() if c in table.columns}
    raw["fixed"] = {c: v for c, v in choice.fixed.items() if c not in raw["columns"]}
    raw["make"] = {c: r for c, r in raw.get("make", {}).items() if c not in raw["columns"] and c not in raw["fixed"]}
    for column, parts in choice.joined.items():
        raw["make"][column] = {"text": "/".join("{" + p + "}" for p in parts)}
    words = {c: {**labels([base, *alike], c), **choice.codes.get(c, {})} for c in raw["columns"]}
    raw["codes"] = {c: w for c, w in words.items() if w}
    raw["required_headings"] = _required(base, alike, raw["columns"], choice, headings)
    if reads := [s.name for s in (base, *alike) if s.matches(headings)]:
        raw["instead_of"] = reads[0]
    return written({k: v for k, v in raw.items() if v not in ({}, [])})


def _required(
    base: Source, alike: list[Source], columns: dict[str, str], choice: Choice, headings: list[str]
) -> list[str]:
    """Headings that make a file this source's: of columns nobody can do without, and those no other source knows."""
    wanted = [columns[c] for c in needed(base.table) if c in columns]
    parts = [h for parts in choice.joined.values() for h in parts]
    made = [h for rules in base.make.values() for r in rules for h in headings_of(r) if h in headings]
    known = {h for s in (base, *alike) for h in s.headings}
    new = [h for h in columns.values() if h not in known]
    kept = [h for h in base.required_headings if h in headings]
    return list(dict.fromkeys([*wanted, *parts, *kept, *new, *made])) or list(columns.values())


def _value(value: Any) -> str:
    """One value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_text(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    return str(value.isoformat() if isinstance(value, date) else value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written(raw: dict[str, Any]) -> str:
    """A mapping file's content as its text."""
    plain = sorted((k for k, v in raw.items() if not isinstance(v, dict) and not _tables(v)), key=_place)
    lines = [f"{k} = {_value(raw[k])}" for k in plain]
    for key, part in raw.items():
        if isinstance(part, dict):
            lines += ["", f"[{key}]", *(f"{_text(k)} = {_value(v)}" for k, v in part.items())]
        elif _tables(part):
            for one in part:
                lines += ["", f"[[{key}]]", *(f"{_text(k)} = {_value(v)}" for k, v in one.items())]
    return "\n".join(lines) + "\n"


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _place(key: str) -> tuple[int, str]:
    return (FIRST.index(key) if key in FIRST else len(FIRST), key)


def tried(rows: pl.DataFrame, source: Source, day: date | None, *, date_1904: bool = False) -> Tried:
    """Hold a file's first rows to the contract as this source would read them; what compares rows is not asked.

    Args:
        rows: headings as columns, plus LINE.
        day: the day in the file's name.
    """
    if rows.is_empty():
        return Tried(0, 0, pl.DataFrame(schema=parsing.FAILURES))
    typed, unread = parsing.typed(rows, source, day, date_1904=date_1904)
    broken = breaches_of(typed, source)
    spoken = unread.select(LINE, "column_name")
    broken = broken.join(spoken, on=[LINE, "column_name"], how="anti", maintain_order="left")
    failures = pl.concat([unread, broken], how="vertical_relaxed")
    bad = failures[LINE].n_unique()
    return Tried(typed[LINE].n_unique(), typed[LINE].n_unique() - bad, failures)
