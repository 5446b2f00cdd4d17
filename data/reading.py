"""Files as text: CSV, XLSX and Parquet become frames of strings with the line each row stood on."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import fastexcel
import polars as pl

from data import uploads
from data.encodings import NoEncoding, Text, as_utf8
from data.headings import (
    LOOKED_AT,
    Heading,
    as_known,
    find_heading,
    otherwise,
    records,
    separator_of,
    spellings,
)
from data.lines import Lines, Misshapen, QuoteOpen, find_lines, whole_records
from data.stray import MOST_LINES, without_strays
from data.workbooks import Sheet, read_book

LINE = "_line"
CHUNK_ROWS = 100_000
CHUNK_BYTES = 8_388_608
EXCEL = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")  # .xlsm is known in order to be refused by name


class WrongFile(ValueError):
    """The file is not what its name says; it was refused whole and the store is unchanged."""


def refuse(path: Path, found: str, why: str, do: str) -> WrongFile:
    """A refusal in four parts: where, what was found, why it matters, what to do."""
    return WrongFile(f"{path.name}: {found} {why} The file was refused whole and nothing was stored. {do}")


class Note(NamedTuple):
    """One thing worth knowing of a delivery: a word key below ``intake.note.`` and its values."""

    kind: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """An opened file: its headings, its encoding (CSV), and its rows in chunks of text columns."""

    path: Path
    headings: list[str]
    encoding: str | None
    chunks: Iterator[pl.DataFrame]  # columns as headings, plus LINE (Int64, 1 = the heading line)
    misshapen: list[Misshapen] = field(default_factory=list)  # CSV lines with too few or too many values; not in chunks
    notes: list[Note] = field(default_factory=list)  # what a person should know of how it was read
    sheet: str | None = None  # the sheet, where a workbook has several
    spoiled: dict[int, str] = field(default_factory=dict)  # line -> reason for which its row cannot be trusted
    date_1904: bool = False  # serial numbers of days count from 1904

    @property
    def label(self) -> str:
        """The file's name, with its sheet where it has several."""
        return f"{self.path.name}#{self.sheet}" if self.sheet else self.path.name


def _named(path: Path, headings: list[str]) -> list[str]:
    clean = [h.strip().replace("\ufeff", "") for h in headings]
    twice = sorted({h for h in clean if h and clean.count(h) > 1})
    if twice:
        raise refuse(
            path, f"the heading {', '.join(twice)} stands more than once.", "It is unclear which column is meant.",
            "Rename one of them and load the file again.",
        )  # fmt: skip
    return [h or f"_unnamed_{i}" for i, h in enumerate(clean)]


def _csv(path: Path, known: frozenset[str]) -> Reading:
    try:
        text = as_utf8(path)
    except NoEncoding as e:
        raise refuse(
            path, "the text is neither UTF-8 nor GB18030, UTF-16 or Windows-1252.",
            "Guessing an encoding would change names silently.",
            "Save it as CSV UTF-8 or as XLSX and load it again.",
        ) from e  # fmt: skip
    with text.path.open("rb") as f:
        head = f.read(262_144).decode("utf-8", errors="ignore").removeprefix("\ufeff")
    _no_page(path, head)
    separator = separator_of(head)
    try:
        top = list(itertools.islice(records(head, separator), LOOKED_AT))
    except csv.Error as e:
        raise refuse(
            path, f"its first lines are no table ({e}).", "Columns cannot be told apart.", "Save it as CSV UTF-8 or XLSX."
        ) from e  # fmt: skip
    heading = find_heading([values for _, values in top], known)
    names = _named(path, heading.names)
    skipped = head[: top[heading.last][0]]
    bom = 3 if text.path.open("rb").read(3) == b"\xef\xbb\xbf" else 0
    start = bom + len(skipped.encode())
    text, lines = _records(path, text, start, skipped.count("\n") + 1, len(names), separator)
    above = head[: top[heading.first - 1][0]].count("\n") if heading.first else 0
    notes = _heading_notes(heading, above + 1)
    if text.nuls:
        notes.append(Note("nul_characters", {"n": text.nuls}))
    if text.western:
        notes.append(Note("mixed_encoding", {"lines": ", ".join(map(str, text.western[:10])), "n": len(text.western)}))
    if text.gb:
        notes.append(Note("mixed_gb", {"lines": ", ".join(map(str, text.gb[:10])), "n": len(text.gb)}))
    return Reading(
        path, names, text.encoding, _csv_chunks(path, text, start, names, separator, lines), lines.misshapen, notes
    )


