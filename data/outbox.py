"""The outbox: messages to be sent once each, whatever breaks in between.

A message is put here in the transaction that makes it necessary, so neither can be without the other. A sender claims it,
says everything but the last word to the other side, notes ``handed_over_at``, and only then says the last word. So:

- broken before the note: the other side cannot have taken it (it never saw its end); it is sent again;
- broken after the note and before the answer is known: nobody can tell; ``unsure_at``, and a person decides;
- answered: ``sent_at``, or tried again later, or given up (``failed_at``).

Two senders never send the same message: the note is written only by the one who holds the claim.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from data.ledger import accounts, addresses, outbox, outbox_decisions, writing
from rules.book import Rule

SUBJECT_LONGEST = 200  # characters
ERROR_LONGEST = 512
DISABLED = "account_disabled"
LOST = "sender_lost"
OUT_OF_TRIES = "out_of_tries"
RESTORED = "restored"

#: Nobody has sent it, given it up, or lost sight of it.
OPEN = sa.and_(outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None), outbox.c.unsure_at.is_(None))
#: Somebody who may sign in gets notices at the message's address.
_STILL_MEANT = sa.or_(
    sa.exists().where(accounts.c.account_id == outbox.c.account_id, accounts.c.disabled_at.is_(None)),
    sa.exists().where(
        addresses.c.channel == outbox.c.channel,
        addresses.c.to == outbox.c.to,
        accounts.c.account_id == addresses.c.account_id,
        accounts.c.disabled_at.is_(None),
    ),
)


@dataclass(frozen=True)
class Waits:
    """How often and how long: ``rules/outbox.toml`` as in force on a day."""

    first_wait_minutes: int
    wait_factor: float
    longest_wait_minutes: int
    attempts_at_most: int
    lease_minutes: int

    @classmethod
    def of(cls, rule: Rule) -> Waits:
        return cls(**{name: rule[name] for name in cls.__dataclass_fields__})

    def after(self, attempts: int) -> timedelta:
        """How long to wait after so many tries.

        >>> Waits(30, 2, 720, 14, 30).after(3)     # 30 min, 1 h, 2 h
        datetime.timedelta(seconds=7200)
        """
        exponent = min(attempts - 1, 64)  # beyond that every wait is the longest
        return timedelta(minutes=min(self.first_wait_minutes * self.wait_factor**exponent, self.longest_wait_minutes))

    @property
    def lease(self) -> timedelta:
        return timedelta(minutes=self.lease_minutes)


@dataclass(frozen=True)
class Message:
    """One message as its sender holds it; ``who`` is the sender."""

    message_id: int
    key: str
    channel: str
    to: str
    subject: str
    body: str
    made_at: datetime
    attempts: int
    who: str


@dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes:
        kind: sent; later (not taken now); refused (never will be); unsure (nobody can tell); lost (another sender has it).
        said: why, in one line, without credentials.
        channel_down: the way itself is closed, so other messages need not be tried on it now.
    """

    kind: Literal["sent", "later", "refused", "unsure", "lost"]
    said: str = ""
    channel_down: bool = False


def one_line(text: str, longest: int) -> str:
    """Text that cannot begin a line of its own: breaks, controls and lone surrogates become blanks."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(kept.split())[:longest]


def _paragraphs(text: str) -> str:
    """A body with plain line ends and nothing a database or a mail reader chokes on."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in line) for line in lines)


def key_of(key: str, channel: str, to: str) -> str:
    """The matter and the address in one key of at most 128 characters."""
    whole = "\n".join((key, channel, to)).encode()
    return f"{key[:63]}:{hashlib.sha256(whole).hexdigest()}"


def put(con: sa.Connection, key: str, account_id: str, subject: str, body: str, at: datetime) -> int:
    """Put a message to every address of an account, as part of the caller's ``writing`` transaction.

    Args:
        key: the matter, such as ``case_event:17:told``; the same matter goes to the same address once.
        subject, body: no score and no name of a party: mail is not a case file. A link to the page is enough.

    Returns:
        How many messages were put: none where the account has no address, is disabled, or was told before.
    """
    found = con.execute(
        sa.select(addresses.c.channel, addresses.c.to)
        .join(accounts, accounts.c.account_id == addresses.c.account_id)
        .where(addresses.c.account_id == account_id, accounts.c.disabled_at.is_(None))
        .order_by(addresses.c.channel)
    ).all()
    keys = {key_of(key, row.channel, row.to): row for row in found}
    known = set(con.execute(sa.select(outbox.c.key).where(outbox.c.key.in_(keys))).scalars())
    said = {"subject": one_line(subject, SUBJECT_LONGEST), "body": _paragraphs(body)}
    rows = [
        {"key": k, "channel": row.channel, "to": row.to, "made_at": at, "due_at": at, "attempts": 0,
         "account_id": account_id, **said}
        for k, row in keys.items() if k not in known
    ]  # fmt: skip
    if rows:
        con.execute(sa.insert(outbox), rows)
    return len(rows)


