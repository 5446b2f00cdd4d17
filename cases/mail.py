"""One message as mail, by SMTP (RFC 5321): everything but the last word, a note, the last word, the answer.

The last word is the line with a single dot that ends DATA. A server that has not seen it has taken nothing, and drops the
message when the connection breaks (RFC 5321 section 4.1.1.4); one that has may have taken it, whatever breaks afterwards.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from data.outbox import Message, Outcome, one_line

ANSWER_LONGEST = 300  # characters of the other side's words that are kept
OK = range(200, 300)
GO_ON = 354  # the answer to DATA
GONE_FOR_GOOD = range(500, 600)


@dataclass(frozen=True)
class Mail:
    """The office's mail server, as configured (``cases/sending.py``).

    Attributes:
        security: starttls, tls (from the first byte), or none (nothing secret may pass: no user then).
        sender: the address messages come from; bounces go there.
        trusted: a file of certificates to trust instead of the system's; None for the system's.
        command_seconds, last_word_seconds: how long one answer is waited for.
    """

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    trusted: str | None = None
    command_seconds: float = 300
    last_word_seconds: float = 600

    def send(self, message: Message, last_word: Callable[[], bool], now: datetime) -> Outcome:
        """Send one message.

        Args:
            last_word: asked just before the last word goes out; False where it must not.
        """
        try:
            server = self._connect()
        except smtplib.SMTPAuthenticationError as e:  # its words may repeat what was sent
            return Outcome("later", f"the server refused the sign-in ({e.smtp_code})", channel_down=True)
        except (smtplib.SMTPException, OSError) as e:
            return Outcome("later", self._told(e), channel_down=True)
        try:
            return self._converse(server, message, last_word, now)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.putcmd(
                    "quit"
                )  # its answer is of no use, and waiting for it would keep the outcome from being noted
            server.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self.trusted)
        name = self.sender.rpartition("@")[2]
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=name, timeout=self.command_seconds, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=self.command_seconds)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if self.user is not None:
                server.login(self.user, self.password or "")
        except BaseException:
            server.close()
            raise
        return server

    def _converse(
        self, server: smtplib.SMTP, message: Message, last_word: Callable[[], bool], now: datetime
    ) -> Outcome:
        handed_over = False
        try:
            for command, expected in (
                (f"mail FROM:<{self.sender}>", OK), (f"rcpt TO:<{message.to}>", OK), ("data", range(GO_ON, GO_ON + 1)),
            ):  # fmt: skip
                code, words = server.docmd(command)
                if code not in expected:
                    return _not_taken(code, words)
            server.send(_as_data(letter(message, self.sender, now)))
            if not last_word():
                return Outcome("lost")
            handed_over = True
            if server.sock:
                server.sock.settimeout(self.last_word_seconds)
            server.send(b".\r\n")
            code, words = server.getreply()
            return Outcome("sent") if code in OK else _not_taken(code, words)
        except (smtplib.SMTPException, OSError) as e:
            return Outcome("unsure" if handed_over else "later", self._told(e), channel_down=True)

    def _told(self, error: Exception) -> str:
        """What went wrong, without the server's longer words: they may repeat what was sent."""
        code = getattr(error, "smtp_code", None)
        return f"{self.host}:{self.port}: {type(error).__name__}" + (f" {code}" if code else "")


def _not_taken(code: int, words: bytes) -> Outcome:
    said = one_line(f"{code} {words.decode('utf-8', 'replace')}", ANSWER_LONGEST)
    return Outcome("refused" if code in GONE_FOR_GOOD else "later", said, channel_down=code == 421)


def letter(message: Message, sender: str, now: datetime) -> EmailMessage:
    """The message as mail. Its Message-ID is the same at every try, so that a reader can tell a second copy."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(addr_spec=sender)
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = one_line(message.subject, len(message.subject))
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{sha256(message.key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body, charset="utf-8", cte="base64")  # 7-bit lines through any server
    return mail


def _as_data(mail: EmailMessage) -> bytes:
    """Bytes for DATA without its end: CRLF line ends, dots at line starts doubled (RFC 5321 section 4.5.2)."""
    raw = mail.as_bytes()
    raw = re.sub(rb"(?m)^\.", b"..", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"
