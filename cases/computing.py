"""Computing an edition: scores, what is due, what the audit says, from records, rules and what cases decided.

Opens no edition files of its own: whoever asks attaches one, empty, as ``edition``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import polars as pl
import sqlalchemy as sa

from cases import standing
from cases.duties import open_duties
from cases.ladder import due
from cases.persistence import alarmed, flags, newly_inspected
from cases.rulings import Decided, decided, disputed, frozen, nothing
from cases.triggers import by_probability
from data.edition_tables import REGISTERS
from data.ledger import open_ledger
from data.records import attach_records
from metrics import edition, fairness, ruled
from metrics.calendar import Quarter
from metrics.edition import Progress
from metrics.pending import Pending
from metrics.workplace import workplace
from rules.book import Book


@dataclass(frozen=True)
class Known:
    """What an edition is made from beside records and rules; it keeps both, to be computed again without the ledger.

    Attributes:
        decided: records ruled on and steps that took effect. still: what is open.
    """

    decided: Decided = field(default_factory=nothing)
    still: Pending = field(default_factory=Pending)


def known_now(root: Path, ledger: sa.Engine | None = None, still: Pending | None = None) -> Known:
    """What the ledger knows at its end; its open objections are the disputes unless others are given."""
    own = ledger or open_ledger(root)
    try:
        made = decided(own)
        return Known(made, still or Pending(disputes=disputed(own, made.seq)))
    finally:
        if ledger is None:
            own.dispose()


def known_to(con: duckdb.DuckDBPyConnection, schema: str) -> Known:
    """What an edition in ``schema`` was made from; nothing where it was made before editions kept it."""
    try:
        still = Pending(*(con.sql(f"FROM {schema}.{name}").pl() for name in ("disputes", "withheld")))
    except duckdb.CatalogException:
        still = Pending()
    return Known(frozen(con, schema), still)


def _copy_registers(con: duckdb.DuckDBPyConnection) -> None:
    for name in REGISTERS:
        con.execute(f"CREATE TABLE edition.{name} AS SELECT * FROM {name}")
    con.execute(
        """
        CREATE TABLE edition.data_quality AS
        SELECT r.estate_id, d.record_table, count(DISTINCT (r.delivery_id, r.line)) AS rows_set_aside
        FROM rows_set_aside AS r
        JOIN deliveries AS d USING (delivery_id)
        WHERE r.estate_id IS NOT NULL AND coalesce(r.settled_how, 'waived') = 'waived'  -- what is right now counts
        GROUP BY ALL
        """
    )


def _write_coverage(con: duckdb.DuckDBPyConnection, last: Quarter) -> None:
    """What each estate lacks: scored metrics that apply to it, and since when nothing of them is on record."""
    rows = con.sql(
        """
        SELECT s.estate_id, s.metric, bool_or(s.state = 'measured') FILTER (s.period = $period) AS measured,
               any_value(e.last_on) AS last_on, max(s.period) FILTER (s.state = 'measured') AS last_period
        FROM edition.metric_scores AS s
        LEFT JOIN (
            SELECT estate_id, metric, max(occurred_on) AS last_on FROM edition.evidence WHERE excluded IS NULL GROUP BY ALL
        ) AS e USING (estate_id, metric)
        WHERE s.level = 'estate' AND s.weight > 0 AND s.state <> 'not_applicable'
        GROUP BY ALL HAVING bool_or(s.period = $period)
        ORDER BY s.estate_id, s.metric
        """,
        params={"period": str(last)},
    ).pl()
    edition.write(con, "coverage", rows)


def _write_due(con: duckdb.DuckDBPyConnection, book: Book, last: Quarter) -> None:
    """What the probabilities say of every unit, and what is due for consideration."""
    index_scores, company_scores, metric_scores = (
        con.sql(f"SELECT * FROM edition.{name}").pl() for name in ("index_scores", "company_scores", "metric_scores")
    )
    duties = open_duties(con, book, last, "edition.evidence")
    sanctions = con.sql("SELECT * FROM sanctions").pl()
    ladder, quarters = book.on(last.last, "ladder"), index_scores["period"].n_unique()
    flagged = _flagged(con, index_scores, ladder, last, quarters)
    edition.write(con, "flags", flagged)
    args = (index_scores, company_scores, metric_scores, duties, sanctions, book, str(last))
    edition.write(con, "due", due(*args, flagged, con.sql("SELECT * FROM edition.robustness").pl()))


def _write_audits(con: duckdb.DuckDBPyConnection, book: Book, last: Quarter) -> None:
    """Whether kinds of estates are treated alike (method.md 14.7)."""
    rule, tables = book.on(last.last, "audit"), ("index_scores", "flags", "estates", "propensity")
    scores, flagged, estates, loud = (con.sql(f"SELECT * FROM edition.{name}").pl() for name in tables)
    before = [str(last - n) for n in range(1, rule["wrong_within"] + 1)]
    left = con.sql("SELECT * FROM residuals ORDER BY unit_id").pl()
    lost = con.sql(
        "SELECT DISTINCT estate_id FROM sanctions WHERE status = 'overturned' AND estate_id IS NOT NULL "
        "AND decided_on >= $since ORDER BY estate_id",
        params={"since": (last - rule["wrong_within"]).start},
    ).pl()
    rows = fairness.measured(scores, flagged, estates, loud, left, rule, str(last), before, lost).sort("unit_id")
    edition.write(con, "audits", fairness.audit(rows, rule, str(last)))


def _flagged(con: duckdb.DuckDBPyConnection, scores: pl.DataFrame, rule, last: Quarter, quarters: int) -> pl.DataFrame:
    """Flags of every period, where the ladder reads probabilities; else nobody stands out."""
    return (
        flags(scores, newly_inspected(con), rule, last, quarters, alarmed(con))
        if by_probability(rule)
        else flags(scores.clear(), newly_inspected(con), rule, last, quarters)
    )


def show_decided(con: duckdb.DuckDBPyConnection, made: Decided) -> tuple[str, ...]:
    """Show the records with what cases decided: the steps that took effect among the sanctions, records as ruled.

    Returns:
        The record tables rulings concern (``metrics.workplace.Workplace.ruled``).
    """
    con.register("_of_cases", made.sanctions.to_arrow())
    con.execute("CREATE TEMP TABLE sanctions_of_cases AS SELECT * FROM _of_cases")
    con.unregister("_of_cases")
    con.execute("ALTER VIEW sanctions RENAME TO sanctions_on_record")
    con.execute(
        """
        CREATE TEMP VIEW sanctions AS
        SELECT *, NULL::DATE AS watch_until, 'records' AS origin FROM sanctions_on_record
        UNION ALL BY NAME SELECT * FROM sanctions_of_cases
        """
    )
    return ruled.apply(con, made.rulings)


def score(
    con: duckdb.DuckDBPyConnection, root: Path, period: str, as_of: int, book: Book, known: Known,
    progress: Progress | None = None, *, whole: bool = True, steps: bool = True, levels: tuple[str, ...] | None = None,
) -> None:  # fmt: skip
    """Fill an attached, empty ``edition`` with its scores, and with what is due.

    Args:
        whole: False leaves out what neither a score nor a step rests on; steps: False what is due, too.
        levels: as ``metrics.workplace.Workplace``; what is due holds for parties of these levels alone.
    """
    last = Quarter.parse(period)
    attach_records(con, root, as_of)
    concerned = show_decided(con, known.decided)
    work = replace(workplace(con, book, last, whole=whole), ruled=concerned, steps=steps, levels=levels)
    edition.compute(work, progress, known.still)
    edition.write(con, "rulings", known.decided.rulings)
    entries = con.sql("SELECT * FROM sanctions").pl()
    edition.write(con, "sanctions", standing.frozen(entries, book.on(last.last, "ladder"), last))
    if steps:
        _write_due(con, book, last)
    if whole:
        _copy_registers(con)
        _write_coverage(con, last)
        _write_audits(con, book, last)
