"""When and how things were written down: late, alike, on the last day, in round numbers (method.md 14.3, 14.4)."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl
from scipy.stats import chisquare

from metrics.calendar import Quarter
from metrics.checks.callers import since
from metrics.checks.tested import Tested, beside_others, shaped
from rules.book import Rule


def entered_late(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates whose drills, own inspections and patrols are entered late, or before they happened, more than elsewhere."""
    rows = con.sql(
        """
        WITH entries AS (
            SELECT estate_id, drill_id AS id, held_on AS day, recorded_on FROM fire_drills
            UNION ALL
            SELECT estate_id, inspection_id, inspected_on, recorded_on FROM inspections WHERE kind = 'self_check'
            UNION ALL
            SELECT estate_id, patrol_id, ended_on, recorded_on FROM patrols
        ),
        judged AS (
            SELECT *, recorded_on - day NOT BETWEEN 0 AND $days AS odd FROM entries
            WHERE estate_id IS NOT NULL AND recorded_on IS NOT NULL AND day BETWEEN $first AND $last
        )
        SELECT estate_id AS unit_id, count(*) FILTER (odd) AS observed, count(*) AS of,
               list(id ORDER BY id) FILTER (odd) AS record_ids
        FROM judged GROUP BY ALL
        """,
        params={"days": rule["late_days"], "first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    return beside_others("estate", rows, rule["records_min"], rule["tail"])


def same_proof(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates with a drill whose picture or file is, byte for byte, that of another drill."""
    rows = con.sql(
        """
        WITH again AS (
            SELECT estate_id, drill_id, held_on, count(*) OVER (PARTITION BY evidence_hash) AS uses
            FROM fire_drills WHERE evidence_hash IS NOT NULL AND held_on <= $last
        )
        SELECT estate_id AS unit_id, count(*) FILTER (uses > 1 AND held_on >= $first) AS observed,
               count(*) FILTER (held_on >= $first) AS of, 0 AS expected,
               list(drill_id ORDER BY drill_id) FILTER (uses > 1 AND held_on >= $first) AS record_ids
        FROM again WHERE estate_id IS NOT NULL GROUP BY ALL HAVING count(*) FILTER (held_on >= $first) > 0
        """,
        params={"first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    rows = shaped(rows)
    return Tested("estate", rows, np.where(rows["observed"].to_numpy() > 0, 0.0, 1.0), by_chance=0.0)


#: Joins rows ``r (estate_id, day)`` to the company in charge on the day, as ``m``.
IN_CHARGE = """
    JOIN edition.management AS m
      ON m.estate_id = r.estate_id AND m.company_id IS NOT NULL AND r.day >= m.valid_from AND r.day < m.valid_to
"""


#: Of records ``r`` (estate_id, id, day, odd): per company in charge on their day how many are odd, of how many, and which.
ODD_BY_COMPANY = f"""
SELECT m.company_id AS unit_id, count(*) FILTER (r.odd) AS observed, count(*) AS of,
       list(r.id ORDER BY r.id) FILTER (r.odd) AS record_ids
FROM r {IN_CHARGE} GROUP BY ALL
"""


def drills_in_last_days(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies that hold their drills in the last days of a quarter more than others do."""
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, drill_id AS id, held_on AS day,
                   (date_trunc('quarter', held_on) + INTERVAL 3 MONTH)::DATE - held_on <= $days AS odd
            FROM fire_drills WHERE held_on BETWEEN $first AND $last
        )
        {ODD_BY_COMPANY}
        """,
        params={"days": rule["last_days"], "first": since(last, rule["long_quarters"]), "last": last.last},
    ).pl()
    return beside_others("company", rows, rule["drills_min"], rule["tail"])


def round_numbers(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies whose numbers of residents at drills end in some digit too often to have been counted (chi-squared)."""
    digits = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, held_on AS day, residents % 10 AS digit
            FROM fire_drills WHERE residents >= 20 AND held_on BETWEEN $first AND $last
        )
        SELECT m.company_id AS unit_id, r.digit, count(*) AS n FROM r {IN_CHARGE} GROUP BY ALL ORDER BY ALL
        """,
        params={"first": since(last, rule["long_quarters"]), "last": last.last},
    ).pl()
    names = digits["unit_id"].unique().sort()
    counts = np.zeros((names.len(), 10))
    counts[names.search_sorted(digits["unit_id"]).to_numpy(), digits["digit"].to_numpy()] = digits["n"].to_numpy()
    whole = counts.sum(axis=1)
    enough = whole >= rule["digits_min"]
    p = np.full(len(counts), np.nan)
    if enough.any():
        p[enough] = chisquare(counts[enough], axis=1).pvalue
    rows = pl.DataFrame({"unit_id": names, "observed": counts.max(axis=1), "of": whole, "expected": whole / 10})
    return Tested("company", shaped(rows), p)


def closed_on_due_day(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies whose hazards are put right exactly on the day they fall due more than elsewhere."""
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, hazard_id AS id, rectified_on AS day, rectified_on = coalesce(extended_to, due_on) AS odd
            FROM hazards WHERE rectified_on BETWEEN $first AND $last AND coalesce(extended_to, due_on) IS NOT NULL
        )
        {ODD_BY_COMPANY}
        """,
        params={"first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    return beside_others("company", rows, rule["hazards_min"], rule["tail"])


def found_again(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies whose hazards, once put right, are found again in the same place within days more than elsewhere."""
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT h.estate_id, h.hazard_id AS id, h.rectified_on AS day, EXISTS (
                SELECT 1 FROM hazards AS n
                WHERE n.estate_id = h.estate_id AND n.hazard_type = h.hazard_type AND n.location = h.location
                  AND n.hazard_id <> h.hazard_id AND n.found_on > h.rectified_on
                  AND n.found_on <= h.rectified_on + $days::INTEGER
            ) AS odd
            FROM hazards AS h WHERE h.rectified_on BETWEEN $first AND $last AND h.location IS NOT NULL
        )
        {ODD_BY_COMPANY}
        """,
        params={"days": rule["again_days"], "first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    return beside_others("company", rows, rule["hazards_min"], rule["tail"])


ALL = {
    "entered_late": entered_late, "same_proof": same_proof, "drills_in_last_days": drills_in_last_days,
    "round_numbers": round_numbers, "closed_on_due_day": closed_on_due_day, "found_again": found_again,
}  # fmt: skip
