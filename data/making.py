"""Text a mapping makes of other headings before types are read: keys, classes by number, names in one spelling.

``[make]`` in a mapping file gives a column one of these, or a list of them of which the first that yields text counts
(docs/sources.md). What the column's own headings deliver comes first; the text made here fills what they leave empty.

=========================================  ===================================================================
``text = "{RSN}@{DAY}"``                   headings put into a text; empty where one of them is empty
``number = "STOREYS", times = 3``          a number scaled
``choose = [{heading, from, below,         the ``value`` of the first condition that holds: a number (``from``
pattern, value}], otherwise = "MR"``       belongs, ``below`` does not) or a regular expression; else ``otherwise``
``company = "MANAGER"``                    a company's name without spelling habits (``data/addresses.py``)
``file_day = true``                        the day in the file's name, such as ``2026-06-06_v2.csv``
``otherwise = "other"``                    the text given, on its own
=========================================  ===================================================================
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl

from data.addresses import address_key, company_key, with_ranges

KINDS = ({"text"}, {"number", "times"}, {"choose", "otherwise"}, {"company"}, {"file_day"}, {"otherwise"})
#: Text column that holds the estate found at an address (``[lookup]``).
FOUND = "_estate_at_address"


def file_day(path: Path) -> date | None:
    """The day a file's name carries (``2026-06-06_v2.csv``); None where it carries none."""
    found = re.search(r"(\d{4})-(\d{2})-(\d{2})", path.name)
    return date(*map(int, found.groups())) if found else None


def headings_of(rule: dict) -> set[str]:
    """The headings one ``[make]`` rule reads."""
    named = {rule[k] for k in ("number", "company") if k in rule} | {c["heading"] for c in rule.get("choose", ())}
    return named | set(re.findall(r"\{([^}]+)\}", rule.get("text", "")))


def made(rule: dict, heading: dict[str, pl.Expr], day: date | None) -> pl.Expr:
    """The text one rule makes.

    Args:
        heading: each heading's stripped text, NULL where empty.
        day: the day of the file's name.
    """
    if "text" in rule:
        parts = re.split(r"\{([^}]+)\}", rule["text"])
        texts = [heading[p] if i % 2 else pl.lit(p) for i, p in enumerate(parts) if i % 2 or p]
        return pl.concat_str(texts)
    if "number" in rule:
        return (heading[rule["number"]].cast(pl.Float64, strict=False) * rule["times"]).cast(pl.String)
    if "choose" in rule:
        otherwise = pl.lit(rule["otherwise"] if rule["otherwise"] != "" else None)  # "" = nothing
        return pl.coalesce(*[_chosen(c, heading) for c in rule["choose"]], otherwise)
    if "company" in rule:
        return company_key(heading[rule["company"]])
    if "file_day" in rule:
        return pl.lit(day.isoformat() if day else None, dtype=pl.String)
    return pl.lit(rule["otherwise"])


def _chosen(condition: dict, heading: dict[str, pl.Expr]) -> pl.Expr:
    text = heading[condition["heading"]]
    number = text.cast(pl.Float64, strict=False)
    holds = text.str.contains(condition["pattern"]) if "pattern" in condition else number.is_not_null()
    if "from" in condition:
        holds &= number >= condition["from"]
    if "below" in condition:
        holds &= number < condition["below"]
    return pl.when(holds).then(pl.lit(str(condition["value"])))


def located(chunk: pl.DataFrame, address: str, places: pl.DataFrame) -> pl.DataFrame:
    """Add column FOUND: the estate at the row's address, empty where none or more than one stands there.

    Args:
        address: the heading that holds the address.
        places: ``estate_id``, ``address`` of the estates on record.
    """
    known = places.select("estate_id", key=address_key(pl.col("address"))).drop_nulls().unique()
    known = with_ranges(known).unique()
    single = known.group_by("key").agg(pl.col("estate_id").first(), estates=pl.len()).filter(pl.col("estates") == 1)
    found = chunk.with_columns(key=address_key(pl.col(address))).join(
        single.select("key", pl.col("estate_id").alias(FOUND)), on="key", how="left", maintain_order="left"
    )
    return found.drop("key").with_columns(pl.col(FOUND).fill_null(""))
