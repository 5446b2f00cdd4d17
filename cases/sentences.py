"""The one plain sentence that says why a step is due, or why none is."""

from __future__ import annotations

import json
import math
from datetime import date

from babel.dates import format_date

from i18n.words import Words
from metrics.calendar import Quarter

LOCALES = {"zh": "zh_CN", "en": "en_GB"}


def sentence(words: Words, reason: str, params: str) -> str:
    """Fill the words ``due.<reason>`` with one row's parameters.

    Args:
        reason, params: as in contract Due.

    Returns:
        The sentence in the words' language: quarters, days, duties and findings by their names.
    """
    given = json.loads(params)
    return words(f"due.{reason}", **{name: _said(words, name, value) for name, value in given.items()})


def _said(words: Words, name: str, value) -> str:
    if value is None:
        return words("ladder.unknown")
    match name:
        case "period" | "since":
            quarter = Quarter.parse(value)
            return words("ladder.period", year=quarter.year, quarter=quarter.number)
        case "score" | "gain" | "gain_lo" | "gain_hi":
            return f"{value:.1f}"
        case "p" | "top_p" | "improved_p" | "robust":
            return f"{math.floor(value * 100 + 1e-9)}%"  # cut, so that no chance is called surer than it is
        case "missed":
            return words("ladder.and").join(words(f"metric.{slug}.name") for slug in value)
        case "cap_reason":
            return words("ladder.and").join(words(f"ladder.finding.{code}") for code in value.split(","))
        case "stands":
            return words(f"ladder.step.{value}.name")
        case "stands_since" | "past_due_on":
            return format_date(date.fromisoformat(value), format="long", locale=LOCALES[words.language])
        case _:
            return str(value)
