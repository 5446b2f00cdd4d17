"""What an edition holds: one contract per table of the frozen DuckDB file (design.md section 3).

``metrics/`` fills them, ``data/queries.py`` reads them. Points and scores are 0 to 100. A *unit* is what is scored:

========  ==============================================  =============================================
level     unit_id                                         counts
========  ==============================================  =============================================
estate    the estate_id                                   all records of the estate, whoever managed
tenure    ``management.unit_id``: one company's unbroken  records of that spell only: the company's score,
          spell at one estate                             and the only one flags may rest on
head      ``tenures.tenure_id``: one office head's spell  records of that spell only
========  ==============================================  =============================================

``period`` is a quarter such as ``2026Q3``. ``evidence`` carries the quarter in which each record was decided.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl

from data import adjustment_tables, check_tables, flag_tables, pending_tables, ruling_tables, study_tables
from data.codes import ESTATE_CLASSES, LEVELS, SUBINDICES

STATES = ("rated", "provisional", "not_rated")
BANDS = ("excellent", "good", "attention", "failing")
THIRDS = ("upper", "middle", "lower")
VALUE_STATES = ("measured", "not_applicable", "not_collected", "withheld")
STAGES = ("none", "watch", "listing", "interview", "replacement")  # what the numbers say (method.md 10.2)
STEPS = ("none", "attention", "listing", "interview", "replacement", "commendation")

Moment = Annotated[pl.Datetime, "us", "UTC"]


class Edition(pa.DataFrameModel):
    """One row: what this file is."""

    edition_id: str
    status: str = pa.Field(isin=("draft", "published"))
    period: str  # the period decided on; earlier periods are the history beside it
    as_of: int = pa.Field(ge=0)  # the last delivery counted (deliveries.seq)
    ledger_seq: int = pa.Field(ge=0)  # the last event of the ledger counted; 0 = there was none
    ledger_hash: str  # its hash: the ledger must still hold that event as it was
    demo: bool  # invented records: said on every page
    made_at: Moment
    made_by: str
    published_by: str = pa.Field(nullable=True)
    published_at: Moment = pa.Field(nullable=True)
    reason: str = pa.Field(nullable=True)  # why it was published, in the publisher's words
    answer: str = pa.Field(nullable=True)  # to the findings that held it as a draft, in the publisher's words
    program_version: str
    rulebook_hash: str
    content_hash: str  # over every table of scores; `verify` compares it
    publication_hash: str = pa.Field(
        nullable=True
    )  # over that, who published, when, and what they wrote; `verify` compares it


class Rulebook(pa.DataFrameModel):
    """One rule file as it stood."""

    name: str
    text: str


class Period(pa.DataFrameModel):
    """One quarter this edition scored."""

    period: str
    start: date
    end: date  # exclusive


class EstateInEdition(pa.DataFrameModel):
    """One estate in one period, as the register had it on the period's last day."""

    period: str
    estate_id: str
    name_zh: str
    name_en: str = pa.Field(nullable=True)
    estate_class: str = pa.Field(isin=ESTATE_CLASSES)
    size_band: str = pa.Field(isin=("small", "medium", "large"))  # bounds in rules/index.toml
    households: int
    subdistrict_id: str
    station_id: str = pa.Field(nullable=True)
    company_id: str = pa.Field(nullable=True)  # in charge on the last day; empty = unmanaged
    head_id: str = pa.Field(nullable=True)
    unit_id: str = pa.Field(nullable=True)  # that company's spell (level tenure)
    longitude: float = pa.Field(nullable=True)
    latitude: float = pa.Field(nullable=True)
    built_year: int = pa.Field(nullable=True)
    rental_share: float = pa.Field(nullable=True)


class Management(pa.DataFrameModel):
    """One unbroken spell of one company at one estate (neighbouring tenures joined)."""

    unit_id: str
    estate_id: str
    company_id: str
    valid_from: date
    valid_to: date  # exclusive; 9999-12-31 = open


class Evidence(pa.DataFrameModel):
    """One record that one metric looked at. Counted where ``excluded`` is empty."""

    metric: str
    period: str  # the quarter of decided_on
    estate_id: str
    tenure_id: str = pa.Field(nullable=True)  # the tenure that answers; empty = nobody's
    unit_id: str = pa.Field(nullable=True)
    record_table: str
    record_id: str
    delivery_id: str = pa.Field(nullable=True)
    line: int = pa.Field(nullable=True)
    occurred_on: date
    decided_on: date
    numerator: float
    denominator: float
    square: float
    excluded: str = pa.Field(nullable=True)  # why it does not count: a word key below `excluded.`
    facts: str = pa.Field(nullable=True)  # JSON of the record's own columns named by the metric
    factor: float = pa.Field(nullable=True, gt=0)  # what failed is divided by it in the sums (the inspector's factor)


