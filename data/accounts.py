"""Who may sign in: accounts, passwords, and the brake on guessing.

Every attempt stands in the ledger, so the brake survives a restart. It goes by the name typed, whether or not such an
account exists, and a wrong name takes as long as a wrong password: nobody learns from outside who has an account.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa
from pwdlib import PasswordHash

from data.ledger import accounts, sessions, sign_in_attempts, writing
from data.scope import ROLES, Role, Scope

#: After this many failures in a row a name is locked, from the last of them; each further failure locks it again.
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
FAILURES_COUNT_FOR = timedelta(days=1)
#: One address may fail this often, under whatever names, within LOCKED_FOR.
ADDRESS_FAILURES_ALLOWED = 30
PASSWORD_MIN, PASSWORD_MAX = 12, 256  # characters
LANGUAGES = ("zh", "en")


class AccountWrong(ValueError):
    """An account cannot be made or changed as asked."""


class SignInRefused(PermissionError):
    """The attempt failed. ``locked_until`` is set where trying again before then is in vain."""

    def __init__(self, message: str, locked_until: datetime | None = None) -> None:
        super().__init__(message)
        self.locked_until = locked_until


@dataclass(frozen=True)
class Account:
    """One person who may sign in."""

    account_id: str
    name_zh: str
    name_en: str | None
    role: Role
    area_id: str | None
    company_id: str | None
    language: str
    demo: bool
    disabled: bool

    @property
    def scope(self) -> Scope:
        return Scope(self.account_id, self.role, self.area_id, self.company_id)

    def name(self, language: str) -> str:
        return self.name_en if language == "en" and self.name_en else self.name_zh


ACCOUNT_COLUMNS = (
    *(accounts.c[n] for n in ("account_id", "name_zh", "name_en", "role", "area_id", "company_id", "language", "demo")),
    accounts.c.disabled_at.is_not(None).label("disabled"),
)


@cache
def _hasher() -> tuple[PasswordHash, str]:
    """Argon2id, and a hash nobody has the password of: what is compared where there is no account, as slowly."""
    hasher = PasswordHash.recommended()
    return hasher, hasher.hash(secrets.token_urlsafe(32))


def typed(account_id: str) -> str:
    """A name as typed, made comparable: trimmed, lower case, at most as long as an account's."""
    return account_id.strip().lower()[:64]


def _composed(password: str) -> str:
    """One form for what different keyboards compose differently (Unicode NFC)."""
    return unicodedata.normalize("NFC", password[: PASSWORD_MAX + 1])


def _password_hash(password: str) -> str:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise AccountWrong(
            f"The password has {len(password)} characters; {PASSWORD_MIN} to {PASSWORD_MAX} are needed. "
            "Short ones are guessed. Choose a longer one, for example four unrelated words."
        )
    return _hasher()[0].hash(_composed(password))


def _check_complete(row: Mapping) -> None:
    """Raise AccountWrong where the role is unknown or lacks its area or company."""
    where = f"Account '{row['account_id']}'"
    if not row["account_id"] or row["account_id"] != typed(row["account_id"]):
        raise AccountWrong(
            f"{where}: use 1 to 64 lower-case characters without blanks around, so it can be typed again."
        )
    if row["role"] not in ROLES:
        raise AccountWrong(f"{where} has role '{row['role']}', which does not exist. Choose one of {', '.join(ROLES)}.")
    needed = {"subdistrict": "area_id", "station": "area_id", "manager": "company_id"}.get(row["role"])
    if needed and not row.get(needed):
        raise AccountWrong(
            f"{where} is a {row['role']} without {needed}, so nobody can tell which rows are theirs. Give it."
        )
    if row["language"] not in LANGUAGES:
        raise AccountWrong(f"{where} has language '{row['language']}'. Choose one of {', '.join(LANGUAGES)}.")


def create_account(
    ledger: sa.Engine,
    *,
    account_id: str,
    name_zh: str,
    role: Role,
    now: datetime,
    name_en: str | None = None,
    area_id: str | None = None,
    company_id: str | None = None,
    password: str | None = None,
    language: str = "zh",
) -> Account:
    """Make an account. Without a password nobody can sign in to it until ``set_password``.

    Raises:
        AccountWrong: the name is taken, the role lacks its area or company, or the password is too short.
    """
    row = {"account_id": account_id, "name_zh": name_zh, "name_en": name_en, "role": role, "area_id": area_id,
           "company_id": company_id, "language": language, "demo": False, "created_at": now}  # fmt: skip
    _check_complete(row)
    if password is not None:
        row |= {"password_hash": _password_hash(password), "password_set_at": now}
    try:
        with writing(ledger) as con:
            con.execute(sa.insert(accounts).values(row))
    except sa.exc.IntegrityError as e:
        raise AccountWrong(
            f"Account '{account_id}' exists already, and nothing was changed. Choose another name, or set its password."
        ) from e
    return existing(ledger, account_id)


def find(ledger: sa.Engine, account_id: str) -> Account | None:
    with ledger.connect() as con:
        row = con.execute(sa.select(*ACCOUNT_COLUMNS).where(accounts.c.account_id == typed(account_id))).one_or_none()
    return Account(**row._mapping) if row else None


def existing(ledger: sa.Engine, account_id: str) -> Account:
    """The account, or AccountWrong saying that there is none."""
    account = find(ledger, account_id)
    if account is None:
        raise AccountWrong(f"There is no account '{account_id}'. `steward.py people` lists those there are.")
    return account


