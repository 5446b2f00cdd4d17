"""What authorities found at estates, item by item: the rows behind the inspection metrics."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from metrics.base import Records


def visit_items(records: Records, rules, *keys: str) -> ir.Table:
    """One row per item looked at on a visit (not the company's self-checks), with its day and the rule's ``keys``.

    ``excluded`` is ``not_routine`` for visits made because of a complaint or to follow one up: they find more by
    construction, and feed hazards only (method.md A7). The rule is that of the day of the visit. ``factor`` is the
    inspector's, NULL where none applies (metrics/adjust.py).
    """
    visits = records.inspections.filter(records.inspections.kind != "self_check")
    visits = rules.in_force(visits, "inspected_on", *keys)
    visits = visits.select(
        "inspection_id", "estate_id", "inspected_on", *keys,
        excluded=(visits.trigger == "routine").ifelse(ibis.null("string"), "not_routine"),
    )  # fmt: skip
    visits = visits.left_join(records.visit_factors, "inspection_id").drop("inspection_id_right")
    items = records.inspection_items.filter(records.inspection_items.checked > 0)
    items = items.select("inspection_id", "record_id", "item_code", "checked", "passed", "severity")
    return items.join(visits, "inspection_id")


def passed_of_checked(records: Records, rules, item_code: str) -> ir.Table:
    """Evidence of one kind of item: points in order of points looked at, one row per visit."""
    items = visit_items(records, rules)
    items = items.filter(items.item_code == item_code)
    return items.select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="inspected_on",
        decided_on="inspected_on",
        numerator=items.passed.cast("float64"),
        denominator=items.checked.cast("float64"),
        factor=items.factor,
    )


def severity_value(items: ir.Table) -> ir.Value:
    """The rule's severity points of one failed point; a failure without a severity counts ``unstated``."""
    return ibis.cases(
        *((items.severity == s, items[s]) for s in ("life_threatening", "severe", "moderate", "low")),
        else_=items.unstated,
    ).cast("float64")


#: Rule keys that ``severity_value`` reads.
SEVERITY_KEYS = ("life_threatening", "severe", "moderate", "low", "unstated")
