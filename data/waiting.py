"""Deliveries that wait for a person: kept whole, counted nowhere until accepted.

The file is copied to ``waiting/<sha256>/<its name>`` beside the stores first (written aside, then renamed), then one row
says that it waits: killed in between, the delivery is absent and its next load keeps it again. Accepting loads the copy
in one transaction with the decision; refusing stores the decision alone. The copy stays either way.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from data.deliveries import Delivery, Doubt, note
from data.making import file_day
from data.reading import Note
from data.records import FILE

FOLDER = "waiting"
WAITS, REFUSED, ACCEPTED = "waiting", "refused", "accepted"


class DecisionRefused(ValueError):
    """A decision that cannot be taken as asked; nothing was changed."""


class Decision(NamedTuple):
    """Who decides on which delivery, when and why (in the person's own words; never empty)."""

    waiting_id: str
    by: str
    why: str
    at: datetime


class Held(NamedTuple):
    """A delivery kept for a person."""

    waiting_id: str
    file: str
    kept: Path
    state: str
    source: str | None  # named by whoever delivered it
    came_at: datetime
    parts: list[dict]


def home(con: duckdb.DuckDBPyConnection) -> Path:
    """The folder of an open store."""
    rows = con.execute("SELECT path FROM duckdb_databases() WHERE path LIKE '%' || $file", {"file": FILE}).fetchall()
    return Path(rows[0][0]).parent


def _held(root: Path, row: tuple) -> Held:
    waiting_id, file, kept, state, source, came_at, parts = row
    return Held(waiting_id, file, root / kept, state, source, came_at, json.loads(parts))


def _ask(con: duckdb.DuckDBPyConnection, where: str, **asked: str) -> list[Held]:
    sql = f"SELECT waiting_id, file, kept, state, source, received_at, parts FROM deliveries_waiting WHERE {where}"
    rows = con.sql(sql + " ORDER BY waiting_id", params=asked).pl().rows()
    return [_held(home(con), row) for row in rows]


def before(con: duckdb.DuckDBPyConnection, path: Path, sha256: str) -> Held | None:
    """The same file kept earlier and not accepted since; a snapshot is the same only when it speaks of the same day."""
    found = _ask(con, "sha256 = $sha AND state <> 'accepted'", sha=sha256)
    same = [h for h in found if file_day(Path(h.file)) == file_day(path)]
    return same[-1] if same else None


def read_so(held: Held, sources: list[str]) -> bool:
    """Is the file still read by the sources that judged it? Not where a mapping took their place since."""
    return {p["source"] for p in held.parts} <= set(sources)


def replaced(con: duckdb.DuckDBPyConnection, held: Held, sources: list[str], at: datetime) -> None:
    """Settle a file that another mapping loads now: it is not to be let in as it was judged before."""
    names = ", ".join(sources)
    if held.state == WAITS:
        _decided(
            con, Decision(held.waiting_id, f"mapping {names}", f"read by the mapping {names} instead", at), REFUSED
        )


def undecided(con: duckdb.DuckDBPyConnection) -> list[Held]:
    """What nobody has decided on yet, oldest first."""
    return _ask(con, "state = 'waiting'")


def told(held: Held, sha256: str, size: int) -> list[Delivery]:
    """The deliveries that wait, as their load judged them."""
    return [
        Delivery(
            held.waiting_id, 0, p["source"], p["record_table"], held.file, sha256, size, held.came_at, p["rows_read"],
            p["accepted"], p["revised"], p["unchanged"], p["set_aside"], p["encoding"], already=True, waits=held.state,
        )
        for p in held.parts
    ]  # fmt: skip


def _copy(root: Path, path: Path, sha256: str) -> Path:
    """The file's copy beside the stores, whole or not there; returns its place below ``root``."""
    place = root / FOLDER / sha256 / path.name
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_name(f".{os.getpid()}.partial")
        with path.open("rb") as f, aside.open("wb") as to:
            shutil.copyfileobj(f, to, 1 << 20)
            to.flush()
            os.fsync(to.fileno())
        aside.replace(place)
    return place.relative_to(root)


def keep(
    con: duckdb.DuckDBPyConnection, path: Path, source: str | None, judged: list[tuple[Delivery, list[Doubt]]]
) -> list[Delivery]:
    """Keep a doubtful file for a person, outside any transaction; its deliveries say that they wait."""
    first = judged[0][0]
    if path.is_relative_to(home(con) / FOLDER):
        kept = path.relative_to(home(con))
    else:
        kept = _copy(home(con), path, first.sha256)
    parts = [
        {k: getattr(d, k) for k in ("source", "record_table", "rows_read", "accepted", "revised", "unchanged", "set_aside", "encoding")}
        | {"doubts": [{"note": x.note.kind, "params": x.note.params, "waits": x.waits} for x in doubts]}
        for d, doubts in judged
    ]  # fmt: skip
    con.execute(
        """
        INSERT INTO deliveries_waiting
        SELECT 'W' || lpad((count(*) + 1)::VARCHAR, 4, '0'), ?, ?, ?, ?, ?, ?, ?, 'waiting', NULL, NULL, NULL FROM deliveries_waiting
        """,
        [path.name, str(kept), first.sha256, first.bytes, first.received_at, source, json.dumps(parts, ensure_ascii=False)],
    )  # fmt: skip
    held = before(con, path, first.sha256)
    if held is None:
        raise RuntimeError(f"{path.name} was kept for a person but cannot be found again; please report it.")
    return [Delivery(**{**vars(d), "already": False}) for d in told(held, first.sha256, first.bytes)]


def _decided(con: duckdb.DuckDBPyConnection, one: Decision, state: str) -> None:
    con.execute(
        "UPDATE deliveries_waiting SET state = ?, decided_at = ?, decided_by = ?, why = ? WHERE waiting_id = ?",
        [state, one.at, one.by, one.why, one.waiting_id],
    )


def _undecided(con: duckdb.DuckDBPyConnection, one: Decision) -> Held:
    if not one.why.strip():
        raise DecisionRefused(
            "No reason was given, so nothing was changed. Whoever reads this later needs to know why; "
            "write it in your own words."
        )
    found = _ask(con, "waiting_id = $id", id=one.waiting_id)
    if not found:
        raise DecisionRefused(f"No delivery {one.waiting_id} waits. See the deliveries page for those that do.")
    if found[0].state == ACCEPTED:
        raise DecisionRefused(f"{one.waiting_id} was accepted before; its rows count already. Nothing was changed.")
    return found[0]


def refuse(con: duckdb.DuckDBPyConnection, one: Decision) -> Held:
    """Refuse a delivery: none of its rows ever counts, the file stays; it may still be accepted later."""
    held = _undecided(con, one)
    if held.state == REFUSED:
        raise DecisionRefused(f"{one.waiting_id} was refused before. Nothing was changed.")
    _decided(con, one, REFUSED)
    return held


def accept(
    con: duckdb.DuckDBPyConnection, one: Decision, load: Callable[[Held, Callable[[list[Delivery]], None]], list[Delivery]]
) -> list[Delivery]:  # fmt: skip
    """Let a delivery in: ``load`` loads the kept file and calls back inside its transaction, before it commits."""
    held = _undecided(con, one)
    if not held.kept.is_file():
        raise DecisionRefused(f"The kept file {held.kept} is gone, so nothing was changed. Deliver it again.")

    def settled(made: list[Delivery]) -> None:
        params = {"id": one.waiting_id, "by": one.by, "why": one.why, "came": held.came_at.isoformat()}
        for delivery in made:
            note(con, delivery.delivery_id, [Note("accepted_by_person", params)])
        _decided(con, one, ACCEPTED)

    return load(held, settled)
