"""Killed at random instants while loading, revising, mending and publishing: whole or absent, and the next one works.

``STEWARD_LONG=1`` kills 300 times (``make test-long``); otherwise a few times, so that every run is quick.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from cases import publish
from data import editions
from tests.conftest import copy_of
from tests.data.test_intake import many_orders
from tests.data.town import ask, load, registers

LONG = bool(os.environ.get("STEWARD_LONG"))
#: How often each kind of work is killed; 300 in all in the long mode.
KILLS = (
    {"load": 75, "revise": 75, "mend": 50, "publish": 100}
    if LONG
    else {"load": 2, "revise": 2, "mend": 2, "publish": 2}
)
ROWS = 40_000
REPOSITORY = Path(__file__).parents[1]

#: Says "ready" when everything is imported, does the work, says "done".
WORK = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from cases import publish
from data.intake import load_file
from data.mending import Act, mend
root, what, given = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
now = datetime(2026, 11, 23, tzinfo=UTC)
print("ready", flush=True)
if what == "publish":
    publish.publish(root, given, now=now, by="a", reason="b", answer="c")
elif what == "mend":
    mend(root, pl.read_parquet(given), Act("a", now, "b"))
else:
    load_file(root, Path(given), received_at=now)
print("done", flush=True)
"""


def work(root: Path, what: str, given: str, seconds: float | None) -> tuple[bool, float]:
    """Do it in a process of its own, killed after so many seconds; returns (finished, seconds it took)."""
    job = subprocess.Popen(
        [sys.executable, "-c", WORK, str(root), what, given], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert job.stdout.readline() == "ready\n"
    began = time.monotonic()
    if seconds is not None:
        time.sleep(seconds)
        job.send_signal(signal.SIGKILL)
    said = job.stdout.read()
    code = job.wait()
    assert code in (0, -signal.SIGKILL), f"{what} ended by itself with {code}"
    return "done" in said, time.monotonic() - began


def orders(path: Path, batch: int, day: int, spoilt: int = 0) -> Path:
    """Orders of one batch, received in a week of its own, closed ``day`` days later, so that another day revises them.

    The first ``spoilt`` name an estate that is not on record.
    """
    received = date(2020, 1, 1) + timedelta(days=7 * batch)
    many_orders(ROWS).with_columns(
        pl.format("b{}-{}", pl.lit(batch), "工单编号").alias("工单编号"),
        受理日期=pl.lit(received.isoformat()),
        来电时间=pl.lit(f"{received} 09:00:00"),
        办结日期=pl.lit((received + timedelta(days=day)).isoformat()),
        小区编号=pl.when(pl.int_range(pl.len()) < spoilt).then(pl.lit("ash")).otherwise("小区编号"),
    ).write_csv(path)
    return path


def whole(root: Path) -> None:
    """Every delivery adds up, brought as many versions as it says, and settled only what an act or a delivery names."""
    sums = "SELECT delivery_id FROM deliveries WHERE rows_read <> accepted + revised + unchanged + set_aside"
    assert ask(root, sums) == []
    stored = """
        SELECT d.delivery_id FROM deliveries AS d
        LEFT JOIN (SELECT delivery_id, count(*) AS n FROM complaints GROUP BY 1) AS c USING (delivery_id)
        LEFT JOIN (SELECT delivery_id, count(DISTINCT line) AS n FROM rows_set_aside GROUP BY 1) AS s USING (delivery_id)
        WHERE d.record_table = 'complaints'
          AND (coalesce(c.n, 0) <> d.accepted + d.revised OR coalesce(s.n, 0) <> d.set_aside)
    """
    assert ask(root, stored) == []
    strays = """
        SELECT count(*) FILTER (delivery_seq NOT IN (SELECT seq FROM deliveries)),
               count(*) FILTER (revised_by_seq NOT IN (SELECT seq FROM deliveries)),
               count(*) FILTER (revised_by_seq IS NULL) - count(DISTINCT record_id)
        FROM complaints
    """
    assert ask(root, strays) == [(0, 0, 0)]
    acted = """
        SELECT count(*) FROM rows_set_aside
        WHERE settled_how = 'mended' AND (delivery_id, line) NOT IN (SELECT delivery_id, line FROM desk_rows)
    """
    assert ask(root, acted) == [(0,)]
    assert ask(
        root, "SELECT count(*) FROM desk_acts WHERE delivery_id NOT IN (SELECT delivery_id FROM deliveries)"
    ) == [(0,)]


@pytest.mark.parametrize("what", ["load", "revise"])
def test_a_load_killed_at_any_instant_is_whole_or_absent_and_the_next_one_works(tmp_path, what):
    root, chance = registers(tmp_path / "var"), random.Random(what)
    if what == "revise":
        load(root, orders(tmp_path / "base.csv", 0, 1))
    _, took = work(root, "load", str(orders(tmp_path / "first.csv", 0 if what == "revise" else 1, 2)), None)
    finished = 0
    for n in range(KILLS[what]):
        # Week after week: a gap would make a delivery wait for a person. And a day of its own: a file that came before
        # is known and not loaded again.
        batch = 0 if what == "revise" else finished + 2
        path = orders(tmp_path / f"{n}.csv", batch, 3 + n)
        before = ask(root, "SELECT count(*) FROM complaints")[0][0]
        done, _ = work(root, "load", str(path), chance.uniform(0, took))
        whole(root)
        came = ask(root, f"SELECT count(*) FROM deliveries WHERE file = '{path.name}'")[0][0]
        after = ask(root, "SELECT count(*) FROM complaints")[0][0]
        assert after - before == came * ROWS, "whole or absent"
        held = ask(root, f"SELECT parts FROM deliveries_waiting WHERE file = '{path.name}'")
        assert came == 1 or not done, f"what said it was done is there, or waits: {held}"
        finished += came
        path.unlink()
    print(f"{what}: {KILLS[what]} killed, {finished} of them after the commit")
    assert load(root, orders(tmp_path / "last.csv", 0, 28)).rows_read == ROWS


def test_a_mend_killed_at_any_instant_is_whole_or_absent_and_can_be_done_again(tmp_path):
    root, chance = registers(tmp_path / "var"), random.Random("mend")
    made = load(root, orders(tmp_path / "first.csv", 1, 2, spoilt=3_000))
    assert made.set_aside == 3_000
    took, finished = 2.0, 0
    for n in range(KILLS["mend"]):
        open_ = ask(root, "SELECT line, original FROM rows_set_aside WHERE settled_how IS NULL ORDER BY line LIMIT 50")
        edits = pl.DataFrame(
            {
                "delivery_id": made.delivery_id,
                "line": [r[0] for r in open_],
                "after": [r[1].replace("ash", "elm") for r in open_],
            }
        )
        edits.write_parquet(tmp_path / "edits.parquet")
        done, seconds = work(root, "mend", str(tmp_path / "edits.parquet"), None if n == 0 else chance.uniform(0, took))
        took = seconds if n == 0 else took
        whole(root)
        mended = ask(root, "SELECT count(DISTINCT line) FROM rows_set_aside WHERE settled_how = 'mended'")[0][0]
        acts = ask(root, "SELECT count(*), coalesce(sum(row_count), 0) FROM desk_acts")[0]
        assert acts == (mended // 50, mended) and mended % 50 == 0
        assert acts[0] - finished == 1 or not done
        finished = acts[0]
    print(f"mend: {KILLS['mend']} killed, {finished} of them after the commit")
    assert finished >= 1


def test_publishing_killed_at_any_instant_leaves_a_whole_edition_or_none(demo_root, tmp_path):
    root, chance = copy_of(demo_root, tmp_path / "var"), random.Random("publish")
    first = editions.current(root).stem
    period = first.rsplit("-", 1)[0]
    draft = f"draft-{period}-7"
    shutil.copyfile(publish.path_of(root, first), publish.folder(root) / f"{draft}.duckdb")
    _, took = work(root, "publish", draft, None)
    finished = 1
    for _ in range(KILLS["publish"]):
        known = set(editions.list_editions(root))
        stood = editions.current(root).stem
        done, _ = work(root, "publish", draft, chance.uniform(0, took))
        new = set(editions.list_editions(root)) - known
        stands = editions.current(root).stem
        assert len(new) <= 1 and stands in {stood, *new}, "CURRENT names an edition that is there"
        assert stands in new or not done
        for name in new:  # a whole edition, and nobody needs its bytes twice
            con = editions.open_edition(editions.path_of(root, name))
            told = con.execute("SELECT edition_id, status, published_by FROM edition").fetchall()
            rows = con.execute("SELECT count(*) FROM index_scores").fetchall()[0][0]
            con.close()
            assert told == [(name, "published", "a")] and rows > 0
        finished += len(new)
    print(f"publish: {KILLS['publish']} killed, {finished - 1} of them after the edition had its name")
    made = publish.publish(root, draft, now=datetime(2026, 11, 24, tzinfo=UTC), by="a", reason="b", answer="c")
    assert editions.current(root).stem == made == f"{period}-{finished + 2}"
