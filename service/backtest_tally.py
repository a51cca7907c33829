"""What is counted of the lives that a backtest replays: values that add up, so that processes can count apart.

A firing or message counts where it would have been told within the time asked about, by the London hour and week in
which it would have been told.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from alerts.model import Alert, AlertState, Purpose
from domain.clock import LONDON, london_day
from domain.ids import AlertId
from domain.people import CohortMember
from domain.triggers import Sensitivity
from service.backtest_beside import Urgency, counterparts, urgency_of
from service.backtest_replay import FiringSeen, FiringState, Life
from service.backtest_source import Known
from streams.archive_rows import born

NO_OUTCOME = "none recorded"
NOBODY = "no navigator"
GATEKEEPERS = "gatekeepers"
_BANDS = ((10, "under 10"), (14, "10-13"), (16, "14-15"), (18, "16-17"), (21, "18-20"), (25, "21-24"))
_OLDEST = "25 and over"


class Side(StrEnum):
    """Which rules said it."""

    RULES = "rules"
    AGAINST = "against"


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when; `since` is in it, `until` is not. `examples` is how many of each sort are shown."""

    since: datetime
    until: datetime
    examples: int = 5

    def holds(self, at: datetime) -> bool:
        """Whether it lies within."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Call:
    """One alert as a navigator has it: when it rings, by when contact must be tried, of which rule and priority."""

    navigator: str
    at: datetime
    contact_by: datetime
    priority: str
    rule: str


@dataclass(frozen=True, slots=True)
class Example:
    """A firing in full, as the person at the screen may see it: whose, when, which events, in which words."""

    what: str  # added | removed | late
    rule: str
    member_id: str
    priority: str
    fired_at: datetime
    told_at: datetime
    kinds: tuple[str, ...]
    words: tuple[str, ...]
    outcome: str = ""
    feed: str = ""


@dataclass(slots=True)
class Count:
    """What one side said. Keys of the counters are named after them."""

    rule: Counter[str] = field(default_factory=Counter)
    rule_alerts: Counter[str] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    told_late: Counter[str] = field(default_factory=Counter)
    week: Counter[date] = field(default_factory=Counter)
    week_alerts: Counter[date] = field(default_factory=Counter)
    hour: Counter[int] = field(default_factory=Counter)
    navigator_hour: Counter[tuple[str, int]] = field(default_factory=Counter)
    navigator_shift: Counter[tuple[str, date, str]] = field(default_factory=Counter)
    navigator: Counter[str] = field(default_factory=Counter)
    priority: Counter[str] = field(default_factory=Counter)
    outcome: Counter[tuple[str, str]] = field(default_factory=Counter)
    too_late: Counter[tuple[str, str]] = field(default_factory=Counter)
    group_people: Counter[tuple[str, str]] = field(default_factory=Counter)
    group_alerts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unjudged: Counter[tuple[str, int, str]] = field(default_factory=Counter)  # people, by rule, version and cause
    messages: int = 0
    firings: int = 0
    alerts: int = 0
    people: int = 0  # with at least one alert
    calls: list[Call] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        """Count the other's too."""
        for name in self.__dataclass_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            elif isinstance(mine, list):
                mine.extend(theirs)
            else:
                setattr(self, name, mine + theirs)


@dataclass(slots=True)
class Tally:
    """What was counted of both sides and of the difference. `add` makes one of two; order does not matter but for
    which examples are shown, and these are the first by time."""

    sides: dict[Side, Count] = field(default_factory=lambda: {side: Count() for side in Side})
    added: Counter[str] = field(default_factory=Counter)  # firings by rule
    removed: Counter[str] = field(default_factory=Counter)
    calls_added: int = 0
    calls_removed: int = 0
    urgency: Urgency = field(default_factory=Counter)  # alerts on both sides, with another priority
    lost_outcomes: Counter[str] = field(default_factory=Counter)
    kept_outcomes: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    late: list[Example] = field(default_factory=list)
    groups: Counter[tuple[str, str]] = field(default_factory=Counter)  # everybody looked at
    people: int = 0
    events: int = 0

    def add(self, other: "Tally", most: int) -> None:
        """Count the other's too."""
        for side, count in other.sides.items():
            self.sides[side].add(count)
        for name in ("added", "removed", "urgency", "lost_outcomes", "kept_outcomes", "groups"):
            getattr(self, name).update(getattr(other, name))
        self.calls_added += other.calls_added
        self.calls_removed += other.calls_removed
        self.people += other.people
        self.events += other.events
        self.examples = first_of(self.examples + other.examples, most)
        self.late = first_of(self.late + other.late, most)

    def show(self, examples: Iterable[Example], late: Iterable[Example], most: int) -> None:
        """Take in more examples, where there are any."""
        if more := list(examples):
            self.examples = first_of(self.examples + more, most)
        if more := list(late):
            self.late = first_of(self.late + more, most)


