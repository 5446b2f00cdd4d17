"""A case about invented parties, moved by hand through its events: for tests of the fold, of what is allowed and of tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from cases.allowed import Asked, NotDue, refusal
from cases.case import Case, after, fold
from cases.days import ZONE
from cases.drafting import drafted
from data.events import Event
from data.scope import Scope
from rules.book import Book

BOOK = Book()
ANNA, BEN, OUTSIDE = Scope("anna", "supervisor"), Scope("ben", "supervisor"), Scope("mei", "manager", company_id="acme")
STATION = Scope("tao", "station", area_id="north-1")
IDENTITY = {
    "party": "estate", "party_id": "oak@2020", "estate_id": "oak", "company_id": "acme", "head_id": "zhao",
    "period": "2025Q4", "matter": "",
}  # fmt: skip


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZONE).astimezone(UTC)


@dataclass
class Run:
    """One case under way; ``today`` moves only forward."""

    step: str
    today: date
    rows: list[Event] = field(default_factory=list)
    opened_by: Scope = STATION

    def __post_init__(self) -> None:
        facts = IDENTITY | {"step": self.step}
        self._write(self.opened_by, "opened", facts, "事实清楚")

    def _write(self, who: Scope, kind: str, facts: dict, reason: str) -> None:
        number = len(self.rows) + 1
        self.rows.append(
            Event(
                "2025Q4-0001",
                number,
                kind,
                noon(self.today),
                who.viewer_id,
                who.role,
                "2025Q4-1",
                "GDP 30",
                reason,
                facts,
                seq=number,
            )
        )

    @property
    def case(self) -> Case:
        return fold(self.rows)

    def refused(self, who: Scope, kind: str, facts: dict) -> NotDue | None:
        return refusal(self.case, kind, Asked(who, self.today, BOOK.on(self.today, "cases"), facts))

    def do(self, who: Scope, kind: str, reason: str = "理由", **facts) -> Case:
        """Act as ``acts.act`` does, without stores or papers.

        Raises:
            NotDue: it is refused; nothing was written.
        """
        before = self.case
        if refused := refusal(before, kind, Asked(who, self.today, BOOK.on(self.today, "cases"))):
            raise refused
        rules = (BOOK.on(self.today, "cases"), BOOK.on(self.today, "ladder"))
        whole = drafted(before, kind, self.today, *rules, facts)
        if refused := self.refused(who, kind, whole):
            raise refused
        self._write(who, kind, whole, reason)
        assert after(before, self.rows[-1]) == self.case
        return self.case

    def later(self, days: int) -> Run:
        self.today += timedelta(days=days)
        return self

    def on(self, day: date) -> Run:
        assert day >= self.today
        self.today = day
        return self
