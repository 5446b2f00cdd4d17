"""Mapping files of a district's own: confirmed by a person, kept beside the stores, never overwritten.

``<root>/mappings/<name>.<version>.toml``; the newest version of a name is in use, earlier ones stay. The shipped files
in ``data/sources/`` are never touched. Each version is noted in the ledger with who, when, why and its SHA-256.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from data.ledger import mapping_files, writing
from data.mapping import HERE, MappingWrong, Source, read_source, source_of, sources
from data.reading import refuse

FOLDER = "mappings"
NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
FILE = re.compile(rf"({NAME.pattern})\.([1-9]\d{{0,5}})\.toml")
DESK = "desk"  # the name rows mended on the desk go by


class MappingRefused(ValueError):
    """A mapping cannot be saved as asked; nothing was changed."""


class Saved(NamedTuple):
    """One version of one mapping file as it was noted."""

    name: str
    version: int
    record_table: str
    sha256: str
    reason: str
    by: str
    at: datetime


def versions(root: Path) -> dict[str, list[int]]:
    """The versions of each mapping file that lie in the folder, oldest first."""
    found: dict[str, list[int]] = {}
    for path in (root / FOLDER).glob("*.toml"):
        if named := FILE.fullmatch(path.name):
            found.setdefault(named[1], []).append(int(named[2]))
    return {name: sorted(numbers) for name, numbers in sorted(found.items())}


def place_of(root: Path, name: str, version: int) -> Path:
    return root / FOLDER / f"{name}.{version}.toml"


def text_of(root: Path, name: str) -> str:
    """The text of the file a source is read from, shipped or the district's own."""
    numbers = versions(root).get(name)
    path = place_of(root, name, numbers[-1]) if numbers else HERE / f"{name}.toml"
    return path.read_text(encoding="utf-8")


@lru_cache(maxsize=256)
def _read(path: Path, name: str, changed_ns: int, size: int) -> Source:
    return read_source(path, name)


def own(root: Path) -> dict[str, Source]:
    """The newest version of each mapping file of this district; raises MappingWrong naming the file."""
    found = {}
    for name, numbers in versions(root).items():
        path = place_of(root, name, numbers[-1])
        now = path.stat()
        found[name] = _read(path, name, now.st_mtime_ns, now.st_size)
    return found


def known_at(root: Path) -> dict[str, Source]:
    """Every source, shipped or the district's own, in loading order.

    Raises:
        MappingWrong: a file cannot be used, or has the name of a shipped one.
    """
    shipped, mine = sources(), own(root)
    if twice := sorted(shipped.keys() & mine.keys()):
        raise MappingWrong(f"mappings/: {', '.join(twice)} is the name of a shipped source. Give it another name.")
    return {s.name: s for s in sorted([*shipped.values(), *mine.values()], key=lambda s: (s.order, s.name))}


def read_once(path: Path, found: list[tuple[int, Source]]) -> list[tuple[int, Source]]:
    """The sources that read each table of a file, without those another stands in for.

    Raises:
        WrongFile: the district's own mapping and another one both read a table into the same records.
    """
    replaced = {(table, s.instead_of) for table, s in found}
    left = [(table, s) for table, s in found if (table, s.name) not in replaced]
    shipped = sources()
    for table, one in left:
        also = [s.name for n, s in left if n == table and s.table.name == one.table.name and s.name != one.name]
        if one.name not in shipped and also:
            raise refuse(
                path, f"the mappings {one.name} and {', '.join(also)} both read it as {one.table.name}.",
                "Its rows would come in twice.", f"Name one with --source, or change {one.name} on the page of mappings.",
            )  # fmt: skip
    return left


def _conflict(new: Source, headings: list[str], known: dict[str, Source]) -> str | None:
    """Why this mapping cannot stand beside the others; None where it can.

    Args:
        headings: of the file it is made for.
    """
    for other in known.values():
        if other.name == new.name or other.table.name != new.table.name:
            continue
        usual = [h[0] for h in other.columns.values()] + [h for h in other.required_headings if h not in other.columns]
        widest = list(other.headings - set(other.excluded_headings))
        if new.matches(usual) or new.matches(widest):
            return f"It would also fit the files of '{other.name}' and take its place. Map a heading that only these files have."
        if new.instead_of == other.name:
            continue
        if other.matches(headings) or (other.instead_of != new.name and other.matches(list(new.headings))):
            return f"'{other.name}' reads such files already, so the rows would come in twice."
    return None


