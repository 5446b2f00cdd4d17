"""What is due: the ladder of domain.md section 11 as dated rules (rules/ladder.toml).

The ladder recommends; a named officer decides. It opens no files and reads no clock, and it knows no penalty. A step
is due where its own trigger holds and the step below it stands on record, so nothing skips and nothing escalates by
itself. Listing and above need two independent kinds of evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cases.standing import ADVERSE, RANKS, standing
from cases.streaks import halves_in_a_row, ordinal_of, quarters_in_a_row, rated_quarters
from data.edition_tables import Due
from metrics.calendar import Quarter
from rules.book import Book, Rule

FAILING, LOW, TOP = ("failing",), ("failing", "attention"), ("excellent",)
HEAD = ["estate_id", "company_id", "head_id"]


@dataclass(frozen=True)
class Trigger:
    """One ground for one step.

    Attributes:
        step: the step it opens.
        reason: word key below ``due.``.
        holds: true where the ground is given, over the facts of one unit.
        params: columns whose values the sentence names, beside ``period`` and ``score``.
        nobody: also for an estate without a company; its sub-district is addressed (rule 10).
    """

    step: str
    reason: str
    holds: pl.Expr
    params: tuple[str, ...] = ()
    nobody: bool = False


def _two_kinds(rule: Rule) -> pl.Expr:
    return (pl.col("kinds") >= rule["evidence_kinds"]) & (pl.col("low_subindices") >= 1)


def _of_head(rule: Rule) -> Trigger:
    """The one ground for recommending that an office head be replaced."""
    halves = pl.col("failing_halves") >= rule["replacement_half_years"]
    holds = halves & (pl.col("failing") > 0) & _two_kinds(rule)
    return Trigger("replacement", "same_head_half_years", holds, ("failing_halves", "kinds"))


def _of_unit(rule: Rule) -> list[Trigger]:
    """All grounds at an estate, per step the one to be named first coming first."""
    c, two_kinds = pl.col, _two_kinds(rule)
    failing_halves = c("failing_halves") >= rule["interview_half_years"]
    return [
        Trigger("attention", "failing", c("failing") >= rule["attention_failing"], ("failing",), nobody=True),
        Trigger("attention", "low_quarters", c("low") >= rule["attention_low"], ("low",), nobody=True),
        Trigger("attention", "duty_missed", c("missed").list.len() > 0, ("missed",), nobody=True),
        Trigger("attention", "hazard_overdue", c("overdue") > 0, ("overdue",), nobody=True),
        Trigger("listing", "major_hazard_overdue", c("major") > 0, ("major",)),
        Trigger(
            "listing", "failing_quarters", (c("failing") >= rule["listing_failing"]) & two_kinds, ("failing", "kinds")
        ),
        Trigger("listing", "notice_overdue", (c("notices") > 0) & two_kinds, ("notices", "kinds")),
        Trigger("interview", "grave_finding", c("grave") & two_kinds, ("cap_reason", "kinds")),
        Trigger(
            "interview", "failing_long", (c("failing") >= rule["interview_failing"]) & two_kinds, ("failing", "kinds")
        ),
        Trigger("interview", "failing_half_year", failing_halves & (c("failing") > 0) & two_kinds, ("kinds",)),
        Trigger("interview", "listing_past_due", c("past_due_on").is_not_null() & two_kinds, ("past_due_on", "kinds")),
        Trigger(
            "commendation", "top_half_years",
            (c("top_halves") >= rule["commendation_half_years"]) & c("band").is_in(TOP)
            & ~c("adverse") & ~c("commended") & ~c("capped") & (c("unmet") == 0),
            ("top_halves",),
        ),
    ]  # fmt: skip


def reasons(rule: Rule) -> set[str]:
    """Every reason a row may carry: a word below ``due.`` each."""
    held_back = {"not_rated", "provisional", "objection_open", "step_stands", "nothing_due"}
    return {t.reason for t in (*_of_unit(rule), _of_head(rule))} | held_back | {"company_top_half_years"}


def steps(rule: Rule) -> set[str]:
    """Every step the ladder can give."""
    return {t.step for t in (*_of_unit(rule), _of_head(rule))} | {"none"}


@dataclass(frozen=True)
class _Given:
    """What the ladder was given, narrowed to one level of units."""

    scores: pl.DataFrame
    metric_scores: pl.DataFrame
    duties: pl.DataFrame
    sanctions: pl.DataFrame
    book: Book
    last: Quarter
    level: str
    key: list[str]

    @property
    def rule(self) -> Rule:
        return self.book.on(self.last.last, "ladder")

    @property
    def now(self) -> pl.DataFrame:
        """Units that stand on the period's last day."""
        return self.scores.filter(pl.col("period") == str(self.last))


