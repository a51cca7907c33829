"""Which facts are told of which kinds of event.

That is written down nowhere: it is found out, from what the attributes of a kind may say and from what a fact looks at
when it is read of somebody of whom nothing was told. So a new attribute or fact is known here by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from domain.attributes import ATTRIBUTES_BY_KIND, Handling, NoAttributes
from domain.events import Place
from domain.ids import EventId, HouseholdId, MemberId, OccurrenceKey
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from triggers.facts import FACTS
from triggers.history import HistoryEntry
from triggers.moments import Moment
from triggers.occurrences import Occurrence, family_of
from triggers.reference import Area, Reference
from triggers.standing import Person


@cache
def tells(family: str, fact: str) -> bool:
    """Whether the fact can be anything but unknown (or untrue) of an event of the family ('ed', 'crime' ...).

    Facts of the person, and those that are also read from elsewhere (the time, the place), are known of every event.
    Raises KeyError where there is no such family or fact.
    """
    looked_at, known_anyhow = _read(fact)
    return known_anyhow or not looked_at.isdisjoint(families()[family])


@cache
def families() -> Mapping[str, frozenset[str]]:
    """What may be told of an occurrence, by the first word of its kinds: all of these tell of the same one."""
    told: dict[str, set[str]] = {}
    for kind in Kind:
        attributes: Any = ATTRIBUTES_BY_KIND[kind]
        entry = _entry(kind, attributes())
        by_itself = Occurrence(entry.occurrence, (entry,), Reference()).final
        told.setdefault(family_of(kind), set()).update([each.name for each in fields(attributes)], by_itself)
    return {family: frozenset(names) for family, names in told.items()}


@cache
def _read(fact: str) -> tuple[frozenset[str], bool]:
    """The names of what was told that the fact looks at; and whether it is known though nothing at all was told."""
    noting = _Noting()
    value = FACTS[fact].read(of_nothing_told(noting))
    nothing = value is None or value is False or value == frozenset()
    return frozenset(noting.asked), not (noting.asked and nothing)


class _Noting(Mapping[str, Any]):
    """What was told of an occurrence of which nothing was told: notes the names that are asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


_AT = datetime(2026, 1, 1, tzinfo=UTC)
_SOMEWHERE = Place(lat=52.5, lon=-1.9, force_area="one")
_MEMBER = CohortMember(MemberId("nobody"), MemberStatus.AT_RISK, area="other", household_id=HouseholdId("home"))
_ELSEWHERE = Reference(areas={"other": Area("other", 51.5, -0.1)})
"""All that may be known beside what an event tells: what is unknown even so is unknown for want of telling."""


def of_nothing_told(values: Mapping[str, Any]) -> Moment:
    """A moment of which nothing but `values` was told, an hour after the occurrence began."""
    entry = _entry(Kind.WATCH_STARTED, NoAttributes())
    occurrence = Occurrence(entry.occurrence, (entry,), _ELSEWHERE)
    occurrence.final = values
    person = Person(_MEMBER, (), _ELSEWHERE)
    at, roles = _AT + timedelta(hours=1), frozenset({Role.CLIENT})
    about, subject = Relation.SELF, entry.subject
    return Moment(occurrence, entry, values, roles, subject, about, person, _ELSEWHERE, at, entry.order)


def _entry(kind: Kind, attributes: Any) -> HistoryEntry:
    return HistoryEntry(
        event_id=EventId("none"),
        kind=kind,
        feed=kind.feed or Feed.POLICE,
        source_system="none",
        source_key="none",
        occurrence=OccurrenceKey("none"),
        occurred_at=_AT,
        received_at=_AT,
        recorded_at=None,
        version="1",
        sequence=None,
        subject=str(_MEMBER.member_id),
        relation=Relation.SELF,
        role=None,
        place=_SOMEWHERE,
        attributes=attributes,
        handling=Handling.P,
    )
