"""Giving people their duties: by the steward, or as the office's sign-in service vouches for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from data.accounts import Account, AccountWrong, check_complete, end_sessions, existing, find, note
from data.brake import SignInRefused
from data.grants import Grant, give
from data.ledger import account_roles, accounts, writing


def grant_roles(ledger: sa.Engine, account_id: str, grants: Sequence[Grant], *, by: str, now: datetime) -> None:
    """Give an account these duties, the first its own; the person chooses one after signing in. Every session ends.

    Raises:
        AccountWrong: no such account, no duty, or one lacks its area or company.
    """
    account = existing(ledger, account_id)
    if not grants:
        raise AccountWrong(f"Account '{account_id}' needs at least one duty. Disable it if it shall have none.")
    for grant in grants:
        check_complete({**asdict(grant), "account_id": account.account_id, "language": account.language})
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == account.account_id).values(asdict(grants[0])))
        give(con, account.account_id, grants)
        end_sessions(con, account.account_id, "role", now)
        note(con, account.account_id, "role_changed", "; ".join(map(str, grants)), by, now)


def from_provider(
    ledger: sa.Engine, account_id: str, names: tuple[str, str | None], grants: Sequence[Grant], now: datetime
) -> Account:
    """The account of somebody the office's sign-in service vouched for, made or brought up to its claims.

    Its sessions end where its duties changed. It has no password, so it opens through that service alone.

    Raises:
        SignInRefused: the account is disabled here.
    """
    known = find(ledger, account_id)
    if known and known.disabled:
        raise SignInRefused(f"Account '{account_id}' is disabled. Ask the district's data steward.")
    row = asdict(grants[0]) | {"name_zh": names[0][:128], "name_en": names[1]}
    with writing(ledger) as con:
        if known is None:
            made = {"account_id": account_id, "language": "zh", "password_hash": None, "demo": False, "created_at": now}
            con.execute(sa.insert(accounts).values(made | row))
            note(con, account_id, "created", "; ".join(map(str, grants)), "sign-in service", now)
        elif _duties(con, account_id, known) != list(grants):
            end_sessions(con, account_id, "role", now)
            note(con, account_id, "role_changed", "; ".join(map(str, grants)), "sign-in service", now)
        con.execute(sa.update(accounts).where(accounts.c.account_id == account_id).values(row))
        give(con, account_id, grants)
    return existing(ledger, account_id)


def _duties(con: sa.Connection, account_id: str, account: Account) -> list[Grant]:
    rows = con.execute(
        sa.select(account_roles).where(account_roles.c.account_id == account_id).order_by(account_roles.c.place)
    ).all()
    several = [Grant(r.role, r.area_id, r.company_id) for r in rows]
    return several or [Grant(account.role, account.area_id, account.company_id)]
