"""What a metric's rule says of its law, in the language of the page."""

from __future__ import annotations

import re

import pytest

import metrics
from cases.papers.prefill import ARTICLE
from i18n.words import Words
from pages.shared import rule
from rules.laws import cited

VERSIONS = [v for name in metrics.ALL for v in rule.book().file(f"metrics/{name}").versions]
#: English words; keys of laws, classes and articles are capitals and digits in both languages.
WORD = re.compile(r"[A-Za-z]*[a-z][A-Za-z]*")


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: f"{v.name}-{v.valid_from}")
def test_a_metrics_law_is_told_in_the_language_of_the_page_and_cites_the_same_articles(version):
    zh, en = rule.law_of(version, Words("zh")), rule.law_of(version, Words("en"))
    assert en == version["law"]
    assert not WORD.findall(zh) and ("（" in zh or re.search("[\u4e00-\u9fff]", zh) or not WORD.findall(en))
    assert cited(zh) == cited(en) and ARTICLE.findall(zh) == ARTICLE.findall(en)
    assert sorted(re.findall(r"\d{1,2}(?= ?%)", zh)) == sorted(re.findall(r"\d{1,2}(?= ?%)", en))
