"""The brake on guessing. Every attempt stands in the ledger, so it survives a restart.

It goes by the name typed, whether or not such an account exists, and by the address it came from.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from data.ledger import sign_in_attempts, writing

#: After this many failures in a row a name is locked, from the last of them; each further failure locks it again.
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
FAILURES_COUNT_FOR = timedelta(days=1)
#: One address may fail this often, under whatever names, within LOCKED_FOR.
ADDRESS_FAILURES_ALLOWED = 30


class SignInRefused(PermissionError):
    """The attempt failed. ``locked_until`` is set where trying again before then is in vain."""

    def __init__(self, message: str, locked_until: datetime | None = None) -> None:
        super().__init__(message)
        self.locked_until = locked_until


def _locked_until(con: sa.Connection, name: str, address: str, before: int, now: datetime) -> datetime | None:
    """When the brake on this name or address is released; None where it is not on.

    Only refusals count, so trying while locked does not prolong the lock. A success or a new password wipes the slate.
    """
    tried = sign_in_attempts.c
    refused = sa.and_(tried.attempt_id < before, tried.outcome == "refused")
    success = (
        sa.select(sa.func.coalesce(sa.func.max(tried.attempt_id), 0))
        .where(tried.account_typed == name, tried.outcome.in_(("signed_in", "password_set")))
        .scalar_subquery()
    )
    in_a_row = sa.and_(tried.tried_at > now - FAILURES_COUNT_FOR, tried.attempt_id > success)
    by_name = sa.and_(refused, tried.account_typed == name, in_a_row)
    by_address = sa.and_(refused, tried.address == address, tried.tried_at > now - LOCKED_FOR)
    ends = []
    for rows, allowed in ((by_name, FAILURES_ALLOWED), (by_address, ADDRESS_FAILURES_ALLOWED)):
        failures, last = con.execute(sa.select(sa.func.count(), sa.func.max(tried.tried_at)).where(rows)).one()
        if failures >= allowed and last + LOCKED_FOR > now:
            ends.append(last + LOCKED_FOR)
    return max(ends, default=None)


def enter_attempt(ledger: sa.Engine, name: str, address: str, now: datetime) -> int:
    """Put the attempt on record as refused before the password is looked at, so guesses in parallel all count.

    Raises:
        SignInRefused: the brake is on.
    """
    with writing(ledger) as con:
        row = {"account_typed": name, "address": address, "tried_at": now, "outcome": "refused"}
        attempt = con.execute(
            sa.insert(sign_in_attempts).values(row).returning(sign_in_attempts.c.attempt_id)
        ).scalar_one()
        until = _locked_until(con, name, address, attempt, now)
        if until is not None:
            same = sign_in_attempts.c.attempt_id == attempt
            con.execute(sa.update(sign_in_attempts).where(same).values(outcome="locked"))
    if until is not None:
        raise SignInRefused(
            f"Sign-in as '{name}' is locked until {until:%Y-%m-%d %H:%M} UTC after {FAILURES_ALLOWED} failures. "
            "This stops guessing. Wait until then, or ask the district's data steward for a new password.",
            until,
        )
    return attempt
