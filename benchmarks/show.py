"""Tables on a terminal."""

from __future__ import annotations

import polars as pl


def table(title: str, frame: pl.DataFrame) -> None:
    """Print a heading and every row and column of a frame."""
    print(f"\n{title}")
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_formatting="NOTHING", tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True, fmt_str_lengths=60, tbl_width_chars=160, thousands_separator=True,
    ):  # fmt: skip
        print(frame)
