"""What somebody began to write down and has not handed in: one draft to an account, kept at each change.

A small file below the stores' folder, replaced whole, so that a lost connection, a closed page or a restart loses nothing. A draft is
nobody's record: it counts nowhere and is gone when it was handed in or thrown away.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

FOLDER = "drafts"


def _path(root: Path, account_id: str) -> Path:
    return root / FOLDER / f"{hashlib.sha256(account_id.encode()).hexdigest()}.json"


def keep(root: Path, account_id: str, draft: dict[str, Any]) -> None:
    """Keep a draft in place of the account's last one; whole or not at all."""
    path = _path(root, account_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as f:
            json.dump(draft, f, ensure_ascii=False)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def kept(root: Path, account_id: str) -> dict[str, Any] | None:
    """The account's draft; None where there is none, or none that can be read."""
    try:
        draft = json.loads(_path(root, account_id).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return draft if isinstance(draft, dict) else None


def drop(root: Path, account_id: str) -> None:
    """Forget the account's draft."""
    _path(root, account_id).unlink(missing_ok=True)
