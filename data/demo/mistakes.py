"""Honest mistakes in the invented deliveries, so that the steward's desk is never empty.

Each is a copy of a good row under a new number with one value spoilt; the good row stays. Some rows stand twice, some
twice with different contents. A few in each file: a couple of dozen per table in the whole district.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data.mapping import Source

PER_FILE = 2
NO_ESTATE, NO_DAY, OLD_DAY = "E99999", "2023-02-30", "1999-01-01"
#: Table -> what is spoilt: contract column and the text that stands there instead.
SPOILT = {
    "estates": (("households", "-5"), ("estate_class", "别墅区"), ("max_height_m", "二十七米"), ("built_year", "3016")),
    "companies": (("name_zh", ""),),
    "office_heads": (("name_zh", ""),),
    "tenures": (("valid_to", ""), ("company_id", "91999999MA9999999X"), ("valid_from", NO_DAY)),
    "inspections": (("estate_id", NO_ESTATE), ("kind", "抽查"), ("inspected_on", NO_DAY), ("officers", "-2"), ("body", "物业协会")),
    "inspection_items": (("passed", "9999"), ("inspection_id", "JC9999999"), ("checked", "-4"), ("severity", "特别严重")),
    "hazards": (("rectified_on", OLD_DAY), ("estate_id", NO_ESTATE), ("hazard_type", "白蚁"), ("found_on", "2022-13-01"),
                ("due_on", OLD_DAY), ("responsible_party", ""), ("severity", "超重大")),
    "complaints": (("closed_on", OLD_DAY), ("nature", "其它事项"), ("estate_id", NO_ESTATE), ("due_on", "下周三"),
                   ("received_at", "2023-02-30 25:61:00"), ("responsibility", "第三方"), ("satisfied", "一般")),
    "fire_drills": (("staff", "-3"), ("kind", "消防运动会"), ("held_on", "2024-02-30"), ("estate_id", NO_ESTATE),
                    ("residents", "约五十"), ("verification", "")),
    "incidents": (("kind", "不详"), ("estate_id", NO_ESTATE), ("occurred_at", "昨晚"), ("severity", "未知")),
    "population_checks": (("registered", "99999"), ("sampled", "-10"), ("estate_id", NO_ESTATE), ("checked_on", "2022-06-31")),
    "surveys": (("answered", "99999"), ("question", "绿化"), ("asked", "若干"), ("satisfied", "-1")),
    "patrols": (("days_signed", "99"), ("kind", "消防巡逻"), ("estate_id", NO_ESTATE), ("days_required", "-7"),
                ("ended_on", "2021-11-31"), ("by", "物业经理")),
    "mediations": (("settled_on", OLD_DAY), ("outcome", "调停中"), ("estate_id", NO_ESTATE)),
    "sanctions": (("decided_on", "2025-06-31"), ("kind", "口头教育"), ("law", ""), ("status", "待定")),
}  # fmt: skip
#: Tables of registers and items keep their numbers: the spoilt row fails by itself.
KEEPS_NUMBER = ("inspection_items",)


def _value(text: str, kind: pl.DataType) -> pl.Expr:
    """The spoilt text in the column's own type; blanks are NULL."""
    return pl.lit(text or None, pl.String).cast(kind)


def with_mistakes(rng: np.random.Generator, rows: pl.DataFrame, source: Source, number: int) -> pl.DataFrame:
    """Add the mistakes of one delivery to its rows in source form.

    Args:
        number: the delivery's place among the table's; which mistakes it holds goes round with it.
    """
    spoilt = SPOILT.get(source.table.name, ())
    if not spoilt or rows.height < 8:
        return rows
    rows = rows.with_columns(_at=pl.int_range(pl.len()).cast(pl.Float64))
    at = rng.choice(rows.height, PER_FILE + 2, replace=False)
    heading = {column: names[0] for column, names in source.columns.items()}
    key = heading[source.table.key[0]]
    parts = [rows]
    for i in range(min(PER_FILE, len(spoilt))):
        column, text = spoilt[(number * PER_FILE + i) % len(spoilt)]
        spoil = {heading[column]: _value(text, rows.schema[heading[column]]), "_at": pl.col("_at") + 0.5}
        if source.table.name not in KEEPS_NUMBER:
            spoil[key] = pl.col(key) + "X"
        parts.append(rows[int(at[i])].with_columns(**spoil))
    parts.append(rows[int(at[-1])].with_columns(_at=pl.col("_at") + 0.5))  # the same line once more
    if noted := heading.get("recorded_on"):
        day = pl.lit("2021-10-01") if rows.schema[noted] == pl.String else pl.lit(None)
        parts.append(rows[int(at[-2])].with_columns(**{noted: day, "_at": pl.col("_at") - 0.5}))  # contradicted below
    return pl.concat(parts).sort("_at").drop("_at")
