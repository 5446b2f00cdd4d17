"""The shape of a mapping file: which keys it may have and what each holds, as a JSON schema."""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
PLAIN: dict[str, Any] = {"type": ["string", "number", "boolean"]}


def _map(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _keys(needed: tuple[str, ...] = (), **keys: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": keys, "additionalProperties": False, "required": list(needed)}


CONDITION = _keys(("heading", "value"), heading=TEXT, pattern=TEXT, value=PLAIN)
CONDITION["properties"] |= {"from": NUMBER, "below": NUMBER}
DERIVED = _keys(day_of=TEXT, copy_of=TEXT, join=TEXTS)
DERIVED["properties"] |= {"with": TEXT}
MADE = _keys(
    text=TEXT, number=TEXT, times=NUMBER, choose={"type": "array", "items": CONDITION}, otherwise=PLAIN, company=TEXT,
    file_day={"type": "boolean"},
)  # fmt: skip
MADE["additionalProperties"] = True  # data/mapping.py names what it does not know
SHAPE = _keys(
    ("table",),
    title=TEXT, title_en=TEXT, table=TEXT, zone=TEXT, instead_of=TEXT, order={"type": "integer"},
    columns=_map({"anyOf": [TEXT, {**TEXTS, "minItems": 1}]}),
    codes=_map(_map(PLAIN)), fixed=_map(PLAIN), make=_map({"anyOf": [MADE, {"type": "array", "items": MADE}]}),
    derive=_map(DERIVED),
    unpivot=_keys(
        ("items",), items=_map(TEXT), least=NUMBER, greatest=NUMBER, values=_map(NUMBER), skip=TEXTS, worst=TEXTS
    ),
    nulls=TEXTS, dates={**TEXTS, "minItems": 1}, moments={**TEXTS, "minItems": 1},
    expect=_keys(
        rows={"type": "integer", "minimum": 0}, share_of_previous={"type": "number", "minimum": 0},
        days={"type": "number", "exclusiveMinimum": 0},
    ),
    set_aside={
        "type": "array",
        "items": _keys(("heading", "reason"), heading=TEXT, reason=TEXT, pattern=TEXT, found=TEXT, column=TEXT),
    },
    form=_keys(("name", "version", "filled"), name=TEXT, version=TEXT, filled={**TEXTS, "minItems": 1}),
    required_headings=TEXTS, excluded_headings=TEXTS, lookup=_keys(("address",), address=TEXT),
    snapshot=_keys(
        ("entity", "compare"), entity=TEXT, compare=TEXTS, id_column=TEXT, unread={"enum": ["keep", "close"]}
    ),
)  # fmt: skip
VALIDATOR = Draft202012Validator(SHAPE)


def mistakes(raw: dict[str, Any], text: str) -> list[str]:
    """What is wrong with a mapping file's content: line (as far as it can be found), key and what is expected."""
    found = []
    for error in sorted(VALIDATOR.iter_errors(raw), key=lambda e: [str(p) for p in e.absolute_path]):
        path = [p for p in error.absolute_path if isinstance(p, str)]
        extra = _extra(error)
        key = ".".join([*(str(p) for p in error.absolute_path), *extra]) or "the file"
        where = (
            at(text, (extra or path)[-1], *path[: len(path) - (0 if extra else 1)][:1]) if path or extra else "line 1, "
        )
        found.append(f"{where}{key}: {error.message[:200]}.")
    for number, rule in enumerate(raw.get("set_aside", ()) if not found else ()):
        try:
            re.compile(rule.get("pattern", ""))
        except re.error as e:
            found.append(f"{at(text, 'pattern', nth=number)}set_aside.{number}.pattern: no regular expression ({e}).")
    return found


def _extra(error) -> list[str]:
    """The key that should not be there, where an error is about one."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    known = error.schema.get("properties", {})
    return [k for k in error.instance if k not in known][:1]


def at(text: str, key: str, part: str | None = None, *, nth: int = 0) -> str:
    """``line N, `` of a key, told as far as it can be found; the part's own line where the key stands in none of its own.

    Args:
        part: the part the key stands in. nth: which of several lines that set it, from 0.
    """
    line = line_of(text, key, part, nth) or (line_of(text, part) if part else None) or 1
    return f"line {line}, "


def line_of(text: str, key: str, part: str | None = None, nth: int = 0) -> int | None:
    """The line that sets a key or opens its part: behind the line that opens ``part``, where one is named."""
    lines = list(enumerate(text.splitlines(), start=1))
    opened = (line_of(text, part) or 1) if part else 1
    said = re.compile(rf"""^\s*(\[+[\w."']*)?["']?{re.escape(key)}["']?\s*[=\].]""")
    inside = re.compile(rf"""["'{{,\s]{re.escape(key)}["']?\s*=""")
    found = [n for n, line in lines if n >= opened and said.match(line)]
    found = found or [n for n, line in lines if n >= opened and inside.search(line)]
    return found[nth] if nth < len(found) else None
