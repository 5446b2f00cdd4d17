"""What stands beside a record, in words (contract RecordFlag): facts to look at again, never guilt."""

from __future__ import annotations

from i18n.words import Words


def said(flags: list[dict] | None, t: Words) -> str:
    """The flags of one record as one line; empty where it has none.

    Args:
        flags: as ``data.queries.files.evidence`` gives them; without ``other_id`` the other record is not the viewer's to see.
    """
    parts = []
    for flag in flags or []:
        other = flag["other_id"] or t("record_flag.elsewhere")
        likeness = "" if flag["likeness"] is None else f"{flag['likeness']:.0%}"
        parts.append(t(f"record_flag.{flag['kind']}", days=flag["days"], other=other, likeness=likeness))
    return t("common.semicolon").join(parts)
