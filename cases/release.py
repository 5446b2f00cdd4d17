"""May a draft be published? What the halves of its records and the audit found (method.md 9.4, 14.7) is answered first.

A finding that holds keeps the edition a draft. An officer may publish all the same, with a written answer that stays in
the edition and is shown beside the finding: the program recommends, a named person decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Finding:
    """One thing that holds an edition.

    Attributes:
        check: ``slope`` or ``consistency`` of the halves, or a measure of the audit.
        grouping, group: whom the audit's finding concerns; empty for the halves.
        value, against: what was found, and the limit or the number of all other estates.
    """

    check: str
    grouping: str
    group: str
    value: float
    against: float

    def __str__(self) -> str:
        whom = f" of {self.grouping} {self.group}" if self.group else ""
        beside = "all others" if self.group else "the limit"
        return f"{self.check}{whom}: {self.value:.3f}, {beside} {self.against:.3f}"


class EditionHeld(ValueError):
    """The draft stays a draft until its findings are answered in writing."""

    def __init__(self, edition_id: str, findings: list[Finding]):
        self.findings = findings
        lines = "\n".join(f"  {f}" for f in findings)
        super().__init__(
            f"Edition '{edition_id}' is held as a draft. Found before publication:\n{lines}\n"
            "Scores may be wrong for some kind of estate, or for all; nobody should answer for that. Look at page "
            "'fairness', mend the records or the rule and draft again; or publish with a written answer to these findings "
            "(steward.py publish --answer), which is kept in the edition."
        )


def holding(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What holds an edition, from its own tables ``validity`` and ``audits``; empty = nothing."""
    rows = con.sql(
        """
        SELECT measure, '' AS "grouping", '' AS "group", value,
               CASE WHEN most IS NOT NULL AND value > most THEN most ELSE least END AS against
        FROM validity WHERE breached
        UNION ALL
        SELECT measure, "grouping", "group", value, others FROM audits WHERE holds
        ORDER BY ALL
        """
    ).fetchall()
    return [Finding(*row) for row in rows]
