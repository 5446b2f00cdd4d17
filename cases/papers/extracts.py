"""The papers made straight from a published edition: a company's scorecard, and the draft of a district bulletin.

Given what the queries of the page's own viewer returned, so an extract never holds a row its reader may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from cases.case import Case
from cases.explanations import company_sentence
from cases.papers import small
from cases.papers.blocks import (
    BandCount,
    Bar,
    Both,
    Edition,
    Entry,
    Fact,
    Office,
    Party,
    Person,
    Point,
    Ranked,
    Reply,
    Unit,
)
from cases.papers.press import day_in_words
from cases.papers.shapes import Bulletin, Scorecard
from data.edition_tables import BANDS
from i18n.words import Words
from metrics.calendar import Quarter
from rules.book import FOREVER, Book, Rule

ZONE = ZoneInfo("Asia/Shanghai")
ZH, EN = Words("zh"), Words("en")
PERIODS_SHOWN = 12
LIFTS = 6
HONOURED = timedelta(days=365)  # a commendation stands a year, as rules/ladder.toml has it
BULLETIN_BANDS = (*BANDS, "provisional", "not_rated")


@dataclass(frozen=True)
class Source:
    """The edition an extract is made from, and the rulebook that gives office and number.

    Attributes:
        edition: its own row (``rankings.edition``).
    """

    edition: dict
    period: str
    book: Book

    @property
    def day(self) -> date:
        """The district's day on which the edition was published, or made where it is a draft."""
        at: datetime = self.edition["published_at"] or self.edition["made_at"]
        return at.astimezone(ZONE).date()

    @property
    def rule(self) -> Rule:
        return self.book.on(self.day, "papers")

    @property
    def pass_mark(self) -> float:
        return float(self.book.on(Quarter.parse(self.period).last, "index")["bands"]["attention"])

    @property
    def office(self) -> Office:
        own = self.rule["office"]
        name, address, contact = (Both(own[f"{k}_zh"], own[f"{k}_en"]) for k in ("name", "address", "contact"))
        return Office(name=name, address=address, contact=contact, phone=own["phone"])

    def common(self) -> dict:
        """What every extract holds: nobody signed it, and it belongs to no case."""
        return {
            "issued_on": self.day, "office": self.office, "case_id": self.edition["edition_id"], "sequence": None,
            "signed_by": Person(name=said("paper.nobody"), title=said("paper.not_signed")), "demo": self.edition["demo"],
            "pass_mark": self.pass_mark,
            "edition": Edition(edition_id=self.edition["edition_id"], period=period_words(self.period),
                               rulebook=self.edition["rulebook_hash"]),
        }  # fmt: skip


def said(key: str, **params: Callable[[Words], object] | object) -> Both:
    """A word in both languages; a parameter that is a function is asked for its value in each."""
    made = [t(key, **{k: v(t) if callable(v) else v for k, v in params.items()}) for t in (ZH, EN)]
    return Both(*made)


def in_words(day: date, t: Words) -> str:
    """A day as a paper writes it: ``2026年11月23日`` or ``23 November 2026``."""
    return day_in_words(day, "zh" if t.language == "zh" else "en")


def period_words(period: str) -> Both:
    quarter = Quarter.parse(period)
    return said("common.period", year=quarter.year, quarter=quarter.number)


def named(row: dict, prefix: str = "name") -> Both:
    """Names as on record; where there is no Chinese one, the language's word for unknown."""
    return Both(row.get(f"{prefix}_zh") or ZH("common.unknown"), row.get(f"{prefix}_en") or None)


