"""A sender that is killed (SIGKILL) at a named instant: ``python -m tests.cases.dying_sender INSTANT ROOT PORT MOMENT CHANNEL``."""

from __future__ import annotations

import http.client
import os
import signal
import smtplib
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cases import sending
from cases.mail import Mail
from cases.webhook import Webhook
from data import outbox
from data.ledger import open_ledger
from data.outbox import Waits
from rules.book import Book

#: Instant: does the server have the message by then, and can anybody tell afterwards?
INSTANTS = (
    "before_claim",
    "after_claim",
    "all_but_the_last_word",
    "note_written",
    "last_word_out",
    "answer_read",
    "never",
)


def die(*_args: Any, **_kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(f: Callable, when: Callable[..., bool] = lambda *_a: True) -> Callable:
    def both(*args: Any, **kwargs: Any) -> Any:
        answer = f(*args, **kwargs)
        if when(*args):
            die()
        return answer

    return both


def main(instant: str, root: str, port: str, moment: str, channel: str = "mail") -> None:
    at = datetime.fromisoformat(moment)
    if instant == "before_claim":
        outbox.claim = die
    elif instant == "after_claim":
        Mail.send = Webhook.send = die
    elif instant == "all_but_the_last_word":
        outbox.hand_over = die
    elif instant == "note_written":
        outbox.hand_over = then_die(outbox.hand_over)
    elif instant == "last_word_out":
        smtplib.SMTP.send = then_die(smtplib.SMTP.send, lambda _server, said: said == b".\r\n")
        http.client.HTTPConnection.send = then_die(http.client.HTTPConnection.send, lambda _line, said: said == b"}")
    elif instant == "answer_read":
        outbox.note = die
    rule = Book().on(at.date(), "outbox")
    ways: dict[str, sending.Sender] = {
        "mail": Mail("127.0.0.1", int(port), "none", "office@example.com"),
        "webhook": Webhook((f"127.0.0.1:{port}",), b"x" * 32),
    }
    sending.send_waiting(open_ledger(Path(root)), {channel: ways[channel]}, lambda: at, Waits.of(rule))


if __name__ == "__main__":
    main(*sys.argv[1:])
