"""Owner survey.

Unit        points, 0 to 100: satisfied of answered, averaged over the questions
Row         one survey of an estate's residents, shown at its overall question (else at its first)
Leaves out  surveys with too small a sample (shown, not counted)
Limit       at least the rule's share of homes and its number of forms, or every home where fewer live there (BA18)
Empty       no survey, no value
Rule        rules/metrics/owner_survey.toml
Source      surveys: question, answered, satisfied; estates: households
"""

import ibis

from metrics.base import Metric
from metrics.estates import with_estate


def evidence(records, rules):
    """One row per survey: the mean over its questions of the share satisfied, in points."""
    rows = rules.in_force(records.surveys, "surveyed_on", "least_share", "least_forms")
    rows = rows.filter((rows.answered > 0) & (rows.surveyed_on <= records.last_day))
    surveys = rows.group_by("survey_id", "estate_id", "surveyed_on", "least_share", "least_forms").agg(
        record_id=ibis.coalesce(rows.record_id.min(where=rows.question == "overall"), rows.record_id.min()),
        answered=rows.answered.min(),
        points=(rows.satisfied / rows.answered * 100.0).mean(),
    )
    surveys = with_estate(records, surveys, "surveyed_on", "households")
    least = ibis.least(ibis.greatest(surveys.households * surveys.least_share, surveys.least_forms), surveys.households)
    return surveys.select(
        "estate_id",
        "record_id",
        occurred_on="surveyed_on",
        decided_on="surveyed_on",
        numerator="points",
        denominator=ibis.literal(1.0),
        excluded=(surveys.answered >= least).fill_null(False).ifelse(ibis.null("string"), "sample_too_small"),
    )


METRIC = Metric(
    code="C07",
    family="mean",
    record="surveys",
    unit="points",
    evidence=evidence,
    shows=("surveyed_on", "asked", "answered", "satisfied", "third_party"),
    source="survey",
)
