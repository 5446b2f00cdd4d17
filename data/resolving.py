"""Who is meant: names and addresses of estates and companies, where a delivery should give a code.

By the register's own code, then by the name or address without habits of spelling, then by likeness
(``data/linkage.py``); ``rules/linkage.toml`` says from which confidence on. Every link is kept with its confidence and
reason, and the rows it touched name their delivery. A text without a blank or a Chinese sign is a code, and a wrong code
is never taken for a likely one: one sign more or less is another estate.
"""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from data.addresses import address_key, with_ranges
from data.linkage import LINKS, link
from data.mapping import Source
from rules.book import Book, Rule

#: Column -> (register, its key, columns that name a record, column of its address).
REGISTERS = {
    "estate_id": ("estates", "estate_id", ("name_zh", "name_en"), "address"),
    "company_id": ("companies", "company_id", ("name_zh", "name_en"), None),
}
REASON = "who_is_this"
#: How a link came about that a person made by mending a row.
CONFIRMED = "confirmed"
#: A text that may be a name: codes have neither a blank nor a Chinese sign.
A_NAME = r"[\p{Han}\s]"
#: What tells two of a kind apart: a house number, a phase, a block; what stands in brackets, such as a branch, too.
NUMBERS = r"[0-9]+|[一二三四五六七八九十]+(?:期|区|栋|座|号|村|苑)"


def rule_on(day: date) -> Rule:
    """The rule for links in force on a day."""
    return Book().on(day, "linkage")


def resolve(con: duckdb.DuckDBPyConnection, source: Source, delivery_id: str, day: date) -> int:
    """Put registry ids in place of names in ``staged``; rows whose name is doubtful move to ``failed``.

    Called before rows are compared with each other, as two may turn out to be of one record. Snapshots are left alone:
    they bring their registers with them (``data/spellings.py``).

    Returns:
        Rows set aside.
    """
    if source.snapshot:
        return 0
    rejected = 0
    for column, (table, key, names, address) in REGISTERS.items():
        if column in source.table.columns and source.table.name != table:
            said = _unknown(con, column, table, key)
            if said.len():
                rule = rule_on(day)
                links = _links(con, said, table, key, names, address, rule)
                rejected += _settle(con, source, delivery_id, column, links, rule)
    return rejected


def _unknown(con: duckdb.DuckDBPyConnection, column: str, table: str, key: str) -> pl.Series:
    """Names in ``staged`` that are no code on record."""
    return con.sql(
        f"""
        SELECT said FROM (SELECT DISTINCT "{column}" AS said FROM staged)
        WHERE said NOT IN (SELECT "{key}" FROM {table} WHERE revised_by_seq IS NULL)
          AND regexp_matches(said, '{A_NAME}')
        ORDER BY 1
        """
    ).pl()["said"]


def evener(column: str) -> pl.Expr:
    """A name with its usual signs, so that （二期） and (二期) are one."""
    return pl.col(column).str.normalize("NFKC").str.to_uppercase()


def _links(
    con: duckdb.DuckDBPyConnection, said: pl.Series, table: str, key: str, names: tuple[str, ...], address: str | None,
    rule: Rule,
) -> pl.DataFrame:  # fmt: skip
    """One name with the record it most likely means (LINKS); spellings linked before count as names of the record."""
    every = [*names, *([address] if address else [])]
    parts = [f'SELECT "{key}" AS company_id, "{n}" AS name FROM {table} WHERE revised_by_seq IS NULL' for n in every]
    known = con.sql(f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)}) WHERE name IS NOT NULL ORDER BY ALL").pl()
    kept = con.sql(
        "SELECT DISTINCT linked_id AS company_id, said AS name FROM reference_links WHERE register = $table AND confidence >= $links",
        params={"table": table, "links": rule["links"]},
    ).pl()
    at = pl.DataFrame(schema=LINKS)
    if address:
        places = known.with_columns(key=address_key(pl.col("name"))).filter(pl.col("key").str.contains(r"^\d"))
        places = with_ranges(places).rename({"key": "place"})
        places = places.filter(pl.col("company_id").n_unique().over("place") == 1).unique("place")
        at = (
            pl.DataFrame({"said": said})
            .with_columns(place=address_key(pl.col("said")))
            .join(places, on="place")
            .select(
                name="said", company_id="company_id", linked_name="name", confidence=pl.lit(1.0),
                reason=pl.lit("same_address"), runner_up=pl.lit(0.0),
            )
        )  # fmt: skip
    rest = said.filter(~said.is_in(at["name"].implode()))
    linked = link(rest, pl.concat([known, kept], how="vertical_relaxed").unique().sort("company_id", "name"))
    marks = [
        pl.concat_list(evener(c).str.extract_all(NUMBERS), evener(c).str.extract_all(r"\(.*?\)")).list.sort()
        for c in ("name", "linked_name")
    ]
    doubted = (pl.col("reason") != "code") & (marks[0] != marks[1])
    asked = pl.min_horizontal("confidence", pl.lit((rule["asks"] + rule["links"]) / 2))
    linked = linked.with_columns(
        confidence=pl.when(doubted).then(asked).otherwise("confidence"),
        reason=pl.when(doubted).then(pl.lit("other_number")).otherwise("reason"),
    )
    return pl.concat([at.cast(pl.Schema(LINKS)), linked]).sort("name")


