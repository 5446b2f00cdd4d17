"""Flags that last: who stands out period after period, on fresh evidence, and who has left (method.md 10.2).

One period's selection is not enough to list anybody, and one good period not enough to leave. The stages here are what
the numbers say; a step is recommended by the ladder and decided by a person.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import polars as pl

from data.edition_tables import STAGES, Flag
from metrics.calendar import Quarter, quarters_up_to
from metrics.flags import chance_above, selected
from rules.book import Rule

ALARMS = ("rising", "matters_rising")  # detectors that put an estate on the watch list (method.md 10.2, L0)
NONE, WATCH, LISTING, INTERVIEW, REPLACEMENT = range(len(STAGES))
#: What makes rows of two quarters the same unit: a head's contracts with one company at one estate belong together.
KEYS = {"estate": ["unit_id"], "tenure": ["unit_id"], "head": ["estate_id", "company_id", "head_id"]}


def newly_inspected(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """``estate_id, period``: quarters with a routine on-site inspection of the estate by an authority."""
    return con.sql(
        """
        SELECT DISTINCT estate_id, format('{}Q{}', year(inspected_on), quarter(inspected_on)) AS period
        FROM inspections
        WHERE "trigger" = 'routine' AND kind <> 'self_check'
        ORDER BY ALL
        """
    ).pl()


def stages(p: np.ndarray, chosen: np.ndarray, fresh: np.ndarray, rose: np.ndarray, rule: Rule) -> np.ndarray:
    """Stage of every unit in every period, at most one step up at a time.

    Args:
        p: (U, T) probability below the pass mark, oldest period first; NaN = not rated, which neither raises nor ends.
        chosen: (U, T) selected in the period (``metrics.flags.select``).
        fresh: (U, T) a new routine inspection in the period.
        rose: (U, T) probability that the score lies above that of two periods before.
        rule: the ladder's rule.

    Returns:
        (U, T) place in STAGES. T16: p .85, .91, .70, .50, .19, .15, the first two selected, all inspected: watch,
        listing, listing, listing, listing, none.
    """
    out = np.full(p.shape, NONE, dtype=np.int8)
    stage, firm = np.zeros(len(p), dtype=np.int8), np.zeros(len(p), dtype=np.int64)
    before = np.full(len(p), np.nan), np.zeros(len(p), dtype=bool)
    for t in range(p.shape[1]):
        earlier_p, earlier_chosen = before
        listed = (stage == NONE) & chosen[:, t] & earlier_chosen & fresh[:, t]
        talked = (stage == LISTING) & (p[:, t] >= rule["interview_p"])
        firm = np.where((stage == INTERVIEW) & (p[:, t] >= rule["replacement_p"]), firm + 1, 0)
        replaced = (firm >= rule["replacement_periods"]) & (rose[:, t] < rule["replacement_rose_below"])
        left = (stage > NONE) & (p[:, t] <= rule["exit_p"]) & (earlier_p <= rule["exit_p"])
        stage = np.select([left, replaced, talked, listed], [NONE, REPLACEMENT, INTERVIEW, LISTING], stage)
        out[:, t] = np.where((stage == NONE) & (p[:, t] >= rule["watch_p"]), WATCH, stage)
        before = p[:, t], chosen[:, t]
    return out


def _two_before(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Add ``rose``: the chance that the score lies above that of two quarters before."""
    then = rows.select(*key, ordinal=pl.col("ordinal") + 2, then="score", then_sd="sd")
    rows = rows.join(then, on=[*key, "ordinal"], how="left", maintain_order="left")
    names = ("score", "sd", "then", "then_sd")
    rose = chance_above(*(rows.get_column(n).cast(pl.Float64).fill_null(np.nan).to_numpy() for n in names))
    return rows.with_columns(rose=pl.Series(rose))


