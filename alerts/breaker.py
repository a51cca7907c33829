"""The flood breaker: when a rule or a navigator gets too many alerts an hour, the rest waits in a supervisor's digest.

Never a drop: the alerts exist and are on the board, only their messages are held. It has no state of its own: it is
open while more came in within the hour than the limit, and that hour is kept with the alerts (`Sent`), so it survives
a restart and closes by itself after a calm hour. A supervisor may close it sooner: then counting begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import Alert
from alerts.routing import Recipient
from domain.ids import AlertId, NavigatorId, RuleId
from domain.triggers import Priority


class FloodKind(StrEnum):
    """What floods, or is flooded."""

    RULE = "rule"
    NAVIGATOR = "navigator"


@dataclass(frozen=True, slots=True)
class FloodKey:
    """One rule or one navigator."""

    kind: FloodKind
    name: str

    def __str__(self) -> str:
        """As keys and audit entries name it: `rule:ED_ASSAULT`."""
        return f"{self.kind.value}:{self.name}"

    @staticmethod
    def parse(text: str) -> "FloodKey":
        """The inverse of `str`. Raises ValueError."""
        kind, _, name = text.partition(":")
        return FloodKey(FloodKind(kind), name)


@dataclass(frozen=True, slots=True)
class FloodPolicy:
    """How much is too much. `per_rule` and `per_navigator` are rounds of messages in `window`; a round is one message
    on each channel. P1 goes on to a navigator until they have had `urgent_per_navigator` rounds that left at once.

    What leaves with a planned digest (P3) is counted apart, by the digest. 20 alike to one number is what networks
    block (domain.md 7.5); the others are proposed. The supervisors' bell rings at most once in `ring_every`.
    """

    per_rule: int = 60
    per_navigator: int = 10
    urgent_per_navigator: int = 20
    window: timedelta = timedelta(hours=1)
    ring_every: timedelta = timedelta(minutes=15)

    def limit(self, kind: FloodKind) -> int:
        """The limit of a kind."""
        return self.per_rule if kind is FloodKind.RULE else self.per_navigator


@dataclass(frozen=True, slots=True)
class Sent:
    """One round of messages about an alert, ordered (`held_by` None) or held in the digest. Holds no address.

    `at` is when it was decided, `leaves_at` when it is due. `recipients` are those it goes to, or would have gone to.
    """

    at: datetime
    alert_id: AlertId
    round: int
    rules: tuple[RuleId, ...]
    recipients: tuple[NavigatorId, ...]
    priority: Priority
    leaves_at: datetime
    held_by: FloodKey | None = None

    @property
    def keys(self) -> tuple[FloodKey, ...]:
        """What it counts for: each rule; each navigator it went to, or who would have been flooded by it."""
        rules = tuple(FloodKey(FloodKind.RULE, rule) for rule in self.rules)
        if self.held_by is not None and self.held_by.kind is FloodKind.RULE:
            return rules
        return rules + tuple(FloodKey(FloodKind.NAVIGATOR, name) for name in self.recipients)

    def counts_at(self, leaves_at: datetime, window: timedelta) -> bool:
        """Whether it counts against a round that leaves then."""
        return leaves_at - window < self.leaves_at <= leaves_at


@dataclass(frozen=True, slots=True)
class Counts:
    """`came`: rounds per rule and navigator, told or held; `told`: rounds that went out, per navigator."""

    came: Mapping[FloodKey, int] = field(default_factory=dict, repr=False)
    told: Mapping[NavigatorId, int] = field(default_factory=dict, repr=False)

    def plus(self, sent: Iterable[Sent], closed: Mapping[FloodKey, datetime] | None = None) -> "Counts":
        """These and further rounds. `closed`: when a supervisor last closed a breaker; what came before counts for it
        no more."""
        came, told, reset = dict(self.came), dict(self.told), closed or {}
        for one in sent:
            for key in one.keys:
                if key in reset and one.at <= reset[key]:
                    continue
                came[key] = came.get(key, 0) + 1
                if one.held_by is None and key.kind is FloodKind.NAVIGATOR:
                    name = NavigatorId(key.name)
                    told[name] = told.get(name, 0) + 1
        return Counts(came, told)


@dataclass(frozen=True, slots=True)
class Flood:
    """What came lately, as a value: what leaves at once, and what leaves with the next planned digest, apart."""

    policy: FloodPolicy = FloodPolicy()
    at_once: Counts = Counts()
    planned: Counts = Counts()

    def lane(self, priority: Priority) -> Counts:
        """The counts that a message of this priority stands against."""
        return self.planned if priority is Priority.P3 else self.at_once

    def is_open(self, key: FloodKey, priority: Priority = Priority.P2) -> bool:
        """Whether the breaker of a rule or navigator is open for messages of a priority: its limit is used up."""
        return self.lane(priority).came.get(key, 0) >= self.policy.limit(key.kind)

    def plus(self, sent: Sequence[Sent]) -> "Flood":
        """The counts with these rounds."""
        if not sent:
            return self
        planned = [one for one in sent if one.priority is Priority.P3]
        at_once = [one for one in sent if one.priority is not Priority.P3]
        return Flood(self.policy, self.at_once.plus(at_once), self.planned.plus(planned))


def counted(
    sent: Iterable[Sent],
    now: datetime,
    next_digest: datetime,
    policy: FloodPolicy,
    closed: Mapping[FloodKey, datetime] | None = None,
) -> Flood:
    """The counts at `now` of what left within the window, and of what leaves with the digest at `next_digest`."""
    at_once, planned = list[Sent](), list[Sent]()
    for one in sent:
        if one.priority is Priority.P3:
            if one.counts_at(next_digest, policy.window):
                planned.append(one)
        elif one.counts_at(now, policy.window):
            at_once.append(one)
    return Flood(policy, Counts().plus(at_once, closed), Counts().plus(planned, closed))


@dataclass(frozen=True, slots=True)
class Judged:
    """Who is told of an alert now; nobody where `held_by` says which breaker keeps it in the digest."""

    recipients: tuple[Recipient, ...]
    held_by: FloodKey | None = None


def judged(alert: Alert, recipients: Sequence[Recipient], flood: Flood) -> Judged:
    """Who of the recipients may be told of an alert now; see `judge`."""
    return judge(rules_of(alert), alert.priority, recipients, flood)


def judge(rules: Sequence[RuleId], priority: Priority, recipients: Sequence[Recipient], flood: Flood) -> Judged:
    """Who of the recipients may be told now of what these rules brought about.

    A rule's breaker holds it only if every rule that carries it floods. A P1 is told whatever floods, until its
    recipient has had as many rounds as networks let through.
    """
    if not recipients:
        return Judged(())
    keys = [FloodKey(FloodKind.RULE, rule) for rule in rules]
    flooding = keys and all(flood.is_open(key, priority) for key in keys)
    if flooding and priority is not Priority.P1:
        return Judged((), keys[0])
    able = tuple(one for one in recipients if _may_be_told(one.navigator_id, priority, flood))
    if able:
        return Judged(able)
    return Judged((), FloodKey(FloodKind.NAVIGATOR, recipients[0].navigator_id))


def _may_be_told(name: NavigatorId, priority: Priority, flood: Flood) -> bool:
    policy = flood.policy
    if priority is Priority.P1:
        return flood.at_once.told.get(name, 0) < max(policy.urgent_per_navigator, policy.per_navigator)
    return not flood.is_open(FloodKey(FloodKind.NAVIGATOR, name), priority)


def rules_of(alert: Alert) -> tuple[RuleId, ...]:
    """The rules that carry an alert, each once, in order."""
    return tuple(sorted({trigger.rule_id for trigger in alert.live}))
