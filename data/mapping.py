"""Mapping files: how one source's headings, words and dates become a contract's columns.

One TOML file per source in ``data/sources/``; docs/sources.md explains each key with an example. A source fills
exactly one table of records; several sources may match one file (a wide inspection sheet gives visits and items).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import polars as pl

from data.contracts import TABLES, Table
from data.making import KINDS, headings_of
from data.mapping_shape import at, mistakes
from data.snapshots import Snapshot

HERE = Path(__file__).parent / "sources"
NULLS = ("", "-", "—", "–", "/", "无", "暂无", "N/A", "NULL", "null", "None")
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
MOMENTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%S")
TRUE = ("是", "有", "TRUE", "True", "true", "Y", "YES", "Yes", "1", "√")
FALSE = ("否", "没有", "FALSE", "False", "false", "N", "NO", "No", "0", "×")
KEYS = {
    "title", "title_en", "table", "columns", "codes", "fixed", "make", "derive", "unpivot", "nulls", "dates", "moments",
    "zone", "expect", "set_aside", "order", "required_headings", "excluded_headings", "lookup", "snapshot",
    "instead_of", "form",
}  # fmt: skip


class MappingWrong(ValueError):
    """A mapping file cannot be used as it stands; the message names file and key."""


@dataclass(frozen=True)
class Unpivot:
    """Turn one wide row into one row per item code.

    ``items`` maps a heading to an item code; headings of one code add up. A point scored ``least`` to ``greatest``
    gives ``checked = 1`` and ``passed = (score - least) / (greatest - least)``.
    """

    items: dict[str, str]
    least: float = 0.0
    greatest: float = 1.0
    values: dict[str, float] = field(default_factory=dict)  # words that stand for a score, such as "合格" = 1
    skip: tuple[str, ...] = ()  # texts that mean "not applicable": the point is left out
    worst: tuple[str, ...] = ()  # texts that count as the least score, such as "0" for "not there at all"


@dataclass(frozen=True)
class SetAside:
    """Rows a publisher marked as void: ``heading`` matches ``pattern`` (a regular expression), or is ``blank``."""

    heading: str
    reason: str  # word key below ``intake.reason.``
    pattern: str | None = None
    found: str | None = None  # the heading whose text is shown as found; ``heading`` itself when empty
    column: str | None = None  # the contract column this speaks of


#: Columns that a wide sheet's points fill (``parsing.typed``).
POINTS = ("item_code", "checked", "passed")


@dataclass(frozen=True)
class OnForm:
    """Rows answered on an inspection form (``data/form_rows.py``): the headings of its name and version, and those of which one
    is filled wherever somebody answered."""

    name: str
    version: str
    filled: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """One mapping file."""

    name: str
    title: str
    table: Table
    columns: dict[str, tuple[str, ...]]
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    make: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    derive: dict[str, dict[str, Any]] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    lookup_address: str | None = None  # heading of an address; the estate there fills `_estate_at_address`
    snapshot: Snapshot | None = None
    unpivot: Unpivot | None = None
    form: OnForm | None = None
    nulls: tuple[str, ...] = NULLS
    dates: tuple[str, ...] = DATES
    moments: tuple[str, ...] = MOMENTS
    zone: str = "Asia/Shanghai"
    min_rows: int = 0
    min_share_of_previous: float = 0.0
    expected_days: float | None = None  # between deliveries; the source's own rhythm where the file does not say
    required_headings: tuple[str, ...] = ()
    excluded_headings: tuple[str, ...] = ()
    order: int = 50
    instead_of: str | None = None  # of two sources that fit a file this one reads it, not the one named here

    @cached_property
    def heading_of(self) -> dict[str, str]:
        """Accepted heading to contract column."""
        return {h: c for c, headings in self.columns.items() for h in headings}

    @cached_property
    def nothing(self) -> tuple[str, ...]:
        """``nulls`` as typed on any keyboard: in full-width signs, and two signs with a blank between."""
        wide = [n.translate(WIDE) for n in self.nulls]
        apart = [f"{n[0]}{blank}{n[1]}" for n in self.nulls if len(n) == 2 for blank in " \u3000"]
        return tuple(dict.fromkeys([*self.nulls, *wide, *apart]))

    def unfilled(self, headings: list[str]) -> frozenset[str]:
        """Columns of the contract that no heading, fixed value or rule fills: NULL in every row of such a file."""
        read = (c for c, accepted in self.columns.items() if not set(accepted).isdisjoint(headings))
        points = POINTS if self.unpivot else ()
        return frozenset(self.table.columns) - {*read, *self.fixed, *self.make, *self.derive, *points}

    @cached_property
    def headings(self) -> frozenset[str]:
        """Every heading this source reads."""
        made = {h for rules in self.make.values() for rule in rules for h in headings_of(rule)}
        wide = self.unpivot.items if self.unpivot else {}
        return frozenset(
            {*self.heading_of, *made, *wide, *(h for h in self.required_headings if h not in self.columns)}
        )

    def matches(self, headings: list[str]) -> bool:
        """Do these headings belong to this source? All required ones present, none that belongs elsewhere."""
        have = set(headings)
        needed = self.required_headings or tuple(self.columns)
        found = {self.heading_of[h] for h in have if h in self.heading_of}
        met = all(n in have or n in found for n in needed)
        return met and not have & set(self.excluded_headings)


def _wrong(shown: str, what: str) -> MappingWrong:
    return MappingWrong(f"{shown}: {what} See docs/sources.md.")


def _as_tuples(part: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in part.items()}


def read_source(path: Path, name: str | None = None) -> Source:
    """Read one mapping file; raises MappingWrong naming file, key and what is expected.

    Args:
        name: of the source, where the file's own name says more (``data/own_mappings.py``).
    """
    shown = f"mappings/{path.name}" if name else f"data/sources/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as e:
        raise _wrong(shown, f"not UTF-8 text ({e.reason} at byte {e.start}).") from e
    return source_of(text, name or path.stem, shown)


def source_of(text: str, name: str, shown: str) -> Source:
    """A mapping file's text as a source; raises MappingWrong.

    Args:
        shown: how a mistake names the file.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        said = str(e).replace("end of document", f"the end of the file, line {text.count(chr(10)) + 1}")
        raise _wrong(shown, f"not valid TOML ({said}).") from e
    if unknown := sorted(set(raw) - KEYS):
        raise _wrong(shown, f"{at(text, unknown[0])}unknown key {unknown}; known keys are {sorted(KEYS)}.")
    if wrong := mistakes(raw, text):
        raise _wrong(shown, " ".join(wrong))
    _names_known(raw, text, shown)
    return _made_of(raw, name)