def _kinds(given: _Given) -> pl.DataFrame:
    """Kinds of evidence per unit: sub-indices below the line, or with an unmet duty; ``low_subindices`` the former.

    Outcomes and satisfaction (``never_suffice``) are left out before the sub-index is read, and so is every metric
    on which the unit has no record of its own.
    """
    rule, day = given.rule, given.last.last
    names = given.metric_scores["metric"].unique().to_list()
    held = {n: given.book.metric(day, n) for n in names}
    of_metric = {n: rule_of["subindex"] for n, rule_of in held.items() if rule_of["weight"] > 0}
    known = (pl.col("state") == "measured") & (pl.col("weight") > 0) & ~pl.col("metric").is_in(rule["never_suffice"])
    own = given.metric_scores.filter(
        known & (pl.col("level") == given.level) & (pl.col("period") == str(given.last))
    ).with_columns(subindex=pl.col("metric").replace_strict(of_metric, default=None, return_dtype=pl.String))
    points = (pl.col("points") * pl.col("weight")).sum() / pl.col("weight").sum()
    low = own.group_by("unit_id", "subindex").agg(points=points).filter(pl.col("points") < rule["evidence_below"])
    unmet = _unmet_now(given).select("unit_id", "subindex", is_low=pl.lit(False))
    both = pl.concat([low.select("unit_id", "subindex", is_low=pl.lit(True)), unmet])
    return both.group_by("unit_id").agg(
        kinds=pl.col("subindex").n_unique().cast(pl.Int64), low_subindices=pl.col("is_low").sum().cast(pl.Int64)
    )


def _unmet_now(given: _Given) -> pl.DataFrame:
    return given.duties.filter((pl.col("level") == given.level) & (pl.col("period") == str(given.last)))


def _unmet(given: _Given) -> pl.DataFrame:
    """Per unit: duties missed and hazards overdue now, and ``unmet``, rows of any kind in the look-back."""
    now = (
        _unmet_now(given)
        .group_by("unit_id")
        .agg(
            missed=pl.col("metric").filter(pl.col("kind") == "missed").sort(),
            overdue=pl.col("count").filter(pl.col("kind") == "overdue_hazard").sum(),
            notices=pl.col("count").filter(pl.col("kind") == "overdue_notice").sum(),
            major=pl.col("count").filter(pl.col("kind") == "major_hazard").sum(),
        )
    )
    ever = given.duties.filter(pl.col("level") == given.level).group_by("unit_id").agg(unmet=pl.len().cast(pl.Int64))
    return ever.join(now, on="unit_id", how="left")


def _last_clean(given: _Given, rated: pl.DataFrame) -> pl.DataFrame:
    """First day of each unit's newest clean quarter, where the last ``attention_ends_after`` such were clean."""
    year, number = pl.col("ordinal") // 4, pl.col("ordinal") % 4
    clean = rated.filter(pl.col("band").is_in(["excellent", "good"])).with_columns(
        clean_from=pl.date(year, number * 3 + 1, 1)
    )
    need = given.rule["attention_ends_after"]
    return clean.group_by("unit_id").agg(pl.col("clean_from").top_k(need)).filter(
        pl.col("clean_from").list.len() >= need
    ).with_columns(pl.col("clean_from").list.min())  # fmt: skip


