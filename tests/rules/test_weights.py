"""What the index is made of: weights, goalposts and bands of the rules in force, and the grounds they cite.

The promises of domain.md 10.1: duties the company controls carry at least 70 % of all weight, complaints at most 20 %,
outcomes at most 10 %.
"""

from __future__ import annotations

from datetime import date

import pytest

import metrics
from data.codes import ESTATE_CLASSES, FINDINGS
from data.edition_tables import BANDS, SUBINDICES
from metrics.certainty import LOW
from metrics.terms import ANCHORS
from rules.book import Book
from rules.laws import KEY, laws

BOOK = Book()
DAY = date(2026, 9, 30)
CODES = {m.code for m in metrics.ALL.values()}
STARTS = {v.valid_from for name, f in BOOK.files.items() if name.startswith("metrics/") for v in f.versions}
#: The first day on which every scored metric is in force, and every day since on which a rule of scoring changes.
COMPLETE = max(f.versions[0].valid_from for name, f in BOOK.files.items() if name.startswith("metrics/"))
DAYS = sorted({d for d in STARTS if d >= COMPLETE} | {v.valid_from for v in BOOK.file("index").versions if v.valid_from >= COMPLETE} | {DAY})  # fmt: skip
BLOCKS = [(name, v) for name, f in BOOK.files.items() for v in f.versions]
METRIC_BLOCKS = [(name, v) for name, v in BLOCKS if name.startswith("metrics/")]


def block_name(value) -> str | None:
    return str(getattr(value, "valid_from", value))


def overall(day: date) -> dict[str, float]:
    """Metric to its share of the whole index on a day."""
    subs = BOOK.on(day, "index")["weights"]
    rules = {name: BOOK.metric(day, name) for name in metrics.ALL}
    return {n: r["weight"] * subs.get(r["subindex"], 0.0) for n, r in rules.items()}


def share_of(letters: str, day: date) -> float:
    """Share of the index carried by metrics whose code begins with one of ``letters``."""
    return sum(w for name, w in overall(day).items() if metrics.ALL[name].code[0] in letters)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_subindices_share_the_whole_index(day):
    weights = BOOK.on(day, "index")["weights"]
    assert tuple(weights) == SUBINDICES
    assert sum(weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize("subindex", SUBINDICES)
def test_the_metrics_of_a_subindex_share_all_of_it(day, subindex):
    rules = [BOOK.metric(day, name) for name in metrics.ALL]
    assert sum(r["weight"] for r in rules if r["subindex"] == subindex) == pytest.approx(1.0)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_duties_the_company_controls_carry_at_least_70_percent(day):
    # F fire, H hazards, S security are the company's alone; of P, registering residents is shared with others and left out
    alone = share_of("FHS", day) + sum(w for n, w in overall(day).items() if metrics.ALL[n].code == "P04")
    assert alone >= 0.70


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_complaints_carry_at_most_20_percent(day):
    assert share_of("C", day) <= 0.20


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_outcomes_carry_at_most_10_percent(day):
    assert share_of("O", day) <= 0.10


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_index_is_made_of_the_metrics_agreed_on(day):
    made_of = {s: set() for s in SUBINDICES} | {"shown": set()}
    for name, metric in metrics.ALL.items():
        rule = BOOK.metric(day, name)
        made_of[rule["subindex"] if rule["weight"] > 0 else "shown"].add(metric.code)
    assert made_of == {
        "fire": {"F05", "F06", "F13", "F14", "O02"},
        "rectification": {"H01", "H02", "H03", "S06"},
        "drills": {"F01", "F02", "F03", "F04"},
        "security": {"S01", "P02", "P04", "O01"},
        "residents": {"C01", "C02", "C03", "C05", "C06", "C07"},
        "shown": {"H05", "H06", "G03", "G04", "D01", "D02", "D03", "D04", "D05"},
    }


@pytest.mark.parametrize(("name", "block"), METRIC_BLOCKS, ids=block_name)
def test_goalposts_lead_one_way_from_fail_to_best(name, block):
    fail, minimum, target, best = posts = [block[a] for a in ANCHORS]
    assert fail != minimum, "the legal minimum would score 0 or 60"
    assert minimum != target, "the target would score 60 or 90"
    assert posts in (sorted(posts), sorted(posts, reverse=True)), (fail, minimum, target, best)


def test_bands_are_the_four_of_the_edition_and_reach_down_to_zero():
    bands = BOOK.on(DAY, "index")["bands"]
    assert set(bands) == set(BANDS)
    assert bands == {"excellent": 85, "good": 70, "attention": 60, "failing": 0}


def test_every_finding_has_its_cap_and_every_cap_its_finding():
    rule = BOOK.on(DAY, "caps")
    assert {k for k, v in rule.values.items() if isinstance(v, dict)} == {*FINDINGS, *LOW}
    assert all(rule[f]["cap"] in (59, 69) for f in FINDINGS)


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=block_name)
def test_every_block_cites_grounds_that_are_in_the_register(name, block):
    found = set(KEY.findall(block["law"])) - set(ESTATE_CLASSES) - (CODES - laws().keys())
    assert found <= laws().keys(), (
        f"rules/{name}.toml from {block.valid_from} cites {found - laws().keys()}: not in laws.toml"
    )
    assert found or (block["law"].startswith("proposed") and block["basis"] == "proposed"), (
        f"rules/{name}.toml from {block.valid_from} cites no law of the register and does not say it is proposed"
    )


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=block_name)
def test_a_number_that_no_law_states_says_so(name, block):
    assert block.get("basis") in (None, "proposed")
