"""Any usual encoding of a text file as UTF-8: told from its bytes, never guessed without saying so.

Tried in this order: a byte order mark; UTF-16 without one (every second byte nought); UTF-8; GB18030 (GBK and GB2312
are parts of it); last UTF-8 or Windows-1252 byte by byte, as in exports put together from two programs. Western text
can be valid GB18030 by chance: there bytes above 127 stand singly between letters, in Chinese they come in pairs. So can
lines of UTF-8 among lines of GB18030, which then read as other signs: where a file's lines are of both kinds, each is read
as its own.
"""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

BLOCK = 4_194_304
#: Byte order marks: mark -> encoding of what follows. The longer marks stand first.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
MIXED, MIXED_GB = "utf-8+cp1252", "utf-8+gb18030"
#: Signs of Chinese in UTF-8, and the share of lines in it from which a file that is not UTF-8 holds both. Of GB18030 alone
#: about one line in ten thousand looks so by chance.
CHINESE_UTF8 = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2})+")
BOTH_FROM = 0.01


class NoEncoding(ValueError):
    """No encoding reads the whole file."""


@dataclass
class Text:
    """A file's text as UTF-8.

    Attributes:
        path: the file itself, or a temporary copy.
        encoding: as told.
        nuls: NUL characters left out of the copy.
        western: lines on which bytes were read as Windows-1252 (the first hundred). gb: the same of lines read as GB18030
            in a file of both.
        kept: keeps a temporary copy alive.
    """

    path: Path
    encoding: str
    nuls: int = 0
    western: list[int] = field(default_factory=list)
    gb: list[int] = field(default_factory=list)
    kept: object = None


def as_utf8(path: Path) -> Text:
    """The file as UTF-8 with line feeds; raises NoEncoding."""
    with path.open("rb") as f:
        head = f.read(65_536)
    mark = next((m for m in MARKS if head.startswith(m)), b"")
    try:
        if mark and MARKS[mark] != "utf-8":
            return _copied(path, MARKS[mark], skip=len(mark))
        if wide := _unmarked_utf16(head):
            return _copied(path, wide)
    except UnicodeDecodeError as e:  # cut off, or only looked like it
        raise NoEncoding(path.name) from e
    if _plain(path):
        return Text(path, "utf-8")
    tried: list[tuple[str, Callable[[], Text]]] = [
        ("utf-8", lambda: _copied(path, "utf-8", skip=len(mark))),
        ("gb18030", lambda: _copied(path, "gb18030")),
        (MIXED, lambda: _mixed(path, len(mark))),
    ]
    if _single_high_bytes(path):
        tried = [t for t in tried if t[0] != "gb18030"]
    elif _both_kinds(path, len(mark)):
        tried.insert(1, (MIXED_GB, lambda: _by_line(path, len(mark))))
    for _, read in tried:
        try:
            return read()
        except UnicodeDecodeError:
            continue
    raise NoEncoding(path.name)


def _plain(path: Path) -> bool:
    """Is it UTF-8 without NUL, with line feeds, so that no copy is needed?"""
    returns = feeds = False
    rest = b""
    with path.open("rb") as f:
        while block := f.read(BLOCK):
            if b"\x00" in block:
                return False
            feeds = feeds or b"\n" in block
            returns = returns or b"\r" in block
            block = rest + block
            cut = block.rfind(b"\n") + 1 or len(block)  # a sign of several bytes never holds a line feed
            if cut == len(block) and not block.endswith(b"\n"):
                cut = _last_whole(block)
            if not _valid(block[:cut]):
                return False
            rest = block[cut:]
    return _valid(rest) and (feeds or not returns)


def _last_whole(block: bytes) -> int:
    """Where the last sign that may be cut off at the block's end begins; its end where none may be."""
    start = next((k for k in range(1, min(4, len(block)) + 1) if block[-k] & 0xC0 != 0x80), 0)
    return len(block) - start if start and block[-start] >= 0xC0 else len(block)


