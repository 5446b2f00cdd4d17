"""Which rows a viewer may read. The only place that restricts rows.

``WHO_READS`` says it as a table: one line per relation of an edition, one SQL condition per kind of viewer. A relation
without a line cannot be read by anyone, so a new table is closed until someone decides who may open it.

An estate belongs to the sub-district and station of its newest row: when it changes station, its file goes along.
A manager reads the own company's spells and nothing of the estate before or after them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from rules.book import Book

Role = Literal["supervisor", "subdistrict", "station", "manager", "steward"]
ROLES: tuple[Role, ...] = ("supervisor", "subdistrict", "station", "manager", "steward")

#: The column of ``estates`` that names an officer's area.
AREA_COLUMN = {"subdistrict": "subdistrict_id", "station": "station_id"}
ALL = "true"
AREA = "SELECT estate_id FROM estates GROUP BY estate_id HAVING arg_max({column}, period) = $scope_area"
AREA_NOW = "SELECT estate_id FROM estates GROUP BY estate_id HAVING arg_max({column}, valid_from) = $scope_area"
OWN_UNITS = "SELECT unit_id FROM management WHERE company_id = $scope_company"
OWN_TENURES = "SELECT tenure_id FROM tenures WHERE company_id = $scope_company"
ONLY_OWN_HEADS = (
    "SELECT head_id FROM tenures WHERE head_id IS NOT NULL "
    "GROUP BY head_id HAVING bool_and(company_id = $scope_company)"
)
AREA_COMPANIES = "SELECT company_id FROM management WHERE estate_id IN ({area})"


class Readers(NamedTuple):
    """One relation: the condition for officers, for a manager, for a steward. None = that role may not read it."""

    officer: str | None
    manager: str | None
    steward: str | None = None


#: A number of a class is shown where at least so many estates stand behind it that are not the viewer's own.
LEAST_OTHERS = Book().file("views").versions[-1]["least_others"]  # the newest version: what is shown now
OTHERS = (
    "{{a}}.units - (SELECT count(*) FROM estates AS own WHERE own.period = {{a}}.period "
    f"AND own.estate_class = {{{{a}}}}.estate_class AND {{own}}) >= {LEAST_OTHERS}"
)
EVERYONE = Readers(ALL, ALL, ALL)
IN_AREA = "{a}.estate_id IN ({area})"
OWN_COMPANY = "{a}.company_id = $scope_company"
LEVEL_ROWS = Readers(
    "(CASE {a}.level WHEN 'estate' THEN {a}.unit_id IN ({area}) "
    "ELSE {a}.unit_id IN (SELECT tenure_id FROM tenures WHERE estate_id IN ({area})) END)",
    f"(CASE {{a}}.level WHEN 'tenure' THEN {{a}}.unit_id IN ({OWN_UNITS}) "
    f"WHEN 'head' THEN {{a}}.unit_id IN ({OWN_TENURES}) ELSE false END)",
)
OWN_ESTATES = "{a}.estate_id IN (SELECT estate_id FROM management WHERE company_id = $scope_company)"
OWN_EVIDENCE = f"({{a}}.unit_id IN ({OWN_UNITS}) OR {{a}}.tenure_id IN ({OWN_TENURES}))"

WHO_READS: dict[str, Readers] = {
    "edition": EVERYONE,
    "rulebook": EVERYONE,
    "periods": EVERYONE,
    "areas": EVERYONE,
    "estates": Readers(IN_AREA, OWN_COMPANY, ALL),  # a manager: the periods on whose last day the company was in charge
    "management": Readers(IN_AREA, OWN_COMPANY, ALL),
    "tenures": Readers(IN_AREA, OWN_COMPANY, ALL),
    "companies": Readers(f"{{a}}.company_id IN ({AREA_COMPANIES})", OWN_COMPANY, ALL),
    "office_heads": Readers(
        "{a}.head_id IN (SELECT head_id FROM tenures WHERE estate_id IN ({area}))",
        "{a}.head_id IN (SELECT head_id FROM tenures WHERE company_id = $scope_company)",
        ALL,
    ),
    "evidence": Readers(IN_AREA, OWN_EVIDENCE),
    "metric_sums": LEVEL_ROWS,
    "inspectors": Readers(None, None),  # persons, and no party's business: the supervisor's alone
    "closings": Readers(f"{{a}}.company_id IN ({AREA_COMPANIES})", OWN_COMPANY),
    "propensity": Readers(  # a manager: the periods on whose last day the company was in charge
        IN_AREA,
        "EXISTS (SELECT 1 FROM estates AS own WHERE own.estate_id = {a}.estate_id AND own.period = {a}.period "
        "AND own.company_id = $scope_company)",
    ),
    "metric_scores": LEVEL_ROWS,
    "subindex_scores": LEVEL_ROWS,
    "index_scores": LEVEL_ROWS,
    "flags": LEVEL_ROWS,
    "changes": LEVEL_ROWS,
    # A head who also served elsewhere has a score made of other companies' estates too: not for one company's manager.
    "company_scores": Readers(
        f"(CASE {{a}}.party WHEN 'company' THEN {{a}}.party_id IN ({AREA_COMPANIES}) "
        "ELSE {a}.party_id IN (SELECT head_id FROM tenures WHERE estate_id IN ({area})) END)",
        "(CASE {a}.party WHEN 'company' THEN {a}.party_id = $scope_company "
        f"ELSE {{a}}.party_id IN ({ONLY_OWN_HEADS}) END)",
    ),
    "party_parts": Readers(
        IN_AREA,
        f"(CASE {{a}}.party WHEN 'company' THEN {{a}}.unit_id IN ({OWN_UNITS}) ELSE {{a}}.unit_id IN ({OWN_TENURES}) END)",
    ),
    "priors": Readers(ALL, ALL),  # anonymous: one row per class
    # A class's spread less one's own estates must still be enough others' (rules/views.toml), or it tells a rival's number.
    "quantiles": Readers(
        OTHERS.format(own="own.estate_id IN ({area})"), OTHERS.format(own=OWN_ESTATES.format(a="own"))
    ),
    "seasons": EVERYONE,  # of the whole district
    "dispersion": EVERYONE,
    "sensitivity": EVERYONE,  # of the method, not of anybody
    "sensitivity_facts": EVERYONE,
    "coherence": EVERYONE,
    # What to look at again: of estates the officers of the area; of companies and the district the supervisor alone.
    "checks": Readers("({a}.level = 'estate' AND {a}.unit_id IN ({area}))", None),
    "check_runs": Readers(ALL, None),
    "record_flags": Readers(IN_AREA, OWN_EVIDENCE),
    "record_repeats": Readers(  # both records must be the viewer's to read
        "{a}.estate_id IN ({area}) AND {a}.other_estate_id IN ({area})",
        f"({{a}}.unit_id IN ({OWN_UNITS}) AND {{a}}.other_unit_id IN ({OWN_UNITS}))",
    ),
    "validity": EVERYONE,
    "audits": Readers("{a}.finding", "{a}.finding", ALL),  # of small groups one could tell whose number it is
    "robustness": LEVEL_ROWS,
    "disputed_scores": LEVEL_ROWS,
    "disputes": Readers(IN_AREA, OWN_ESTATES),
    "withheld": Readers(IN_AREA, OWN_ESTATES),
    "due": Readers(
        f"(CASE {{a}}.party WHEN 'company' THEN {{a}}.company_id IN ({AREA_COMPANIES}) "
        "ELSE {a}.estate_id IN ({area}) END)",
        OWN_COMPANY,
    ),
    # What decided cases put into the edition; of a company as a whole, whoever has it in the area.
    "sanctions": Readers(
        "(CASE WHEN {a}.estate_id IS NULL "
        f"THEN {{a}}.company_id IN ({AREA_COMPANIES}) ELSE {{a}}.estate_id IN ({{area}}) END)",
        OWN_COMPANY,
    ),
    "rulings": Readers(IN_AREA, OWN_COMPANY),
    "data_quality": Readers(
        IN_AREA, "{a}.estate_id IN (SELECT estate_id FROM management WHERE company_id = $scope_company)", ALL
    ),
    "coverage": Readers(IN_AREA, None, ALL),  # who owes what record; no score
    # Officers and managers: the files their evidence stands in. Steward and supervisor: all.
    "deliveries": Readers(
        "{a}.delivery_id IN (SELECT delivery_id FROM evidence WHERE estate_id IN ({area}))",
        f"{{a}}.delivery_id IN (SELECT delivery_id FROM evidence WHERE unit_id IN ({OWN_UNITS}))",
        ALL,
    ),
    # On the records store (``data.records.attach_records``), where ``estates`` carries validity days.
    "delivery_notes": Readers(None, None, ALL),
    "delivery_columns": Readers(None, None, ALL),
    "delivery_headings": Readers(None, None, ALL),
    "deliveries_waiting": Readers(None, None, ALL),
    "reference_links": Readers(None, None, ALL),
    "versions": Readers(None, None, ALL),
    "desk_acts": Readers(None, None, ALL),
    "desk_rows": Readers(None, None, ALL),
    "rows_set_aside": Readers("{a}.estate_id IN ({area_now})", None, ALL),
}


class Condition(NamedTuple):
    """A SQL condition and the parameters it names: exactly those, as DuckDB refuses any that are not used."""

    sql: str
    params: dict[str, str]


@dataclass(frozen=True)
class Scope:
    """The rows one viewer may read.

    A supervisor reads the whole district, a sub-district or station officer the estates of their area, a manager
    their own company's spells at its estates, a steward registers, deliveries and rows set aside but no scores. Build
    it once, at sign-in; pass it to every query.

    Attributes:
        viewer_id: the account.
        role: one of ROLES.
        area_id: the sub-district or station, for those roles.
        company_id: the company, for a manager.
    """

    viewer_id: str
    role: Role
    area_id: str | None = None
    company_id: str | None = None

    def where(self, relation: str, alias: str | None = None) -> Condition:
        """The rows of ``relation`` this viewer may read, as a condition for its WHERE clause.

        ``alias`` is the name the query gives the relation; its own name by default. Parameters are called
        ``scope_...`` so they never meet the query's own; conditions on several relations may share them.

            seen = scope.where("evidence", "e")
            con.sql(f"SELECT * FROM evidence AS e WHERE e.metric = $metric AND {seen.sql}",
                    params={"metric": metric} | seen.params)

        Raises:
            PermissionError: the role may not read the relation, or the account is incomplete.
        """
        template = self._template(relation)
        if template is None:
            raise PermissionError(
                f"Relation '{relation}' is closed to viewer '{self.viewer_id}' with role '{self.role}'. "
                "Each role reads only what its duty needs. Ask the district's data steward if the role is wrong."
            )
        column = AREA_COLUMN.get(self.role, "")
        sql = template.format(
            a=alias or relation, area=AREA.format(column=column), area_now=AREA_NOW.format(column=column)
        )
        known = {"scope_area": self.area_id, "scope_company": self.company_id}
        return Condition(sql, {name: value for name, value in known.items() if value and f"${name}" in sql})

    def require(self, *roles: Role) -> None:
        """Let the viewer pass only with one of ``roles``; pages ask it first.

        Raises:
            PermissionError: another role, or an incomplete account.
        """
        self._check_complete()
        if self.role not in roles:
            raise PermissionError(
                f"This page is for {', '.join(roles)}; viewer '{self.viewer_id}' is '{self.role}'. "
                "It shows what another duty needs. Ask the district's data steward if the role is wrong."
            )

    def _template(self, relation: str) -> str | None:
        self._check_complete()
        readers = WHO_READS.get(relation)
        if readers is None:
            raise PermissionError(
                f"Nobody has decided who may read relation '{relation}', so it stays closed. "
                "Add a line for it to WHO_READS in data/scope.py, with a test."
            )
        if self.role == "supervisor":
            return ALL
        return {"manager": readers.manager, "steward": readers.steward}.get(self.role, readers.officer)

    @property
    def complete(self) -> bool:
        """Whether the role exists and has the area or company it needs."""
        needed = {"subdistrict": self.area_id, "station": self.area_id, "manager": self.company_id}
        return self.role in ROLES and bool(needed.get(self.role, "none needed"))

    def _check_complete(self) -> None:
        if not self.complete:
            raise PermissionError(
                f"Viewer '{self.viewer_id}' has role '{self.role}' without the area or company that role needs. "
                "Without it nobody can tell which rows are theirs, so none are shown. "
                "Ask the district's data steward to complete the account."
            )