def _settle(
    con: duckdb.DuckDBPyConnection, source: Source, delivery_id: str, column: str, links: pl.DataFrame, rule: Rule
) -> int:
    sure = (pl.col("confidence") >= rule["links"]) & (pl.col("confidence") - pl.col("runner_up") >= rule["margin"])
    asks = ~sure & (pl.col("confidence") >= rule["asks"])
    con.register("_links", links.filter(sure | asks).with_columns(sure=sure).to_arrow())
    table = REGISTERS[column][0]
    con.execute(
        f"""
        INSERT INTO reference_links
        SELECT $id, '{column}', '{table}', l.name, l.company_id, l.linked_name, l.confidence, l.runner_up, l.reason, count(*)
        FROM _links AS l JOIN staged AS s ON s."{column}" = l.name WHERE l.sure GROUP BY ALL
        """,
        {"id": delivery_id},
    )
    rejected = _ask_who(con, source, column)
    con.execute(
        f'UPDATE staged SET "{column}" = l.company_id FROM _links AS l WHERE l.sure AND staged."{column}" = l.name'
    )
    con.unregister("_links")
    return rejected


def _ask_who(con: duckdb.DuckDBPyConnection, source: Source, column: str) -> int:
    """Set rows of doubtful names aside with the record each most likely means."""
    values = ", ".join(f"'{c}', \"{c}\"" for c in source.table.columns)
    estate = "s.estate_id" if "estate_id" in source.table.columns and column != "estate_id" else "NULL"
    con.execute(
        f"""
        INSERT INTO failed
        SELECT '', s.line, '{column}', s."{column}", '{REASON}',
               json_object('likely', l.linked_name, 'id', l.company_id, 'percent', round(100 * l.confidence)::INTEGER,
                           'next_percent', round(100 * l.runner_up)::INTEGER, 'how', l.reason)::VARCHAR,
               json_object({values})::VARCHAR, {estate}, s.record_id
        FROM staged AS s JOIN _links AS l ON s."{column}" = l.name WHERE NOT l.sure
        """
    )
    return con.execute(
        f"""DELETE FROM staged WHERE "{column}" IN (SELECT name FROM _links WHERE NOT sure)"""
    ).fetchall()[0][0]


def keep_confirmed(con: duckdb.DuckDBPyConnection, delivery_id: str, passed: pl.DataFrame) -> None:
    """Keep what a person said who is meant by a name: from now on it is a name of that record, as sure as its own.

    Called while ``staged`` holds the rows a person mended.

    Args:
        passed: ``delivery_id, line`` of each row as it was set aside, ``n`` its line in ``staged``.
    """
    _passed = passed.select("delivery_id", "line", "n").to_arrow()  # read by its name
    for column, (table, key, names, _) in REGISTERS.items():
        held = {
            c for (c,) in con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'staged'").fetchall()
        }
        if column not in held:
            continue
        con.execute(
            f"""
            INSERT INTO reference_links
            SELECT $id, '{column}', '{table}', s.found, t."{column}", min(r."{names[0]}"), 1.0, 0.0, '{CONFIRMED}',
                   count(DISTINCT t.line)
            FROM _passed AS p
            JOIN rows_set_aside AS s ON s.delivery_id = p.delivery_id AND s.line = p.line
            JOIN staged AS t ON t.line = p.n
            JOIN {table} AS r ON r."{key}" = t."{column}" AND r.revised_by_seq IS NULL
            WHERE s.column_name = '{column}' AND s.reason IN ('{REASON}', 'unknown_reference') AND s.found <> t."{column}"
              AND regexp_matches(s.found, '{A_NAME}')
              AND NOT EXISTS (
                SELECT 1 FROM reference_links AS k
                WHERE k.register = '{table}' AND k.said = s.found AND k.linked_id = t."{column}" AND k.confidence >= 1
              )
            GROUP BY s.found, t."{column}"
            """,
            {"id": delivery_id},
        )
