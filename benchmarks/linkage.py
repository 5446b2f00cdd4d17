"""How names of companies are linked, on pairs labelled by their spelling alone: an optimistic, first figure.

Toronto's older registers name managers in spellings its newest register no longer has. ``real_links.csv`` says for 116
of them which newest name is the same company, or that none is, judged by reading both names and nothing else; names
stand there as hashes, since no result names a real company. Read the figures with three reservations: the pairs were
the best candidates of an earlier state of this very linker (confidence 0.35 and more), so a match it never proposed
is missing from the recall; seven that could not be decided were left out; and one rule of ``data/linkage.py`` (misspelt
common words) was made after seeing these pairs, and none were held back.

``real_addresses.csv`` says for 169 addresses of Toronto's fire inspections which address of the register they stand at, or
that they stand at none: drawn by their hashes, 60 of those linked at the time and 110 of those not, one left out as
undecided; read beside every register address of the same street with a number at most six away. House-number ranges were
made to match after seeing them.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks import REAL
from data.addresses import address_key
from data.linkage import evened, link
from data.making import FOUND, located
from rules.book import Book

LABELS = Path(__file__).parent / "real_links.csv"
NEWEST = "2026-08-06_v2.csv"
HEADING = "PROP_MANAGEMENT_COMPANY_NAME"


def mark(name: str) -> str:
    """A name's hash."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _names(path: Path) -> pl.Series:
    frame = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)
    return frame[HEADING].drop_nulls() if HEADING in frame.columns else pl.Series(HEADING, [], dtype=pl.String)


def judged(folder: Path) -> pl.DataFrame:
    """One labelled name with the link made of it: name, confidence, right, linkable."""
    registers = folder / "toronto" / "registrations"
    newest = pl.DataFrame({"name": _names(registers / NEWEST).unique().sort()})
    registry = newest.with_columns(company_id=evened(pl.col("name"))).drop_nulls()
    older = [_names(f) for f in sorted(registers.glob("*.csv")) if f.name < NEWEST and f.stat().st_size > 10_000]
    links = link(pl.concat(older).unique().sort(), registry).filter(pl.col("reason") == "likeness")
    labels = pl.read_csv(LABELS, infer_schema=False).with_columns(pl.col("company").fill_null(""))
    marks = links.with_columns(
        mark=pl.col("name").map_elements(mark, return_dtype=pl.String),
        company=pl.col("company_id").map_elements(mark, return_dtype=pl.String),
    )
    return labels.join(marks, left_on="name", right_on="mark", suffix="_linked").with_columns(
        right=pl.col("company") == pl.col("company_linked"), linkable=pl.col("company") != ""
    )


def tell(folder: Path) -> None:
    """Precision and recall by least confidence, of names that no evened spelling links already."""
    rows = judged(folder)
    by_rule = Book().on(date(2026, 1, 1), "linkage")
    print(f"\nCompany names linked by likeness, {rows.height} labelled, {rows['linkable'].sum()} of them linkable:")
    for least in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4):
        made = rows.filter(pl.col("confidence") >= least)
        precision = made["right"].sum() / max(made.height, 1)
        recall = made["right"].sum() / max(rows["linkable"].sum(), 1)
        print(f"  confidence >= {least}: {made.height:>3} links, precision {precision:.3f}, recall {recall:.3f}")
    sure = (pl.col("confidence") >= by_rule["links"]) & (
        pl.col("confidence") - pl.col("runner_up") >= by_rule["margin"]
    )
    made = rows.filter(sure)
    shares = [made["right"].sum() / max(n, 1) for n in (made.height, rows["linkable"].sum())]
    print(f"  by the rule, with its margin: {made.height} links, precision {shares[0]:.3f}, recall {shares[1]:.3f}")
    asked = rows.filter(~sure & (pl.col("confidence") >= by_rule["asks"]))
    meant = asked.filter("linkable")
    print(
        f"  asked of a person: {asked.height}, {meant.height} of them linkable; the right company is the one offered for "
        f"{meant['right'].sum()}"
    )
    _tell_addresses(folder)


def judged_addresses(folder: Path) -> tuple[pl.DataFrame, int, int]:
    """One labelled address: linked, right, linkable; and how many addresses of the file are linked, and how many are not."""
    registers = sorted((folder / "toronto" / "registrations").glob("*.csv"))
    frames = [
        pl.read_csv(f, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)
        for f in registers
        if f.stat().st_size > 10_000
    ]
    places = pl.concat(
        [f.select(estate_id="SITE_ADDRESS", address="SITE_ADDRESS") for f in frames if "SITE_ADDRESS" in f.columns]
    )
    places = places.with_columns(estate_id=address_key(pl.col("estate_id"))).drop_nulls().unique(["estate_id"])
    fire = pl.read_csv(next((folder / "toronto" / "fire").glob("*.csv")), infer_schema=False, encoding="utf8-lossy")
    found = located(fire.select(a="propertyAddress").drop_nulls().unique(), "a", places)
    marked = found.select(
        name=pl.col("a").map_elements(mark, return_dtype=pl.String),
        linked=pl.when(pl.col(FOUND) == "")
        .then(pl.lit(""))
        .otherwise(pl.col(FOUND).map_elements(mark, return_dtype=pl.String)),
    )
    labels = pl.read_csv(LABELS.with_name("real_addresses.csv"), infer_schema=False).with_columns(
        pl.col("address").fill_null("")
    )
    rows = labels.join(marked, on="name", how="inner").with_columns(
        right=(pl.col("linked") == pl.col("address")) & (pl.col("linked") != ""), linkable=pl.col("address") != ""
    )
    linked = (found[FOUND] != "").sum()
    return rows, linked, found.height - linked


def _tell_addresses(folder: Path) -> None:
    """Precision and recall, each half of the sample weighed by how many addresses it was drawn from."""
    rows, linked, others = judged_addresses(folder)
    made, left = rows.filter(pl.col("linked") != ""), rows.filter(pl.col("linked") == "")
    right = linked * made["right"].mean()
    missed = others * left["linkable"].mean()
    print(
        f"\nFire addresses to buildings, {rows.height} labelled: {linked} of {linked + others} linked, precision "
        f"{made['right'].mean():.3f} ({made.height}), recall {right / (right + missed):.3f} (missed {left['linkable'].sum()} of {left.height})"
    )


if __name__ == "__main__":
    tell(REAL)