def _facts(given: _Given) -> pl.DataFrame:
    """One row per current unit with everything the triggers read."""
    rule, last = given.rule, given.last
    rated = rated_quarters(given.scores, last)
    halves = rule["half_year_quarters"]
    look_back = rule["commendation_half_years"] * halves
    capped = (
        rated.filter(pl.col("ordinal") > ordinal_of(last) - look_back)
        .group_by(given.key)
        .agg(capped=pl.col("cap").is_not_null().any())
    )
    now = given.now
    parts = [
        quarters_in_a_row(rated, given.key, FAILING, last, "failing"),
        quarters_in_a_row(rated, given.key, LOW, last, "low"),
        halves_in_a_row(rated, given.key, FAILING, last, halves, "failing_halves"),
        halves_in_a_row(rated, given.key, TOP, last, halves, "top_halves"),
        capped,
    ]
    for part in parts:
        now = now.join(part, on=given.key, how="left")
    units = now.select("unit_id", "estate_id", "company_id", "head_id").unique()
    clean = _last_clean(given, rated)
    for part in (_kinds(given), _unmet(given), standing(given.sanctions, units, clean, rule, last)):
        now = now.join(part, on="unit_id", how="left")
    counts = (
        "failing",
        "low",
        "failing_halves",
        "top_halves",
        "kinds",
        "low_subindices",
        "overdue",
        "notices",
        "major",
    )
    findings = pl.col("cap_reason").fill_null("").str.split(",")
    return now.with_columns(
        *(pl.col(n).fill_null(0) for n in (*counts, "unmet")),
        pl.col("missed").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        pl.col("capped").fill_null(False),
        rated=pl.col("state") == "rated",
        score=_shown(pl.col("final")),
        free=findings.list.set_intersection(rule["skip_findings"]).list.len() > 0,
        grave=findings.list.set_intersection(rule["grave_findings"]).list.len() > 0,
    )


def _shown(score: pl.Expr) -> pl.Expr:
    """A score with one decimal, cut and not rounded: 59.96 is never shown as the 60 it does not reach."""
    return ((score * 10 + 1e-9).floor() / 10).round(1)


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
            )
            for place, t in enumerate(triggers)
        ]
    )


def _open_steps(facts: pl.DataFrame, grounds: pl.DataFrame) -> pl.DataFrame:
    """Grounds whose step may be taken now: the one below stands, and neither it nor a higher one does.

    A confirmed grave finding, or a major hazard past its deadline, frees listing and interview from the step below
    (rule 6); a replacement is never recommended before the interview.
    """
    rows = grounds.join(facts.select("unit_id", "climb", "repeat", "free"), on="unit_id")
    freed = pl.col("free") | (pl.col("reason") == "major_hazard_overdue")
    next_up = (pl.col("rank") <= pl.col("climb") + 1) | (freed & (pl.col("rank") < RANKS["replacement"]))
    return rows.filter((pl.col("step") == "commendation") | (next_up & (pl.col("rank") > pl.col("repeat"))))


def _nothing(facts: pl.DataFrame, grounds: pl.DataFrame) -> pl.DataFrame:
    """Why nothing is due, for units without an open step."""
    held = pl.col("unit_id").is_in(grounds.filter(pl.col("rank") > 0)["unit_id"].implode())
    reason = (
        pl.when(pl.col("state") == "provisional").then(pl.lit("provisional"))
        .when(~pl.col("rated")).then(pl.lit("not_rated"))
        .when(held & (pl.col("appealed") > 0)).then(pl.lit("objection_open"))
        .when(held & (pl.col("repeat") > 0)).then(pl.lit("step_stands"))
        .otherwise(pl.lit("nothing_due"))
    )  # fmt: skip
    return facts.select("unit_id", step=pl.lit("none"), reason=reason, params=_params(("stands", "stands_since")))


