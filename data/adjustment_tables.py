"""Contracts of what an edition takes out before estates are compared: eyes, readiness to report, seasons, repeated looks.

Part of ``data.edition_tables.TABLES``.
"""

from __future__ import annotations

import pandera.polars as pa


class Inspector(pa.DataFrameModel):
    """One inspector over the whole edition: how strictly he or she looks, against all others (method.md 14.1)."""

    inspector_id: str
    visits: int  # routine visits
    estates: int
    found: float  # points found failing
    expected: float  # points everyone's eyes would have found failing there
    factor: float = pa.Field(gt=0)  # geometric mean 1 over those it applies to; 1 where it does not
    applied: bool
    why_not: str = pa.Field(nullable=True)  # a word key below `not_adjusted.`


class Propensity(pa.DataFrameModel):
    """One estate in one period: how readily its people report, against its class (method.md 14.2)."""

    period: str
    estate_id: str
    duplicates: int  # reports by other callers while a matter was open, within the window
    exposure: float = pa.Field(ge=0)  # matter-days open
    propensity: float = pa.Field(gt=0)  # the metrics that count reports multiply their exposure by it


class Season(pa.DataFrameModel):
    """One calendar month of one metric of events in time, over the whole district (method.md 2.4)."""

    metric: str
    month: int = pa.Field(ge=1, le=12)
    events: float  # numerators of the evidence, undecayed
    exposure: float  # home- or resident-years in the metric's unit, undecayed
    cv: float  # variation between the calendar months beyond chance, relative to their level
    factor: float = pa.Field(gt=0)  # the month's exposure is multiplied by it; 1 where it does not apply
    applied: bool
    why_not: str = pa.Field(nullable=True)  # a word key below `no_season.`


class Closing(pa.DataFrameModel):
    """One company over the whole edition: hazards it told as put right, and what those seen again by lot say (method.md 14.4)."""

    company_id: str
    unseen: int  # closings nobody saw again
    picked: int  # seen again at random
    undone: int  # of these, found not put right
    share: float = pa.Field(ge=0, le=1)  # taken off each unseen closing; 0 where it does not apply
    applied: bool
    why_not: str = pa.Field(nullable=True)  # a word key below `not_taken_off.`


class Dispersion(pa.DataFrameModel):
    """One proportion over the whole edition: how many throws a point is worth (metrics/dispersion.py)."""

    metric: str
    freedom: int  # rows compared with their estate's own share of the year, less one each
    spread: float  # what they differ by
    throws: float  # what throws would differ by
    dispersion: float = pa.Field(gt=0)  # points are divided by it
    why_not: str = pa.Field(nullable=True)  # why it is 1: a word key below `as_it_is.`


TABLES: dict[str, type[pa.DataFrameModel]] = {
    "inspectors": Inspector,
    "propensity": Propensity,
    "seasons": Season,
    "dispersion": Dispersion,
    "closings": Closing,
}