def _names_known(raw: dict[str, Any], text: str, shown: str) -> None:
    """Raise MappingWrong where a table, a column, a zone or a kind of rule is named that there is not."""
    table = TABLES.get(raw["table"])
    if table is None:
        raise _wrong(shown, f"{at(text, 'table')}table is {raw.get('table')!r}; it must be one of {', '.join(TABLES)}.")
    for part in ("columns", "codes", "fixed", "make", "derive"):
        if stray := sorted(set(raw.get(part, {})) - set(table.columns) - {"*"}):
            where = at(text, stray[0], part)
            raise _wrong(shown, f"{where}[{part}] names {stray}, which table {table.name} does not have.")
    for column, rule in raw.get("derive", {}).items():
        of = [rule.get("day_of"), rule.get("copy_of"), *rule.get("join", [])]
        if stray := [c for c in of if c is not None and c not in table.columns]:
            where = at(text, column, "derive")
            raise _wrong(shown, f"{where}[derive] {column} takes {stray}, which table {table.name} does not have.")
    for column, rules in raw.get("make", {}).items():
        made = rules if isinstance(rules, list) else [rules]
        if strange := [sorted(rule) for rule in made if set(rule) not in KINDS]:
            where = at(text, column, "make")
            raise _wrong(
                shown, f"{where}[make] {column} holds {strange}; it takes one of {[sorted(k) for k in KINDS]}."
            )
    if "zone" in raw and raw["zone"] not in available_timezones():
        raise _wrong(shown, f"{at(text, 'zone')}zone is {raw['zone']!r}; it must be a zone such as Asia/Shanghai.")


def _made_of(raw: dict[str, Any], name: str) -> Source:
    """A source of a mapping file's content, whose shape and names are right already."""
    table = TABLES[raw["table"]]
    columns = {c: (h,) if isinstance(h, str) else tuple(h) for c, h in raw.get("columns", {}).items()}
    make = {c: tuple(rules) if isinstance(rules, list) else (rules,) for c, rules in raw.get("make", {}).items()}
    unpivot = raw.get("unpivot")
    expect = raw.get("expect", {})
    return Source(
        name=name,
        title=raw.get("title", name),
        table=table,
        columns=columns,
        codes=raw.get("codes", {}),
        fixed=raw.get("fixed", {}),
        make=make,
        derive=raw.get("derive", {}),
        set_aside=tuple(SetAside(**rule) for rule in raw.get("set_aside", ())),
        lookup_address=raw.get("lookup", {}).get("address"),
        snapshot=Snapshot(**_as_tuples(raw["snapshot"])) if "snapshot" in raw else None,
        unpivot=Unpivot(**_as_tuples(unpivot)) if unpivot else None,
        form=OnForm(**_as_tuples(raw["form"])) if "form" in raw else None,
        nulls=tuple(raw.get("nulls", NULLS)),
        dates=tuple(raw.get("dates", DATES)),
        moments=tuple(raw.get("moments", MOMENTS)),
        zone=raw.get("zone", "Asia/Shanghai"),
        min_rows=expect.get("rows", 0),
        min_share_of_previous=expect.get("share_of_previous", 0.0),
        expected_days=expect.get("days"),
        required_headings=tuple(raw.get("required_headings", ())),
        excluded_headings=tuple(raw.get("excluded_headings", ())),
        order=raw.get("order", 50),
        instead_of=raw.get("instead_of"),
    )


@cache
def sources(folder: Path = HERE) -> dict[str, Source]:
    """Every mapping file of a folder by name, in loading order (registers first)."""
    found = [read_source(p) for p in sorted(folder.glob("*.toml"))]
    return {s.name: s for s in sorted(found, key=lambda s: (s.order, s.name))}


def headings_known(known: dict[str, Source]) -> frozenset[str]:
    """Every heading any of these sources reads."""
    return frozenset().union(*(s.headings for s in known.values()))


def to_source_form(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    """A frame in contract columns as this source would deliver it: its first headings, its labels, local times.

    Columns the source does not carry are left out; NULL stays NULL.
    """
    out = []
    for column, headings in source.columns.items():
        if column not in frame.columns:
            continue
        kind, value = source.table.columns[column], pl.col(column)
        labels = {code: label for label, code in reversed(source.codes.get(column, {}).items())}
        if labels:
            value = value.cast(pl.String).replace_strict(labels, default=pl.col(column).cast(pl.String))
        elif kind == pl.Date:
            value = value.dt.strftime(source.dates[0])
        elif isinstance(kind, pl.Datetime):
            value = value.dt.convert_time_zone(source.zone).dt.strftime(source.moments[0])
        elif kind == pl.Boolean:
            value = pl.when(value).then(pl.lit(TRUE[0])).when(~value).then(pl.lit(FALSE[0]))
        out.append(value.alias(headings[0]))
    return frame.select(out)
