"""Words in two languages, read from ``i18n/zh/*.toml`` and ``i18n/en/*.toml``.

Every key stands in both languages; ``tests/i18n`` fails on one that does not. A missing word is an error, never
a blank or a raw key on screen.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = ("zh", "en")


class WordMissing(KeyError):
    """A key has no words in a language."""


def _flatten(tree: Mapping, prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        flat |= _flatten(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return flat


@cache
def table(language: str) -> dict[str, str]:
    """All words of one language, keys flattened with dots (``page.ranking.title``)."""
    words: dict[str, str] = {}
    for path in sorted((HERE / language).glob("*.toml")):
        for key, value in _flatten(tomllib.loads(path.read_text(encoding="utf-8"))).items():
            if key in words:
                raise WordMissing(f"i18n/{language}/{path.name}: '{key}' stands in two files; keep one.")
            words[key] = value
    return words


@dataclass(frozen=True)
class Words:
    """The words of one language. ``t = Words("zh"); t("page.ranking.title")``; ``{name}`` takes parameters."""

    language: str

    def __call__(self, key: str, **params: object) -> str:
        try:
            text = table(self.language)[key]
        except KeyError:
            raise WordMissing(
                f"No word '{key}' in i18n/{self.language}/. Add it there and in the other language."
            ) from None
        return text.format(**params) if params else text

    def has(self, key: str) -> bool:
        return key in table(self.language)
