"""Findings of the audit in words, for every page that shows them."""

from __future__ import annotations

from cases.release import Finding
from pages.shared import format


def group_name(grouping: str, group: str, t, places: dict[str, str] | None = None) -> str:
    """A group of estates in words: a class, a third by size or by readiness to report, a sub-district."""
    if grouping == "estate_class":
        return t(f"estate_class.{group}")
    if grouping == "subdistrict":
        return (places or {}).get(group, group)
    return t(f"fairness.third.{grouping}_{group}")


def finding_line(finding: Finding, t, places: dict[str, str] | None = None) -> str:
    """One finding that holds a draft."""
    if not finding.group:
        said = {"value": format.number(finding.value, t, 2), "against": format.number(finding.against, t, 2)}
        return t(f"fairness.held.{finding.check}", **said)
    number, digits = (format.number, 1) if finding.check == "residual" else (format.percent, 1)
    whom = format.plain(group_name(finding.grouping, finding.group, t, places))
    said = {"value": number(finding.value, t, digits), "against": number(finding.against, t, digits)}
    return t(f"fairness.held.{finding.check}", group=whom, **said)
