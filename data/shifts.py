"""Does a column look as it did? Its values beside those of the source's last deliveries.

The population stability index is the symmetric Kullback-Leibler distance of two distributions over the same bins,
``sum((q - p) * ln(q / p))``; .10 to .25 is usually called a small shift and more a large one (Siddiqi, Credit Risk
Scorecards, 2006). Between like deliveries of n and m rows it is about ``(1/n + 1/m)`` times a chi-square of bins - 1
degrees (Yurdakul 2018), so a shift is told only where that chance is small too. Rows of one sheet that say the same (the
questions of one survey share its count of answers) are one thing said, not several: the chance counts them once. Words and
intervals that few sheets hold are joined, as the next delivery has others of them by chance: 20 estates' counts of answers
are other numbers every year.
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
#: Numbers are words, such as marks from 1 to 5, where those many sheets hold make up this share of them.
WORDS_SHARE = 0.8
#: Which sheet a row of a sample stands on, where the key's first column is not the whole key.
SHEET = "_sheet"


def looked_at(table: Table) -> list[str]:
    """Columns compared: no keys, no references; of days and moments only whether they are filled."""
    return [c for c in table.columns if c not in table.key and not c.endswith(("_id", "_hash"))]


def profile(con: duckdb.DuckDBPyConnection, table: Table, rule: Rule) -> tuple[pl.DataFrame, dict[str, dict[str, Any]]]:
    """A sample of ``staged`` (by the hash of the line, so that the same file gives the same), and each column's profile.

    A profile says ``rows``, how many of them are ``units`` (a value once per sheet), and ``counts`` per word or per bin; bins
    end at ``edges``.
    """
    rows = con.execute("SELECT count(*) FROM staged").fetchall()[0][0]
    every = max(rows // rule["shift_sample"], 1)
    columns = ", ".join(f'"{c}"::{sql_type(table.columns[c])} AS "{c}"' for c in looked_at(table))  # codes as text
    if len(table.key) > 1:
        columns += f', hash("{table.key[0]}") AS "{SHEET}"'
    sample = con.sql(f"SELECT {columns} FROM staged WHERE hash(line) % {every} = 0 ORDER BY line").pl()
    own = [c for c in sample.columns if c != SHEET]
    return sample, {c: {"units": units(sample, c), **_profile(sample[c], rule["shift_values"])} for c in own}


def units(sample: pl.DataFrame, column: str) -> int:
    """Rows of a sample, those of one sheet that say the same in a column counted once."""
    return sample.select(SHEET, column).n_unique() if SHEET in sample.columns else sample.height


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


def _joined(before: dict[str, Any], values: pl.Series, least: int) -> tuple[dict[str, int], dict[str, int]]:
    """Counts of a profile and of the values now over the same bins, each of at least ``least`` sheets before if it can be."""
    few = least * before["rows"] / before.get("units", before["rows"])
    counts, edges = before["counts"], before.get("edges")
    words = {w: n for w, n in counts.items() if w not in (MISSING, OTHER)}
    common = [w for w, n in words.items() if n >= few]
    if values.dtype.is_numeric() and words:
        if edges is None and sum(words[w] for w in common) < WORDS_SHARE * sum(words.values()):
            edges = sorted(map(float, words))
            counts = {MISSING: counts[MISSING]} | {str(i): words[w] for i, w in enumerate(sorted(words, key=float))}
        if edges is not None:
            return _wider(counts, edges, values, few)
    rest = sum(words.values()) - sum(words[w] for w in common) + counts.get(OTHER, 0)
    told = {MISSING: counts[MISSING]} | {w: words[w] for w in common} | {OTHER: rest}
    return told, counted(values, words=common)


def _wider(
    counts: dict[str, int], edges: list[float], values: pl.Series, few: float
) -> tuple[dict[str, int], dict[str, int]]:
    """Counts over intervals joined with the next until each holds ``few`` rows, and a tenth of all, before."""
    held = np.array([counts.get(str(i), 0) for i in range(len(edges) + 1)], dtype=float)
    size = max(few, held.sum() / BINS)
    group = np.minimum((held.cumsum() - held / 2) // size, max(held.sum() // size - 1, 0))
    ends = [e for e, turns in zip(edges, np.diff(group) > 0, strict=True) if turns]
    place = np.concatenate([[0], (np.diff(group) > 0).cumsum()])
    joined = np.bincount(place, weights=held)
    told = {MISSING: counts[MISSING]} | {str(i): int(n) for i, n in enumerate(joined)}
    return told, counted(values, edges=ends)


def stability(
    before: dict[str, int], now: dict[str, int], units: tuple[float, float] = (1.0, 1.0)
) -> tuple[float, float]:
    """The population stability index of two counts over the same bins, and its chance between like deliveries.

    Args:
        units: of the rows of each side, the share that are things said on their own.

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
    n, m = n * units[0], m * units[1]
    return index, float(chdtrc(len(p) - 1, index * n * m / (n + m)))


def shifts(sample: pl.DataFrame, past: pl.DataFrame, rule: Rule) -> dict[str, float]:
    """Column -> least index against the deliveries in ``past``, where it is large and no chance.

    Args:
        past: ``delivery_id, column_name, profile`` (JSON).
    """
    least: dict[str, tuple[float, float]] = {}
    if sample.height < rule["shift_rows"]:
        return {}
    own = {c: units(sample, c) / sample.height for c in sample.columns if c != SHEET}
    for column, text in past.select("column_name", "profile").iter_rows():
        before = json.loads(text)
        if before["rows"] < rule["shift_rows"] or column not in own:
            continue
        shares = (before.get("units", own[column] * before["rows"]) / before["rows"], own[column])
        both = _joined({**before, "units": shares[0] * before["rows"]}, sample[column], rule["shift_units"])
        least[column] = min(least.get(column, (np.inf, 0.0)), stability(*both, shares))
    chance = rule["shift_chance"] / max(len(least), 1)
    return {c: i for c, (i, p) in sorted(least.items()) if i >= rule["shift_told"] and p <= chance}
