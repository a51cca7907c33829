"""One person's past judged again: the firings, and the alerts and messages that they would have become.

The same functions as live: the history grows as decisions grew it, the rules' room says what fires, the alerts' room
what becomes of it. What people did about alerts is not replayed, so an alert stays open here until its moment passes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from alerts import lifecycle
from alerts.clocks import due_at
from alerts.model import Alert, Purpose
from alerts.suppression import SuppressionPolicy, decide
from domain.ids import AlertId, FiringId, NavigatorId
from domain.people import CohortMember
from domain.triggers import TriggerFired
from streams.archive_replay import Growing, Past
from streams.topology import STUCK_AFTER
from triggers.alone import Alone
from triggers.backtest import Told, Watch
from triggers.changes import Changes
from triggers.history import HistoryEntry
from triggers.rules import RuleSet
from triggers.sparing import RuleFault, faults_in, reduced
from triggers.two_sides import Sides
from triggers.verdicts import FiringDecision, Verdict

_SECRET = b"a backtest tells no references"
_A_MOMENT = timedelta(microseconds=1)
_NOBODY = NavigatorId("")


class FiringState(StrEnum):
    """What became of a firing by the end."""

    STANDS = "stands"
    WITHDRAWN = "withdrawn"  # its ground was taken away
    MOVED = "moved"  # another firing of the same rule stands in its place


@dataclass(slots=True)
class FiringSeen:
    """A firing as it was told, at which moment of processing time, of whom as they were then."""

    firing: TriggerFired
    at: datetime
    member: CohortMember
    state: FiringState = FiringState.STANDS
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """A message that would have left, at `at`."""

    at: datetime
    alert_id: AlertId
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class TooLate:
    """What would have fired had the feed come in time."""

    verdict: Verdict
    at: datetime
    member: CohortMember


@dataclass(slots=True)
class Life:
    """What came of one person's past under one rule set. Everything is told in order of processing time."""

    firings: dict[FiringId, FiringSeen] = field(default_factory=dict)
    alerts: dict[AlertId, Alert] = field(default_factory=dict)
    rings: list[Ring] = field(default_factory=list)
    too_late: list[TooLate] = field(default_factory=list)
    withdrawals: int = 0
    unjudged: tuple[RuleFault, ...] = ()  # rules that could not be judged for this person: the rest is without them


@dataclass(frozen=True, slots=True)
class ReplayPolicy:
    """What is configured live and holds here too; `until` is where the clock stops. Where some rules are judged
    `alone`, what those say that are judged for their sake is told of nowhere."""

    suppression: SuppressionPolicy
    history_for: timedelta
    until: datetime
    alone: Alone | None = None


def replay(pasts: Iterable[Past], rules: RuleSet, policy: ReplayPolicy) -> Life:
    """What `rules` would have said of these decisions about one person, in order. Pure.

    Where that raises, what those would have said that can be judged, throughout; `Life.unjudged` names the others.
    """
    listed = list(pasts)
    try:
        return _replayed(listed, rules, policy)[0]
    except Exception:  # a door: a rule that fails for one person spoils no backtest
        faults = faults_in(rules, lambda some: _replayed(listed, some, policy))
        if not faults:
            raise
        life = _replayed(listed, reduced(rules, faults), policy)[0]
        life.unjudged = faults
        return life


def replay_both(
    pasts: Sequence[Past], one: RuleSet, other: RuleSet, sides: Sides | None, policy: ReplayPolicy
) -> tuple[Life, Life]:
    """What `replay` says by one rule set and by the other. `sides` are both as one, where rules can be judged once for
    both; where that raises, or the clock would go back, each is judged by itself."""
    at_once = None if sides is None else _at_once(pasts, sides, policy)
    return at_once or (replay(pasts, one, policy), replay(pasts, other, policy))


def _at_once(pasts: Sequence[Past], sides: Sides, policy: ReplayPolicy) -> tuple[Life, Life] | None:
    if not _in_order_of_time(pasts, policy.until):
        return None
    try:
        return _replayed(pasts, sides, policy)
    except Exception:  # a door: `replay` finds the rule that fails
        return None


def _in_order_of_time(pasts: Sequence[Past], until: datetime) -> bool:
    """Whether the clock never goes back: nothing was decided before something that had been received earlier."""
    moments = [past.decided_at if past.entry is None else _heard_at(past, past.entry) - _A_MOMENT for past in pasts]
    return all(one <= next_one for one, next_one in pairwise(moments)) and all(one < until for one in moments[-1:])


def _heard_at(past: Past, entry: HistoryEntry) -> datetime:
    """When the clock had gone on to: it waits no longer for anything than a timer of the service does."""
    return max(entry.received_at, past.decided_at - STUCK_AFTER)


def _replayed(pasts: Iterable[Past], rules: RuleSet | Sides, policy: ReplayPolicy) -> tuple[Life, Life]:
    """The lives of both sides; nothing comes of the second where there is but one."""
    stages = (_Stage(policy, Life()), _Stage(policy, Life()))
    watch, growing = Watch(rules), Growing(policy.history_for)
    member: CohortMember | None = None
    for past in pasts:
        if past.decided_at >= policy.until:
            break
        if member is None and past.entry is None and past.due is not None:
            member = past.member
            watch.become(member, (), past.due - _A_MOMENT)
        if past.entry is None:
            if member is not None:
                _tell(stages, watch.keep_time(past.decided_at), member)
            continue
        grown = growing.take(past)
        if grown is None:
            continue
        heard_at = _heard_at(past, past.entry)
        if member is None:
            watch.become(past.member, (), heard_at - _A_MOMENT)
        else:
            _tell(stages, watch.keep_time(heard_at - _A_MOMENT), member)
        if grown.base is not None:
            watch.become(past.member, grown.base, heard_at - _A_MOMENT)
        elif member is not None and past.member is not member and past.member != member:
            watch.become_also(past.member, heard_at - _A_MOMENT)
        member = past.member
        told = watch.hear(grown.added, grown.removed, heard_at)
        _tell(stages, [_as_decided(each, past) for each in told], member)
    if member is not None:
        _tell(stages, watch.keep_time(policy.until - _A_MOMENT), member)
    for late in (*stages[0].life.too_late, *stages[1].life.too_late):
        _ = late.verdict.trigger  # said here, where a rule that raises only then can be told from the others
    return stages[0].life, stages[1].life


