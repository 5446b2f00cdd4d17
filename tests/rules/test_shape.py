"""Every mistake in a rule file is named with its file, its line and its key, before any number of it is used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.book import Book, RuleFileWrong, read_rule_file
from rules.laws import laws
from rules.shape import SHAPES, line_of, places, shape_of

FILES = {n: p.text for n, p in Book().files.items()}
SHAPED = sorted(n for n in FILES if not n.startswith("forms/"))
MUTANTS = 2_000 if os.environ.get("STEWARD_LONG") else 150
#: What versions set directly, by a value on one line: (rule, line, key, is its value a text).
SETTINGS = [
    (name, number, path[0], '"' in FILES[name].splitlines()[number - 1].split("#")[0])
    for name in SHAPED
    for number, (block, path) in places(FILES[name])
    if block and len(path) == 1 and "=" in FILES[name].splitlines()[number - 1] and path[0] not in ("from", "law")
]


def refused(name: str, text: str) -> str:
    """What is said of a rule file's text; empty where it can be used."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rule.toml"
        path.write_text(text, "utf-8")
        try:
            read_rule_file(path, name, shaped=True)
        except RuleFileWrong as e:
            return str(e)
    return ""


def test_every_rule_file_has_a_shape_and_keeps_to_it():
    assert [n for n in SHAPED if shape_of(n) is None] == []
    assert sorted(SHAPES) == [n for n in SHAPED if not n.startswith("metrics/")]
    assert {n: refused(n, FILES[n]) for n in SHAPED if refused(n, FILES[n])} == {}


LINKAGE = '[[in_force]]\nfrom = 2026-01-01\nlaw = "SZC 29"\nlinks = 0.8\nmargin = 0.1\nasks = 0.35\nsame_place = 0.7\n'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("links = 0.8", 'links = "0.8"', "line 4, links: '0.8' is not of type 'number'"),
        ("links = 0.8", "links = true", "line 4, links: True is not of type 'number'"),
        ("margin = 0.1\n", "", "line 1, margin: missing; every version repeats every number"),
        ("margin", "margins", "line 5, margins: no such key here"),
        ("asks = 0.35", "asks =", "not valid TOML: .*line 6"),
        ("2026-01-01", '"2026-01-01"', "line 2, block 1: 'from' is '2026-01-01'; write a day"),
        ("2026-01-01", "2026-01-01T00:00:00", "line 2, block 1: 'from' is datetime"),
        ('law = "SZC 29"\n', "", "line 1, block 1: 'law' is missing"),
        ('law = "SZC 29"', "law = 29", "line 3, block 1: 'law' is missing"),
        ("[[in_force]]\n", '[[in_force]]\n[[inforce]]\n', "line 2, inforce: no such key here"),
        ("[[in_force]]\n", "", r"line 1, from: no such key|no \[\[in_force\]\] block|no such key here"),
        ("same_place = 0.7\n", f"same_place = 0.7\n{LINKAGE}", "line 9, block 2: 'from' 2026-01-01 does not come after 2026-01-01"),
        ("same_place = 0.7\n", f"same_place = 0.7\n{LINKAGE.replace('2026', '2027').replace('0.1', 'false')}", "line 12, margin: False"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_and_key(old, new, said):
    told = refused("linkage", LINKAGE.replace(old, new, 1))
    assert told.startswith("rules/linkage.toml")
    assert re.search(said, told), told


def test_all_mistakes_of_a_file_are_named_at_once():
    told = refused("linkage", LINKAGE.replace("0.8", "[]").replace("asks = 0.35", 'ask = "x"'))
    assert [m for m in ("line 4, links", "asks: missing", "line 6, ask: no such key") if m not in told] == []


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path):
    path = tmp_path / "linkage.toml"
    path.write_bytes(LINKAGE.replace("SZC", "条例").encode("gbk"))
    with pytest.raises(RuleFileWrong, match=r"rules/linkage\.toml, line 3: not UTF-8"):
        read_rule_file(path, "linkage")
    (tmp_path / "laws.toml").write_bytes('[FL]\ntitle_zh = "法"\n'.encode("gbk"))
    with pytest.raises(RuleFileWrong, match=r"rules/laws\.toml, line 2: not UTF-8"):
        laws(tmp_path)


