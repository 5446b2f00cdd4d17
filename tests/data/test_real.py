"""The real records, as their publishers released them. Where their folder is absent these tests say so and skip."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from benchmarks import REAL, real
from data.intake import Delivery, load_file
from data.reading import WrongFile
from data.records import open_store
from metrics.calendar import Quarter

NOW = datetime(2026, 10, 1, tzinfo=UTC)
needed = pytest.mark.skipif(
    not (REAL / "toronto").is_dir(), reason="the real records (../shared/real) are not on this machine"
)
REGISTER, EVALUATIONS = REAL / "toronto/registrations", REAL / "toronto/evaluations"


@pytest.fixture(scope="module")
def toronto(tmp_path_factory) -> Path:
    """A store holding three snapshots (the second one doubled at its source) and the newest evaluations."""
    root = tmp_path_factory.mktemp("toronto")
    for name in ("2023-04-06", "2023-06-06", "2026-06-06_v2"):
        load(root, REGISTER / f"{name}.csv")
    load(root, EVALUATIONS / "pre-2023.csv")
    load(root, EVALUATIONS / "2026-03-01.csv")
    return root


def load(root: Path, path: Path) -> dict[str, Delivery]:
    return {d.source: d for d in load_file(root, path, received_at=NOW)}


def ask(root: Path, sql: str) -> list[tuple]:
    con = open_store(root)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


@needed
def test_every_row_of_the_real_files_is_counted_once(toronto):
    lost = ask(toronto, "SELECT * FROM deliveries WHERE rows_read <> accepted + revised + unchanged + set_aside")
    assert lost == []


@needed
def test_the_doubled_snapshot_loads_once(toronto):
    # the publisher's file holds 7,043 rows of 3,522 buildings
    row = ask(
        toronto,
        "SELECT rows_read, unchanged FROM deliveries WHERE file = '2023-06-06.csv' AND record_table = 'estates'",
    )
    assert row[0][0] == 7043
    assert ask(toronto, "SELECT count(*) - count(DISTINCT record_id) FROM estates WHERE revised_by_seq IS NULL") == [
        (0,)
    ]


@needed
@pytest.mark.parametrize("table", ["tenures", "estates"])
def test_no_building_is_managed_by_two_or_stands_twice_at_once(toronto, table):
    overlaps = ask(
        toronto,
        f"""
        SELECT count(*) FROM {table} AS t JOIN {table} AS n
          ON n.estate_id = t.estate_id AND n.valid_from > t.valid_from
        WHERE t.revised_by_seq IS NULL AND n.revised_by_seq IS NULL
          AND n.valid_from < coalesce(t.valid_to, DATE '9999-12-31')
        """,
    )
    assert overlaps == [(0,)]


@needed
def test_the_html_page_saved_as_csv_is_refused(toronto):
    with pytest.raises(WrongFile, match="web page"):
        load(toronto, REGISTER / "2026-08-05_v2.csv")


@needed
def test_the_six_row_release_waits_as_implausibly_small(toronto):
    before = ask(toronto, "SELECT count(*) FROM inspections")
    made = load(toronto, EVALUATIONS / "2026-08-01.csv")
    assert made["toronto_evaluations"].rows_read == 6
    assert {d.waits for d in made.values()} == {"waiting"}
    ((parts,),) = ask(toronto, "SELECT parts FROM deliveries_waiting")
    found = {x["note"]: x["params"] for p in json.loads(parts) for x in p["doubts"]}
    assert found["fewer_than_before"]["file"] == "2026-03-01.csv"
    assert ask(toronto, "SELECT count(*) FROM inspections") == before


@needed
def test_both_generations_of_headings_load(toronto):
    # 11,760 evaluations of the old form, 7 of them created in error; the new form's first two years follow
    old = ask(toronto, "SELECT rows_read, set_aside FROM deliveries WHERE source = 'toronto_evaluations_2017'")
    assert old[0][0] == 11760
    years = ask(toronto, "SELECT min(inspected_on), max(inspected_on) FROM inspections")[0]
    assert years[0] == date(2017, 9, 13)
    assert years[1] > date(2025, 1, 1)


@needed
def test_rows_created_in_error_are_set_aside_with_that_reason(toronto):
    found = ask(toronto, "SELECT count(*), min(found) FROM rows_set_aside WHERE reason = 'created_in_error'")[0]
    assert found[0] >= 1
    assert found[1].startswith("** CREATED IN ERROR **")


@needed
def test_the_same_release_again_changes_nothing(toronto):
    again = load(toronto, EVALUATIONS / "2026-03-01.csv")
    assert all(d.already for d in again.values())


@needed
def test_pingshan_gives_the_same_records_from_utf8_and_from_gbk(tmp_path):
    files = [REAL / "pingshan" / f"pingshan_minsheng_{e}.csv" for e in ("utf8", "gbk")]
    roots = [tmp_path / "utf8", tmp_path / "gbk"]
    for root, file in zip(roots, files, strict=True):
        load(root, file)
    query = "SELECT record_id, line, nature, channel, overdue, subdistrict FROM complaints ORDER BY line"
    utf8, gbk = (ask(root, query) for root in roots)
    assert utf8 == gbk
    assert len(utf8) == 10_000
    # flags as the file has them: 9,071 in time, 924 late, 5 not told; no estate on any
    assert ask(roots[0], "SELECT overdue, count(*) FROM complaints GROUP BY 1 ORDER BY 2") == [
        (None, 5), (True, 924), (False, 9071),
    ]  # fmt: skip
    assert ask(roots[0], "SELECT count(estate_id), count(*) FILTER (subdistrict = '-') FROM complaints") == [(0, 0)]


@needed
def test_our_inspection_points_rank_buildings_as_the_published_score_does(toronto, tmp_path):
    con = real.compute(toronto, real.toronto_book(tmp_path / "rules"), "2025Q4")
    try:
        scores = real.published(REAL, Quarter.parse("2025Q4").last)
        rho, count, _ = real.agreement(con, scores, "2025Q4")
    finally:
        con.close()
    assert count > 3_000  # most are not rated: one visit in two years does not tell them apart
    assert rho > 0.85


def test_an_absent_folder_is_said_plainly(tmp_path, capsys):
    assert real.main(["--folder", str(tmp_path)]) == 2
    assert "There are no real records in" in capsys.readouterr().out


def test_torontos_rules_score_inspections_alone(tmp_path):
    book = real.toronto_book(tmp_path / "rules")
    day = date(2026, 6, 30)
    scored = [n for n in book.files if n.startswith("metrics/") and book.on(day, n)["weight"] > 0]
    assert scored == ["metrics/inspection_items_passed"]  # escape routes are part of the form already
