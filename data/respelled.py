"""A company named otherwise at the same estate in the next register: another spelling of it, or another company?

Registers that name companies by text alone tell a misspelt name as a change of hands. Two names at one estate in registers
after each other are one company where they are as like as ``rules/linkage.toml`` asks of them (``same_place``: less than of a
name by itself, as the place speaks for it too) and carry the same numbers. The name more estates have is kept for both; each
such link is kept with its confidence. Companies that come with a code of their own are told apart by it, never by this.
What a person decided of two names (``data/same_company.py``) stands before what the rule says.
"""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from data.deliveries import note
from data.linkage import likeness_of
from data.mapping import Source
from data.reading import Note
from rules.book import Rule

REASON = "respelled"
#: A person's decisions on two names, as kinds of ``desk_acts``; the names stand in ``changes``, ``from`` and ``to``.
SAME, TWO = "same_company", "two_companies"
#: Links followed one after the other: a spelling of a spelling.
STEPS = 5
SHOWN = 10
#: The newest decision on each pair of names (``a`` < ``b``); ``$kind`` says one more that is being made.
DECIDED = f"""
    SELECT said, company, kind, least(said, company) AS a, greatest(said, company) AS b
    FROM (
        SELECT act_id, kind, json_extract_string(changes, '$.from') AS said, json_extract_string(changes, '$.to') AS company
        FROM desk_acts WHERE kind IN ('{SAME}', '{TWO}')
        UNION ALL SELECT '~', $kind, $said, $company WHERE $kind IS NOT NULL
    )
    QUALIFY row_number() OVER (PARTITION BY least(said, company), greatest(said, company) ORDER BY act_id DESC) = 1
"""


def told_by_name(source: Source) -> bool:
    """Does a source know companies by their names alone?"""
    return source.snapshot is not None and any("company" in rule for rule in source.make.get("company_id", ()))


def kept(con: duckdb.DuckDBPyConnection, kind: str | None = None, said: str = "", company: str = "") -> dict[str, str]:
    """Spellings linked so far: said -> company. A person's word goes before the rule's.

    Args:
        kind, said, company: one more decision, as if it were made.
    """
    sql = f"""
        WITH decided AS ({DECIDED}),
        edges AS (
            SELECT said, linked_id AS company, 1 AS rank FROM reference_links
            WHERE reason = '{REASON}' AND (least(said, linked_id), greatest(said, linked_id)) NOT IN (SELECT (a, b) FROM decided)
            UNION ALL SELECT said, company, 0 FROM decided WHERE kind = '{SAME}'
        )
        SELECT said, company FROM edges QUALIFY row_number() OVER (PARTITION BY said ORDER BY rank, company) = 1
    """
    return dict(con.execute(sql, {"kind": kind, "said": said, "company": company}).fetchall())