def _steps(given: _Given, triggers: list[Trigger]) -> pl.DataFrame:
    """One row per current unit of the level: the highest step open, or why none is."""
    facts = _facts(given)
    grounds = _grounds(facts, triggers)
    best = (
        _open_steps(facts, grounds)
        .sort("unit_id", -pl.col("rank"), "order")
        .unique("unit_id", keep="first", maintain_order=True)
        .select("unit_id", "step", "reason", "params")
    )
    nothing = _nothing(facts, grounds).join(best, on="unit_id", how="anti")
    return pl.concat([best, nothing]).join(facts.select("unit_id", "estate_id", "company_id", "head_id"), on="unit_id")


def _heads(given: _Given) -> pl.DataFrame:
    """Office heads for whom a replacement may be recommended: half-years failing, all under the same head."""
    return _steps(given, [_of_head(given.rule)]).filter(pl.col("step") == "replacement")


def _companies(company_scores: pl.DataFrame, units: _Given) -> pl.DataFrame:
    """Companies due for commendation: top band throughout, no unit capped, no duty unmet, nothing adverse standing."""
    rule, last = units.rule, units.last
    rated = rated_quarters(company_scores.filter(pl.col("party") == "company"), last)
    top = halves_in_a_row(rated, ["party_id"], TOP, last, rule["half_year_quarters"], "top_halves")
    facts = (
        _facts(units)
        .group_by(party_id="company_id")
        .agg(blocked=(pl.col("capped") | pl.col("adverse") | (pl.col("unmet") > 0)).any())
    )
    barring = (*ADVERSE, "commendation")
    entries = units.sanctions.filter(
        pl.col("kind").is_in(barring) & (pl.col("status") == "final") & (pl.col("party") == "company")
        & (pl.col("decided_on").dt.offset_by(f"{rule['stands_months']['penalty']}mo") > pl.lit(last.last))
    )  # fmt: skip
    now = rated.filter((pl.col("period") == str(last)) & pl.col("band").is_in(TOP))
    return (
        now.join(top, on="party_id")
        .filter(pl.col("top_halves") >= rule["commendation_half_years"])
        .join(facts.filter("blocked"), on="party_id", how="anti")
        .join(entries.select(party_id="company_id").drop_nulls(), on="party_id", how="anti")
        .with_columns(score=_shown(pl.col("final")))
        .select(
            "party_id",
            party=pl.lit("company"),
            estate_id=pl.lit(None, pl.String),
            company_id="party_id",
            head_id=pl.lit(None, pl.String),
            step=pl.lit("commendation"),
            reason=pl.lit("company_top_half_years"),
            params=_params(("top_halves",)),
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

    Returns:
        Contract Due. Exactly one row per company's current spell at an estate and per estate nobody manages
        (party ``estate``; there the company is empty and the sub-district is addressed), also where the step is
        ``none``: the reason then says why. Rows for office heads (step ``replacement`` only) and companies (step
        ``commendation`` only) stand beside them where something is due.
    """
    last = Quarter.parse(period)

    def of_level(level: str, key: list[str], scores: pl.DataFrame | None = None) -> _Given:
        if scores is None:
            # of each quarter the units standing on its last day: a head's former contract never beside the new one
            scores = index_scores.filter((pl.col("level") == level) & pl.col("current"))
        return _Given(scores, metric_scores, duties, sanctions, book, last, level, key)

    spells, heads = of_level("tenure", ["unit_id"]), of_level("head", HEAD)
    triggers = _of_unit(spells.rule)
    estates = of_level("estate", ["unit_id"])
    none, managed = pl.lit(None, pl.String), spells.now.select("estate_id")
    unmanaged = estates.scores.join(managed, on="estate_id", how="anti").with_columns(company_id=none, head_id=none)
    alone = of_level("estate", ["unit_id"], unmanaged)
    columns = ("party_id", "party", "estate_id", "company_id", "head_id", "step", "reason", "params")
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
