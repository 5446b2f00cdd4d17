"""Files as text: CSV, XLSX and Parquet become frames of strings with the line each row stood on."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import fastexcel
import polars as pl

from data.lines import Lines, Misshapen, QuoteOpen, find_lines

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
    misshapen: list[Misshapen] = field(default_factory=list)  # CSV lines with too few or too many values; not in chunks


def _as_utf8(path: Path) -> tuple[str, Path, object]:
    """The encoding that reads the whole file without error, a UTF-8 file of its text, and what keeps that file alive."""
    for encoding in ENCODINGS:
        copy = None if encoding == "utf-8-sig" else tempfile.NamedTemporaryFile("wb", suffix=".csv")  # noqa: SIM115
        try:
            with path.open(encoding=encoding, errors="strict", newline="") as f:
                while text := f.read(4_194_304):
                    if copy:
                        copy.write(text.encode())
        except UnicodeDecodeError:
            continue
        if copy is None:
            return "utf-8", path, None
        copy.flush()
        return encoding, Path(copy.name), copy
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
    encoding, text, kept = _as_utf8(path)
    with text.open("rb") as f:
        head = f.read(65_536).decode("utf-8", errors="ignore").lstrip("\ufeff")
    body = head.lstrip()
    if body[:1] == "<" and "<html" in body[:2000].lower():
        raise refuse(
            path, "this is a web page, not a table.", "Publishers' error pages are often saved under the file's name.",
            "Download the file again and check that it opens as a table.",
        )  # fmt: skip
    if not body:
        raise refuse(
            path, "the file is empty.", "An empty delivery cannot be told from a lost one.", "Ask for it again."
        )
    above = head[: len(head) - len(head.lstrip("\r\n"))]  # blank lines over the heading
    separator = max((",", "\t", ";", "|"), key=head[len(above) :].splitlines()[0].count)
    try:
        heading, size = _heading(head[len(above) :], separator)
    except csv.Error as e:
        raise refuse(
            path,
            f"its first line is no heading ({e}).",
            "Columns cannot be told apart.",
            "Save it as CSV UTF-8 or XLSX.",
        ) from e
    names = _named(path, heading)
    skipped = above + head[len(above) : len(above) + size]
    bom = 3 if text.open("rb").read(3) == b"\xef\xbb\xbf" else 0
    try:
        lines = find_lines(
            text,
            start=bom + len(skipped.encode()),
            first=skipped.count("\n") + 1,
            values=len(names),
            separator=separator,
        )
    except QuoteOpen as e:
        raise refuse(
            path, f"line {e.line}: a quotation mark stands inside a text or is never closed.",
            "What follows it would run into one value.", "Double the mark (\"\") or put the whole text in marks, and load it again.",
        ) from e  # fmt: skip
    frame = pl.scan_csv(
        text, separator=separator, has_header=False, skip_lines=skipped.count("\n"), infer_schema=False,
        schema=dict.fromkeys(names, pl.String), row_index_name=LINE, truncate_ragged_lines=True, extra_columns="ignore",
        missing_columns="insert", raise_if_empty=False,
    )  # fmt: skip
    return Reading(path, names, encoding, _csv_chunks(path, frame, lines, kept), lines.misshapen)


def _heading(text: str, separator: str) -> tuple[list[str], int]:
    """The heading's values, and how many characters it takes with its line end."""
    ended = text.find("\n")
    while ended >= 0 and text.count('"', 0, ended) % 2:
        ended = text.find("\n", ended + 1)
    own = text if ended < 0 else text[: ended + 1]
    return next(csv.reader(io.StringIO(own), delimiter=separator)), len(own)


def _csv_chunks(path: Path, frame: pl.LazyFrame, lines: Lines, kept: object) -> Iterator[pl.DataFrame]:
    """Rows with their lines, without the odd ones; ``kept`` holds a temporary file until the last one is read."""
    if not lines.records:
        return
    odd = pl.Series(lines.odd, dtype=pl.Int64)
    try:
        for chunk in frame.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
            numbers = chunk.get_column(LINE).cast(pl.Int64)
            chunk = chunk.with_columns(pl.Series(LINE, lines.of(numbers.to_numpy()), dtype=pl.Int64))
            yield chunk.filter(~numbers.is_in(odd.implode())) if odd.len() else chunk
    except pl.exceptions.ComputeError as e:
        raise refuse(
            path, f"the table cannot be read ({str(e).splitlines()[0]}).", "Values would land under the wrong heading.",
            "Open it, mend it, save it and load it again.",
        ) from e  # fmt: skip
    finally:
        del kept


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
    kinds = frame.collect_schema()
    nested = [h for h in names if kinds[h].is_nested() or kinds[h] == pl.Binary]
    if nested:
        raise refuse(
            path, f"column {', '.join(nested)} holds lists or bytes.", "Only single values can be read as a table.",
            "Export it with one value per cell.",
        )  # fmt: skip
    text = frame.with_columns(*(_as_text(h, kinds[h]).fill_null("") for h in names), pl.col(LINE).cast(pl.Int64))
    return Reading(path, names, None, _parquet_chunks(path, text))


def _as_text(column: str, kind: pl.DataType) -> pl.Expr:
    """A typed column as text; moments keep their offset, so that no zone is guessed."""
    if isinstance(kind, pl.Datetime):
        return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%S%:z" if kind.time_zone else "%Y-%m-%d %H:%M:%S")
    return pl.col(column).cast(pl.String)


def _parquet_chunks(path: Path, frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    try:
        yield from frame.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)
    except (pl.exceptions.ComputeError, OSError) as e:
        raise refuse(path, f"its pages cannot be read ({e}).", "Part of it is damaged.", "Export it again.") from e


def open_file(path: Path) -> Reading:
    """Open a file by its ending; raises WrongFile for anything that is not a readable table."""
    if not path.is_file():
        raise refuse(path, "there is no such file.", "Nothing can be read.", "Check the path.")
    if path.stat().st_size == 0:
        raise refuse(
            path, "the file is empty.", "An empty delivery cannot be told from a lost one.", "Ask for it again."
        )
    ending = path.suffix.lower()
    if ending in (".csv", ".txt", ".tsv"):
        return _csv(path)
    if ending in EXCEL:
        return _excel(path)
    if ending == ".parquet":
        return _parquet(path)
    raise refuse(
        path, f"'{ending}' files are not read.", "Only CSV, XLSX and Parquet hold tables here.", "Save it as one."
    )
