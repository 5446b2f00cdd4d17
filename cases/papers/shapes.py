"""What each paper must hold. One class per paper; a field without a default must be given and may not be blank.

The law a paper cites comes from rules/papers.toml; ``grounds`` adds keys such as ``"HR5 34"`` that the case rests on.
Parts such as ``Party`` and ``Record`` are in ``blocks`` and can be imported from here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from cases.papers.blocks import (
    BandCount,
    Bar,
    Edition,
    Entry,
    Fact,
    Finding,
    Hazard,
    Objection,
    Office,
    Outcome,
    Party,
    Person,
    Point,
    Ranked,
    Record,
    Reply,
    Rule,
    Said,
    Shown,
    Task,
    Text,
    Unit,
)
from cases.papers.blocks import (
    Both as Both,  # for those who write papers
)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What every paper holds.

    Attributes:
        sequence: running number of this kind in its year, given by the ledger; None = a draft, marked as one.
        signed_by: the named officer who decided; never the program.
        demo: True marks every page as made from invented data.
    """

    kind: ClassVar[str] = ""
    issued_on: date
    office: Office
    signed_by: Person
    case_id: str
    demo: bool
    sequence: int | None
    grounds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Step(Paper):
    """A paper that carries a step of the ladder to a party, with everything it rests on.

    Attributes:
        facts: score with interval, probability, duties; at least one.
        for_party: what speaks for the party, also found on record; empty is said in words.
        open_objections: those still undecided on the day; empty is said in words.
    """

    to: Party
    edition: Edition
    rule: Rule
    facts: tuple[Fact, ...]
    for_party: tuple[Text, ...]
    open_objections: tuple[Text, ...]
    officer_reason: Text
    chart: tuple[Point, ...]
    pass_mark: float
    records: tuple[Record, ...]
    records_total: int
    objection: Objection


@dataclass(frozen=True, kw_only=True)
class Attention(Step):
    """Attention letter (关注提醒函): a reminder, not published."""

    kind: ClassVar[str] = "attention"
    asked: tuple[Task, ...]
    clean_periods: int
    stands_until: date


@dataclass(frozen=True, kw_only=True)
class Listing(Step):
    """Notice before supervised listing (挂牌督办告知书): public target and date, after the party was told."""

    kind: ClassVar[str] = "listing"
    targets: tuple[Task, ...]
    publish_from: date
    publish_at: Text
    listed_until: date
    extension_asked_by: date
    honours_barred_until: date
    honours_missed_until: date


@dataclass(frozen=True, kw_only=True)
class Interview(Step):
    """Invitation to an interview (约谈通知书)."""

    kind: ClassVar[str] = "interview"
    at: datetime
    place: Text
    called: tuple[Person, ...]
    purpose: Text
    bring: tuple[Text, ...]
    may_bring: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Minutes(Paper):
    """Minutes of an interview (约谈记录); whoever was present signs."""

    kind: ClassVar[str] = "minutes"
    to: Party
    invitation: Text
    began: datetime
    ended: datetime
    place: Text
    officers: tuple[Person, ...]
    present: tuple[Person, ...]
    put: tuple[Text, ...]
    said: tuple[Said, ...]
    undertakings: tuple[Task, ...]
    recorder: Person
    result_by: date
    objection: Objection


@dataclass(frozen=True, kw_only=True)
class Recommendation(Step):
    """Recommendation to replace the office head (建议撤换函): to the company, which decides."""

    kind: ClassVar[str] = "recommendation"
    heard_on: date
    head_said: Text
    prepared_by: Person
    answer_by: date


@dataclass(frozen=True, kw_only=True)
class Rectification(Paper):
    """Order to put right by a day (责令限期整改通知书), by a body with enforcement status; rests on findings, never a score."""

    kind: ClassVar[str] = "rectification"
    to: Party
    found_on: date
    visit: str
    officers: tuple[Person, ...]
    hazards: tuple[Hazard, ...]
    reinspect_on: date
    review_body: Text
    review_until: date
    court: Text
    sue_until: date


@dataclass(frozen=True, kw_only=True)
class Handover(Paper):
    """A matter of its own, put before whoever is competent to decide it; rests on facts, never on a score.

    Attributes:
        body: whom it is addressed to. matter: named in one line. found: the facts, as the officer wrote them.
        follow_up: the day by which this office asks what came of it.
    """

    to: Party
    body: Text
    matter: Text
    matter_kind: Text
    found: Text
    officer_reason: Text
    follow_up: date
    objection: Objection


