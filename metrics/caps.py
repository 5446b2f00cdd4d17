"""Caps: confirmed grave findings that no good record elsewhere makes up for (method.md section 5).

Only a finding in force caps: ``status`` final. One under appeal is shown and does not score. Each cap ends: after its
months, so many days after a verified repair, so many months clean, or on the day its own decision names
(``stands_until``), whichever comes first. All days are half-open: the day a cap ends is free of it.
"""

from __future__ import annotations

import duckdb
import polars as pl

from metrics.grid import UNIT
from rules.book import Rule

#: The level a finding caps, and the column that names the unit there.
KEYS = {"estate": "estate_id", "tenure": "unit_id", "head": "tenure_id"}
CAPS = {"level": pl.String, "unit_id": pl.String, "period": pl.String, "cap": pl.Float64, "cap_reason": pl.String}


def _ends(rule: Rule) -> pl.Expr:
    """The day a finding's cap ends by the rule; NULL = it stands on (no repair verified yet)."""
    decided, finding = pl.col("decided_on"), pl.col("finding")
    repaired = pl.col("repaired_on").dt.offset_by(f"{rule['systems_disabled']['days_after_repair']}d")
    fatal, falsified = (decided.dt.offset_by(f"{rule[f]['months']}mo") for f in ("fatal_fire", "records_falsified"))
    return (
        pl.when(finding == "systems_disabled")
        .then(repaired)
        .when(finding == "fatal_fire")
        .then(fatal)
        .when(finding == "records_falsified")
        .then(falsified)
        .when(finding == "routes_blocked")
        .then(pl.col("clean_from"))
    )


def _repeated(rows: pl.DataFrame, rule: dict) -> pl.DataFrame:
    """Add ``often`` and ``clean_from`` to blocked-route findings of each unit (others: often, no day).

    A stretch is broken by ``months`` clean. From the finding that makes it ``times`` within ``within_months``, the cap
    holds to the end of its stretch: until ``months`` clean after the last.
    """
    unit, day = ["level", "unit_id", "period"], pl.col("decided_on")
    blocked = pl.col("finding") == "routes_blocked"
    rows = rows.sort([*unit, "decided_on"])
    own = rows.filter(blocked)
    earliest = day.shift(rule["times"] - 1).over(unit) if rule["times"] > 1 else day
    broken = day >= day.shift(1).over(unit).dt.offset_by(f"{rule['months']}mo")
    own = own.with_columns(
        reached=(day < earliest.dt.offset_by(f"{rule['within_months']}mo")).fill_null(False),
        stretch=broken.fill_null(False).cast(pl.Int64).cum_sum().over(unit),
    )
    stretch = [*unit, "stretch"]
    own = own.with_columns(
        often=pl.col("reached").any().over(stretch),
        clean_from=day.max().over(stretch).dt.offset_by(f"{rule['months']}mo"),
    ).drop("reached", "stretch")
    others = rows.filter(~blocked).with_columns(often=True, clean_from=pl.lit(None, dtype=pl.Date))
    return pl.concat([own, others])


def in_force(findings: pl.DataFrame, periods: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """One row per level, unit and period under a cap: the lowest cap, and the findings behind it.

    Args:
        findings: ``estate_id, unit_id, tenure_id`` (the company's spell and the head's, NULL = nobody's), ``finding,
            decided_on, repaired_on, stands_until, status``.
        periods: ``period, last`` (its last day).
        rule: rules/caps.toml in force.

    Returns:
        ``level, unit_id, period, cap, cap_reason`` (findings, comma-joined), sorted by unit.
    """
    final = findings.filter(pl.col("status") == "final").join(periods.select("period", "last"), how="cross")
    final = final.filter(pl.col("decided_on") <= pl.col("last"))
    about = ("period", "last", "finding", "decided_on", "repaired_on", "stands_until")
    rows = pl.concat(
        final.filter(pl.col(key).is_not_null()).select(*about, level=pl.lit(level), unit_id=pl.col(key))
        for level, key in KEYS.items()
    )
    if rows.is_empty():
        return pl.DataFrame(schema=CAPS)
    rows = _repeated(rows, rule["routes_blocked"])
    ended = (pl.col("last") >= pl.min_horizontal(_ends(rule), "stands_until")).fill_null(False)
    live = rows.filter(pl.col("often") & ~ended)
    cap = {name: float(part["cap"]) for name, part in rule.values.items() if isinstance(part, dict)}
    live = live.with_columns(cap=pl.col("finding").replace_strict(cap, return_dtype=pl.Float64))
    return (
        live.group_by(UNIT)
        .agg(cap=pl.col("cap").min(), cap_reason=pl.col("finding").unique().sort().str.join(","))
        .sort(UNIT)
        .select(*CAPS)
    )


def findings_of(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Findings with the company's spell and the head's tenure they fall on: of the company and head they name, else of
    those in charge on the day of the decision."""
    return con.sql(
        """
        SELECT s.estate_id, m.unit_id, t.tenure_id, s.finding, s.decided_on, s.repaired_on, s.stands_until, s.status
        FROM sanctions AS s
        LEFT JOIN edition.management AS m
          ON m.estate_id = s.estate_id AND s.decided_on >= m.valid_from
         AND CASE WHEN s.company_id IS NULL THEN s.decided_on < m.valid_to ELSE m.company_id = s.company_id END
        LEFT JOIN tenures AS t
          ON t.estate_id = s.estate_id AND s.decided_on >= t.valid_from
         AND CASE WHEN s.head_id IS NULL THEN s.decided_on < coalesce(t.valid_to, DATE '9999-12-31')
                  ELSE t.head_id = s.head_id END
         AND (s.company_id IS NULL OR t.company_id = s.company_id)
        WHERE s.kind = 'finding' AND s.estate_id IS NOT NULL
        QUALIFY row_number() OVER (
            PARTITION BY s.sanction_id ORDER BY m.valid_from DESC NULLS LAST, t.valid_from DESC NULLS LAST
        ) = 1
        ORDER BY s.sanction_id
        """
    ).pl()
