"""Inspection forms: what is looked at on a visit, dated and cited (rules/forms/*.toml).

They lie with the rules because they are rules: an item is asked for on the ground of a law, from a day. The rulebook keeps their
versions; here a version is held to its shape (method.md F, domain.md 7.2) and asked what it holds on a day, for a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator

from data import codes
from rules.book import HERE, Book, Rule, RuleFileWrong, RuleNotInForce
from rules.laws import KEY, cited
from rules.shape import line_of

FOLDER = "forms/"
#: Grades of a law's text that rules/laws.toml asks to confirm at the issuing body first.
UNCONFIRMED = ("C", "D")
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
CLASSES = {"type": "array", "items": {"enum": list(codes.ESTATE_CLASSES)}, "minItems": 1, "uniqueItems": True}
ITEM = {
    "type": "object",
    "properties": {
        "code": {"enum": list(codes.ITEM_CODES)}, "text_zh": TEXT, "text_en": TEXT, "severity": {"enum": list(codes.SEVERITIES)},
        "answered": {"enum": ["pass_fail", "count"]}, "law": TEXT, "estate_classes": CLASSES,
    },
    "required": ["code", "text_zh", "text_en", "severity", "answered", "law"],
    "additionalProperties": False,
}  # fmt: skip
SHAPE = {
    "type": "object",
    "properties": {
        "law": TEXT, "basis": {"enum": ["proposed"]}, "version": {"type": "integer", "minimum": 1}, "name_zh": TEXT, "name_en": TEXT,
        "estate_classes": CLASSES, "item": {"type": "array", "items": ITEM, "minItems": 1},
    },
    "required": ["law", "version", "name_zh", "name_en", "estate_classes", "item"],
    "additionalProperties": False,
}  # fmt: skip
VALIDATOR = Draft202012Validator(SHAPE)


@dataclass(frozen=True)
class Item:
    """One thing looked at; ``unconfirmed`` = a law it cites was read only in a copy."""

    code: str
    text_zh: str
    text_en: str
    severity: str
    answered: Literal["pass_fail", "count"]
    law: str
    estate_classes: tuple[str, ...]
    unconfirmed: bool


@dataclass(frozen=True)
class Form:
    """One version of one form, in force in ``[valid_from, valid_to)``."""

    form: str
    version: int
    valid_from: date
    valid_to: date
    name_zh: str
    name_en: str
    law: str
    estate_classes: tuple[str, ...]
    items: tuple[Item, ...]

    def items_for(self, estate_class: str) -> tuple[Item, ...]:
        """The items that apply to a class of estates, in the form's order; none where the form does not."""
        return tuple(i for i in self.items if estate_class in i.estate_classes)


def _form(rule: Rule, block_number: int, text: str) -> Form:
    name, first = rule.name.removeprefix(FOLDER), rule.valid_from
    block = f"rules/{rule.name}.toml, version from {first}"
    for error in sorted(VALIDATOR.iter_errors(rule.values), key=lambda e: [str(p) for p in e.absolute_path]):
        place = ".".join(str(p + 1) if isinstance(p, int) else p for p in error.absolute_path) or "the block"
        line = line_of(text, block_number, [*error.absolute_path])
        raise RuleFileWrong(f"{block}: line {line}, {place}: {error.message[:200]}.")
    items: list[Item] = []
    of_form = tuple(rule["estate_classes"])
    for number, raw in enumerate(rule["item"], 1):
        where = f"{block}: item.{number} ({raw['code']})"
        if raw["code"] in {i.code for i in items}:
            raise RuleFileWrong(f"{where}: code stands twice. A visit answers each item once; put both into one.")
        classes = tuple(raw.get("estate_classes", of_form))
        if beyond := set(classes) - set(of_form):
            raise RuleFileWrong(f"{where}: estate_classes names {sorted(beyond)}, for which the form is not made.")
        laws = cited(raw["law"])
        keys = set(KEY.findall(raw["law"]))
        if not keys or keys - {law.key for law in laws}:
            lacking = ", ".join(sorted(keys - {law.key for law in laws})) or "nothing in it"
            raise RuleFileWrong(f"{where}: law is {raw['law']!r}; not a key of rules/laws.toml: {lacking}.")
        unconfirmed = any(law.grade in UNCONFIRMED for law in laws)
        items.append(Item(**(raw | {"estate_classes": classes}), unconfirmed=unconfirmed))
    return Form(
        name,
        rule["version"],
        first,
        rule.valid_to,
        rule["name_zh"],
        rule["name_en"],
        rule["law"],
        of_form,
        tuple(items),
    )


@cache
def forms(root: Path = HERE) -> tuple[Form, ...]:
    """Every version of every form, by name, oldest first.

    Raises:
        RuleFileWrong: the message names file, version and key.
    """
    found = []
    for name, file in sorted(Book(root).files.items()):
        if not name.startswith(FOLDER):
            continue
        versions = [_form(rule, i, file.text) for i, rule in enumerate(file.versions, 1)]
        if [f.version for f in versions] != list(range(1, len(versions) + 1)):
            raise RuleFileWrong(
                f"rules/{name}.toml: version is {[f.version for f in versions]}; versions count 1, 2, 3."
            )
        found += versions
    return tuple(found)


def in_force(day: date, root: Path = HERE) -> dict[str, Form]:
    """The form of each name in force on a day."""
    return {f.form: f for f in forms(root) if f.valid_from <= day < f.valid_to}


def form_on(name: str, day: date, root: Path = HERE) -> Form:
    """The version of one form in force on a day; raises RuleNotInForce."""
    try:
        return in_force(day, root)[name]
    except KeyError:
        raise RuleNotInForce(f"No form '{name}' was in force on {day}. See rules/forms/.") from None