def claim(ledger: sa.Engine, who: str, channels: Collection[str], now: datetime, waits: Waits) -> Message | None:
    """Take the message that has been due longest; None where nothing is due.

    One whose sender died before the last word is taken again after the lease. One to nobody who may still sign in, or one
    that ended its sender every time, is given up here.
    """
    with writing(ledger) as con:
        _give_up(con, OPEN & outbox.c.handed_over_at.is_(None) & _free(now, waits), now, waits)
        row = (
            con.execute(
                sa.select(outbox)
                .where(OPEN, outbox.c.handed_over_at.is_(None), outbox.c.channel.in_(channels))
                .where(outbox.c.due_at <= now, _free(now, waits))
                .order_by(outbox.c.due_at, outbox.c.message_id)
                .limit(1)
            )
            .mappings()
            .first()
        )
        if row is None:
            return None
        values = {"claimed_at": now, "claimed_by": who, "attempts": row["attempts"] + 1}
        con.execute(sa.update(outbox).where(outbox.c.message_id == row["message_id"]).values(values))
    taken = dict(row) | {"attempts": row["attempts"] + 1, "who": who}
    return Message(**{name: taken[name] for name in Message.__dataclass_fields__})


def _free(now: datetime, waits: Waits) -> sa.ColumnElement[bool]:
    return sa.or_(outbox.c.claimed_at.is_(None), outbox.c.claimed_at <= now - waits.lease)


def _give_up(con: sa.Connection, these: sa.ColumnElement[bool], now: datetime, waits: Waits) -> None:
    for why, condition in (
        (DISABLED, ~_STILL_MEANT & (outbox.c.due_at <= now)),
        (OUT_OF_TRIES, outbox.c.attempts >= waits.attempts_at_most),
    ):
        con.execute(sa.update(outbox).where(these, condition).values(failed_at=now, error=why))


def hand_over(ledger: sa.Engine, message: Message, now: datetime) -> bool:
    """Note that the last word goes out now; False where the message is no longer this sender's: then it must not."""
    return _change(ledger, message, sa.and_(OPEN, outbox.c.handed_over_at.is_(None)), handed_over_at=now)


def note(ledger: sa.Engine, message: Message, outcome: Outcome, now: datetime, waits: Waits) -> bool:
    """Put down what came of a try; False where a person or another sender has it by now.

    An answer that came late still counts: it clears ``unsure_at`` unless somebody decided meanwhile.
    """
    if outcome.kind == "lost":
        return False
    values: dict[str, Any] = {"error": one_line(outcome.said, ERROR_LONGEST) or None}
    if outcome.kind == "sent":
        values |= {"sent_at": now, "unsure_at": None, "error": None}
    elif outcome.kind == "unsure":
        values |= {"unsure_at": now}
    elif outcome.kind == "refused" or message.attempts >= waits.attempts_at_most:
        values |= {"failed_at": now, "unsure_at": None, "handed_over_at": None}
    else:
        values |= {
            "due_at": now + waits.after(message.attempts), "unsure_at": None, "handed_over_at": None,
            "claimed_at": None, "claimed_by": None,
        }  # fmt: skip
    return _change(ledger, message, sa.and_(outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None)), **values)


def _change(ledger: sa.Engine, message: Message, still: sa.ColumnElement[bool], **values: Any) -> bool:
    mine = (outbox.c.message_id == message.message_id) & (outbox.c.claimed_by == message.who)
    with writing(ledger) as con:
        return con.execute(sa.update(outbox).where(mine, still).values(values)).rowcount == 1


def settle(ledger: sa.Engine, now: datetime, waits: Waits) -> int:
    """Messages whose last word went out and whose sender was not heard of since: nobody can tell; a person decides."""
    gone = (OPEN, outbox.c.handed_over_at <= now - waits.lease)
    with writing(ledger) as con:
        return con.execute(sa.update(outbox).where(*gone).values(unsure_at=now, error=LOST)).rowcount


def doubt_all(con: sa.Connection, now: datetime) -> int:
    """After a restore: what the copy shows as waiting may have gone out since it was made, so a person decides."""
    return con.execute(sa.update(outbox).where(OPEN).values(unsure_at=now, error=RESTORED)).rowcount


class DecisionWrong(ValueError):
    """That cannot be decided about this message (any more). ``code`` names the words that say why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def decide(
    ledger: sa.Engine, message_id: int, what: Literal["resend", "arrived"], *, reason: str, by: str, now: datetime
) -> None:
    """A person's word on a message: send it again (unsure or given up), or it did arrive (unsure).

    Raises:
        DecisionWrong: no reason, or the message is not (or no longer) one that waits for a person.
    """
    if not reason.strip():
        raise DecisionWrong("reason", "A reason is needed: it stays on record with the decision.")
    waits_for_person: sa.ColumnElement[bool] = outbox.c.unsure_at.is_not(None)
    values: dict[str, Any] = {"sent_at": now, "unsure_at": None, "error": None}
    if what == "resend":
        waits_for_person = sa.or_(waits_for_person, outbox.c.failed_at.is_not(None))
        values = dict.fromkeys(
            ("unsure_at", "failed_at", "handed_over_at", "claimed_at", "claimed_by", "error"), None
        ) | {"due_at": now, "attempts": 0}  # fmt: skip
    with writing(ledger) as con:
        this = (outbox.c.message_id == message_id, outbox.c.sent_at.is_(None), waits_for_person)
        if con.execute(sa.update(outbox).where(*this).values(values)).rowcount != 1:
            raise DecisionWrong("settled", f"Message {message_id} waits for nobody's decision; nothing was changed.")
        row = {"message_id": message_id, "what": what, "reason": reason.strip(), "by": by, "at": now}
        con.execute(sa.insert(outbox_decisions).values(row))
