"""Names of companies in free text to the registry: by code, by evened name, then by likeness, with a reason each.

The last step compares words, weighed by how rare they are among the registry's names (``PROPERTY MANAGEMENT`` says
nothing, ``KARAMAR`` all), a word misspelt counting by its likeness. Chinese names have no blanks: pairs of signs stand
for words.

Splink 5 was run beside it on the labelled names (docs/sources.md): as good within what 23 pairs can tell, and unlike here its
threshold has no meaning of its own. Its makers advise against one column of words, too. With rapidfuzz each confidence is
explained by the words that met.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process
from scipy import sparse

from data.addresses import company_key

#: Two words are spellings of one where their likeness is at least this (0 to 100).
SAME_WORD = 84.0
#: Candidates looked at per name.
CANDIDATES = 5
LINKS: dict[str, type[pl.DataType]] = {
    "name": pl.String, "company_id": pl.String, "linked_name": pl.String, "confidence": pl.Float64, "reason": pl.String,
    "runner_up": pl.Float64,
}  # fmt: skip
LEGAL_ZH = r"(股份有限公司|有限责任公司|有限公司|集团|分公司|公司)"


class Vocabulary(NamedTuple):
    """The registry's words with their weights, and which name has which."""

    words: list[str]
    weight: np.ndarray
    has: sparse.csr_matrix  # names x words


def evened(name: pl.Expr) -> pl.Expr:
    """A name without habits of spelling; legal forms go, in Chinese too. NULL where it names nobody."""
    text = name.str.normalize("NFKC").str.replace_all(LEGAL_ZH, "").str.replace_all(r"[（(].*?[)）]", "")
    chinese = text.str.contains(r"\p{Han}")
    return pl.when(chinese).then(text.str.replace_all(r"\s", "")).otherwise(company_key(text))


def words_of(name: str) -> list[str]:
    """The words of an evened name; pairs of signs of a Chinese one."""
    if re.search(r"[\u4e00-\u9fff]", name):
        return [name[i : i + 2] for i in range(max(len(name) - 1, 1))]
    return name.split()


def link(names: pl.Series, registry: pl.DataFrame) -> pl.DataFrame:
    """The company each name most likely is.

    Args:
        names: as delivered.
        registry: ``company_id``, ``name`` (a company may have several, such as spellings confirmed before).

    Returns:
        One row per distinct name that names somebody (LINKS): confidence 0 to 1, ``reason`` ``code``, ``same_name`` or
        ``likeness``, and the confidence of the next likely other company. Whether a link stands is the rule's to say.
    """
    wanted = pl.DataFrame({"name": names}).unique(maintain_order=True).with_columns(key=evened(pl.col("name")))
    wanted = wanted.drop_nulls("key")
    known = registry.with_columns(key=evened(pl.col("name"))).drop_nulls("key").sort("company_id", "name")
    by_code = wanted.join(
        known.select("company_id", linked_name="name").unique("company_id", keep="first", maintain_order=True),
        left_on="name", right_on="company_id", coalesce=False,
    ).select("name", "company_id", "linked_name", confidence=1.0, reason=pl.lit("code"), runner_up=0.0)  # fmt: skip
    rest = wanted.join(by_code, on="name", how="anti")
    owners = known.group_by("key").agg(pl.col("company_id").n_unique().alias("owners"))
    single = known.join(owners.filter(pl.col("owners") == 1), on="key", how="semi")
    by_name = rest.join(single.unique("key", keep="first", maintain_order=True), on="key", suffix="_known").select(
        "name", "company_id", linked_name="name_known", confidence=1.0, reason=pl.lit("same_name"), runner_up=0.0
    )
    rest = rest.join(by_name, on="name", how="anti")
    return pl.concat([p.cast(pl.Schema(LINKS)) for p in (by_code, by_name, _by_likeness(rest, known))]).sort("name")


def likeness_of(names: list[str], others: list[str], known: list[str]) -> list[float]:
    """How like each name is to the other beside it, 0 to 1, words weighed by how rare they are among the known names."""
    if not names:
        return []
    keys = list(dict.fromkeys(evened_all([*known, *names, *others])))
    place = {k: i for i, k in enumerate(keys)}
    vocabulary = _vocabulary(keys)
    asked = evened_all(names)
    likeness = _likeness(asked, vocabulary)
    return [round(float(likeness[i, place[k]]), 4) for i, k in enumerate(evened_all(others))]


