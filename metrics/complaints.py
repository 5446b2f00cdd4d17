"""Which complaints count, shared by the complaint metrics."""

import ibis

from data.flag_tables import SCORED_ONCE
from metrics.flagged import flagged

#: Natures of hotline orders that ask the company to do something (domain.md 7.3).
DEMANDS = ("complaint", "request")


def valid_complaints(records):
    """One row per complaint or request tied to an estate, with ``received_on`` (local day) and ``excluded``.

    ``excluded`` names why a complaint is shown and not counted: ``unreasonable`` (found so by the set procedure),
    ``not_company`` (another party's duty), ``disputed`` (an objection is open), ``repeat_report`` (the same caller's
    complaint, entered again through another channel while it was open). Others carry NULL.
    """
    rows = records.complaints.filter(records.complaints.nature.isin(DEMANDS) & records.complaints.estate_id.notnull())
    return rows.mutate(
        excluded=ibis.cases(
            (rows.unreasonable.fill_null(False), "unreasonable"),
            ((rows.responsibility != "company").fill_null(False), "not_company"),
            (rows.objection_open.fill_null(False), "disputed"),
            (rows.record_id.isin(flagged(records, "complaints", "same_report")), SCORED_ONCE["same_report"]),
            else_=ibis.null("string"),
        )
    )
