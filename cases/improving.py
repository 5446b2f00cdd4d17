"""Who improved most in its class: a change told apart from noise, by the interval of the difference of two scores.

Compared with the same quarter a year before, so that the season is the same. The two scores are taken as independent; where
they share records a true difference is surer than is said here (``metrics.flags.chance_above``).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from metrics.calendar import Quarter
from metrics.flags import chance_above, selected
from rules.book import Rule

Z90 = 1.6448536269514722  # half of a 90 % interval in standard deviations


def improved(scores: pl.DataFrame, rule: Rule, last: Quarter) -> pl.DataFrame:
    """One row per unit rated on ``last`` and ``improver_quarters`` before, under the same company throughout.

    Args:
        scores: contract IndexScore of one level: of each quarter the units standing on its last day.
        rule: ``ladder``; one that reads bands names no improver.

    Returns:
        unit_id, ``since`` (the earlier period), ``gain`` and its 90 % interval ``gain_lo`` to ``gain_hi`` (index points),
        ``improved_p`` (probability that the index rose) and ``best_improver``: surely risen, the whole interval
        above zero, with the greatest lower end in its class, where the class has at least ``improver_least_class`` units to compare.
    """
    then = last - (rule.get("improver_quarters") or 0)
    columns = ["unit_id", "final", "sd"]
    rated = scores.filter((pl.col("state") == "rated") & pl.col("final").is_not_null())
    both = rated.filter(pl.col("period") == str(last)).select(*columns, "estate_class").join(
        rated.filter(pl.col("period") == str(then)).select(columns), on="unit_id", suffix="_then"
    ).sort("unit_id")  # fmt: skip
    if "improver_quarters" not in rule.values:
        both = both.clear()
    final, sd, before, before_sd = (
        both[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("final", "sd", "final_then", "sd_then")
    )
    gain, spread = final - before, np.hypot(sd, before_sd)
    both = both.select(
        "unit_id", "estate_class", since=pl.lit(str(then)), gain=pl.Series(gain), gain_lo=pl.Series(gain - Z90 * spread),
        gain_hi=pl.Series(gain + Z90 * spread), improved_p=pl.Series(chance_above(final, sd, before, before_sd)).fill_nan(None),
    )  # fmt: skip
    if both.is_empty():
        return both.drop("estate_class").with_columns(best_improver=pl.lit(False))
    sure = selected(both.with_columns(one=pl.lit(1)), "improved_p", ["one"], rule["flag_q"], rule["flag_p"])
    most = pl.col("gain_lo").fill_nan(None) == pl.col("gain_lo").fill_nan(None).max().over("estate_class")
    enough = pl.len().over("estate_class") >= rule["improver_least_class"]
    return both.with_columns(sure=sure).with_columns(
        best_improver=(pl.col("sure") & (pl.col("gain_lo") > 0) & most & enough).fill_null(False)
    ).drop("sure", "estate_class")  # fmt: skip
