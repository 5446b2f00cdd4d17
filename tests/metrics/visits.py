"""Visits and items for tests of the inspection metrics."""

from datetime import date

VISIT = {"inspection_id": "i1", "estate_id": "oak", "inspected_on": date(2026, 2, 14), "kind": "routine",
         "trigger": "routine", "body": "fire"}  # fmt: skip


def visited(item_code, *looks, **visit):
    """One visit with one item; ``looks`` are (checked, passed) or (checked, passed, severity), one visit each."""
    visits, items = [], []
    for n, look in enumerate(looks, 1):
        checked, passed, severity = (*look, None)[:3]
        visits.append(VISIT | {"inspection_id": f"i{n}"} | visit)
        items.append({"inspection_id": f"i{n}", "item_code": item_code, "checked": checked, "passed": passed,
                      "severity": severity})  # fmt: skip
    return {"inspections": visits, "inspection_items": items}