def _matrix(rows: pl.DataFrame, column: str, shape: tuple[int, int], default: float) -> np.ndarray:
    out = np.full(shape, default)
    values = rows.get_column(column).cast(pl.Float64).fill_null(default).to_numpy()
    out[rows["unit"].to_numpy(), rows["ordinal"].to_numpy()] = values
    return out


def alarmed(con: duckdb.DuckDBPyConnection, edition: str = "edition") -> list[str]:
    """Estates whose incidents or matters reached their warning line in the edition's quarter (CUSUM, metrics/checks)."""
    rows = con.sql(
        f"SELECT DISTINCT unit_id FROM {edition}.checks WHERE level = 'estate' AND list_contains($alarms, detector) ORDER BY ALL",
        params={"alarms": list(ALARMS)},
    )
    return [row[0] for row in rows.fetchall()]


def flags(
    index_scores: pl.DataFrame, inspected: pl.DataFrame, rule: Rule, last: Quarter, quarters: int,
    rising: Sequence[str] = (),
) -> pl.DataFrame:  # fmt: skip
    """Contract Flag: one row per current unit and period, what its probability says and how long it has.

    Args:
        index_scores: contract IndexScore.
        inspected: ``estate_id, period`` (``newly_inspected``).
        rule: the ladder's rule; selection is made anew within each level and period.
        last: the period decided on. quarters: how many periods the edition scored.
        rising: estates with an alarm in the period decided on (``alarmed``): watched, whatever their score says.
    """
    periods = [str(q) for q in quarters_up_to(last, quarters)]
    rated = pl.col("state") == "rated"
    rows = (
        index_scores.filter(pl.col("current") & pl.col("period").is_in(periods))
        .with_columns(
            p=pl.when(rated).then(pl.col("p_below")), top=pl.when(rated).then(pl.col("p_above")),
            ordinal=pl.col("period").replace_strict(periods, range(len(periods)), return_dtype=pl.Int64),
        )
        .join(inspected.with_columns(fresh=True), on=["estate_id", "period"], how="left")
        .with_columns(pl.col("fresh").fill_null(False))
        .sort("level", "unit_id", "period")
    )  # fmt: skip
    group = ["level", "period"]
    rows = rows.with_columns(
        selected=selected(rows, "p", group, rule["flag_q"], rule["flag_p"]),
        selected_top=selected(rows, "top", group, rule["flag_q"], rule["flag_p"]),
    )
    parts = [_of_level(part, KEYS[part["level"][0]], len(periods), rule) for part in rows.partition_by("level")]
    found = pl.concat(parts) if parts else rows.with_columns(rose=pl.lit(None, pl.Float64), stage=pl.lit(STAGES[0]))
    watch = (pl.col("stage") == STAGES[NONE]) & (pl.col("period") == str(last)) & pl.col("estate_id").is_in(rising)
    found = found.with_columns(stage=pl.when(watch).then(pl.lit(STAGES[WATCH])).otherwise("stage"))
    named = found.with_columns(p_below="p", p_above="top", rose=pl.col("rose").fill_nan(None))
    return Flag.validate(named.select(list(Flag.to_schema().columns)).sort("level", "unit_id", "period"))


def _of_level(rows: pl.DataFrame, key: list[str], periods: int, rule: Rule) -> pl.DataFrame:
    rows = rows.with_columns(unit=pl.struct(key).rank("dense").cast(pl.Int64) - 1)
    rows = _two_before(rows, ["unit"])
    shape = (rows["unit"].n_unique(), periods)
    p, rose = (_matrix(rows, name, shape, np.nan) for name in ("p", "rose"))
    chosen, fresh = (_matrix(rows, name, shape, 0.0) > 0 for name in ("selected", "fresh"))
    found = stages(p, chosen, fresh, rose, rule)
    place = found[rows["unit"].to_numpy(), rows["ordinal"].to_numpy()]
    return rows.with_columns(stage=pl.Series(np.array(STAGES, dtype=object)[place], dtype=pl.String))
