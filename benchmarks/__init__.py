"""Speed, memory and real records, as programs that print a table. Times are this machine's: compare ratios within one run."""

from pathlib import Path

#: Where the real records lie: beside the repository, never in it.
REAL = Path(__file__).parents[2] / "shared" / "real"
