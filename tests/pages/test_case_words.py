"""What a person reads when an act cannot be done: in their language, by the names on the form."""

from __future__ import annotations

import re

import pytest

from cases.papers.press import FieldMissing, PaperWrong
from i18n.words import Words
from pages.shared.casework import paper_words


@pytest.mark.parametrize(("language", "name"), [("zh", "陈述和申辩"), ("en", "What was said")])
def test_a_field_nobody_filled_is_named_as_the_form_names_it(language, name):
    said = paper_words(FieldMissing("minutes.typ", "said"), Words(language))
    assert name in said and r"minutes\.typ" in said  # a point is written so that no address becomes a link
    assert language == "en" or not re.search(r"missing|blank", said)


def test_a_field_without_a_form_is_named_as_the_template_names_it():
    assert r"to\.company" in paper_words(FieldMissing("listing.typ", "to.company"), Words("zh"))


def test_another_fault_is_told_as_it_is():
    assert "one person" in paper_words(PaperWrong("one person cannot prepare and decide"), Words("zh"))
