"""The demo district end to end: load, draft, verify, and how long each page's questions take.

python -m benchmarks.district [--estates 1200 --companies 563]
"""

from __future__ import annotations

import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from cases import publish
from data import accounts, editions, intake
from data.demo import people, write_demo
from data.ledger import open_ledger
from data.queries import files, rankings
from data.scope import Scope

REPEATS = 30


def line(name: str, value: str) -> None:
    click.echo(f"{name:<58}{value:>18}")


def timed(name: str, call, per: float | None = None):
    """Run once, print the seconds (and the rate)."""
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    line(name, f"{seconds:.1f} s" + (f"  ({per / seconds:,.0f} rows/s)" if per else ""))
    return result


def questions(root: Path) -> None:
    """Each page's queries together, warm, for three roles: median and 95th percentile."""
    con = editions.open_edition(editions.current(root))
    period = rankings.periods(Scope("bench", "supervisor"), con)[0]
    scopes = {p.role: p.scope for p in accounts.demo_people(open_ledger(root))}
    for role in ("supervisor", "station", "manager"):
        scope = scopes[role]
        level = rankings.level_of(scope)
        first = rankings.estates(scope, con, period=period).row(0, named=True)
        unit = {"level": level, "unit_id": first["unit_id"]}
        pages = {
            "ranking of companies": lambda s=scope: (
                rankings.company_bands(s, con, period=period), rankings.companies(s, con, period=period)
            ),
            "ranking of estates": lambda s=scope: rankings.estates(s, con, period=period),
            "what is due": lambda s=scope: (rankings.due_counts(s, con), rankings.due_list(s, con)),
            "estate page": lambda s=scope, u=unit, e=first["estate_id"]: (
                files.units_of_estate(s, con, estate_id=e, period=period), files.unit(s, con, **u, period=period),
                files.history(s, con, **u), files.subindices(s, con, **u, period=period),
                files.metric_scores(s, con, **u, period=period), files.tenures(s, con, estate_id=e),
                files.evidence(s, con, **u, metric="complaints_closed_in_time", period=period),
            ),
        }  # fmt: skip
        for name, ask in pages.items():
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                ask()
                times.append(1000 * (time.perf_counter() - start))
            p50, p95 = np.percentile(times, [50, 95])
            line(f"{name}, {role}: queries p50 / p95", f"{p50:.0f} / {p95:.0f} ms")


@click.command()
@click.option("--estates", default=1200, show_default=True)
@click.option("--companies", default=563, show_default=True)
def main(estates: int, companies: int) -> None:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as place:
        inbox, root = Path(place) / "inbox", Path(place) / "var"
        district = timed("demo district written", lambda: write_demo(inbox, estates=estates, companies=companies))
        start = time.perf_counter()
        done, _ = intake.load_folder(root, inbox, received_at=now)
        rows, seconds = sum(d.rows_read for d in done), time.perf_counter() - start
        line(f"loaded {rows:,} rows in {len(done)} files", f"{seconds:.1f} s  ({rows / seconds:,.0f} rows/s)")
        accounts.ensure_demo_people(open_ledger(root), people(district), now)
        made = timed(
            "draft edition (12 quarters, 29 metrics, 3 levels)", lambda: publish.draft(root, "2026Q3", now=now, by="b")
        )
        published = timed("published", lambda: publish.publish(root, made, now=now, by="b", reason="benchmark"))
        differences = timed("verified number by number", lambda: publish.verify(root, published, now=now))
        line("tables that differ", str(len(differences)))
        line("edition on disk", f"{publish.path_of(root, published).stat().st_size / 1e6:.0f} MB")
        questions(root)
    line("peak memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
