"""Duties: what a person may be here, from the claims of the office's sign-in service or from the steward (rules/roles.toml)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from data.ledger import account_roles
from data.scope import ROLES, Role, Scope
from rules.book import Rule, RuleFileWrong


@dataclass(frozen=True)
class Grant:
    """One duty: a role with the area or company it needs."""

    role: Role
    area_id: str | None = None
    company_id: str | None = None

    def __str__(self) -> str:
        return f"{self.role} {self.area_id or self.company_id or ''}".strip()

    @property
    def complete(self) -> bool:
        """Whether it names the area or company its role needs."""
        return Scope("grant", self.role, self.area_id, self.company_id).complete


def _claimed(claims: Mapping[str, Any], name: str) -> list[str]:
    """Every text a claim holds; a dotted name walks into objects."""
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    values = value if isinstance(value, list) else [value]
    return [v for v in values if isinstance(v, str) and v]


def granted(claims: Mapping[str, Any], rule: Rule) -> list[Grant]:
    """The duties a person's claims give, in the rule's order; none for claims the rule does not know.

    A line whose area or company claim is missing or holds several gives one duty for each it names, and none without.

    Raises:
        RuleFileWrong: a line names no role there is.
    """
    found: list[Grant] = []
    for line in rule["grant"]:
        if line["role"] not in ROLES:
            raise RuleFileWrong(f"rules/roles.toml gives role '{line['role']}'. Roles are: {', '.join(ROLES)}.")
        if line["value"] not in _claimed(claims, line["claim"]):
            continue
        areas = _claimed(claims, line["area_claim"]) if "area_claim" in line else [None]
        companies = _claimed(claims, line["company_claim"]) if "company_claim" in line else [None]
        found += [Grant(line["role"], a, c) for a in areas for c in companies]
    return [g for g in dict.fromkeys(found) if g.complete]


def grants_of(ledger: sa.Engine, account_id: str) -> list[Grant]:
    """The duties of somebody who has several, in the order they are offered; none for who has one."""
    query = sa.select(account_roles).where(account_roles.c.account_id == account_id).order_by(account_roles.c.place)
    with ledger.connect() as con:
        return [Grant(r.role, r.area_id, r.company_id) for r in con.execute(query)]


def give(con: sa.Connection, account_id: str, grants: Iterable[Grant]) -> None:
    """Put these duties in place of those an account had, as part of the caller's transaction; one alone leaves none."""
    con.execute(sa.delete(account_roles).where(account_roles.c.account_id == account_id))
    rows = [
        {"account_id": account_id, "place": i, "role": g.role, "area_id": g.area_id, "company_id": g.company_id}
        for i, g in enumerate(grants)
    ]
    if len(rows) > 1:
        con.execute(sa.insert(account_roles), rows)
