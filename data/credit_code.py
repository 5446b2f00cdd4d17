"""The unified social credit code (统一社会信用代码, GB 32100-2015) and its check character.

18 characters of 31 (digits and letters without I, O, S, V, Z); the last makes the sum of the others, each times
3^(place - 1) mod 31, a multiple of 31 together with it.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
SHAPE = rf"^[1-9A-HJ-NPQRTUWXY][{SIGNS}]\d{{6}}[{SIGNS}]{{10}}$"


def check_sign(first: str) -> str:
    """The check character of a code's first 17."""
    total = sum(w * SIGNS.index(s) for w, s in zip(WEIGHTS, first, strict=True))
    return SIGNS[(31 - total % 31) % 31]


def is_credit_code(code: pl.Expr) -> pl.Expr:
    """True where a text is a code whose check character is right, false where it looks like one and is not.

    NULL where it does not look like one at all: a district may number its companies itself.
    """
    value = {s: i for i, s in enumerate(SIGNS)}
    signs = [code.str.slice(i, 1).replace_strict(value, default=None, return_dtype=pl.Int64) for i in range(18)]
    total = pl.sum_horizontal(*[s * w for s, w in zip(signs, WEIGHTS, strict=False)], ignore_nulls=False)
    right = (31 - total % 31) % 31 == signs[17]
    return pl.when(code.str.contains(SHAPE)).then(right)


class CreditCoded(pa.DataFrameModel):
    """Records keyed by a company's code: one that looks like a credit code must have the check character it should have."""

    company_id: str

    @pa.dataframe_check(error="company_id has a wrong check character")
    def code_is_right(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(is_credit_code(pl.col("company_id")).fill_null(True))