def evened_all(names: list[str]) -> list[str]:
    """Names without habits of spelling; a name that says nobody stays as it is."""
    said = pl.DataFrame({"name": names}, schema={"name": pl.String})
    return said.select(pl.coalesce(evened(pl.col("name")), "name")).to_series().to_list()


def _by_likeness(wanted: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    if wanted.is_empty() or known.is_empty():
        return pl.DataFrame(schema=LINKS)
    vocabulary = _vocabulary(known["key"].to_list())
    likeness = _likeness(wanted["key"].to_list(), vocabulary)
    best = np.argsort(-likeness, axis=1, kind="stable")[:, : CANDIDATES * 4]
    pairs = pl.DataFrame(
        {
            "name": np.repeat(wanted["name"].to_numpy(), best.shape[1]),
            "row": best.ravel(),
            "confidence": np.take_along_axis(likeness, best, axis=1).ravel().round(4),
        },
        schema={"name": pl.String, "row": pl.Int64, "confidence": pl.Float64},
    )
    rows = pairs.join(
        known.with_row_index("row").select(pl.col("row").cast(pl.Int64), "company_id", linked_name="name"), on="row"
    ).sort("name", "confidence", "company_id", descending=[False, True, False])
    ranked = rows.unique(["name", "company_id"], keep="first", maintain_order=True)
    return ranked.group_by("name", maintain_order=True).agg(
        pl.col("company_id").first(), pl.col("linked_name").first(), pl.col("confidence").first(),
        reason=pl.lit("likeness"), runner_up=pl.col("confidence").get(1, null_on_oob=True).fill_null(0.0),
    )  # fmt: skip


def _vocabulary(keys: list[str]) -> Vocabulary:
    """Each word's weight: log(names / names with it) + 1 / names, so that a word all share weighs next to nothing."""
    split = [list(dict.fromkeys(words_of(k))) for k in keys]
    words = sorted({w for s in split for w in s})
    place = {w: i for i, w in enumerate(words)}
    rows = np.repeat(np.arange(len(split)), [len(s) for s in split])
    columns = np.array([place[w] for s in split for w in s], dtype=np.int64)
    has = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(keys), len(words)))
    count = _alike(words, words) > 0  # a misspelt common word is as common as the word it stands for
    count = count @ np.asarray(has.sum(axis=0)).ravel()
    count = np.minimum(count, len(keys))
    return Vocabulary(words, np.log(len(keys) / count) + 1 / len(keys), has)


def _likeness(keys: list[str], known: Vocabulary) -> np.ndarray:
    """Weight of the words that meet over the weight of all words of both names: 0 to 1, names x registry names."""
    split = [list(dict.fromkeys(words_of(k))) for k in keys]
    words = sorted({w for s in split for w in s})
    place = {w: i for i, w in enumerate(words)}
    alike = _alike(words, known.words)
    nearest = alike.argmax(axis=1)
    rarest = float(known.weight.max())
    own_weight = np.where(alike.max(axis=1) > 0, known.weight[nearest], rarest)
    out = np.zeros((len(keys), known.has.shape[0]))
    total_known = known.has @ known.weight
    for i, own in enumerate(split):
        at = [place[w] for w in own]
        met = np.asarray(known.has.multiply(alike[at].max(axis=0)[None, :]) @ known.weight).ravel()
        out[i] = 2 * met / (own_weight[at].sum() + total_known)
    return np.clip(out, 0.0, 1.0)


def _alike(words: list[str], others: list[str]) -> np.ndarray:
    """Likeness 0 to 1 of each word to each other, 0 where they are not spellings of one."""
    alike = process.cdist(words, others, scorer=fuzz.ratio, score_cutoff=SAME_WORD) / 100
    # a word of two or three signs, or a bare number, is another word when one sign differs
    short = np.array([len(w) < 4 or w.isdigit() for w in words])
    alike[short] = np.where(alike[short] >= 1.0, 1.0, 0.0)
    return alike
