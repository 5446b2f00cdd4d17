"""A real PostgreSQL for the tests: one server of their own per run, one database per test that asks."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

MISSING = (
    "PostgreSQL's server programs were not found. `make test` installs them when it runs as root; otherwise install "
    "Debian's package postgresql and run the tests again."
)


def programs() -> Path:
    """The folder of initdb and postgres, of the newest version installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    assert on_path, MISSING
    return Path(on_path).parent


def _person() -> dict:
    """PostgreSQL refuses to run as root: then it runs as the account its package made."""
    if os.geteuid() != 0:
        return {}
    one = pwd.getpwnam("postgres")
    return {"user": one.pw_uid, "group": one.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def server() -> Iterator[str]:
    """A server on a free port of this machine alone; yields its address without a database name."""
    who = _person()
    place = Path(tempfile.mkdtemp(prefix="steward-pg-"))
    if who:
        os.chown(place, who["user"], who["group"])
    try:
        run = {"cwd": place, "check": True, "capture_output": True, **who}
        settings = ["--username=steward", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([programs() / "initdb", "-D", place / "data", *settings], **run)
        port = _free_port()
        options = f"-p {port} -h 127.0.0.1 -k {place} -c fsync=off -c max_connections=500"
        control = [programs() / "pg_ctl", "-D", place / "data", "-w", "-l", place / "log"]
        subprocess.run(
            [*control, "-o", options, "start"], **(run | {"capture_output": False, "stdout": subprocess.DEVNULL})
        )
        try:
            yield f"postgresql://steward@127.0.0.1:{port}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def database(address: str) -> Iterator[str]:
    """An empty database of its own; yields its URL."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{address}/{name}"
    finally:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as con:
            con.execute(f"DROP DATABASE {name} WITH (FORCE)")


def copy_schema(database: str, old: str, new: str) -> None:
    """Copy one schema of a database under another name, triggers and sequences with it, as pg_dump tells it."""
    dump = [programs() / "pg_dump", "--no-owner", "--schema", old, database]
    told = subprocess.run(dump, check=True, capture_output=True).stdout
    load = ["psql", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", database]
    subprocess.run(load, input=told.replace(old.encode(), new.encode()), check=True, capture_output=True)
