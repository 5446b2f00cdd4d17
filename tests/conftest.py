"""What tests of many rooms share: one small published demo district, built once per run."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from data.ledger import OF_FOLDER, URL_VARIABLE, open_ledger, schema_of
from tests.data import postgres

REPOSITORY = Path(__file__).parent.parent
SMALL = ("--estates", "60", "--companies", "20")
PATIENCE_SECONDS = 600


def pytest_addoption(parser):
    parser.addoption(
        "--ledger", choices=("sqlite", "postgresql"), default="sqlite",
        help="The database of every ledger the tests open; PostgreSQL is a server of the run's own.",
    )  # fmt: skip


def pytest_configure(config):
    """Before any test worker starts, so that they and the programs they start inherit the address."""
    if hasattr(config, "workerinput"):
        return
    os.environ.pop(URL_VARIABLE, None)
    if config.getoption("--ledger") == "postgresql":
        server = postgres.server()
        os.environ[URL_VARIABLE] = f"{server.__enter__()}/postgres?options=-csearch_path%3D{OF_FOLDER}"
        config.add_cleanup(lambda: server.__exit__(None, None, None))


def _build(root: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root), "demo", *SMALL]
    made = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def copy_of(root: Path, place: Path) -> Path:
    """Copy a district that others may be reading: files as they are, the ledger as its database itself copies one in use."""
    shutil.copytree(root, place, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    if url := os.environ.get(URL_VARIABLE):
        postgres.copy_schema(url.split("?")[0], schema_of(root), schema_of(place))
        return place
    with (
        closing(sqlite3.connect(root / "ledger.sqlite")) as old,
        closing(sqlite3.connect(place / "ledger.sqlite")) as new,
    ):
        old.backup(new)
    return place


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory, worker_id) -> Path:
    """The folder of a loaded and published small demo district; read only: copy it to change it.

    With several test workers the first one builds it and the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    root, done = shared / "demo-var", shared / "demo-built.json"
    try:
        os.close(os.open(shared / "demo-claimed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done.is_file():
            assert time.monotonic() < deadline, "the worker that builds the demo district did not finish"
            time.sleep(0.2)
        return root
    shutil.rmtree(root, ignore_errors=True)
    _build(root)
    done.write_text(json.dumps({"built": True}), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def postgres_address():
    """A PostgreSQL server of this test worker's own, started when the first test asks for it."""
    with postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request, tmp_path, monkeypatch):
    """An empty ledger; every test that asks for it runs on both databases."""
    if request.param == "sqlite":
        monkeypatch.delenv(URL_VARIABLE, raising=False)
        engine = open_ledger(tmp_path)
        yield engine
        engine.dispose()
        return
    with postgres.database(request.getfixturevalue("postgres_address")) as url:
        monkeypatch.setenv(URL_VARIABLE, url)
        engine = open_ledger(tmp_path)
        yield engine
        engine.dispose()
