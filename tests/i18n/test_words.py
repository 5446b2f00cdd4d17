"""The words: both languages say the same things, with the same parameters, and every code has a word."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from data import codes, edition_tables
from data.contracts import TABLES
from i18n.words import LANGUAGES, WordMissing, Words, table

HERE = Path(__file__).parent.parent.parent
USED = re.compile(r"""\bt\(\s*"([a-z_]+(?:\.[a-z0-9_]+)+)\"""")


def test_both_languages_have_the_same_keys():
    zh, en = (set(table(language)) for language in LANGUAGES)
    assert zh == en, f"only Chinese: {sorted(zh - en)}; only English: {sorted(en - zh)}"


def parameters(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_take_the_same_parameters():
    zh, en = table("zh"), table("en")
    assert [k for k in zh if parameters(zh[k]) != parameters(en[k])] == []


def test_every_word_named_in_a_page_exists():
    named = {k for p in (HERE / "pages").rglob("*.py") for k in USED.findall(p.read_text(encoding="utf-8"))}
    missing = {k for k in named if k not in table("zh")}
    assert len(named) > 100
    assert not missing, missing


def test_every_code_on_screen_has_a_word():
    wanted = {
        "estate_class": codes.ESTATE_CLASSES,
        "band": (*edition_tables.BANDS, "not_rated"),
        "state": edition_tables.STATES,
        "value_state": edition_tables.VALUE_STATES,
        "subindex": (*edition_tables.SUBINDICES, "shown"),
        "subindex_short": edition_tables.SUBINDICES,
        "table": tuple(TABLES),
        "fact.hazard_type": codes.HAZARD_TYPES,
        "fact.severity": (*codes.SEVERITIES, *codes.HAZARD_SEVERITIES),
        "fact.found_by": codes.FOUND_BY,
        "fact.responsibility": codes.PARTIES,
        "fact.kind": (*codes.INSPECTION_KINDS, *codes.DRILL_KINDS, *codes.INCIDENT_KINDS, *codes.SANCTION_KINDS),
        "fact.item_code": codes.ITEM_CODES,
        "fact.upheld": codes.UPHELD,
        "fact.cause": codes.CAUSES,
        "fact.verification": codes.VERIFICATIONS,
        "fact.witness": codes.WITNESSES,
        "ladder.finding": codes.FINDINGS,
    }
    known = set(table("zh"))
    missing = [f"{kind}.{code}" for kind, all_ in wanted.items() for code in all_ if f"{kind}.{code}" not in known]
    steps = [s for s in edition_tables.STEPS if f"ladder.step.{s}.name" not in known]
    assert not missing and not steps, (missing, steps)


def test_steps_short_of_a_penalty_never_use_the_words_of_one():
    # APL 9 lists warning and public criticism as kinds of penalty
    said = [v for k, v in table("zh").items() if k.startswith(("ladder.", "due.", "page.due"))]
    assert not [s for s in said if "警告" in s or "通报批评" in s]


def test_a_missing_word_is_an_error_that_names_it():
    with pytest.raises(WordMissing, match=r"page\.nowhere\.title"):
        Words("zh")("page.nowhere.title")
