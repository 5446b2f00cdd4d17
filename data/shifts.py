"""Does a column look as it did? Its values beside those of the source's last deliveries.

The population stability index is the symmetric Kullback-Leibler distance of two distributions over the same bins,
``sum((q - p) * ln(q / p))``; .10 to .25 is usually called a small shift and more a large one (Siddiqi, Credit Risk
Scorecards, 2006). Between like deliveries of n and m rows it is about ``(1/n + 1/m)`` times a chi-square of bins - 1
degrees (Yurdakul 2018), so a shift is told only where that chance is small too.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import numpy as np
import polars as pl
from scipy.special import chdtrc

from data.contracts import Table
from data.record_tables import sql_type
from rules.book import Rule

MISSING, OTHER = "\0missing", "\0other"
BINS = 10


def looked_at(table: Table) -> list[str]:
    """Columns compared: no keys, no references; of days and moments only whether they are filled."""
    return [c for c in table.columns if c not in table.key and not c.endswith(("_id", "_hash"))]


def profile(con: duckdb.DuckDBPyConnection, table: Table, rule: Rule) -> tuple[pl.DataFrame, dict[str, dict[str, Any]]]:
    """A sample of ``staged`` (by the hash of the line, so that the same file gives the same), and each column's profile.

    A profile says ``rows``, and ``counts`` per word or per bin; bins end at ``edges``.
    """
    rows = con.execute("SELECT count(*) FROM staged").fetchall()[0][0]
    every = max(rows // rule["shift_sample"], 1)
    columns = ", ".join(f'"{c}"::{sql_type(table.columns[c])} AS "{c}"' for c in looked_at(table))  # codes as text
    sample = con.sql(f"SELECT {columns} FROM staged WHERE hash(line) % {every} = 0 ORDER BY line").pl()
    return sample, {c: _profile(sample[c], rule["shift_values"]) for c in sample.columns}


def _profile(values: pl.Series, most: int) -> dict[str, Any]:
    if values.dtype.is_numeric() and values.n_unique() > BINS * 2:
        known = values.drop_nulls().to_numpy()
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf")).tolist()
        return {"rows": len(values), "edges": edges, "counts": counted(values, edges=edges)}
    if values.dtype.is_temporal() or values.n_unique() > most:
        return {"rows": len(values), "counts": counted(values, words=[])}
    words = values.drop_nulls().cast(pl.String).unique().sort().to_list()
    return {"rows": len(values), "counts": counted(values, words=words)}


def counted(values: pl.Series, *, words: list[str] | None = None, edges: list[float] | None = None) -> dict[str, int]:
    """Rows per bin: missing, then per word (others together) or per interval up to each edge."""
    out = {MISSING: values.null_count()}
    known = values.drop_nulls()
    if edges is not None:
        place = np.searchsorted(np.array(edges), known.to_numpy(), side="left")
        return out | {str(i): int(n) for i, n in enumerate(np.bincount(place, minlength=len(edges) + 1))}
    said = dict(known.cast(pl.String).value_counts().iter_rows())
    own = {w: said.get(w, 0) for w in words or []}
    return out | own | {OTHER: len(known) - sum(own.values())}


def stability(before: dict[str, int], now: dict[str, int]) -> tuple[float, float]:
    """The population stability index of two counts over the same bins, and its chance between like deliveries.

    Half a row is added to each bin, so that an empty one counts without being infinite.
    """
    p, q = (np.array([c[k] for k in before], dtype=float) + 0.5 for c in (before, now))
    used = np.array([before[k] + now[k] > 0 for k in before])
    p, q = p[used], q[used]
    if len(p) < 2:
        return 0.0, 1.0
    n, m = p.sum(), q.sum()
    p, q = p / n, q / m
    index = float(((q - p) * np.log(q / p)).sum())
    return index, float(chdtrc(len(p) - 1, index * n * m / (n + m)))


def shifts(sample: pl.DataFrame, past: pl.DataFrame, rule: Rule) -> dict[str, float]:
    """Column -> least index against the deliveries in ``past``, where it is large and no chance.

    Args:
        past: ``delivery_id, column_name, profile`` (JSON).
    """
    least: dict[str, tuple[float, float]] = {}
    if sample.height < rule["shift_rows"]:
        return {}
    for column, text in past.select("column_name", "profile").iter_rows():
        before = json.loads(text)
        if before["rows"] < rule["shift_rows"] or column not in sample.columns:
            continue
        words = [w for w in before["counts"] if w not in (MISSING, OTHER)]
        numeric = sample[column].dtype.is_numeric()
        edges = before.get("edges") if numeric else None
        now = counted(sample[column], words=words if edges is None else None, edges=edges)
        least[column] = min(least.get(column, (np.inf, 0.0)), stability(before["counts"], now))
    chance = rule["shift_chance"] / max(len(least), 1)
    return {c: i for c, (i, p) in sorted(least.items()) if i >= rule["shift_told"] and p <= chance}
