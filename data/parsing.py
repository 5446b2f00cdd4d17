"""From text to typed rows: a source's mapping, then the table's contract. Every failure of every row is gathered.

A failure is one row of ``FAILURES``; a row without any becomes a record. Nothing is dropped silently.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import date

import polars as pl

from data import spellings
from data.making import headings_of, made
from data.mapping import FALSE, POINTS, TRUE, Source
from data.reading import LINE

FAILURES = {
    LINE: pl.Int64, "column_name": pl.String, "found": pl.String, "reason": pl.String, "reason_params": pl.String,
}  # fmt: skip
#: Days outside these years are slips of the pen (a year of two digits is read as such), not days.
YEARS = (1900, 2199)
DAYS = (pl.date(YEARS[0], 1, 1), pl.date(YEARS[1], 12, 31))
#: What begins a row of totals, and a note below the table.
TOTALS = (
    "合计", "总计", "共计", "小计", "累计", "Total", "TOTAL", "Totals", "Grandtotal", "GrandTotal", "Sum", "Subtotal",
)  # fmt: skip
REMARK = r"^(注|备注|说明|附注|制表|填报|审核|填表|数据来源|Notes?\b|Source\b|Preparedby)"
#: How either begins; a quick look that spares all other rows a closer one.
FOOT = r"^[\s　]*(合|总|共|小\s*计|累|T[oO]|G|S|注|备|说|附|制|填|审|数|N|P)"
#: Reasons that speak of a whole row: nothing else needs to be said of it.
WHOLE_ROW = ("totals_row", "note_row", "digits_lost", "form_unknown", "form_not_in_force")
#: In a column that asks whether there is something, this word says no; elsewhere it says nothing is known.
HAS_NOT = "无"
OFFSET = r"T.*(Z|[+-]\d\d:?\d\d)$"


def _text(source: Source, column: str, headings: list[str]) -> pl.Expr | None:
    """The column's text (the first of its headings that stands there and holds something); headings are stripped."""
    present = [h for h in source.columns.get(column, ()) if h in headings]
    if not present:
        return None
    nulls = [n for n in source.nothing if not (n == HAS_NOT and column.startswith("has_"))]
    said = [pl.when(~pl.col(h).is_in(nulls)).then(pl.col(h)) for h in present]
    return said[0] if len(said) == 1 else pl.coalesce(*said)


def _first_that_reads(text: pl.Series, forms: tuple[str, ...], kind: pl.Date | pl.Datetime) -> pl.Series:
    """Days or moments by the first form that reads each text; a later form is tried only where something is left."""
    value = text.str.strptime(kind, forms[0], strict=False)
    for form in forms[1:]:
        left = value.is_null() & text.is_not_null()
        if not left.any():
            break
        value = value.scatter(left.arg_true(), text.filter(left).str.strptime(kind, form, strict=False))
    year = value.dt.year()
    return value.set(~year.is_between(*YEARS) & value.is_not_null(), None)


def _moments(text: pl.Series, source: Source) -> pl.Series:
    """Moments in UTC: texts with an offset as they say, the others in the source's zone."""
    local = _first_that_reads(text, source.moments, pl.Datetime("us"))
    value = local.dt.replace_time_zone(source.zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )
    left = value.is_null() & text.is_not_null() & text.str.contains(OFFSET)
    return (
        value.zip_with(~left, text.str.to_datetime("%+", strict=False, time_unit="us", time_zone="UTC"))
        if left.any()
        else value
    )


def _at_once(column: str, kind: object, source: Source) -> pl.Expr:
    """Values of texts in their usual form; NULL for others. All columns are read so in one go, side by side.

    What is said twice in an expression is worked out twice, so what is believable is a step of its own (``_believable``).
    """
    text = pl.col(column)
    if kind == pl.Date:
        return text.str.strptime(pl.Date(), source.dates[0], strict=False, cache=False)
    if isinstance(kind, pl.Datetime):
        return text.str.strptime(pl.Datetime("us"), source.moments[0], strict=False, cache=False)
    if kind == pl.Boolean:
        return pl.when(text.is_in(TRUE)).then(True).when(text.is_in(FALSE)).then(False)
    if kind in (pl.Int64, pl.Float64):
        return text.cast(pl.Float64, strict=False)
    return text


