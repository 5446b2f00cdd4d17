"""Every page: where it stands in the menu, its address, who may open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from data.scope import Role
from pages.about import editions, fairness, method, notices, sensitivity
from pages.cases import bulletin, case, due, history, tasks
from pages.records import (
    checks,
    corrections,
    coverage,
    deliveries,
    known,
    mapping,
    outbox,
    set_aside,
    signins,
    spellings,
    views,
    visit,
)
from pages.scores import companies, company, estate, estates, scorecard

OFFICERS: tuple[Role, ...] = ("supervisor", "subdistrict", "station")
EVERYONE: tuple[Role, ...] = (*OFFICERS, "manager", "steward")


@dataclass(frozen=True)
class Page:
    """One page of the menu (or, not ``in_menu``, reached from others).

    Attributes:
        section: folder below ``pages/``, and word ``section.<section>``.
        url_path: its address; title ``page.<url_path>.menu``.
        roles: who may open it; the page asks again itself.
        show: ``show(scope, con, t)`` draws it; ``con`` is None where no edition is published.
        needs_edition: False for pages that work before the first edition.
    """

    section: str
    url_path: str
    roles: tuple[Role, ...]
    show: Callable
    needs_edition: bool = True
    in_menu: bool = True


#: The first page open to a role is where it lands.
PAGES: tuple[Page, ...] = (
    Page("scores", "companies", OFFICERS, companies.show),
    Page("scores", "estates", OFFICERS, estates.show),
    Page("scores", "scorecard", ("manager",), scorecard.show),
    Page("scores", "estate", (*OFFICERS, "manager"), estate.show, in_menu=False),
    Page("scores", "company", (*OFFICERS, "manager"), company.show, in_menu=False),
    Page("cases", "due", (*OFFICERS, "manager"), due.show),
    Page("cases", "tasks", (*OFFICERS, "manager"), tasks.show),
    Page("cases", "case", (*OFFICERS, "manager"), case.show, in_menu=False),
    Page("cases", "history", (*OFFICERS, "manager"), history.show, in_menu=False),
    Page("cases", "bulletin", ("supervisor",), bulletin.show),
    Page("records", "deliveries", ("steward", "supervisor"), deliveries.show, needs_edition=False),
    Page("records", "mapping", ("steward",), mapping.show, needs_edition=False),
    Page("records", "set_aside", ("steward", "supervisor"), set_aside.show, needs_edition=False),
    Page("records", "spellings", ("steward", "supervisor"), spellings.show, needs_edition=False),
    Page("records", "coverage", ("steward", *OFFICERS), coverage.show),
    Page("records", "known", ("steward", "supervisor"), known.show, needs_edition=False),
    Page("records", "corrections", ("steward", "supervisor"), corrections.show, needs_edition=False),
    Page("records", "checks", OFFICERS, checks.show),
    Page("records", "visit", ("subdistrict", "station"), visit.show),
    Page("records", "outbox", ("steward",), outbox.show, needs_edition=False),
    Page("records", "views", ("steward", "manager"), views.show, needs_edition=False),
    Page("records", "signins", ("steward",), signins.show, needs_edition=False),
    Page("about", "method", EVERYONE, method.show, needs_edition=False),
    Page("about", "sensitivity", EVERYONE, sensitivity.show),
    Page("about", "fairness", EVERYONE, fairness.show),
    Page("about", "notices", EVERYONE, notices.show, needs_edition=False),
    Page("about", "editions", ("supervisor", "steward"), editions.show, needs_edition=False),
)


def landing(role: Role) -> str:
    """Address of the first page open to a role; a role nobody knows lands on the method, which is closed to it."""
    return next((page.url_path for page in PAGES if role in page.roles), PAGES[-1].url_path)
