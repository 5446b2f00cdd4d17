"""Would the method have pointed at the buildings that Toronto sent for a full audit? (``make real``)

Until 2023 the city published with each evaluation what follows from it; the worst get a "Building Audit". Asked is the
same quarter's list (the evaluation that was flagged is among our records) and an earlier quarter's (who is flagged on
records up to then, and audited only afterwards). Beside it stands what a reader of the published scores would do: take
the mean of each building's scores of three years and name as many of the lowest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.show import table
from metrics.calendar import Quarter
from metrics.flags import expected_wrong, select
from rules.book import Rule

FILE = Path("toronto") / "evaluations" / "pre-2023.csv"
AUDIT = "Building Audit"
PERIODS = ("2018Q4", "2020Q4", "2022Q4")  # of the years in which the city published what follows
YEARS = 3  # of scores in the naive mean, as long as our window


@dataclass(frozen=True)
class Found:
    """How a list of buildings meets those audited: ``named`` on it, of them ``hits``; ``audited`` of all scored."""

    name: str
    named: int
    hits: int
    audited: int

    @property
    def precision(self) -> float:
        return self.hits / self.named if self.named else float("nan")

    @property
    def recall(self) -> float:
        return self.hits / self.audited if self.audited else float("nan")


def evaluations(folder: Path) -> pl.DataFrame:
    """Evaluations until 2023: ``estate_id, day, score, audit``."""
    frame = pl.read_csv(folder / FILE, infer_schema=False)
    return frame.select(
        estate_id=pl.col("RSN").str.strip_chars(),
        day=pl.col("EVALUATION_COMPLETED_ON").str.strip_chars().str.to_date("%Y-%m-%d", strict=False),
        score=pl.col("SCORE").cast(pl.Float64, strict=False),
        audit=pl.col("RESULTS_OF_SCORE").str.strip_chars() == AUDIT,
    ).drop_nulls(["estate_id", "day", "score"])


def audited(rows: pl.DataFrame, after: date, until: date) -> set[str]:
    """Buildings sent for an audit after ``after`` and up to ``until``."""
    return set(rows.filter(pl.col("audit"), pl.col("day") > after, pl.col("day") <= until)["estate_id"])


def naive(rows: pl.DataFrame, until: date) -> pl.DataFrame:
    """Mean published score of each building in the last YEARS, lowest first: ``estate_id, mean``."""
    window = rows.filter(pl.col("day") > until.replace(year=until.year - YEARS), pl.col("day") <= until)
    return window.group_by("estate_id").agg(mean=pl.col("score").mean()).sort("mean", "estate_id")


def lists(con: duckdb.DuckDBPyConnection, period: str, ladder: Rule) -> dict[str, tuple[list[str], float]]:
    """Buildings on each list, and how many of them are expected to be wrong (truly at 60 or above).

    *Flagged*: rated, selected with a bounded share of wrong ones. *Watched*: more likely below 60 than not, rated or not
    (watching decides nothing, so it asks for no reliability).
    """
    rows = con.sql(
        """
        SELECT unit_id, p_below, state FROM edition.index_scores
        WHERE level = 'estate' AND period = $period AND current AND p_below IS NOT NULL ORDER BY unit_id
        """,
        params={"period": period},
    ).pl()
    p = rows["p_below"].to_numpy()
    rated = (rows["state"] == "rated").to_numpy()
    chosen = {
        "flagged": select(np.where(rated, p, np.nan), ladder["flag_q"], ladder["flag_p"]),
        "watched": p >= ladder["watch_p"],
    }
    names = rows["unit_id"].to_numpy()
    return {name: (names[mask].tolist(), expected_wrong(p, mask)) for name, mask in chosen.items()}


def reasons(con: duckdb.DuckDBPyConnection, period: str, ladder: Rule) -> pl.DataFrame:
    """Why buildings are flagged or not, by state: how many, how reliable, how many likelier below 60 than not, how many
    surely enough to be flagged, and the greatest chance."""
    return con.sql(
        """
        SELECT state, count(*) AS buildings, round(avg(reliability), 2) AS reliability, round(avg(sd), 1) AS sd,
               count(*) FILTER (p_below >= $watch) AS watched, count(*) FILTER (p_below >= $flag) AS sure_enough,
               round(max(p_below), 2) AS greatest_chance
        FROM edition.index_scores
        WHERE level = 'estate' AND period = $period AND current AND p_below IS NOT NULL GROUP BY state ORDER BY state
        """,
        params={"period": period, "watch": ladder["watch_p"], "flag": ladder["flag_p"]},
    ).pl()


def compared(ours: list[str], means: pl.DataFrame, truth: set[str], name: str) -> list[Found]:
    """Our list and the naive mean's of the same length, among the buildings that both can see."""
    seen = set(means["estate_id"])
    wanted, own = truth & seen, [b for b in ours if b in seen]
    lowest = means["estate_id"].head(len(own)).to_list()
    return [
        Found(name, len(own), len(wanted & set(own)), len(wanted)),
        Found(f"naive mean, as many as {name}", len(lowest), len(wanted & set(lowest)), len(wanted)),
    ]


def tell(con: duckdb.DuckDBPyConnection, folder: Path, period: str, ladder: Rule) -> None:
    """Print who could be flagged and why not, and how the lists of ``period`` meet the audits until its last day (the same
    records), and after it.

    Up to that day the naive mean has the audit's own score before it, so it cannot lose; only what comes after compares
    the two fairly.
    """
    table(f"Who could be flagged in {period}: rated and sure enough", reasons(con, period, ladder))
    halves = "SELECT measure, units, round(value, 2) AS value, round(se, 2) AS se, round(least, 2) AS least, breached"
    table(f"Its halves, {period}", con.sql(f"{halves} FROM edition.validity").pl())
    rows, last = evaluations(folder), Quarter.parse(period).last
    means, end = naive(rows, last), rows["day"].max()
    start = last.replace(year=last.year - YEARS)
    for title, truth in (
        (f"audited in the {YEARS} years up to {last}", audited(rows, start, last)),
        (f"audited after {last}, up to {end}", audited(rows, last, end)),
    ):
        if not truth:
            continue
        print(f"\nLists of {period} beside buildings {title}")
        for name, (ours, wrong) in lists(con, period, ladder).items():
            for found in compared(ours, means, truth, name):
                expected = f", {wrong:.1f} expected not below 60" if found.name == name else ""
                print(
                    f"  {found.name}: {found.named:,} named{expected}; {found.hits} of {found.audited} audited buildings "
                    f"(precision {found.precision:.2f}, recall {found.recall:.2f})"
                )