def _believable(column: str, kind: object, source: Source) -> pl.Expr:
    """What ``_at_once`` read, where it can be meant: days within YEARS, moments in UTC, whole numbers."""
    value = pl.col(column)
    if kind == pl.Date:
        return pl.when(value.is_between(*DAYS)).then(value)
    if isinstance(kind, pl.Datetime):
        local = pl.when(value.dt.date().is_between(*DAYS)).then(value)
        return local.dt.replace_time_zone(
            source.zone, ambiguous="earliest", non_existent="null"
        ).dt.convert_time_zone("UTC")  # fmt: skip
    if kind == pl.Int64:
        return pl.when(value == value.floor()).then(value).cast(pl.Int64, strict=False)
    return value


def values_of(text: pl.Series, kind: pl.DataType, source: Source) -> pl.Series:
    """What texts say as values of a kind, in any spelling; NULL where they do not. Named after the contract's column."""
    return _mended(pl.Series(text.name, [None] * text.len(), dtype=kind), text, kind, source, date_1904=False)


def _mended(value: pl.Series, text: pl.Series, kind: object, source: Source, date_1904: bool) -> pl.Series:
    """Values with those filled in whose text is in another form, or another spelling of one."""
    column = text.name
    if kind == pl.String:
        return spellings.as_id(text) if column.endswith("_id") else text
    for spelled in (False, True):
        left = value.is_null() & text.is_not_null()
        if not left.any():
            break
        rest = text.filter(left)
        if spelled and (kind == pl.Date or isinstance(kind, pl.Datetime)):
            rest = spellings.as_day_or_moment(rest, date_1904=date_1904)
        elif spelled and kind == pl.Boolean:
            rest = spellings.plain(rest).replace({HAS_NOT: FALSE[0]})
        elif spelled:
            rest = spellings.as_number(rest, column)
        value = value.scatter(left.arg_true(), _read(rest, kind, source))
    return value


def _read(text: pl.Series, kind: object, source: Source) -> pl.Series:
    """Typed values of texts in a plain spelling; NULL for others."""
    if kind == pl.Date:
        days = _first_that_reads(text, source.dates, pl.Date())
        left = days.is_null() & text.is_not_null()
        return (
            days.zip_with(~left, _first_that_reads(text, source.moments, pl.Datetime("us")).dt.date())
            if left.any()
            else days
        )
    if isinstance(kind, pl.Datetime):
        return _moments(text, source)
    if kind == pl.Boolean:
        return pl.select(pl.when(text.is_in(TRUE)).then(True).when(text.is_in(FALSE)).then(False)).to_series()
    if kind == pl.Int64:
        number = text.cast(pl.Float64, strict=False)
        return pl.select(pl.when(number == number.floor()).then(number)).to_series().cast(pl.Int64, strict=False)
    if kind == pl.Float64:
        return text.cast(pl.Float64, strict=False)
    return text


def _derived(source: Source, column: str, rule: dict) -> pl.Expr:
    """A column computed from others: ``day_of`` a moment's local day, ``copy_of`` another column, ``join`` of several."""
    own = pl.col(column)
    if "day_of" in rule:
        return own.fill_null(pl.col(rule["day_of"]).dt.convert_time_zone(source.zone).dt.date())
    if "copy_of" in rule:
        return own.fill_null(pl.col(rule["copy_of"]))
    return own.fill_null(
        pl.concat_str([pl.col(c).cast(pl.String) for c in rule["join"]], separator=rule.get("with", "/"))
    )


def _unpivoted(chunk: pl.DataFrame, source: Source) -> pl.DataFrame:
    """One row per item code of a wide sheet: adds ``item_code``, ``checked``, ``passed`` as text columns.

    Points of one code add up. A score outside the scale stays a row of its own with its text in ``passed``, so that
    the contract refuses it by name.
    """
    wide = source.unpivot
    if wide is None:
        return chunk
    items = {h: code for h, code in wide.items.items() if h in chunk.columns}
    rest = [c for c in chunk.columns if c not in items]
    long = chunk.unpivot(on=list(items), index=rest, variable_name="_heading", value_name="_score")
    score = pl.col("_score").str.strip_chars()
    words = {**{w: str(v) for w, v in wide.values.items()}, **dict.fromkeys(wide.worst, str(wide.least))}
    number = score.replace(words).cast(pl.Float64, strict=False)
    share = (number - wide.least) / (wide.greatest - wide.least)
    points = long.filter(~score.is_in([*source.nothing, *wide.skip]) & score.is_not_null()).select(
        *rest,
        item_code=pl.col("_heading").replace_strict(items),
        share=pl.when(number.is_between(wide.least, wide.greatest)).then(share),
        passed=score,
    )
    scored = pl.col("share").is_not_null()
    summed = (
        points.filter(scored)
        .group_by(LINE, "item_code", maintain_order=True)
        .agg(
            *(pl.col(c).first() for c in rest if c != LINE),
            checked=pl.len().cast(pl.String),
            passed=pl.col("share").sum().round(6).cast(pl.String),
        )
    )
    odd = points.filter(~scored).with_columns(checked=pl.lit("1"))
    return pl.concat([summed, odd.select(summed.columns)])


