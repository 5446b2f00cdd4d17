"""A plainly invented district, drawn from a seed: registers, five years of records, and the difficulties of life.

``write_demo`` writes the delivery files a district office would receive, in Chinese headings. Beside the deliveries it
writes ``truth/truth.parquet``, the hidden quality that drove the records; nothing loads it, tests may compare with it.
"""

from data.demo.district import District, draw, people
from data.demo.filing import write_demo

__all__ = ["District", "draw", "people", "write_demo"]