@dataclass(frozen=True, kw_only=True)
class Referral(Handover):
    """Referral to the competent body (移送函), which decides whether and how it takes the matter up."""

    kind: ClassVar[str] = "referral"


@dataclass(frozen=True, kw_only=True)
class Advice(Handover):
    """Advice to the owners (致业主大会、业主委员会的建议函); it binds nobody."""

    kind: ClassVar[str] = "advice"


@dataclass(frozen=True, kw_only=True)
class AppealDecision(Paper):
    """Decision on an appeal (申诉处理决定书), with the two computations side by side; none where no score was relied on."""

    kind: ClassVar[str] = "appeal"
    to: Party
    against: Text
    lodged_on: date
    claim: Text
    first_decided_by: Person
    findings: tuple[Finding, ...]
    edition: Edition
    before: Outcome | None
    after: Outcome | None
    outcome: Literal["upheld", "partly", "rejected"]
    reason: Text
    consequences: tuple[Text, ...]
    objection: Objection


@dataclass(frozen=True, kw_only=True)
class Withdrawal(Paper):
    """Withdrawal of a paper (撤销通知书), with reasons, to everyone who was told; no edition where no score was relied on."""

    kind: ClassVar[str] = "withdrawal"
    to: Party
    withdrawn: Text
    withdrawn_title: Text
    withdrawn_issued_on: date
    decided_on: date
    reasons: tuple[Text, ...]
    corrected_edition: Text | None
    display_ends_on: date
    told: tuple[Text, ...]
    objection: Objection


@dataclass(frozen=True, kw_only=True)
class Closure(Paper):
    """Closure of a case (结案通知书) as it ended: passed at re-inspection, shown by clean periods, its time up, or handed on.

    What was done is told only where it was: ``shown`` where it ended on evidence, ``reinspected_on`` where somebody looked. For a
    listing also the end of its display (摘牌) and, where it ended on evidence, the watch.
    """

    kind: ClassVar[str] = "closure"
    to: Party
    how: Literal["rectified", "clean_periods", "expired", "referred"]
    closes: Text
    opened_on: date
    shown: tuple[Shown, ...]
    officers: tuple[Person, ...]
    objection: Objection
    reinspected_on: date | None = None
    watch_until: date | None = None
    relapse: Text | None = None
    display_ends_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Commendation(Paper):
    """Commendation (表彰决定): the same standard of evidence. First the text shown to the public, which the party may decline;
    with ``awarded_on`` the decision after it."""

    kind: ClassVar[str] = "commendation"
    to: Party
    edition: Edition
    rule: Rule
    facts: tuple[Fact, ...]
    officer_reason: Text
    chart: tuple[Point, ...]
    pass_mark: float
    records: tuple[Record, ...]
    records_total: int
    shown_from: date
    shown_until: date
    decline_by: date
    effect: Text
    objection: Objection
    awarded_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Bulletin(Paper):
    """District bulletin of a period (通报): how estates and companies stand, whole and with its uncertainty.

    ``chart`` is the estates' median score with the middle half as its interval. ``listings`` and ``commendations`` in
    force are decided in the ledger, ``replies`` are what the companies listed said: None leaves the section out, an empty one says that there are none. ``replaces`` names the
    earlier bulletin of the period.
    """

    kind: ClassVar[str] = "bulletin"
    edition: Edition
    estates: int
    companies: int
    households: int
    bands: tuple[Text, ...]
    by_area: tuple[BandCount, ...]
    chart: tuple[Point, ...]
    pass_mark: float
    ranking: tuple[Ranked, ...]
    listings: tuple[Entry, ...] | None
    commendations: tuple[Entry, ...] | None
    notes: tuple[Text, ...]
    objection: Text
    replaces: Text | None = None
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scorecard(Paper):
    """A company's scorecard (企业评分卡) of a period: an extract of a published edition, not a letter.

    ``issued_on`` is the day the edition was published, so the same edition gives the same bytes as long as the company says
    nothing more (``replies``).
    """

    kind: ClassVar[str] = "scorecard"
    to: Party
    edition: Edition
    told: Text
    facts: tuple[Fact, ...]
    chart: tuple[Point, ...]
    pass_mark: float
    bars: tuple[Bar, ...]
    units: tuple[Unit, ...]
    lifts: tuple[Text, ...]
    objection: Text
    replies: tuple[Reply, ...] = ()


PAPERS: dict[str, type[Paper]] = {
    shape.kind: shape
    for shape in (
        Attention, Listing, Interview, Minutes, Recommendation, Rectification, Referral, Advice, AppealDecision, Withdrawal, Closure,
        Commendation, Bulletin, Scorecard,
    )
}  # fmt: skip