def apart(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Pairs of names a person said are two companies, both ways round: before, after."""
    sql = f"""
        WITH decided AS ({DECIDED})
        SELECT a AS before, b AS after FROM decided WHERE kind = '{TWO}'
        UNION ALL SELECT b, a FROM decided WHERE kind = '{TWO}'
    """
    return con.sql(sql, params={"kind": None, "said": "", "company": ""}).pl()


def pairs(rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Names that follow each other at an estate, with how like they are: before, after, estates, likeness.

    Args:
        rows, held: ``estate_id``, ``company_id`` of a register and of the open periods before it.
    """
    both = rows.select("estate_id", after="company_id").join(
        held.select("estate_id", before="company_id"), on="estate_id"
    )
    changes = both.filter(pl.col("before") != pl.col("after")).group_by("before", "after").agg(estates=pl.len())
    known = pl.concat([rows["company_id"], held["company_id"]]).drop_nulls().unique().sort()
    return with_likeness(changes.filter(same_numbers()).sort("before", "after"), known)


def same_numbers() -> pl.Expr:
    """Do ``before`` and ``after`` carry the same numbers?"""
    before, after = (pl.col(c).str.extract_all(r"\d+").list.sort() for c in ("before", "after"))
    return before == after


def with_likeness(changes: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Add ``likeness`` of ``before`` and ``after``, words weighed by how rare they are among the names known."""
    like = likeness_of(changes["before"].to_list(), changes["after"].to_list(), known.to_list())
    return changes.with_columns(likeness=pl.Series(like, dtype=pl.Float64))


def joined(companies: pl.Series, links: dict[str, str]) -> pl.Series:
    """Each name's company, a spelling of a spelling too."""
    for _ in range(STEPS):
        companies = companies.replace(links)
    return companies


def links_of(changes: pl.DataFrame, rows: pl.DataFrame, held: pl.DataFrame, least: float) -> dict[str, str]:
    """Name -> the name kept for both: the one more estates have; of two equally common ones the earlier."""
    sizes = pl.concat([rows.select("estate_id", "company_id"), held.select("estate_id", "company_id")])
    size = sizes.group_by("company_id").agg(n=pl.col("estate_id").n_unique())
    sized = (
        changes.filter(pl.col("likeness") >= least)
        .join(size.rename({"company_id": "before", "n": "n_before"}), on="before", how="left")
        .join(size.rename({"company_id": "after", "n": "n_after"}), on="after", how="left")
    )
    later = pl.col("n_after") > pl.col("n_before")
    told = sized.sort("likeness", "before", "after", descending=[True, False, False]).select(
        said=pl.when(later).then("before").otherwise("after"), company=pl.when(later).then("after").otherwise("before")
    )
    return dict(told.unique("said", keep="first", maintain_order=True).rows())


def resolved(
    con: duckdb.DuckDBPyConnection, delivery_id: str, rows: pl.DataFrame, held: pl.DataFrame, rule: Rule, day: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A register's rows and the periods held, with one name for each company; new links are kept and doubtful ones noted."""
    before, said = kept(con), rows.select("estate_id", said="company_id")
    rows = rows.with_columns(joined(rows["company_id"], before).alias("company_id"))
    open_ones = held.filter(pl.col("valid_to").is_null())
    changes = pairs(rows, open_ones).join(apart(con), on=["before", "after"], how="anti", maintain_order="left")
    links = links_of(changes, rows, open_ones, rule["same_place"])
    new = changes.filter(pl.col("likeness") >= rule["same_place"])
    if new.height:
        _keep(con, delivery_id, new, links)
        rows = rows.with_columns(joined(rows["company_id"], links).alias("company_id"))
        named_so = open_ones.filter(pl.col("company_id").is_in(list(links)))
        observe(con, delivery_id, named_so.select("estate_id", day="valid_from", said="company_id"))
        running = pl.col("valid_to").is_null()
        one_name = joined(held["company_id"], links)
        held = held.with_columns(pl.when(running).then(one_name).otherwise("company_id").alias("company_id"))
    several = rows.filter(pl.col("company_id").is_in([*before.values(), *links.values()]))
    several = several.select("estate_id", "company_id").join(said, on="estate_id")
    _observe_changes(con, delivery_id, several, held.filter(pl.col("valid_to").is_null()), day)
    doubted = changes.filter(pl.col("likeness").is_between(rule["asks"], rule["same_place"], closed="left"))
    if doubted.height:
        named = doubted.sort("likeness", "before", descending=[True, False]).head(SHOWN)
        told = "; ".join(f"{b} → {a} ({x:.0%})" for b, a, x in named.select("before", "after", "likeness").iter_rows())
        note(con, delivery_id, [Note("perhaps_respelled", {"n": doubted.height, "names": told})])
    return rows, held


def observe(con: duckdb.DuckDBPyConnection, delivery_id: str, rows: pl.DataFrame) -> None:
    """Keep under which name an estate's company stood from a day on: ``estate_id, day, said``."""
    _read = rows.select("estate_id", "day", "said").to_arrow()  # read by its name
    con.execute("INSERT INTO names_read SELECT $id, * FROM _read ORDER BY ALL", {"id": delivery_id})


def _observe_changes(
    con: duckdb.DuckDBPyConnection, delivery_id: str, rows: pl.DataFrame, held: pl.DataFrame, day: date
) -> None:
    """Keep the names of a register's companies of several names, where they differ from the last one of the same tenure."""
    read = con.sql("SELECT estate_id, day, said AS last FROM names_read ORDER BY day, delivery_id").pl()
    running = held.select("estate_id", "company_id", "valid_from")
    last = read.join(running, on="estate_id").filter(pl.col("day") >= pl.col("valid_from"))
    last = last.unique("estate_id", keep="last", maintain_order=True).select("estate_id", "company_id", "last")
    both = rows.join(last, on=["estate_id", "company_id"], how="left")
    changed = both.filter(pl.col("said") != pl.coalesce("last", "company_id"))
    observe(con, delivery_id, changed.select("estate_id", pl.lit(day).alias("day"), "said"))


def _keep(con: duckdb.DuckDBPyConnection, delivery_id: str, new: pl.DataFrame, links: dict[str, str]) -> None:
    """Note each spelling linked, with the estates it was met at and how like it is."""
    _links = (  # read by its name
        pl.concat(
            [
                new.select(said="before", linked="after", n="estates", x="likeness"),
                new.select(said="after", linked="before", n="estates", x="likeness"),
            ]
        )
        .filter(pl.col("said").replace_strict(links, default=None, return_dtype=pl.String) == pl.col("linked"))
        .to_arrow()
    )
    con.execute(
        f"""
        INSERT INTO reference_links
        SELECT $id, 'company_id', 'companies', said, linked, linked, x, 0.0, '{REASON}', n FROM _links ORDER BY said, linked
        """,
        {"id": delivery_id},
    )