class MetricSum(pa.DataFrameModel):
    """One metric of one unit at one period: decayed sums over the window (method.md sections 2, 6)."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    period: str
    metric: str
    y: float  # sum of weight x numerator
    e: float  # sum of weight x exposure (or denominator), adjusted (data/adjustment_tables.py)
    e2: float  # sum of weight^2 x exposure
    yy: float  # sum of weight x square
    records: int


class Prior(pa.DataFrameModel):
    """What is known of a class before looking at an estate (method.md 2.2 to 2.4)."""

    period: str
    estate_class: str
    metric: str
    family: str
    m: float  # class level (severity: in units of c)
    tau2: float  # between-estate variance after the strength factor (rho for proportions)
    strength: float  # lambda of method.md 2.3
    units: int
    c: float = pa.Field(nullable=True)  # severity: the class constant; mean: sigma squared


class MetricScore(pa.DataFrameModel):
    """One metric of one unit at one period, in the words of the estate page."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    estate_id: str
    period: str
    metric: str
    state: str = pa.Field(isin=VALUE_STATES)
    raw: float = pa.Field(nullable=True)  # the bare record: y / e
    estimate: float = pa.Field(nullable=True)  # after the pull to the class
    points: float = pa.Field(nullable=True, ge=0, le=100)
    own_points: float = pa.Field(nullable=True, ge=0, le=100)  # of the bare record
    weight: float  # share of the sub-index after n/a are dropped; 0 = shown, not scored
    records: int
    exposure: float
    points_lost: float = pa.Field(nullable=True)  # of the index, exact (method.md 4.2)
    gap_to_class: float = pa.Field(nullable=True)  # index points above (+) or below (-) the class level


class SubindexScore(pa.DataFrameModel):
    """One sub-index of one unit at one period."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    period: str
    subindex: str = pa.Field(isin=SUBINDICES)
    points: float = pa.Field(ge=0, le=100)
    weight: float
    points_lost: float


class IndexScore(pa.DataFrameModel):
    """One unit at one period: the property management index (物业管理水平指数)."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    estate_id: str
    company_id: str = pa.Field(nullable=True)
    head_id: str = pa.Field(nullable=True)
    period: str
    estate_class: str
    households: int
    own_score: float = pa.Field(nullable=True)  # the bare record, no prior
    score: float = pa.Field(nullable=True)  # before caps
    cap: float = pa.Field(nullable=True)
    cap_reason: str = pa.Field(nullable=True)  # findings in force, comma-joined
    final: float = pa.Field(nullable=True)  # min(score, cap)
    sd: float = pa.Field(nullable=True, ge=0)  # standard deviation of the score before caps, from its draws
    lo: float = pa.Field(nullable=True, ge=0, le=100)  # 90 % interval around final
    hi: float = pa.Field(nullable=True, ge=0, le=100)
    p_below: float = pa.Field(nullable=True, ge=0, le=1)  # probability that the index lies below the pass mark
    p_above: float = pa.Field(nullable=True, ge=0, le=1)  # probability that it reaches the top band
    reliability: float = pa.Field(nullable=True, ge=0, le=1)  # signal / (signal + noise) among its peers
    state: str = pa.Field(isin=STATES)
    why_not_rated: str = pa.Field(nullable=True)  # comma-joined reason codes below `not_rated.`
    band: str = pa.Field(isin=BANDS, nullable=True)
    coverage: float  # share of applicable weight that was measured
    sources: int  # independent sources with evidence
    records: int
    in_charge_days: int = pa.Field(nullable=True)
    current: bool  # the unit stands on the period's last day
    rank_in_class: int = pa.Field(nullable=True)  # 1 = best, among rated current units of the class
    rank_lo: int = pa.Field(nullable=True)  # 90 % interval of that rank
    rank_hi: int = pa.Field(nullable=True)
    third: str = pa.Field(isin=THIRDS, nullable=True)  # of its class, where that is sure enough
    alike: int = pa.Field(nullable=True)  # ranked units of the class it can be said to stand neither above nor below
    tier: int = pa.Field(nullable=True)  # 1 = first: within a tier nobody can be told from its first
    class_size: int = pa.Field(nullable=True)
    rank_overall: int = pa.Field(nullable=True)
    overall_size: int = pa.Field(nullable=True)


class Change(pa.DataFrameModel):
    """Index points one metric, or one cause, moved one unit by since the period before (method.md section 12).

    The lines of each ``part`` sum to the change of ``final``.
    """

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    period: str
    since: str  # the period before
    part: str = pa.Field(isin=("metric", "cause"))
    item: str  # a metric, ``weights`` or ``cap``; or ``records``, ``ageing``, ``peers``, ``rules`` or ``cap``
    points: float


