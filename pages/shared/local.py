"""Whether a request comes from this very machine; what an installation without accounts serves."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def loopback(host: str | None) -> bool:
    """Is this the machine itself? Takes an address or ``localhost``, with or without a port."""
    name = urlsplit(f"//{host or ''}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _address(pair: object) -> str | None:
    """The host of a (host, port) pair as loopback() reads it."""
    host = getattr(pair, "host", None) or (pair[0] if isinstance(pair, (tuple, list)) and pair else None)
    return None if host is None else f"[{host}]" if ":" in host else host


def over_loopback(asked: HTTPConnection) -> bool:
    """True where the request came over loopback, by a loopback name, through no proxy."""
    return (
        loopback(_address(asked.client))
        and loopback(_address(asked.scope.get("server")))
        and loopback(asked.headers.get("host"))
        and not any(header in asked.headers for header in FORWARDED)
    )
