"""The timeline of a rule test, put in order: what came when, which telling is the later one, and what `retracts` names.

Sources number their tellings and know the ids of their events; authors of rule tests do neither, so it is settled here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from domain.attributes import EdAttributes
from domain.events import Event
from domain.ids import MemberId, event_id
from domain.kinds import Kind, Role
from triggers.occurrences import family_of


@dataclass(frozen=True, slots=True)
class Step:
    """One timeline entry: an event about a member, as it arrives."""

    event: Event
    member: MemberId | None
    role: Role | None


def arranged(steps: list[Step], versioned: list[bool], called: list[str]) -> tuple[Step, ...]:
    """The steps in order of arrival; `versioned` says of each whether the file gives its version, `called` by which
    `event_id` the file calls it, '' where it does not."""
    return _in_order(_resolved(_numbered(steps, versioned), called))


ENDING = frozenset({Kind.CRIME_CANCELLED, Kind.CRIME_ROLE_REMOVED, Kind.ED_CANCELLED, Kind.INTEL_WITHDRAWN})
"""Kinds that end an occurrence, or somebody's part in it: naming one telling of it by `retracts`, they name it."""


def _numbered(steps: list[Step], versioned: list[bool]) -> list[Step]:
    """Where the file gives no version, the one that came later is the later one, also of the same moment. What is
    listed again in the same words is the same telling and keeps its number."""
    arrivals: dict[str, int] = {}
    for step in _in_order(steps):
        arrivals.setdefault(step.event.version, len(arrivals))
    return [
        step
        if own
        else replace(step, event=_as_version(step.event, f"{arrivals[step.event.version]:05d}-{step.event.version}"))
        for step, own in zip(steps, versioned, strict=True)
    ]


def _as_version(event: Event, version: str) -> Event:
    """The event under another version, and so another id."""
    own = event_id(
        feed=event.feed,
        source_system=event.source_system,
        source_key=event.source_key,
        kind=event.kind,
        version=version,
    )
    return replace(event, event_id=own, version=version)


def named_by_retracts(steps: Sequence[Step], called: Sequence[str]) -> tuple[Event | None, ...]:
    """For each step the event that its `retracts` names; None where it has none, or where there is no such event."""
    return tuple(named for _, named in _naming(steps, called))


def _resolved(steps: list[Step], called: list[str]) -> list[Step]:
    return [step for step, _ in _naming(steps, called)]


def _naming(steps: Sequence[Step], called: Sequence[str]) -> Iterator[tuple[Step, Event | None]]:
    """Authors cannot know event ids: what retracts the name that the file gives an event retracts that event, and what
    retracts a source key the last entry listed under it before. Each step as it is meant, and the event it names."""
    by_name = {name: step.event for step, name in zip(steps, called, strict=True) if name}
    by_key: dict[str, Event] = {}
    for step in steps:
        event = step.event
        word = str(event.retracts)
        named = None if event.retracts is None else by_name.get(word) or by_key.get(word)
        if named is not None and event.kind in ENDING and family_of(event.kind) == family_of(named.kind):
            event = _about(event, named)
        elif named is not None:
            event = replace(event, retracts=named.event_id)
        yield replace(step, event=event), named
        by_key[event.source_key] = event


def _about(event: Event, named: Event) -> Event:
    """The event as one of the occurrence that it names: cancelled is a crime, not one telling of it."""
    own = _as_version(replace(event, source_key=named.source_key, retracts=None), event.version)
    if isinstance(own.attributes, EdAttributes) and isinstance(named.attributes, EdAttributes):
        return replace(own, attributes=replace(own.attributes, visit_key=named.attributes.visit_key))
    return own


def _in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By arrival; those that arrive together as listed."""
    return tuple(sorted(steps, key=lambda step: step.event.received_at))