def first_of(examples: Iterable[Example], most: int) -> list[Example]:
    """The first `most` of each rule and sort, by time."""
    kept: Counter[tuple[str, str]] = Counter()
    found = []
    for one in sorted(examples, key=lambda each: (each.told_at, each.rule, each.member_id, each.fired_at)):
        kept[(one.what, one.rule)] += 1
        if kept[(one.what, one.rule)] <= most:
            found.append(one)
    return found


def count_person(
    tally: Tally, lives: dict[Side, Life], groups: dict[str, str], known: tuple[Known, ...], window: Window
) -> None:
    """Count one person's lives too. `groups` are the person's own, by kind."""
    tally.people += 1
    for pair in groups.items():
        tally.groups[pair] += 1
    outcomes = {firing: one for one in known for firing in one.firings}
    told = {side: alerts_of(life, window) for side, life in lives.items()}
    for side, life in lives.items():
        count = tally.sides[side]
        _count(count, life, told[side], window)
        _outcomes(count, told[side], outcomes)
        for one in life.unjudged:
            count.unjudged[one.rule_id, one.version, one.cause] += 1
        if told[side]:
            count.people += 1
            for pair in groups.items():
                count.group_people[pair] += 1
                count.group_alerts[pair] += len(told[side])
    differing = _difference(tally, lives, told, outcomes, window) if Side.AGAINST in lives else ()
    tally.show(differing, _late(lives[Side.RULES], window), window.examples)


def alerts_of(life: Life, window: Window) -> dict[AlertId, tuple[Alert, datetime]]:
    """The alerts that rang within the time, with when."""
    rang: dict[AlertId, datetime] = {}
    for ring in life.rings:
        if ring.purpose is Purpose.ALERT and window.holds(ring.at):
            rang.setdefault(ring.alert_id, ring.at)
    return {each: (life.alerts[each], at) for each, at in rang.items()}


def rule_of(alert: Alert) -> str:
    """The rule that raised it."""
    return str(alert.triggers[0].trigger.rule_id)


def whose(alert: Alert) -> str:
    """Whom it would be with. What only a gatekeeper may be told counts there."""
    if alert.sensitivity is Sensitivity.INTEL:
        return GATEKEEPERS
    return str(alert.navigator_id or NOBODY)


def week_of(at: datetime) -> date:
    """The Monday of its London week."""
    day = london_day(at)
    return day - timedelta(days=day.weekday())


def shift_of(at: datetime) -> tuple[date, str]:
    """The London shift: early from 7, late from 15, night from 23, which belongs to the day on which it began."""
    local = at.astimezone(LONDON)
    if local.hour < 7:
        return local.date() - timedelta(days=1), "night"
    return local.date(), "early" if local.hour < 15 else "late" if local.hour < 23 else "night"


def _count(count: Count, life: Life, told: dict[AlertId, tuple[Alert, datetime]], window: Window) -> None:
    for seen in life.firings.values():
        if window.holds(seen.at):
            rule = str(seen.firing.rule_id)
            count.firings += 1
            count.rule[rule] += 1
            count.week[week_of(seen.at)] += 1
            count.withdrawn[rule] += seen.state is FiringState.WITHDRAWN
            count.told_late[rule] += seen.firing.late
    for one in life.too_late:
        if window.holds(one.at):
            count.too_late[(str(one.verdict.rule_id), feed_of(one.verdict.trigger.reasons))] += 1
    count.messages += sum(1 for ring in life.rings if window.holds(ring.at))
    count.alerts += len(told)
    for alert, at in told.values():
        _count_alert(count, alert, at)


