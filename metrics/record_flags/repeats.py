"""One complaint entered through several channels, one hazard found twice in one place: cited each, scored once.

Both are stretches of days on which the matter was open. A record that begins inside the stretch of an earlier one is the
same matter, and the first record of the stretch stands for it. What comes after the closing is no repeat: it came back.
Places are compared as they are written, but for spaces and punctuation: "block 3" and "block 8" look alike and are not.
"""

from __future__ import annotations

import duckdb

from metrics.complaints import DEMANDS
from rules.book import Rule

FOREVER = "DATE '9999-12-31'"
#: Records under appeal neither repeat another nor are repeated.
UNDISPUTED = """
    NOT coalesce(r.objection_open, false)
    AND r.record_id NOT IN (SELECT record_id FROM edition.disputes WHERE record_table = '{table}')
"""
#: Rows ``open_rows (record_id, estate_id, place, day, open_to, worth, ...)`` to the first of their stretch. ``worth``:
#: the first stands for a later record only where it is worth as much; what counts is never lost with what does not.
STRETCHES = """
    shared AS (SELECT estate_id, place FROM open_rows GROUP BY ALL HAVING count(*) > 1),
    begun AS (
        SELECT *, coalesce(day > max(open_to) OVER (
            PARTITION BY estate_id, place ORDER BY day, record_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), true) AS begins FROM open_rows SEMI JOIN shared USING (estate_id, place)
    ),
    numbered AS (
        SELECT *, sum(begins::INT) OVER (PARTITION BY estate_id, place ORDER BY day, record_id) AS stretch FROM begun
    ),
    led AS (
        SELECT *, first(record_id) OVER w AS other_id, first(day) OVER w AS other_day, first(worth) OVER w AS other_worth,
               first(channel) OVER w AS other_channel
        FROM numbered
        WINDOW w AS (PARTITION BY estate_id, place, stretch ORDER BY day, record_id
                     ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    )
"""


def insert(con: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    """Append to ``_facts``: ``same_matter``, ``same_report``, ``same_finding``."""
    _matters(con)
    _reports(con, rule["repeat_days"])
    _findings(con)


def _matters(con: duckdb.DuckDBPyConnection) -> None:
    """Orders the hotline itself joined to an earlier one."""
    con.execute(
        """
        INSERT INTO _facts BY NAME
        SELECT 'complaints' AS record_table, r.record_id, r.estate_id, r.received_on AS day, 'same_matter' AS kind,
               r.received_on - o.received_on AS days, o.record_id AS other_id, o.estate_id AS other_estate_id,
               o.received_on AS other_day
        FROM complaints AS r JOIN complaints AS o ON o.complaint_id = r.matter_id
        WHERE r.complaint_id <> r.matter_id AND r.estate_id = o.estate_id
        """
    )


def _reports(con: duckdb.DuckDBPyConnection, within: int) -> None:
    """One caller's complaint of one category, entered again through another channel while the first was open."""
    con.execute(
        f"""
        INSERT INTO _facts BY NAME
        WITH open_rows AS (
            SELECT r.record_id, r.estate_id, (r.category, r.caller_hash) AS place, r.received_on AS day, r.channel,
                   coalesce(r.upheld IN ('yes', 'partly'), false) AS worth,
                   least(coalesce(r.closed_on, {FOREVER}), r.received_on + $within::INT) AS open_to
            FROM complaints AS r
            WHERE r.estate_id IS NOT NULL AND r.category IS NOT NULL AND r.caller_hash IS NOT NULL
              AND list_contains($demands, r.nature) AND NOT coalesce(r.unreasonable, false)
              AND coalesce(r.responsibility, 'company') = 'company' AND {UNDISPUTED.format(table="complaints")}
        ), {STRETCHES}
        SELECT 'complaints' AS record_table, record_id, estate_id, day, 'same_report' AS kind, day - other_day AS days,
               other_id, estate_id AS other_estate_id, other_day
        FROM led WHERE other_id <> record_id AND channel <> other_channel AND other_worth >= worth
        """,
        {"within": within, "demands": list(DEMANDS)},
    )


def _findings(con: duckdb.DuckDBPyConnection) -> None:
    """A hazard of one type, severity and party found again in one place before it was put right."""
    con.execute(
        f"""
        INSERT INTO _facts BY NAME
        WITH placed AS (
            SELECT r.*, regexp_replace(lower(r.location), '[[:space:][:punct:]，。、；：（）]+', '', 'g') AS spot
            FROM hazards AS r WHERE r.estate_id IS NOT NULL AND {UNDISPUTED.format(table="hazards")}
        ),
        open_rows AS (
            SELECT record_id, estate_id, (hazard_type, severity, responsible_party, spot) AS place, found_on AS day,
                   NULL AS channel, coalesce(extended_to, due_on) IS NOT NULL AS worth,
                   CASE WHEN coalesce(verified_result = 'fail', false) THEN {FOREVER}
                        ELSE coalesce(rectified_on, {FOREVER}) END AS open_to
            FROM placed WHERE spot <> ''
        ), {STRETCHES}
        SELECT 'hazards' AS record_table, record_id, estate_id, day, 'same_finding' AS kind, day - other_day AS days,
               other_id, estate_id AS other_estate_id, other_day
        FROM led WHERE other_id <> record_id AND other_worth >= worth
        """
    )
