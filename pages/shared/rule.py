"""A rule on screen: its goalposts, its law, and how a value became points."""

from __future__ import annotations

from functools import cache

import streamlit as st

import metrics
from metrics.calendar import Quarter
from pages.shared import format
from rules.book import Book, Rule
from rules.laws import cited

ANCHORS = ("fail", "minimum", "target", "best")
AWARDS = {"fail": 0, "minimum": 60, "target": 90, "best": 100}


@cache
def book() -> Book:
    """The rulebook of the program as it stands."""
    return Book()


def index(period: str) -> Rule:
    """The index rule in force on the period's last day."""
    return book().on(Quarter.parse(period).last, "index")


def audit(period: str) -> Rule:
    """The audit rule in force on the period's last day."""
    return book().on(Quarter.parse(period).last, "audit")


def bands(period: str) -> dict[str, float]:
    """Least score of each band, in force on the period's last day."""
    return index(period)["bands"]


def law_of(rule: Rule, t) -> str:
    """What a metric's rule says of its law, in the page's language."""
    return rule.get("law_zh", rule["law"]) if t.language == "zh" else rule["law"]


def basis(kept: str, t) -> str:
    """The basis of a step as a due list keeps it, in the page's language; as kept where the rules know it no longer."""
    if t.language != "zh":
        return kept
    both = ((v.values["basis_of"], v.values.get("basis_of_zh", {})) for v in book().file("ladder").versions)
    return next((zh[step] for own, zh in both for step in own if own[step] == kept and step in zh), kept)


def laws(text: str, t) -> str:
    """The titles of the laws a rule's text cites, with the grade of the source read; empty where it cites none."""
    titles = [f"{law.key} {getattr(law, f'title_{t.language}')} [{law.grade}]" for law in cited(text)]
    return t("rule.cites", titles=format.plain(t("common.separator").join(titles))) if titles else ""


def show(metric: str, period: str, score: dict, t) -> None:
    """One metric's arithmetic in a sentence, its goalposts and its law."""
    unit = metrics.ALL[metric].unit
    rule = book().metric(Quarter.parse(period).last, metric)
    posts = t("common.separator").join(
        t(f"rule.{a}", value=format.value_of(float(rule[a]), unit, t), points=AWARDS[a]) for a in ANCHORS
    )
    if score["state"] == "withheld":
        st.caption(t("rule.withheld", points=format.number(score["points"], t)))
    elif score["raw"] is not None:
        st.caption(
            t("rule.arithmetic", raw=format.value_of(score["raw"], unit, t), estimate=format.value_of(score["estimate"], unit, t),
              unit=t(f"unit.{unit}"), records=format.number(score["records"], t, 0), points=format.number(score["points"], t))
        )  # fmt: skip
    elif score["points"] is not None:
        st.caption(t("rule.not_collected", points=format.number(score["points"], t)))
    st.caption(t("rule.goalposts", posts=posts))
    st.caption(
        t(
            "rule.law",
            law=format.plain(law_of(rule, t)),
            since=format.day(rule.valid_from, t),
            file=format.plain(f"rules/{rule.name}.toml"),
        )
    )
    if said := laws(rule["law"], t):
        st.caption(said)
    if rule.get("basis") == "proposed":
        st.caption(t("rule.proposed"))
    if lift := t(f"metric.{metric}.lift"):
        st.caption(t("rule.lift", lift=lift))
