"""What a metric is: a name, a family, a record it counts, and the evidence it rests on.

A metric file declares ``METRIC`` and one function ``evidence(records, rules)``: an Ibis expression with one row
per record that counts. Everything else (attribution to a tenure, decay, sums, points) is done once, for all
metrics, in ``metrics/sums.py`` and after. The same expression compiles to DuckDB here and to Spark elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir

from rules.book import RuleFile

Family = Literal["rate", "proportion", "severity", "mean", "obligation"]

#: The columns ``evidence`` must return (optional ones in the second tuple).
EVIDENCE = ("estate_id", "record_id", "occurred_on", "decided_on", "numerator", "denominator")
EVIDENCE_OPTIONAL = ("square", "excluded", "factor")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        code: the catalogue id, for example ``C02``.
        family: decides the statistics. ``rate`` events per exposure (Gamma-Poisson), ``proportion`` k of n
            (Beta-binomial), ``severity`` severity points per exposure (scaled Poisson), ``mean`` average of
            visits (Normal), ``obligation`` done of required (a fact, never shrunk).
        record: the table whose rows are counted; its ``record_id`` is the evidence's.
        unit: word key below ``unit.`` (share, per_1000_homes_year, ...), also the axis title.
        evidence: ``(records, rules) -> Ibis table`` with the EVIDENCE columns.
        shows: columns of the record shown beside each evidence row on screen.
        exposure: None when evidence carries its own denominators. ``homes`` or ``residents``: the denominator is
            the time under management times homes (residents), in units of ``per`` home-years; evidence then
            gives denominator 0.
        per: exposure unit, e.g. 1000 for "per 1000 homes and year".
        applies: estates the metric applies to (``estates -> boolean column``); None = all. Elsewhere it is n/a.
        when_empty: value of an applicable estate without evidence; None = unknown (the class mean stands in).
        cycles: obligations only: the quarters (counted back from the period) whose rows are summed; (0, 4) is the legal
            cycle ending with the period and the one before, (0,) a state on the period's last day.
        grace: events of a newcomer's first days are shown, not counted (method.md A5; days in rules/index.toml).
        reporting: counts what residents report: exposure is multiplied by how readily they do (metrics/adjust.py).
        source: word key of the source body, used to count independent sources (police, fire, hotline, ...).
    """

    code: str
    family: Family
    record: str
    unit: str
    evidence: Callable[[Records, Rules], ir.Table]
    shows: tuple[str, ...]
    source: str
    exposure: Literal["homes", "residents"] | None = None
    per: int = 1000
    applies: Callable[[ir.Table], ir.BooleanValue] | None = None
    when_empty: float | None = None
    grace: bool = False
    reporting: bool = False
    cycles: tuple[int, ...] = (0, 4)


class Records:
    """The accepted records as known at one snapshot: one Ibis table per name in ``data.contracts.TABLES``.

    Each table holds current versions only and, besides its contract's columns, ``record_id`` (the key columns
    joined by ``/``), ``delivery_id`` and ``line``. Six more tables: ``quarters`` (``period``, ``start``,
    ``end`` exclusive, ``last`` the quarter's last day), ``managed`` (one row per estate and *company* spell:
    ``estate_id, company_id, unit_id, valid_from, valid_to``; open ends are 9999-12-31; neighbouring tenures of
    one company joined), ``estate_days`` (``estates`` with open ends as 9999-12-31), ``visit_factors`` (the
    inspector's factor of each routine visit, where it applies: ``inspection_id, factor``), ``closing_trust`` (what a closing nobody saw
    again counts: ``record_id, trust``) and ``record_flags`` (contract RecordFlag). ``quarters`` never reach
    past the snapshot's period, and ``last_day`` is the last day of the last quarter.
    """

    def __init__(self, tables: dict[str, ir.Table], last_day: date):
        self._tables = tables
        self.last_day = last_day

    def __getattr__(self, name: str) -> ir.Table:
        try:
            return self._tables[name]
        except KeyError:
            raise AttributeError(f"No record table '{name}'. Tables: {', '.join(self._tables)}.") from None


class Rules:
    """One metric's own rule file, as a table that joins by half-open dates."""

    def __init__(self, file: RuleFile):
        self.file = file

    def in_force(self, table: ir.Table, day: str, *keys: str) -> ir.Table:
        """Add the rule's numbers of each row's own day as columns named ``keys``.

        Args:
            table: any records; ``day`` is one of its date columns.
            keys: parameter names that every [[in_force]] block carries.

        Returns:
            ``table`` with one column per key. Rows dated before the rule's first version drop out: that duty
            did not exist yet.
        """
        versions = ibis.memtable(
            {
                "rule_from": [v.valid_from for v in self.file.versions],
                "rule_to": [v.valid_to for v in self.file.versions],
                **{k: [v[k] for v in self.file.versions] for k in keys},
            }
        )
        days = table[day]
        joined = table.join(versions, [days >= versions.rule_from, days < versions.rule_to])
        return joined.drop("rule_from", "rule_to")
