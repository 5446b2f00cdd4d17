"""Which published edition took a ruling: it scores the case's period and was made with the ledger as far as the ruling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from cases.case import Case, Objection, fold_all
from data.editions import Published, published
from data.events import events_where, hashes_at


def on_this_ledger(root: Path, ledger: sa.Engine) -> list[Published]:
    """Published editions, oldest first, whose place in the chain this ledger still holds; others may have read another one."""
    found = published(root)
    held = hashes_at(ledger, [p.ledger_seq for p in found])
    return [p for p in found if held.get(p.ledger_seq) == p.ledger_hash]


def taken_by(case: Case, objection: Objection, editions: Sequence[Published]) -> Published | None:
    """The first edition published with what was decided on an objection; None = none is yet.

    A later quarter's edition counts too: it shows the case's quarter corrected, and is what everybody reads.
    """
    if objection.outcome is None:
        return None
    return next((p for p in editions if case.period in p.periods and p.ledger_seq >= objection.decided_seq), None)


def first_shown(root: Path, ledger: sa.Engine, edition_id: str) -> list[Case]:
    """The cases with a ruling that this edition is the first to show."""
    editions = on_this_ledger(root, ledger)

    def here(case: Case, objection: Objection) -> bool:
        first = taken_by(case, objection, editions) if objection.changes_scores else None
        return first is not None and first.edition_id == edition_id

    return [case for case in fold_all(events_where(ledger)) if any(here(case, o) for o in case.objections)]


def corrected_by(case: Case, editions: Sequence[Published]) -> list[Published]:
    """Editions with everything that was ruled in a case, oldest first; none where no record was ruled on."""
    ruled = [o.decided_seq for o in case.objections if o.changes_scores]
    return [p for p in editions if case.period in p.periods and p.ledger_seq >= max(ruled)] if ruled else []
