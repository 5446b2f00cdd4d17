"""Who may sign in: accounts and passwords; what was done to an account stays on record.

A wrong name takes as long as a wrong password: nobody learns from outside who has an account. ``data/brake.py`` stops guessing.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from pwdlib import PasswordHash

from data.brake import FAILURES_ALLOWED, LOCKED_FOR, SignInRefused, enter_attempt
from data.grants import give
from data.ledger import NAME_LONGEST, account_events, accounts, sessions, sign_in_attempts, writing
from data.scope import ROLES, Role, Scope

PASSWORD_MIN, PASSWORD_MAX = 12, 256  # characters
LANGUAGES = ("zh", "en")


class AccountWrong(ValueError):
    """An account cannot be made or changed as asked."""


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
    must_change: bool = False  # somebody else knows the password: nothing opens but the form for a new one

    @property
    def scope(self) -> Scope:
        return Scope(self.account_id, self.role, self.area_id, self.company_id)

    def name(self, language: str) -> str:
        return self.name_en if language == "en" and self.name_en else self.name_zh


#: Whether the newest password was given by somebody else than its person.
_GIVEN = sa.func.coalesce(
    sa.select(account_events.c.what == "password_given")
    .where(
        account_events.c.account_id == accounts.c.account_id,
        account_events.c.what.in_(("password_given", "password_chosen")),
    )
    .order_by(account_events.c.event_id.desc())
    .limit(1)
    .correlate(accounts)
    .scalar_subquery(),
    sa.false(),
)
ACCOUNT_COLUMNS = (
    *(accounts.c[n] for n in ("account_id", "name_zh", "name_en", "role", "area_id", "company_id", "language", "demo")),
    accounts.c.disabled_at.is_not(None).label("disabled"),
    _GIVEN.label("must_change"),
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


def check_complete(row: Mapping) -> None:
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
    for name in ("name_zh", "name_en"):
        if len(row.get(name) or "") > NAME_LONGEST:
            raise AccountWrong(f"{where}: {name} is longer than {NAME_LONGEST} characters. Shorten it.")
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
    by: str | None = None,
) -> Account:
    """Make an account. Without a password nobody can sign in to it until ``set_password``.

    ``by`` names the steward who hands the first password over: its person must change it before anything else.

    Raises:
        AccountWrong: the name is taken, the role lacks its area or company, or the password is too short.
    """
    row = {"account_id": account_id, "name_zh": name_zh, "name_en": name_en, "role": role, "area_id": area_id,
           "company_id": company_id, "language": language, "demo": False, "created_at": now}  # fmt: skip
    check_complete(row)
    if password is not None:
        row |= {"password_hash": _password_hash(password), "password_set_at": now}
    try:
        with writing(ledger) as con:
            con.execute(sa.insert(accounts).values(row))
            note(con, account_id, "created", f"{role} {area_id or company_id or ''}".strip(), by or account_id, now)
            if password is not None and by is not None:
                note(con, account_id, "password_given", "", by, now)
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


def names_of(ledger: sa.Engine, account_ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Chinese and English names of accounts, also of disabled ones: for papers and timelines."""
    query = sa.select(accounts.c.account_id, accounts.c.name_zh, accounts.c.name_en).where(
        accounts.c.account_id.in_(sorted(set(account_ids)))
    )
    with ledger.connect() as con:
        return {row.account_id: (row.name_zh, row.name_en) for row in con.execute(query)}


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
            check_complete(row)
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


def end_sessions(con: sa.Connection, account_id: str, by: str, now: datetime) -> None:
    open_ones = (sessions.c.account_id == account_id) & sessions.c.ended_at.is_(None)
    con.execute(sa.update(sessions).where(open_ones).values(ended_at=now, ended_by=by))


def note(con: sa.Connection, account_id: str, what: str, detail: str, by: str, now: datetime) -> None:
    """Put on record what was done to an account; part of the caller's transaction."""
    row = {"account_id": typed(account_id), "what": what, "detail": detail[:512], "by": by[:64], "at": now}
    con.execute(sa.insert(account_events).values(row))


def noted(ledger: sa.Engine, what: str, beginning: str) -> list[str]:
    """Details of everything of one kind on record that begins so, oldest first; the record is never changed."""
    rows = sa.select(account_events.c.detail).where(
        account_events.c.what == what, account_events.c.detail.startswith(beginning, autoescape=True)
    )
    with ledger.connect() as con:
        return list(con.execute(rows.order_by(account_events.c.event_id)).scalars())


