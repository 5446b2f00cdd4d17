"""From records to an edition's tables: evidence, sums, priors, points, index, companies (contracts in
``data/edition_tables.py``).

Evidence and sums are set-based in DuckDB through Ibis; what follows works on one row per unit, period and metric
in Polars. Every table is held to its contract before it is written; a breach stops the edition and names the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import ibis
import numpy as np
import pandera.errors
import polars as pl

import metrics
from data import edition_tables
from data.contracts import TABLES
from metrics import (
    adjust,
    bootstrap,
    caps,
    checks,
    closures,
    coherence,
    companies,
    dispersion,
    pending,
    priors,
    record_flags,
    ruled,
    scores,
    season,
    sensitivity,
    units,
    validity,
    variants,
)
from metrics.base import Metric, Records
from metrics.cells import cells_of
from metrics.certainty import Ways
from metrics.changes import changes
from metrics.evidence import managed, records_of
from metrics.filing import insert_evidence
from metrics.grid import UNIT, Grid, grid_of
from metrics.pending import Pending
from metrics.sums import evidence_sums, period_sums, quarter_sums
from metrics.terms import Terms, terms_of
from metrics.workplace import Workplace

DAYS = {name: table.day for name, table in TABLES.items() if table.day}
PARTIES = (("tenure", "company"), ("head", "head"))  # the level whose units a party answers for
ORDER = ("level", "unit_id", "period", "metric")
Progress = Callable[[str, int, int], None]


class EditionStopped(ValueError):
    """A table of the edition breaks its contract; nothing was written."""


def checked(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Hold a frame to its contract; raises EditionStopped naming table, column and the first rows at fault."""
    contract = edition_tables.TABLES[name]
    columns = list(contract.to_schema().columns)
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise EditionStopped(
            f"Edition table '{name}' lacks {', '.join(missing)}; the step that makes it must give them."
        )
    try:
        return contract.validate(frame.select(columns), lazy=True)
    except pandera.errors.SchemaErrors as e:
        cases = e.failure_cases.head(5)
        raise EditionStopped(
            f"Edition table '{name}' breaks its contract, so the edition was stopped and nothing written.\n"
            f"First rows at fault:\n{cases}\nMend the metric or rule that made them and compute again."
        ) from e


