"""Between what the rules say and who is told: what a snooze, a cap or a moment that has passed keeps quiet. Pure.

Nothing vanishes: whatever is taken out here becomes a record with its why. A correction of something that was told is
never taken out, and a firing that nobody was told of never quiets a newer one: then it is told itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.held_back import HeldBack, HeldState, HeldWhy
from alerts.model import Alert
from alerts.snooze import Snoozes
from alerts.suppression import capped as is_capped
from domain.ids import FiringId
from domain.triggers import TriggerFired
from triggers.changes import Changes, Moved
from triggers.rules import RuleSet
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
        if self.snoozes_it(trigger):
            return True
        if _has_passed(trigger, self.now):
            self.record(trigger, HeldWhy.EXPIRED)
            return True
        return False

    def snoozes_it(self, trigger: TriggerFired) -> bool:
        """Whether a snooze keeps the firing quiet now; then it is recorded."""
        snooze = self.snoozes.holding(trigger, self.now)
        if snooze is not None:
            self.record(trigger, HeldWhy.SNOOZED, snooze.snooze_id)
        return snooze is not None

    def record(self, trigger: TriggerFired, why: HeldWhy, snooze_id: str = "") -> None:
        self.records[trigger.firing_id] = HeldBack(trigger, why, self.now, snooze_id)


def sift(
    changes: Changes,
    known: Iterable[HeldBack],
    snoozes: Snoozes,
    now: datetime,
    *,
    untold: Iterable[TriggerFired] = (),
) -> Sifted:
    """The changes without what is kept quiet at `now`, and the records. `known` are the person's records so far.

    `untold` are firings of before that would keep something new quiet though nobody was told of them (`never_told`).
    """
    sieve = _Sieve(snoozes, {one.trigger.firing_id: one for one in known}, now)
    moved, replaced = _moves(sieve, changes.moved)
    fired = [trigger for trigger in (*changes.fired, *replaced) if not sieve.keeps(trigger)]
    for trigger in changes.withdrawn:
        record = sieve.held(trigger.firing_id)
        if record is not None:
            sieve.becomes(record, HeldState.WITHDRAWN)
    late = _awoken(sieve, changes.held)
    for trigger in (one for one in untold if not sieve.snoozes_it(one)):
        record = sieve.held(trigger.firing_id)
        if record is not None:
            sieve.becomes(record, HeldState.TOLD)
        late.append(replace(trigger, late=True))
    fired += late
    passed_on = changes
    if sieve.records or late:
        passed_on = replace(changes, fired=tuple(fired), moved=moved)
    return Sifted(passed_on, tuple(sieve.records.values()))


def never_told(
    changes: Changes, alerts: Sequence[Alert], known: Iterable[HeldBack], rules: RuleSet, now: datetime
) -> tuple[TriggerFired, ...]:
    """Firings of before that keep something new quiet, and of which nothing was ever told or recorded; and those that
    a cap held, where what is new lies beyond it.

    The former fire by the rules and the record as they are now and did not when they happened: the rule was switched
    off or not yet published, the review was overdue. They stay past by themselves; only what is new, and comes in time,
    brings them out, because it would have been told without them. A mere further word about the same thing does so
    within the rule's tolerance.
    """
    cooled = [one for one in changes.held if one.decision is FiringDecision.COOLING and one.cooler is not None]
    if not cooled:
        return ()
    told = {record.trigger.firing_id for alert in alerts for record in alert.triggers}
    records = {record.trigger.firing_id: record for record in known}
    told |= {trigger.firing_id for trigger in (*changes.fired, *(new for _, new in changes.moved))}
    found: dict[FiringId, TriggerFired] = {}
    for verdict in cooled:
        cooler, rule = verdict.cooler, rules.rule(verdict.rule_id)
        if cooler is None or rule is None or cooler.firing_id in told or verdict.lateness > rule.tolerance:
            continue
        record = records.get(cooler.firing_id)
        if record is None and (cooler.occurrence != verdict.occurrence or now - cooler.fired_at <= rule.tolerance):
            found[cooler.firing_id] = cooler.trigger
        elif record is not None and _held_by_cap(record) and not is_capped(verdict.trigger, alerts):
            found[cooler.firing_id] = replace(record.trigger, cap=None)
    return tuple(found.values())


def _held_by_cap(record: HeldBack) -> bool:
    return record.why is HeldWhy.CAP and record.state is HeldState.HELD


def capped(triggers: Iterable[TriggerFired], now: datetime) -> tuple[HeldBack, ...]:
    """The records of firings that a cap keeps from alerting."""
    return tuple(HeldBack(trigger, HeldWhy.CAP, now) for trigger in triggers)


def _moves(sieve: _Sieve, moved: tuple[Moved, ...]) -> tuple[tuple[Moved, ...], list[TriggerFired]]:
    """Moves of what was told go on. Of what was held, the record moves; what is more urgent is judged anew, and so is
    what else comes in its place once the snooze is over."""
    passed_on, anew = list[Moved](), list[TriggerFired]()
    for old, new in moved:
        record = sieve.held(old.firing_id)
        if record is None:
            passed_on.append((old, new))
            continue
        sieve.becomes(record, HeldState.WITHDRAWN)
        if new.priority.outranks(old.priority) or record.why is not HeldWhy.SNOOZED or _another(sieve, old, new):
            anew.append(new)
        else:
            sieve.records[new.firing_id] = replace(record, trigger=new)
    return tuple(passed_on), anew


def _another(sieve: _Sieve, old: TriggerFired, new: TriggerFired) -> bool:
    """Whether something that rests on nothing of the old came, after the snooze."""
    return sieve.snoozes.holding(new, sieve.now) is None and not set(new.contributing) & set(old.contributing)


def _awoken(sieve: _Sieve, held: Iterable[Verdict]) -> list[TriggerFired]:
    """Held firings that keep a new candidate quiet though their snooze is over, or because they came when their moment
    had passed: they are told now, marked late.

    They and not the candidate, so that a correction of their ground finds them as it finds any other firing.
    """
    told: list[TriggerFired] = []
    for verdict in held:
        if verdict.decision is not FiringDecision.COOLING or verdict.cooled_by is None:
            continue
        record = sieve.held(verdict.cooled_by)
        if record is None or record.why is HeldWhy.CAP:
            continue
        if sieve.snoozes.holding(record.trigger, sieve.now) is not None:
            continue
        sieve.becomes(record, HeldState.TOLD)
        told.append(replace(record.trigger, late=True))
    return told


def _has_passed(trigger: TriggerFired, now: datetime) -> bool:
    return trigger.expires_after is not None and trigger.fired_at + trigger.expires_after <= now
