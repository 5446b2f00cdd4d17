"""The building blocks of papers: who, what, when, as plain frozen data.

Text that exists in two languages is ``Both``; a plain string (what a person wrote) is printed as it stands in both
versions. Scores are index points 0 to 100, days are local days, moments carry their zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Both:
    """Text in both languages; without an English one the Chinese is printed."""

    zh: str
    en: str | None = None


Text = str | Both


@dataclass(frozen=True, kw_only=True)
class Office:
    """The body that issues the paper. ``mark`` opens the document number (代字); rules/papers.toml has the usual one."""

    name: Text
    address: Text
    contact: Text
    phone: str
    mark: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who signs, attends or is named by office. ``certificate``: number of the enforcement certificate."""

    name: Text
    title: Text
    certificate: str | None = None


@dataclass(frozen=True, kw_only=True)
class Party:
    """Whom a paper concerns: the company and, where it is about one, its estate and the head of its office there."""

    company: Text
    code: str
    estate: Text | None = None
    head: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The published edition the facts come from; ``rulebook`` is its hash."""

    edition_id: str
    period: Text
    rulebook: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule that makes the step due, as read on the day: its sentence, its file, and since when it is in force."""

    reason: Text
    name: str
    since: date


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One number the step rests on, worded: ``Fact(label=..., value="58.3", note="90%: 55.1-61.4")``."""

    label: Text
    value: Text
    note: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One row of the annex: a record that was counted (or not, ``counts`` says so), and where it came from.

    ``file`` and ``line`` are None where the row says that nothing is on record.
    """

    record_id: str
    on: date
    duty: Text
    what: Text
    counts: Text
    file: str | None
    line: int | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One period of the chart; ``score`` None = not rated, drawn as a gap."""

    label: str
    score: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Objection:
    """How to object: the last day (None = at any time), where and how, and what an objection does meanwhile (such as:
    publication waits)."""

    until: date | None
    how: Text
    effect: Text


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to be done and shown by a day. ``measure`` says how it is judged."""

    what: Text
    measure: Text
    by: date


@dataclass(frozen=True, kw_only=True)
class Said:
    """One contribution to an interview, as recorded."""

    speaker: Text
    words: Text


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """One finding to be put right: ``law`` is a key such as ``"FL 28"``, ``interim`` what protects people meanwhile."""

    hazard_id: str
    what: Text
    where: Text
    severity: Text
    law: str
    responsible: Text
    interim: Text
    due_on: date


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One computation of an appeal: the unit with or without the disputed records. None = not rated, no step."""

    score: float | None
    low: float | None
    high: float | None
    band: Text
    rank: int | None
    ranked: int | None
    step: Text


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was decided on one disputed record, and why."""

    record_id: str
    claim: Text
    decision: Text
    reason: Text


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One target and the evidence that it was met."""

    target: Text
    evidence: Text
    on: date
    checked_by: Text


@dataclass(frozen=True, kw_only=True)
class BandCount:
    """How many of a group stand in each band; ``counts`` in the order of ``Bulletin.bands``; None: too few to be told."""

    group: Text
    counts: tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One company of the bulletin's ranking; ranks None where it was not rated."""

    rank: int | None
    company: Text
    score: float | None
    low: float | None
    high: float | None
    rank_low: int | None
    rank_high: int | None
    band: Text
    estates: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a list in the bulletin: a listing in force, a commendation."""

    party: Text
    detail: Text
    on: date
    until: date


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the party said for itself, as it wrote it, beside the score it was said about."""

    about: Text
    on: date
    words: str


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One estate on a company's scorecard."""

    estate: Text
    score: float | None
    low: float | None
    high: float | None
    band: Text
    place: Text
    households: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A sub-index of the company's estates: its points, and the median of the same classes where known."""

    label: Text
    points: float
    median: float | None