def set_password(ledger: sa.Engine, account_id: str, password: str, now: datetime, by: str | None = None) -> None:
    """Give the account a new password; every session of it ends, and so does a lock.

    ``by`` names the steward who gives it: its person must then change it first. None: the person chose it.

    Raises:
        AccountWrong: no such account, a demo person, or the password is too short.
    """
    if existing(ledger, account_id).demo:
        raise AccountWrong(f"'{account_id}' is a demo person without a password. Make an account of your own instead.")
    row = {"password_hash": _password_hash(password), "password_set_at": now}
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(row))
        end_sessions(con, typed(account_id), "password", now)
        event = {"account_typed": typed(account_id), "address": "", "tried_at": now, "outcome": "password_set"}
        con.execute(sa.insert(sign_in_attempts).values(event))
        note(con, account_id, "password_given" if by else "password_chosen", "", by or typed(account_id), now)


def choose_password(ledger: sa.Engine, account_id: str, old: str, new: str, *, address: str, now: datetime) -> None:
    """The person puts a password of their own in place of the old one; every session ends, this one too.

    Raises:
        SignInRefused: the old password is wrong, or the brake is on: guesses here count like those at the door.
        AccountWrong: the new one is the old one, or too short.
    """
    check_password(ledger, account_id, old, address=address, now=now)
    if _composed(new) == _composed(old):
        raise AccountWrong("The new password is the old one, so nothing was changed. Choose another.")
    set_password(ledger, account_id, new, now)


def change_role(
    ledger: sa.Engine,
    account_id: str,
    role: Role,
    *,
    area_id: str | None,
    company_id: str | None,
    by: str,
    now: datetime,
) -> None:
    """Give the account another duty; every session ends, so nothing of the old duty stays on a screen.

    Raises:
        AccountWrong: no such account, or the role lacks its area or company.
    """
    account = existing(ledger, account_id)
    row = {"role": role, "area_id": area_id, "company_id": company_id}
    check_complete({**row, "account_id": account.account_id, "language": account.language})
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == account.account_id).values(row))
        give(con, account.account_id, ())
        end_sessions(con, account.account_id, "role", now)
        was = f"{account.role} {account.area_id or account.company_id or ''}".strip()
        is_now = f"{role} {area_id or company_id or ''}".strip()
        note(con, account.account_id, "role_changed", f"{was} -> {is_now}", by, now)


def anyone_real(ledger: sa.Engine) -> bool:
    """Is there an account of a real person who may sign in?"""
    usable = ~accounts.c.demo & accounts.c.disabled_at.is_(None)
    with ledger.connect() as con:
        return con.execute(sa.select(accounts.c.account_id).where(usable).limit(1)).first() is not None


def disable(ledger: sa.Engine, account_id: str, now: datetime, by: str = "steward") -> None:
    """Close the account from now on; every session of it ends. What the person did stays on record."""
    existing(ledger, account_id)
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(disabled_at=now))
        end_sessions(con, typed(account_id), "disabled", now)
        note(con, account_id, "disabled", "", by, now)


def enable(ledger: sa.Engine, account_id: str, now: datetime, by: str = "steward") -> None:
    """Open a disabled account again."""
    existing(ledger, account_id)
    with writing(ledger) as con:
        con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(disabled_at=None))
        note(con, account_id, "enabled", "", by, now)


def set_language(ledger: sa.Engine, account_id: str, language: str) -> None:
    if language in LANGUAGES:
        with writing(ledger) as con:
            con.execute(sa.update(accounts).where(accounts.c.account_id == typed(account_id)).values(language=language))


def check_password(ledger: sa.Engine, account_id: str, password: str, *, address: str, now: datetime) -> Account:
    """The account this name and password belong to; every attempt goes on record.

    Raises:
        SignInRefused: the name or password is wrong, the account is disabled or has no password, or the brake is on.
            Which of them is not told, but for the brake, which is on for names that do not exist as well.
    """
    name = typed(account_id)
    attempt = enter_attempt(ledger, name, address[:64], now)
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


def note_service(ledger: sa.Engine, account_id: str, *, came_in: bool, address: str, now: datetime) -> None:
    """Enter in the sign-in log that the office's own service vouched for somebody (``service``), or that it did not.

    Not a failure the brake counts: nobody guessed a password here.
    """
    outcome = "service" if came_in else "not_vouched"
    with writing(ledger) as con:
        row = {"account_typed": account_id[:64], "address": address[:64], "tried_at": now, "outcome": outcome}
        con.execute(sa.insert(sign_in_attempts).values(row))