def one(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"


def interval(low: float | None, high: float | None) -> Both | None:
    return None if low is None or high is None else said("paper.interval", low=one(low), high=one(high))


def points(history: pl.DataFrame) -> tuple[Point, ...]:
    """A history as a chart: only rated periods have a dot."""
    rows = history.sort("period").tail(PERIODS_SHOWN).iter_rows(named=True)
    return tuple(
        Point(label=r["period"], score=r["final"], low=r["lo"], high=r["hi"])
        if r["state"] == "rated"
        else Point(label=r["period"], score=None)
        for r in rows
    )


def scorecard(
    source: Source, company: dict, history: pl.DataFrame, units: pl.DataFrame, parts: pl.DataFrame,
    subindices: pl.DataFrame, lost: pl.DataFrame, replies: pl.DataFrame,
) -> Scorecard:  # fmt: skip
    """A company's scorecard.

    Args:
        company: ``files.company``. history: ``files.company_history``. units: ``files.company_units``.
        parts: ``reasons.parts_of_company``. subindices: ``digest.company_subindices``.
        lost: ``digest.company_metrics``. replies: ``casefiles.replies``, of this company. All asked as a viewer who may see
            the whole company.
    """
    rated = company["state"] == "rated"
    told = (
        Both(*(company_sentence(company, parts, t) for t in (ZH, EN)))
        if rated
        else said("page.estate.why_not_rated", reasons=_reasons(company["why_not_rated"]))
    )
    return Scorecard(
        **source.common(),
        to=Party(company=named(company), code=company["party_id"]),
        told=told,
        facts=_company_facts(company, rated),
        chart=points(history),
        bars=tuple(
            Bar(label=said(f"subindex.{r['subindex']}"), points=r["points"], median=r["median"])
            for r in _in_order(subindices)
        ),
        units=tuple(_unit(u) for u in units.iter_rows(named=True)),
        lifts=tuple(_lift(m, x) for m, x in lost.filter(pl.col("points_lost") < -0.05).head(LIFTS).iter_rows()),
        objection=said("paper.scorecard.objection"),
        replies=_replies(replies, units),
    )


def _replies(replies: pl.DataFrame, units: pl.DataFrame) -> tuple[Reply, ...]:
    """The company's words by estate, newest last; on the company as a whole where a case is about no estate."""
    estates = {u["estate_id"]: named(u) for u in units.iter_rows(named=True)}
    return tuple(
        Reply(about=estates.get(r["estate_id"]) or said("paper.case", case=r["case_id"]), on=r["day"], words=r["words"])
        for r in replies.iter_rows(named=True)
    )


def _in_order(subindices: pl.DataFrame) -> list[dict]:
    order = ("fire", "rectification", "drills", "security", "residents")
    return sorted(subindices.to_dicts(), key=lambda r: order.index(r["subindex"]))


def _reasons(codes: str | None) -> Callable[[Words], str]:
    return lambda t: t("common.separator").join(t(f"not_rated.{c}") for c in (codes or "").split(",") if c)


def _company_facts(company: dict, rated: bool) -> tuple[Fact, ...]:
    score = one(company["final"]) if rated else said("state.not_rated")
    rank = f"{company['rank']} / {company['ranked']}" if company["rank"] else "—"
    set_of = company["rank_lo"] and said("paper.rank_set", low=company["rank_lo"], high=company["rank_hi"])
    return (
        Fact(label=said("column.score"), value=score, note=interval(company["lo"], company["hi"]) if rated else None),
        Fact(label=said("column.band"), value=said(f"band.{company['band']}") if rated else "—"),
        Fact(label=said("column.rank"), value=rank, note=set_of or None),
        Fact(label=said("column.worst_fifth"), value=one(company["worst_fifth"]), note=said("paper.worst_fifth")),
        Fact(label=said("column.units_rated"), value=f"{company['units_rated']} / {company['units']}"),
        Fact(label=said("column.households"), value=f"{company['households']:,}"),
    )


def _unit(unit: dict) -> Unit:
    shown = unit["state"] != "not_rated"
    band = f"band.{unit['band'] if unit['state'] == 'rated' else unit['state']}"
    return Unit(
        estate=named(unit),
        score=unit["final"] if shown else None,
        low=unit["lo"] if shown else None,
        high=unit["hi"] if shown else None,
        band=said(band),
        place=f"{unit['rank_in_class']} / {unit['class_size']}" if unit["rank_in_class"] else "—",
        households=unit["households"],
    )


def _lift(metric: str, lost: float) -> Both:
    return said(
        "page.scorecard.lift", metric=lambda t: t(f"metric.{metric}.name"), lost=one(-lost),
        lift=lambda t: t(f"metric.{metric}.lift"),
    )  # fmt: skip


def in_force(cases: Iterable[Case], step: str, today: date) -> tuple[Entry, ...]:
    """Listings or commendations in effect on a day, oldest first; one with an open objection is left out (nothing is
    published while one is open)."""
    return tuple(
        Entry(
            party=Both(*(_party(c, t) for t in (ZH, EN))),
            detail=said("paper.case", case=c.case_id),
            on=c.effective_on or today,
            until=c.listed_until or (c.effective_on or today) + HONOURED,
        )
        for c in _in_force(cases, step, today)
    )


def _in_force(cases: Iterable[Case], step: str, today: date) -> list[Case]:
    rows = [
        (c.effective_on, c.case_id, c)
        for c in cases
        if c.step == step and c.phase == "effective" and c.effective_on and not c.open_objections
        and c.effective_on <= today <= (c.listed_until or FOREVER)
    ]  # fmt: skip
    return [c for _, _, c in sorted(rows, key=lambda row: row[:2])]


def _said_when_listed(cases: Iterable[Case], today: date) -> tuple[Reply, ...]:
    """What companies replied whose listing is shown."""
    rows = [c for c in _in_force(cases, "listing", today) if c.reply and c.replied_on]
    return tuple(
        Reply(about=Both(*(_party(c, t) for t in (ZH, EN))), on=c.replied_on or today, words=c.reply) for c in rows
    )


def _party(case: Case, t: Words) -> str:
    """The estate with its company; the company alone where the case is about the whole of it."""
    names = [case.due.get(f"{k}_{t.language}") or case.due.get(f"{k}_zh") for k in ("estate", "company")]
    return " · ".join(n for n in names if n) or case.party_id


def bulletin(
    source: Source, bands: pl.DataFrame, time: pl.DataFrame, companies: pl.DataFrame, cases: Sequence[Case], today: date
) -> Bulletin:
    """The draft of a district bulletin: not numbered and not signed until somebody issues it.

    Args:
        cases: every case of the district; what is in effect ``today`` is listed.
        bands: ``digest.bands_by_area``. time: ``digest.over_time``. companies: ``rankings.companies``, all of them.
            Asked as a viewer who may see the whole district.
    """
    by_area, few = _by_area(bands, source.book.on(today, "views")["least_count"])
    unsure = bands.filter(pl.col("band").is_in(["not_rated", "provisional"]))["estates"].sum()
    told = unsure and None not in by_area[-1].counts[-2:]  # else their sum would tell one of them
    notes = [*few, *([said("paper.bulletin.not_rated", n=unsure)] if told else [])]
    return Bulletin(
        **(source.common() | {"issued_on": today}),
        estates=int(bands["estates"].sum()),
        companies=companies.height,
        households=int(bands["households"].sum()),
        bands=tuple(said(f"band.{b}") for b in BULLETIN_BANDS),
        by_area=by_area,
        chart=tuple(
            Point(label=r["period"], score=r["p50"], low=r["p25"], high=r["p75"])
            for r in time.tail(PERIODS_SHOWN).iter_rows(named=True)
        ),
        ranking=tuple(_ranked(c) for c in companies.iter_rows(named=True)),
        listings=in_force(cases, "listing", today),
        commendations=in_force(cases, "commendation", today),
        notes=(*notes, said("paper.bulletin.certainty")),
        objection=said("paper.bulletin.objection"),
        replies=_said_when_listed(cases, today),
    )


def _counts(bands: pl.DataFrame) -> tuple[int, ...]:
    n = dict(bands.group_by("band").agg(pl.col("estates").sum()).iter_rows())
    return tuple(n.get(b, 0) for b in BULLETIN_BANDS)


def _by_area(bands: pl.DataFrame, least: int) -> tuple[tuple[BandCount, ...], list[Both]]:
    """The sub-districts' counts and the district's under them, without small ones, and what to say of those."""
    areas = bands.partition_by("subdistrict_id", maintain_order=True)
    groups = [*(named(area.row(0, named=True)) for area in areas), said("paper.bulletin.whole")]
    counts = small.printed([_counts(part) for part in (*areas, bands)], least)
    few = [said("paper.bulletin.few", n=least)] if any(None in row for row in counts) else []
    return tuple(BandCount(group=g, counts=c) for g, c in zip(groups, counts, strict=True)), few


def _ranked(company: dict) -> Ranked:
    rated = company["state"] == "rated"
    return Ranked(
        rank=company["rank"],
        company=named(company),
        score=company["final"] if rated else None,
        low=company["lo"] if rated else None,
        high=company["hi"] if rated else None,
        rank_low=company["rank_lo"],
        rank_high=company["rank_hi"],
        band=said(f"band.{company['band'] if rated else company['state']}"),
        estates=company["units"],
    )
