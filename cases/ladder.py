"""What is due: the ladder of domain.md section 11 as dated rules (rules/ladder.toml).

The ladder recommends; a named officer decides. It opens no files and reads no clock, and it knows no penalty. A step
is due where its own trigger holds and the step below it stands on record, so nothing skips and nothing escalates by
itself. Listing and above need two independent kinds of evidence.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cases.facts import Given, facts_of, shown
from cases.persistence import KEYS
from cases.standing import ADVERSE, RANKS
from cases.streaks import halves_in_a_row, rated_quarters
from cases.triggers import TOP, Trigger, by_probability, of_head, of_unit
from data.edition_tables import Due, Flag
from metrics.calendar import Quarter
from metrics.certainty import chance_below
from metrics.flags import selected
from rules.book import Book, Rule

HEAD = KEYS["head"]
ROBUST = {"level": pl.String, "unit_id": pl.String, "period": pl.String, "share_below": pl.Float64}


def _empty(contract) -> pl.DataFrame:
    columns = contract.to_schema().columns
    return pl.DataFrame(schema={name: column.dtype.type for name, column in columns.items()})


def _params(names: tuple[str, ...]) -> pl.Expr:
    return pl.struct("period", "score", *names).struct.json_encode()


def _grounds(facts: pl.DataFrame, triggers: list[Trigger]) -> pl.DataFrame:
    """One row per unit and trigger that holds."""
    managed = pl.col("company_id").is_not_null()
    return pl.concat(
        [
            facts.filter(pl.col("rated") & t.holds.fill_null(False) & (managed | t.nobody)).select(
                "unit_id",
                step=pl.lit(t.step),
                reason=pl.lit(t.reason),
                order=pl.lit(place),
                rank=pl.lit(RANKS.get(t.step, 0)),
                params=_params(t.params),
                p=pl.col(t.p) if t.p else pl.lit(None, pl.Float64),
            )
            for place, t in enumerate(triggers)
        ]
    )


def _open_steps(facts: pl.DataFrame, grounds: pl.DataFrame) -> pl.DataFrame:
    """Grounds whose step may be taken now: the one below stands, and neither it nor a higher one does.

    A confirmed grave finding, or a major hazard past its deadline, frees listing and interview from the step below
    (rule 6); so does a relapse while a closed listing is watched, for the next listing alone; a replacement is never
    recommended before the interview.
    """
    rows = grounds.join(facts.select("unit_id", "climb", "repeat", "free", "relapse"), on="unit_id")
    relapsed = pl.col("relapse") & (pl.col("step") == "listing")
    freed = pl.col("free") | (pl.col("reason") == "major_hazard_overdue") | relapsed
    next_up = (pl.col("rank") <= pl.col("climb") + 1) | (freed & (pl.col("rank") < RANKS["replacement"]))
    return rows.filter((pl.col("step") == "commendation") | (next_up & (pl.col("rank") > pl.col("repeat"))))


def _nothing(facts: pl.DataFrame, grounds: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Why nothing is due, for units without an open step."""
    held = pl.col("unit_id").is_in(grounds.filter(pl.col("rank") > 0)["unit_id"].implode())
    reason = (
        pl.when(pl.col("state") == "provisional").then(pl.lit("provisional"))
        .when(~pl.col("rated")).then(pl.lit("not_rated"))
        .when(held & (pl.col("appealed") > 0)).then(pl.lit("objection_open"))
        .when(held & (pl.col("repeat") > 0)).then(pl.lit("step_stands"))
        .when((pl.col("stage") == "watch") & (pl.col("p") < rule.get("watch_p", 0))).then(pl.lit("watched_rising"))
        .when(pl.col("stage") != "none").then(pl.lit("watched"))
        .otherwise(pl.lit("nothing_due"))
    )  # fmt: skip
    said = _params(("p", "stands", "stands_since"))
    return facts.select("unit_id", step=pl.lit("none"), reason=reason, params=said, p=pl.lit(None, pl.Float64))


def _steps(given: Given, triggers: list[Trigger]) -> pl.DataFrame:
    """One row per current unit of the level: the highest step open, or why none is."""
    facts = facts_of(given)
    grounds = _grounds(facts, triggers)
    best = (
        _open_steps(facts, grounds)
        .sort("unit_id", -pl.col("rank"), "order")
        .unique("unit_id", keep="first", maintain_order=True)
        .select("unit_id", "step", "reason", "params", "p")
    )
    nothing = _nothing(facts, grounds, given.rule).join(best, on="unit_id", how="anti")
    return pl.concat([best, nothing]).join(facts.select("unit_id", "estate_id", "company_id", "head_id"), on="unit_id")


def _heads(given: Given) -> pl.DataFrame:
    """Office heads for whom a replacement may be recommended."""
    return _steps(given, of_head(given.rule)).filter(pl.col("step") == "replacement")


