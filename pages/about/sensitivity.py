"""How far the published index depends on choices of its method, in plain words (method.md sections 11 and 2.5)."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data.codes import SUBINDICES
from data.queries import studies
from metrics.calendar import Quarter
from pages.shared import charts, format, rule, tables

WRAPPED = 66  # pixels: three lines of a sentence
INDEX = "index"  # where a number is about the sub-indices together


def show(scope, con, t) -> None:
    """Which choice matters most, what each would change, what stays; then whether the parts hang together."""
    scope.require("supervisor", "subdistrict", "station", "manager", "steward")
    st.title(t("page.sensitivity.title"))
    facts = studies.sensitivity_facts(scope, con)
    if facts is None:
        st.info(t("page.sensitivity.nothing"))
        return
    rows = studies.sensitivity(scope, con).to_dicts()
    period = format.period(facts["period"], t)
    runs, units = (format.number(facts[name], t, 0) for name in ("runs", "units"))
    st.markdown(t("page.sensitivity.lead", period=period, runs=runs, units=units))
    _figures(facts, t)
    st.markdown(largest(rows, t))
    st.markdown(stays(facts, t))
    st.subheader(t("page.sensitivity.chart"))
    st.caption(t("page.sensitivity.chart_help"))
    if rows[0]["total"] is not None:
        charts.choices(rows, t, key="sensitivity-shares")
    st.subheader(t("page.sensitivity.what_if"))
    st.caption(t("page.sensitivity.what_if_help") + _gap(t) + t("page.sensitivity.caveat"))
    for row in rows:
        lines = "\n".join(f"- {line}" for line in what_if(row, t))
        st.markdown(f"**{_name(row, t)}**{t('common.colon')}{tried(row, t)}\n{lines}")
    _coherence(studies.coherence(scope, con), facts["period"], t)


def _name(row: dict, t) -> str:
    name = t(f"sensitivity.{row['input']}.name")
    return name.removeprefix("the ").capitalize() if t.language == "en" else name


def _figures(facts: dict, t) -> None:
    share = format.percent(facts["robust_share"], t, 0)
    first, second, third = st.columns(3)
    first.metric(
        t("page.sensitivity.mean_shift"),
        t("page.sensitivity.mean_shift_value", n=format.number(facts["mean_shift"], t)),
        help=t("page.sensitivity.mean_shift_help"),
    )
    second.metric(
        t("page.sensitivity.below"),
        t("page.sensitivity.below_value", robust=facts["below_robust"], below=facts["below"]),
        help=t("page.sensitivity.below_help", share=share),
    )
    third.metric(
        t("page.sensitivity.overlap"), format.percent(facts["jaccard"], t, 0),
        help=t("page.sensitivity.overlap_help", flagged=facts["flagged"]),
    )  # fmt: skip


def largest(rows: list[dict], t) -> str:
    """One sentence naming the choice with the greatest share in the places, and the next; that they are close, if so.

    Args:
        rows: contract Sensitivity, in any order; no share at all = nothing moved.
    """
    known = sorted((r for r in rows if r["total"] is not None), key=lambda r: (-r["total"], r["input"]))
    if len(known) < 2:
        return t("page.sensitivity.unmoved")
    first, second = known[:2]
    said = t(
        "page.sensitivity.largest", n=len(rows), first=t(f"sensitivity.{first['input']}.name"),
        second=t(f"sensitivity.{second['input']}.name"), first_total=format.percent(first["total"], t, 0),
        second_total=format.percent(second["total"], t, 0),
    )  # fmt: skip
    close = first["total_lo"] <= second["total_hi"]
    return said + _gap(t) + t("page.sensitivity.close") if close else said


def _gap(t) -> str:
    """What stands between two sentences: nothing in Chinese."""
    return "" if t.language == "zh" else " "


def stays(facts: dict, t) -> str:
    """One sentence on how many published below the pass mark lie there under most variants."""
    if not facts["below"]:
        return t("page.sensitivity.robust_none")
    share = format.percent(facts["robust_share"], t, 0)
    return t("page.sensitivity.robust", below=facts["below"], robust=facts["below_robust"], share=share)


def _value(row: dict, end: str, t) -> str:
    value = row[end]
    if row["input"] == "goalposts":
        return format.percent(abs(value), t, 0)
    return format.number(value, t, 0 if value == int(value) else 1)


def tried(row: dict, t) -> str:
    """What was tried of one choice."""
    low, high, published = (_value(row, end, t) for end in ("low", "high", "published"))
    noise = format.percent(row["high"] - 1, t, 0)
    said = {"low": low, "high": high, "published": published, "noise": noise}
    key = f"sensitivity.{row['input']}.range"
    return t(key, **said)


def what_if(row: dict, t) -> list[str]:
    """What would change if one choice were another: a sentence for each end of its range."""
    name, key = row["input"], f"sensitivity.{row['input']}.if"
    if name == "weights":
        noise = format.percent(row["high"] - 1, t, 0)
        return [t(key, noise=noise, shift=format.number(row["mean_shift"], t))]
    ends = ("high",) if name == "inside" else ("low", "high")
    return [
        t(f"{key}_{end}" if name == "goalposts" else key, value=_value(row, end, t),
          shift=format.number(row[f"shift_{end}"], t))
        for end in ends
    ]  # fmt: skip


def _coherence(rows: pl.DataFrame, period: str, t) -> None:
    """Published and effective weights, alpha and first component of each sub-index; pairs that deserve a look."""
    st.subheader(t("page.sensitivity.coherence"))
    st.caption(t("page.sensitivity.coherence_lead"))
    tables.show(_of_subindices(rows, t), _columns(t), t, key="coherence")
    said = by_pairs(rows, t)
    if said is not None:
        st.markdown(said)
    pairs = rows.filter(pl.col("measure") == "correlation")
    found = pairs.filter(pl.col("finding").is_not_null())
    bounds = rule.book().on(Quarter.parse(period).last, "sensitivity")
    if found.is_empty():
        high, low = (format.number(bounds[f"correlation_{end}"], t, 2) for end in ("high", "low"))
        st.markdown(t("page.sensitivity.pairs_none", n=pairs.height, high=high, low=low))
        return
    st.markdown(t("page.sensitivity.pairs_found", n=pairs.height, found=found.height))
    st.markdown("\n".join(f"- {pair(r, t)}" for r in found.iter_rows(named=True)))


def by_pairs(rows: pl.DataFrame, t) -> str | None:
    """How the order would be if no part could pay for another, in one sentence; None where it was not worked out.

    Args:
        rows: contract Coherence.
    """
    told = dict(rows.filter(pl.col("value").is_not_null()).select("measure", "value").iter_rows())
    if not {"pairwise_order", "settled_pairs"} <= told.keys():
        return None
    order, share = format.number(told["pairwise_order"], t, 2), format.percent(told["settled_pairs"], t, 0)
    return t("page.sensitivity.by_pairs", order=order, share=share)


def pair(row: dict, t) -> str:
    """One sentence on two metrics that move together, or against each other, more than the rule allows."""
    return t(
        f"page.sensitivity.pair_{row['finding']}", subindex=t(f"subindex.{row['subindex']}"),
        metric=t(f"metric.{row['metric']}.name"), other=t(f"metric.{row['other']}.name"),
        value=format.number(row["value"], t, 2),
    )  # fmt: skip


def _of_subindices(rows: pl.DataFrame, t) -> pl.DataFrame:
    """One row per sub-index, and one for all of them."""
    told = {(r["subindex"], r["measure"]): r for r in rows.filter(pl.col("metric").is_null()).iter_rows(named=True)}

    def number(sub: str, measure: str, column: str = "value") -> float | None:
        return told.get((sub, measure), {}).get(column)

    return pl.DataFrame(
        [
            {
                "part": t("page.sensitivity.whole") if sub == INDEX else t(f"subindex.{sub}"),
                "weight": format.percent(number(sub, "effective_weight", "nominal"), t, 0),
                "effective": format.number(number(sub, "effective_weight"), t, 2),
                "alpha": format.number(number(sub, "alpha"), t, 2),
                "component": format.percent(number(sub, "first_component"), t, 0),
            }
            for sub in (*SUBINDICES, INDEX)
        ]
    )


def _columns(t) -> dict:
    config = st.column_config
    return {
        "part": config.TextColumn(t("page.sensitivity.part")),
        "weight": config.TextColumn(t("page.sensitivity.weight")),
        "effective": config.TextColumn(t("page.sensitivity.effective"), help=t("page.sensitivity.effective_help")),
        "alpha": config.TextColumn(t("page.sensitivity.alpha"), help=t("page.sensitivity.alpha_help")),
        "component": config.TextColumn(t("page.sensitivity.component"), help=t("page.sensitivity.component_help")),
    }
