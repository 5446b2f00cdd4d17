"""Contracts of what an edition says about its own method: how far it depends on choices, and how well it hangs together.

Part of ``data.edition_tables.TABLES``.
"""

from __future__ import annotations

import pandera.polars as pa

from data.codes import LEVELS, SUBINDICES

INPUTS = ("half_life", "rho", "prior", "goalposts", "weights", "inside")  # choices of the method that are varied
MEASURES = ("correlation", "alpha", "first_component", "effective_weight", "pairwise_order", "settled_pairs")


class Sensitivity(pa.DataFrameModel):
    """One choice of the method and how far it moves places (method.md section 11); of the edition's own period.

    Compared are companies' spells that stand and are rated; a place is the district's.
    """

    period: str
    input: str = pa.Field(isin=INPUTS)
    low: float  # what was varied: half_life in months; rho as it is; goalposts as share of the way from fail to best;
    high: float  # prior and weights as factors; inside: 1 = metrics put together by the power mean too
    published: float
    first: float = pa.Field(nullable=True)  # share of all movement of places this choice makes by itself
    total: float = pa.Field(nullable=True)  # share it has a hand in
    total_lo: float = pa.Field(nullable=True)  # 90 % bounds of that share, from drawing the variants again
    total_hi: float = pa.Field(nullable=True)
    first_shift: float = pa.Field(nullable=True)  # the same of the variants' mean shift (COINr's target)
    total_shift: float = pa.Field(nullable=True)
    mean_shift: float  # places a unit moves on average where only this choice varies
    shift_low: float = pa.Field(nullable=True)  # the same at ``low`` and at ``high``; weights have no end
    shift_high: float = pa.Field(nullable=True)


class SensitivityFacts(pa.DataFrameModel):
    """One row: what changes over all variants; no row where fewer than two units are rated."""

    period: str
    runs: int  # variants
    units: int  # compared
    mean_shift: float  # places a unit moves on average, all choices varied together
    flagged: int  # selected as surely below the pass mark, as published
    jaccard: float = pa.Field(ge=0, le=1)  # mean overlap of that set with the variants'
    below: int  # compared units below the pass mark as published
    below_robust: int  # of these, below it in at least ``robust_share`` of the variants
    robust_share: float


class Robustness(pa.DataFrameModel):
    """One unit that stands on the last day of the edition's own period, over all variants of the method."""

    level: str = pa.Field(isin=LEVELS)
    unit_id: str
    period: str
    share_below: float = pa.Field(ge=0, le=1)  # share of variants with the index (after caps) below the pass mark
    share_above: float = pa.Field(ge=0, le=1)  # and in the top band
    rank_lo: int = pa.Field(nullable=True)  # where 90 % of the variants place a compared unit, 1 = best
    rank_hi: int = pa.Field(nullable=True)


class Coherence(pa.DataFrameModel):
    """One number on how well the parts of the index hang together (method.md 2.5); of the edition's own period.

    ``correlation``: of the points of two metrics of a sub-index. ``alpha``: Cronbach's, and ``first_component``: share of
    the variance the first principal component carries, of a sub-index's metrics or (``index``) of the sub-indices.
    ``effective_weight``: correlation of a sub-index with the index, beside its nominal weight. ``pairwise_order``: rank
    correlation of the index with the order by pairwise wins of the sub-indices. ``settled_pairs``: share of pairs of which one
    lies above the other in every sub-index.
    """

    period: str
    measure: str = pa.Field(isin=MEASURES)
    subindex: str = pa.Field(isin=(*SUBINDICES, "index"))
    metric: str = pa.Field(nullable=True)
    other: str = pa.Field(nullable=True)
    units: int  # rated units behind the number
    value: float = pa.Field(nullable=True)  # empty where too few units have it, or it does not vary
    nominal: float = pa.Field(nullable=True)  # effective_weight: the published weight
    finding: str = pa.Field(isin=("close", "opposed"), nullable=True)  # correlation beyond the rule's bounds


class Validity(pa.DataFrameModel):
    """What two halves of the records say of each other (method.md 9.4); estates with evidence enough, in the edition's own period."""

    period: str
    measure: str = pa.Field(isin=("slope", "consistency", "flags"))
    units: int
    value: float = pa.Field(nullable=True)  # slope: points of one half's bare record per point of the other's score;
    se: float = pa.Field(
        nullable=True
    )  # consistency: correlation of the two scores, stepped up; flags: kappa; empty = too few, or nobody
    least: float = pa.Field(nullable=True)
    most: float = pa.Field(nullable=True)
    breached: bool


class Audit(pa.DataFrameModel):
    """One measure of one group of estates beside all others (method.md 14.7); of the edition's own period."""

    period: str
    measure: str = pa.Field(isin=("residual", "wrong_flags", "reliability", "not_rated"))
    grouping: str = pa.Field(isin=("estate_class", "size", "loudness", "age", "rental", "subdistrict"))
    group: str
    units: int
    value: float  # residual: points; the others: shares
    others: float = pa.Field(nullable=True)  # of all other estates
    se: float = pa.Field(nullable=True)  # of the difference
    p: float = pa.Field(nullable=True)  # chance of as great a difference where there is none
    told: bool  # enough estates on both sides to compare
    finding: bool  # beyond chance, after as many comparisons, and great enough to matter
    holds: bool  # keeps the edition a draft until it is answered


TABLES: dict[str, type[pa.DataFrameModel]] = {
    "sensitivity": Sensitivity,
    "sensitivity_facts": SensitivityFacts,
    "robustness": Robustness,
    "coherence": Coherence,
    "validity": Validity,
    "audits": Audit,
}
