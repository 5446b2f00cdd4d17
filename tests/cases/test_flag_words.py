"""What stands beside a record, in words: every kind in both languages, and never whose the other record is."""

import pytest

from cases.flag_words import said
from data.flag_tables import KINDS, SCORED_ONCE
from i18n.words import LANGUAGES, Words

DATES = ("dated_ahead", "dated_after_delivery", "entered_long_after")
ACCUSING = ("造假", "作弊", "伪造", "虚假", "fraud", "fake", "forged", "gaming", "cheat")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_as_a_fact(kind, language):
    line = said([{"kind": kind, "days": 12, "likeness": 0.951, "other_id": "X-7"}], Words(language))
    assert ("12" in line) == (kind in DATES)
    assert ("X-7" in line) == (kind not in DATES)
    assert ("95%" in line) == (kind == "same_account")
    assert not any(word in line.lower() for word in ACCUSING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_record_of_another_party_is_not_named(language):
    t = Words(language)
    line = said([{"kind": "same_file", "days": 3, "likeness": None, "other_id": None}], t)
    assert t("record_flag.elsewhere") in line


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_counted_once_says_so(language):
    assert all(Words(language).has(f"excluded.{word}") for word in SCORED_ONCE.values())


def test_nothing_beside_a_record_is_an_empty_line():
    assert said([], Words("zh")) == said(None, Words("en")) == ""