def _made(source: Source, headings: list[str], day: date | None) -> dict[str, pl.Expr]:
    """Texts of ``[make]``: per column the first of its rules that gives one; rules on absent headings are passed over."""
    able = {c: [r for r in rules if headings_of(r) <= set(headings)] for c, rules in source.make.items()}
    needed = {h for rules in able.values() for rule in rules for h in headings_of(rule)}
    stripped = {h: pl.col(h).str.strip_chars() for h in needed}
    text: dict[str, pl.Expr] = {h: pl.when(~t.is_in(source.nothing)).then(t) for h, t in stripped.items()}
    return {c: pl.coalesce(*[made(rule, text, day) for rule in rules]) for c, rules in able.items() if rules}


def _void(chunk: pl.DataFrame, source: Source) -> list[pl.DataFrame]:
    """Failures of the rows that ``[[set_aside]]`` names."""
    found = []
    for rule in source.set_aside:
        if rule.heading not in chunk.columns:
            continue
        text = pl.col(rule.heading).str.strip_chars()
        marked = text.str.contains(rule.pattern) if rule.pattern else text.is_in(source.nothing)
        rows = chunk.filter(marked).unique(LINE, maintain_order=True)
        found.append(failed(rows.select(LINE, found=pl.col(rule.found or rule.heading)), rule.column, rule.reason))
    return found


def footers(chunk: pl.DataFrame) -> pl.DataFrame:
    """Failures of the rows that are no record: totals, and notes below the table.

    A row of totals begins with a word for it; a note stands alone in its row and begins as notes do.
    """
    columns = [c for c in chunk.columns if c != LINE]
    chunk = chunk.filter(pl.any_horizontal(pl.col(c).str.contains(FOOT) for c in columns[:3]))
    if chunk.is_empty():
        return pl.DataFrame(schema=FAILURES)
    said = [pl.col(c).str.replace_all(r"\s|　", "") for c in columns]
    front = chunk.select(
        LINE, word=pl.coalesce([pl.when(t != "").then(t) for t in said[:3]]).str.strip_chars_end(":：")
    )
    possible = front.filter(pl.col("word").is_in(TOTALS) | pl.col("word").str.contains(REMARK))
    if possible.is_empty():
        return pl.DataFrame(schema=FAILURES)
    rows = chunk.join(possible, on=LINE, maintain_order="left").with_columns(
        filled=pl.sum_horizontal((t != "").cast(pl.Int32) for t in said)
    )
    totals = rows.filter(pl.col("word").is_in(TOTALS)).select(LINE, found="word")
    notes = rows.filter(~pl.col("word").is_in(TOTALS) & (pl.col("filled") == 1) & pl.lit(len(columns) > 2))
    return pl.concat([failed(totals, None, "totals_row"), failed(notes.select(LINE, found="word"), None, "note_row")])


def spoiled(rows: pl.DataFrame, lines: dict[int, str]) -> pl.DataFrame:
    """Failures of rows whose line cannot be trusted, with the reason of each line."""
    if not lines:
        return pl.DataFrame(schema=FAILURES)
    found = rows.select(LINE).unique().filter(pl.col(LINE).is_in(list(lines)))
    if found.is_empty():
        return pl.DataFrame(schema=FAILURES)
    reasons = pl.col(LINE).replace_strict(lines, return_dtype=pl.String)
    return failed(found.with_columns(found=pl.lit(None, pl.String)), None, "").with_columns(reason=reasons)


