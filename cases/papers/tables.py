"""The workbooks of the product: a ranking, the evidence of a metric, a case. Frames as the queries give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from cases import flag_words
from cases.papers.blocks import Fact, Record, Task, Text
from cases.papers.numbers import in_language
from cases.papers.workbooks import About, Column, Sheet, workbook
from i18n.words import Words

NUMBER = r"^-?\d+(\.\d+)?$"
DAY = re.compile(r"_(on|to|until)$")


def ranking_workbook(rows: pl.DataFrame, columns: Sequence[Column], about: About, t: Words) -> bytes:
    """A ranking as a page shows it: every row of the page's own query, not only those on screen."""
    return workbook(about, [Sheet(t("workbook.ranking"), rows, tuple(columns), t("workbook.ranking_note"))], t)


def evidence_workbook(rows: pl.DataFrame, about: About, t: Words) -> bytes:
    """The records one metric looked at, each fact of a record in a column of its own.

    Args:
        rows: ``data.queries.files.evidence``: decided_on, excluded, numerator, denominator, factor, facts (JSON), file,
            line, record_table, record_id, flags.
    """
    facts, fact_columns = facts_in_columns(rows["facts"], t)
    counts = {code: t(f"excluded.{code}") for code in rows["excluded"].drop_nulls().unique().sort().to_list()}
    tables = {name: t(f"table.{name}") for name in rows["record_table"].drop_nulls().unique().sort().to_list()}
    worded = rows.with_columns(
        counts=pl.col("excluded").replace_strict(counts, default=None, return_dtype=pl.String).fill_null(t("page.estate.counts")),
        record_table=pl.col("record_table").replace_strict(tables, default=None, return_dtype=pl.String),
        flags=pl.Series([flag_words.said(f, t) or None for f in rows["flags"].to_list()], dtype=pl.String),
    ).hstack(facts)  # fmt: skip
    columns = (
        Column("decided_on", t("column.decided_on"), "day", 12),
        Column("counts", t("column.counts"), "text", 18),
        Column("numerator", t("column.numerator"), "number", 9),
        Column("denominator", t("column.denominator"), "number", 9),
        Column("factor", t("column.adjusted"), "number", 10),
        *fact_columns,
        Column("flags", t("column.flags"), "text", 30),
        Column("record_table", t("column.table"), "text", 14),
        Column("record_id", t("column.record_id"), "text", 20),
        Column("file", t("column.file"), "text", 30),
        Column("line", t("column.line"), "whole", 8),
    )
    return workbook(about, [Sheet(t("workbook.evidence"), worded, columns, t("workbook.evidence_note"))], t)


def facts_in_columns(facts: pl.Series, t: Words) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Each key of the records' facts as a typed column, in the order the keys are first met; codes become words."""
    if facts.drop_nulls().is_empty():
        return pl.DataFrame(), ()
    keys = dict.fromkeys(
        facts.drop_nulls().str.extract_all(r'"[A-Za-z_]+"\s*:').explode().str.extract(r'"(\w+)"').to_list()
    )
    found = {key: facts.str.json_path_match(f"$.{key}").alias(f"fact_{key}") for key in keys if key}
    typed = {key: _typed(key, values, t) for key, values in found.items() if values.is_not_null().any()}
    headings = {key: t(f"field.{key}") if t.has(f"field.{key}") else key for key in typed}
    columns = tuple(
        Column(f"fact_{key}", headings[key], _form(values), 18 if values.dtype == pl.String else 12)
        for key, values in typed.items()
    )
    return pl.DataFrame([v.alias(f"fact_{k}") for k, v in typed.items()]), columns


def _form(values: pl.Series):
    return "day" if values.dtype == pl.Date else "number" if values.dtype == pl.Float64 else "text"


def _typed(key: str, values: pl.Series, t: Words) -> pl.Series:
    if DAY.search(key):
        return values.str.slice(0, 10).str.to_date(strict=False)
    known = values.drop_nulls()
    if known.str.contains(NUMBER).all() and not key.endswith("_id"):
        return values.cast(pl.Float64)
    words = {code: word(key, code, t) for code in known.unique().sort().to_list()}
    return values.replace_strict(words, default=None, return_dtype=pl.String)


def word(key: str, code: str, t: Words) -> str:
    """A code of a fact in words, such as ``word("severity", "major", t)``; the code where there is no word."""
    if t.has(f"fact.{key}.{code}"):
        return t(f"fact.{key}.{code}")
    if key == "metric" and t.has(f"metric.{code}.name"):
        return t(f"metric.{code}.name")
    return {"true": t("common.yes"), "false": t("common.no")}.get(code, code)


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One event of a case: when (UTC), who in which role, what, why, on what law and edition."""

    at: datetime
    who: Text
    role: Text
    what: Text
    reason: Text | None = None
    law: str | None = None
    edition: str | None = None
    attachment: str | None = None


@dataclass(frozen=True, kw_only=True)
class Issued:
    """One paper of a case."""

    number: str
    title: Text
    issued_on: date
    check_code: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """Everything a case workbook holds, in the order it happened."""

    case_id: str
    facts: tuple[Fact, ...]
    happenings: tuple[Happening, ...]
    papers: tuple[Issued, ...]
    tasks: tuple[Task, ...]
    records: tuple[Record, ...]


def case_workbook(case: CaseFile, about: About, t: Words) -> bytes:
    """A case as a workbook: facts, timeline, papers with their hashes, tasks with their days, records relied on."""

    def say(text: Text | None) -> str | None:
        return None if text is None else in_language(text, t.language)

    def sheet(name: str, rows: list[tuple], *columns: Column) -> Sheet:
        kinds: dict[str, pl.DataType] = {"day": pl.Date(), "moment": pl.Datetime(time_zone="UTC"), "whole": pl.Int64()}
        schema = {c.name: kinds.get(c.form, pl.String()) for c in columns}
        return Sheet(t(f"workbook.{name}"), pl.DataFrame(rows, schema=schema, orient="row"), columns)

    def column(name: str, form="text", width: float = 24) -> Column:
        return Column(name, t(f"workbook.column.{name}"), form, width)

    sheets = [
        sheet("facts", [(say(f.label), say(f.value), say(f.note)) for f in case.facts],
              column("label"), column("value"), column("note", width=60)),
        sheet("timeline", [(h.at, say(h.who), say(h.role), say(h.what), say(h.reason), h.law, h.edition, h.attachment)
                           for h in case.happenings],
              column("at", "moment", 17), column("who", width=16), column("role", width=16), column("what", width=30),
              column("reason", width=50), column("law"), column("edition", width=16), column("attachment")),
        sheet("papers", [(p.number, say(p.title), p.issued_on, p.check_code, p.sha256) for p in case.papers],
              column("number"), column("title"), column("issued_on", "day", 12), column("check_code", width=18),
              column("sha256", width=66)),
        sheet("tasks", [(say(k.what), say(k.measure), k.by) for k in case.tasks],
              column("what", width=50), column("measure", width=50), column("by", "day", 12)),
        sheet("records", [(r.record_id, r.on, say(r.duty), say(r.what), say(r.counts), r.file, r.line)
                          for r in case.records],
              column("record_id"), column("on", "day", 12), column("duty"), column("record", width=44),
              column("counts", width=18), column("file", width=30), column("line", "whole", 8)),
    ]  # fmt: skip
    return workbook(about, sheets, t)
