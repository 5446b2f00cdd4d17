"""Does the method treat kinds of estates alike? (method.md 14.7) Looked at before every publication.

Each measure of a group of estates is compared with that of all others. What differs by more than chance, after as many
comparisons, is a finding; whether a finding holds up the edition is said by the rule: uneven evidence is a fact to be
mended by inspection, uneven errors are a fault of the method.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control, fisher_exact, norm

from rules.book import Rule

GROUPINGS = ("estate_class", "size", "loudness", "age", "rental", "subdistrict")
MEASURES = ("residual", "wrong_flags", "reliability", "not_rated")
SHARES = ("wrong_flags", "not_rated")  # of estates: counted, and compared exactly
DIGITS = 9
COLUMNS = {
    "period": pl.String, "measure": pl.String, "grouping": pl.String, "group": pl.String, "units": pl.Int64,
    "value": pl.Float64, "others": pl.Float64, "se": pl.Float64, "p": pl.Float64, "told": pl.Boolean,
    "finding": pl.Boolean, "holds": pl.Boolean,
}  # fmt: skip


def thirds(values: pl.Expr) -> pl.Expr:
    """``low``, ``middle`` or ``high`` third by rank; equal values stand together, unknown ones nowhere."""
    place = (values.rank("average") - 0.5) / values.count()
    return (
        pl.when(place.is_null()).then(None)
        .when(place < 1 / 3).then(pl.lit("low"))
        .when(place < 2 / 3).then(pl.lit("middle"))
        .otherwise(pl.lit("high"))
    )  # fmt: skip


def measured(
    index_scores: pl.DataFrame, flags: pl.DataFrame, estates: pl.DataFrame, propensity: pl.DataFrame,
    residual: pl.DataFrame, rule: Rule, period: str, before: list[str], overturned: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """One row per current estate: its groups, and each measure (empty where it says nothing of it).

    Args:
        index_scores, flags: contracts IndexScore and Flag, all periods. estates, propensity: of the edition.
        residual: ``unit_id, residual`` (``metrics.validity``).
        before: the ``wrong_within`` periods before this one, in which a selection may have been wrong.
        overturned: ``estate_id`` of those whose step was overturned in these periods (objection upheld); None = none.

    ``wrong_flags``: of the estates selected in one of the periods ``before`` and still judged, 1 where the step was
    overturned or the chance of lying below 60 has since fallen under ``wrong_below``.
    """
    now = index_scores.filter(pl.col("level") == "estate", pl.col("period") == period, pl.col("current"))
    earlier = flags.filter(pl.col("level") == "estate", pl.col("period").is_in(before), pl.col("selected"))
    earlier = earlier.select("unit_id").unique().with_columns(flagged=pl.lit(True))
    at = estates.filter(pl.col("period") == period).select(
        "estate_id", "households", "subdistrict_id", "built_year", "rental_share"
    )
    lost = [] if overturned is None else overturned["estate_id"].to_list()
    loud = propensity.filter(pl.col("period") == period).select("estate_id", "propensity")
    rows = (
        now.select("unit_id", "estate_id", "estate_class", "state", "p_below", "reliability")
        .join(at, on="estate_id", how="left", maintain_order="left")
        .join(loud, on="estate_id", how="left", maintain_order="left")
        .join(earlier, on="unit_id", how="left", maintain_order="left")
        .join(residual, on="unit_id", how="left", maintain_order="left")
    )
    judged = pl.col("flagged").fill_null(False) & pl.col("p_below").is_not_null()
    return rows.with_columns(
        size=thirds(pl.col("households")), loudness=thirds(pl.col("propensity")), age=thirds(pl.col("built_year")),
        rental=thirds(pl.col("rental_share")), subdistrict=pl.col("subdistrict_id"),
        wrong_flags=pl.when(judged).then(
            ((pl.col("p_below") < rule["wrong_below"]) | pl.col("estate_id").is_in(lost)).cast(pl.Float64)
        ),
        not_rated=(pl.col("state") == "not_rated").cast(pl.Float64),
    )  # fmt: skip


def compare(rows: pl.DataFrame, measure: str, grouping: str) -> pl.DataFrame:
    """One row per group: mean, mean of all others, standard error of the difference (Welch), and how many there are.

    Values (1, 2, 3) against (4, 6): 2, 5, sqrt(1 / 3 + 2 / 2) = 1.154701.
    """
    known = rows.select(group=pl.col(grouping).cast(pl.String), x=pl.col(measure).cast(pl.Float64)).drop_nulls()
    by = known.group_by("group").agg(n=pl.len(), s=pl.col("x").sum(), q=(pl.col("x") ** 2).sum()).sort("group")
    n, s, q = pl.col("n"), pl.col("s"), pl.col("q")
    whole = {"n": pl.col("n").sum() - n, "s": s.sum() - s, "q": q.sum() - q}
    mean, rest = s / n, whole["s"] / whole["n"]
    own = (q - s**2 / n).clip(0) / (n - 1) / n
    other = (whole["q"] - whole["s"] ** 2 / whole["n"]).clip(0) / (whole["n"] - 1) / whole["n"]
    return by.select(
        "group", units=n.cast(pl.Int64), value=mean, others=rest, se=(own + other).sqrt(),
        others_n=whole["n"].cast(pl.Int64), count=s, others_count=whole["s"],
    )  # fmt: skip


def audit(rows: pl.DataFrame, rule: Rule, period: str) -> pl.DataFrame:
    """Contract Audit: every measure by every grouping.

    Args:
        rows: as ``measured`` gives them. rule: rules/audit.toml: ``z`` standard errors, false findings ``q`` of each
            measure, and per measure the estates a group needs (``units_min``), the least difference that matters
            (``matters``) and from which difference on it holds the edition (``holds_from``; without it, never).
    """
    parts = []
    for measure in MEASURES:
        found = pl.concat([compare(rows, measure, g).with_columns(grouping=pl.lit(g)) for g in GROUPINGS])
        exact = measure in SHARES
        parts.append(_judged(found.with_columns(measure=pl.lit(measure)), rule, rule["measures"][measure], exact))
    made = pl.concat(parts).with_columns(period=pl.lit(period))
    return made.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _chance_of_means(found: pl.DataFrame) -> np.ndarray:
    """Two-sided p of each difference of means; a difference without any spread is certain."""
    gap, se = (found["value"] - found["others"]).to_numpy(), found["se"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(gap == 0, 0.0, np.abs(gap) / se)
    return 2 * norm.sf(z)


def _chance_of_shares(found: pl.DataFrame) -> np.ndarray:
    """Fisher's exact p of each difference of shares: rare events have no standard error worth the name."""
    counted = found.select("count", "units", "others_count", "others_n").rows()
    tables = [[[k, n - k], [others, of - others]] for k, n, others, of in counted]
    return np.array([fisher_exact(np.round(t).astype(int)).pvalue for t in tables], dtype=float)


