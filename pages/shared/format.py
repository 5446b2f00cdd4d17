"""Numbers, days and text as a person reads them, in the viewer's language."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from i18n.words import Words
from metrics.calendar import Quarter

LOCALES = {"zh": "zh_CN", "en": "en_GB"}
DISTRICT_ZONE = ZoneInfo("Asia/Shanghai")
#: Where Streamlit's Markdown sees an address or an icon, whatever is escaped: before ``://`` and ``@``, after ``www``, and
#: within ``:name:`` (not ``10:30:45``).
UNESCAPABLE = re.compile(r"(?=://|@)|(?<=www)(?=\.)|(?<=:)(?=(?!\d{1,2}:)[\w+-]+(?:/\w+)?:)", re.I)
MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]()#+-.!|<>~$:^"})


def plain(text: object) -> str:
    """Text from a record, escaped so that Markdown, HTML, LaTeX and icon marks in it stay text.

    Addresses and icon names are parted by a word joiner (not seen, no width): no escape keeps them from being drawn as such.
    """
    return "" if text is None else UNESCAPABLE.sub("\u2060", str(text)).translate(MARKDOWN)


def name(row: dict, t: Words, prefix: str = "name") -> str:
    """The name in the viewer's language, else the Chinese one; ``prefix`` as in ``company_zh``."""
    chosen = row.get(f"{prefix}_{t.language}") or row.get(f"{prefix}_zh")
    return str(chosen) if chosen else t("common.unknown")


def number(value: float | None, t: Words, digits: int = 1) -> str:
    if value is None:
        return t("common.none")
    value = round(value, digits) + 0.0  # no "-0.0"
    return format_decimal(value, format=f"#,##0.{'0' * digits}" if digits else "#,##0", locale=LOCALES[t.language])


def percent(value: float | None, t: Words, digits: int = 1) -> str:
    if value is None:
        return t("common.none")
    value = round(value, digits + 2) + 0.0
    return format_percent(value, format=f"#,##0.{'0' * digits}%" if digits else "#,##0%", locale=LOCALES[t.language])


def day(value: date | None, t: Words) -> str:
    if value is None:
        return t("common.none")
    return format_date(value, format="y年M月d日" if t.language == "zh" else "d MMM y", locale=LOCALES[t.language])


def moment(value: datetime | None, t: Words) -> str:
    """A UTC moment on the district's clock."""
    if value is None:
        return t("common.none")
    local = value.astimezone(DISTRICT_ZONE)
    pattern = "y年M月d日 HH:mm" if t.language == "zh" else "d MMM y HH:mm"
    return format_datetime(local, format=pattern, locale=LOCALES[t.language])


def period(text: str, t: Words) -> str:
    quarter = Quarter.parse(text)
    return t("common.period", year=quarter.year, quarter=quarter.number)


def value_of(raw: float | None, unit: str, t: Words) -> str:
    """A metric's value in its unit: shares as percentages, the rest as numbers (the unit stands in the heading)."""
    if unit in ("share", "done_of_required"):
        return percent(raw, t)
    if unit == "severity_per_point":
        return number(raw, t, 3)
    return number(raw, t, 2 if raw is not None and abs(raw) < 100 else 0)


def chance(p: float, t: Words) -> str:
    """A probability in words; never more certain than it is."""
    if p < 0.01:
        return t("chance.hardly")
    return t("chance.almost") if p > 0.99 else t("chance.about", share=percent(p, t, 0))


def interval(low: float, high: float, t: Words) -> str:
    """Two numbers a score lies between."""
    return t("chance.between", low=number(low, t), high=number(high, t))


def code(kind: str, value: str | None, t: Words) -> str:
    """A code's word, such as ``code("estate_class", "HR", t)``."""
    return t(f"{kind}.{value}") if value else t("common.none")


def codes(kind: str, joined: str | None, t: Words) -> str:
    """Comma-joined codes as words."""
    return t("common.separator").join(t(f"{kind}.{c}") for c in joined.split(",")) if joined else ""


#: Facts only some records have: where they have none, nothing is said.
SAID_IF_ANY = ("form", "form_version", "remark", "photos")


def fact(key: str, value: object, t: Words) -> str:
    """One fact of a record as ``heading: value``."""
    heading = t(f"field.{key}") if t.has(f"field.{key}") else key
    return f"{heading}{t('common.colon')}{said(key, value, t)}"


def said(key: str, value: object, t: Words) -> str:
    """A value of a record's column: codes and yes/no in words, days in the viewer's form."""
    if value is None:
        return t("common.none")
    if isinstance(value, bool):
        return t("common.yes") if value else t("common.no")
    if t.has(f"fact.{key}.{value}"):
        return t(f"fact.{key}.{value}")
    if key in ("estate_class", "party") and t.has(f"{key}.{value}"):
        return t(f"{key}.{value}")
    if key == "photos":
        return t("visit.photos", n=len(str(value).split()))
    if key == "metric":
        return t(f"metric.{value}.name")
    if isinstance(value, str) and key.endswith(("_on", "_to", "_until", "_from")):
        return day(date.fromisoformat(value[:10]), t)
    if isinstance(value, str) and key.endswith("_at"):
        return moment(datetime.fromisoformat(value), t)
    if isinstance(value, float):
        return number(value, t, 0 if value == int(value) else 2)
    return str(value)


def facts(text: str | None, t: Words) -> str:
    """The facts of one evidence row as one line."""
    known = {k: v for k, v in json.loads(text).items() if v is not None or k not in SAID_IF_ANY} if text else {}
    return t("common.semicolon").join(fact(k, v, t) for k, v in known.items())
