"""What a file handed in must not be, told from its bytes before anything reads it as a table.

Limits stand in ``data/uploads.toml``, or in a file of the same shape that STEWARD_UPLOADS names. Only the standard library is imported here: the look is taken in a small process of
its own (``python -m data.uploads FILE``, see ``data.bounded``) before the reader's process starts, and again by the reader.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

CONFIG = Path(os.environ.get("STEWARD_UPLOADS") or Path(__file__).with_suffix(".toml"))
MEGABYTE = 1_048_576
BLOCK = 1_048_576
#: Texts that are read block by block (data/reading.py).
TEXT_ENDINGS = (".csv", ".txt", ".tsv")
#: Kinds that carry programs by their name, and what a workbook with one holds.
MACRO_ENDINGS = (".xlsm", ".xltm", ".xlam", ".xla", ".xlt")
MACRO_PARTS = re.compile(r"(vbaproject\.bin|vbadata\.xml|macrosheets/|^basic/|^scripts/)", re.I)
MACRO_STREAM = "_VBA_PROJECT".encode("utf-16-le")
ZIPPED = b"PK"
COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
XML_ENDINGS = (".xml", ".rels", ".vml")
DECLARATIONS = tuple(w.encode(e) for w in ("<!DOCTYPE", "<!ENTITY") for e in ("ascii", "utf-16-le", "utf-16-be"))
OVERLAP = max(map(len, DECLARATIONS))
#: Characters that end a line, change the reading direction or cannot be seen.
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
UNFIT = '/\\:*?"<>|'


@dataclass(frozen=True)
class Limits:
    """``data/uploads.toml``; sizes in megabytes of 1,048,576 bytes."""

    largest_file_mb: int
    largest_text_mb: int
    unpacked_mb: int
    ratio_at_most: int
    ratio_from_mb: int
    parts_at_most: int
    name_bytes: int
    memory_mb: int
    seconds: int
    checking_seconds: int
    held_mb: int = 800
    held_forms_mb: int = 400
    held_all_mb: int = 1200


@cache
def limits() -> Limits:
    return Limits(**tomllib.loads(CONFIG.read_text(encoding="utf-8")))


class Unsafe(ValueError):
    """The file is not read. ``kind`` is a word key below ``intake.unsafe.``, ``params`` its values."""

    SAID: ClassVar[dict[str, str]] = {
        "too_large": "it has {size} MB, more than the {limit} MB one file may have.",
        "macros": "it is a workbook with programs in it (macros).",
        "expands": "unpacked it would have {size} MB or more, as no honest table does.",
        "parts": "the workbook has {n} parts, more than {limit}.",
        "entities": "its part {part} declares entities of its own, as no spreadsheet program does.",
        "paths": "its part {part} points outside the workbook.",
        "damaged": "its part {part} is damaged or locked with a password.",
    }

    def __init__(self, kind: str, **params: Any) -> None:
        super().__init__(self.SAID[kind].format(**params))
        self.kind, self.params = kind, params


def own_name(name: str, *, longest: int | None = None) -> str:
    """The name under which a file handed in is kept: one name without folders, unseen characters or a leading dot.

    Never empty, at most ``longest`` bytes in UTF-8 with its ending kept.
    """
    longest = longest or limits().name_bytes
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join("_" if c in UNFIT else c for c in last if unicodedata.category(c) not in UNSEEN).strip(" .")
    stem, dot, ending = seen.rpartition(".")
    if not dot or len(ending.encode()) > 12:
        stem, ending = seen, ""
    tail = f".{ending}" if ending else ""
    stem = stem.strip(" .").encode()[: longest - len(tail.encode())].decode("utf-8", "ignore")
    return (stem or "unnamed").lstrip("-") + tail if stem.strip("-") else f"unnamed{tail}"


def check(path: Path, bounds: Limits | None = None) -> None:
    """Look into a file; raises Unsafe. A file that is merely no table passes: its reader says so."""
    bounds = bounds or limits()
    size = path.stat().st_size
    largest = bounds.largest_text_mb if path.suffix.lower() in TEXT_ENDINGS else bounds.largest_file_mb
    if size > largest * MEGABYTE:
        raise Unsafe("too_large", size=-(-size // MEGABYTE), limit=largest)
    if path.suffix.lower() in MACRO_ENDINGS:
        raise Unsafe("macros")
    with path.open("rb") as f:
        head = f.read(8)
    if head == COMPOUND and _holds(path, MACRO_STREAM):
        raise Unsafe("macros")
    if head[:2] == ZIPPED:
        _check_zip(path, bounds)


def _holds(path: Path, sought: bytes) -> bool:
    kept = b""
    with path.open("rb") as f:
        while block := f.read(BLOCK):
            if sought in kept + block:
                return True
            kept = block[-len(sought) :]
    return False


def _check_zip(path: Path, bounds: Limits) -> None:
    """Hold a workbook's parts to the limits, first by what its list says, then by unpacking what is XML."""
    try:
        book = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return  # its reader refuses it
    with book:
        parts = book.infolist()
        if len(parts) > bounds.parts_at_most:
            raise Unsafe("parts", n=len(parts), limit=bounds.parts_at_most)
        for part in parts:
            if MACRO_PARTS.search(part.filename):
                raise Unsafe("macros")
            if part.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", part.filename):
                raise Unsafe("paths", part=_shown(part))
            if part.file_size > bounds.ratio_from_mb * MEGABYTE and part.file_size > bounds.ratio_at_most * max(
                part.compress_size, 1
            ):
                raise Unsafe("expands", size=part.file_size // MEGABYTE)
        if (total := sum(p.file_size for p in parts)) > bounds.unpacked_mb * MEGABYTE:
            raise Unsafe("expands", size=total // MEGABYTE)
        for part in parts:
            if part.filename.lower().endswith(XML_ENDINGS):
                _check_part(book, part)


def _check_part(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read one XML part through in blocks: its list may lie about its size, and it must declare no entities."""
    kept = b""
    try:
        with book.open(part) as f:
            while block := f.read(BLOCK):
                window = (kept + block).upper()
                if any(d in window for d in DECLARATIONS):
                    raise Unsafe("entities", part=_shown(part))
                kept = block[-OVERLAP:]
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError) as e:
        raise Unsafe("damaged", part=_shown(part)) from e


def _shown(part: zipfile.ZipInfo) -> str:
    """A part's name, shortened, without line ends or other unseen characters."""
    return own_name(part.filename.replace("/", "_"), longest=80)


def main(path: str) -> int:
    """0 and nothing said, or 2 and the kind and params of what is wrong, as one line of JSON."""
    try:
        check(Path(path))
    except Unsafe as e:
        sys.stdout.write(json.dumps({"kind": e.kind, "params": e.params}, ensure_ascii=False) + "\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