def _records(path: Path, text: Text, start: int, first: int, values: int, separator: str) -> tuple[Text, Lines]:
    """The records behind the heading; where quotation marks are out of place, of a copy without the lines they spoil."""
    asked: dict[str, Any] = {"start": start, "first": first, "values": values, "separator": separator}
    try:
        return text, find_lines(text.path, **asked)
    except QuoteOpen:
        pass
    try:
        copy, alive, lines = without_strays(text.path, **asked)
    except QuoteOpen as e:
        raise refuse(
            path,
            f"line {e.line}: a quotation mark is never closed and what follows does not read as rows, or marks stand inside the texts "
            f"of more than {MOST_LINES:,} lines.",
            "What follows such a mark would run into one value.", "Double the mark (\"\") or put the whole text in marks, and load it again.",
        ) from e  # fmt: skip
    return replace(text, path=copy, kept=(text.kept, alive)), lines


def _no_page(path: Path, head: str) -> None:
    """Refuse a web page and an empty text."""
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


def _heading_notes(heading: Heading, line: int) -> list[Note]:
    """What is told of a heading that is not simply the first line, or not written as it is known."""
    notes = _spelled(heading.spelled)
    if line > 1:
        notes.append(Note("heading_on_line", {"line": line}))
    if heading.last > heading.first:
        notes.append(Note("heading_of_two_rows", {"line": line}))
    return notes


def _spelled(pairs: Sequence[tuple[str, str]]) -> list[Note]:
    """Headings known that stand in the file otherwise written."""
    said = "; ".join(f"{stands} → {known}" for stands, known in pairs[:10])
    return [Note("headings_spelled", {"n": len(pairs), "names": said})] if pairs else []


def _csv_chunks(
    path: Path, text: Text, start: int, names: list[str], separator: str, lines: Lines
) -> Iterator[pl.DataFrame]:
    """Rows with their lines, without the odd ones: block by block, so that memory holds a block and not the file."""
    odd, record = pl.Series(lines.odd, dtype=pl.Int64), 0
    if not lines.records:
        return
    with text.path.open("rb") as f:
        f.seek(start)
        for block in whole_records(f, CHUNK_BYTES):
            try:
                chunk = pl.scan_csv(
                    io.BytesIO(block), separator=separator, has_header=False, infer_schema=False,
                    schema=dict.fromkeys(names, pl.String), row_index_name=LINE, truncate_ragged_lines=True,
                    extra_columns="ignore", missing_columns="insert", raise_if_empty=False,
                ).collect()  # fmt: skip
            except pl.exceptions.ComputeError as e:
                raise refuse(
                    path, f"the table cannot be read ({str(e).splitlines()[0]}).",
                    "Values would land under the wrong heading.", "Open it, mend it, save it and load it again.",
                ) from e  # fmt: skip
            numbers = chunk.get_column(LINE).cast(pl.Int64) + record
            record += chunk.height
            chunk = chunk.with_columns(pl.Series(LINE, lines.of(numbers.to_numpy()), dtype=pl.Int64))
            yield chunk.filter(~numbers.is_in(odd.implode())) if odd.len() else chunk


def _excel(path: Path, known: frozenset[str]) -> list[Reading]:
    """One reading per sheet that holds a table; a sheet that cannot be read counts only where no other can."""
    try:
        book = read_book(path)
    except (fastexcel.FastExcelError, fastexcel.CalamineError) as e:
        raise refuse(
            path, f"the workbook cannot be opened ({e}).", "It may be damaged, protected or another kind of file.",
            "Open it in a spreadsheet program, save it as XLSX without password and load it again.",
        ) from e  # fmt: skip
    if not book.sheets:
        raise refuse(
            path, "no sheet in view holds anything.", "An empty delivery cannot be told from a lost one.",
            "Ask for it again." if not book.unread else f"Show the sheets hidden: {', '.join(book.unread)}.",
        )  # fmt: skip
    found, odd = [], []
    for sheet in book.sheets:
        try:
            found.append(_sheet(path, sheet, known, alone=len(book.sheets) == 1))
        except WrongFile as e:
            odd.append(e)
    if not found:
        raise odd[0]
    if book.unread:
        found[0].notes.append(Note("hidden_sheets", {"sheets": ", ".join(book.unread)}))
    return found


