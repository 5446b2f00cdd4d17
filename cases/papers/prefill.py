"""What a step's paper can hold before anybody writes a word: the parts an edition knows, as plain data.

Given what the queries returned for one row of the due list. The officer adds the reason, tasks, days and objections; the
program decides nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

import metrics
from cases.papers.blocks import Both, Fact, Party, Record, Rule, Text
from cases.papers.extracts import EN, ZH, Source, interval, named, one, points, said
from cases.papers.tables import DAY, word
from cases.sentences import sentence
from i18n.words import Words
from metrics.calendar import Quarter
from metrics.hazards import BY_DEADLINE

COSTLIEST = 3  # metrics named beside those the step itself names
TARGET = 90  # points of the target goalpost
FACTS_TOLD = 6  # facts of a record in the annex; the workbook has all
SHARES = ("share", "done_of_required")
ARTICLE = re.compile(r"\b([A-Z][A-Z0-9]+b?) (\d+(?:\(\d+\))?)")


@dataclass(frozen=True)
class Found:
    """What is known of one row of the due list.

    Attributes:
        due: ``rankings.due_list``. unit: ``files.unit`` of the party's own unit and period.
        history: ``files.history``. scores: ``files.metric_scores``.
        evidence: metric to ``files.evidence``, for the metrics ``metrics_named`` gives.
    """

    due: dict
    unit: dict
    history: pl.DataFrame
    scores: pl.DataFrame
    evidence: dict[str, pl.DataFrame] = field(default_factory=dict)


def metrics_named(due: dict, scores: pl.DataFrame) -> list[str]:
    """The metrics a step's paper speaks of: those the step names, then the costliest of the unit."""
    own = json.loads(due["params"]).get("missed") or []
    lost = scores.filter((pl.col("points_lost") < -0.05).fill_null(False)).sort("points_lost", "metric")
    return list(dict.fromkeys([*own, *lost["metric"].head(COSTLIEST).to_list()]))


def step_parts(source: Source, found: Found) -> dict[str, Any]:
    """Arguments of a ``Step`` paper that need no person: party, edition, rule, facts, for_party, chart, records."""
    names = metrics_named(found.due, found.scores)
    records = [r for name in names if name in found.evidence for r in record_rows(name, found.evidence[name])]
    common = source.common()
    return {
        "edition": common["edition"],
        "pass_mark": common["pass_mark"],
        "to": party(found),
        "rule": rule(found.due),
        "facts": facts(found, names, source.pass_mark),
        "for_party": speaks_for(found.scores),
        "chart": points(found.history.filter(pl.col("period") <= found.due["period"])),
        "records": tuple(records),
        "records_total": sum(int(f["total"][0]) for f in found.evidence.values() if f.height),
    }


def party(found: Found) -> Party:
    """The company, its estate and the head of its office there, as the edition names them."""
    due = found.due
    return Party(
        company=named(due, "company") if due["company_id"] else said("case.paper.subdistrict"),
        code=due["company_id"] or "—",
        estate=named(due, "estate") if due["estate_id"] else None,
        head=named(due, "head") if due["head_id"] else None,
    )


def rule(due: dict) -> Rule:
    """Why the step is due, in the program's own sentence, and the version of the ladder it rests on."""
    reason = Both(*(sentence(t, due["reason"], due["params"]) for t in (ZH, EN)))
    return Rule(reason=reason, name="rules/ladder.toml", since=due["rule_from"])


def facts(found: Found, names: list[str], pass_mark: float) -> tuple[Fact, ...]:
    """Score with interval, chance of lying below the pass mark, and each metric named with its points."""
    unit = found.unit
    rated = unit["state"] != "not_rated"
    score = Fact(
        label=said("column.score"),
        value=one(unit["final"]) if rated else said("state.not_rated"),
        note=interval(unit["lo"], unit["hi"]) if rated else None,
    )
    chance = (
        (Fact(label=said("paper.step.below", line=one(pass_mark)), value=sure(unit["p_below"])),)
        if rated and unit["p_below"] is not None
        else ()
    )
    cap = (
        (Fact(label=said("paper.step.cap"), value=one(unit["cap"]), note=said("paper.step.why", why=_findings(unit))),)
        if unit["cap"] is not None
        else ()
    )
    rows = {r["metric"]: r for r in found.scores.iter_rows(named=True)}
    return (score, *chance, *cap, *(_metric(rows[name]) for name in names if name in rows))


