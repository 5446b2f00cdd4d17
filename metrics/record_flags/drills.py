"""Drills whose proof, account or figures are those of an earlier one (domain.md D03; method.md 14.3).

A drill is compared with the earlier ones of the company in charge on its day (of the estate, where nobody was). Several
estates drilling together on one day share a file and an account by right, and are not flagged for it.

Accounts are alike by the share of runs of three characters they have in common (Jaccard). Which pairs can reach the rule's
share is found by prefixes: with each text's runs ordered from the rarest, two texts that share ``alike`` of their runs share
one of the first ``n - ceil(alike n) + 1`` (Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007). So no pair is
missed, and few are compared.
"""

from __future__ import annotations

import duckdb

from rules.book import Rule

#: Drills with the group they are compared in.
DRILLS = """
    CREATE OR REPLACE TEMP TABLE _drills AS
    SELECT r.*, coalesce(m.company_id, 'estate ' || r.estate_id) AS band,
           regexp_replace(lower(r.content), '[[:space:][:punct:]，。、；：（）]+', '', 'g') AS said
    FROM fire_drills AS r
    LEFT JOIN edition.management AS m
      ON m.estate_id = r.estate_id AND r.held_on >= m.valid_from AND r.held_on < m.valid_to
    WHERE r.estate_id IS NOT NULL
"""
#: All three counts are needed: equal by chance they are rarely. The rest of what is written must be equal too, or empty in both.
COUNTS = ("staff", "residents", "evacuation_minutes")
WRITTEN = ("kind", "place", "content", "departments", "blocks_drilled")
#: Drills with the same ``what`` get one number ``alike_no``; equal ones are alike, likeness 1.
EQUAL = """
    CREATE OR REPLACE TEMP TABLE _members AS
    SELECT record_id, estate_id, held_on, dense_rank() OVER (ORDER BY band, {what}) AS alike_no FROM _drills WHERE {when};
    CREATE OR REPLACE TEMP TABLE _likes AS SELECT DISTINCT alike_no, alike_no AS other_no, 1.0 AS likeness FROM _members
"""
#: Of earlier drills alike the likest, then the first: the first of all, or on one day the first of the same estate.
FACT = """
    INSERT INTO _facts BY NAME
    WITH first_of_all AS (
        SELECT * FROM _members QUALIFY row_number() OVER (PARTITION BY alike_no ORDER BY held_on, record_id) = 1
    ),
    first_here AS (
        SELECT * FROM _members QUALIFY row_number() OVER (PARTITION BY alike_no, estate_id ORDER BY held_on, record_id) = 1
    ),
    found AS (
        SELECT d.*, l.likeness, o.record_id AS other_id, o.estate_id AS other_estate_id, o.held_on AS other_day
        FROM _members AS d JOIN _likes AS l USING (alike_no) JOIN first_of_all AS o ON o.alike_no = l.other_no
        WHERE o.held_on < d.held_on
        UNION ALL
        SELECT d.*, l.likeness, o.record_id, o.estate_id, o.held_on
        FROM _members AS d JOIN _likes AS l USING (alike_no)
        JOIN first_here AS o ON o.alike_no = l.other_no AND o.estate_id = d.estate_id
        WHERE (o.held_on, o.record_id) < (d.held_on, d.record_id)
    )
    SELECT 'fire_drills' AS record_table, record_id, estate_id, held_on AS day, '{kind}' AS kind,
           held_on - other_day AS days, {likeness} AS likeness, other_id, other_estate_id, other_day
    FROM found
    QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY found.likeness DESC, other_day, other_id) = 1
"""


def insert(con: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    """Append to ``_facts``: ``same_file``, ``same_figures``, ``same_account`` with its likeness."""
    con.execute(DRILLS)
    con.execute(EQUAL.format(what="evidence_hash", when="evidence_hash IS NOT NULL"))
    con.execute(FACT.format(kind="same_file", likeness="NULL"))
    counted = " AND ".join(f"{c} IS NOT NULL" for c in COUNTS)
    con.execute(EQUAL.format(what=", ".join((*WRITTEN, *COUNTS)), when=counted))
    con.execute(FACT.format(kind="same_figures", likeness="NULL"))
    _accounts(con, rule["text_min"], rule["alike"])
    con.execute(FACT.format(kind="same_account", likeness="likeness"))
    con.execute("DROP TABLE _drills; DROP TABLE _texts; DROP TABLE _members; DROP TABLE _likes")


def _accounts(con: duckdb.DuckDBPyConnection, least: int, alike: float) -> None:
    """Fill ``_members`` and ``_likes`` with the drills' accounts; one text of one group has one number."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE _texts AS
        SELECT row_number() OVER (ORDER BY band, said) AS alike_no, band, said,
               list_distinct(list_transform(range(1, length(said) - 1), lambda i: substr(said, i, 3))) AS runs
        FROM _drills WHERE length(said) >= $least GROUP BY band, said
        """,
        {"least": least},
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE _members AS
        SELECT record_id, estate_id, held_on, alike_no FROM _drills JOIN _texts USING (band, said)
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE _likes AS
        WITH runs AS (SELECT alike_no, band, len(runs) AS n, unnest(runs) AS run FROM _texts),
        rare AS (SELECT *, count(*) OVER (PARTITION BY band, run) AS texts FROM runs),
        prefixes AS (
            SELECT alike_no, band, n, run FROM rare
            QUALIFY row_number() OVER (PARTITION BY alike_no ORDER BY texts, run) <= n - ceil($alike * n - 1e-9) + 1
        ),
        pairs AS (
            SELECT DISTINCT a.alike_no, b.alike_no AS other_no
            FROM prefixes AS a JOIN prefixes AS b
              ON a.band = b.band AND a.run = b.run AND a.alike_no <> b.alike_no
             AND b.n BETWEEN $alike * a.n - 1e-9 AND a.n / $alike + 1e-9
        ),
        shared AS (
            SELECT p.*, len(list_intersect(a.runs, b.runs)) AS shared, len(a.runs) + len(b.runs) AS whole
            FROM pairs AS p
            JOIN _texts AS a ON a.alike_no = p.alike_no JOIN _texts AS b ON b.alike_no = p.other_no
        )
        SELECT alike_no, other_no, round(shared / (whole - shared), 9) AS likeness FROM shared
        WHERE shared / (whole - shared) >= $alike - 1e-9
        UNION ALL SELECT alike_no, alike_no, 1.0 FROM _texts
        """,
        {"alike": alike},
    )
