"""Who is told that something happened in a case: a line and a link, no name and no score."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from cases.case import DISPUTE, Case
from data import outbox
from data.events import Event
from data.ledger import accounts, case_readings
from data.scope import Role
from i18n.words import Words

#: Events the company hears of; before it was told of the case it hears of none.
TO_PARTY = (
    "served", "shown", "published", "objection_decided", "extension_answered", "reinspected", "held", "result_sent", "awarded",
    "closed",
)  # fmt: skip
#: Events of the company the officers of the case hear of.
TO_OFFICERS = (
    "replied", "objected", "proof_given", "reinspection_asked", "extension_asked", "answered", "declined",
)  # fmt: skip


def _holders(con: sa.Connection, role: Role, company_id: str | None) -> list[str]:
    query = sa.select(accounts.c.account_id).where(
        accounts.c.role == role, accounts.c.company_id == company_id, accounts.c.disabled_at.is_(None)
    )
    return list(con.execute(query.order_by(accounts.c.account_id)).scalars())


def _knows(con: sa.Connection, case: Case, doing: str) -> list[str]:
    """Everyone who was told of a case, handled it or read its file, but for who acts now (domain.md section 11, rule 8)."""
    read = sa.select(case_readings.c.account_id).distinct().where(case_readings.c.case_id == case.case_id)
    told = {*_holders(con, "manager", case.company_id), *con.execute(read).scalars()}
    handled = {
        p for p in (case.opened_by, case.decided_by, case.told_by, *(o.decided_by for o in case.objections)) if p
    }
    return sorted((told | handled) - {doing})


def tell(con: sa.Connection, case: Case, event: Event, link: str) -> int:
    """Put the messages an event makes necessary into the outbox, in the event's own transaction; returns how many.

    Args:
        case: as it stands after the event. link: address of a case's page, to which its number is added.
    """
    if event.kind == "withdrawn":
        people = _knows(con, case, event.by)
    elif event.kind in TO_PARTY and case.known_to_party:
        people = _holders(con, "manager", case.company_id)
    elif event.kind == "objected" and case.step == DISPUTE:  # no officer is at it yet
        people = _holders(con, "supervisor", None)
    elif event.kind in TO_OFFICERS:
        people = sorted({p for p in (case.opened_by, case.decided_by, case.told_by) if p})
    else:
        return 0
    return _put(con, case, f"case_event:{event.seq}", f"case.event.{event.kind}", people, link, event.at)


def tell_corrected(con: sa.Connection, case: Case, edition_id: str, by: str, at: datetime) -> int:
    """Tell everyone who knows of a case that the edition with its rulings is published; returns how many messages.

    Args:
        by: who publishes, and need not be told.
    """
    people = _knows(con, case, by)
    return _put(con, case, f"corrected:{edition_id}:{case.case_id}", "notice.corrected", people, None, at)


def _put(con: sa.Connection, case: Case, key: str, what: str, people: list[str], link: str | None, at: datetime) -> int:
    both = [Words("zh"), Words("en")]
    subject = " / ".join(t("notice.subject", what=t(what), case=case.case_id) for t in both)
    body = "\n\n".join(t("notice.body", what=t(what), case=case.case_id) for t in both)
    body += f"\n\n{link}{case.case_id}" if link else ""
    return sum(outbox.put(con, key, person, subject, body, at) for person in people)
