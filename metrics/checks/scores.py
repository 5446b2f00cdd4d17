"""Scores that gather just above the pass mark, and deadlines met to the day, over the whole district (method.md 14.4)."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl
from scipy.stats import binomtest

from metrics.calendar import Quarter
from metrics.checks.callers import since
from metrics.checks.tested import Tested, shaped
from rules.book import Rule

DISTRICT = "district"


def _more_than_half(above: int, both: int, least: int) -> Tested:
    """Is more than half of what lies close on either side on one side? One row, the district."""
    rows = pl.DataFrame({"unit_id": [DISTRICT], "observed": [above], "of": [both], "expected": [both / 2]})
    told = both >= least
    p = binomtest(above, both, 0.5, alternative="greater").pvalue if told else np.nan
    return Tested(DISTRICT, shaped(rows), np.array([p]))


def just_above_the_mark(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Rated estates within ``bin`` points above the pass mark against as many points below."""
    above, both = con.execute(
        """
        SELECT count(*) FILTER (final >= $mark), count(*) FROM edition.index_scores
        WHERE level = 'estate' AND period = $period AND state = 'rated' AND cap IS NULL
          AND final >= $mark - $bin AND final < $mark + $bin
        """,
        {"mark": rule["mark"], "bin": rule["bin"], "period": str(last)},
    ).fetchall()[0]
    return _more_than_half(above, both, rule["bin_min"])


def just_in_time(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Hazards put right on the due day against those put right the day after."""
    in_time, both = con.execute(
        """
        SELECT count(*) FILTER (rectified_on = coalesce(extended_to, due_on)), count(*) FROM hazards
        WHERE rectified_on BETWEEN $first AND $last AND rectified_on - coalesce(extended_to, due_on) IN (0, 1)
        """,
        {"first": since(last, rule["quarters"]), "last": last.last},
    ).fetchall()[0]
    return _more_than_half(in_time, both, rule["bin_min"])


ALL = {"just_above_the_mark": just_above_the_mark, "just_in_time": just_in_time}
