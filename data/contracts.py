"""What a believable row is: one pandera contract per table of records.

A contract checks shape first, then types, then sense. ``TABLES`` is the list the whole house reads: intake validates against
it, the store creates its tables from it. Days are local days (``*_on``), moments are UTC (``*_at``), shares are 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl

from data import codes
from data.credit_code import CreditCoded

Moment = Annotated[pl.Datetime, "us", "UTC"]


def _ordered(later: str, earlier: str) -> pl.Expr:
    """True where ``later`` is not before ``earlier``, or either is unknown."""
    return (pl.col(later) >= pl.col(earlier)).fill_null(True)


def _at_most(part: str, whole: str) -> pl.Expr:
    return (pl.col(part) <= pl.col(whole)).fill_null(True)


class Area(pa.DataFrameModel):
    """One sub-district (街道) or police station (派出所)."""

    area_id: str
    kind: str = pa.Field(isin=codes.AREA_KINDS)
    name_zh: str
    name_en: str = pa.Field(nullable=True)
    parent_id: str = pa.Field(nullable=True)  # the sub-district a station lies in


class Estate(pa.DataFrameModel):
    """One estate (小区) in one validity period."""

    estate_id: str
    valid_from: date
    valid_to: date = pa.Field(nullable=True)  # exclusive; empty = still valid
    name_zh: str
    name_en: str = pa.Field(nullable=True)
    address: str = pa.Field(nullable=True)
    estate_class: str = pa.Field(isin=codes.ESTATE_CLASSES)
    subdistrict_id: str
    station_id: str = pa.Field(nullable=True)
    households: int = pa.Field(ge=1, le=100_000)
    residents: int = pa.Field(ge=0, le=500_000, nullable=True)
    blocks: int = pa.Field(ge=1, nullable=True)
    highrise_blocks: int = pa.Field(ge=0, nullable=True)  # blocks over 27 m (HR5 50)
    max_height_m: float = pa.Field(ge=0, le=1000, nullable=True)
    built_year: int = pa.Field(ge=1800, le=2100, nullable=True)
    rental_share: float = pa.Field(ge=0, le=1, nullable=True)
    has_control_room: bool = pa.Field(nullable=True)
    key_fire_unit: bool = pa.Field(nullable=True)
    has_automatic_systems: bool = pa.Field(nullable=True)
    gated: bool = pa.Field(nullable=True)
    longitude: float = pa.Field(ge=-180, le=180, nullable=True)
    latitude: float = pa.Field(ge=-90, le=90, nullable=True)

    @pa.dataframe_check(error="valid_to is not after valid_from")
    def ends_after_start(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select((pl.col("valid_to") > pl.col("valid_from")).fill_null(True))

    @pa.dataframe_check(error="highrise_blocks exceeds blocks")
    def highrise_within_blocks(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("highrise_blocks", "blocks"))


class Company(CreditCoded):
    """One property company (物业服务企业), keyed by its unified social credit code."""

    name_zh: str
    name_en: str = pa.Field(nullable=True)


class OfficeHead(pa.DataFrameModel):
    """One person running an office (物业管理处负责人)."""

    head_id: str
    name_zh: str
    name_en: str = pa.Field(nullable=True)


class Tenure(pa.DataFrameModel):
    """One company and office head managing one estate from a day to a day (exclusive)."""

    tenure_id: str
    estate_id: str
    company_id: str
    head_id: str = pa.Field(nullable=True)
    valid_from: date
    valid_to: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="valid_to is not after valid_from")
    def ends_after_start(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select((pl.col("valid_to") > pl.col("valid_from")).fill_null(True))


class Inspection(pa.DataFrameModel):
    """One visit, or one monthly self-check by the company."""

    inspection_id: str
    estate_id: str
    inspected_on: date
    kind: str = pa.Field(isin=codes.INSPECTION_KINDS)
    trigger: str = pa.Field(isin=codes.INSPECTION_TRIGGERS)
    body: str = pa.Field(isin=codes.BODIES)
    inspector_id: str = pa.Field(nullable=True)
    officers: int = pa.Field(ge=0, le=50, nullable=True)  # certified officers present (APL 42)
    signed: bool = pa.Field(nullable=True)  # by the doer and a superior (O61 26)
    recorded_on: date = pa.Field(nullable=True)


class InspectionItem(pa.DataFrameModel):
    """One item checked at one visit: points looked at, points in order, severity of what failed."""

    inspection_id: str
    item_code: str
    checked: int = pa.Field(ge=0, le=100_000)  # 0 = not applicable here
    passed: float = pa.Field(ge=0, le=100_000)  # may be a part score where the form scores in steps
    severity: str = pa.Field(isin=codes.SEVERITIES, nullable=True)
    form: str = pa.Field(nullable=True)  # the form it was asked on (rules/forms/), and its version
    form_version: int = pa.Field(ge=1, le=100_000, nullable=True)
    remark: str = pa.Field(nullable=True)  # what was seen, in the officer's words
    photos: str = pa.Field(nullable=True)  # SHA-256 of each photo (data/photos.py), a blank between them
    photo_prints: str = pa.Field(nullable=True)  # the print of each, in the same order; "-" where it has none

    @pa.dataframe_check(error="passed exceeds checked")
    def passed_within_checked(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("passed", "checked"))


class Hazard(pa.DataFrameModel):
    """One hazard (隐患) found."""

    hazard_id: str
    estate_id: str
    inspection_id: str = pa.Field(nullable=True)
    found_on: date
    found_by: str = pa.Field(isin=codes.FOUND_BY)
    hazard_type: str = pa.Field(isin=codes.HAZARD_TYPES)
    severity: str = pa.Field(isin=codes.HAZARD_SEVERITIES)
    responsible_party: str = pa.Field(isin=codes.PARTIES)
    location: str = pa.Field(nullable=True)
    due_on: date = pa.Field(nullable=True)
    extended_to: date = pa.Field(nullable=True)
    rectified_on: date = pa.Field(nullable=True)
    verified_on: date = pa.Field(nullable=True)
    verified_result: str = pa.Field(isin=codes.OUTCOMES, nullable=True)
    lot_result: str = pa.Field(isin=codes.OUTCOMES, nullable=True)  # seen again by lot; stays when put right afterwards
    objection_open: bool = pa.Field(nullable=True)
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="due_on is before found_on")
    def due_after_found(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_ordered("due_on", "found_on"))

    @pa.dataframe_check(error="rectified_on is before found_on")
    def rectified_after_found(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_ordered("rectified_on", "found_on"))


class Complaint(pa.DataFrameModel):
    """One complaint or hotline order (工单); who complained only as a keyed hash."""

    complaint_id: str
    estate_id: str = pa.Field(nullable=True)  # unknown estate: kept, counted, attributed to nobody
    matter_id: str = pa.Field(nullable=True)  # the first order of the same matter; empty = its own
    received_on: date
    received_at: Moment = pa.Field(nullable=True)
    channel: str = pa.Field(isin=codes.CHANNELS)
    nature: str = pa.Field(isin=codes.NATURES)
    category: str = pa.Field(nullable=True)
    subdistrict: str = pa.Field(nullable=True)
    community: str = pa.Field(nullable=True)
    unit: str = pa.Field(nullable=True)  # the body the order was sent to
    responsibility: str = pa.Field(isin=codes.PARTIES, nullable=True)
    first_contact_at: Moment = pa.Field(nullable=True)
    due_on: date = pa.Field(nullable=True)
    extended_to: date = pa.Field(nullable=True)
    closed_on: date = pa.Field(nullable=True)
    overdue: bool = pa.Field(nullable=True)
    reached: bool = pa.Field(nullable=True)  # the call-back reached the caller
    solved: bool = pa.Field(nullable=True)
    satisfied: bool = pa.Field(nullable=True)
    upheld: str = pa.Field(isin=codes.UPHELD, nullable=True)
    unreasonable: bool = pa.Field(nullable=True)  # found so by the set procedure
    objection_open: bool = pa.Field(nullable=True)
    caller_hash: str = pa.Field(nullable=True)
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="closed_on is before received_on")
    def closed_after_received(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_ordered("closed_on", "received_on"))

    @pa.dataframe_check(error="first_contact_at is before received_at")
    def contact_after_received(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_ordered("first_contact_at", "received_at"))


class FireDrill(pa.DataFrameModel):
    """One drill (演练) held."""

    drill_id: str
    estate_id: str
    held_on: date
    kind: str = pa.Field(isin=codes.DRILL_KINDS)
    place: str = pa.Field(nullable=True)
    content: str = pa.Field(nullable=True)
    departments: str = pa.Field(nullable=True)
    blocks_drilled: int = pa.Field(ge=0, nullable=True)  # high-rise blocks that took part
    staff: int = pa.Field(ge=0, le=100_000, nullable=True)
    residents: int = pa.Field(ge=0, le=500_000, nullable=True)
    evacuation_minutes: float = pa.Field(ge=0, le=1_440, nullable=True)
    announced: bool = pa.Field(nullable=True)
    marked: bool = pa.Field(nullable=True)
    reviewed: bool = pa.Field(nullable=True)
    witness: str = pa.Field(isin=codes.WITNESSES, nullable=True)
    verification: str = pa.Field(isin=codes.VERIFICATIONS)
    evidence_hash: str = pa.Field(nullable=True)
    recorded_on: date = pa.Field(nullable=True)
    recorded_at: Moment = pa.Field(nullable=True)  # entered, to the minute


class Incident(pa.DataFrameModel):
    """One fire or police case on the estate; no names, no free text."""

    incident_id: str
    estate_id: str
    occurred_on: date
    occurred_at: Moment = pa.Field(nullable=True)
    kind: str = pa.Field(isin=codes.INCIDENT_KINDS)
    severity: str = pa.Field(isin=codes.INCIDENT_SEVERITIES)
    cause: str = pa.Field(isin=codes.CAUSES, nullable=True)
    management_related: bool = pa.Field(nullable=True)  # a coded decision, open to objection
    objection_open: bool = pa.Field(nullable=True)
    recorded_on: date = pa.Field(nullable=True)


class PopulationCheck(pa.DataFrameModel):
    """One check of registered residents, with group rentals found on the way."""

    check_id: str
    estate_id: str
    checked_on: date
    sampled: int = pa.Field(ge=0, le=500_000)
    registered: int = pa.Field(ge=0, le=500_000)
    rentals_found: int = pa.Field(ge=0, le=10_000, nullable=True)
    rentals_reported: int = pa.Field(ge=0, le=10_000, nullable=True)  # by the firm in the 30 days before
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="registered exceeds sampled")
    def registered_within_sampled(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("registered", "sampled"))

    @pa.dataframe_check(error="rentals_reported exceeds rentals_found")
    def reported_within_found(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("rentals_reported", "rentals_found"))


class Survey(pa.DataFrameModel):
    """One question of one survey of residents."""

    survey_id: str
    estate_id: str
    surveyed_on: date
    question: str = pa.Field(isin=codes.SURVEY_QUESTIONS)
    asked: int = pa.Field(ge=0, le=500_000)
    answered: int = pa.Field(ge=0, le=500_000)
    satisfied: int = pa.Field(ge=0, le=500_000)
    third_party: bool = pa.Field(nullable=True)
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="answered exceeds asked")
    def answered_within_asked(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("answered", "asked"))

    @pa.dataframe_check(error="satisfied exceeds answered")
    def satisfied_within_answered(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("satisfied", "answered"))


class Patrol(pa.DataFrameModel):
    """One patrol log sheet: the days it covers, days with a signed patrol, points planned and reached."""

    patrol_id: str
    estate_id: str
    kind: str = pa.Field(isin=codes.PATROL_KINDS)
    by: str = pa.Field(isin=codes.PATROL_BY)
    started_on: date
    ended_on: date  # last day the sheet covers
    days_required: int = pa.Field(ge=0, le=31)
    days_signed: int = pa.Field(ge=0, le=31)
    points_planned: int = pa.Field(ge=0, nullable=True)
    points_reached: int = pa.Field(ge=0, nullable=True)
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="ended_on is before started_on")
    def ends_after_start(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_ordered("ended_on", "started_on"))

    @pa.dataframe_check(error="days_signed exceeds days_required")
    def signed_within_required(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_at_most("days_signed", "days_required"))


class Mediation(pa.DataFrameModel):
    """One dispute taken up for mediation."""

    mediation_id: str
    estate_id: str
    opened_on: date
    settled_on: date = pa.Field(nullable=True)
    outcome: str = pa.Field(isin=codes.MEDIATION_OUTCOMES, nullable=True)
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="settled_on is before opened_on")
    def settled_after_opened(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select(_ordered("settled_on", "opened_on"))


class Sanction(pa.DataFrameModel):
    """One finding, penalty, listing, talk, replacement or commendation already on record."""

    sanction_id: str
    party: str = pa.Field(isin=codes.SANCTION_PARTIES)
    company_id: str = pa.Field(nullable=True)
    head_id: str = pa.Field(nullable=True)
    estate_id: str = pa.Field(nullable=True)
    kind: str = pa.Field(isin=codes.SANCTION_KINDS)
    finding: str = pa.Field(isin=codes.FINDINGS, nullable=True)
    severity: str = pa.Field(isin=codes.SANCTION_SEVERITIES, nullable=True)
    law: str
    decided_on: date
    stands_until: date = pa.Field(nullable=True)  # exclusive
    repaired_on: date = pa.Field(nullable=True)  # verified repair (systems_disabled)
    status: str = pa.Field(isin=codes.SANCTION_STATUSES)
    recorded_on: date = pa.Field(nullable=True)

    @pa.dataframe_check(error="the party named has no id")
    def party_has_an_id(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        ids = {"company": "company_id", "head": "head_id", "estate": "estate_id"}
        named = ((pl.col("party") == p) & pl.col(i).is_not_null() for p, i in ids.items())
        return rows.lazyframe.select(pl.any_horizontal(named))

    @pa.dataframe_check(error="a finding needs its code")
    def finding_has_a_code(cls, rows: pa.PolarsData) -> pl.LazyFrame:
        return rows.lazyframe.select((pl.col("kind") != "finding") | pl.col("finding").is_not_null())


@dataclass(frozen=True)
class Table:
    """One table of records.

    Attributes:
        name: the table's name everywhere.
        contract: its pandera model.
        key: columns whose values name one record; joined by ``/`` they are its ``record_id``.
        day: the day an event happened, for attribution and coverage; None for registers.
    """

    name: str
    contract: type[pa.DataFrameModel]
    key: tuple[str, ...]
    day: str | None = None

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Column name to polars type, in contract order."""
        return {name: column.dtype.type for name, column in self.contract.to_schema().columns.items()}


TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table("areas", Area, ("area_id",)),
        Table("estates", Estate, ("estate_id", "valid_from")),
        Table("companies", Company, ("company_id",)),
        Table("office_heads", OfficeHead, ("head_id",)),
        Table("tenures", Tenure, ("tenure_id",)),
        Table("inspections", Inspection, ("inspection_id",), "inspected_on"),
        Table("inspection_items", InspectionItem, ("inspection_id", "item_code")),
        Table("hazards", Hazard, ("hazard_id",), "found_on"),
        Table("complaints", Complaint, ("complaint_id",), "received_on"),
        Table("fire_drills", FireDrill, ("drill_id",), "held_on"),
        Table("incidents", Incident, ("incident_id",), "occurred_on"),
        Table("population_checks", PopulationCheck, ("check_id",), "checked_on"),
        Table("surveys", Survey, ("survey_id", "question"), "surveyed_on"),
        Table("patrols", Patrol, ("patrol_id",), "ended_on"),
        Table("mediations", Mediation, ("mediation_id",), "opened_on"),
        Table("sanctions", Sanction, ("sanction_id",), "decided_on"),
    )
}
