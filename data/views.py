"""The view log: who read which sensitive records of whom, when and, where the rule asks, why (rules/views.toml).

An entry is made before the records are shown. The same reading by the same account on the same day is entered once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from data.ledger import views, writing
from data.scope import Scope
from rules.book import Book, Rule

ZONE = ZoneInfo("Asia/Shanghai")
RULE = "views"


class ReasonMissing(PermissionError):
    """The rule asks why these records are read, and nobody said; nothing may be shown."""


@dataclass(frozen=True, order=True)
class Party:
    """Whose records were read; empty where the reading was of no one estate, company or head."""

    estate_id: str = ""
    company_id: str = ""
    head_id: str = ""


def rule_on(day: date) -> Rule:
    return Book().on(day, RULE)


def watched(rule: Rule, table: str) -> bool:
    """Does reading this table leave a trace?"""
    return table in rule["tables"]


def reason_asked(rule: Rule, table: str, role: str) -> bool:
    """Must a viewer of this role say why before reading the table?"""
    return watched(rule, table) and rule["tables"][table]["reason"] and role in rule["reason_of"]


def good_reason(rule: Rule, reason: str) -> bool:
    """Words, and not one key held down: at least ``reason_letters`` characters, two of them different."""
    letters = "".join(reason.split())
    return len(letters) >= rule["reason_letters"] and len(set(letters)) > 1


def enter(
    ledger: sa.Engine, scope: Scope, table: str, parties: Iterable[Party], *, about: str, how: str, at: datetime,
    reason: str = "", rule: Rule | None = None,
) -> int:  # fmt: skip
    """Put on record that the viewer reads rows of ``table``; returns the entries made (0 = made before, or not watched).

    Raises:
        ReasonMissing: the rule asks for a reason and there is none.
    """
    day = at.astimezone(ZONE).date()
    rule = rule or rule_on(day)
    if not watched(rule, table):
        return 0
    if reason_asked(rule, table, scope.role) and not good_reason(rule, reason):
        raise ReasonMissing(
            f"Reading '{table}' leaves an entry that says why; the reason needs {rule['reason_letters']} characters. "
            "Nothing was shown. Say what the records are needed for."
        )
    same = {
        "day": day, "account_id": scope.viewer_id, "role": scope.role, "record_table": table, "about": about[:128],
        "how": how, "reason": reason.strip()[:1000],
    }  # fmt: skip
    wanted = sorted(set(parties)) or [Party()]
    with ledger.connect() as con:
        if not _missing(con, same, wanted):
            return 0
    with writing(ledger) as con:
        missing = _missing(con, same, wanted)
        if missing:
            con.execute(sa.insert(views), [same | asdict(party) | {"at": at} for party in missing])
    return len(missing)


def _missing(con: sa.Connection, same: dict, wanted: list[Party]) -> list[Party]:
    """The parties this reading has no entry for yet."""
    columns = views.c.estate_id, views.c.company_id, views.c.head_id
    query = sa.select(*columns).where(*(views.c[name] == value for name, value in same.items()))
    known = {Party(*row) for row in con.execute(query)}
    return [party for party in wanted if party not in known]
