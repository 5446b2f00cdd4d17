"""What already stands on record against a unit, so that no step is skipped or repeated.

A sanction binds the company it names at the estate it names: the next company starts clean (domain.md section 11,
rule 4). One under appeal is marked: it cannot carry a step up, nor is the same step recommended beside it (rule 3).
"""

from __future__ import annotations

import polars as pl

from metrics.calendar import Quarter
from rules.book import Rule

RANKS = {"attention": 1, "listing": 2, "interview": 3, "replacement": 4}
#: Kinds that are over once they were closed on evidence (``repaired_on``).
MENDED = ("attention", "listing")
#: Kinds that bar a commendation while they stand.
ADVERSE = (*RANKS, "finding", "penalty")


def _ends(rule: Rule) -> pl.Expr:
    """The day an entry ends: as recorded, else the rule's months after the decision (rule 7)."""
    months = pl.col("kind").replace_strict(rule["stands_months"], default=None, return_dtype=pl.Int64)
    default = pl.col("decided_on").dt.offset_by(pl.format("{}mo", months.fill_null(0)))
    return pl.coalesce("stands_until", default)


def _entries(sanctions: pl.DataFrame, rule: Rule, last: Quarter) -> pl.DataFrame:
    """Sanctions not overturned, with ``ends``, ``past_due``, ``standing`` and ``relapse`` as of the period's last day."""
    day = pl.lit(last.last)
    rows = sanctions.filter(pl.col("status") != "overturned").with_columns(ends=_ends(rule))
    watch = pl.col("watch_until") if "watch_until" in sanctions.columns else pl.lit(None, pl.Date)
    mended = pl.col("kind").is_in(MENDED) & (pl.col("repaired_on") <= day).fill_null(False)
    listing = pl.col("kind") == "listing"
    forgotten = pl.col("ends").dt.offset_by(f"{rule['stands_months']['listing']}mo")
    past_due = listing & ~mended & (pl.col("ends") <= day) & (day < forgotten)
    relapse = listing & mended & (watch >= day).fill_null(False) & rule["relapse_needs_no_reminder"]
    return rows.with_columns(past_due=past_due, standing=~mended & ((pl.col("ends") > day) | past_due), relapse=relapse)


def frozen(sanctions: pl.DataFrame, rule: Rule, last: Quarter) -> pl.DataFrame:
    """Contract StandingSanction: every entry with the day it ends, and whether it stands on the period's last day."""
    now = _entries(sanctions, rule, last).filter(pl.col("standing") & (pl.col("decided_on") <= last.last))
    stands = pl.col("sanction_id").is_in(now["sanction_id"].implode())
    return sanctions.with_columns(ends=_ends(rule), stands=stands).sort("origin", "sanction_id")


def standing(
    sanctions: pl.DataFrame, units: pl.DataFrame, clean: pl.DataFrame, rule: Rule, last: Quarter
) -> pl.DataFrame:
    """One row per unit: the steps standing against it.

    Args:
        sanctions: contract Sanction.
        units: unit_id, estate_id, company_id, head_id (current units; company empty where nobody manages).
        clean: unit_id, clean_from: first day of the unit's last clean quarter.

    Returns:
        unit_id, ``climb`` (rank of the highest step a further one may build on), ``repeat`` (rank at or below
        which nothing new is due), ``appealed`` (rank of the highest step under appeal), ``stands`` and
        ``stands_since`` (the highest step standing and its day), ``past_due_on`` (a listing's missed date),
        ``adverse`` (a commendation is barred), ``relapse`` (a listing closed on evidence is still watched: the next one
        needs no reminder first).
    """
    rows = units.select("unit_id", "estate_id", "company_id", "head_id").join(
        _entries(sanctions, rule, last), on="estate_id", suffix="_of"
    )
    same_company = pl.col("company_id") == pl.col("company_id_of")
    same_head = pl.col("company_id_of").is_null() & (pl.col("head_id") == pl.col("head_id_of"))
    nobody = pl.col("company_id").is_null() & pl.col("company_id_of").is_null()
    rows = rows.filter(same_company.fill_null(False) | same_head.fill_null(False) | nobody)
    rows = rows.join(clean, on="unit_id", how="left")
    ended = (pl.col("kind") == "attention") & (pl.col("clean_from") > pl.col("decided_on")).fill_null(False)
    rank = pl.col("kind").replace_strict(RANKS, default=0, return_dtype=pl.Int64)
    known = pl.col("decided_on") <= pl.lit(last.last)  # a decision taken after the period answers it, and repeats not
    stands = pl.col("standing") & ~ended
    final = pl.col("status") == "final"
    barred = pl.col("decided_on").dt.offset_by(f"{rule['honours_barred_months']}mo") > pl.lit(last.last)
    rows = rows.with_columns(rank=rank, stands=stands, final=final, known=known, barred=barred).sort(
        "rank", "decided_on"
    )
    found = rows.group_by("unit_id", maintain_order=True).agg(
        climb=pl.col("rank").filter(pl.col("stands") & pl.col("final") & pl.col("known")).max(),
        repeat=pl.col("rank").filter("stands").max(),
        appealed=pl.col("rank").filter(pl.col("stands") & ~pl.col("final")).max(),
        stands=pl.col("kind").filter(pl.col("stands") & (pl.col("rank") > 0)).last(),
        stands_since=pl.col("decided_on").filter(pl.col("stands") & (pl.col("rank") > 0)).last(),
        relapse=(pl.col("relapse") & pl.col("final") & pl.col("known")).any(),
        past_due_on=pl.col("ends").filter(pl.col("past_due") & pl.col("final") & pl.col("known")).max(),
        adverse=(
            pl.col("kind").is_in(ADVERSE)
            & (pl.col("stands") | ((pl.col("kind") == "listing") & pl.col("barred")))
            & pl.col("final")
        ).any(),
        commended=(pl.col("stands") & (pl.col("kind") == "commendation")).any(),
    )
    counts = ("climb", "repeat", "appealed")
    return (
        units.select("unit_id")
        .join(found, on="unit_id", how="left")
        .with_columns(
            *(pl.col(c).fill_null(0) for c in counts),
            pl.col("adverse").fill_null(False),
            pl.col("relapse").fill_null(False),
            pl.col("commended").fill_null(False),
        )
    )
