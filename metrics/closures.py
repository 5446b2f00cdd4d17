"""Hazards told as put right that are not: what closings nobody went to see are worth (method.md 14.4).

Of the closings an authority picked at random to see again, some are found undone. A company's share of such, pulled to the
district's by as much as few were picked, is taken off those of its closings that nobody saw again: each counts as put right by
the chance that it is. A hazard seen again counts as it was found.
"""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl

from metrics.grid import Groups
from metrics.moments import proportions
from rules.book import Rule

DIGITS = 6  # shares are rounded to what is shown, so that a record's arithmetic can be followed to the end
OFF, FEW_SEEN = "off", "few_seen_again"

# The company in charge on the day of the closing answers for it.
_CLOSINGS = """
    CREATE OR REPLACE TEMP TABLE _closings AS
    SELECT h.record_id, m.company_id, h.lot_result, h.verified_result IS NULL AND h.lot_result IS NULL AS unseen
    FROM hazards AS h
    JOIN edition.management AS m
      ON m.estate_id = h.estate_id AND m.company_id IS NOT NULL
     AND h.rectified_on >= m.valid_from AND h.rectified_on < m.valid_to
    WHERE h.responsible_party = 'company' AND NOT coalesce(h.objection_open, false)
      AND h.rectified_on BETWEEN $first AND $last
"""
_COUNTED = """
    SELECT company_id, count(*) FILTER (unseen) AS unseen, count(lot_result) AS picked,
           count(*) FILTER (lot_result = 'fail') AS undone
    FROM _closings GROUP BY company_id ORDER BY company_id
"""


def undone_shares(picked: np.ndarray, undone: np.ndarray, index: Rule) -> np.ndarray:
    """(C,) share of each company's closings that are not what they say: F2 over companies, no strength factor.

    Args:
        picked, undone: closings seen again at random, and of these found undone. index: its floor and ceiling of rho.

    T5's numbers, as undone of picked: rho .115112, M 7.687213; the second company (6.149770 + 2) / 11.687213 = .697324.
    """
    one = Groups(np.zeros(len(picked), dtype=np.int64), 1)
    k, n = (x.astype(float)[:, None] for x in (undone, picked))
    found = proportions(k, n, n, one)
    rho = np.clip(np.nan_to_num(found.tau2.item()), index["rho_floor"], index["rho_ceiling"])
    weight = 1 / rho - 1
    return (found.m.item() * weight + undone) / (weight + picked)


def closings(con: duckdb.DuckDBPyConnection, rule: Rule, index: Rule, first: date, last: date) -> pl.DataFrame:
    """Contract Closing, one row per company; fills temporary table ``closing_trust`` (``record_id, trust``): of every hazard
    put right that nobody saw again, the chance that it is.

    One estimate per edition, over all its quarters: what is seen again at random is little. Where fewer than the rule's
    ``picked_min`` were seen in the whole district, closings count as told.

    Args:
        rule: rules/adjustments.toml. index: the index rule. first, last: days of closing.
    """
    terms = rule["closings"]
    con.execute(_CLOSINGS, {"first": first, "last": last})
    rows = con.sql(_COUNTED).pl()
    why = None if terms["apply"] else OFF
    if why is None and rows["picked"].sum() < terms["picked_min"]:
        why = FEW_SEEN
    picked, undone = (rows[name].to_numpy() for name in ("picked", "undone"))
    share = np.zeros(rows.height) if why else undone_shares(picked, undone, index).round(DIGITS)
    frame = rows.with_columns(
        share=pl.Series(share, dtype=pl.Float64), applied=pl.lit(why is None), why_not=pl.lit(why, dtype=pl.String)
    )
    con.register("_shares", frame.select("company_id", "share").to_arrow())
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE closing_trust AS
        SELECT c.record_id, 1 - s.share AS trust FROM _closings AS c JOIN _shares AS s USING (company_id)
        WHERE c.unseen AND s.share > 0
        """
    )
    con.unregister("_shares")
    con.execute("DROP TABLE _closings")
    return frame
