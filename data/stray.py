"""Quotation marks out of place in a CSV file: which lines they spoil, and the text without those lines.

A mark belongs at the start and the end of a value; inside, it is doubled. Where one stands in the middle of an unquoted
value, or a quoted value is followed by other signs, its line cannot be told into values and is left out; reading goes on
with the next line. A value whose closing mark stands lines below and is followed by other signs was most likely never
meant to open: the line it opened on is left out. Looked for only where ``data/lines.py`` meets such a mark, by windows of
bytes, so that a clean file pays nothing and the time stays in proportion however many lines are spoilt.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data.lines import NEWLINE, QUOTE, Lines, Misshapen, QuoteOpen, find_lines

#: Bytes looked at from a line on: few after a spoilt one, twice as many each time nothing is wrong.
LEAST_BYTES, MOST_BYTES = 4096, 2_097_152
#: A value of more is one whose mark never closes.
LONGEST_BYTES = 16_777_216
#: A file of more spoilt lines was written without a thought for marks; it is refused rather than taken apart.
MOST_LINES = 100_000
#: Bytes shown on either side of a mark out of place.
BESIDE = 18


class Stray(NamedTuple):
    """A spoilt record: its bytes (start to stop, with the line's end), its line, how many lines, what stands at the mark."""

    start: int
    stop: int
    line: int
    lines: int
    mark: str
    never_closed: bool


class _Window(NamedTuple):
    """Bytes from a record's start on, with the places of quotation marks and newlines."""

    text: np.ndarray
    quotes: np.ndarray
    newlines: np.ndarray
    outside: np.ndarray  # newlines outside quotation marks
    last: bool  # does the file end here?


def _look(data: np.ndarray, start: int, size: int) -> _Window:
    text = data[start : start + size]
    quotes, newlines = np.flatnonzero(text == QUOTE), np.flatnonzero(text == NEWLINE)
    before = np.searchsorted(quotes, newlines)
    return _Window(text, quotes, newlines, newlines[before % 2 == 0], start + size >= data.size)


def find_strays(path: Path, *, start: int, first: int, values: int, separator: str) -> list[Stray]:
    """Every record from byte ``start``, which is on line ``first``, that a quotation mark out of place spoils.

    Raises:
        QuoteOpen: more than MOST_LINES are spoilt.
    """
    data = np.memmap(path, np.uint8, mode="r")
    found: list[Stray] = []
    at, line, size = start, first, LEAST_BYTES
    while at < data.size:
        seen = _look(data, at, size)
        span = _spoilt(seen, ord(separator), values)
        if span is None:
            whole = int(seen.outside[-1]) + 1 if seen.outside.size else 0
            if seen.last and not seen.quotes.size % 2:
                break
            if not seen.last and (whole or size < LONGEST_BYTES):
                line += int(np.searchsorted(seen.newlines, whole))
                at, size = at + whole, min(size * 2, MOST_BYTES if whole else LONGEST_BYTES)
                continue
            span = _never_closed(seen, ord(separator))
        begins, place, ends, never = span
        if ends is None and not seen.last:  # the line ends further on
            size *= 2
            continue
        stop = seen.text.size if ends is None else ends + 1
        above, within = (int(np.searchsorted(seen.newlines, n)) for n in (begins, stop))
        mark = seen.text[max(begins, place - BESIDE) : min(stop, place + BESIDE)].tobytes()
        said = mark.decode("utf-8", "ignore").strip()
        found.append(Stray(at + begins, at + stop, line + above, within - above, said, never))
        at, line, size = at + stop, line + within, LEAST_BYTES
        if len(found) > MOST_LINES:
            raise QuoteOpen(found[0].line)
    return found


#: Where a spoilt record begins, its mark, where its line ends (None: not in the window), whether the value never closes.
Span = tuple[int, int, int | None, bool]


def _spoilt(seen: _Window, separator: int, values: int) -> Span | None:
    """The first record a mark out of place spoils."""
    text, quotes = seen.text, seen.quotes
    around = np.concatenate([[NEWLINE], text, [NEWLINE]])
    before, after = around[quotes], around[quotes + 2]
    opens = np.arange(quotes.size) % 2 == 0
    fresh = np.isin(before, (NEWLINE, separator))
    bad = np.where(opens, ~fresh & (before != QUOTE), ~np.isin(after, (NEWLINE, separator, 13, QUOTE)))
    if not seen.last and quotes.size and quotes[-1] == text.size - 1:
        bad[-1] = False  # what follows it is not known yet
    if not bad.any():
        return None
    first = int(bad.argmax())
    place = opened = int(quotes[first])
    if not opens[first]:
        opened = int(quotes[:first][(opens & fresh)[:first]][-1])
    ends = _next(seen.newlines, opened if values > 1 else place)
    shown = place if ends is None or place < ends else opened
    return _begins(seen, opened), shown, ends, False


def _never_closed(seen: _Window, separator: int) -> Span:
    """The record whose last value opens and is not closed up to the end."""
    before = np.concatenate([[NEWLINE], seen.text])[seen.quotes]
    opens = np.arange(seen.quotes.size) % 2 == 0
    opened = int(seen.quotes[opens & np.isin(before, (NEWLINE, separator))][-1])
    return _begins(seen, opened), opened, _next(seen.newlines, opened), True


def _begins(seen: _Window, place: int) -> int:
    above = seen.outside[: np.searchsorted(seen.outside, place)]
    return int(above[-1]) + 1 if above.size else 0


def _next(newlines: np.ndarray, place: int) -> int | None:
    at = int(np.searchsorted(newlines, place))
    return int(newlines[at]) if at < newlines.size else None


def without_strays(
    path: Path, *, start: int, first: int, values: int, separator: str
) -> tuple[Path, object, Lines]:  # fmt: skip
    """A copy of the text in which spoilt lines are blank, what keeps it alive, and its records; the spoilt ones are misshapen.

    Raises:
        QuoteOpen: a value opens and never closes, and what follows does not read as rows of the heading's values; or more
            than MOST_LINES are spoilt.
    """
    asked: dict[str, Any] = {"start": start, "first": first, "values": values, "separator": separator}
    strays = find_strays(path, **asked)
    folder = tempfile.TemporaryDirectory(prefix="steward-")
    copy = Path(folder.name) / path.name
    _copied(path, copy, strays)
    spoilt = _misshapen(path, strays)
    lines = find_lines(copy, **asked)
    opened = next((s.line for s in strays if s.never_closed), None)
    if opened is not None and (values < 2 or max(m.line for m in [*lines.misshapen, *spoilt]) > opened):
        raise QuoteOpen(opened)
    lines.misshapen = sorted([*lines.misshapen, *spoilt])
    return copy, folder, lines


def _misshapen(path: Path, strays: list[Stray]) -> list[Misshapen]:
    """The spoilt records with their text."""
    found = []
    with path.open("rb") as f:
        for stray in strays:
            f.seek(stray.start)
            text = f.read(stray.stop - stray.start).decode("utf-8").rstrip("\r\n")
            found.append(Misshapen(stray.line, 0, text, stray.mark))
    return found


def _copied(path: Path, copy: Path, strays: list[Stray]) -> None:
    """Write the copy: every byte but those of spoilt records, whose line ends alone stay."""
    with path.open("rb") as f, copy.open("wb") as out:
        for stray in strays:
            _pass_on(f, out, stray.start - f.tell())
            f.seek(stray.stop)
            out.write(b"\n" * stray.lines)
        shutil.copyfileobj(f, out, MOST_BYTES)


def _pass_on(f, out, size: int) -> None:
    while size > 0 and (block := f.read(min(size, MOST_BYTES))):
        out.write(block)
        size -= len(block)
