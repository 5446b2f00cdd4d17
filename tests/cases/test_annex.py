"""The annex of a paper: no page for a row or two, and no duty named at the foot of a page without a record below it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pypdf
import pytest

from cases.papers.blocks import Both
from cases.papers.press import LANGUAGES, Press
from tests.cases import paper_samples

PRESS = Press()
FIRST = paper_samples.listing().records[0]
OTHER = Both("第二项义务", "The second duty")


def pages(rows: list, language: str) -> list[str]:
    paper = replace(paper_samples.listing(), records=tuple(rows), records_total=len(rows))
    pdf = pypdf.PdfReader(BytesIO(PRESS.print(paper, language).pdf))
    return [page.extract_text().replace("\n", " ") for page in pdf.pages]


def numbered(count: int, since: int = 0, **changed) -> list:
    return [replace(FIRST, record_id=f"YH{since + i:07d}", **changed) for i in range(count)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_page_of_an_annex_is_not_for_a_row_or_two(language):
    # about thirty rows fill a page: from 26 to 36 the last page goes from full to a few rows
    left = [pages(numbered(count), language)[-1].count("YH00") for count in range(26, 37)]
    assert min(left) >= 4, left


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_duty_is_named_on_the_page_of_its_first_record(language):
    for count in range(24, 34):
        said = pages([*numbered(count), *numbered(3, count, duty=OTHER)], language)
        name = OTHER.zh if language == "zh" else OTHER.en
        (page,) = [text for text in said if name in text]
        assert f"YH{count:07d}" in page, f"after {count} records"
