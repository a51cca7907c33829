"""Intelligence that would have fired but waits for the police gatekeeper: an item, and a bell without content. Pure.

Too many bells wait among the others, and the supervisors hear of the flood.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.breaker import Flood, Sent
from alerts.model import Purpose
from alerts.planning import Row, damped, notices
from alerts.reference import reference_of
from alerts.routing import Directory, RoutingPolicy, gatekeepers
from domain.events import Event
from domain.ids import AlertId, digest, shard_of
from domain.people import CohortMember
from domain.triggers import Priority
from streams.messages import HeldIntel
from triggers.history import History, HistoryEntry
from triggers.verdicts import FiringDecision, Verdict


@dataclass(frozen=True, slots=True)
class Gate:
    """Who keeps the gate, with which secret references are made."""

    directory: Directory
    routing: RoutingPolicy
    secret: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """What waits now, and the messages that say so."""

    items: tuple[HeldIntel, ...] = ()
    rows: tuple[Row, ...] = ()
    sent: tuple[Sent, ...] = ()


def waiting_for_gatekeeper(held: Iterable[Verdict]) -> list[Verdict]:
    """Those of them that the gatekeeper is to decide on."""
    return [verdict for verdict in held if verdict.decision is FiringDecision.HELD_FOR_GATEKEEPER]


def item_of(
    record: Event | HistoryEntry, verdicts: Sequence[Verdict], member: CohortMember, now: datetime
) -> HeldIntel:
    """What waits about one record of intelligence."""
    return HeldIntel(
        held_id=digest("held", record.event_id, member.member_id),
        event_id=record.event_id,
        source_system=record.source_system,
        source_key=record.source_key,
        member_id=member.member_id,
        rules=tuple(sorted({verdict.trigger.rule_id for verdict in verdicts})),
        occurred_at=record.occurred_at,
        created_at=now,
    )


def items_missed(verdicts: Iterable[Verdict], history: History, member: CohortMember, now: datetime) -> list[HeldIntel]:
    """The items of verdicts that nothing heard now has brought about: each about the record that completes it."""
    entries = {entry.event_id: entry for entry in history}
    by_record: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.anchor in entries:
            by_record.setdefault(verdict.anchor, []).append(verdict)
    return [item_of(entries[found[0].anchor], found, member, now) for found in by_record.values()]


def kept_waiting(
    items: Sequence[HeldIntel], member: CohortMember, gate: Gate, flood: Flood | None, now: datetime
) -> Held:
    """The items with their bells, unless too many have rung."""
    rows: list[Row] = []
    sent: list[Sent] = []
    for item in items:
        found = gatekeepers(gate.directory, gate.routing, area=member.area).recipients
        if found and flood is not None:
            found, rung = damped(
                found,
                flood.plus(sent),
                about=AlertId(item.held_id),
                group=0,
                rules=(),
                priority=Priority.P1,
                leaves_at=now,
                now=now,
            )
            sent.append(rung)
        rows += notices(
            found,
            purpose=Purpose.GATEKEEPER,
            reference=reference_of(item.held_id, gate.secret),
            shard=shard_of(member.member_id),
            about=item.held_id,
            due=now,
            now=now,
        )
    return Held(tuple(items), tuple(rows), tuple(sent))
