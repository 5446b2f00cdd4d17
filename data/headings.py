"""Which line of a table carries its headings: often not the first.

District workbooks open with a title, a line saying who filled the sheet in, and headings in two rows with groups
merged over them. The heading is the first row that is about as full as the rows below it, or the row that carries
most headings some source knows. A second row joins it where the first has gaps and the second fills them with words
known, or with words below a group's name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

#: How many rows from the top may be looked at.
LOOKED_AT = 30
SEPARATORS = (",", "\t", ";", "|")


class Heading(NamedTuple):
    """Where the heading stands: rows ``first`` to ``last`` (from 0, both included), and its names."""

    first: int
    last: int
    names: list[str]


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(position behind it, values) of each record at the start of a CSV text; raises csv.Error."""
    start = 0
    while start < len(text):
        ended = text.find("\n", start)
        opening = text.startswith('"', start) or (ended >= 0 and text.find(f'{separator}"', start, ended) >= 0)
        while opening and ended >= 0 and text.count('"', start, ended) % 2:
            ended = text.find("\n", ended + 1)
        stop = len(text) if ended < 0 else ended + 1
        yield stop, next(csv.reader(io.StringIO(text[start:stop]), delimiter=separator), [])
        start = stop


def separator_of(text: str) -> str:
    """The separator of the first line that has one its next line has too."""
    lines = [line for line in text.splitlines() if line.strip()][:LOOKED_AT]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        counts = {s: line.count(s) for s in SEPARATORS if s in line and (s in following or not following)}
        if counts:
            return max(counts, key=lambda s: counts[s])
    return max(SEPARATORS, key=lines[0].count) if lines else ","


def find_heading(rows: Sequence[Sequence[str]], known: frozenset[str] = frozenset()) -> Heading:
    """The heading among the first rows of a table.

    Args:
        rows: the first rows as text, blank cells empty.
        known: headings that sources accept.
    """
    top = [[_plain(v) for v in row] for row in rows[:LOOKED_AT]]
    filled = [sum(bool(v) for v in row) for row in top]
    hits = [len({v for v in row if v in known}) for row in top]
    usual = median([n for n in filled if n] or [1])
    first = next((i for i, n in enumerate(filled) if n and n * 2 >= usual and n >= min(2, usual)), 0)
    best = max(range(len(top)), key=lambda i: (hits[i], -i), default=0)
    if top and hits[best] >= 2 and hits[best] > hits[first]:
        first = best
    if first and (above := _two_rows(top[first - 1], top[first], known)) and hits[first - 1] + filled[first - 1] > 1:
        return Heading(first - 1, first, above)
    if first + 1 < len(top) and (both := _two_rows(top[first], top[first + 1], known)):
        return Heading(first, first + 1, both)
    return Heading(first, first, top[first] if top else [])


def _plain(value: str) -> str:
    """A heading without the line breaks of a narrow cell."""
    return "".join(value.replace("\ufeff", "").split("\n")).strip()


def _two_rows(upper: list[str], lower: list[str], known: frozenset[str]) -> list[str] | None:
    """The names of a heading in two rows; None where the lower row is no heading.

    It is one where it fills gaps of the upper row without a digit and makes at least two more headings known.
    """
    width = max(len(upper), len(lower))
    upper, lower = [*upper, *[""] * (width - len(upper))], [*lower, *[""] * (width - len(lower))]
    gaps = [i for i in range(1, width) if lower[i] and not upper[i]]
    if not gaps or any(c.isdigit() for v in lower for c in v):
        return None
    names, group = [], ""
    for over, under in zip(upper, lower, strict=True):
        group = over or (group if under else "")
        whole = group + under
        names.append(under if under in known else whole if whole in known or under else over)
    names = [n if names.count(n) == 1 or not u else o + u for n, o, u in zip(names, _spread(upper), lower, strict=True)]
    gained = len({n for n in names if n in known}) - len({n for n in upper if n in known})
    return names if gained >= 2 else None


def _spread(upper: list[str]) -> list[str]:
    """Each column's group: the name over it or, where merged, to its left."""
    out, group = [], ""
    for over in upper:
        group = over or group
        out.append(group)
    return out
