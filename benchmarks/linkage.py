"""How names of companies are linked, on pairs labelled by their spelling alone: an optimistic, first figure.

Toronto's older registers name managers in spellings its newest register no longer has. ``real_links.csv`` says for 116
of them which newest name is the same company, or that none is, judged by reading both names and nothing else; names
stand there as hashes, since no result names a real company. Read the figures with three reservations: the pairs were
the best candidates of an earlier state of this very linker (confidence 0.35 and more), so a match it never proposed
is missing from the recall; seven that could not be decided were left out; and one rule of ``data/linkage.py`` (misspelt
common words) was made after seeing these pairs, and none were held back.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from data.linkage import evened, link

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
    print(f"\nCompany names linked by likeness, {rows.height} labelled, {rows['linkable'].sum()} of them linkable:")
    for least in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4):
        made = rows.filter(pl.col("confidence") >= least)
        precision = made["right"].sum() / max(made.height, 1)
        recall = made["right"].sum() / max(rows["linkable"].sum(), 1)
        print(f"  confidence >= {least}: {made.height:>3} links, precision {precision:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    from benchmarks.real import FOLDER

    tell(FOLDER)