def _count_alert(count: Count, alert: Alert, at: datetime) -> None:
    who, rule, hour = whose(alert), rule_of(alert), at.astimezone(LONDON).hour
    count.rule_alerts[rule] += 1
    count.week_alerts[week_of(at)] += 1
    count.hour[hour] += 1
    count.navigator[who] += 1
    count.navigator_hour[(who, hour)] += 1
    count.navigator_shift[(who, *shift_of(at))] += 1
    count.priority[alert.priority.value] += 1
    if alert.state is not AlertState.WITHDRAWN and who != GATEKEEPERS:
        count.calls.append(Call(who, at, alert.clocks.contact_by, alert.priority.value, rule))


def _outcomes(count: Count, told: dict[AlertId, tuple[Alert, datetime]], known: dict[str, Known]) -> None:
    for alert, _ in told.values():
        count.outcome[(rule_of(alert), _outcome(alert, known))] += 1


def _outcome(alert: Alert, known: dict[str, Known]) -> str:
    """What came of the real alert that held one of its firings."""
    for record in alert.triggers:
        found = known.get(record.trigger.firing_id)
        if found is not None:
            return found.outcome or NO_OUTCOME
    return NO_OUTCOME


def feed_of(reasons: Iterable[object]) -> str:
    """The feed of the event that completed it."""
    feeds = [str(getattr(reason, "feed", "")) for reason in reasons]
    return feeds[-1] if feeds else ""


def _late(life: Life, window: Window) -> list[Example]:
    return [
        _example("late", FiringSeen(one.verdict.trigger, one.at, one.member), "")
        for one in life.too_late
        if window.holds(one.at)
    ]


def _example(what: str, seen: FiringSeen, outcome: str) -> Example:
    firing = seen.firing
    return Example(
        what=what,
        rule=str(firing.rule_id),
        member_id=str(firing.member_id),
        priority=firing.priority.value,
        fired_at=firing.fired_at,
        told_at=seen.at,
        kinds=tuple(reason.kind for reason in firing.reasons),
        words=(firing.headline, *(reason.text for reason in firing.reasons)),
        outcome=outcome,
        feed=feed_of(firing.reasons),
    )


def _difference(
    tally: Tally,
    lives: dict[Side, Life],
    told: dict[Side, dict[AlertId, tuple[Alert, datetime]]],
    known: dict[str, Known],
    window: Window,
) -> list[Example]:
    """Count what is on one side alone; the examples of it."""
    examples: list[Example] = []
    new, old = lives[Side.RULES], lives[Side.AGAINST]
    for what, mine, others, counter in (
        ("added", new, old, tally.added),
        ("removed", old, new, tally.removed),
    ):
        for firing_id, seen in mine.firings.items():
            other = others.firings.get(firing_id)
            gone = other is None or other.state is not FiringState.STANDS
            if seen.state is FiringState.STANDS and window.holds(seen.at) and gone:
                counter[str(seen.firing.rule_id)] += 1
                found = known.get(firing_id)
                examples.append(_example(what, seen, (found.outcome or found.state) if found else ""))
    now, before = ([alert for alert, _ in told[side].values()] for side in (Side.RULES, Side.AGAINST))
    tally.urgency += urgency_of(now, before)
    for alert in now:
        tally.calls_added += not counterparts(alert, before)
    for alert in before:
        if counterparts(alert, now):
            tally.kept_outcomes[_outcome(alert, known)] += 1
        else:
            tally.calls_removed += 1
            tally.lost_outcomes[_outcome(alert, known)] += 1
    return examples


def band_of(member: CohortMember, on: date) -> str:
    """The age band on a day; 'unknown' without a date of birth."""
    return band_at(born(member.identity.dates_of_birth), on)


def band_at(birthday: date | None, on: date) -> str:
    """The age band on a day of somebody born then."""
    if birthday is None:
        return "unknown"
    age = on.year - birthday.year - ((on.month, on.day) < (birthday.month, birthday.day))
    return next((name for below, name in _BANDS if age < below), _OLDEST)
