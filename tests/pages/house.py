"""A real server on a temporary folder: a small invented edition, four accounts, and plain http to talk to it."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import sqlalchemy as sa

from data import accounts, sessions
from data.contracts import TABLES as RECORD_TABLES
from data.edition_tables import REGISTERS, TABLES
from data.ledger import open_ledger, writing
from data.ledger import sessions as session_rows
from data.record_tables import sql_type
from data.records import DELIVERIES

REPOSITORY = Path(__file__).parents[2]
PASSWORD = "four unrelated words"
DEMO = {"station": ("north-1", None), "manager": (None, "acme"), "supervisor": (None, None), "steward": (None, None)}


def write_edition(root: Path, *, demo: bool) -> None:
    """A published edition with every table, one period and nothing scored."""
    folder = root / "editions"
    folder.mkdir(parents=True)
    con = duckdb.connect(folder / "2026Q3-1.duckdb")
    contracts = {n: c.to_schema().columns for n, c in TABLES.items()}
    contracts |= {n: RECORD_TABLES[n].contract.to_schema().columns for n in REGISTERS if n in RECORD_TABLES}
    for name, columns in contracts.items():
        shape = ", ".join(f'"{column}" {sql_type(kind.dtype.type)}' for column, kind in columns.items())
        con.execute(f"CREATE TABLE {name} ({shape})")
    con.execute(DELIVERIES)
    made = datetime(2026, 10, 12, tzinfo=UTC)
    con.execute(
        "INSERT INTO edition BY NAME SELECT '2026Q3-1' AS edition_id, 'published' AS status, '2026Q3' AS period, 1 AS as_of, "
        "$demo AS demo, $at AS made_at, 'x' AS made_by, 'x' AS published_by, $at AS published_at, 'why' AS reason, "
        "'1' AS program_version, 'h' AS rulebook_hash, 'c' AS content_hash",
        {"demo": demo, "at": made},
    )
    con.execute("INSERT INTO periods VALUES ('2026Q3', ?, ?)", [date(2026, 7, 1), date(2026, 10, 1)])
    con.execute("INSERT INTO companies VALUES ('acme', '示例甲物业', 'Acme')")
    con.close()
    (folder / "CURRENT").write_text("2026Q3-1", encoding="utf-8")


def furnish(root: Path, *, demo: bool = True) -> None:
    """Edition, demo people of four roles, and the real account ``anna``."""
    write_edition(root, demo=demo)
    now = datetime.now(UTC)
    ledger = open_ledger(root)
    people = [
        {"account_id": f"demo-{role}", "name_zh": f"示{role}", "name_en": f"Demo {role}", "role": role,
         "area_id": area, "company_id": company}
        for role, (area, company) in DEMO.items()
    ]  # fmt: skip
    accounts.ensure_demo_people(ledger, people, now)
    accounts.create_account(ledger, account_id="anna", name_zh="安娜", role="supervisor", password=PASSWORD, now=now)
    ledger.dispose()


def copied_stay(ledger: sa.Engine, token: str, **ago: timedelta) -> str:
    """The token of a stay like this one but with earlier moments: when a stay began cannot be told anew in the ledger."""
    copied, now = secrets.token_urlsafe(), datetime.now(UTC)
    with writing(ledger) as con:
        row = con.execute(sa.select(session_rows).where(session_rows.c.token_hash == sessions.key_of(token))).one()
        moments = {column: now - past for column, past in ago.items()}
        mine = dict(row._mapping) | moments | {"token_hash": sessions.key_of(copied)}
        con.execute(sa.insert(session_rows).values(mine))
    return copied


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


STREAMLIT = ("-m", "streamlit", "run", "app.py", "--server.port", "{port}")
UVICORN = ("-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning")


@contextmanager
def serving(root: Path, command: tuple[str, ...] = STREAMLIT):
    """The app as people run it, on a free port; yields the port once it answers."""
    port = free_port()
    environment = os.environ | {"STEWARD_ROOT": str(root)}
    with (root / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *(part.format(port=port) for part in command)],
            cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(server, port, root / "server.log")
            yield port
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(server: subprocess.Popen, port: int, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, f"The server ended: {log.read_text(encoding='utf-8')}"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"No answer on port {port}: {log.read_text(encoding='utf-8')}")


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (value.split(";")[0].split("=", 1) for key, value in self.headers if key.lower() == "set-cookie")
        return dict(pairs)


@dataclass
class Browser:
    """Keeps cookies and follows nothing."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, fields: dict | None = None, accept: str = "text/html", **headers) -> Answer:
        con = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Accept": accept, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        body = None
        if fields is not None:
            body = urlencode(fields)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        con.putrequest(method, path, skip_host="Host" in sent)
        for name, value in sent.items():
            con.putheader(name, value)
        if body is not None:
            con.putheader("Content-Length", str(len(body)))
        con.endheaders(body.encode() if body is not None else None)
        reply = con.getresponse()
        answer = Answer(reply.status, reply.getheaders(), reply.read().decode("utf-8", "replace"))
        con.close()
        self.cookies |= answer.cookies
        return answer

    def get(self, path: str, **kwargs) -> Answer:
        return self.ask("GET", path, **kwargs)

    def send(self, path: str, fields: dict, **kwargs) -> Answer:
        """Send a form with this browser's token."""
        return self.ask("POST", path, {"token": self.cookies.get("steward_form", ""), **fields}, **kwargs)

    def sign_in(self, name: str = "anna", password: str = PASSWORD, **fields) -> Answer:
        self.get("/signin")
        return self.send("/signin", {"name": name, "password": password, **fields})

    def socket_status(self, path: str = "/_stcore/stream") -> int:
        """The status a websocket gets for its handshake; 101 is an open socket."""
        lines = [
            f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: streamlit",
        ]  # fmt: skip
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as s:
            s.sendall("\r\n".join([*lines, "", ""]).encode())
            return int(re.match(rb"HTTP/1.1 (\d{3})", s.recv(4096))[1])
