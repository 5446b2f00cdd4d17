"""Where each record of a CSV file stands, and which ones do not have as many values as the heading.

A table reader counts rows; a person opens the file and looks for a line. Texts in quotation marks may run over several
lines, so the two differ. One pass over the bytes, block by block, tells the line each record starts on, the blank ones,
and the misshapen ones, before any value is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

BLOCK_BYTES = 2_097_152  # what the processor keeps at hand
LONGEST_BYTES = 67_108_864
NEWLINE, QUOTE = 10, 34


class Misshapen(NamedTuple):
    """A record without as many values as the heading: its line, how many it has, its text.

    ``mark`` is what stands around a quotation mark out of place, where that is what is wrong (``data/stray.py``).
    """

    line: int
    values: int
    text: str
    mark: str = ""


class QuoteOpen(ValueError):
    """A quotation mark out of place: in the middle of a text, or never closed; carries its line."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass
class Lines:
    """The records behind the heading, counted from 0 as a table reader counts them.

    Attributes:
        first: the line the first record starts on.
        records: how many there are, odd ones included.
        odd: records that are not to be read: blank or misshapen.
        misshapen: those that hold something.
        shifts: (record, lines it takes beyond the first), for texts over several lines.
    """

    first: int
    records: int = 0
    odd: list[int] = field(default_factory=list)
    misshapen: list[Misshapen] = field(default_factory=list)
    shifts: list[tuple[int, int]] = field(default_factory=list)

    def of(self, records: np.ndarray) -> np.ndarray:
        """The line each of these records starts on."""
        if not self.shifts:
            return records + self.first
        after = np.array([record for record, _ in self.shifts])
        extra = np.concatenate([[0], np.cumsum([lines for _, lines in self.shifts])])
        return records + self.first + extra[np.searchsorted(after, records, side="left")]


def find_lines(path: Path, *, start: int, first: int, values: int, separator: str) -> Lines:
    """Look at every record from byte ``start``, which is on line ``first``; ``values`` are expected in each.

    Raises:
        QuoteOpen: quotation marks do not pair up.
    """
    lines = Lines(first)
    with path.open("rb") as f:
        f.seek(start)
        for block in whole_records(f):
            lines.records = _look(block, lines.records, lines, values, ord(separator))
    return lines


def whole_records(f: BinaryIO, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Blocks of about ``size`` bytes that end where a record ends."""
    rest = b""
    while block := f.read(size):
        block = rest + block
        cut = _last_end(block) + 1
        rest = block[cut:]
        if len(rest) > LONGEST_BYTES:  # no record is that long: a quotation mark opened and never closed
            cut, rest = len(block), b""
        if cut:
            yield block[:cut]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _last_end(block: bytes) -> int:
    """Position of the last newline outside quotation marks; -1 where there is none."""
    if b'"' not in block:
        return block.rfind(b"\n")
    text = np.frombuffer(block, np.uint8)
    outside = (np.cumsum(text == QUOTE, dtype=np.uint8) & 1) == 0
    ends = np.flatnonzero((text == NEWLINE) & outside)
    return int(ends[-1]) if ends.size else -1


def _look(block: bytes, record: int, lines: Lines, values: int, separator: int) -> int:
    """Note what is odd in a block of whole records; returns the number of the record behind it."""
    text = np.frombuffer(block, np.uint8)
    marks = (text == NEWLINE) | (text == separator)
    quoted = b'"' in block
    if quoted:
        quotes = text == QUOTE
        inside = (np.cumsum(quotes, dtype=np.uint8) & 1).astype(bool)
        newlines = np.flatnonzero(text == NEWLINE)
        _check_quotes(text, quotes, inside, newlines, separator, lines, record)
        marks &= ~inside
    at = np.flatnonzero(marks)
    last = np.flatnonzero(text[at] == NEWLINE)  # of each record's marks: as many stand before it as values
    stops = at[last]
    starts = np.concatenate([[0], stops[:-1] + 1])
    counted = np.diff(last, prepend=-1)
    if quoted:
        _note_shifts(newlines, stops, record, lines)
    length = stops - starts
    returns = text[np.maximum(stops - 1, 0)] == 13
    bare = (length == counted - 1) | ((length == counted) & returns)
    wrong = counted != values
    if wrong.any():
        wrong[_only_empty_beyond(at, last, stops - returns, counted - values)] = False
    strange = np.flatnonzero(wrong | bare)
    where = lines.of(strange + record)
    for i, line in zip(strange.tolist(), where.tolist(), strict=True):
        lines.odd.append(record + i)
        found = block[starts[i] : stops[i]].decode("utf-8").rstrip("\r")
        if found.strip(chr(separator) + " \t\r\n"):
            lines.misshapen.append(Misshapen(line, int(counted[i]), found))
    return record + stops.size


def _only_empty_beyond(at: np.ndarray, last: np.ndarray, ends: np.ndarray, extra: np.ndarray) -> np.ndarray:
    """Records whose values beyond the heading's are all empty: separators alone up to the end, as some programs write.

    Args:
        at: places of separators and newlines. last: of these, each record's newline. extra: values too many of each record.
    """
    more = np.flatnonzero(extra > 0)
    beyond = at[last[more] - extra[more]]
    return more[ends[more] - beyond == extra[more]]


def _note_shifts(newlines: np.ndarray, stops: np.ndarray, record: int, lines: Lines) -> None:
    if newlines.size == stops.size:
        return
    extra = np.diff(np.searchsorted(newlines, np.concatenate([[-1], stops]), side="right")) - 1
    longer = np.flatnonzero(extra)
    lines.shifts += list(zip((longer + record).tolist(), extra[longer].tolist(), strict=True))


def _check_quotes(
    text: np.ndarray, quotes: np.ndarray, inside: np.ndarray, newlines: np.ndarray, separator: int, lines: Lines, record: int
) -> None:  # fmt: skip
    """An opening mark stands at a value's start; a closing one at its end, or doubled."""
    at = np.flatnonzero(quotes)
    opens = inside[at]
    around = np.concatenate([[NEWLINE], text, [NEWLINE]])
    before, after = around[at], around[at + 2]
    good_open = np.isin(before, (NEWLINE, separator, QUOTE))
    good_close = np.isin(after, (NEWLINE, separator, 13, QUOTE))
    bad = np.flatnonzero(np.where(opens, ~good_open, ~good_close))
    unclosed = at.size % 2 == 1
    if bad.size or unclosed:
        place = at[bad[0]] if bad.size else at[-1]
        before_block = lines.of(np.array([record]))[0]
        raise QuoteOpen(int(before_block + np.searchsorted(newlines, place)))
