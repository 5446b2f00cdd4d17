"""What a correction does to scores: nothing moves without one, a mended row moves its estate, published ones too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from cases import effect, publish
from data import editions
from data.intake import load_file
from data.mending import Act, mend
from rules.book import Book
from tests.conftest import copy_of
from tests.data.town import ask, everything

ACT = Act("demo-steward", datetime.now(UTC) + timedelta(hours=1), "核对过")  # after the demo district was loaded


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory) -> Path:
    return copy_of(demo_root, tmp_path_factory.mktemp("effect") / "var")


@pytest.fixture(scope="module")
def published(root) -> tuple[str, str, int]:
    """Its id, period and last delivery."""
    path = editions.current(root)
    con = editions.open_edition(path)
    return (path.stem, *con.execute("SELECT period, as_of FROM edition").fetchall()[0])


@pytest.fixture(scope="module")
def late(root, published) -> tuple[str, pl.DataFrame]:
    """An estate whose fire patrols come late with a wrong estate code, and the edits that mend them.

    Six monthly sheets without one signed day: the record of a duty wholly missed.
    """
    con = editions.open_edition(editions.current(root))
    ((estate,),) = con.execute(
        "SELECT min(estate_id) FROM metric_scores WHERE metric = 'daily_fire_patrol_rate' AND level = 'estate' "
        "AND state = 'measured' AND period = $p AND records > 5", {"p": published[1]},
    ).fetchall()  # fmt: skip
    head = "patrol_id,estate_id,kind,by,started_on,ended_on,days_required,days_signed\n"
    rows = "".join(f"LATE{m},{estate}?,fire,guards,2026-0{m}-01,2026-0{m}-28,28,0\n" for m in range(4, 10))
    path = root.parent / "late_patrols.csv"
    path.write_text(head + rows, encoding="utf-8")
    (made,) = load_file(root, path, received_at=ACT.at)
    assert made.set_aside == 6
    edits = [
        {"delivery_id": made.delivery_id, "line": n, "after": json.dumps(json.loads(o) | {"estate_id": estate})}
        for n, o in ask(
            root, f"SELECT line, original FROM rows_set_aside WHERE delivery_id = '{made.delivery_id}' ORDER BY 1"
        )
    ]
    return estate, pl.DataFrame(edits)


def test_scores_computed_alone_are_those_of_the_edition_to_the_last_digit(root, published):
    edition_id, period, as_of = published
    con = duckdb.connect(publish.path_of(root, edition_id), read_only=True, config=editions.LOCKED)
    stored = con.sql(effect.SCORES.format("")).pl()
    con.close()
    assert effect.scores(root, period, as_of, Book()).equals(stored)
    assert effect.moved(stored, stored).is_empty()


@pytest.fixture(scope="module")
def tried(root, published, late):
    """What mending them would do, tried before anything is saved; the steps told; the store before and after."""
    told: list[tuple[int, int]] = []
    before = everything(root)
    done, found = effect.of_edits(
        root, published[1], late[1], ACT, progress=lambda _, step, steps: told.append((step, steps))
    )
    after = everything(root)
    assert {n: f.equals(after[n]) for n, f in before.items()} == dict.fromkeys(before, True), "tried on a copy"
    return done, found, told


def test_mending_rows_is_tried_on_a_copy_and_moves_its_estate_down(root, published, late, tried):
    estate, (done, found, told) = late[0], tried
    assert list(root.glob("trial-*")) == []
    assert (done[0].rows, found.estates) == (6, [estate])
    mine = found.moved.filter(
        (pl.col("level") == "estate") & (pl.col("unit_id") == estate) & (pl.col("period") == published[1])
    ).row(0, named=True)
    assert mine["final_after"] < mine["final"] - 1, "168 days without a patrol cost more than a point"
    assert told[0][0] == 0 and told[-1][0] == told[-1][1], "progress runs from nothing to the end"
    assert [s for s, _ in told] == sorted(s for s, _ in told)


def test_a_correction_after_publishing_shows_what_the_edition_would_say_and_leaves_it(root, published, late, tried):
    estate, edits = late
    path = publish.path_of(root, published[0])
    stood = path.read_bytes()
    mend(root, edits, ACT)
    found = effect.on_edition(root, published[0])
    assert found.estates == [estate]
    # the edition was made from the records before the mend, so it would move as the trial said: to the last digit
    assert found.moved.equals(tried[1].moved)
    assert path.read_bytes() == stood


def test_a_unit_absent_from_one_side_counts_as_moved():
    row = {
        "level": "estate",
        "unit_id": "oak",
        "estate_id": "oak",
        "period": "2026Q3",
        "final": 80.0,
        "state": "rated",
        "band": "good",
    }
    one = pl.DataFrame([row])
    none = one.clear()
    gone, come = effect.moved(one, none), effect.moved(none, one)
    assert gone.select("final", "final_after").rows() == [(80.0, None)]
    assert come.select("final", "final_after").rows() == [(None, 80.0)]
    assert effect.moved(one, one.with_columns(final=pl.lit(80.0 + 1e-12))).is_empty()
    assert effect.moved(one, one.with_columns(state=pl.lit("provisional"))).height == 1
