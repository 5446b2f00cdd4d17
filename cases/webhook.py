"""One message as a webhook: an HTTPS POST in the form of Standard Webhooks 1.0 (standardwebhooks.com).

``webhook-id`` (also as ``Idempotency-Key``) is the same at every try; ``webhook-signature`` is ``v1,`` and the base64 of
HMAC-SHA256 over ``id.timestamp.body``. The last word is the body's last byte: a receiver that was promised one more has not
got the request. No redirect is followed, and only hosts the office has listed are called.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from data.notices import LOOPBACK, host_of
from data.outbox import Message, Outcome

TAKEN = range(200, 300)
NOT_NOW = (408, 425, 429, 503)
NOT_KNOWN = range(500, 600)  # it broke somewhere behind the door, perhaps after the message was taken


@dataclass(frozen=True)
class Webhook:
    """How webhooks are called, as configured (``cases/sending.py``).

    Attributes:
        hosts: ``name`` or ``name:port`` that may be called. secret: the office's; each address has a key made of it.
    """

    hosts: Collection[str]
    secret: bytes = field(repr=False)
    trusted: str | None = None
    command_seconds: float = 300
    last_word_seconds: float = 600

    def send(self, message: Message, last_word: Callable[[], bool], now: datetime) -> Outcome:
        """Call one webhook. ``last_word`` is asked just before the last byte goes out; False where it must not."""
        if host_of(message.to) not in self.hosts:
            return Outcome("refused", "the office's list of hosts no longer names this one")
        parts = urlsplit(message.to)
        body = payload(message)
        line = self._open(parts.scheme, parts.hostname or "", parts.port)
        handed_over = False
        try:
            line.putrequest("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            for name, value in self.headers(message, body, now).items():
                line.putheader(name, value)
            line.endheaders()
            line.send(body[:-1])
            if not last_word():
                return Outcome("lost")
            handed_over = True
            if line.sock:
                line.sock.settimeout(self.last_word_seconds)
            line.send(body[-1:])
            return _outcome(line.getresponse().status)
        except (http.client.HTTPException, OSError, ValueError) as e:
            return Outcome("unsure" if handed_over else "later", f"{host_of(message.to)}: {type(e).__name__}")
        finally:
            line.close()

    def _open(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "http" and host in LOOPBACK:
            return http.client.HTTPConnection(host, port, timeout=self.command_seconds)
        context = ssl.create_default_context(cafile=self.trusted)
        return http.client.HTTPSConnection(host, port, timeout=self.command_seconds, context=context)

    def headers(self, message: Message, body: bytes, now: datetime) -> dict[str, str]:
        """What the receiver needs to know us and to know a second copy."""
        name, moment = idempotency_key(message), str(int(now.timestamp()))
        signed = hmac.new(self.key(message.to), f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body)), "User-Agent": "Steward",
            "Connection": "close", "Idempotency-Key": name, "webhook-id": name, "webhook-timestamp": moment,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }  # fmt: skip

    def key(self, to: str) -> bytes:
        """The signing key of one address: who knows it can forge our messages to that address and to no other."""
        return hmac.new(self.secret, f"webhook\n{to}".encode(), hashlib.sha256).digest()

    def signing_key(self, to: str) -> str:
        """That key as receivers' libraries take it."""
        return f"whsec_{base64.b64encode(self.key(to)).decode()}"


def idempotency_key(message: Message) -> str:
    return f"msg_{hashlib.sha256(message.key.encode()).hexdigest()[:40]}"


def payload(message: Message) -> bytes:
    """The body: ``type``, ``timestamp`` (when the message was made), ``data`` with subject and text."""
    content = {
        "type": "notice", "timestamp": message.made_at.isoformat(),
        "data": {"subject": message.subject, "text": message.body},
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False).encode()


def _outcome(status: int) -> Outcome:
    said = f"HTTP {status}"
    if status in TAKEN:
        return Outcome("sent")
    if status in NOT_NOW:
        return Outcome("later", said)
    return Outcome("unsure" if status in NOT_KNOWN else "refused", said)
