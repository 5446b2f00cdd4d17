"""What in the records asks for a second look (method.md 14.2 to 14.6): checks to make, never guilt.

Each detector compares units with what was to be expected and hands on those that differ by more than chance among as many
looked at. Nothing here enters a score or a step. Innocent reasons are named beside every finding (i18n, ``checks``).
"""

from __future__ import annotations

import duckdb
import polars as pl

from metrics.calendar import Quarter
from metrics.checks import batches, callers, dates, inspectors, photos, scores, trends
from metrics.checks.tested import RUN, SCHEMA, Tested, run_of, selected
from rules.book import Rule

#: Every detector: name to its function ``(con, rule, last) -> Tested``.
ALL = {**callers.ALL, **dates.ALL, **batches.ALL, **photos.ALL, **scores.ALL, **trends.ALL, **inspectors.ALL}


def find(con: duckdb.DuckDBPyConnection, rule: Rule, last: Quarter) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Contracts Check (what was selected) and CheckRun (how many were looked at).

    Args:
        con: records in view, the edition being made attached as ``edition``. rule: rules/checks.toml.
    """
    made: dict[str, Tested] = {name: detector(con, rule, last) for name, detector in ALL.items()}
    found = [selected(name, tested, rule["q"], str(last)) for name, tested in made.items()]
    runs = [
        run_of(name, tested, part, rule["q"], str(last))
        for (name, tested), part in zip(made.items(), found, strict=True)
    ]
    checks = pl.concat([pl.DataFrame(schema=SCHEMA), *found])
    return checks.sort("detector", "level", "unit_id"), pl.DataFrame(runs, schema=RUN)


__all__ = ["ALL", "find"]
