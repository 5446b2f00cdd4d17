"""How long the posterior draws and the rank sets take (targets: 5 seconds and 4 GiB on 4 cores).

Run: ``python -m benchmarks.draws [--estates 5000] [--metrics 20] [--draws 1000] [--companies 563]``
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

from metrics.draws import Drawn, places, score_draws
from metrics.ranks import rank_bounds

FAMILIES = ("rate", "proportion", "mean", "severity")
POSTS = {"rate": (4.0, 1.5, 0.5, 0.2), "proportion": (0.3, 0.7, 0.9, 1.0), "mean": (0.0, 60.0, 90.0, 100.0)}
SECONDS, GIBIBYTES = 5.0, 4.0


def invented(estates: int, metrics: int, subindices: int = 5) -> Drawn:
    """Posteriors of an invented district, every family in turn."""
    rng = np.random.default_rng(1)
    family = np.array([FAMILIES[j % len(FAMILIES)] for j in range(metrics)])
    a, b = rng.uniform(1, 20, (estates, metrics)), rng.uniform(1, 20, (estates, metrics))
    a[:, family == "mean"] *= 4
    place = np.arange(metrics) % subindices
    share = np.broadcast_to(1 / np.bincount(place, minlength=subindices)[place], a.shape)
    posts = np.array([POSTS.get(f, POSTS["rate"]) for f in family]).T
    whole = np.full((estates, subindices), 1 / subindices)
    return Drawn(family, a, b, np.ones_like(a), np.full_like(a, 70.0), share, place, posts, whole)


def timed(what: str, work: Callable):
    """Do ``work``, say how long it took."""
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.2f} s")
    return made, seconds


def main(arguments: list[str] | None = None) -> int:
    """Time it; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("estates", 5000), ("metrics", 20), ("draws", 1000), ("companies", 563)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args(arguments)
    known = invented(asked.estates, asked.metrics)
    what = f"{asked.estates} estates x {asked.metrics} metrics x {asked.draws} draws"
    drawn, seconds = timed(what, lambda: score_draws(known, asked.draws, ("2026Q3", "estate"), 0.5, 1.0))
    points, classes = drawn.mean(axis=1), np.arange(asked.estates) % 6
    _, ranking = timed("rank intervals in 6 classes", lambda: places(drawn, points, classes, 0.9))
    rng = np.random.default_rng(2)
    score, sd = rng.normal(75, 8, asked.companies), rng.uniform(1, 6, asked.companies)
    timed(f"rank sets of {asked.companies} companies", lambda: rank_bounds(score, sd, coverage=0.9))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory: {peak:.2f} GiB")
    met = seconds + ranking < SECONDS and peak < GIBIBYTES
    print("target met" if met else "TARGET MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
