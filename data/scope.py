"""Which rows a viewer may read. The only place that restricts rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["supervisor", "subdistrict", "station", "manager", "steward"]
ROLES: tuple[Role, ...] = ("supervisor", "subdistrict", "station", "manager", "steward")


@dataclass(frozen=True)
class Scope:
    """The rows one viewer may read.

    A supervisor reads the whole district, a sub-district or station officer the estates of their area, a manager
    their own company's spells at its estates, a steward deliveries and rows set aside but no scores. Build it
    once, at sign-in; pass it to every query.

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

    def _incomplete(self) -> PermissionError:
        return PermissionError(
            f"Viewer '{self.viewer_id}' is a {self.role} without the area or company that role needs. "
            "Ask the district's data steward to complete the account."
        )