def write(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Create the edition's table ``name`` from a frame held to its contract."""
    con.register("_frame", checked(name, frame).to_arrow())
    con.execute(f"CREATE OR REPLACE TABLE edition.{name} AS SELECT * FROM _frame")
    con.unregister("_frame")


@dataclass(frozen=True)
class Sums:
    """Contract MetricSum of every period; ``newest``, the sums of the newest quarter's records alone; and ``disputed``,
    those of the units with disputed records, as if these counted."""

    periods: pl.DataFrame
    newest: pl.DataFrame
    disputed: pl.DataFrame

    def __add__(self, more: Sums) -> Sums:
        both = (pl.concat([getattr(self, n), getattr(more, n)]) for n in ("periods", "newest", "disputed"))
        return Sums(*both)

    def adjusted(self, units: pl.DataFrame, propensity: pl.DataFrame, points: pl.DataFrame) -> Sums:
        """With the exposure of what residents report counted by how readily they report, and points by the throws they
        are worth."""
        reporting = [n for n, m in metrics.ALL.items() if m.reporting]
        both = (
            adjust.with_propensity(f, units, propensity, reporting) for f in (self.periods, self.newest, self.disputed)
        )
        return Sums(*(dispersion.with_dispersion(f, points) for f in both))


def _sums(work: Workplace, chosen: dict[str, Metric], records: Records) -> Sums:
    rows = work.edition_table("evidence")
    rows = rows.filter(rows.metric.isin(list(chosen)))
    factors = season.factors(work.con.sql("FROM edition.seasons").pl())
    per_quarter = quarter_sums(rows, chosen, DAYS, records, work.last, work.quarters, work.rule, factors)
    work.backend.create_table("_quarter_sums", per_quarter, temp=True)
    sums = period_sums(work.table("_quarter_sums"), chosen, records.quarters, work.scored, work.rule)
    frame = work.backend.to_polars(sums)
    variants.keep(work.con, "_quarter_sums", first=work.quarters - work.rule["window_quarters"])
    newest = work.con.sql(
        "SELECT level, unit_id, $period AS period, metric, y, e, e2, yy, records FROM _quarter_sums WHERE ordinal = $newest",
        params={"period": str(work.last), "newest": work.quarters - 1},
    ).pl()
    disputed = _disputed_sums(work, chosen, records)
    work.con.execute("DROP TABLE _quarter_sums")
    return Sums(frame, newest, disputed)


def _disputed_sums(work: Workplace, chosen: dict[str, Metric], records: Records) -> pl.DataFrame:
    """Contract MetricSum of units and metrics with disputed evidence, as if it counted."""
    pending.as_if_counted(work.con, chosen, work.rule["grace_days"])
    more = evidence_sums(work.table("disputed_rows"), chosen, records.quarters, work.rule)
    whole, key = work.table("_quarter_sums"), ["level", "unit_id", "metric"]
    both = ibis.union(whole.semi_join(more, key).select(more.columns), more)
    return work.backend.to_polars(period_sums(both, chosen, records.quarters, work.scored, work.rule))


def _collected(work: Workplace, sums: pl.DataFrame, applicable: pl.DataFrame) -> None:
    """Fill view ``collected``: was each applicable scored metric measured for each estate and period?"""
    scored = [n for n in metrics.ALL if work.book.metric(work.last.last, n)["weight"] > 0]
    measured = sums.filter(pl.col("level") == "estate").select(
        estate_id="unit_id", period="period", metric="metric", measured=pl.lit(True)
    )
    frame = (
        applicable.filter(pl.col("metric").is_in(scored))
        .join(measured, on=["estate_id", "period", "metric"], how="left")
        .with_columns(
            measured=pl.col("measured").fill_null(False),
            record_id=pl.concat_str("metric", "estate_id", "period", separator="/"),
        )
    )
    work.con.register("_collected", frame.to_arrow())
    work.con.execute("CREATE OR REPLACE TEMP TABLE collected AS SELECT * FROM _collected")
    work.con.unregister("_collected")


def _inspectors(work: Workplace) -> None:
    """Write table ``inspectors`` and fill temporary table ``visit_factors``."""
    write(work.con, "inspectors", adjust.inspected(work.con, work.adjustments, work.first, work.last.last))


def _closings(work: Workplace) -> None:
    """Write table ``closings`` and fill temporary table ``closing_trust``."""
    found = closures.closings(work.con, work.adjustments, work.rule, work.first, work.last.last)
    write(work.con, "closings", found)


def _before_rulings(work: Workplace, tables: dict) -> Records | None:
    """The records as they were before upheld objections; None where none was."""
    if not work.ruled:
        return None
    were = {name: work.table(ruled.before(name)) for name in work.ruled}
    return records_of(tables | pending.flagged(were, work.edition_table("disputes")), work.last, work.quarters)


def compute(work: Workplace, progress: Progress | None = None, still: Pending | None = None) -> None:
    """Fill the connection with every table of scores of one edition (all but ``edition`` and ``due``).

    Args:
        still: appeals under way and what was withheld (metrics/pending.py); None = nothing.

    The connection already shows the records as views named after ``data.contracts.TABLES`` and has the edition's
    file attached as ``edition``.

    Raises:
        EditionStopped: a table breaks its contract.
        RuleNotInForce: a rule is asked for before its first version.
    """
    tell, still = progress or (lambda *_: None), still or Pending()
    for name in ("disputes", "withheld"):
        write(work.con, name, still.rows(name))
    steps = len(metrics.ALL) + 4
    tables = pending.flagged({name: work.table(name) for name in TABLES}, work.edition_table("disputes"))
    _inspectors(work)
    tables["visit_factors"] = work.table("visit_factors")
    write(work.con, "management", work.backend.to_polars(managed(tables["tenures"])).sort("unit_id"))
    _closings(work)
    tables["closing_trust"] = work.table("closing_trust")
    for name, frame in record_flags.find(work.con, work.book.on(work.last.last, "record_flags")).items():
        write(work.con, name, frame)
    tables["record_flags"] = work.edition_table("record_flags")
    records, were = records_of(tables, work.last, work.quarters), _before_rulings(work, tables)
    evidence = edition_tables.TABLES["evidence"].to_schema().columns
    types = {"String": "VARCHAR", "Date": "DATE", "Float64": "DOUBLE", "Int64": "BIGINT"}
    shape = ", ".join(f'"{n}" {types[str(c.dtype.type)]}' for n, c in evidence.items())
    work.con.execute(f"CREATE OR REPLACE TABLE edition.evidence ({shape})")

    first_pass = {n: m for n, m in metrics.ALL.items() if m.record != "collected"}
    for step, (name, metric) in enumerate(first_pass.items()):
        tell(name, step, steps)
        insert_evidence(work, name, metric, records, were)
    pending.leave_out(work.con)
    tell("sums", len(first_pass), steps)
    rows = work.edition_table("evidence")
    write(work.con, "seasons", season.seasons(rows, metrics.ALL, DAYS, records, work.last, work.quarters, work.rule))
    sums = _sums(work, first_pass, records)
    applicable = work.backend.to_polars(units.applicable(records, metrics.ALL, work.scored))

    second_pass = {n: m for n, m in metrics.ALL.items() if m.record == "collected"}
    if second_pass:
        _collected(work, sums.periods, applicable)
        records = records_of(tables | {"collected": work.table("collected")}, work.last, work.quarters)
        for name, metric in second_pass.items():
            insert_evidence(work, name, metric, records)
        sums += _sums(work, second_pass, records)
    tell("scores", steps - 2, steps)
    _scores(work, records, sums, applicable.sort("estate_id", "period", "metric"))
    tell("done", steps, steps)


def _scores(work: Workplace, records: Records, sums: Sums, applicable: pl.DataFrame) -> None:
    """Everything after the sums: priors, points, index, companies; written table by table."""
    con, rule, backend = work.con, work.rule, work.backend
    periods = backend.to_polars(units.periods_of(records, work.scored)).sort("period")
    backend.create_table("_estates", units.estates_in_periods(records, work.scored, rule), temp=True)
    estates = con.sql("SELECT * FROM _estates ORDER BY period, estate_id").pl()
    unit_frame = backend.to_polars(units.units(records, work.table("_estates"), work.scored, rule))
    unit_frame = unit_frame.sort("level", "unit_id", "period")
    write(con, "periods", periods)
    write(con, "estates", estates)
    propensity = adjust.reported(con, estates, backend.to_polars(records.quarters), work.adjustments, rule)
    write(con, "propensity", propensity)
    points = dispersion.dispersions(con, metrics.ALL, rule)
    write(con, "dispersion", points)
    sums = sums.adjusted(unit_frame, propensity, points)
    write(con, "metric_sums", sums.periods.sort(ORDER))

    terms = terms_of(work.book, metrics.ALL, dict(periods.select("period", "last").iter_rows()))
    grid = grid_of(unit_frame, sums.periods.sort(ORDER), applicable, terms)
    owed = con.sql("FROM edition.withheld").pl()
    grid = pending.points_at_most(grid, owed, dict(periods.select("period", "last").iter_rows()), terms.names, rule)
    learned, low = priors.learn(grid, terms, rule), work.book.on(work.last.last, "caps")
    prior = learned.priors(terms, rule)
    write(con, "priors", prior.frame(grid, terms))
    caps_now = caps.in_force(caps.findings_of(con), periods, low)
    again = bootstrap.priors_again(learned, terms, rule)
    ways = Ways(prior, rule, again, bootstrap.small_classes(learned, rule), low, work.levels)
    cells = cells_of(grid, terms, prior, rule)
    made = scores.frames(grid, terms, cells, caps_now, ways)
    for name, frame in made.items():
        write(con, name, frame)
    index = made["index_scores"]
    write(con, "disputed_scores", pending.both_values(grid, terms, cells, prior, sums.disputed, index, rule))
    newest = grid_of(unit_frame.filter(pl.col("period") == str(work.last)), sums.newest, applicable, terms)
    final = index.get_column("final").fill_null(np.nan).to_numpy()
    write(con, "changes", changes(grid, terms, prior, cells, newest, final, rule))
    units_of = {party: index.filter(pl.col("level") == level) for level, party in PARTIES}
    columns = list(edition_tables.TABLES["company_scores"].to_schema().columns)
    rolled = [companies.roll_up(rows, party, rule).select(columns) for party, rows in units_of.items()]
    write(con, "company_scores", pl.concat(rolled))
    write(con, "party_parts", pl.concat([companies.parts(rows, party, rule) for party, rows in units_of.items()]))
    write(con, "quantiles", companies.quantiles(made["metric_scores"], made["subindex_scores"], index, rule))
    if work.whole or work.steps:
        _studies(work, grid, terms, made)
        found, runs = checks.find(con, work.book.on(work.last.last, "checks"), work.last)
        write(con, "checks", found)
        write(con, "check_runs", runs)
    if not work.whole:
        return
    now = unit_frame.filter(pl.col("level") == "estate", pl.col("period") == str(work.last))
    _halves(work, records, lambda s: s.adjusted(unit_frame, propensity, points), (now, applicable, terms), index)


def _halves(
    work: Workplace, records: Records, adjusted: Callable[[Sums], Sums],
    shape: tuple[pl.DataFrame, pl.DataFrame, Terms], index: pl.DataFrame,
) -> None:  # fmt: skip
    """Score the period from each half of the records; write what they say of each other, keep what is left over.

    Temporary table ``residuals`` (``unit_id, residual``) is for the audit of the whole edition (cases/publish.py).
    """
    rule, (now, applicable, terms) = work.book.on(work.last.last, "audit"), shape
    chosen = {n: metrics.ALL[n] for j, n in enumerate(terms.names) if terms.weight[-1, j] > 0}
    rows, factors = work.edition_table("evidence"), season.factors(work.con.sql("FROM edition.seasons").pl())
    rows = rows.filter(rows.metric.isin(list(chosen)))
    halves = []
    for half in validity.HALVES:
        part = quarter_sums(
            validity.half_of(rows, half, chosen), chosen, DAYS, records, work.last, work.quarters, work.rule, factors
        )
        frame = work.backend.to_polars(period_sums(part, chosen, records.quarters, 1, work.rule))
        sums = adjusted(Sums(validity.halved(frame, chosen), frame.clear(), frame.clear())).periods
        grid = grid_of(now, sums.filter(pl.col("level") == "estate").sort(ORDER), applicable, terms)
        halves.append(validity.scored_half(grid, terms, work.rule, half))
    seen = index.filter(validity.evidence_does()).select(*UNIT, "reliability")
    seen = now.select(UNIT).join(seen, on=UNIT, how="left", maintain_order="left")
    known = seen["reliability"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    one, other = (h.where(~np.isnan(known)) for h in halves)
    write(work.con, "validity", validity.validity(one, other, known, rule, work.ladder, str(work.last)))
    left = pl.DataFrame({"unit_id": now["unit_id"], "residual": validity.residuals(one, other)}).fill_nan(None)
    work.con.register("_residuals", left.to_arrow())
    work.con.execute("CREATE OR REPLACE TEMP TABLE residuals AS SELECT * FROM _residuals")
    work.con.unregister("_residuals")


def _studies(work: Workplace, grid: Grid, terms: Terms, made: dict[str, pl.DataFrame]) -> None:
    """What the edition says about its own method: how far it depends on choices, how well it hangs together."""
    varied, newest = work.book.on(work.last.last, "sensitivity"), work.quarters - 1
    found = sensitivity.of_edition(
        work.con, variants.KEPT, grid, terms, made["index_scores"], work.last, newest, work.rule, varied
    )
    found["coherence"] = coherence.of_edition(made, terms, varied)
    for name, frame in found.items():
        write(work.con, name, frame)
    work.con.execute(f"DROP TABLE {variants.KEPT}")
