"""Addresses of files belong to the stay they were told to.

Streamlit answers ``/media/...`` and ``/_stcore/upload_file/...`` to anybody who knows the address. The gate lets each stay
ask only for those the server itself told it, over the stay's own socket: not what somebody typed and a page repeats, so an
address passed on, read over a shoulder or found in a log is of no use to another person.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from starlette.types import Message, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

FILES = ("/media/", "/_stcore/upload_file/")
#: Kept of a stay, and stays kept: the newest. A page tells its addresses again at every run.
MOST_OF_A_STAY = 2_000
MOST_STAYS = 5_000


def addresses(message: ForwardMsg) -> Iterator[str]:
    """The addresses of files a message of Streamlit's tells its page, each where such a message has one."""
    element = message.delta.new_element
    yield element.download_button.url
    yield from (image.url for image in element.imgs.imgs)
    yield message.backend_operation_response.deferred_file.url
    for file in message.file_urls_response.file_urls:
        yield file.upload_url
        yield file.delete_url


class Told:
    """What each stay was told; in memory, as Streamlit's files are."""

    def __init__(self) -> None:
        self._stays: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def to(self, stay: str, path: str) -> bool:
        """Was this stay told this address?"""
        return path.lstrip("/") in self._stays.get(stay, ())

    def hear(self, stay: str, payload: bytes) -> None:
        """Note the addresses in one message of the socket's."""
        if not any(place.encode() in payload for place in FILES):
            return  # nearly all of them
        told = self._stays.setdefault(stay, OrderedDict())
        self._stays.move_to_end(stay)
        for address in filter(None, addresses(ForwardMsg.FromString(payload))):
            told[address.lstrip("/")] = None
            told.move_to_end(address.lstrip("/"))
        _keep(told, MOST_OF_A_STAY)
        _keep(self._stays, MOST_STAYS)

    def listening(self, stay: str, send: Send) -> Send:
        """The socket's way out, heard before the browser hears it."""

        async def sending(message: Message) -> None:
            if message["type"] == "websocket.send" and (payload := message.get("bytes")):
                self.hear(stay, payload)
            await send(message)

        return sending


def _keep(held: OrderedDict, most: int) -> None:
    while len(held) > most:
        held.popitem(last=False)
