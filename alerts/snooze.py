"""Snooze: one rule stays quiet for one person until an end, for a reason. A value, and what it holds back. Pure.

It holds messages back and never detection: whatever it keeps quiet is recorded (`held_back.py`) and listed when it
ends. A P1 breaks through unless two people have said otherwise. The idea is alertmanager's silence, made so small that
it cannot hide a person: one rule, one person, thirty days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from domain.clock import LONDON, from_london
from domain.errors import NotAllowed
from domain.ids import MemberId, NavigatorId, RuleId, digest
from domain.triggers import Priority, TriggerFired

LONGEST = timedelta(days=30)
"""No snooze is longer (proposed): whoever needs more says so again, with a reason of that day."""


class SnoozeState(StrEnum):
    """How a snooze stands."""

    ACTIVE = "active"
    ENDED = "ended"
    LIFTED = "lifted"  # undone before its end


@dataclass(frozen=True, slots=True)
class Maker:
    """Who does something to a snooze: how records name them, as what, and whom to tell (None: the supervisors)."""

    name: str
    role: str
    navigator_id: NavigatorId | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """One rule quiet for one person from `starts_at` until before `ends_at`. `version` counts its changes from 1.

    `asks_p1` says that P1 is to be quiet too; that holds only once a second person has said so (`p1_by`, `p1_at`).
    `told_at` is when its maker was told that it is over.
    """

    snooze_id: str
    rule_id: RuleId
    member_id: MemberId
    starts_at: datetime
    ends_at: datetime
    reason: str = field(repr=False)
    by: Maker
    asks_p1: bool = False
    p1_by: Maker | None = None
    p1_at: datetime | None = None
    lifted_by: Maker | None = None
    lifted_at: datetime | None = None
    lift_reason: str = field(default="", repr=False)
    told_at: datetime | None = None
    version: int = 1

    @property
    def over_at(self) -> datetime:
        """When it stops to hold: its end, or when it was lifted."""
        return self.ends_at if self.lifted_at is None else min(self.lifted_at, self.ends_at)

    def state_at(self, now: datetime) -> SnoozeState:
        """How it stands at `now`."""
        if now < self.over_at:
            return SnoozeState.ACTIVE
        return SnoozeState.ENDED if self.lifted_at is None else SnoozeState.LIFTED

    def holds(self, priority: Priority, now: datetime) -> bool:
        """Whether it keeps a firing of this priority quiet at `now`."""
        if not self.starts_at <= now < self.over_at:
            return False
        return priority is not Priority.P1 or (self.p1_at is not None and self.p1_at <= now)


def end_of(now: datetime, *, until: date | None = None, span: timedelta | None = None) -> datetime:
    """The end of a snooze made `now`: the close of a London day, or so long from now. Exactly one of both.

    Raises NotAllowed for none, both, an end that is not in the future, and one beyond LONGEST.
    """
    if (until is None) is (span is None):
        raise NotAllowed("A snooze needs either a last day or a span, and not both.")
    if span is not None:
        ends = now + min(span, timedelta(days=3650))
    else:
        assert until is not None
        ends = from_london(datetime.combine(min(until, date(9000, 1, 1)) + timedelta(days=1), time()))
    if ends <= now:
        raise NotAllowed("A snooze ends in the future.")
    if ends > now + LONGEST and (until is None or until > (now + LONGEST).astimezone(LONDON).date()):
        raise NotAllowed(f"A snooze lasts at most {LONGEST.days} days; it can be made again then.")
    return min(ends, now + LONGEST)


def snoozed(
    rule: RuleId, member: MemberId, *, ends_at: datetime, reason: str, by: Maker, asks_p1: bool, now: datetime
) -> Snooze:
    """A new snooze from `now`. The id follows from all that is said and when. Raises NotAllowed without a reason."""
    if not reason.strip():
        raise NotAllowed("A snooze needs a reason.")
    identity = digest("snooze", rule, member, by.name, now.isoformat(), ends_at.isoformat())
    return Snooze(identity, rule, member, now, ends_at, reason.strip(), by, asks_p1=asks_p1)


def confirmed(snooze: Snooze, by: Maker, now: datetime) -> Snooze:
    """The snooze after a second person said that P1 is to be quiet too. Said again by the same one: no change.

    Raises NotAllowed where nobody asked for that, it is over, or the second person is the first one.
    """
    if snooze.p1_by is not None and _same(snooze.p1_by, by):
        return snooze
    if not snooze.asks_p1 or snooze.p1_by is not None:
        raise NotAllowed("Nothing about this snooze waits for a second person.")
    if snooze.state_at(now) is not SnoozeState.ACTIVE:
        raise NotAllowed("This snooze is over.")
    if _same(snooze.by, by):
        raise NotAllowed("Quieting a P1 takes a second person.")
    return replace(snooze, p1_by=by, p1_at=now, version=snooze.version + 1)


def lifted(snooze: Snooze, by: Maker, reason: str, now: datetime) -> Snooze:
    """The snooze ended before its time. Lifting what is lifted changes nothing; NotAllowed once it has ended itself."""
    if snooze.lifted_at is not None:
        return snooze
    if snooze.state_at(now) is not SnoozeState.ACTIVE:
        raise NotAllowed("This snooze has ended.")
    if not reason.strip():
        raise NotAllowed("Lifting a snooze needs a reason.")
    return replace(snooze, lifted_by=by, lifted_at=now, lift_reason=reason.strip(), version=snooze.version + 1)


def told(snooze: Snooze, now: datetime) -> Snooze:
    """The snooze after its maker was told that it is over."""
    return replace(snooze, told_at=now, version=snooze.version + 1)


def _same(one: Maker, other: Maker) -> bool:
    """Whether both may be one person: the same navigator, or the same name whether by account or by key
    (`user:anna`, `key:anna`)."""
    if one.navigator_id is not None and one.navigator_id == other.navigator_id:
        return True
    return _bare(one.name) == _bare(other.name)


def _bare(name: str) -> str:
    kind, _, rest = name.partition(":")
    return (rest if kind in {"user", "key"} else name).strip().casefold()


@dataclass(frozen=True, slots=True)
class Snoozes:
    """The snoozes that may still hold, as one value: a decision reads it, a change makes a new one."""

    by_pair: Mapping[tuple[MemberId, RuleId], tuple[Snooze, ...]] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(snoozes: Iterable[Snooze]) -> "Snoozes":
        """These snoozes, those that end last first."""
        grouped: dict[tuple[MemberId, RuleId], list[Snooze]] = {}
        for snooze in sorted(snoozes, key=lambda one: (one.ends_at, one.snooze_id), reverse=True):
            grouped.setdefault((snooze.member_id, snooze.rule_id), []).append(snooze)
        return Snoozes({pair: tuple(found) for pair, found in grouped.items()})

    def holding(self, trigger: TriggerFired, now: datetime) -> Snooze | None:
        """The snooze that keeps this firing quiet at `now`; None if it is to be told."""
        found = self.by_pair.get((trigger.member_id, trigger.rule_id), ())
        return next((snooze for snooze in found if snooze.holds(trigger.priority, now)), None)

    def of_member(self, member: MemberId, now: datetime) -> tuple[Snooze, ...]:
        """What is quiet for a person at `now`, by rule."""
        found = (each for (who, _), snoozes in self.by_pair.items() if who == member for each in snoozes)
        return tuple(sorted((each for each in found if each.state_at(now) is SnoozeState.ACTIVE), key=_by_rule))


def _by_rule(snooze: Snooze) -> tuple[str, str]:
    return (snooze.rule_id, snooze.snooze_id)


NO_SNOOZES = Snoozes()
"""Nothing is quiet."""