def _top_companies(company_scores: pl.DataFrame, units: Given) -> pl.DataFrame:
    """Companies at the top: in the band throughout, or surely so by now; ``reason``, ``p`` and what the sentence names."""
    rule, last = units.rule, units.last
    rated = rated_quarters(company_scores.filter(pl.col("party") == "company"), last)
    now = rated.filter(pl.col("period") == str(last)).with_columns(score=shown(pl.col("final")))
    if by_probability(rule):
        line = units.book.on(last.last, "index")["bands"]["excellent"]
        final, sd = (now.get_column(n).cast(pl.Float64).fill_null(np.nan).to_numpy() for n in ("final", "sd"))
        now = now.with_columns(top_p=pl.Series(1 - chance_below(line, final, sd)).fill_nan(None))
        chosen = now.filter(selected(now, "top_p", ["period"], rule["flag_q"], rule["flag_p"]))
        return chosen.select("party_id", p="top_p", reason=pl.lit("company_surely_top"), params=_params(("top_p",)))
    top = halves_in_a_row(rated, ["party_id"], TOP, last, rule["half_year_quarters"], "top_halves")
    long = now.filter(pl.col("band").is_in(TOP)).join(top, on="party_id")
    return long.filter(pl.col("top_halves") >= rule["commendation_half_years"]).select(
        "party_id", p=pl.lit(None, pl.Float64), reason=pl.lit("company_top_half_years"), params=_params(("top_halves",))
    )


def _companies(company_scores: pl.DataFrame, units: Given) -> pl.DataFrame:
    """Companies due for commendation: at the top, no unit capped, no duty unmet, nothing adverse standing."""
    rule, last = units.rule, units.last
    facts = (
        facts_of(units)
        .group_by(party_id="company_id")
        .agg(blocked=(pl.col("capped") | pl.col("adverse") | (pl.col("unmet") > 0)).any())
    )
    barring = (*ADVERSE, "commendation")
    entries = units.sanctions.filter(
        pl.col("kind").is_in(barring) & (pl.col("status") == "final") & (pl.col("party") == "company")
        & (pl.col("decided_on").dt.offset_by(f"{rule['stands_months']['penalty']}mo") > pl.lit(last.last))
    )  # fmt: skip
    return (
        _top_companies(company_scores, units)
        .join(facts.filter("blocked"), on="party_id", how="anti")
        .join(entries.select(party_id="company_id").drop_nulls(), on="party_id", how="anti")
        .with_columns(
            party=pl.lit("company"),
            estate_id=pl.lit(None, pl.String),
            company_id="party_id",
            head_id=pl.lit(None, pl.String),
            step=pl.lit("commendation"),
        )
    )


def due(
    index_scores: pl.DataFrame,
    company_scores: pl.DataFrame,
    metric_scores: pl.DataFrame,
    duties: pl.DataFrame,
    sanctions: pl.DataFrame,
    book: Book,
    period: str,
    flags: pl.DataFrame | None = None,
    robustness: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say what is due for consideration in ``period``.

    Args:
        index_scores: contract IndexScore, the period and the quarters before it.
        company_scores: contract CompanyScore, likewise.
        metric_scores: contract MetricScore; only rows of ``period`` are read.
        duties: contract OpenDuty, from ``cases.duties.open_duties``.
        sanctions: contract Sanction, all on record.
        book: the rulebook; the version of ``ladder`` in force on the period's last day decides.
        period: a quarter such as ``2026Q3``.
        flags: contract Flag; only rows of ``period`` are read. None = no unit stands out.
        robustness: ``level, unit_id, period, share_below``; a unit without a row reaches no interview by probability.

    Returns:
        Contract Due. Exactly one row per company's current spell at an estate and per estate nobody manages
        (party ``estate``; there the company is empty and the sub-district is addressed), also where the step is
        ``none``: the reason then says why. Rows for office heads (step ``replacement`` only) and companies (step
        ``commendation`` only) stand beside them where something is due.
    """
    last = Quarter.parse(period)
    flags = _empty(Flag) if flags is None else flags
    robustness = pl.DataFrame(schema=ROBUST) if robustness is None else robustness

    def of_level(level: str, key: list[str], scores: pl.DataFrame | None = None) -> Given:
        if scores is None:
            # of each quarter the units standing on its last day: a head's former contract never beside the new one
            scores = index_scores.filter((pl.col("level") == level) & pl.col("current"))
        return Given(scores, metric_scores, duties, sanctions, flags, robustness, book, last, level, key)

    spells, heads = of_level("tenure", ["unit_id"]), of_level("head", HEAD)
    triggers = of_unit(spells.rule)
    estates = of_level("estate", ["unit_id"])
    none, managed = pl.lit(None, pl.String), spells.now.select("estate_id")
    unmanaged = estates.scores.join(managed, on="estate_id", how="anti").with_columns(company_id=none, head_id=none)
    alone = of_level("estate", ["unit_id"], unmanaged)
    columns = ("party_id", "party", "estate_id", "company_id", "head_id", "step", "reason", "params", "p")
    found = [
        rows.rename({"unit_id": "party_id"}).with_columns(party=pl.lit(party)).select(columns)
        for party, rows in (
            ("estate", _steps(spells, triggers)),
            ("estate", _steps(alone, triggers)),
            ("head", _heads(heads)),
        )
    ]
    rule = spells.rule
    basis = pl.col("step").replace_strict(rule["basis_of"], return_dtype=pl.String)
    rows = pl.concat([*found, _companies(company_scores, spells).select(columns)])
    rows = rows.with_columns(period=pl.lit(period), rule_from=pl.lit(rule.valid_from), basis=basis)
    return Due.validate(rows.select(list(Due.to_schema().columns)).sort("party", "party_id"))
