"""The number of a paper, its check code, and the law it cites in words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from cases.papers.shapes import Both, Paper
from rules.book import Book, Rule, RuleFileWrong
from rules.laws import laws

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U, which are misread
CODE_LETTERS = 12  # 60 bits: two of a million papers share one with a chance under one in a million
ARTICLE = re.compile(r"^(\d+)(?:\((\d+)\))?$")
DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Identity:
    """What names one paper: its number in both languages and the code that finds it in the ledger."""

    number: str
    number_en: str
    check_code: str

    def in_language(self, language: str) -> str:
        return self.number if language == "zh" else self.number_en


def rule_of(book: Book, day: date) -> Rule:
    """rules/papers.toml as in force on ``day``."""
    return book.on(day, "papers")


def identity(paper: Paper, book: Book) -> Identity:
    """Number and check code, the same for both languages.

    The code is taken from everything the paper says and its number, not from the bytes of the PDF, which carry it.
    """
    rule = rule_of(book, paper.issued_on)
    number, number_en = _number(paper, rule, "zh"), _number(paper, rule, "en")
    said = json.dumps({"kind": paper.kind, "number": number, "paper": asdict(paper)}, default=_plain, sort_keys=True)
    bits = int.from_bytes(hashlib.sha256(said.encode()).digest(), "big") >> (256 - 5 * CODE_LETTERS)
    letters = "".join(CROCKFORD[bits >> (5 * i) & 31] for i in reversed(range(CODE_LETTERS)))
    return Identity(number, number_en, "-".join(letters[i : i + 4] for i in range(0, CODE_LETTERS, 4)))


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"A paper holds plain data; {value!r} is a {type(value).__name__}.")


def _number(paper: Paper, rule: Rule, language: str) -> str:
    suffix = "" if language == "zh" else "_en"
    if paper.kind in rule["extracts"]:
        pattern = rule[f"extract{suffix}"]
    else:
        pattern = rule[f"draft{suffix}" if paper.sequence is None else f"number{suffix}"]
    mark = paper.office.mark
    own = rule[f"mark{suffix}"] if mark is None else in_language(mark, language)
    party, edition = getattr(paper, "to", None), getattr(paper, "edition", None)
    return pattern.format(
        mark=own, letter=rule[f"letter{suffix}"][paper.kind], year=paper.issued_on.year, sequence=paper.sequence,
        edition=edition.edition_id if edition else "", party=party.code if party else "",
    )  # fmt: skip


def in_language(text: str | Both, language: str) -> str:
    """Text in a language, the Chinese where there is no other."""
    if isinstance(text, str):
        return text
    return text.zh if language == "zh" or text.en is None else text.en


def numeral(n: int) -> str:
    """A number below 10,000 as Chinese law writes its articles.

    >>> [numeral(n) for n in (7, 10, 16, 29, 105, 110, 946, 1010, 1254)]
    ['七', '十', '十六', '二十九', '一百零五', '一百一十', '九百四十六', '一千零一十', '一千二百五十四']
    """
    if not 0 < n < 10_000:
        raise ValueError(f"{n} is not the number of an article.")
    said, gap = "", False
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, unit)
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + word
        gap = not digit
    return said.removeprefix("一") if said.startswith("一十") else said


def cite(keys: str | Sequence[str], language: str) -> str:
    """Articles of one law in words, such as ``cite("SZC 39", "zh")`` or ``cite(["SZC 39", "SZC 50"], "en")``.

    Raises:
        RuleFileWrong: the register does not hold the law, or an article is not a number with at most one item.
    """
    wanted = [keys] if isinstance(keys, str) else list(keys)
    law = laws().get(wanted[0].split()[0])
    found = [ARTICLE.match(key.partition(" ")[2]) for key in wanted]
    if law is None or not all(found):
        raise RuleFileWrong(
            f"A paper cites '{', '.join(wanted)}'. Write the key of a law in rules/laws.toml and one article, such as "
            "'FL 28' or 'FL 16(6)'."
        )
    articles = [(int(m[1]), int(m[2]) if m[2] else None) for m in found if m]
    if language == "zh":
        name, _, note = law.title_zh.partition("（")
        each = [f"第{numeral(n)}条{f'第（{numeral(i)}）项' if i else ''}" for n, i in articles]
        return f"《{name}》{f'（{note}' if note else ''}{'、'.join(each)}"
    name, _, note = law.title_en.partition(" (")
    each = [f"{n}({i})" if i else f"{n}" for n, i in articles]
    return f"{name}, art. {', '.join(each)}{f' ({note}' if note else ''}"


def refuse_elsewhere(keys: list[str], rule: Rule) -> None:
    """Raise RuleFileWrong where a key names a law that does not hold where the office sits."""
    strange = [
        key for key in keys if key.partition(" ")[0] in laws() and key.partition(" ")[0] not in rule["laws_here"]
    ]
    if strange:
        raise RuleFileWrong(
            f"A paper cites {', '.join(strange)}, which does not stand in laws_here of rules/papers.toml: law of another "
            "place, or not read at its source. Cite what holds here, or add the law there with the day it took effect."
        )


def cites(paper: Paper, book: Book, language: str) -> list[str]:
    """Everything a paper cites in words, one line a law: what its kind rests on, then what its case rests on."""
    rule = rule_of(book, paper.issued_on)
    keys = dict.fromkeys([*rule["cites"][paper.kind], *paper.grounds])
    refuse_elsewhere([*keys, *(hazard.law for hazard in getattr(paper, "hazards", ()))], rule)
    own = {
        law: [k for k in keys if k.partition(" ")[0] == law] for law in dict.fromkeys(k.partition(" ")[0] for k in keys)
    }
    return [cite(articles, language) for articles in own.values()]
