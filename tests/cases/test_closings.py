"""What a closure and a commendation say of themselves: only what happened."""

from __future__ import annotations

import re

import pytest

from cases.papers.press import Press
from tests.cases.casebook import text_of
from tests.cases.paper_samples import closure, commendation

#: how it ended -> what the paper says (Chinese, English)
SAYS = {
    "rectified": ("均已完成", "found done at re-inspection"),
    "clean_periods": ("连续达标", "clean periods in a row"),
    "expired": ("期限已经届满", "is up"),
    "referred": ("仍未完成", "found not done"),
}


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("how", SAYS)
def test_a_closure_says_how_the_case_ended_and_no_other_way(press, how, language):
    paper = closure(how=how, **({} if how in ("rectified", "clean_periods") else {"shown": ()}))
    said = text_of(press.print(paper, language).pdf)
    place = ("zh", "en").index(language)
    assert {h for h, words in SAYS.items() if bare(words[place]) in said} == {how}


def test_a_closure_without_a_listing_names_no_display_and_no_watch(press):
    paper = closure(watch_until=None, relapse=None, display_ends_on=None)
    for language, words in (("zh", ("摘牌", "观察期")), ("en", ("published listing", "watch"))):
        said = text_of(press.print(paper, language).pdf)
        assert not [w for w in words if bare(w) in said]


def test_a_commendation_is_a_notice_first_and_a_decision_after(press):
    notice, award = commendation(), commendation(awarded_on=commendation().shown_until)
    for language, only_first in (("zh", "公示文本"), ("en", "Text shown to the public")):
        first, second = (text_of(press.print(paper, language).pdf) for paper in (notice, award))
        assert bare(only_first) in first and bare(only_first) not in second
