"""Between what the rules say and who is told: what a snooze, a cap or a moment that has passed keeps quiet. Pure.

Nothing vanishes: whatever is taken out here becomes a record with its why. A correction of something that was told is
never taken out, and a held firing never quiets a newer one once its snooze is over: then it is told itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.held_back import HeldBack, HeldState, HeldWhy
from alerts.snooze import Snoozes
from domain.ids import FiringId
from domain.triggers import TriggerFired
from triggers.changes import Changes, Moved
from triggers.verdicts import FiringDecision, Verdict

Records = Mapping[FiringId, HeldBack]


@dataclass(frozen=True, slots=True)
class Sifted:
    """What goes on to the alerts, and the records that come or change with it."""

    changes: Changes
    records: tuple[HeldBack, ...] = ()


@dataclass(slots=True)
class _Sieve:
    """One event's sifting under way."""

    snoozes: Snoozes
    known: Records
    now: datetime
    records: dict[FiringId, HeldBack] = field(default_factory=dict)

    def held(self, firing: FiringId) -> HeldBack | None:
        """The record of a firing that is still held."""
        found = self.records.get(firing) or self.known.get(firing)
        return found if found is not None and found.state is HeldState.HELD else None

    def becomes(self, record: HeldBack, state: HeldState) -> None:
        self.records[record.trigger.firing_id] = record.become(state, self.now)

    def keeps(self, trigger: TriggerFired) -> bool:
        """Whether the firing is kept quiet now; then it is recorded."""
        snooze = self.snoozes.holding(trigger, self.now)
        if snooze is not None:
            self.record(trigger, HeldWhy.SNOOZED, snooze.snooze_id)
            return True
        if _has_passed(trigger, self.now):
            self.record(trigger, HeldWhy.EXPIRED)
            return True
        return False

    def record(self, trigger: TriggerFired, why: HeldWhy, snooze_id: str = "") -> None:
        self.records[trigger.firing_id] = HeldBack(trigger, why, self.now, snooze_id)


def sift(changes: Changes, known: Iterable[HeldBack], snoozes: Snoozes, now: datetime) -> Sifted:
    """The changes without what is kept quiet at `now`, and the records. `known` are the person's records so far."""
    sieve = _Sieve(snoozes, {one.trigger.firing_id: one for one in known}, now)
    moved, replaced = _moves(sieve, changes.moved)
    fired = [trigger for trigger in (*changes.fired, *replaced) if not sieve.keeps(trigger)]
    for trigger in changes.withdrawn:
        record = sieve.held(trigger.firing_id)
        if record is not None:
            sieve.becomes(record, HeldState.WITHDRAWN)
    fired += _awoken(sieve, changes.held)
    passed_on = changes
    if sieve.records:
        passed_on = replace(changes, fired=tuple(fired), moved=moved)
    return Sifted(passed_on, tuple(sieve.records.values()))


def capped(triggers: Iterable[TriggerFired], now: datetime) -> tuple[HeldBack, ...]:
    """The records of firings that a cap keeps from alerting."""
    return tuple(HeldBack(trigger, HeldWhy.CAP, now) for trigger in triggers)


def _moves(sieve: _Sieve, moved: tuple[Moved, ...]) -> tuple[tuple[Moved, ...], list[TriggerFired]]:
    """Moves of what was told go on. Of what was held, the record moves; only a more urgent firing is judged anew."""
    passed_on, anew = list[Moved](), list[TriggerFired]()
    for old, new in moved:
        record = sieve.held(old.firing_id)
        if record is None:
            passed_on.append((old, new))
            continue
        sieve.becomes(record, HeldState.WITHDRAWN)
        if new.priority.outranks(old.priority) or record.why is not HeldWhy.SNOOZED:
            anew.append(new)
        else:
            sieve.records[new.firing_id] = replace(record, trigger=new)
    return tuple(passed_on), anew


def _awoken(sieve: _Sieve, held: Iterable[Verdict]) -> list[TriggerFired]:
    """Held firings that keep a new candidate quiet though their snooze is over: they are told now, marked late.

    They and not the candidate, so that a correction of their ground finds them as it finds any other firing.
    """
    told: list[TriggerFired] = []
    for verdict in held:
        if verdict.decision is not FiringDecision.COOLING or verdict.cooled_by is None:
            continue
        record = sieve.held(verdict.cooled_by)
        if record is None or record.why is not HeldWhy.SNOOZED:
            continue
        if sieve.snoozes.holding(record.trigger, sieve.now) is not None:
            continue
        sieve.becomes(record, HeldState.TOLD)
        told.append(replace(record.trigger, late=True))
    return told


def _has_passed(trigger: TriggerFired, now: datetime) -> bool:
    return trigger.expires_after is not None and trigger.fired_at + trigger.expires_after <= now
