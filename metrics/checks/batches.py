"""What was done or written many at a time: entries, closings, accounts of drills (method.md 14.3, 14.4).

Most records carry the day of their entry, not the minute: a batch is a day on which records of several days were entered.
Drills may carry the minute too.
"""

from __future__ import annotations

import duckdb

from metrics.calendar import Quarter
from metrics.checks.callers import since
from metrics.checks.dates import IN_CHARGE, ODD_BY_COMPANY
from metrics.checks.tested import Tested, beside_others
from rules.book import Rule


def entered_together(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Estates more of whose drills and own inspections were entered on one day for several days than elsewhere."""
    rows = con.sql(
        """
        WITH entries AS (
            SELECT estate_id, drill_id AS id, held_on AS day, recorded_on FROM fire_drills
            UNION ALL
            SELECT estate_id, inspection_id, inspected_on, recorded_on FROM inspections WHERE kind = 'self_check'
        ),
        counted AS (
            SELECT *, count(DISTINCT day) OVER (PARTITION BY estate_id, recorded_on) >= $days AS odd FROM entries
            WHERE estate_id IS NOT NULL AND recorded_on IS NOT NULL AND day BETWEEN $first AND $last
        )
        SELECT estate_id AS unit_id, count(*) FILTER (odd) AS observed, count(*) AS of,
               list(id ORDER BY id) FILTER (odd) AS record_ids
        FROM counted GROUP BY ALL
        """,
        params={"days": rule["batch_days"], "first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    return beside_others("estate", rows, rule["records_min"], rule["tail"])


def closed_together(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies more of whose hazards, found on several days at an estate, were put right on one day than others'."""
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, hazard_id AS id, rectified_on AS day,
                   count(DISTINCT found_on) OVER (PARTITION BY estate_id, rectified_on) >= $days AS odd
            FROM hazards WHERE rectified_on BETWEEN $first AND $last
        )
        {ODD_BY_COMPANY}
        """,
        params={"days": rule["batch_days"], "first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    return beside_others("company", rows, rule["hazards_min"], rule["tail"])


def split_findings(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies more of whose own findings stand as several general hazards of one type on one day than others'.

    Looked at are hazards the company itself wrote down: there it chooses how many and how grave.
    """
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, hazard_id AS id, found_on AS day,
                   severity = 'general' AND count(*) FILTER (severity = 'general')
                       OVER (PARTITION BY estate_id, found_on, hazard_type) >= $pieces AS odd
            FROM hazards WHERE found_by = 'self' AND found_on BETWEEN $first AND $last
        )
        {ODD_BY_COMPANY}
        """,
        params={"pieces": rule["split_pieces"], "first": since(last, rule["quarters"]), "last": last.last},
    ).pl()
    return beside_others("company", rows, rule["hazards_min"], rule["tail"])


def entered_in_minutes(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies more of whose drills were entered several within minutes than others'.

    A drill is one of several where some stretch of ``burst_minutes`` that holds its entry holds ``burst_records`` of the
    company's, each of another day: drills that estates held together are one event.
    """
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, drill_id AS id, held_on AS day, recorded_at FROM fire_drills
            WHERE recorded_at IS NOT NULL AND held_on BETWEEN $first AND $last
        ),
        told AS (SELECT m.company_id, r.* FROM r {IN_CHARGE}),
        events AS (SELECT company_id, day, epoch_us(min(recorded_at)) AS noted FROM told GROUP BY ALL),
        ends AS (
            SELECT *, count(*) OVER (
                PARTITION BY company_id ORDER BY noted RANGE BETWEEN $stretch PRECEDING AND CURRENT ROW
            ) AS together
            FROM events
        ),
        judged AS (
            SELECT company_id, day, max(together) OVER (
                PARTITION BY company_id ORDER BY noted RANGE BETWEEN CURRENT ROW AND $stretch FOLLOWING
            ) >= $several AS odd
            FROM ends
        )
        SELECT t.company_id AS unit_id, count(*) FILTER (j.odd) AS observed, count(*) AS of,
               list(t.id ORDER BY t.id) FILTER (j.odd) AS record_ids
        FROM told AS t JOIN judged AS j USING (company_id, day) GROUP BY ALL
        """,
        params={"stretch": rule["burst_minutes"] * 60_000_000, "several": rule["burst_records"], "first": since(last, rule["long_quarters"]),
                "last": last.last},
    ).pl()  # fmt: skip
    return beside_others("company", rows, rule["drills_min"], rule["tail"])


def told_alike(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> Tested:
    """Companies more of whose accounts of drills read like an earlier account of theirs than others'.

    Accounts are compared by the share of runs of three characters they have in common (Jaccard); the same text is
    compared once, so a company's form used at every drill costs one comparison.
    """
    rows = con.sql(
        f"""
        WITH r AS (
            SELECT estate_id, drill_id AS id, held_on AS day,
                   regexp_replace(lower(content), '[[:space:][:punct:]，。、；：（）]+', '', 'g') AS said
            FROM fire_drills WHERE held_on BETWEEN $first AND $last AND content IS NOT NULL
        ),
        told AS (
            SELECT m.company_id, r.* FROM r {IN_CHARGE} WHERE length(said) >= $least
        ),
        texts AS (
            SELECT company_id, said, min((day, id)) AS first_told,
                   list_distinct(list_transform(range(1, length(said) - 1), lambda i: substr(said, i, 3))) AS runs
            FROM told GROUP BY ALL
        ),
        likened AS (
            SELECT DISTINCT t.company_id, t.said
            FROM texts AS t
            JOIN texts AS o ON o.company_id = t.company_id AND o.first_told < t.first_told
             AND len(o.runs) BETWEEN $alike * len(t.runs) AND len(t.runs) / $alike
            WHERE len(list_intersect(t.runs, o.runs)) >=
                  $alike / (1 + $alike) * (len(t.runs) + len(o.runs)) - 1e-9
        ),
        judged AS (
            SELECT t.*, l.said IS NOT NULL OR (t.day, t.id) > x.first_told AS odd
            FROM told AS t
            JOIN texts AS x USING (company_id, said)
            LEFT JOIN likened AS l USING (company_id, said)
        )
        SELECT company_id AS unit_id, count(*) FILTER (odd) AS observed, count(*) AS of,
               list(id ORDER BY id) FILTER (odd) AS record_ids
        FROM judged GROUP BY ALL
        """,
        params={"first": since(last, rule["long_quarters"]), "last": last.last, "least": rule["text_min"],
                "alike": rule["alike"]},
    ).pl()  # fmt: skip
    return beside_others("company", rows, rule["drills_min"], rule["tail"])


ALL = {
    "entered_together": entered_together, "closed_together": closed_together, "split_findings": split_findings,
    "entered_in_minutes": entered_in_minutes, "told_alike": told_alike,
}  # fmt: skip
