"""What a person reads when an act cannot be done: in their language, by the names on the form."""

from __future__ import annotations

import re

import pytest

from cases.papers.press import FieldMissing, PaperWrong
from i18n.words import Words
from pages.cases import appeal
from pages.shared import rule
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


CITED = re.compile(r"[A-Z]+[0-9]*|[0-9]+")  # keys of laws and their articles


@pytest.mark.parametrize("version", rule.book().file("ladder").versions, ids=lambda v: str(v.valid_from))
def test_the_basis_of_every_step_is_told_in_the_language_of_the_page_and_cites_the_same(version):
    for step, kept in version.values["basis_of"].items():
        zh = rule.basis(kept, Words("zh"))
        assert (
            zh == version.values["basis_of_zh"][step]
            and rule.basis(kept, Words("en")) == kept
            and not re.search(r"[a-z]", zh)
        )
        assert CITED.findall(zh) == CITED.findall(kept)


def test_a_basis_the_rules_no_longer_know_is_shown_as_the_edition_keeps_it():
    assert rule.basis("GDP 30 (as it was)", Words("zh")) == "GDP 30 (as it was)"


def test_what_was_weighed_stands_only_while_the_form_says_the_same():
    out = {"table": "hazards", "record_id": "H1", "ruling": "exclude", "to_estate": None}
    kept = {"objection": 1, "before": {}, "after": {}, "rulings": [out], "findings": [{"reason": "见决定理由"}]}
    now = [{"reason": "照片相符"}]
    assert appeal.still_weighed(kept, 1, [out], now) == kept | {"findings": now}
    for number, chosen in ((2, [out]), (1, []), (1, [out | {"ruling": "reassign", "to_estate": "elm"}])):
        assert appeal.still_weighed(kept, number, chosen, now) is None
    assert appeal.still_weighed(None, 1, [], now) is None