def check(root: Path, name: str, text: str, headings: list[str]) -> Source:
    """The source a mapping's text makes, if it may be saved under this name.

    Raises:
        MappingRefused, MappingWrong: in words, naming file and key.
    """
    if not NAME.fullmatch(name):
        raise MappingRefused(
            f"'{name}' cannot be the name of a mapping: 3 to 40 small letters, digits or '_', a letter first. "
            "Nothing was saved."
        )
    if name in sources() or name == DESK:
        raise MappingRefused(f"'{name}' is the name of a shipped source, which stays as it is. Choose another name.")
    new = source_of(text, name, f"mappings/{name}")
    if not new.matches(headings):
        raise MappingRefused("This mapping does not fit the very file it was made for. Nothing was saved.")
    known = known_at(root)
    if new.instead_of and (new.instead_of not in known or known[new.instead_of].table.name != new.table.name):
        raise MappingRefused(f"instead_of names '{new.instead_of}', which is no source of {new.table.name}.")
    if why := _conflict(new, headings, known):
        raise MappingRefused(f"'{name}' cannot be saved. {why} Nothing was saved.")
    return new


def save(
    root: Path, ledger: sa.Engine, name: str, text: str, *, headings: list[str], by: str, reason: str, at: datetime
) -> Saved:
    """Keep a mapping as the next version of its name and note it; later loads use it.

    Args:
        headings: of the file it was made for.

    Raises:
        MappingRefused, MappingWrong: nothing was changed.
    """
    if not reason.strip():
        raise MappingRefused("No reason was given, so nothing was saved. Whoever reads this later needs to know why.")
    new = check(root, name, text, headings)
    path: Path | None = None
    try:
        with writing(ledger) as con:  # one writer at a time: two people cannot get the same number
            asked = sa.select(sa.func.max(mapping_files.c.version)).where(mapping_files.c.name == name)
            lying = versions(root).get(name, [])
            if lying and place_of(root, name, lying[-1]).read_text(encoding="utf-8") == text:
                raise MappingRefused(f"'{name}' says exactly this already (version {lying[-1]}). Nothing was saved.")
            version = max([con.execute(asked).scalar() or 0, *lying]) + 1
            sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
            one = Saved(name, version, new.table.name, sha256, reason.strip(), by, at)
            con.execute(sa.insert(mapping_files).values(one._asdict()))
            path = _put(place_of(root, name, version), text)
    except BaseException:
        if path:
            path.unlink(missing_ok=True)  # not noted, so not confirmed
        raise
    return one


def _put(path: Path, text: str) -> Path:
    """Written aside, flushed, then renamed: whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with aside.open("w", encoding="utf-8", newline="") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    aside.replace(path)
    return path


def noted(ledger: sa.Engine) -> list[Saved]:
    """Every version ever saved, newest first."""
    columns = [mapping_files.c[name] for name in Saved._fields]
    with ledger.connect() as con:
        return [Saved(*row) for row in con.execute(sa.select(*columns).order_by(mapping_files.c.mapping_id.desc()))]


def faults(root: Path, ledger: sa.Engine) -> list[str]:
    """What of the folder is not as it was noted: altered, missing, or never confirmed by anybody."""
    said = {(s.name, s.version): s.sha256 for s in noted(ledger)}
    there = {(name, n) for name, numbers in versions(root).items() for n in numbers}
    found = []
    for name, n in sorted(said.keys() | there):
        path = place_of(root, name, n)
        if (name, n) not in there:
            found.append(f"mappings/{path.name} was noted in the ledger and is gone.")
        elif (name, n) not in said:
            found.append(f"mappings/{path.name} was never confirmed: the ledger does not know it.")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != said[name, n]:
            found.append(f"mappings/{path.name} is not what was confirmed: it was altered.")
    return found
