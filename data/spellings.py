"""Values as people type them, in the one spelling a parser reads.

Called for what did not parse as it stood (``data/parsing.py``), so a clean file pays nothing: full-width digits and
punctuation, Chinese numerals and half days, serial numbers of spreadsheets, thousands marks, percentages, units.
Nothing here guesses: a text with two readings (``3/4/26``, ``约500``) stays as it is and is set aside.
"""

from __future__ import annotations

import polars as pl

#: Days from a spreadsheet's day 0 to 1970-01-01: 1900 system (with its 29 February 1900), 1904 system.
EPOCH_1900, EPOCH_1904 = 25_569, 24_107
#: Serial numbers read as days: 1955-01-01 to 2099-12-31 in the 1900 system. Others may be anything.
SERIALS = (20_090, 73_050)
NUMERALS = {**{c: str(i) for i, c in enumerate("〇一二三四五六七八九")}, "零": "0", "○": "0", "Ｏ": "0"}
#: Counting words that may follow a number without changing it.
COUNTERS = "户|人|名|位|个|栋|幢|座|层|次|处|项|条|件|份|家|张|盏|台|单|起|宗|场|梯"
#: Units that a column's name promises: ending -> units that say the same.
UNITS = {"_minutes": "分钟|分|min|mins|minutes", "_m": "米|m|M", "days_": "天|日|days?", "hours_": "小时|时|h"}
PERCENT = r"^-?[\d.]+%$"


def plain(text: pl.Series) -> pl.Series:
    """Full-width signs as their usual ones (NFKC), without any blank at the ends or between."""
    return text.str.normalize("NFKC").str.replace_all(r"[\s\u200b\ufeff]+", " ").str.strip_chars()


def as_id(text: pl.Series) -> pl.Series:
    """A key as it would be typed on another keyboard: full-width letters and digits are the usual ones."""
    if (text.str.len_bytes() == text.str.len_chars()).all():
        return text  # ASCII alone, told without looking for each sign
    wide = text.str.contains(r"[！-～　\u200b\u00a0]").fill_null(False)
    return text.zip_with(~wide, plain(text)) if wide.any() else text


def as_day_or_moment(text: pl.Series, *, date_1904: bool = False) -> pl.Series:
    """``YYYY-mm-dd`` or ``YYYY-mm-dd HH:MM:SS`` of a Chinese or serial spelling; other texts without blanks too many."""
    weekday = r"[(]?(星期|周|礼拜)[一二三四五六日天1-7][)]?"
    said = _digits(plain(text).str.replace_all(weekday, " "))
    half = said.str.extract(r"(上午|下午|凌晨|早上|早晨|中午|晚上|晚|傍晚|[AaPp][Mm])", 1).str.to_lowercase()
    said = said.str.replace(r"\s*(上午|下午|凌晨|早上|早晨|中午|晚上|晚|傍晚|[AaPp][Mm])\s*", " ").str.strip_chars()
    shape = r"^(\d{4})\s*[年\-/.]\s*(\d{1,2})\s*[月\-/.]\s*(\d{1,2})\s*[日号]?(?:[\sT]*(\d{1,2})[:时点](?:(\d{1,2})[:分]?)?(?:(\d{1,2})(?:\.\d+)?秒?)?)?$"
    part = [said.str.extract(shape, i).cast(pl.Int64, strict=False) for i in range(1, 7)]
    frame = pl.DataFrame({c: s.alias(c) for c, s in zip("ymdHMS", part, strict=True)} | {"half": half, "said": said})
    late = pl.col("half").is_in(["下午", "晚上", "晚", "傍晚", "pm"]) | (
        (pl.col("half") == "中午") & pl.col("H").is_between(1, 3)
    )
    hour = (
        pl.when(late & (pl.col("H") < 12))
        .then(pl.col("H") + 12)
        .when((pl.col("half").is_in(["上午", "凌晨", "am"])) & (pl.col("H") == 12))
        .then(0)
        .otherwise(pl.col("H"))
    )
    two = lambda e: e.fill_null(0).cast(pl.String).str.zfill(2)  # noqa: E731
    day = pl.format("{}-{}-{}", pl.col("y"), two(pl.col("m")), two(pl.col("d")))
    made = (
        pl.when(pl.col("y").is_null())
        .then(_serial(pl.col("said"), EPOCH_1904 if date_1904 else EPOCH_1900))
        .when(pl.col("H").is_null())
        .then(day)
        .otherwise(pl.format("{} {}:{}:{}", day, two(hour), two(pl.col("M")), two(pl.col("S"))))
    )
    return frame.select(pl.coalesce(made, "said").alias(text.name)).to_series()


def _serial(said: pl.Expr, epoch: int) -> pl.Expr:
    """A spreadsheet's serial number as a day, with its time where it has a fraction."""
    number = pl.when(said.str.contains(r"^\d{5}(\.\d+)?$")).then(said.cast(pl.Float64, strict=False))
    shift = EPOCH_1900 - epoch
    seconds = ((number - epoch) * 86_400).round(0).cast(pl.Int64, strict=False)
    moment = pl.from_epoch(seconds, time_unit="s")
    form = pl.when(number == number.floor()).then(moment.dt.strftime("%Y-%m-%d"))
    return pl.when((number + shift).is_between(*SERIALS)).then(form.otherwise(moment.dt.strftime("%Y-%m-%d %H:%M:%S")))


def _digits(text: pl.Series) -> pl.Series:
    """Chinese numerals of years, months and days as digits: 二〇二六年三月十五日 is 2026年3月15日."""
    if not text.str.contains("[一二三四五六七八九十]").any():
        return text
    said = text.str.replace_all("廿", "二十").str.replace_all("卅", "三十")
    said = said.str.replace_all(r"([一二三])十([一二三四五六七八九])", "${1}${2}").str.replace_all(
        r"([一二三])十", "${1}〇"
    )
    said = said.str.replace_all(r"十([一二三四五六七八九])", "一${1}").str.replace_all("十", "一〇")
    return said.str.replace_many(list(NUMERALS), list(NUMERALS.values()))


def as_number(text: pl.Series, column: str) -> pl.Series:
    """A plain number: without thousands marks and without units that say nothing new; ``85%`` of a share is 0.85."""
    said = plain(text).str.replace_all(" ", "")
    marked = said.str.contains(r"^-?\d{1,3}(,\d{3})+(\.\d+)?\D*$").fill_null(False)
    said = said.zip_with(~marked, said.str.replace_all(",", ""))
    own = [u for key, u in UNITS.items() if column.endswith(key) or column.startswith(key)]
    units = "|".join([*own, *([] if own else [COUNTERS])])
    said = said.str.replace(rf"^(-?\d+(?:\.\d+)?)(?:{units})$", "${1}")
    if not column.endswith("_share"):
        return said
    share = said.str.contains(PERCENT).fill_null(False)
    part = (said.str.strip_chars_end("%").cast(pl.Float64, strict=False) / 100).round(6).cast(pl.String)
    return said.zip_with(~share, part)
