"""A town of two estates for the tests of the intake: `oak` under `acme`, `elm` under `best`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data.intake import Delivery, load_file
from data.records import open_store

NOW = datetime(2026, 10, 8, tzinfo=UTC)
AREAS = "区域编号,区域类型,区域名称,所属街道\nS1,街道,橡树街道,\n"
ESTATES = (
    "小区编号,生效日期,失效日期,小区名称,小区类别,街道编号,户数\n"
    "oak,2020-01-01,,橡园,高层住宅,S1,500\nelm,2020-01-01,,榆园,多层封闭,S1,200\n"
)
COMPANIES = "统一社会信用代码,企业名称\nacme,甲物业\nbest,乙物业\n"
ORDERS = "工单编号,小区编号,来电时间,受理渠道,诉求性质,办结日期,是否解决"


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    """A delivered file."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def registers(root: Path) -> Path:
    """A store that knows the town; returns its folder."""
    for name, text in (("areas", AREAS), ("estates", ESTATES), ("companies", COMPANIES)):
        load(root, put(root.parent, f"{name}.csv", text))
    return root


def load(root: Path, path: Path, **options) -> Delivery:
    """The only delivery of a file that feeds one source."""
    (made,) = load_file(root, path, received_at=NOW, **options)
    return made


def counts(made: Delivery) -> tuple[int, int, int, int, int]:
    """(read, accepted, revised, unchanged, set aside)."""
    return made.rows_read, made.accepted, made.revised, made.unchanged, made.set_aside


def ask(root: Path, sql: str) -> list[tuple]:
    con = open_store(root)
    try:
        return con.sql(sql).pl().rows()
    finally:
        con.close()


def everything(root: Path) -> dict[str, pl.DataFrame]:
    """Every stored row of every table."""
    con = open_store(root)
    try:
        names = [n for (n,) in con.sql("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {n: con.sql(f"SELECT * FROM {n} ORDER BY ALL").pl() for n in names}
    finally:
        con.close()