def _valid(text: bytes) -> bool:
    """Is it UTF-8? Arrow looks at many bytes at once and makes no text of them."""
    whole = [None, pa.py_buffer(np.array([0, len(text)], np.int64)), pa.py_buffer(text)]
    try:
        pa.Array.from_buffers(pa.large_utf8(), 1, whole).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: nearly every second byte of ASCII separators and digits is nought."""
    half = max(len(head) // 2, 1)
    if len(head) < 4 or (len(head) % 2 and len(head) < 65_536):
        return None
    odd, even = head[1::2].count(0) / half, head[::2].count(0) / half
    if odd > 0.2 and even < 0.02:
        return "utf-16-le"
    return "utf-16-be" if even > 0.2 and odd < 0.02 else None


def _single_high_bytes(path: Path) -> bool:
    """Do bytes above 127 stand singly, as accented letters do, rather than in runs, as Chinese does?"""
    with path.open("rb") as f:
        runs = re.findall(rb"[\x80-\xff]+", f.read(BLOCK))
    return bool(runs) and sum(len(r) == 1 for r in runs) > len(runs) / 2


def _both_kinds(path: Path, skip: int) -> bool:
    """Do lines of Chinese in UTF-8 stand among others that are none? Told from the file's beginning, middle and end."""
    size, utf8, other = path.stat().st_size, 0, 0
    with path.open("rb") as f:
        for start in sorted({skip, size // 2, max(size - BLOCK // 4, skip)}):
            f.seek(start)
            lines = f.read(BLOCK // 4).split(b"\n")
            for line in lines[start > skip : -1] or lines:  # what is cut off at either side is left out
                high = re.sub(CHINESE_UTF8, b"", line)
                if not line.isascii():
                    utf8, other = utf8 + high.isascii(), other + (not _is_utf8(line))
    return bool(other) and utf8 >= BOTH_FROM * (utf8 + other) and utf8 > 0


def _by_line(path: Path, skip: int) -> Text:
    """Each line as UTF-8 or, where it is not, as GB18030; raises UnicodeDecodeError where a line is neither."""
    text = Text(path, MIXED_GB)
    copy = tempfile.NamedTemporaryFile("wb", suffix=".csv")  # noqa: SIM115 - lives as long as the reading
    with path.open("rb") as f:
        f.seek(skip)
        for number, line in enumerate(f, start=1):
            if not line.isascii() and not _is_utf8(line):
                if len(text.gb) < 100:
                    text.gb.append(number)
                line = line.decode("gb18030").encode()
            text.nuls += line.count(b"\x00")
            copy.write(line.replace(b"\x00", b""))
    copy.flush()
    text.path, text.kept = Path(copy.name), copy
    return text


def _blocks(f: IO[bytes], decode: Callable[[bytes, bool], str]) -> Iterator[str]:
    while block := f.read(BLOCK):
        yield decode(block, False)
    yield decode(b"", True)


def _copied(path: Path, encoding: str, *, skip: int = 0, errors: str = "strict", found: Text | None = None) -> Text:
    """A UTF-8 copy without NUL; a file with carriage returns alone gets line feeds."""
    copy = tempfile.NamedTemporaryFile("wb", suffix=".csv")  # noqa: SIM115 - lives as long as the reading
    text = found or Text(path, encoding)
    feeds = _has_feeds(path, encoding, skip)
    with path.open("rb") as f:
        f.seek(skip)
        for part in _blocks(f, codecs.getincrementaldecoder(encoding)(errors).decode):
            nuls = part.count("\x00")
            text.nuls += nuls
            part = part.replace("\x00", "") if nuls else part
            copy.write((part if feeds else part.replace("\r", "\n")).encode())
    copy.flush()
    text.path, text.kept = Path(copy.name), copy
    return text


def _has_feeds(path: Path, encoding: str, skip: int) -> bool:
    with path.open("rb") as f:
        f.seek(skip)
        return any("\n" in part for part in _blocks(f, codecs.getincrementaldecoder(encoding)("ignore").decode))


def _mixed(path: Path, skip: int) -> Text:
    """UTF-8, and Windows-1252 for the bytes that are not; raises UnicodeDecodeError where a byte is neither."""
    text = Text(path, MIXED)
    with path.open("rb") as f:
        f.seek(skip)
        for number, line in enumerate(f, start=1):
            if not line.isascii() and not _is_utf8(line) and len(text.western) < 100:
                text.western.append(number)
    codecs.register_error("steward-western", _western)
    return _copied(path, "utf-8", skip=skip, errors="steward-western", found=text)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _western(error: UnicodeError) -> tuple[str, int]:
    """An error handler: the bytes that are not UTF-8 as Windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252"), error.end
