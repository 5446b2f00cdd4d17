"""Sending what waits in the outbox: the ways there are, as the office configured them, and one pass over what is due.

Settings come from the environment; a password or secret from there or from a file nobody else may read. None of it is ever
written anywhere. Where nothing is set, nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from cases.mail import Mail
from cases.webhook import Webhook
from data import notices, outbox
from data.outbox import Message, Outcome, Waits
from rules.book import Rule

PORTS = {"starttls": 587, "tls": 465, "none": 25}
SECRET_SHORTEST = 32  # characters
NOTE_TRIES = 5  # each as patient as the ledger is with a busy database (data/ledger.py)


class SettingsWrong(ValueError):
    """The environment configures sending in a way that cannot be used; never quotes a secret."""


class Sender(Protocol):
    """One way out."""

    def send(self, message: Message, last_word: Callable[[], bool], now: datetime) -> Outcome: ...


def send_waiting(
    ledger: sa.Engine, senders: Mapping[str, Sender], clock: Callable[[], datetime], waits: Waits
) -> Counter[str]:
    """One pass: send everything that is due and may be sent, each message once.

    Args:
        senders: by channel; a channel without one is left alone. clock: asked before and after every try.

    Returns:
        How many messages came to each outcome (``Outcome.kind``); ``settled``: found unsure, their sender being gone.
    """
    who = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(8)}"
    came: Counter[str] = Counter()
    came["settled"] = outbox.settle(ledger, clock(), waits)
    open_ways = dict(senders)
    while open_ways and (message := outbox.claim(ledger, who, tuple(open_ways), clock(), waits)):
        outcome = _tried(ledger, open_ways[message.channel], message, clock)
        _noted(ledger, message, outcome, clock, waits)
        came[outcome.kind] += 1
        if outcome.channel_down:
            del open_ways[message.channel]
    return +came


def _noted(ledger: sa.Engine, message: Message, outcome: Outcome, clock: Callable[[], datetime], waits: Waits) -> None:
    """Note an outcome, trying again where the ledger is busy: an answer that is lost would leave a person in doubt."""
    for _ in range(NOTE_TRIES - 1):
        try:
            outbox.note(ledger, message, outcome, clock(), waits)
        except sa.exc.OperationalError:
            continue
        return
    outbox.note(ledger, message, outcome, clock(), waits)


def _tried(ledger: sa.Engine, sender: Sender, message: Message, clock: Callable[[], datetime]) -> Outcome:
    """One try; a sender that breaks in a way nobody foresaw costs its own message a try and no other's."""
    said: list[bool] = []

    def last_word() -> bool:
        said.append(outbox.hand_over(ledger, message, clock()))
        return said[-1]

    try:
        return sender.send(message, last_word, clock())
    except Exception as e:
        return Outcome("unsure" if any(said) else "later", type(e).__name__)


def channels(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The channels that are configured; for pages, which read no secret."""
    ways = {"mail": "STEWARD_SMTP_HOST", "webhook": "STEWARD_WEBHOOK_HOSTS"}
    return tuple(channel for channel in notices.CHANNELS if environ.get(ways[channel], "").strip())


def webhook_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Hosts webhooks may be at, in lower case."""
    return tuple(host.lower() for host in environ.get("STEWARD_WEBHOOK_HOSTS", "").replace(",", " ").split())


def senders(environ: Mapping[str, str], rule: Rule) -> dict[str, Sender]:
    """The ways out that are configured.

    Raises:
        SettingsWrong: a setting is missing, contradicts another, or a secret's file may be read by others.
    """
    made: dict[str, Callable[..., Sender]] = {"mail": mail, "webhook": webhook}
    patience = {"command_seconds": rule["command_seconds"], "last_word_seconds": rule["last_word_seconds"]}
    return {channel: made[channel](environ, **patience) for channel in channels(environ)}


def mail(environ: Mapping[str, str], **patience: float) -> Mail:
    """The mail server of ``STEWARD_SMTP_...`` (docs/deploy.md).

    Raises:
        SettingsWrong: as ``senders``.
    """
    security = environ.get("STEWARD_SMTP_SECURITY", "starttls").strip().lower()
    if security not in PORTS:
        raise SettingsWrong(f"STEWARD_SMTP_SECURITY is '{security}'. Choose one of {', '.join(PORTS)}.")
    port = environ.get("STEWARD_SMTP_PORT", "").strip() or str(PORTS[security])
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsWrong(f"STEWARD_SMTP_PORT is '{port}'. Give a number from 1 to 65535, or leave it out.")
    try:
        sender = notices.checked("mail", environ.get("STEWARD_SMTP_FROM", ""))
    except notices.AddressWrong as e:
        raise SettingsWrong(f"STEWARD_SMTP_FROM: {e} Messages need a sender.") from None
    user, password = environ.get("STEWARD_SMTP_USER") or None, _secret(environ, "STEWARD_SMTP_PASSWORD")
    if (user is None) != (password is None):
        raise SettingsWrong("STEWARD_SMTP_USER and STEWARD_SMTP_PASSWORD (or _FILE) go together; one is missing.")
    if not ((user or "") + (password or "")).isascii():
        raise SettingsWrong("STEWARD_SMTP_USER and STEWARD_SMTP_PASSWORD: SMTP's sign-in takes ASCII characters alone.")
    if user and security == "none":
        raise SettingsWrong(
            "STEWARD_SMTP_SECURITY is 'none', so the password would pass in the clear. Use starttls or tls."
        )
    return Mail(
        environ["STEWARD_SMTP_HOST"].strip(), int(port), security, sender, user, password,
        environ.get("STEWARD_SMTP_TRUST") or None, **patience,
    )  # fmt: skip


def webhook(environ: Mapping[str, str], **patience: float) -> Webhook:
    """The webhooks of ``STEWARD_WEBHOOK_...`` (docs/deploy.md).

    Raises:
        SettingsWrong: as ``senders``.
    """
    secret = _secret(environ, "STEWARD_WEBHOOK_SECRET")
    if secret is None or len(secret) < SECRET_SHORTEST:
        raise SettingsWrong(
            f"STEWARD_WEBHOOK_SECRET (or _FILE) needs {SECRET_SHORTEST} characters or more: receivers know us by it. "
            "Make one with: openssl rand -base64 32"
        )
    return Webhook(webhook_hosts(environ), secret.encode(), environ.get("STEWARD_WEBHOOK_TRUST") or None, **patience)


def _secret(environ: Mapping[str, str], name: str) -> str | None:
    """A secret from the environment, or from the file named by ``<name>_FILE``, which only its owner may read."""
    if given := environ.get(name):
        return given
    file = environ.get(f"{name}_FILE")
    if not file:
        return None
    with contextlib.suppress(OSError, UnicodeDecodeError), Path(file).open(encoding="utf-8") as opened:
        mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
        if mode & 0o077:
            raise SettingsWrong(f"{name}_FILE: others may read that file (mode {mode:o}). Make it 0600.")
        return opened.read().strip() or None
    raise SettingsWrong(f"{name}_FILE: that file cannot be read. Check its path and its owner.")