def everyone(ledger: sa.Engine) -> list[Account]:
    """All accounts, by name."""
    with ledger.connect() as con:
        rows = con.execute(sa.select(*ACCOUNT_COLUMNS).order_by(accounts.c.account_id)).all()
    return [Account(**row._mapping) for row in rows]


def demo_people(ledger: sa.Engine) -> list[Account]:
    """The invented people of the demo district, in the order of ROLES."""
    people = [a for a in everyone(ledger) if a.demo and not a.disabled]
    return sorted(people, key=lambda a: (ROLES.index(a.role), a.account_id))


def ensure_demo_people(ledger: sa.Engine, people: Iterable[Mapping], now: datetime) -> None:
    """Make or refresh the demo people (``data.demo.people``). They have no password: only the demo button lets them in.

    Raises:
        AccountWrong: a real account has one of their names.
    """
    with writing(ledger) as con:
        for person in people:
            row = {"language": "zh", **person, "demo": True, "created_at": now}
            _check_complete(row)
            same = accounts.c.account_id == row["account_id"]
            taken = con.execute(sa.select(accounts.c.demo).where(same)).scalar_one_or_none()
            if taken is None:
                con.execute(sa.insert(accounts).values(row))
            elif taken:
                kept = ("created_at", "language")
                con.execute(sa.update(accounts).where(same).values({k: v for k, v in row.items() if k not in kept}))
            else:
                raise AccountWrong(
                    f"Account '{row['account_id']}' belongs to a real person, so no demo person was made of it. "
                    "Demo people belong into a folder of their own: use another --root."
                )


def _end_sessions(con: sa.Connection, account_id: str, by: str, now: datetime) -> None:
    open_ones = (sessions.c.account_id == account_id) & sessions.c.ended_at.is_(None)
    con.execute(sa.update(sessions).where(open_ones).values(ended_at=now, ended_by=by))


def set_password(ledger: sa.Engine, account_id: str, password: str, now: datetime) -> None:
    """Give the account a new password; every session of it ends, and so does a lock.

    Raises:
        AccountWrong: no such account, a demo person, or the password is too short.
    """
    if existing(ledger, account_id).demo:
        raise AccountWrong(f"'{account_id}' is a demo person without a password. Make an account of your own instead.")
    row = {"password_hash": _password_hash(password), "password_set_at": now}
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(row))
        _end_sessions(con, typed(account_id), "password", now)
        event = {"account_typed": typed(account_id), "address": "", "tried_at": now, "outcome": "password_set"}
        con.execute(sa.insert(sign_in_attempts).values(event))


def disable(ledger: sa.Engine, account_id: str, now: datetime) -> None:
    """Close the account from now on; every session of it ends. What the person did stays on record."""
    existing(ledger, account_id)
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(disabled_at=now))
        _end_sessions(con, typed(account_id), "disabled", now)


def enable(ledger: sa.Engine, account_id: str) -> None:
    """Open a disabled account again."""
    existing(ledger, account_id)
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(disabled_at=None))


def set_language(ledger: sa.Engine, account_id: str, language: str) -> None:
    if language in LANGUAGES:
        with writing(ledger) as con:
            con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(language=language))


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


def _enter_attempt(ledger: sa.Engine, name: str, address: str, now: datetime) -> int:
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


def check_password(ledger: sa.Engine, account_id: str, password: str, *, address: str, now: datetime) -> Account:
    """The account this name and password belong to; every attempt goes on record.

    Raises:
        SignInRefused: the name or password is wrong, the account is disabled or has no password, or the brake is on.
            Which of them is not told, but for the brake, which is on for names that do not exist as well.
    """
    name = typed(account_id)
    attempt = _enter_attempt(ledger, name, address[:64], now)
    known = accounts.c.account_id == name
    with ledger.connect() as con:
        row = con.execute(sa.select(accounts.c.password_hash, accounts.c.disabled_at).where(known)).one_or_none()
    usable = row is not None and row.password_hash is not None and row.disabled_at is None
    hasher, nobodys = _hasher()
    stored = row.password_hash if row is not None and row.password_hash else nobodys
    matches, renewed = hasher.verify_and_update(_composed(password), stored)
    if not (usable and matches):
        raise SignInRefused(
            f"The name '{name}' and the password do not belong together, so nobody was signed in. "
            f"After {FAILURES_ALLOWED} failures the name is locked for {LOCKED_FOR.seconds // 60} minutes. "
            "Check both and try again, or ask the district's data steward for a new password."
        )
    with writing(ledger) as con:
        same = sign_in_attempts.c.attempt_id == attempt
        con.execute(sa.update(sign_in_attempts).where(same).values(outcome="signed_in"))
        if renewed:  # the hash was made with weaker settings than today's
            con.execute(sa.update(accounts).where(known).values(password_hash=renewed))
    return existing(ledger, name)


def demo_person(ledger: sa.Engine, account_id: str, *, address: str, now: datetime) -> Account:
    """The demo person of that name, whose button was pressed. The caller has made sure that this is the demo district.

    Raises:
        SignInRefused: no such demo person.
    """
    account = find(ledger, account_id)
    if account is None or not account.demo or account.disabled:
        raise SignInRefused(f"'{typed(account_id)}' is no demo person. Sign in with your name and password instead.")
    with writing(ledger) as con:
        row = {"account_typed": account.account_id, "address": address[:64], "tried_at": now, "outcome": "demo"}
        con.execute(sa.insert(sign_in_attempts).values(row))
    return account
