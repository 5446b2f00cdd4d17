"""Which source a file with unknown headings most likely is, and what its columns most likely mean.

A suggestion only: nothing is loaded by it. A person confirms it and adds the headings to the source's mapping file.
Headings are compared after full-width signs, case and punctuation are evened out, by rapidfuzz's ratio; of a Chinese
heading of four signs one sign changed gives 75. Each heading serves one column, the likest pair first.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from data.mapping import Source

SYNONYMS = Path(__file__).parent / "synonyms.toml"
#: Likeness from which a heading is suggested for a column (0 to 100), and from which a whole source is.
LIKE, SHARE_FOUND = 60.0, 0.5


class Renamed(NamedTuple):
    """A column the source needs and the file does not carry under a known heading."""

    column: str
    usual: str  # the heading it usually has
    likely: str | None  # the file's heading that is likest, if any is like enough
    likeness: float


class Suggestion(NamedTuple):
    """A source, the columns found, those renamed or vanished, and the file's headings that nothing claims."""

    source: Source
    found: dict[str, str]
    renamed: list[Renamed]
    added: list[str]

    @property
    def vanished(self) -> list[str]:
        """Usual headings of needed columns for which nothing in the file is like enough."""
        return [r.usual for r in self.renamed if r.likely is None]


@cache
def synonyms() -> dict[str, list[str]]:
    """Further headings seen for a contract column."""
    return tomllib.loads(SYNONYMS.read_text(encoding="utf-8"))


def even(heading: str) -> str:
    """A heading without full-width signs, case, brackets' content, punctuation or blanks."""
    text = re.sub(r"[(（\[【].*?[)）\]】]", "", unicodedata.normalize("NFKC", heading)).lower()
    return re.sub(r"[\W_]+", "", text)


def suggest(headings: list[str], known: dict[str, Source]) -> Suggestion | None:
    """The source whose columns these headings are likest to; None where fewer than half of those it needs are."""
    ranked = [(one, _fit(one)) for s in known.values() if (one := compared(headings, s)).found]
    best = max(ranked, key=lambda r: r[1], default=None)
    return best[0] if best and best[1] >= SHARE_FOUND else None


def _fit(one: Suggestion) -> float:
    """Share of the needed columns found or likely, and a little for the share of the file's headings explained."""
    source = one.source
    needed = _needed(source)
    likely = {r.column for r in one.renamed if r.likely}
    share = sum(c in one.found or c in likely for c in needed) / max(len(needed), 1)
    explained = len(one.found) + len(likely)
    return share * (0.9 + 0.1 * explained / max(explained + len(one.added), 1)) if one.found else 0.0


def _needed(source: Source) -> list[str]:
    """Columns without which no row could be accepted: of the key and required by the mapping, as far as headings carry them."""
    required = [source.heading_of.get(h, h) for h in source.required_headings]
    return [c for c in dict.fromkeys([*source.table.key, *required]) if c in source.columns]


def compared(headings: list[str], source: Source) -> Suggestion:
    """One source held against a file's headings."""
    have = {even(h): h for h in reversed(headings) if even(h)}
    found = {}
    for column, accepted in source.columns.items():
        exact = next((have[even(a)] for a in accepted if even(a) in have), None)
        if exact is not None:
            found[column] = exact
    free = [h for h in headings if h not in set(found.values()) and h not in source.headings and even(h)]
    missing = [c for c in source.columns if c not in found]
    likely = likeliest({c: [*source.columns[c], *synonyms().get(c, ())] for c in missing}, free)
    needed = set(_needed(source))
    renamed = [
        Renamed(c, source.columns[c][0], *likely.get(c, (None, 0.0))) for c in missing if c in needed or c in likely
    ]
    claimed = {r.likely for r in renamed}
    return Suggestion(source, found, renamed, [h for h in free if h not in claimed])


def likeliest(names: Mapping[str, Sequence[str]], headings: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Column -> (heading, likeness), the likest pairs first, each heading once.

    Args:
        names: column -> headings it is known by.
    """
    if not names or not headings:
        return {}
    accepted = [(c, even(a)) for c, known in names.items() for a in known]
    scores = process.cdist([a for _, a in accepted], [even(h) for h in headings], scorer=fuzz.ratio)
    pairs: dict[str, tuple[str, float]] = {}
    used: set[int] = set()
    for place in np.argsort(-scores, axis=None, kind="stable"):
        row, column = np.unravel_index(place, scores.shape)
        likeness = float(scores[row, column])
        if likeness < LIKE:
            break
        name = accepted[int(row)][0]
        if name not in pairs and int(column) not in used:
            pairs[name] = (headings[int(column)], likeness)
            used.add(int(column))
    return pairs


def told(one: Suggestion) -> str:
    """The suggestion in one sentence, for a refusal."""
    likely = [f"'{r.usual}' is probably now '{r.likely}'" for r in one.renamed if r.likely]
    parts = [f"It looks like '{one.source.title}' ({one.source.name})"]
    if likely:
        parts.append("; ".join(likely))
    if one.vanished:
        parts.append(f"missing: {', '.join(one.vanished)}")
    if one.added:
        parts.append(f"not known: {', '.join(one.added[:12])}")
    return ": ".join([parts[0], "; ".join(parts[1:])]) + "."


def with_headings(source_text: str, added: dict[str, str]) -> str:
    """A mapping file's text with each column's new heading put behind those it accepts already.

    Args:
        added: column -> heading.

    Raises:
        LookupError: the file has no line for a column.
    """
    for column, heading in added.items():
        word = heading.replace("\\", "\\\\").replace('"', '\\"')
        line = re.compile(rf'(?m)^({re.escape(column)}\s*=\s*)(?:\[(.*?)\]|("[^"]*"))')
        match = line.search(source_text)
        if match is None:
            raise LookupError(f"the mapping file has no line '{column} = ...' below [columns].")
        before = (match.group(2) or match.group(3)).rstrip().rstrip(",")
        source_text = (
            source_text[: match.start()] + f'{match.group(1)}[{before}, "{word}"]' + source_text[match.end() :]
        )
    return source_text
