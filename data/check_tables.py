"""Contracts of what asks for a second look: findings of the detectors (metrics/checks), and how many were looked at.

Part of ``data.edition_tables.TABLES``.
"""

from __future__ import annotations

import pandera.polars as pa

CHECK_LEVELS = ("estate", "company", "inspector", "district")


class Check(pa.DataFrameModel):
    """One check to make: a unit that stands out beyond chance. Never guilt, never part of a score."""

    period: str
    detector: str  # a word key below `check.`
    level: str = pa.Field(isin=CHECK_LEVELS)
    unit_id: str
    observed: float
    expected: float = pa.Field(nullable=True)
    p: float = pa.Field(nullable=True)  # chance of as much; empty = a fact or an alarm, not a chance
    records: int
    record_ids: str  # the first twenty, comma-joined


class CheckRun(pa.DataFrameModel):
    """One detector in one edition: how many it could look at, and how many it selected."""

    period: str
    detector: str
    level: str = pa.Field(isin=CHECK_LEVELS)
    looked_at: int
    selected: int
    q: float
    by_chance: float = pa.Field(nullable=True)  # of facts and alarms: listed on average though nothing is amiss


TABLES: dict[str, type[pa.DataFrameModel]] = {"checks": Check, "check_runs": CheckRun}
