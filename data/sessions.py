"""Stays: from signing in to signing out, or to one of two limits. The token is known to the browser alone."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from data.accounts import ACCOUNT_COLUMNS, Account, note
from data.grants import Grant
from data.ledger import account_roles, accounts, sessions, writing

IDLE_LIMIT = timedelta(minutes=60)  # without any sign of the person
ABSOLUTE_LIMIT = timedelta(hours=12)  # a working day, whatever happens
SEEN_EVERY = timedelta(minutes=1)  # how often being there is written down: one write a minute, not one a click
#: Asked at every request and every click, so built once.
DUTY = ("role", "area_id", "company_id")
_HAS_SEVERAL = sa.exists().where(account_roles.c.account_id == accounts.c.account_id).correlate(accounts)
OPEN_STAY = (
    sa.select(
        sessions.c.started_at,
        sessions.c.seen_at,
        *(column for column in ACCOUNT_COLUMNS if column.name not in DUTY),
        *(sa.case((sessions.c.role.is_not(None), sessions.c[n]), else_=accounts.c[n]).label(n) for n in DUTY),
        (sessions.c.role.is_(None) & _HAS_SEVERAL).label("must_choose"),
        _HAS_SEVERAL.label("several"),
    )
    .join(accounts)
    .where(
        sessions.c.token_hash == sa.bindparam("key"),
        sessions.c.ended_at.is_(None),
        sessions.c.started_at > sa.bindparam("started_after"),
        sessions.c.seen_at > sa.bindparam("seen_after"),
        accounts.c.disabled_at.is_(None),
    )
)


@dataclass(frozen=True)
class Session:
    """One stay of one person. ``key`` is the token's SHA-256: it names the stay and opens nothing."""

    key: str
    account: Account
    started_at: datetime
    seen_at: datetime
    must_choose: bool = False  # several duties and none chosen: nothing opens but the page to choose
    several: bool = False


def key_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def start(ledger: sa.Engine, account: Account, now: datetime, grant: Grant | None = None) -> str:
    """Begin a stay; returns its token, 32 random bytes, for the browser's cookie.

    Args:
        grant: the duty chosen by who has several; the ledger notes it.
    """
    token = secrets.token_urlsafe(32)
    row = {"token_hash": key_of(token), "account_id": account.account_id, "started_at": now, "seen_at": now}
    row |= asdict(grant) if grant else {}
    with writing(ledger) as con:
        con.execute(sa.insert(sessions).values(row))
        if grant:
            note(con, account.account_id, "role_chosen", str(grant), account.account_id, now)
    return token


def find(ledger: sa.Engine, token: object, now: datetime) -> Session | None:
    """The stay this token opens, noted as seen now; None where it never began, ended, or ran into a limit.

    ``token`` may be anything a cookie jar returned; only a string can be one.
    """
    if not isinstance(token, str) or not token:
        return None
    key = key_of(token)
    limits = {"key": key, "started_after": now - ABSOLUTE_LIMIT, "seen_after": now - IDLE_LIMIT}
    with ledger.connect() as con:
        row = con.execute(OPEN_STAY, limits).one_or_none()
    if row is None:
        return None
    fields = dict(row._mapping)
    own = {name: fields.pop(name) for name in ("started_at", "seen_at", "must_choose", "several")}
    session = Session(key, account=Account(**fields), **own)
    if now - session.seen_at >= SEEN_EVERY:
        with writing(ledger) as con:
            con.execute(sa.update(sessions).where(sessions.c.token_hash == key).values(seen_at=now))
    return session


def end(ledger: sa.Engine, token: object, now: datetime) -> None:
    """Sign out: the stay ends in every tab and window that shares its cookie."""
    if isinstance(token, str):
        mine = (sessions.c.token_hash == key_of(token)) & sessions.c.ended_at.is_(None)
        with writing(ledger) as con:
            con.execute(sa.update(sessions).where(mine).values(ended_at=now, ended_by="sign_out"))
