"""Loading a file: matched to its sources, held to contracts, stored in one transaction.

For each source ``rows_read = accepted + revised + unchanged + set_aside``. Two rows of one file with the same key: if
they say the same they count once (the other is *unchanged*); if they contradict, the last line stands and the earlier
ones are set aside. A wrong file is refused whole; a doubtful one waits for a person (``data/waiting.py``); the same file
twice changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from data import waiting
from data.between import cross_checks, repeats
from data.deliveries import Delivery, Doubt, doubts, enter, next_seq, note, profiled
from data.making import file_day
from data.mapping import Source, headings_known, sources
from data.own_mappings import known_at, read_once
from data.reading import EXCEL, Note, Reading, WrongFile, open_tables, refuse
from data.records import in_order, open_store, plainly
from data.renamed import changed, read_by
from data.resolving import resolve
from data.staging import Progress, as_delivered, into_periods, settle, stage, store
from data.suggest import suggest
from data.suggest import told as likely

#: Begins what is said of a file that no mapping fits; the pages offer to make one then.
NO_SOURCE = "no source has these headings"
ENDINGS = (".csv", ".txt", ".tsv", ".parquet", *EXCEL)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def matching(readings: list[Reading], known: dict[str, Source], only: str | None) -> list[tuple[int, Source]]:
    """The tables of a file and the sources whose headings they carry; raises WrongFile where none does."""
    first = readings[0]
    if only is not None:
        if only not in known:
            raise refuse(first.path, f"there is no source '{only}'.", f"Sources: {', '.join(known)}.", "Name one.")
        known = {only: known[only]}
    found = [(i, s) for s in known.values() for i, r in enumerate(readings) if s.matches(r.headings)]
    if not found:
        words = headings_known(known)
        best = max(readings, key=lambda r: len(words & set(r.headings)))
        raise refuse(
            best.path, f"{NO_SOURCE}: {', '.join(best.headings[:12])}.",
            "Without a mapping its columns would be guessed.",
            (likely(guess) + " " if (guess := suggest(best.headings, known)) else "")
            + "If the publisher renamed a column, confirm the mapping on the page of mappings.",
        )  # fmt: skip
    return read_once(first.path, found)


def _earlier(con: duckdb.DuckDBPyConnection, reading: Reading, sha256: str, source: Source) -> Delivery | None:
    """The delivery that brought this very file before; a snapshot is the same only when it speaks of the same day."""
    asked = {"sha": sha256, "source": source.name}
    rows = con.sql("SELECT * FROM deliveries WHERE sha256 = $sha AND source = $source ORDER BY seq", params=asked).pl()
    found = [Delivery(**row, already=True) for row in rows.iter_rows(named=True)]
    if source.snapshot:
        found = [d for d in found if file_day(Path(d.file)) == file_day(reading.path)]
    if reading.sheet:
        found = [d for d in found if d.file.endswith(f"#{reading.sheet}")]
    return found[-1] if found else None


def _load_source(
    con: duckdb.DuckDBPyConnection, reading: Reading, source: Source, sha256: str, received_at: datetime,
    progress: Progress | None, again: Callable[[], Reading], known: frozenset[str],
) -> tuple[Delivery, list[Doubt]]:  # fmt: skip
    """Load one source's part of a file inside the open transaction.

    Args:
        again: opens the same table once more. known: headings that any source of this table reads.
    """
    path = reading.path
    seq = next_seq(con)
    delivery_id = f"{seq:05d}-{source.name}"
    read, set_aside = stage(con, reading, source, progress)
    set_aside += resolve(con, source, delivery_id, received_at.astimezone(ZoneInfo(source.zone)).date())
    repeated, contradicted = repeats(con, source)
    odd = [
        *changed(con, source, delivery_id, reading.headings, known),
        *profiled(con, source, delivery_id, received_at),
    ]
    closed = into_periods(con, reading, source, source.snapshot, delivery_id) if source.snapshot else 0
    set_aside += contradicted + cross_checks(con, source)
    as_delivered(con, again)
    odd = [*doubts(con, source, read, set_aside, received_at), *odd]
    accepted, revised, unchanged = store(con, source, delivery_id, seq)
    revised, unchanged = revised - closed, unchanged + repeated
    if read != accepted + revised + unchanged + set_aside:
        raise RuntimeError(
            f"{path.name}: {read:,} rows were read, but {accepted:,} accepted, {revised:,} revised, {unchanged:,} unchanged "
            f"and {set_aside:,} set aside do not add up to them. A row would be lost, so nothing was stored. "
            "This is a fault of the program: please report it with the file."
        )
    settle(con, source.table.name, seq)
    con.execute(
        "INSERT INTO rows_set_aside BY NAME SELECT * REPLACE ($id AS delivery_id) FROM failed", {"id": delivery_id}
    )
    delivery = Delivery(
        delivery_id, seq, source.name, source.table.name, reading.label, sha256, path.stat().st_size, received_at,
        read, accepted, revised, unchanged, set_aside, reading.encoding,
    )  # fmt: skip
    enter(con, delivery)
    note(con, delivery_id, [*(d.note for d in odd), *reading.notes])
    return delivery, odd


def load_file(
    root: Path, path: Path, *, source: str | None = None, received_at: datetime, progress: Progress | None = None,
    folder: Path | None = None,
) -> list[Delivery]:  # fmt: skip
    """Load one file; one delivery per source it feeds, all in one transaction.

    Args:
        root: the folder of stores. source: name it where headings alone do not tell. folder: other mapping files.

    Returns:
        One Delivery per source, in loading order.

    Raises:
        WrongFile: refused whole; the store is unchanged.
        StoreBusy: another process is loading.
    """
    con = open_store(root, write=True)
    try:
        with plainly(root):
            return load_into(con, Path(path), source=source, received_at=received_at, progress=progress, folder=folder)
    finally:
        con.close()  # an open transaction is rolled back


def load_into(
    con: duckdb.DuckDBPyConnection, path: Path, *, source: str | None = None, received_at: datetime,
    progress: Progress | None = None, folder: Path | None = None,
    settled: Callable[[list[Delivery]], None] | None = None,
) -> list[Delivery]:  # fmt: skip
    """``load_file`` into a store that is open already; a refused file leaves it as it was.

    A file with a doubt that waits is kept for a person instead (``Delivery.waits``), unless one has accepted it:
    then ``settled`` is called with its deliveries before all of it is committed at once.
    """
    known = sources(folder) if folder else known_at(waiting.home(con))
    words = headings_known(known)
    with ThreadPoolExecutor(1) as pool:  # the bytes are read once for their hash while they are looked at
        hashed = pool.submit(fingerprint, path) if path.is_file() else None
        readings = open_tables(path, words)
        chosen = matching(readings, known, source)
        sha256 = hashed.result() if hashed else ""
    unread = [r.sheet for i, r in enumerate(readings) if r.sheet and i not in {n for n, _ in chosen}]
    names = [s.name for _, s in chosen]
    kept = waiting.before(con, path, sha256) if settled is None else None
    if kept and waiting.read_so(kept, names):
        return waiting.told(kept, sha256, path.stat().st_size)
    done: list[Delivery] = []
    judged: list[tuple[Delivery, list[Doubt]]] = []
    con.begin()
    try:
        for table, one in chosen:
            again = partial(lambda n: open_tables(path, words)[n], table)
            reading = readings[table] if not done else again()
            made = _earlier(con, reading, sha256, one)
            if made is None:
                read = frozenset().union(*(read_by(s) for n, s in chosen if n == table))
                judged.append(_load_source(con, reading, one, sha256, received_at, progress, again, read))
                made = judged[-1][0]
            done.append(made)
        if unread and not done[0].already:
            note(con, done[0].delivery_id, [Note("sheets_not_read", {"sheets": ", ".join(unread)})])
        if settled:
            settled(done)
        elif kept:
            waiting.replaced(con, kept, names, received_at)
    except BaseException:
        con.rollback()
        raise
    if settled is None and any(d.waits for _, odd in judged for d in odd):
        con.rollback()
        return waiting.keep(con, path, source, judged)
    con.commit()
    return done


def accept(root: Path, decision: waiting.Decision, progress: Progress | None = None) -> list[Delivery]:
    """Load a delivery that waits, because a person says so; all of it and the decision in one transaction.

    Raises:
        DecisionRefused: no reason, no such delivery, or accepted before. WrongFile, StoreBusy: as for a load.
    """

    def load(held: waiting.Held, settled: Callable[[list[Delivery]], None]) -> list[Delivery]:
        return load_into(
            con, held.kept, source=held.source, received_at=decision.at, progress=progress, settled=settled
        )

    con = open_store(root, write=True)
    try:
        return waiting.accept(con, decision, load)
    finally:
        con.close()


def refuse_waiting(root: Path, decision: waiting.Decision) -> waiting.Held:
    """Refuse a delivery that waits; nothing of it is thrown away. Raises DecisionRefused, StoreBusy."""
    con = open_store(root, write=True)
    try:
        return waiting.refuse(con, decision)
    finally:
        con.close()


def waiting_now(root: Path) -> list[waiting.Held]:
    """The deliveries nobody has decided on yet. Raises StoreBusy."""
    con = open_store(root, write=True)  # a store of an earlier version gets its tables
    try:
        return waiting.undecided(con)
    finally:
        con.close()


def files_in(paths: list[Path], root: Path | None = None) -> list[Path]:
    """The files named and the table files of the folders named: registers first, then by name.

    Args:
        root: the folder of stores, whose own mapping files count too.
    """
    known = known_at(root) if root else sources()
    inside = [f for p in paths if p.is_dir() for f in p.rglob("*") if f.suffix.lower() in ENDINGS]
    found = sorted([*inside, *(p for p in paths if not p.is_dir())])

    if len(found) < 2:
        return found
    words = headings_known(known)

    def order(path: Path) -> int:
        try:
            readings = open_tables(path, words)
        except WrongFile:
            return 99
        return min((s.order for s in known.values() for r in readings if s.matches(r.headings)), default=99)

    return sorted(found, key=lambda p: (order(p), p.name))


def load_files(
    root: Path, paths: list[Path], *, received_at: datetime, source: str | None = None, progress: Progress | None = None,
    after: Callable[[Path, list[Delivery] | WrongFile], None] | None = None, despite_clock: bool = False,
) -> tuple[list[Delivery], list[WrongFile]]:  # fmt: skip
    """Load files and folders, registers first; refused files are gathered, the rest go on.

    Args:
        after: told each file's deliveries, or why it was refused, as soon as it is done.
        despite_clock: load though the last delivery came later by its own clock.

    Raises:
        StoreBusy, StoreUnwritable, ClockBehind: nothing more was stored; what was loaded before stays.
    """
    done: list[Delivery] = []
    refused: list[WrongFile] = []
    con = open_store(root, write=True)
    try:
        if not despite_clock:
            in_order(con, received_at)
        for path in files_in(paths, root):
            made: list[Delivery] | WrongFile
            try:
                with plainly(root):
                    made = load_into(con, path, source=source, received_at=received_at, progress=progress)
                done += made
            except WrongFile as e:
                made = e
                refused.append(e)
            if after:
                after(path, made)
        con.execute("CHECKPOINT")
        return done, refused
    finally:
        con.close()


def load_folder(
    root: Path, folder: Path, *, received_at: datetime, progress: Progress | None = None
) -> tuple[list[Delivery], list[WrongFile]]:
    """``load_files`` of one folder."""
    return load_files(root, [folder], received_at=received_at, progress=progress)
