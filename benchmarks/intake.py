"""Loading beside bare reading: a file of complaints through DuckDB's own CSV reader, then through the intake.

    python -m benchmarks.intake [--rows 1000000] [--wrong 0.001]

Bare reading parses every column by DuckDB's guesses and stores the table, without a mapping, a contract, versions or
line numbers: the least any loader must spend. Each step runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import click
import duckdb
import numpy as np
import polars as pl

from data.intake import load_file

ESTATES = 1_200
FIRST = date(2022, 1, 1)
DAYS = 1_700
NATURES = ("投诉", "求决", "咨询", "建议")
CATEGORIES = ("消防通道被占", "电梯困人", "高空抛物", "噪声扰民")
AREAS = "区域编号,区域类型,区域名称,所属街道\nS1,街道,甲街道,\n"


def registers(folder: Path) -> list[Path]:
    """The area and the estates that the complaints name."""
    areas, estates = folder / "areas.csv", folder / "estates.csv"
    areas.write_text(AREAS, encoding="utf-8")
    number = pl.int_range(1, ESTATES + 1, eager=True).cast(pl.String).str.zfill(5)
    pl.DataFrame({"小区编号": "E" + number, "小区名称": "小区" + number}).with_columns(
        生效日期=pl.lit("2020-01-01"),
        失效日期=pl.lit(""),
        小区类别=pl.lit("高层住宅"),
        街道编号=pl.lit("S1"),
        户数=pl.lit("500"),
    ).write_csv(estates)
    return [areas, estates]


def complaints(path: Path, rows: int, wrong: float, seed: int = 2) -> Path:
    """A file of ``rows`` invented orders, a share ``wrong`` of them with a day that does not exist."""
    draw = np.random.default_rng(seed)
    received = np.datetime64(FIRST, "ms") + draw.integers(0, DAYS, rows).astype("timedelta64[D]")
    frame = pl.DataFrame(
        {
            "工单编号": pl.int_range(rows, eager=True).cast(pl.String).str.zfill(9),
            "小区编号": pl.Series(draw.integers(1, ESTATES + 1, rows)).cast(pl.String).str.zfill(5),
            "来电时间": received + draw.integers(0, 86_400, rows).astype("timedelta64[s]"),
            "受理日期": received,
            "诉求性质": pl.Series(draw.choice(NATURES, rows)),
            "问题分类": pl.Series(draw.choice(CATEGORIES, rows)),
            "办结日期": received + draw.integers(1, 20, rows).astype("timedelta64[D]"),
            "是否解决": pl.Series(draw.choice(["是", "否"], rows)),
            "_wrong": draw.random(rows) < wrong,
        }
    )
    frame.with_columns(
        pl.col("来电时间").dt.strftime("%Y-%m-%d %H:%M:%S"),
        小区编号="E" + pl.col("小区编号"),
        受理渠道=pl.lit("12345热线"),
        办结日期=pl.col("办结日期").dt.strftime("%Y-%m-%d"),
        受理日期=pl.when("_wrong").then(pl.lit("2026-13-45")).otherwise(pl.col("受理日期").dt.strftime("%Y-%m-%d")),
    ).drop("_wrong").write_csv(path)
    return path


def bare(path: Path, root: Path) -> str:
    root.mkdir(exist_ok=True)
    con = duckdb.connect(root / "bare.duckdb")
    try:
        con.execute("SET enable_progress_bar = false")
        con.execute("CREATE TABLE orders AS SELECT * FROM read_csv($path)", {"path": str(path)})
        return f"{con.execute('SELECT count(*) FROM orders').fetchall()[0][0]:,} rows"
    finally:
        con.close()


def intake(path: Path, root: Path) -> str:
    (made,) = load_file(root, path, received_at=datetime.now(UTC))
    if made.already:
        return "known, nothing changed"
    return f"{made.accepted:,} accepted, {made.set_aside:,} set aside"


def _measured(call: Callable[[Path, Path], str], path: Path, root: Path) -> tuple[str, float, float]:
    """(what came of it, seconds, peak memory in MiB), called in a process of its own."""
    start = time.perf_counter()
    outcome = call(path, root)
    return outcome, time.perf_counter() - start, _peak_mib()


def _peak_mib() -> float:
    """The process's own peak; ``ru_maxrss`` would hold that of the parent it was forked from."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--wrong", default=0.001, show_default=True, help="Share of rows that cannot be believed.")
def main(rows: int, wrong: float) -> None:
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        root = folder / "var"
        for register in registers(folder):
            load_file(root, register, received_at=datetime.now(UTC))
        path = complaints(folder / "complaints.csv", rows, wrong)
        click.echo(f"{rows:,} complaints, {path.stat().st_size / 1e6:.0f} MB of CSV")
        click.echo(f"{'':<34}{'seconds':>9}{'rows/s':>12}{'x bare':>8}{'peak MiB':>10}  outcome")
        least = None
        for name, call in (
            ("DuckDB read_csv into a table", bare),
            ("intake", intake),
            ("intake, the same file again", intake),
        ):
            with fresh.Pool(1) as pool:
                outcome, seconds, memory = pool.apply(_measured, (call, path, root))
            least = least or seconds
            click.echo(
                f"{name:<34}{seconds:>9.1f}{rows / seconds:>12,.0f}{seconds / least:>8.1f}{memory:>10.0f}  {outcome}"
            )


if __name__ == "__main__":
    main()
