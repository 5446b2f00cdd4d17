"""What the viewer's own account belongs to."""

from __future__ import annotations

import duckdb

from data.queries import ask, readable
from data.scope import Scope


def belongs_to(scope: Scope, con: duckdb.DuckDBPyConnection) -> dict | None:
    """The viewer's area or company: name_zh, name_en. None for the whole district, or where the edition has none."""
    params = {"area": scope.area_id, "company": scope.company_id}
    r = readable(scope, params, a="areas", c="companies")
    own = {
        "subdistrict": f"SELECT name_zh, name_en FROM {r['a']} AS a WHERE area_id = $area",
        "station": f"SELECT name_zh, name_en FROM {r['a']} AS a WHERE area_id = $area",
        "manager": f"SELECT name_zh, name_en FROM {r['c']} AS c WHERE company_id = $company",
    }.get(scope.role)
    found = ask(con, own, params) if own else None
    return None if found is None or found.is_empty() else found.row(0, named=True)
