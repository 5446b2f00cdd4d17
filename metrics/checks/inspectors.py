"""Inspectors who find more, or less, than colleagues at the same estates (method.md 14.1, 14.5)."""

from __future__ import annotations

import duckdb
import numpy as np
from scipy.special import ndtr

from metrics.calendar import Quarter
from metrics.checks.tested import Tested, shaped
from metrics.surveillance import funnel
from rules.book import Rule


def finds_otherwise(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Inspectors outside the funnel of points found failing over points expected, on either side.

    Only those told apart from their estates (table ``inspectors``, no ``why_not``) are looked at.
    """
    rows = con.sql(
        """
        SELECT inspector_id AS unit_id, found AS observed, found AS of, expected FROM edition.inspectors
        WHERE why_not IS NULL AND expected > 0
        """
    ).pl()
    rows = shaped(rows)
    z = funnel(rows["observed"].to_numpy(), rows["expected"].to_numpy(), tail=rule["tail"]).z
    return Tested("inspector", rows, 2 * ndtr(-np.abs(z)))


ALL = {"finds_otherwise": finds_otherwise}