def _judged(found: pl.DataFrame, rule: Rule, terms: dict, exact: bool) -> pl.DataFrame:
    """What differs by more than chance, and by enough to matter; ``told`` = enough estates on both sides to compare."""
    gap = np.abs((found["value"] - found["others"]).fill_null(np.nan).to_numpy())
    enough = pl.min_horizontal("units", "others_n").fill_null(0) >= terms["units_min"]
    told = found.select(enough).to_series().to_numpy() & ~np.isnan(gap)
    p = np.full(len(told), np.nan)
    if told.any():
        p[told] = (_chance_of_shares if exact else _chance_of_means)(found.filter(pl.Series(told)))
    adjusted = np.full(len(p), np.inf)
    if told.any():
        adjusted[told] = false_discovery_control(p[told])
    line = 2 * norm.sf(rule["z"])
    finding = told & (np.where(told, p, 1.0) < line) & (adjusted <= rule["q"]) & (gap >= terms["matters"])
    holds = finding & (gap >= terms.get("holds_from", np.inf))
    rounded = pl.col("value", "others", "se").fill_nan(None).round(DIGITS)
    numbers = {"p": pl.Series(p).fill_nan(None).round(DIGITS), "told": pl.Series(told)}
    return found.with_columns(rounded, **numbers, finding=pl.Series(finding), holds=pl.Series(holds))