def _sheet(path: Path, sheet: Sheet, known: frozenset[str], *, alone: bool) -> Reading:
    heading = find_heading(sheet.frame.head(LOOKED_AT).rows(), known)
    frame = sheet.frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE)).slice(heading.last + 1)
    used = [i for i, name in enumerate(heading.names) if name or frame.select(_filled(str(i)).any()).item()]
    names = _named(path, [heading.names[i] for i in used])
    frame = frame.select(LINE, **{n: pl.col(str(i)) for n, i in zip(names, used, strict=True)})
    frame = frame.filter(pl.any_horizontal(_filled(n) for n in names) if names else pl.lit(False))
    notes = _heading_notes(heading, heading.first + 1)
    if hidden := [r for r in sheet.hidden if r > heading.last + 1]:
        notes.append(Note("hidden_rows", {"n": len(hidden), "lines": ", ".join(map(str, hidden[:10]))}))
    if unseen := [n for n, i in zip(names, used, strict=True) if i in sheet.hidden_columns]:
        notes.append(Note("hidden_columns", {"n": len(unseen), "names": ", ".join(unseen[:10])}))
    spoiled = dict.fromkeys((r for r in sheet.lost if r > heading.last + 1), "digits_lost")
    return Reading(
        path, names, None, frame.iter_slices(CHUNK_ROWS), notes=notes, sheet=None if alone else sheet.name,
        spoiled=spoiled, date_1904=sheet.date_1904,
    )  # fmt: skip


def _filled(column: str) -> pl.Expr:
    """Does a cell hold more than blanks and line ends? A row without such a cell shows nothing and is none."""
    return pl.col(column).str.strip_chars() != ""


def _parquet(path: Path, known: frozenset[str]) -> Reading:
    try:
        frame = pl.scan_parquet(path, row_index_name=LINE, row_index_offset=1)
        headings = [c for c in frame.collect_schema().names() if c != LINE]
    except (pl.exceptions.ComputeError, OSError) as e:
        raise refuse(path, f"it is no Parquet file ({e}).", "Its rows cannot be read.", "Export it again.") from e
    stands = _named(path, headings)
    names = as_known(stands, spellings(known))
    frame = frame.rename(dict(zip(headings, names, strict=True)))
    kinds = frame.collect_schema()
    nested = [h for h in names if kinds[h].is_nested() or kinds[h] == pl.Binary]
    if nested:
        raise refuse(
            path, f"column {', '.join(nested)} holds lists or bytes.", "Only single values can be read as a table.",
            "Export it with one value per cell.",
        )  # fmt: skip
    text = frame.with_columns(*(_as_text(h, kinds[h]).fill_null("") for h in names), pl.col(LINE).cast(pl.Int64))
    return Reading(path, names, None, _parquet_chunks(path, text), notes=_spelled(otherwise(stands, names)))


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


def open_tables(path: Path, known: frozenset[str] = frozenset()) -> list[Reading]:
    """Open a file by its ending: one reading, or one per sheet of a workbook.

    Args:
        known: headings that sources accept, to tell a heading from a title above it.

    Raises:
        WrongFile: anything that is not a readable table.
    """
    if not path.is_file():
        raise refuse(path, "there is no such file.", "Nothing can be read.", "Check the path.")
    if path.stat().st_size == 0:
        raise refuse(
            path, "the file is empty.", "An empty delivery cannot be told from a lost one.", "Ask for it again."
        )
    try:
        uploads.check(path)
    except uploads.Unsafe as e:
        raise refuse(
            path, str(e), "Such a file may harm whoever reads it.", "Save the table as CSV or as XLSX without macros."
        ) from e  # fmt: skip
    ending = path.suffix.lower()
    if ending in (".csv", ".txt", ".tsv"):
        return [_csv(path, known)]
    if ending in EXCEL:
        return _excel(path, known)
    if ending == ".parquet":
        return [_parquet(path, known)]
    raise refuse(
        path, f"'{ending}' files are not read.", "Only CSV, XLSX and Parquet hold tables here.", "Save it as one."
    )


def open_file(path: Path, known: frozenset[str] = frozenset()) -> Reading:
    """The table of a file; of a workbook the sheet with most headings known, the first where none has more."""
    return max(open_tables(path, known), key=lambda r: len(known & set(r.headings)))
