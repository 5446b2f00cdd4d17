"""JUDGE: from records to scores. ``ALL`` holds every metric, in the order people meet them on screen."""

from importlib import import_module

from metrics.base import Metric

NAMES = (
    # F fire duties
    "yearly_evacuation_drill_held",
    "full_element_drill_coverage",
    "key_unit_half_year_drills",
    "drill_records_complete",
    "daily_fire_patrol_rate",
    "monthly_fire_check_rate",
    "escape_routes_clear",
    "fire_equipment_sound",
    # H hazards and inspections
    "hazards_fixed_in_time",
    "overdue_hazard_days",
    "hazard_recurrence_rate",
    "self_found_share",
    "inspection_items_passed",
    # S security duties
    "guards_certified",
    "security_notices_met",
    # P people and rentals
    "residents_registered",
    "rentals_found_by_others",
    # C complaints
    "complaints_contacted_in_24h",
    "complaints_closed_in_time",
    "complaints_solved",
    "valid_matters_per_100_homes",
    "matters_raised_again",
    "owner_survey",
    # O outcomes
    "preventable_cases_per_1000",
    "fires_per_1000_homes",
    # G governance and D data
    "penalties_in_force",
    "creditable_acts",
    "records_in_time",
    "future_dated_records",
    "duplicate_evidence",
    "verified_sample_agreement",
    "indicator_coverage",
)

ALL: dict[str, Metric] = {name: import_module(f"metrics.{name}").METRIC for name in NAMES}
