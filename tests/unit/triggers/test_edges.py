"""What is news within one occurrence: a moment hidden by any earlier one that was as urgent and as early known."""

from datetime import UTC, datetime, timedelta

from domain.attributes import MissingAttributes, MissingRisk
from domain.events import Event
from domain.ids import EventId
from domain.kinds import Kind, Role
from domain.matches import Relation
from tests.unit.triggers.histories import MEMBER
from triggers.evaluate import evaluate
from triggers.history import HistoryEntry, entry_of, with_entries
from triggers.loading import shipped_rules

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def _missing(name: str, kind: Kind, day: int, risk: MissingRisk, *, heard: int) -> HistoryEntry:
    """An entry of one episode that happened on one day and was heard on another."""
    at, received = AT + day * DAY, AT + heard * DAY
    said = MissingAttributes(episode_id="E", risk=risk)
    assert kind.feed is not None
    event = Event(EventId(name), kind, kind.feed, "s", "E", at, received, version=name, attributes=said)
    return entry_of(event, subject="M1", relation=Relation.SELF, role=Role.MISSING)


def test_what_came_too_late_hides_what_is_no_news_beside_it_also_after_something_more_urgent() -> None:
    """Found by the oracle at full trials: of several that came too late only the last was remembered."""
    history = with_entries(
        (),
        (
            _missing("a", Kind.MISSING_REPORTED, 0, MissingRisk.MEDIUM, heard=5),
            _missing("b", Kind.MISSING_REGRADED, 10, MissingRisk.HIGH, heard=90),
            _missing("c", Kind.MISSING_REGRADED, 20, MissingRisk.MEDIUM, heard=30),
        ),
    )
    found = [one for one in evaluate(shipped_rules(), MEMBER, history) if one.rule_id == "MISSING_CHILD"]
    assert [(str(one.anchor), one.priority.value, one.decision.value) for one in found] == [
        ("a", "P2", "too_late"),
        ("b", "P1", "too_late"),
    ]
