"""Where an account's notices go: its own mail address and webhook, set by its person or by the steward."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import sqlalchemy as sa

from data.accounts import existing, note
from data.ledger import addresses, writing
from data.scope import Scope

Channel = Literal["mail", "webhook"]
CHANNELS: tuple[Channel, ...] = ("mail", "webhook")
LONGEST = {"mail": 254, "webhook": 512}  # characters; mail: RFC 5321 section 4.5.3.1.3
LOOPBACK = ("127.0.0.1", "localhost")  # where a webhook may be called without TLS
#: Addresses as nearly everybody has them; no quoted local parts, no address literals, ASCII alone.
MAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


class AddressWrong(ValueError):
    """An address cannot be used. ``code`` names the words that say why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def host_of(url: str) -> str:
    """Host and port of a webhook's address, as the office lists them; empty where it has none.

    >>> host_of("https://Hooks.example.com/a?b=c"), host_of("http://localhost:8000/")
    ('hooks.example.com', 'localhost:8000')
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return f"{host}:{port}" if port else host


def checked(channel: Channel, to: str, hosts: Collection[str] = ()) -> str:
    """The address, trimmed, if messages can go there.

    Args:
        hosts: webhook hosts the office has listed; a program that calls any address can be led behind the firewall.

    Raises:
        AddressWrong: it is not one, or its host is not listed.
    """
    to = to.strip()
    if len(to) > LONGEST[channel]:
        raise AddressWrong("long", f"The address has {len(to)} characters; {LONGEST[channel]} at most.")
    if channel == "mail":
        if not MAIL.fullmatch(to) or len(to.rpartition("@")[0]) > 64:
            raise AddressWrong("mail", "That is no mail address. Write it as name@example.com.")
        return to
    if not _callable(to):
        raise AddressWrong("webhook", "That is no webhook address. Write it as https://host/path.")
    if host_of(to) not in hosts:
        raise AddressWrong("host", f"'{host_of(to)}' is not on the office's list of webhook hosts.")
    return to


def _callable(url: str) -> bool:
    """HTTPS (plain HTTP on this machine alone), a host, no password, no fragment, nothing that breaks a request line."""
    if not (url.isascii() and url.isprintable() and " " not in url and host_of(url)):
        return False
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    return (parts.scheme == "https" or plain) and "@" not in parts.netloc and not parts.fragment


def addresses_of(scope: Scope, ledger: sa.Engine, account_id: str) -> dict[str, str]:
    """Channel to address, of the viewer's own account, or of any for a steward.

    Raises:
        PermissionError: somebody else's.
    """
    _check_may(scope, account_id)
    query = sa.select(addresses.c.channel, addresses.c.to).where(addresses.c.account_id == account_id)
    with ledger.connect() as con:
        return {row.channel: row.to for row in con.execute(query)}


def everyones(scope: Scope, ledger: sa.Engine) -> dict[str, dict[str, str]]:
    """Account to channel to address, of all who have one; a steward's to see."""
    scope.require("steward")
    found: dict[str, dict[str, str]] = {}
    with ledger.connect() as con:
        for row in con.execute(sa.select(addresses).order_by(addresses.c.account_id)):
            found.setdefault(row.account_id, {})[row.channel] = row.to
    return found


def set_address(
    scope: Scope, ledger: sa.Engine, account_id: str, channel: Channel, to: str, *, hosts: Collection[str], now: datetime
) -> None:  # fmt: skip
    """Set, change or (with an empty ``to``) remove one address; what was put in the outbox before stays addressed as it was.

    Raises:
        PermissionError: somebody else's account. AddressWrong: no usable address, or a demo person.
    """
    _check_may(scope, account_id)
    if existing(ledger, account_id).demo:
        raise AddressWrong("demo", "Anyone may be a demo person, so nothing is sent to one.")
    kept = checked(channel, to, hosts) if to.strip() else ""
    this = (addresses.c.account_id == account_id, addresses.c.channel == channel)
    with writing(ledger) as con:
        was = con.execute(sa.select(addresses.c.to).where(*this)).scalar_one_or_none()
        if (was or "") == kept:
            return
        con.execute(sa.delete(addresses).where(*this))
        if kept:
            con.execute(sa.insert(addresses).values(account_id=account_id, channel=channel, to=kept))
        what = "address_set" if kept else "address_removed"
        note(con, account_id, what, f"{channel} {was or '-'} -> {kept or '-'}", scope.viewer_id, now)


def _check_may(scope: Scope, account_id: str) -> None:
    if scope.viewer_id != account_id:
        scope.require("steward")