def _tell(stages: "tuple[_Stage, _Stage]", steps: Iterable[Told], member: CohortMember) -> None:
    """Each step to its side, in order."""
    for step in steps:
        stages[step.side].take(step, member)


def _as_decided(told: Told, past: Past) -> Told:
    """At the moment when it was decided; what look-back found is marked late, as live (`streams.decide`)."""
    if not past.found:
        return Told(past.decided_at, told.changes, told.side)
    fired = tuple(replace(each, late=True) for each in told.changes.fired)
    moved = tuple((old, replace(new, late=True)) for old, new in told.changes.moved)
    return Told(past.decided_at, replace(told.changes, fired=fired, moved=moved), told.side)


@dataclass(slots=True)
class _Stage:
    """The alerts of one person while their past is replayed."""

    policy: ReplayPolicy
    life: Life
    _holders: dict[FiringId, set[AlertId]] = field(default_factory=dict)
    _reach: dict[AlertId, tuple[datetime, datetime]] = field(default_factory=dict)
    _ringing: dict[AlertId, tuple[datetime, Purpose]] = field(default_factory=dict)

    def take(self, step: Told, member: CohortMember) -> None:
        """Take in what was told."""
        if self.policy.alone is not None:
            step = replace(step, changes=self.policy.alone.told_by(step.changes))
        self._firings(step, member)
        if not step.changes.nothing:
            self._alert(step.changes, step.at, member)

    def _firings(self, step: Told, member: CohortMember) -> None:
        life, changes, at = self.life, step.changes, step.at
        for firing in changes.fired:
            life.firings[firing.firing_id] = FiringSeen(firing, at, member)
        for firing in changes.withdrawn:
            self._end(firing, FiringState.WITHDRAWN, at)
            life.withdrawals += 1
        for old, new in changes.moved:
            if old.firing_id != new.firing_id:
                self._end(old, FiringState.MOVED, at)
            known = life.firings.get(new.firing_id)
            life.firings[new.firing_id] = FiringSeen(new, known.at if known else at, member)
        for verdict in changes.held:
            if verdict.decision is FiringDecision.TOO_LATE:
                life.too_late.append(TooLate(verdict, at, member))

    def _end(self, firing: TriggerFired, state: FiringState, at: datetime) -> None:
        known = self.life.firings.get(firing.firing_id)
        if known is not None:
            known.state, known.ended_at = state, at

    def _alert(self, changes: Changes, now: datetime, member: CohortMember) -> None:
        policy, alerts = self.policy.suppression, self.life.alerts
        near = self._near(changes)
        self._deliver(near, now)
        decision = decide(
            fired=changes.fired,
            withdrawn=changes.withdrawn,
            moved=changes.moved,
            alerts=[alerts[each] for each in sorted(near)],
            member=member,
            policy=policy,
            now=now,
            secret=_SECRET,
        )
        for change in decision.changes:
            alert = change.alert
            self._keep(alert)
            if change.notify is not None:
                rings_at = due_at(alert.priority, now, policy.clocks)
                self.life.rings.append(Ring(rings_at, alert.alert_id, change.notify))
                self._ringing[alert.alert_id] = (rings_at, change.notify)

    def _near(self, changes: Changes) -> set[AlertId]:
        """The alerts that these changes can touch: those that hold or held the firings, and those within reach. With a
        cap all of them count."""
        fired = [*changes.fired, *(new for _, new in changes.moved)]
        if any(firing.cap is not None for firing in fired):
            return set(self.life.alerts)
        named = [*fired, *changes.withdrawn, *(old for old, _ in changes.moved)]
        found: set[AlertId] = set()
        for firing in named:
            found |= self._holders.get(firing.firing_id, set())
        within = self.policy.suppression.group_within
        for alert_id, (first, last) in self._reach.items():
            if any(first - within <= firing.fired_at <= last + within for firing in fired):
                found.add(alert_id)
        return found

    def _deliver(self, near: Iterable[AlertId], now: datetime) -> None:
        """Messages are taken at once when they leave: what is told later counts from there."""
        for alert_id in near:
            ringing = self._ringing.get(alert_id)
            if ringing is not None and ringing[0] <= now:
                at, purpose = self._ringing.pop(alert_id)
                alert = self.life.alerts[alert_id]
                told = lifecycle.mark_notified(alert, alert.navigator_id or _NOBODY, purpose, at)
                self.life.alerts[alert_id] = told

    def _keep(self, alert: Alert) -> None:
        self.life.alerts[alert.alert_id] = alert
        for record in alert.triggers:
            self._holders.setdefault(record.trigger.firing_id, set()).add(alert.alert_id)
        times = [firing.fired_at for firing in alert.live]
        if times and alert.is_open:
            self._reach[alert.alert_id] = (min(times), max(times))
        else:
            self._reach.pop(alert.alert_id, None)


def standing(life: Life) -> Sequence[FiringSeen]:
    """The firings that stand at the end."""
    return [seen for seen in life.firings.values() if seen.state is FiringState.STANDS]
