"""What the desk's pages call sources, columns, reasons and rows."""

from __future__ import annotations

import json

from data.mapping import MappingWrong, Source, sources
from data.own_mappings import known_at
from i18n.words import Words
from pages.shared import format, place


def all_sources() -> dict[str, Source]:
    """Every source, the district's own too; where one of those is broken, the shipped ones."""
    try:
        return known_at(place.root())
    except MappingWrong:
        return sources()


def source_name(source: str, t: Words) -> str:
    """A source as a person knows it: the desk itself, or its mapping file's title in the viewer's language."""
    one = all_sources().get(source)
    if one is None:
        return t("desk.desk") if source == "desk" else source
    words = t(f"table.{one.table.name}")
    return words if one.name == one.table.name else f"{words} ({one.name})"


def reason_words(reason: str, t: Words, params: str | None = None) -> str:
    """Why a row was set aside; of a doubtful name also whom it most likely means (``params``, JSON)."""
    key = f"intake.reason.{reason}"
    if reason == "who_is_this" and params:
        return t("intake.link.likely", **json.loads(params))
    if t.has(key):
        return t(key)
    return t("intake.reason.sense_other", said=reason.removeprefix("sense.").replace("_", " "))


def column_words(column: str | None, t: Words) -> str:
    """A contract column by its name on screen."""
    if not column:
        return t("page.set_aside.whole_row")
    return t(f"field.{column}") if t.has(f"field.{column}") else column


def original(text: str, t: Words, *, record: bool = False) -> str:
    """A row's values on one line: under its file's own headings, or as a ``record`` under the contract's in words."""
    row = {k: v for k, v in json.loads(text).items() if v not in (None, "")}
    if record:
        return t("common.semicolon").join(format.fact(k, v, t) for k, v in row.items())
    return t("common.semicolon").join(f"{k}{t('common.colon')}{v}" for k, v in row.items())


def changed(before: str, after: str, t: Words, *, record: bool = False) -> str:
    """What a mended row says otherwise than it came; of a ``record`` in words."""
    old, new = json.loads(before), json.loads(after)
    words = (lambda k, v: format.said(k, v, t)) if record else (lambda k, v: v or t("common.none"))
    parts = [f"{column_words(k, t)} {words(k, old.get(k))} → {words(k, v)}" for k, v in new.items() if old.get(k) != v]
    return t("common.semicolon") + t("common.semicolon").join(parts) if parts else ""
