"""Files as text: CSV, XLSX and Parquet become frames of strings with the line each row stood on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

LINE = "_line"
CHUNK_ROWS = 200_000
ENCODINGS = ("utf-8-sig", "gb18030")
EXCEL = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


class WrongFile(ValueError):
    """The file is not what its name says; it was refused whole and the store is unchanged."""


def refuse(path: Path, found: str, why: str, do: str) -> WrongFile:
    """A refusal in four parts: where, what was found, why it matters, what to do."""
    return WrongFile(f"{path.name}: {found} {why} The file was refused whole and nothing was stored. {do}")


@dataclass(frozen=True)
class Reading:
    """An opened file: its headings, its encoding (CSV), and its rows in chunks of text columns."""

    path: Path
    headings: list[str]
    encoding: str | None
    chunks: Iterator[pl.DataFrame]  # columns as headings, plus LINE (Int64, 1 = the heading line)


def _decoded(path: Path) -> tuple[str, str]:
    """The encoding that reads the file without error, and its first 64 KiB as text."""
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding, errors="strict", newline="") as f:
                head = f.read(65_536)
                while f.read(4_194_304):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding, head
    raise refuse(
        path, "the text is neither UTF-8 nor GB18030.", "Guessing an encoding would change names silently.",
        "Save it as CSV UTF-8 or as XLSX and load it again.",
    )  # fmt: skip


def _named(path: Path, headings: list[str]) -> list[str]:
    clean = [h.strip().replace("\ufeff", "") for h in headings]
    twice = sorted({h for h in clean if h and clean.count(h) > 1})
    if twice:
        raise refuse(
            path, f"the heading {', '.join(twice)} stands more than once.", "It is unclear which column is meant.",
            "Rename one of them and load the file again.",
        )  # fmt: skip
    return [h or f"_unnamed_{i}" for i, h in enumerate(clean)]


def _csv(path: Path) -> Reading:
    encoding, head = _decoded(path)
    text = head.lstrip("\ufeff \r\n\t")
    if text[:1] == "<" and "<html" in text[:2000].lower():
        raise refuse(
            path, "this is a web page, not a table.", "Publishers' error pages are often saved under the file's name.",
            "Download the file again and check that it opens as a table.",
        )  # fmt: skip
    if not text.strip():
        raise refuse(path, "the file is empty.", "An empty delivery cannot be told from a lost one.", "Ask for it again.")
    first = text.splitlines()[0]
    separator = max((",", "\t", ";", "|"), key=first.count)
    source: Path | io.BytesIO = path
    if encoding != "utf-8-sig":
        source = io.BytesIO(path.read_text(encoding=encoding).encode("utf-8"))
    frame = pl.scan_csv(
        source, separator=separator, infer_schema=False, row_index_name=LINE, row_index_offset=2,
        truncate_ragged_lines=False,
    )  # fmt: skip
    try:
        headings = [c for c in frame.collect_schema().names() if c != LINE]
    except pl.exceptions.ComputeError as e:
        raise _ragged(path, e) from e
    names = _named(path, headings)
    frame = frame.rename(dict(zip(headings, names, strict=True)))
    return Reading(path, names, "utf-8" if encoding == "utf-8-sig" else encoding, _csv_chunks(path, frame))


def _ragged(path: Path, error: Exception) -> WrongFile:
    return refuse(
        path, f"the table's lines do not all have the same columns ({str(error).splitlines()[0]}).",
        "Values would land under the wrong heading.", "Open it, mend the line named, save it and load it again.",
    )  # fmt: skip


def _csv_chunks(path: Path, frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    try:
        yield from (b.cast({LINE: pl.Int64}) for b in frame.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True))
    except pl.exceptions.ComputeError as e:
        raise _ragged(path, e) from e


def _excel(path: Path) -> Reading:
    try:
        book = fastexcel.read_excel(path)
        sheet = book.load_sheet(0, dtypes="string")
    except (fastexcel.FastExcelError, fastexcel.CalamineError) as e:
        raise refuse(
            path, f"the workbook cannot be opened ({e}).", "It may be damaged, protected or another kind of file.",
            "Open it in a spreadsheet program, save it as XLSX without password and load it again.",
        ) from e  # fmt: skip
    frame = sheet.to_polars()
    names = _named(path, frame.columns)
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    frame = frame.with_columns(pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias(LINE))
    return Reading(path, names, None, frame.fill_null("").iter_slices(CHUNK_ROWS))


def _parquet(path: Path) -> Reading:
    try:
        frame = pl.scan_parquet(path, row_index_name=LINE, row_index_offset=1)
        headings = [c for c in frame.collect_schema().names() if c != LINE]
    except (pl.exceptions.ComputeError, OSError) as e:
        raise refuse(path, f"it is no Parquet file ({e}).", "Its rows cannot be read.", "Export it again.") from e
    names = _named(path, headings)
    frame = frame.rename(dict(zip(headings, names, strict=True)))
    text = frame.with_columns(pl.exclude(LINE).cast(pl.String).fill_null(""), pl.col(LINE).cast(pl.Int64))
    return Reading(path, names, None, text.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True))


def open_file(path: Path) -> Reading:
    """Open a file by its ending; raises WrongFile for anything that is not a readable table."""
    if not path.is_file():
        raise refuse(path, "there is no such file.", "Nothing can be read.", "Check the path.")
    if path.stat().st_size == 0:
        raise refuse(path, "the file is empty.", "An empty delivery cannot be told from a lost one.", "Ask for it again.")
    ending = path.suffix.lower()
    if ending in (".csv", ".txt", ".tsv"):
        return _csv(path)
    if ending in EXCEL:
        return _excel(path)
    if ending == ".parquet":
        return _parquet(path)
    raise refuse(path, f"'{ending}' files are not read.", "Only CSV, XLSX and Parquet hold tables here.", "Save it as one.")