def sure(p: float) -> str:
    """A probability, cut and not rounded: nothing is called surer than it is.

    >>> sure(0.9996), sure(1.0), sure(0.5), sure(0.004)
    ('99%', '100%', '50%', '0%')
    """
    return f"{math.floor(p * 100 + 1e-9)}%"


def _findings(unit: dict) -> Callable[[Words], str]:
    return lambda t: t("ladder.and").join(t(f"ladder.finding.{code}") for code in unit["cap_reason"].split(","))


def _metric(row: dict) -> Fact:
    name = row["metric"]
    unit = metrics.ALL[name].unit
    if row["raw"] is None:
        value: Text = said("value_state.withheld" if row.get("state") == "withheld" else "value_state.not_collected")
    elif unit in SHARES:
        value = f"{row['raw']:.1%}"
    else:
        value = said("paper.step.value", value=f"{row['raw']:.2f}", unit=lambda t: t(f"unit.{unit}"))
    note = (
        said("paper.step.points", points=one(row["points"]), lost=one(-row["points_lost"]), records=row["records"])
        if row["points"] is not None and row["points_lost"] is not None
        else None
    )
    return Fact(label=said(f"metric.{name}.name"), value=value, note=note)


def speaks_for(scores: pl.DataFrame) -> tuple[Text, ...]:
    """What speaks for the party: every scored metric that was measured at or above its target, the weightiest first."""
    good = scores.filter(
        (pl.col("state") == "measured") & (pl.col("weight") > 0) & (pl.col("points") >= TARGET).fill_null(False)
    ).sort("weight", "metric", descending=[True, False])
    return tuple(
        said("paper.step.good", metric=_name_of(m), points=one(x), n=n)
        for m, x, n in good.select("metric", "points", "records").iter_rows()
    )


def _name_of(metric: str) -> Callable[[Words], str]:
    return lambda t: t(f"metric.{metric}.name")


def record_rows(metric: str, rows: pl.DataFrame) -> list[Record]:
    """Records as rows of an annex: what counted and fell short first, what was left out last, newest first in each.

    Falling short: of a share, less done than required; of a count or sum, anything at all.
    """
    share = metrics.ALL[metric].unit in SHARES
    short = pl.col("numerator") < pl.col("denominator") if share else pl.col("numerator") > 0
    short = pl.col("numerator") == 0 if metric in BY_DEADLINE else short  # in part: put right, and nobody saw it again
    rows = rows.sort(pl.col("excluded").is_not_null(), ~short, maintain_order=True)
    return [
        Record(
            record_id=r["record_id"],
            on=r["decided_on"],
            duty=said(f"metric.{metric}.name"),
            what=Both(*(told(r["facts"], t) or t("paper.step.no_facts") for t in (ZH, EN))),
            counts=said(f"excluded.{r['excluded']}" if r["excluded"] else "page.estate.counts"),
            file=r["file"],
            line=r["line"],
        )
        for r in rows.iter_rows(named=True)
    ]


def told(text: str | None, t: Words) -> str:
    """The first facts of a record in words; keys that end in ``_id`` are left to the workbook."""
    known = {k: v for k, v in json.loads(text or "{}").items() if v is not None and not k.endswith("_id")}
    return t("common.semicolon").join(_fact(k, v, t) for k, v in list(known.items())[:FACTS_TOLD])


def _fact(key: str, value: object, t: Words) -> str:
    heading = t(f"field.{key}") if t.has(f"field.{key}") else key
    if isinstance(value, str) and DAY.search(key):
        shown = value[:10]  # short, as the annex writes days
    elif isinstance(value, float) and value == int(value):
        shown = str(int(value))
    elif isinstance(value, float):
        shown = f"{value:.2f}"
    else:
        shown = word(key, str(value).lower() if isinstance(value, bool) else str(value), t)
    return f"{heading}{t('common.colon')}{shown}"


def grounds(source: Source, names: list[str]) -> tuple[str, ...]:
    """Articles the rules of these metrics cite, of laws that hold here: for the officer to choose from.

    A rule may cite one law for one class of estate and another for the rest; which applies here, a person says.
    """
    day = Quarter.parse(source.period).last
    cited = [m for name in names for m in ARTICLE.findall(source.book.metric(day, name)["law"])]
    here = source.rule["laws_here"]
    return tuple(dict.fromkeys(f"{key} {article}" for key, article in cited if key in here))
