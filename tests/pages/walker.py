"""A visitor without a browser: speaks Streamlit's websocket as its page does and keeps every byte that comes back."""

from __future__ import annotations

import http.client
import io
import re
import zipfile
from dataclasses import dataclass, field

import pypdf
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.pages.house import Browser

PATIENCE = 120
MEDIA = re.compile(rb"/?(media/[0-9a-f]{16,}\.[a-z0-9]+)")


@dataclass
class Seen:
    """What one run of a page sent: all bytes, what files it links to, and the ids of downloads made on asking."""

    raw: bytes = b""
    media: set[str] = field(default_factory=set)
    deferred: dict[str, str] = field(default_factory=dict)  # id -> file name or label
    session_id: str = ""
    ended_well: bool = True

    def holds(self, secrets: set[str]) -> set[str]:
        return held(self.raw, secrets)


def held(raw: bytes, secrets: set[str]) -> set[str]:
    """Those of the secrets that stand in the bytes, also as JSON or percent-encoded text writes them."""
    text = raw.decode("utf-8", "replace")
    return {s for s in secrets if s in text}


class Visitor:
    """One open page; ``session`` asks for another page's state, as a browser that lost its connection does.

    Raises ``InvalidStatus`` where the gate refuses the socket.
    """

    def __init__(self, browser: Browser, path: str = "/_stcore/stream", session: str | None = None) -> None:
        self.browser = browser
        cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies.items())
        self._opening = connect(
            f"ws://127.0.0.1:{browser.port}{path}", subprotocols=["streamlit", *(["none", session] if session else [])], max_size=None, open_timeout=60,
            additional_headers={"Cookie": cookies} if cookies else {}, origin=f"http://127.0.0.1:{browser.port}", proxy=None,
            compression=None,
        )  # fmt: skip

    def __enter__(self) -> Visitor:
        self.socket: ClientConnection = self._opening.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._opening.__exit__(*error)

    def open(self, page: str, query: str = "") -> Seen:
        """Go to a page; returns once its script has run to the end."""
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        self.socket.send(asked.SerializeToString())
        return self._gather()

    def _gather(self) -> Seen:
        seen, parts = Seen(), []
        while True:
            raw = self.socket.recv(timeout=PATIENCE)
            assert isinstance(raw, bytes)
            parts.append(raw)
            message = ForwardMsg.FromString(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                seen.session_id = self.session_id = message.new_session.initialize.session_id
            elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "download_button":
                button = message.delta.new_element.download_button
                if button.deferred_file_id:
                    seen.deferred[button.deferred_file_id] = button.label
            elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                break
            elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                seen.ended_well = False
                break
        seen.raw = b"".join(parts)
        seen.media = {m.decode() for m in MEDIA.findall(seen.raw)}
        return seen

    def made(self, file_id: str) -> str | None:
        """Press a download made on asking; its address, or None where it is refused."""
        asked = BackMsg()
        asked.backend_operation_request.request_id = file_id
        asked.backend_operation_request.session_id = self.session_id
        asked.backend_operation_request.deferred_file.file_id = file_id
        self.socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self.socket.recv(timeout=PATIENCE))
            if message.WhichOneof("type") == "backend_operation_response":
                return message.backend_operation_response.deferred_file.url or None

    def upload_addresses(self, n: int) -> list[str]:
        """Ask where to send files to, as an upload field does."""
        seen = self.open("deliveries")
        asked = BackMsg()
        asked.file_urls_request.request_id, asked.file_urls_request.session_id = "x", seen.session_id
        asked.file_urls_request.file_names.extend(f"{k}.csv" for k in range(n))
        self.socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self.socket.recv(timeout=PATIENCE))
            if message.WhichOneof("type") == "file_urls_response":
                return [f.upload_url for f in message.file_urls_response.file_urls]


def fetch(browser: Browser, path: str) -> tuple[int, bytes]:
    """A file's status and bytes, with this browser's cookies."""
    con = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=PATIENCE)
    con.request(
        "GET", "/" + path.lstrip("/"), headers={"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
    )
    reply = con.getresponse()
    body = reply.read()
    con.close()
    return reply.status, body


def inside(content: bytes) -> bytes:
    """A workbook's parts or a PDF's text, one after another; other files as they are."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as z:
            return b"\n".join(z.read(n) for n in z.namelist())
    if content[:5] == b"%PDF-":
        return "\n".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(content)).pages).encode()
    return content
