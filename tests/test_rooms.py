"""Every metric has all its rooms: code, rule, words in both languages, tests."""

from __future__ import annotations

from pathlib import Path

import pytest

import metrics
from i18n.words import LANGUAGES, Words
from metrics.base import Metric
from rules.book import Book

ROOT = Path(__file__).parent.parent
RULE_KEYS = ("law", "fail", "minimum", "target", "best", "subindex", "weight")
WORD_KEYS = ("name", "question", "lift")
#: domain.md section 10, as named in the first issue.
CATALOGUE = [
    "F01",
    "F02",
    "F03",
    "F04",
    "F05",
    "F06",
    "F13",
    "F14",
    "H01",
    "H02",
    "H03",
    "H05",
    "H06",
    "S01",
    "S06",
    "P02",
    "P04",
    "C01",
    "C02",
    "C03",
    "C05",
    "C06",
    "C07",
    "O01",
    "O02",
    "G03",
    "G04",
    "D01",
    "D02",
    "D03",
    "D04",
    "D05",
]


@pytest.mark.parametrize("name", metrics.NAMES)
def test_every_metric_has_all_its_rooms(name):
    needs = [
        room
        for room in (f"metrics/{name}.py", f"rules/metrics/{name}.toml", f"tests/metrics/test_{name}.py")
        if not (ROOT / room).is_file()
    ]
    for language in LANGUAGES:
        words = Words(language)
        needs += [f"i18n/{language}: metric.{name}.{k}" for k in WORD_KEYS if not words.has(f"metric.{name}.{k}")]
        unit = f"unit.{metrics.ALL[name].unit}" if name in metrics.ALL else None
        needs += [f"i18n/{language}: {unit}"] if unit and not words.has(unit) else []
    if (ROOT / f"rules/metrics/{name}.toml").is_file():
        for version in Book().file(f"metrics/{name}").versions:
            needs += [
                f"rules/metrics/{name}.toml from {version.valid_from}: {k}"
                for k in RULE_KEYS
                if k not in version.values
            ]
    assert not needs, f"{name} still needs: {', '.join(needs)}"


def test_the_catalogue_is_complete_and_in_its_order():
    assert [m.code for m in metrics.ALL.values()] == CATALOGUE


def test_every_metric_file_is_listed():
    declared = {p.stem for p in (ROOT / "metrics").glob("*.py") if "\nMETRIC = " in p.read_text(encoding="utf-8")}
    assert declared == set(metrics.NAMES)


def test_every_rule_file_of_a_metric_has_its_metric():
    assert {p.stem for p in (ROOT / "rules/metrics").glob("*.toml")} == set(metrics.NAMES)


@pytest.mark.parametrize("name", metrics.NAMES)
def test_a_metric_says_what_its_number_means(name):
    metric = metrics.ALL[name]
    text = __import__(f"metrics.{name}", fromlist=["METRIC"]).__doc__
    assert isinstance(metric, Metric)
    for heading in ("Unit", "Row", "Empty", "Rule", "Source"):
        assert f"\n{heading}" in text, f"metrics/{name}.py does not say its {heading}"
