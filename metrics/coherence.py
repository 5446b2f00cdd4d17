"""How well the parts of the index hang together: checks before release (method.md 2.5), as COINr has them.

Looked at are the points of the compared units: companies' spells that stand and are rated at the end of the edition's
period. Points of what was not measured are left out; two columns are compared over the units that have both.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import rankdata

from data.study_tables import TABLES
from metrics.outranking import copeland, outranking, settled
from metrics.terms import Terms
from rules.book import Rule

INDEX = "index"
DECIMALS = 9
VARIES = 1e-9  # squared points; a smaller variance is none


def covariances(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(J, J) covariances over the rows that have both columns (n - 1 in the divisor), and how many those are.

    Args:
        x: (U, J); NaN = none.
    """
    seen = ~np.isnan(x)
    mean = np.where(seen, x, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    there, centred = seen.astype(float), np.where(seen, x - mean, 0.0)
    product = "ui,uj->ij"  # einsum, not BLAS: the same to the last bit on any number of cores
    n = np.einsum(product, there, there)
    sums = np.einsum(product, centred, there)  # of column i over the rows that also have j
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (np.einsum(product, centred, centred) - sums * sums.T / n) / (n - 1)
    return np.where(n > 1, found, np.nan), n.astype(np.int64)


def correlations(x: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """(J, J) Pearson correlations over the rows that have both columns, and how many those are.

    NaN where fewer than ``least`` rows have both, or a column does not vary over them.
    """
    seen = ~np.isnan(x)
    found, n = covariances(x)
    spread = np.full_like(found, np.nan)  # variance of i over the rows that also have j
    for j in range(x.shape[1]):
        both = np.where(seen & seen[:, [j]], x, np.nan)
        spread[:, j] = np.diag(covariances(both)[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        r = found / np.sqrt(spread * spread.T)
    enough = (n >= least) & (spread > VARIES) & (spread.T > VARIES)
    return np.where(enough, np.clip(r, -1.0, 1.0), np.nan), n


def alpha(x: np.ndarray) -> float:
    """Cronbach's alpha, k / (k - 1) (1 - sum of variances / variance of the sum); NaN for fewer than two columns that
    vary, or two that nobody has both of."""
    c = covariances(x[:, _varying(x)])[0]
    k = len(c)
    if k < 2 or np.isnan(c).any() or c.sum() <= VARIES:
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(c) / c.sum()))


def first_component(x: np.ndarray, least: int) -> float:
    """Share of the variance of standardised columns that their first principal component carries: the greatest
    eigenvalue of the correlations by the number of columns that vary; NaN as for ``alpha``."""
    r = correlations(x[:, _varying(x)], least)[0]
    if len(r) < 2 or np.isnan(r).any():
        return float("nan")
    return float(min(np.linalg.eigvalsh(r)[-1] / len(r), 1.0))


def _varying(x: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.nan_to_num(np.diag(covariances(x)[0])) > VARIES)


def _wide(rows: pl.DataFrame, units: pl.DataFrame, on: str, names: list[str]) -> np.ndarray:
    """Points of the units (rows) by name (columns); NaN = none."""
    wide = rows.pivot(on=on, index="unit_id", values="points")
    wide = units.join(wide, on="unit_id", how="left", maintain_order="left")
    none = pl.lit(None, dtype=pl.Float64)
    columns = [pl.col(n) if n in wide.columns else none.alias(n) for n in names]
    return wide.select(columns).fill_null(float("nan")).to_numpy()


def _pairs(x: np.ndarray, names: list[str], sub: str, rule: Rule, least: int) -> list[dict]:
    r, n = correlations(x, least)
    rows = []
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        value = float(r[i, j])
        finding = (
            "close" if value > rule["correlation_high"] else "opposed" if value < rule["correlation_low"] else None
        )
        rows.append({"measure": "correlation", "subindex": sub, "metric": names[i], "other": names[j],
                     "units": int(n[i, j]), "value": value, "finding": finding})  # fmt: skip
    return rows


def _together(x: np.ndarray, sub: str, least: int) -> list[dict]:
    units = int((~np.isnan(x)).any(axis=1).sum())
    told = {"alpha": alpha(x), "first_component": first_component(x, least)}
    return [{"measure": m, "subindex": sub, "units": units, "value": value} for m, value in told.items()]


def _effective(subs: np.ndarray, score: np.ndarray, names: tuple[str, ...], weights, least: int) -> list[dict]:
    r, n = correlations(np.column_stack([subs, score]), least)
    return [
        {"measure": "effective_weight", "subindex": name, "units": int(n[k, -1]), "value": float(r[k, -1]),
         "nominal": float(weights[k])}
        for k, name in enumerate(names)
    ]  # fmt: skip


def _pairwise(subs: np.ndarray, score: np.ndarray, weights: np.ndarray, least: int) -> list[dict]:
    """The order by pairwise wins of the sub-indices beside that of the index (Spearman), and the pairs no weights turn."""
    above = outranking(subs, weights)
    order = np.column_stack([rankdata(copeland(above)), rankdata(np.round(score, DECIMALS))])
    told = {"pairwise_order": float(correlations(order, least)[0][0, 1]), "settled_pairs": settled(above)}
    return [{"measure": m, "subindex": INDEX, "units": len(score), "value": value} for m, value in told.items()]


def of_edition(made: dict[str, pl.DataFrame], terms: Terms, rule: Rule) -> pl.DataFrame:
    """Contract Coherence of the edition's own period; empty where fewer than two units are rated.

    Args:
        made: ``metric_scores``, ``subindex_scores`` and ``index_scores`` of the edition.
        rule: rules/sensitivity.toml in force.
    """
    last, least = terms.periods[-1], rule["correlation_units"]
    now = {
        name: frame.filter((pl.col("period") == last) & (pl.col("level") == "tenure")) for name, frame in made.items()
    }
    units = now["index_scores"].filter((pl.col("state") == "rated") & pl.col("current")).select("unit_id", "score")
    if units.height < 2:
        return TABLES["coherence"].empty()
    rows: list[dict] = []
    measured = now["metric_scores"].filter((pl.col("state") == "measured") & (pl.col("weight") > 0))
    for k, sub in enumerate(terms.subindices):
        names = [n for j, n in enumerate(terms.names) if terms.subindex[-1, j] == k]
        x = _wide(measured.filter(pl.col("metric").is_in(names)), units, "metric", names)
        rows += _pairs(x, names, sub, rule, least) + _together(x, sub, least)
    subs = _wide(now["subindex_scores"], units, "subindex", list(terms.subindices))
    rows += _together(subs, INDEX, least)
    score = units["score"].to_numpy()
    rows += _effective(subs, score, terms.subindices, terms.sub_weight[-1], least)
    rows += _pairwise(subs, score, terms.sub_weight[-1], least)
    shape = {name: column.dtype.type for name, column in TABLES["coherence"].to_schema().columns.items()}
    frame = pl.DataFrame([{"period": last, **row} for row in rows], schema=shape)
    return frame.with_columns(pl.col("value").fill_nan(None).round(DECIMALS)).sort(
        "measure", "subindex", "metric", "other"
    )
