"""How much of what people upload the server's memory holds: so much of one person, so much of all together.

Streamlit keeps every upload in memory until its page is closed. The gate asks here before a byte is read; a page that has
taken a file in lets go of it (``let_go``). The limits stand in ``data/uploads.toml``.
"""

from __future__ import annotations

from collections.abc import Callable

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data.uploads import MEGABYTE, limits

UPLOAD = "/_stcore/upload_file/"


def let_go(file) -> None:
    """Forget an uploaded file that was taken in; the widget then offers it no more."""
    run = get_script_run_ctx()
    if run is not None and isinstance(run.uploaded_file_mgr, MemoryUploadedFileManager):
        run.uploaded_file_mgr.remove_file(run.session_id, file.file_id)


def stands(path: str) -> bool:
    """Does Streamlit hold the file of this address?"""
    session, _, file = path.removeprefix(UPLOAD).partition("/")
    return runtime.exists() and bool(runtime.get_instance().uploaded_file_mgr.get_files(session, [file]))


class Held:
    """Sizes of the uploads the server holds or is just reading, by person."""

    def __init__(self, stands: Callable[[str], bool] = stands) -> None:
        self._stands = stands
        self._sizes: dict[str, dict[str, int]] = {}
        self._coming: set[str] = set()

    def takes(self, person: str, path: str, size: int, *, deliveries: bool) -> bool:
        """Is there room for one more? Then it counts from now on; say ``came`` when it was read, or was not."""
        self._forget()
        most = limits().held_mb if deliveries else limits().held_forms_mb
        own = self._sizes.get(person, {})
        others = sum(sum(sizes.values()) for sizes in self._sizes.values()) - own.get(path, 0)
        if (
            sum(own.values()) - own.get(path, 0) + size > most * MEGABYTE
            or others + size > limits().held_all_mb * MEGABYTE
        ):
            return False
        self._sizes.setdefault(person, {})[path] = size
        self._coming.add(path)
        return True

    def came(self, path: str) -> None:
        self._coming.discard(path)

    def _forget(self) -> None:
        """Leave out what Streamlit let go of: its page was closed, its person or its page took it away."""
        kept = {
            person: {path: n for path, n in sizes.items() if path in self._coming or self._stands(path)}
            for person, sizes in self._sizes.items()
        }
        self._sizes = {person: sizes for person, sizes in kept.items() if sizes}
