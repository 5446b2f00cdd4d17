"""A line to the server that can be cut: what a phone in a stairwell has."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Line:
    """Passes bytes from its own port to the server's; while cut, open connections are broken and new ones refused."""

    def __init__(self, port: int) -> None:
        self.server = port
        self.whole = True
        self.open: list[socket.socket] = []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._answer, daemon=True).start()

    def cut(self) -> None:
        """The connection is lost in the middle of whatever is under way."""
        self.whole = False
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.open.clear()

    def mend(self) -> None:
        self.whole = True

    def close(self) -> None:
        self.cut()
        self.door.close()

    def _answer(self) -> None:
        while True:
            try:
                here, _ = self.door.accept()
            except OSError:
                return
            if not self.whole:
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", self.server))
            self.open += [here, there]
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self._pass, args=(a, b), daemon=True).start()

    @staticmethod
    def _pass(a: socket.socket, b: socket.socket) -> None:
        with suppress(OSError):
            while block := a.recv(65_536):
                b.sendall(block)
        for one in (a, b):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
