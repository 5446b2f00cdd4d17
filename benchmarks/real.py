"""An index from records nobody shaped for us: Toronto's rental buildings and Pingshan's resident requests.

``make real`` loads the files as their publishers released them, computes an index and prints what came of it: rows
read and set aside and why, files refused, buildings rated and not, and how our inspection sub-index ranks buildings
beside the score the city published of the same building. No company is named.

    python -m benchmarks.real [--folder ../shared/real] [--period 2026Q2] [--examples 20]
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from benchmarks import REAL, linkage, real_cycles, real_flags, real_managers
from benchmarks.show import table
from data.intake import Delivery, accept, files_in, load_file, waiting_now
from data.reading import WrongFile
from data.records import attach_records, open_store
from data.waiting import Decision
from metrics import edition
from metrics.calendar import Quarter
from metrics.workplace import workplace
from rules.book import HERE as RULES
from rules.book import Book

HERE = Path(__file__).parent
PERIOD = "2026Q2"
SUBINDEX = "fire"
#: Numbers of rules/index.toml read otherwise here: weights of the sub-indices, least evidence.
CHANGED = {
    "fire": 1.0, "rectification": 0.0, "drills": 0.0, "security": 0.0, "residents": 0.0,
    "sources_min": 1, "inspection_months": 24,
}  # fmt: skip
#: Evaluation files with the published score: heading of the day, heading of the score.
PUBLISHED = {
    "pre-2023.csv": ("EVALUATION_COMPLETED_ON", "SCORE"),
    "2023-current.csv": ("EVALUATION COMPLETED ON", "CURRENT BUILDING EVAL SCORE"),
    "2026-03-01.csv": ("EVALUATION COMPLETED ON", "CURRENT BUILDING EVAL SCORE"),
    "2026-08-22.csv": ("EVALUATION COMPLETED ON", "CURRENT BUILDING EVAL SCORE"),
}


@dataclass
class Loaded:
    """What loading some files came to."""

    deliveries: list[Delivery] = field(default_factory=list)
    refused: list[WrongFile] = field(default_factory=list)


def toronto_book(folder: Path) -> Book:
    """Our rulebook as read on Toronto, copied to ``folder``.

    Every metric is shown only, but for the two of ``real_rules/``; the index is their sub-index alone, and asks for
    what the city publishes (CHANGED): it has one source, and evaluates a building every two years.
    """
    shutil.copytree(RULES, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (folder / "metrics").glob("*.toml"):
        path.write_text(re.sub(r"(?m)^(weight\s*=\s*)[\d.]+", r"\g<1>0.0", path.read_text("utf-8")), "utf-8")
    shutil.copytree(HERE / "real_rules", folder, dirs_exist_ok=True)
    index = (folder / "index.toml").read_text("utf-8")
    for key, value in CHANGED.items():
        index, found = re.subn(rf"(?m)^({key}\s*=\s*)[\d.]+", rf"\g<1>{value}", index)
        if not found:
            raise LookupError(f"rules/index.toml has no '{key}' any more. Bring CHANGED in {__name__} up to date.")
    (folder / "index.toml").write_text(index, "utf-8")
    ladder = (
        (folder / "ladder.toml").read_text("utf-8").split("[[in_force]]")
    )  # today's ladder, of the years before too
    newest = re.sub(r"(?m)^from\s*=.*$", "from = 2017-01-01", ladder[-1], count=1)
    (folder / "ladder.toml").write_text(f"{ladder[0]}[[in_force]]{newest}", "utf-8")
    return Book(folder)


def load(root: Path, folder: Path, now: datetime) -> Loaded:
    """Load every file of a folder, registers first, each kind in the order of its days; refusals are gathered."""
    found = Loaded()
    for path in files_in([folder]):
        try:
            found.deliveries += load_file(root, path, received_at=now)
        except WrongFile as refusal:
            found.refused.append(refusal)
    return found


def decide_waiting(root: Path, found: Loaded, now: datetime) -> None:
    """Let in what waits because many of its rows are set aside: the fire release covers every high-rise, the register rented
    buildings alone. What came with far fewer rows than before goes on waiting. Says of each what became of it and why.
    """
    for held in waiting_now(root):
        why = sorted({d["note"] for part in held.parts for d in part["doubts"] if d["waits"]})
        let_in = why == ["many_set_aside"]
        print(f"\n{held.file} waited ({', '.join(why)}): " + ("let in" if let_in else "not let in"))
        if let_in:
            found.deliveries = [d for d in found.deliveries if d.file != held.file]
            found.deliveries += accept(
                root, Decision(held.waiting_id, "benchmark", "covers more than the register", now)
            )


def compute(root: Path, book: Book, period: str, firsts: bool = True) -> duckdb.DuckDBPyConnection:
    """Score the records of ``root``; the connection holds every table of an edition under ``edition``.

    Args:
        firsts: only the first evaluation of each cycle counts (benchmarks/real_cycles.py); else all of them.
    """
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS edition")
    attach_records(con, root)
    if firsts:
        real_cycles.follow_ups_apart(con)
    edition.compute(workplace(con, book, Quarter.parse(period)))
    return con


def evaluated(folder: Path) -> pl.DataFrame:
    """Every published score: ``estate_id, day, published``; a release that repeats an evaluation adds nothing."""
    parts = []
    for name, (day, score) in PUBLISHED.items():
        frame = pl.read_csv(folder / "toronto" / "evaluations" / name, infer_schema=False)
        parts.append(
            frame.select(
                estate_id=pl.col("RSN").str.strip_chars(),
                day=pl.col(day).str.strip_chars().str.to_date("%Y-%m-%d", strict=False),
                published=pl.col(score).str.strip_chars().cast(pl.Float64, strict=False),
            )
        )
    return pl.concat(parts).drop_nulls().unique(["estate_id", "day"], keep="last", maintain_order=True)


def published(folder: Path, until) -> pl.DataFrame:
    """The newest published score of each building on or before ``until``: estate_id, published."""
    rows = evaluated(folder).filter(pl.col("day") <= until)
    return rows.sort("day", maintain_order=True).unique("estate_id", keep="last", maintain_order=True)


def agreement(con: duckdb.DuckDBPyConnection, scores: pl.DataFrame, period: str) -> tuple[float, int, float]:
    """Spearman's correlation with the published score over evaluated buildings, rated or not, their number, and of the
    bare record."""
    ours = con.sql(
        """
        SELECT s.unit_id AS estate_id, s.points, i.own_score
        FROM edition.subindex_scores AS s
        JOIN edition.index_scores AS i USING (level, unit_id, period)
        WHERE s.level = 'estate' AND s.period = $period AND s.subindex = $subindex AND i.records > 0
        """,
        params={"period": period, "subindex": SUBINDEX},
    ).pl()
    both = ours.join(scores, on="estate_id")
    rho, own = both.select(
        rho=pl.corr("points", "published", method="spearman"), own=pl.corr("own_score", "published", method="spearman")
    ).row(0)
    return rho, both.height, own


def tell_loading(found: Loaded) -> None:
    """Rows read, accepted and set aside per file and source, and what was refused."""
    names = ("source", "file", "rows_read", "accepted", "revised", "unchanged", "set_aside")
    frame = pl.DataFrame([{n: getattr(d, n) for n in names} for d in found.deliveries])
    counts = [pl.col(n).sum() for n in names[2:]]
    table("Rows per source", frame.group_by("source", maintain_order=True).agg(pl.len().alias("files"), *counts))
    if found.refused:
        print("\nRefused whole")
    for refusal in found.refused:
        print(f"  {refusal}")


def tell_set_aside(root: Path) -> None:
    con = open_store(root)
    try:
        reasons = con.sql(
            """
            SELECT d.source, r.reason, count(DISTINCT (r.delivery_id, r.line)) AS rows
            FROM rows_set_aside AS r JOIN deliveries AS d USING (delivery_id)
            GROUP BY ALL ORDER BY ALL
            """
        ).pl()
        addresses = con.execute(
            """
            SELECT count(DISTINCT original ->> '$.propertyAddress')
            FROM rows_set_aside WHERE reason = 'no_estate_at_address'
            """
        ).fetchone()[0]
        fire = con.execute(
            "SELECT count(*) AS findings, count(DISTINCT estate_id) AS buildings FROM hazards"
        ).fetchone()
        managed = con.execute(
            """
            SELECT count(DISTINCT t.estate_id), count(DISTINCT t.company_id), count(*),
                   count(n.tenure_id), count(*) FILTER (t.valid_to IS NOT NULL AND n.tenure_id IS NULL)
            FROM tenures AS t
            LEFT JOIN tenures AS n
              ON n.estate_id = t.estate_id AND n.valid_from = t.valid_to AND n.revised_by_seq IS NULL
            WHERE t.revised_by_seq IS NULL
            """
        ).fetchone()
    finally:
        con.close()
    table("Rows set aside", reasons)
    print(f"\nFire findings at {fire[1]:,} known buildings: {fire[0]:,}; addresses of no known building: {addresses:,}")
    print(
        f"Who managed what: {managed[0]:,} buildings, {managed[1]:,} companies, {managed[2]:,} tenures; "
        f"{managed[3]:,} ended by another company, {managed[4]:,} by a blank or with the building"
    )


def tell_certainty(con: duckdb.DuckDBPyConnection, period: str) -> None:
    """How sure the scores are: per class, buildings scored, share rated, reliability, width of the interval."""
    table(
        f"How sure, {period}",
        con.sql(
            """
            SELECT estate_class, count(*) AS scored, round(avg((state = 'rated')::INT), 3) AS share_rated,
                   round(avg((coalesce(why_not_rated, '') = 'low_reliability')::INT), 3) AS too_little_evidence,
                   round(avg(reliability), 3) AS mean_reliability, round(median(hi - lo), 1) AS interval_width,
                   round(sum(p_below), 1) AS expected_below_60
            FROM edition.index_scores
            WHERE level = 'estate' AND period = $period AND score IS NOT NULL GROUP BY ALL ORDER BY ALL
            """,
            params={"period": period},
        ).pl(),
    )

    table(
        "Half the records against the other half (slope: 1 = the pull is right)",
        con.sql(
            "SELECT measure, units, round(value, 3) AS value, round(se, 3) AS se, least, most, breached "
            "FROM edition.validity"
        ).pl(),
    )


def tell_scores(con: duckdb.DuckDBPyConnection, period: str) -> None:
    """Buildings and companies rated and not rated, and why."""
    table(
        f"Buildings in {period}",
        con.sql(
            """
            SELECT estate_class, state, coalesce(why_not_rated, '') AS why, count(*) AS buildings,
                   round(avg(final), 1) AS mean_index
            FROM edition.index_scores WHERE level = 'estate' AND period = $period GROUP BY ALL ORDER BY ALL
            """,
            params={"period": period},
        ).pl(),
    )
    table(
        f"Companies in {period}",
        con.sql(
            """
            SELECT state, coalesce(why_not_rated, '') AS why, count(*) AS companies, sum(units) AS spells
            FROM edition.company_scores WHERE party = 'company' AND period = $period GROUP BY ALL ORDER BY ALL
            """,
            params={"period": period},
        ).pl(),
    )


def pingshan(root: Path, folder: Path, now: datetime) -> None:
    """Load the requests twice, from UTF-8 and from GBK, and say what the second load changed."""
    found = load(root, folder, now)
    con = open_store(root)
    try:
        kept, homeless = con.execute("SELECT count(*), count(*) FILTER (estate_id IS NULL) FROM complaints").fetchone()
    finally:
        con.close()
    print(f"\nPingshan: {kept:,} requests kept, {homeless:,} of them at no known estate: counted, attributed to nobody")
    tell_loading(found)


def main(arguments: list[str] | None = None) -> int:
    """Run it all; exit code 2 where the folder is absent."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=REAL, help="where the real records lie")
    parser.add_argument("--period", default=PERIOD, help="the quarter scored")
    parser.add_argument(
        "--examples", type=int, default=0, help="so many managers respelled and changed are shown by name"
    )
    given = parser.parse_args(arguments)
    if not (given.folder / "toronto").is_dir():
        print(f"There are no real records in {given.folder}: nothing was loaded. Name their folder with --folder.")
        return 2
    now, started = datetime.now(UTC), time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        found = load(root / "toronto", given.folder / "toronto", now)
        loaded = time.perf_counter()
        decide_waiting(root / "toronto", found, now)
        tell_loading(found)
        tell_set_aside(root / "toronto")
        with closing(open_store(root / "toronto")) as store:
            real_managers.tell(given.folder, store, given.examples)
        book = toronto_book(root / "rules")
        con = compute(root / "toronto", book, given.period)
        scored = time.perf_counter()
        tell_scores(con, given.period)
        tell_certainty(con, given.period)
        scores = published(given.folder, Quarter.parse(given.period).last)
        rho, count, own = agreement(con, scores, given.period)
        table("First evaluations of neighbouring cycles", real_cycles.repeated(con, evaluated(given.folder)))
        con.close()
        print("\nSpearman's correlation of our inspection sub-index with the published score of the same building:")
        print(
            f"  {rho:.3f} over {count:,} evaluated buildings, rated or not; of the bare record, without the pull to the class, {own:.3f}"
        )
        ladder = book.file("ladder").versions[-1]
        for period in real_flags.PERIODS:
            con = compute(root / "toronto", book, period)
            real_flags.tell(con, given.folder, period, ladder)
            con.close()
        linkage.tell(given.folder)
        pingshan(root / "pingshan", given.folder / "pingshan", now)
    print(f"\nLoaded in {loaded - started:.1f} s, scored in {scored - loaded:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