class CompanyScore(pa.DataFrameModel):
    """One company (party=company) or office head (party=head) at one period (method.md section 8)."""

    party: str = pa.Field(isin=("company", "head"))
    party_id: str
    period: str
    mean: float = pa.Field(nullable=True)  # weighted mean of its units
    worst_fifth: float = pa.Field(nullable=True)
    final: float = pa.Field(nullable=True)  # min(mean, worst_fifth + guard)
    sd: float = pa.Field(nullable=True, ge=0)  # standard deviation of the mean, widened by the rule's factor
    lo: float = pa.Field(nullable=True, ge=0, le=100)  # 90 % interval around final
    hi: float = pa.Field(nullable=True, ge=0, le=100)
    state: str = pa.Field(isin=STATES)
    why_not_rated: str = pa.Field(nullable=True)
    band: str = pa.Field(isin=BANDS, nullable=True)
    units: int
    units_rated: int  # that count in the mean: rated or provisional (rules/index.toml, company_counts)
    households: int
    worst_unit_id: str = pa.Field(nullable=True)
    rank: int = pa.Field(nullable=True)
    ranked: int = pa.Field(nullable=True)
    rank_lo: int = pa.Field(nullable=True)  # simultaneous 90 % rank set among ranked companies (method.md 9.3)
    rank_hi: int = pa.Field(nullable=True)
    alike: int = pa.Field(nullable=True)  # ranked companies it can be said to stand neither above nor below
    tier: int = pa.Field(nullable=True)  # 1 = first: within a tier nobody can be told from its first


class PartyPart(pa.DataFrameModel):
    """What one unit that counts takes off the mean of its company or office head; the rows of a party sum to 100 - mean."""

    party: str = pa.Field(isin=("company", "head"))
    party_id: str
    period: str
    unit_id: str
    estate_id: str
    share: float = pa.Field(ge=0, le=1)  # of the party's weight
    points_lost: float


class Quantile(pa.DataFrameModel):
    """Anonymous class distribution: all a manager sees of others. Hidden below rules/index.toml `min_class_shown`."""

    period: str
    estate_class: str
    metric: str  # a metric, a sub-index name, or `index`
    units: int
    p10: float
    p25: float
    p50: float
    p75: float
    p90: float


class Flag(pa.DataFrameModel):
    """What one current unit's probability says in one period (method.md section 10); nobody has decided anything."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    period: str
    p_below: float = pa.Field(nullable=True, ge=0, le=1)  # of rated units only
    selected: bool  # among those sure enough, with a bounded share of wrong ones
    p_above: float = pa.Field(nullable=True, ge=0, le=1)
    selected_top: bool
    fresh: bool  # a new routine inspection in the period
    rose: float = pa.Field(nullable=True, ge=0, le=1)  # chance that the score lies above that of two periods before
    stage: str = pa.Field(isin=STAGES)


class Due(pa.DataFrameModel):
    """One step due for consideration: recommended by the ladder, decided by a person."""

    period: str
    party: str = pa.Field(isin=("estate", "head", "company"))
    party_id: str  # the unit_id (estate: level tenure; head: level head) or the company_id
    estate_id: str = pa.Field(nullable=True)
    company_id: str = pa.Field(nullable=True)
    head_id: str = pa.Field(nullable=True)
    step: str = pa.Field(isin=STEPS)
    reason: str  # a word key below `due.`
    params: str  # JSON: the numbers the sentence names
    p: float = pa.Field(nullable=True, ge=0, le=1)  # the probability it rests on; empty where it rests on facts
    rule_from: date  # version of rules/ladder.toml
    basis: str  # law keys, as in the rule


class DataQuality(pa.DataFrameModel):
    """Rows set aside, shown beside every score they might have touched."""

    estate_id: str
    record_table: str
    rows_set_aside: int


class Coverage(pa.DataFrameModel):
    """One scored metric that applies to one estate at the edition's period: is anything on record? (indicator D05)"""

    estate_id: str
    metric: str
    measured: bool
    last_on: date = pa.Field(nullable=True)  # of the newest record that counts; empty = none in the window
    last_period: str = pa.Field(nullable=True)  # the newest quarter for which it was measured; empty = none here


TABLES: dict[str, type[pa.DataFrameModel]] = {
    "edition": Edition,
    "rulebook": Rulebook,
    "periods": Period,
    "estates": EstateInEdition,
    "management": Management,
    "evidence": Evidence,
    "metric_sums": MetricSum,
    "priors": Prior,
    "metric_scores": MetricScore,
    "subindex_scores": SubindexScore,
    "index_scores": IndexScore,
    "changes": Change,
    "company_scores": CompanyScore,
    "party_parts": PartyPart,
    "quantiles": Quantile,
    "flags": Flag,
    "due": Due,
    "data_quality": DataQuality,
    "coverage": Coverage,
    **adjustment_tables.TABLES,
    **study_tables.TABLES,
    **check_tables.TABLES,
    **flag_tables.TABLES,
    **pending_tables.TABLES,
    **ruling_tables.TABLES,
}
#: Registers copied into the edition as the records had them: areas, companies, office_heads, tenures, deliveries.
REGISTERS = ("areas", "companies", "office_heads", "tenures", "deliveries")
