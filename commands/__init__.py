"""The commands of ``steward.py``, one file per kind of work; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click


def now() -> datetime:
    return datetime.now(UTC)


def is_demo(root: Path) -> bool:
    """Does this folder hold the invented district?"""
    return (root / "DEMO").is_file()


def progress(label: str) -> Callable[[str, int, int], None]:
    """A bar for work that tells its steps."""
    bar = click.progressbar(length=100, label=label, item_show_func=lambda name: name or "")
    bar.__enter__()
    last = 0

    def tell(name: str, step: int, steps: int) -> None:
        nonlocal last
        percent = 100 * step // steps
        bar.update(percent - last, name)
        last = percent
        if step == steps:
            bar.__exit__(None, None, None)

    return tell
