"""Caps: confirmed grave findings that no good record elsewhere makes up for (method.md section 5)."""

from __future__ import annotations

import polars as pl

from rules.book import Rule


def in_force(findings: pl.DataFrame, periods: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """One row per level, unit and period under a cap: the lowest cap, and the findings behind it.

    Args:
        findings: confirmed (status final) findings: ``estate_id, unit_id, tenure_id, finding, decided_on, repaired_on``.
        periods: ``period, last`` (its last day).
        rule: rules/caps.toml in force.

    Returns:
        ``level, unit_id, period, cap, cap_reason`` (findings, comma-joined).
    """
    day, decided = pl.col("last"), pl.col("decided_on")
    fatal, disabled = rule["fatal_fire"], rule["systems_disabled"]
    blocked, falsified = rule["routes_blocked"], rule["records_falsified"]
    rows = findings.sort("estate_id", "decided_on").join(periods.select("period", "last"), how="cross")
    rows = rows.filter(decided <= day)
    kind = pl.col("finding")
    lasting = (
        pl.when(kind == "fatal_fire")
        .then(day < decided.dt.offset_by(f"{fatal['months']}mo"))
        .when(kind == "records_falsified")
        .then(day < decided.dt.offset_by(f"{falsified['months']}mo"))
        .when(kind == "systems_disabled")
        .then(
            (day < pl.col("repaired_on").dt.offset_by(f"{disabled['days_after_repair']}d")).fill_null(True)
        )
    )
    single = rows.filter(kind != "routes_blocked").filter(lasting)
    often = _repeated(rows.filter(kind == "routes_blocked"), blocked)
    caps = {name: rule[name]["cap"] for name in ("fatal_fire", "systems_disabled", "routes_blocked", "records_falsified")}
    keep = ["estate_id", "unit_id", "tenure_id", "period", "finding"]
    live = pl.concat([single.select(keep), often.select(keep)]).with_columns(
        cap=pl.col("finding").replace_strict(caps, return_dtype=pl.Float64)
    )
    levels = pl.concat(
        live.filter(pl.col(key).is_not_null()).select(
            "period", "finding", "cap", level=pl.lit(level), unit_id=pl.col(key)
        )
        for level, key in (("estate", "estate_id"), ("tenure", "unit_id"), ("head", "tenure_id"))
    )
    return levels.group_by("level", "unit_id", "period").agg(
        cap=pl.col("cap").min(), cap_reason=pl.col("finding").unique().sort().str.join(",")
    )


def _repeated(rows: pl.DataFrame, rule: dict) -> pl.DataFrame:
    """Blocked routes: in force until so many months clean after the last, where they were confirmed often enough."""
    last = rows.group_by("estate_id", "period").agg(latest=pl.col("decided_on").max())
    rows = rows.join(last, on=["estate_id", "period"])
    recent = rows.filter(pl.col("decided_on") > pl.col("latest").dt.offset_by(f"-{rule['within_months']}mo"))
    enough = recent.group_by("estate_id", "period").agg(times=pl.len()).filter(pl.col("times") >= rule["times"])
    rows = recent.join(enough, on=["estate_id", "period"])
    clean = pl.col("latest").dt.offset_by(f"{rule['months']}mo")
    return rows.filter((pl.col("last") < clean) & (pl.col("decided_on") == pl.col("latest")))
