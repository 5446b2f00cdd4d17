"""Real servers for messages to arrive at: SMTP (aiosmtpd) and HTTP(S), on loopback, with a certificate of their own."""

from __future__ import annotations

import email
import email.policy
import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "steward@office.example", "a password nobody must read"
SECRET = "0123456789abcdef0123456789abcdef"


def certificate(place: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that only who is told to trusts, and its key."""
    made, key = place / "certificate.pem", place / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


def _tls(pair: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


@dataclass
class Post:
    """A mail server's handler: keeps what it took; answers as told to.

    Attributes:
        on_rcpt, on_data: the answer instead of taking it (None takes it); ``cut`` breaks the line once DATA is whole.
    """

    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    on_rcpt: Callable[[str], str | None] = lambda _to: None
    on_data: str | None = None
    cut: bool = False
    asked: int = 0
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, _options):
        self.asked += 1
        if refused := self.on_rcpt(address):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.on_data:
            return self.on_data
        self.raw.append(envelope.content)
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        if self.cut:
            server.transport.abort()
        return "250 OK"

    def sign_in(self, _server, _session, _envelope, _mechanism, data) -> AuthResult:
        known = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        self.users.append(data.login.decode())
        return AuthResult(success=known, handled=False)


@contextmanager
def mail_server(
    post: Post, pair: tuple[Path, Path] | None = None, *, from_the_first_byte: bool = False
) -> Iterator[int]:
    """The port of a mail server; with a certificate it wants TLS and a sign-in before anything else."""
    wants: dict = {}
    if pair:
        wants = {"auth_required": True, "authenticator": post.sign_in}
        wants |= (
            {"ssl_context": _tls(pair), "auth_require_tls": False}
            if from_the_first_byte
            else {"tls_context": _tls(pair), "require_starttls": True}
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port, **wants)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@dataclass
class Hook:
    """What a webhook's server got, and how it answers.

    Attributes:
        status: of its answer; 0 breaks the line without one. unfinished: requests that broke off before their end.
    """

    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    unfinished: int = 0


@contextmanager
def web_server(hook: Hook, pair: tuple[Path, Path] | None = None) -> Iterator[int]:
    """The port of a web server; with a certificate it speaks HTTPS."""

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                hook.unfinished += 1
                return
            hook.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            if hook.status == 0:
                self.close_connection = True
                return
            self.send_response(hook.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = False  # closing waits for requests under way
    if pair:
        server.socket = _tls(pair).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
