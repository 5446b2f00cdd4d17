"""Photos of visits that look alike (method.md 14.3), by the prints kept with them (data/photos.py).

A print has 64 bits. Two that differ in at most d bits agree in at least one of d + 1 parts (by the pigeonhole), so only
prints that share such a part are compared bit by bit.
"""

from __future__ import annotations

import duckdb
import numpy as np

from metrics.calendar import Quarter
from metrics.checks.callers import since
from metrics.checks.tested import Tested, shaped
from rules.book import Rule

BITS = 64
#: ``near`` holds for each print of a recent photo its own visits and those of prints like it. A visit here is an estate on
#: a day: forms filled in on one round may share a photo by right.
SQL = """
WITH told AS (
    SELECT v.estate_id, v.inspection_id AS id, v.inspected_on AS day, v.estate_id || ' ' || v.inspected_on AS visit,
           try_cast('0x' || p.said AS UBIGINT) AS print
    FROM inspections AS v
    JOIN (SELECT inspection_id, unnest(string_split(photo_prints, ' ')) AS said FROM inspection_items) AS p
      USING (inspection_id)
    WHERE v.estate_id IS NOT NULL AND v.inspected_on <= $last AND regexp_full_match(p.said, '[0-9a-f]{16}')
),
prints AS (
    SELECT print, min(visit) AS one, max(visit) AS other, max(day) >= $first AS recent
    FROM told WHERE bit_count(print) BETWEEN $least AND $bits - $least GROUP BY print
),
parts AS (
    SELECT *, substr(lpad(bin(print), $bits, '0'), $bits * part // $parts + 1,
                     $bits * (part + 1) // $parts - $bits * part // $parts) AS piece
    FROM prints, range($parts) AS cut(part)
),
near AS (
    SELECT print, min(one) AS one, max(other) AS other
    FROM (
        SELECT print, one, other FROM prints
        UNION ALL
        SELECT a.print, b.one, b.other FROM parts AS a JOIN parts AS b USING (part, piece)
        WHERE a.recent AND a.print <> b.print AND bit_count(xor(a.print, b.print)) <= $apart
    )
    GROUP BY print
)
SELECT t.estate_id AS unit_id, count(DISTINCT t.id) FILTER (n.one <> n.other) AS observed, count(DISTINCT t.id) AS of,
       0 AS expected, list(DISTINCT t.id) FILTER (n.one <> n.other) AS record_ids
FROM told AS t JOIN near AS n USING (print) WHERE t.day >= $first GROUP BY ALL
"""


def photos_alike(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates with a visit one of whose photos is like one of another estate, or of another day there.

    Nothing else compares photos of visits, so the very same file counts too.
    """
    params = {
        "first": since(last, rule["quarters"]), "last": last.last, "least": rule["photo_bits_least"], "bits": BITS,
        "apart": rule["photo_bits"], "parts": rule["photo_bits"] + 1,
    }  # fmt: skip
    rows = shaped(con.sql(SQL, params=params).pl())
    return Tested("estate", rows, np.where(rows["observed"].to_numpy() > 0, 0.0, 1.0), by_chance=0.0)


ALL = {"photos_alike": photos_alike}
