"""Daily fire patrol rate.

Unit        share of days, 0 to 1
Row         one fire patrol sheet: days with a signed patrol of the days it covers
Leaves out  patrols by volunteers (shown, not counted); sheets over a handover count for the estate alone;
            estates the rule does not name (their interval is a matter of contract)
Limit       the estates the rule names on the sheet's last day
Empty       no sheet, no value: a sheet not delivered is not a patrol not made
Rule        rules/metrics/daily_fire_patrol_rate.toml
Source      patrol sheets: started_on, ended_on, days_required, days_signed, by
"""

import ibis

from metrics.base import Metric
from metrics.estates import is_highrise, with_estate, with_handover


def applies(estates):
    """High-rise estates and key fire units."""
    return is_highrise(estates) | estates.key_fire_unit.fill_null(False)


def evidence(records, rules):
    """One row per fire patrol sheet of an estate that must be patrolled daily."""
    sheets = records.patrols.filter((records.patrols.kind == "fire") & (records.patrols.days_required > 0))
    sheets = rules.in_force(sheets, "ended_on", "highrise_daily")
    sheets = with_estate(records, sheets, "ended_on", "estate_class", "highrise_blocks", "key_fire_unit")
    bound = sheets.key_fire_unit.fill_null(False) | ((sheets.highrise_daily > 0) & is_highrise(sheets))
    sheets = with_handover(records, sheets.filter(bound), "started_on", "ended_on")
    return sheets.select(
        "estate_id",
        "record_id",
        occurred_on="ended_on",
        decided_on="ended_on",
        numerator=sheets.days_signed.cast("float64"),
        denominator=sheets.days_required.cast("float64"),
        excluded=ibis.cases(
            (sheets.by == "volunteers", "volunteers"), (sheets.handed_over, "grace"), else_=ibis.null("string")
        ),
    )


METRIC = Metric(
    code="F05",
    family="proportion",
    record="patrols",
    unit="share",
    evidence=evidence,
    shows=("started_on", "ended_on", "by", "days_required", "days_signed"),
    source="company",
    applies=applies,
)
