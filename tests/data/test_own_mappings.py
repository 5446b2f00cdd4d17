"""Mapping files of the district's own: confirmed, versioned, noted, used by every later load, and never in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from data import backup, own_mappings
from data.intake import load_file
from data.ledger import open_ledger
from data.mapping import HERE, MappingWrong, sources
from data.own_mappings import MappingRefused, faults, known_at, noted, save, versions
from data.reading import WrongFile
from tests.data.town import NOW, ask, counts, load, put, registers

HEADINGS = ["单号", "楼盘", "来电时刻", "方式", "性质"]
TEXT = """
title = "街道来单"
table = "complaints"
required_headings = ["单号", "性质"]
[columns]
complaint_id = "单号"
estate_id = "楼盘"
received_at = "来电时刻"
channel = "方式"
nature = "性质"
[codes.channel]
"电话" = "hotline"
[codes.nature]
"投诉" = "complaint"
[derive]
received_on = { day_of = "received_at" }
"""
FILE = ",".join(HEADINGS) + "\nk1,oak,2026-01-05 09:00,电话,投诉\nk2,elm,2026-01-06 09:00,电话,投诉\n"


@pytest.fixture
def root(tmp_path):
    return registers(tmp_path / "var")


def saved(
    root, text: str = TEXT, name: str = "street_orders", headings=HEADINGS, reason: str = "new system", **options
):
    ledger = open_ledger(root)
    try:
        return save(root, ledger, name, text, headings=headings, by="wei", reason=reason, at=NOW, **options)
    finally:
        ledger.dispose()


def test_a_file_no_mapping_fits_loads_once_somebody_confirmed_one(root, tmp_path):
    path = put(tmp_path, "orders.csv", FILE)
    with pytest.raises(WrongFile, match="no source has these headings"):
        load(root, path)
    saved(root)
    made = load(root, path)
    assert (made.source, counts(made)) == ("street_orders", (2, 2, 0, 0, 0))


def test_the_command_of_the_nightly_job_reads_it_too(root, tmp_path):
    saved(root)
    command = [
        sys.executable,
        str(Path(__file__).parents[2] / "steward.py"),
        "--root",
        str(root),
        "load",
        "--despite-clock",
    ]
    put(tmp_path, "orders.csv", FILE)
    done = subprocess.run([*command, str(tmp_path / "orders.csv")], capture_output=True, text=True, check=False)
    assert (done.returncode, "2 read, 2 accepted" in done.stdout) == (0, True), done.stderr


def test_who_saved_it_when_why_and_its_hash_are_noted_and_the_note_stays(root):
    one = saved(root)
    ledger = open_ledger(root)
    assert noted(ledger) == [one]
    assert (one.name, one.version, one.record_table, one.by, one.reason, one.at) == (
        "street_orders", 1, "complaints", "wei", "new system", NOW
    )  # fmt: skip
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), ledger.begin() as con:
        con.execute(sa.text("UPDATE mapping_files SET by = 'x'"))
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), ledger.begin() as con:
        con.execute(sa.text("DELETE FROM mapping_files"))


def test_a_changed_mapping_is_a_new_version_and_the_earlier_file_stays(root, tmp_path):
    saved(root)
    wider = TEXT.replace('"电话" = "hotline"', '"电话" = "hotline"\n"网上" = "web"')
    assert saved(root, wider).version == 2
    assert versions(root) == {"street_orders": [1, 2]}
    assert own_mappings.place_of(root, "street_orders", 1).read_text("utf-8") == TEXT
    load(root, put(tmp_path, "o.csv", ",".join(HEADINGS) + "\nk3,oak,2026-01-05 09:00,网上,投诉\n"))
    assert ask(root, "SELECT channel FROM complaints") == [("web",)]
    with pytest.raises(MappingRefused, match="exactly this already"):
        saved(root, wider)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "complaints"}, "shipped source"),
        ({"name": "desk"}, "shipped source"),
        ({"name": "../etc"}, "cannot be the name"),
        ({"name": "Ab"}, "cannot be the name"),
        ({"reason": " "}, "No reason"),
        ({"headings": ["甲", "乙"]}, "does not fit the very file"),
        ({"text": TEXT.replace('table = "complaints"', 'table = "complaint"')}, "must be one of"),
        ({"text": TEXT.replace('nature = "性质"', "nature = 3")}, "columns.nature"),
        ({"text": TEXT + "\n[[["}, "not valid TOML"),
        ({"text": 'instead_of = "estates"' + TEXT}, "no source of complaints"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_kept(root, options, said):
    with pytest.raises((MappingRefused, MappingWrong), match=said):
        saved(root, **options)
    assert versions(root) == {}
    assert noted(open_ledger(root)) == []


def test_a_mapping_that_would_read_a_shipped_sources_files_is_refused(root):
    text = (HERE / "complaints.toml").read_text("utf-8")
    with pytest.raises(MappingRefused, match="fit the files of 'complaints'"):
        saved(root, text, headings=["工单编号", "诉求性质"])


def test_of_two_own_mappings_for_the_same_files_the_second_is_refused(root):
    saved(root)
    with pytest.raises(MappingRefused, match="'street_orders'"):
        saved(root, name="other_orders")
    assert list(versions(root)) == ["street_orders"]


def test_files_laid_by_hand_that_read_the_same_rows_twice_stop_the_load(root, tmp_path):
    saved(root)
    own_mappings.place_of(root, "by_hand", 1).write_text(TEXT, "utf-8")
    with pytest.raises(WrongFile, match="by_hand and street_orders both read it"):
        load(root, put(tmp_path, "orders.csv", FILE))
    assert ask(root, "SELECT count(*) FROM complaints") == [(0,)]


def test_a_renamed_column_that_nobody_needs_is_read_by_the_mapping_that_stands_in_for_the_shipped_one(root, tmp_path):
    headings = ["工单编号", "小区编号", "来电时间", "受理渠道", "诉求性质", "结案日"]
    columns = {"complaint_id": "工单编号", "estate_id": "小区编号", "received_at": "来电时间", "channel": "受理渠道",
               "nature": "诉求性质", "closed_on": "结案日"}  # fmt: skip
    text = (
        'table = "complaints"\ninstead_of = "complaints"\nrequired_headings = ["complaint_id", "nature", "结案日"]\n[columns]\n'
        + "".join(f'{c} = "{h}"\n' for c, h in columns.items())
        + '[codes.channel]\n"110" = "police"\n[codes.nature]\n"投诉" = "complaint"\n[derive]\nreceived_on = { day_of = "received_at" }\n'
    )
    saved(root, text, name="closed_renamed", headings=headings)
    made = load(root, put(tmp_path, "o.csv", ",".join(headings) + "\no1,oak,2026-01-05 09:00,110,投诉,2026-01-09\n"))
    assert (made.source, counts(made)) == ("closed_renamed", (1, 1, 0, 0, 0))
    assert ask(root, "SELECT closed_on::VARCHAR FROM complaints") == [("2026-01-09",)]


def test_an_altered_missing_or_unconfirmed_file_is_told(root):
    ledger = open_ledger(root)
    saved(root)
    assert faults(root, ledger) == []
    path = own_mappings.place_of(root, "street_orders", 1)
    path.write_text(TEXT + "# more\n", "utf-8")
    own_mappings.place_of(root, "by_hand", 1).write_text(TEXT, "utf-8")
    assert [f.split(" ", 1)[1] for f in faults(root, ledger)] == [
        "was never confirmed: the ledger does not know it.", "is not what was confirmed: it was altered.",
    ]  # fmt: skip
    path.unlink()
    assert "is gone" in faults(root, ledger)[1]


def test_a_broken_own_file_stops_the_load_naming_itself(root, tmp_path):
    saved(root)
    own_mappings.place_of(root, "street_orders", 2).write_text("table = \n", "utf-8")
    with pytest.raises(MappingWrong, match=r"mappings/street_orders\.2\.toml: not valid TOML"):
        load_file(root, put(tmp_path, "orders.csv", FILE), received_at=NOW)


def test_a_backup_keeps_every_version_and_a_restored_folder_loads_by_it(root, tmp_path):
    saved(root)
    saved(root, TEXT + "# second\n")
    backup.backup(root, tmp_path / "kept", NOW)
    backup.restore(tmp_path / "kept", tmp_path / "new", NOW)
    assert versions(tmp_path / "new") == {"street_orders": [1, 2]}
    assert faults(tmp_path / "new", open_ledger(tmp_path / "new")) == []
    assert load(tmp_path / "new", put(tmp_path, "orders.csv", FILE)).accepted == 2


def test_shipped_sources_come_unchanged_and_own_ones_beside_them_in_loading_order(root):
    saved(root, "order = -1\n" + TEXT)
    known = known_at(root)
    assert {n: s for n, s in known.items() if n != "street_orders"} == sources()
    assert next(iter(known)) == "street_orders"