def typed(
    chunk: pl.DataFrame, source: Source, day: date | None = None, *, date_1904: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Map and parse one chunk of text.

    Args:
        day: the day of the file's name, for ``[make]``.
        date_1904: serial numbers of days count from 1904.

    Returns:
        (rows in contract columns plus LINE and ``_raw``, the delivered text of failing rows' columns as failures).
    """
    feet = footers(chunk)
    if source.unpivot and feet.height:
        chunk = chunk.with_columns(
            pl.when(pl.col(LINE).is_in(feet[LINE].implode())).then(pl.lit("")).otherwise(pl.col(h)).alias(h)
            for h in source.unpivot.items if h in chunk.columns
        )  # fmt: skip
    chunk = _unpivoted(chunk, source)
    columns, headings = source.table.columns, chunk.columns
    texts = {c: t for c in columns if (t := _text(source, c, headings)) is not None}
    for column, text in _made(source, headings, day).items():
        texts[column] = pl.coalesce(texts[column], text) if column in texts else text
    if source.unpivot:
        texts |= {c: pl.col(c) for c in POINTS if c in columns}
    # stripped once, as a step of its own: within one expression it would be done for each mention
    chunk = chunk.with_columns(pl.col(h).str.strip_chars() for h in headings if h != LINE)
    rows = chunk.select(pl.col(LINE), **texts)
    failures = [feet, *_void(chunk, source)]
    labelled = {c: _coded(rows.get_column(c), source.codes[c]) for c in texts if source.codes.get(c)}
    said_all = rows.with_columns(**labelled)
    at_once = said_all.select(_at_once(c, columns[c], source).alias(c) for c in texts)
    at_once = at_once.select(_believable(c, columns[c], source).alias(c) for c in texts)
    values: list[pl.Expr | pl.Series] = []
    for column, kind in columns.items():
        if column in source.fixed:
            values.append(pl.lit(source.fixed[column]).cast(kind).alias(column))
            continue
        if column not in texts:
            values.append(pl.lit(None, dtype=kind).alias(column))
            continue
        said = said_all.get_column(column)
        value = _mended(at_once.get_column(column), said, kind, source, date_1904).alias(column)
        values.append(value)
        bad = said.is_not_null() & value.is_null()
        if bad.any():
            found = rows.filter(bad).select(LINE, found=pl.col(column))
            failures.append(failed(found, column, f"not_{_kind_name(kind)}"))
    out = rows.select(pl.col(LINE), *values)
    for column, rule in source.derive.items():
        own = out.get_column(column)
        if (left := own.is_null()).any():
            rest = out.filter(left).select(_derived(source, column, rule)).to_series()
            out = out.with_columns(own.scatter(left.arg_true(), rest))
    return out, pl.concat(failures) if failures else pl.DataFrame(schema=FAILURES)


def _coded(said: pl.Series, labels: dict[str, str]) -> pl.Series:
    """Codes of labels; a label in another spelling (full-width, blanks inside) is the same label."""
    value = said.replace_strict(labels | {v: v for v in labels.values()}, default=None, return_dtype=pl.String)
    strange = value.is_null() & said.is_not_null()
    if not strange.any():
        return value
    value = value.zip_with(~strange, said)
    other = spellings.plain(value).str.replace_all(" ", "")
    plain = {"".join(unicodedata.normalize("NFKC", k).split()): v for k, v in labels.items()}
    return value.zip_with(~(strange & other.is_in(list(plain))), other.replace(plain))


def _kind_name(kind: object) -> str:
    if isinstance(kind, pl.Datetime):
        return "moment"
    return {"Date": "date", "Int64": "whole_number", "Float64": "number", "Boolean": "yes_or_no"}[str(kind)]


def failed(found: pl.DataFrame, column: str | None, reason: str, params: dict | None = None) -> pl.DataFrame:
    """FAILURES of the rows in ``found`` (LINE, ``found``), all for one reason."""
    return found.select(
        pl.col(LINE).cast(pl.Int64),
        column_name=pl.lit(column, dtype=pl.String),
        found=pl.col("found").cast(pl.String),
        reason=pl.lit(reason),
        reason_params=pl.lit(json.dumps(params, ensure_ascii=False, default=str) if params else None, dtype=pl.String),
    )


def originals(chunk: pl.DataFrame, lines: pl.Series) -> pl.DataFrame:
    """The delivered text of the given lines as JSON: columns LINE, ``original``."""
    kept = chunk.filter(pl.col(LINE).is_in(lines.implode()))
    return kept.select(pl.col(LINE), original=pl.struct(pl.exclude(LINE)).struct.json_encode())
