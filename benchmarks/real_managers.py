"""Toronto's registers over time: where a building's manager only changed its spelling, and where it was another company.

A respelling is another text of one company (``data/spellings.py``), so that no tenure ends; a change ends one. The examples
are drawn by hash and printed on request only: they hold names, which no file of this repository does.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from benchmarks.show import table
from data.addresses import company_key

HEADING = "PROP_MANAGEMENT_COMPANY_NAME"


def named(folder: Path) -> pl.DataFrame:
    """Who each building's registers name, oldest first: estate_id, day, manager (only where the text differs from the last)."""
    parts = []
    for path in sorted((folder / "toronto" / "registrations").glob("*.csv")):
        frame = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)
        if HEADING in frame.columns:
            day = pl.lit(path.stem[:10]).str.to_date()
            parts.append(
                frame.select(
                    estate_id=pl.col("RSN").str.strip_chars(), day=day, manager=pl.col(HEADING).str.strip_chars()
                )
            )
    rows = pl.concat(parts).filter(company_key(pl.col("manager")).is_not_null())
    rows = rows.unique(["estate_id", "day"], keep="last", maintain_order=True).sort("estate_id", "day")
    before = pl.col("manager").shift().over("estate_id")
    return rows.with_columns(before=before).filter(before.is_not_null() & (before != pl.col("manager")))


def judged(folder: Path, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Each change of text with what it is: ``company`` where a tenure of the building began on that day, else ``spelling``.

    Args:
        con: the store, with ``tenures``.
    """
    began = con.sql(
        """
        SELECT estate_id, valid_from AS day FROM tenures WHERE revised_by_seq IS NULL
        WINDOW w AS (PARTITION BY estate_id ORDER BY valid_from)
        QUALIFY (lag(company_id) OVER w, lag(valid_to) OVER w) IS DISTINCT FROM (company_id, valid_from)
        """
    ).pl()
    began = began.with_columns(is_=pl.lit("company"))
    return (
        named(folder)
        .join(began, on=["estate_id", "day"], how="left")
        .with_columns(kind=pl.col("is_").fill_null("spelling"))
    )


def tell(folder: Path, con: duckdb.DuckDBPyConnection, examples: int) -> None:
    rows = judged(folder, con)
    counts = rows.group_by("kind").agg(changes=pl.len(), pairs=pl.struct("before", "manager").n_unique()).sort("kind")
    table("Manager's text differs from the register before", counts)
    for kind in ("spelling", "company") if examples else ():
        pairs = rows.filter(kind=kind).select("before", "manager").unique()
        drawn = pairs.sort(pl.concat_str("before", "manager").hash(seed=1)).head(examples)
        print(f"\n{kind}, {drawn.height} of {pairs.height}")
        for old, new in drawn.iter_rows():
            print(f"  {old}  ->  {new}")
