"""Typeset a paper: plain data and a template in, a PDF out. Nothing is fetched; the same input gives the same bytes.

The PDF is PDF/A-2a and PDF/UA-1, so every font is embedded, the text can be searched and read aloud, and a character
that no font can draw stops the paper instead of leaving an empty box. Such characters (and invisible ones, which could
turn a name around) are therefore printed by their number, ``[U+1F600]``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import unicodedata
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import typst
from fontTools.ttLib import TTFont

from cases.papers.numbers import Identity, cite, cites, identity, in_language, rule_of
from cases.papers.shapes import Both, Hazard, Paper, Person, Record, Shown
from rules.book import Book

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
TEMPLATES = Path(__file__).parent / "templates"
ZONE = ZoneInfo("Asia/Shanghai")
FONT_VARIABLE = "STEWARD_FONTS"
FONT_FOLDERS = ("/usr/share/fonts/opentype/noto", "/usr/share/fonts/noto-cjk", "/usr/share/fonts/google-noto-cjk")
BREAK = "\u200b"  # a place where a line may end
FAMILIES = ("Noto Serif CJK SC", "Noto Sans CJK SC")
STANDARDS: Any = ["a-2a", "ua-1"]
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
TELLS_FIELD = re.compile(r"field-missing\|(?P<template>[^|]+)\|(?P<field>[\w.]+)")
NO_KEY = re.compile(r'dictionary does not contain key "(?P<field>[^"]+)"')
LONG_WORD, SYLLABLE = re.compile(r"[!-\u024F]{25,}"), 8  # a word no column holds may break after so many letters
INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


class FieldMissing(ValueError):
    """A template asks for a field the paper does not hold, or holds blank."""

    def __init__(self, template: str, field: str) -> None:
        super().__init__(
            f"{template}: the field '{field}' is missing or blank. A paper never goes out with a gap: give the field, or "
            "take it out of the template."
        )
        self.template, self.field = template, field


class PaperWrong(ValueError):
    """The paper contradicts itself, or its template cannot be set."""


class FontsMissing(RuntimeError):
    """The Chinese fonts are not on this machine."""


@dataclass(frozen=True)
class Printed:
    """One paper in one language.

    Attributes:
        check_code: finds the paper in the ledger; the same in both languages.
        sha256: of ``pdf``, for the ledger.
        made_with: SHA-256 over templates, fonts' versions and the typesetter's: what one needs to print it again.
    """

    kind: str
    language: str
    number: str
    check_code: str
    pdf: bytes
    sha256: str
    made_with: str

    @property
    def file_name(self) -> str:
        """Number and language, fit for any file system."""
        return re.sub(r"[^\w〔〕-]+", "-", self.number).strip("-") + f"-{self.language}.pdf"


class Press:
    """A typesetter with its fonts read once; one per process, safe in threads.

    Args:
        templates: a folder as ``cases/papers/templates``; an office's own copy of it, edited.
        rules: the rulebook with ``papers``.
        fonts: a folder with Noto Serif CJK and Noto Sans CJK; else ``STEWARD_FONTS``, else where Linux keeps them.
    """

    def __init__(self, templates: Path | None = None, rules: Book | None = None, fonts: Path | None = None) -> None:
        self.templates = (templates or TEMPLATES).resolve()
        self.rules = rules or Book()
        self.fonts = fonts or font_folder()
        self._lock = threading.Lock()

    @cached_property
    def _compiler(self) -> typst.Compiler:
        self._refuse_packages()
        return typst.Compiler(
            root=str(self.templates), font_paths=[str(self.fonts)], ignore_system_fonts=True,
            package_path=str(self.templates), package_cache_path=str(self.templates),
        )  # fmt: skip

    def _refuse_packages(self) -> None:
        """Templates that would fetch a package are refused before the typesetter sees them."""
        for path in sorted(self.templates.rglob("*.typ")):
            if "@preview" in path.read_text(encoding="utf-8"):
                raise PaperWrong(
                    f"{path.relative_to(self.templates)} imports a package from the network (@preview). Papers are set "
                    "offline: copy what it needs into the templates' folder."
                )

    @cached_property
    def _faces(self) -> list[TTFont]:
        found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[self.fonts]).fonts()
        chosen = [f for f in found if f.family in FAMILIES and f.path]
        lacking = set(FAMILIES) - {f.family for f in chosen}
        if lacking:
            raise FontsMissing(_no_fonts(f"{self.fonts} has no {' and no '.join(sorted(lacking))}"))
        return [
            TTFont(f.path, fontNumber=f.index, lazy=True) for f in sorted(chosen, key=lambda f: (f.family, f.weight))
        ]

    @cached_property
    def _drawable(self) -> frozenset[int]:
        return frozenset.intersection(*(frozenset(face.getBestCmap()) for face in self._faces))

    @cached_property
    def made_with(self) -> str:
        """SHA-256 over the templates' text, the fonts' own versions and the typesetter's."""
        h = hashlib.sha256()
        for path in sorted(self.templates.rglob("*.typ")):
            h.update(path.relative_to(self.templates).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        for face in self._faces:
            h.update(f"{face['name'].getDebugName(4)} {face['name'].getDebugName(5)}\0".encode())
        h.update(_typesetter().encode())
        return h.hexdigest()

    def identity(self, paper: Paper) -> Identity:
        """Number and check code, known before printing."""
        return identity(paper, self.rules)

    def print(self, paper: Paper, language: Language = "zh") -> Printed:
        """Set one paper in one language.

        Raises:
            FieldMissing: a field is missing or blank; names template and field.
            PaperWrong: the paper contradicts itself or the template cannot be set.
            FontsMissing: no Chinese fonts on this machine.
            RuleFileWrong: a law cited is not in the register.
        """
        template = f"{language}/{paper.kind}.typ"
        refuse_blanks(paper, template)
        refuse_contradictions(paper)
        named = self.identity(paper)
        pdf = self._set(template, self._inputs(paper, named, language, template))
        return Printed(
            paper.kind, language, named.in_language(language), named.check_code, pdf, hashlib.sha256(pdf).hexdigest(),
            self.made_with,
        )  # fmt: skip

    def _inputs(self, paper: Paper, named: Identity, language: Language, template: str) -> dict[str, str]:
        given = self._plain(paper, language)
        given |= {
            "identity": {"number": self._clean(named.in_language(language)), "check_code": named.check_code},
            "cites": cites(paper, self.rules, language),
            "issued": {"year": paper.issued_on.year, "month": paper.issued_on.month, "day": paper.issued_on.day},
            "status": {
                "demo": "yes" if paper.demo else "no",
                "extract": "yes" if paper.kind == "bulletin" else None,
                "draft": "yes" if paper.sequence is None and not self._is_extract(paper) else None,
            },
        }
        if "records" in given:
            given["records"] = given["records"][: rule_of(self.rules, paper.issued_on)["annex_rows"]]
        return {"paper": json.dumps(given, ensure_ascii=False), "language": language, "template": template}

    def _is_extract(self, paper: Paper) -> bool:
        return paper.kind in rule_of(self.rules, paper.issued_on)["extracts"]

    def _plain(self, value: Any, language: Language) -> Any:
        """A field as the template reads it: text in one language, days in words, the rest as it is."""
        if isinstance(value, Both):
            return self._clean(in_language(value, language))
        if isinstance(value, datetime):
            return moment_in_words(value, language)
        if isinstance(value, date):
            return day_in_words(value, language)
        if isinstance(value, str):
            return self._clean(value)
        if isinstance(value, tuple | list):
            return [self._plain(v, language) for v in value]
        if is_dataclass(value):
            out = {f.name: self._plain(getattr(value, f.name), language) for f in fields(value)}
            if isinstance(value, Record | Shown):
                out["on_short"] = value.on.isoformat()
            if isinstance(value, Hazard):
                out["law"] = cite(value.law, language)
            return out
        return value

    def _clean(self, text: str) -> str:
        """Text that can be drawn: line ends made one kind, what cannot be seen or drawn printed by its number."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        seen = "".join(c if c == "\n" or self._seen(c) else f"[U+{ord(c):04X}]" for c in text)
        return LONG_WORD.sub(lambda word: BREAK.join(re.findall(f".{{1,{SYLLABLE}}}", word[0])), seen)

    def _seen(self, character: str) -> bool:
        return unicodedata.category(character) not in INVISIBLE and ord(character) in self._drawable

    def _set(self, template: str, inputs: dict[str, str]) -> bytes:
        path = self.templates / template
        if not path.is_file():
            raise PaperWrong(
                f"There is no template {template} in {self.templates}. Copy it from cases/papers/templates."
            )
        with self._lock:
            try:
                made = self._compiler.compile(
                    str(path), format="pdf", sys_inputs=inputs, pdf_standards=STANDARDS, timestamp=0
                )
            except typst.TypstError as e:
                raise _in_our_words(e, template) from e
        if not isinstance(made, bytes):
            raise PaperWrong(f"{template}: the typesetter gave no single file.")
        return made


def own_templates(root: Path) -> Path | None:
    """The office's own templates, ``<root>/templates``, where it keeps any; else None, for the ones of the program."""
    folder = root / "templates"
    return folder if (folder / "house.typ").is_file() else None


def _in_our_words(e: typst.TypstError, template: str) -> ValueError:
    said = f"{e.message} {e.diagnostic}"
    if found := TELLS_FIELD.search(said):
        return FieldMissing(found["template"], found["field"])
    if found := NO_KEY.search(said):
        return FieldMissing(template, found["field"])
    return PaperWrong(f"{template} cannot be set: {e.message}. {' '.join(e.hints)}\n{e.diagnostic}")


def font_folder() -> Path:
    """Where the fonts are: ``STEWARD_FONTS``, else the usual folders; raises FontsMissing."""
    asked = os.environ.get(FONT_VARIABLE)
    for folder in (asked,) if asked else FONT_FOLDERS:
        if Path(folder).is_dir():
            return Path(folder)
    raise FontsMissing(_no_fonts(f"none of {', '.join((asked,) if asked else FONT_FOLDERS)} is a folder"))


def _no_fonts(why: str) -> str:
    return (
        f"Papers need the fonts Noto Serif CJK and Noto Sans CJK, and {why}. Install them (Debian: apt-get install "
        f"fonts-noto-cjk), or name their folder in {FONT_VARIABLE}."
    )


def _typesetter() -> str:
    from importlib.metadata import version

    return f"typst {version('typst')}"


def day_in_words(day: date, language: Language) -> str:
    """``2026年11月23日`` or ``23 November 2026``."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def moment_in_words(moment: datetime, language: Language) -> str:
    """A moment on the district's clock; raises PaperWrong where it has no zone."""
    if moment.tzinfo is None:
        raise PaperWrong(f"{moment} has no time zone, so a paper cannot say when that is. Give a moment with its zone.")
    local = moment.astimezone(ZONE)
    return f"{day_in_words(local.date(), language)}{' ' if language == 'zh' else ', '}{local:%H:%M}"


def refuse_blanks(value: Any, template: str, path: str = "") -> None:
    """Every text given must say something; None only where the shape allows it."""
    if isinstance(value, str | Both):
        words = [value] if isinstance(value, str) else [value.zh, *([] if value.en is None else [value.en])]
        if not all(w.strip() for w in words):
            raise FieldMissing(template, path)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            refuse_blanks(item, template, f"{path}.{i}")
    elif is_dataclass(value):
        for f in fields(value):
            inner, where = getattr(value, f.name), f"{path}.{f.name}".removeprefix(".")
            if inner is None and "None" not in str(f.type):
                raise FieldMissing(template, where)
            refuse_blanks(inner, template, where)


def refuse_contradictions(paper: Paper) -> None:
    """What would make the paper void on its face: one person in two roles that must be two, too few officers."""
    two = {"recommendation": "prepared_by", "appeal": "first_decided_by"}.get(paper.kind)
    other: Person | None = getattr(paper, two) if two else None
    if other is not None and other == paper.signed_by:
        raise PaperWrong(
            f"{paper.kind}: {two} and signed_by are the same person, {in_language(other.name, 'zh')}. Two people are "
            "needed: have somebody else decide."
        )
    if paper.kind == "rectification":
        certified = [o for o in getattr(paper, "officers", ()) if o.certificate]
        if len(certified) < 2:
            raise PaperWrong(
                f"rectification: {len(certified)} officers with a certificate number; the law asks for two [APL 42]. "
                "Name both."
            )