def test_a_key_within_a_part_is_found_on_its_own_line():
    text = FILES["cases"]
    lines = text.splitlines()
    assert lines[line_of(text, 1, ["days", "serve"]) - 1].lstrip().startswith(("serve", "days"))
    ladder = FILES["ladder"]
    first, second = (line_of(ladder, b, ["evidence_kinds"]) for b in (1, 2))
    assert first < second and all(ladder.splitlines()[n - 1].startswith("evidence_kinds") for n in (first, second))
    grants = FILES["roles"]
    third = grants.splitlines()[line_of(grants, 1, ["grant", 2, "role"]) - 1]
    assert third.startswith("role") and tomllib.loads(grants)["in_force"][0]["grant"][2]["role"] in third


@settings(max_examples=MUTANTS, deadline=None)
@given(setting=st.sampled_from(SETTINGS), how=st.sampled_from(["other kind", "misspelt", "left out"]))
def test_any_setting_of_any_rule_spoiled_is_named_with_its_line_and_key(setting, how):
    name, number, key, text = setting
    lines = FILES[name].splitlines()
    opened = sum(line.count("[") - line.count("]") for line in lines[number - 1 : number])
    assume(not opened)  # a list over several lines is spoiled elsewhere
    needed = key in shape_of(name).schema["required"]
    if how == "other kind":
        lines[number - 1] = f"{key} = {'3' if text else '[[1]]'}"
    elif how == "misspelt":
        lines[number - 1] = lines[number - 1].replace(key, key + "_x", 1)
    else:
        del lines[number - 1]
    told = refused(name, "\n".join(lines) + "\n")
    assert told.startswith(f"rules/{name}.toml, line ") or (how == "left out" and not needed and not told), told
    if how != "left out":
        assert f"line {number}, {key}" in told, told
    if needed and how != "other kind":
        assert f"{key}: missing" in told, told


SCRAP = st.sampled_from(
    ["", "=", "[", "]", '"', "1", "true", "[x]", "{}", "[[in_force]]\n", "from = 3\n", "''", "\n", "-"]
)


@settings(max_examples=MUTANTS, deadline=None)
@given(name=st.sampled_from(SHAPED), at=st.floats(0, 1), length=st.integers(0, 40), scrap=SCRAP)
def test_scrap_in_a_rule_file_is_refused_by_its_name_or_still_means_something(name, at, length, scrap):
    text = FILES[name]
    place = int(at * len(text))
    told = refused(name, text[:place] + scrap + text[place + length :])
    assert not told or (told.startswith(f"rules/{name}.toml") and re.search(r"line \d+|no \[\[in_force\]\]", told)), (
        told
    )


def test_the_nightly_job_tells_a_wrong_rule_in_one_line_and_stores_nothing(tmp_path):
    program = Path(__file__).parents[2]
    for part in ("rules", "data", "i18n", "commands", "cases", "metrics"):
        shutil.copytree(program / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(program / "steward.py", tmp_path)
    rule = tmp_path / "rules" / "linkage.toml"
    text = rule.read_text("utf-8")
    rule.write_text(re.sub(r"(?m)^asks( *)= 0.35", r'asks\1= "0.35"', text), "utf-8")
    line = next(n for n, said in enumerate(text.splitlines(), start=1) if said.startswith("asks"))
    (tmp_path / "a.csv").write_text("区域编号,区域类型,区域名称,所属街道\nS1,街道,橡树街道,\n", "utf-8")
    run = subprocess.run(
        [sys.executable, "steward.py", "--root", "var", "load", "a.csv"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stderr == f"rules/linkage.toml, line {line}, asks: '0.35' is not of type 'number'.\n"
    con = duckdb.connect(tmp_path / "var" / "records.duckdb", read_only=True)
    assert con.execute("SELECT count(*) FROM deliveries").fetchall() == [(0,)]
    con.close()
