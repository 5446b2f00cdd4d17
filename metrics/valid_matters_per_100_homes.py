"""Valid matters per 100 homes.

Unit        matters per 100 homes and year
Row         one order; the first order of an upheld matter counts, later calls about it do not
Leaves out  repeated calls, matters not upheld, other exclusions as in metrics/complaints.py (shown, not counted)
Limit       none; compared with the class, after homes are counted by how readily they report (metrics/adjust.py)
Empty       no hotline delivery, no value; a covered month without complaints counts as none
Rule        rules/metrics/valid_matters_per_100_homes.toml
Source      hotline orders: matter_id, received_on, upheld, responsibility
"""

import ibis

from metrics.base import Metric
from metrics.complaints import valid_complaints


def evidence(records, rules):
    """One row per order: the first of each matter counts one, if it was upheld in whole or part."""
    rows = rules.in_force(valid_complaints(records), "received_on")
    rows = rows.mutate(
        matter=ibis.coalesce(rows.matter_id, rows.complaint_id),
        valid=rows.excluded.isnull() & rows.upheld.isin(("yes", "partly")).fill_null(False),
    )
    in_matter = ibis.window(
        group_by=["estate_id", "matter"], order_by=[rows.valid.desc(), "received_on", "complaint_id"]
    )
    rows = rows.mutate(place=ibis.row_number().over(in_matter))
    rows = rows.mutate(
        excluded=ibis.cases(
            (rows.excluded.notnull(), rows.excluded),
            (rows.valid & (rows.place > 0), "duplicate_call"),
            (rows.upheld.isnull(), "upheld_unknown"),
            (~rows.valid, "not_upheld"),
            else_=ibis.null("string"),
        )
    )
    return rows.filter(rows.received_on <= records.last_day).select(
        "estate_id",
        "record_id",
        "excluded",
        occurred_on="received_on",
        decided_on="received_on",
        numerator=ibis.literal(1.0),
        denominator=ibis.literal(0.0),
    )


METRIC = Metric(
    code="C05",
    family="rate",
    record="complaints",
    unit="per_100_homes_year",
    evidence=evidence,
    shows=("category", "received_on", "upheld", "matter_id", "responsibility"),
    source="hotline",
    exposure="homes",
    per=100,
    reporting=True,
)
