"""Loading beside bare reading: a file of complaints through DuckDB's own CSV reader, then through the intake.

    python -m benchmarks.intake [--rows 5000000] [--wrong 0.001] [--rounds 2]

Bare reading parses every column by DuckDB's guesses and stores the table, without a mapping, a contract, versions or
line numbers: the least any loader must spend. Each step runs in a process of its own, so that its memory is its own; of
``peak``, ``begun at`` was taken before the load began (the interpreter and what it imports). Rounds alternate, so that both
meet the same machine; seconds are of the clock, ``processor`` is of all cores together.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

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


class Measured(NamedTuple):
    """What came of one call, its seconds by the clock and of the processor, and MiB before and at most."""

    outcome: str
    seconds: float
    processor: float
    begun: float
    peak: float


def _measured(call: Callable[[Path, Path], str], path: Path, root: Path) -> Measured:
    """One call, in a process of its own."""
    begun, start, used = _mib("VmRSS"), time.perf_counter(), time.process_time()
    outcome = call(path, root)
    return Measured(outcome, time.perf_counter() - start, time.process_time() - used, begun, _mib("VmHWM"))


def _mib(what: str) -> float:
    """The process's own memory, or its peak; ``ru_maxrss`` would hold that of the parent it was forked from."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().split(f"{what}:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS = (("DuckDB read_csv into a table", bare), ("intake", intake), ("intake, the same file again", intake))
#: What is aimed at: times DuckDB's bare reading, and MiB.
MOST_TIMES, MOST_MIB = 3.0, 1024.0


@click.command()
@click.option("--rows", default=5_000_000, show_default=True)
@click.option("--wrong", default=0.001, show_default=True, help="Share of rows that cannot be believed.")
@click.option("--rounds", default=2, show_default=True, help="Bare and intake in turn; the quicker of each counts.")
def main(rows: int, wrong: float, rounds: int) -> None:
    fresh = multiprocessing.get_context("spawn")
    best: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = registers(folder)
        path = complaints(folder / "complaints.csv", rows, wrong)
        click.echo(f"{rows:,} complaints, {path.stat().st_size / 1e6:.0f} MB of CSV, {rounds} rounds")
        for _ in range(rounds):
            root = folder / "var"
            for register in made:
                load_file(root, register, received_at=datetime.now(UTC))
            for name, call in STEPS:
                with fresh.Pool(1) as pool:
                    one = pool.apply(_measured, (call, path, root))
                best[name] = min(best.get(name, one), one, key=lambda m: m.seconds)
            shutil.rmtree(root)
    _tell(best, rows)


def _tell(best: dict[str, Measured], rows: int) -> None:
    titles = ("seconds", "rows/s", "x bare", "processor", "x bare", "begun at", "peak MiB")
    click.echo(f"{'':<30}" + "".join(f"{t:>11}" for t in titles) + "  outcome")
    least = best[STEPS[0][0]]
    for name, m in best.items():
        click.echo(
            f"{name:<30}{m.seconds:>11.1f}{rows / m.seconds:>11,.0f}{m.seconds / least.seconds:>11.2f}{m.processor:>11.1f}"
            f"{m.processor / least.processor:>11.2f}{m.begun:>11.0f}{m.peak:>11.0f}  {m.outcome}"
        )
    load = best["intake"]
    for said, found, most in (
        ("times bare reading", load.seconds / least.seconds, MOST_TIMES),
        ("MiB at its peak", load.peak, MOST_MIB),
    ):
        click.echo(f"intake: {found:.1f} {said}, aimed at {most:.0f} at most: {'met' if found <= most else 'NOT MET'}")


if __name__ == "__main__":
    main()
