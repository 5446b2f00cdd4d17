"""A company named otherwise at the same estate in the next register: another spelling of it, or another company?

Registers that name companies by text alone tell a misspelt name as a change of hands. Two names at one estate in registers
after each other are one company where they are as like as ``rules/linkage.toml`` asks of them (``same_place``: less than of a
name by itself, as the place speaks for it too) and carry the same numbers. The name more estates have is kept for both; each
such link is kept with its confidence. Companies that come with a code of their own are told apart by it, never by this.
"""

from __future__ import annotations

import duckdb
import polars as pl

from data.deliveries import note
from data.linkage import likeness_of
from data.mapping import Source
from data.reading import Note
from rules.book import Rule

REASON = "respelled"
#: Links followed one after the other: a spelling of a spelling.
STEPS = 5
SHOWN = 10


def told_by_name(source: Source) -> bool:
    """Does a source know companies by their names alone?"""
    return any("company" in rule for rule in source.make.get("company_id", ()))


def kept(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Spellings linked before: said -> company."""
    sql = f"SELECT said, min(linked_id) FROM reference_links WHERE reason = '{REASON}' GROUP BY said"
    return dict(con.execute(sql).fetchall())


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
    numbers = [pl.col(c).str.extract_all(r"\d+").list.sort() for c in ("before", "after")]
    same_numbers = changes.filter(numbers[0] == numbers[1]).sort("before", "after")
    return same_numbers.with_columns(
        likeness=pl.Series(
            likeness_of(same_numbers["before"].to_list(), same_numbers["after"].to_list(), known.to_list()),
            dtype=pl.Float64,
        )
    )


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
    con: duckdb.DuckDBPyConnection, delivery_id: str, rows: pl.DataFrame, held: pl.DataFrame, rule: Rule
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A register's rows and the periods held, with one name for each company; new links are kept and doubtful ones noted."""
    before = kept(con)
    rows = rows.with_columns(joined(rows["company_id"], before).alias("company_id"))
    open_ones = held.filter(pl.col("valid_to").is_null())
    changes = pairs(rows, open_ones)
    links = links_of(changes, rows, open_ones, rule["same_place"])
    new = changes.filter(pl.col("likeness") >= rule["same_place"])
    if new.height:
        _keep(con, delivery_id, new, links)
        rows = rows.with_columns(joined(rows["company_id"], links).alias("company_id"))
        running = pl.col("valid_to").is_null()
        one_name = joined(held["company_id"], links)
        held = held.with_columns(pl.when(running).then(one_name).otherwise("company_id").alias("company_id"))
    doubted = changes.filter(pl.col("likeness").is_between(rule["asks"], rule["same_place"], closed="left"))
    if doubted.height:
        named = doubted.sort("likeness", "before", descending=[True, False]).head(SHOWN)
        said = "; ".join(f"{b} → {a} ({x:.0%})" for b, a, x in named.select("before", "after", "likeness").iter_rows())
        note(con, delivery_id, [Note("perhaps_respelled", {"n": doubted.height, "names": said})])
    return rows, held


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
