"""Second hop, pure: does it matter, and who is told?

One matched event and one person's state give the next state, the alerts' changes, the messages and the disposition.
The rules are evaluated on the history before and after, and only the difference acts: a changed rule never makes old
events fire, and a repeated event changes nothing.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.breaker import Flood, Sent
from alerts.held_back import HeldBack, HeldState
from alerts.model import Alert
from alerts.planning import Row, plan
from alerts.routing import Directory, RoutingPolicy, RoutingReason, recipients
from alerts.snooze import NO_SNOOZES, Snoozes
from alerts.suppression import AlertChange, SuppressionPolicy
from alerts.suppression import decide as decide_alerts
from domain.ids import AlertId, FiringId, shard_of
from domain.kinds import Feed
from domain.people import CohortMember, Standing, watch_standing
from streams.archive import Decided, archived_of
from streams.bequeathing import effective, handed_over
from streams.gatekeeping import Gate, Held, item_of, items_missed, kept_waiting, waiting_for_gatekeeper
from streams.messages import Disposition, Ending, Matched, PersonState
from streams.passing import NOT_JUDGED, Asked, due_after, sparing, state_after
from streams.ports import Commit, Person
from streams.rulings import next_history
from streams.sifting import capped, never_told, sift
from triggers.evaluate import Changes, FiringDecision, Verdict
from triggers.hearing import Heard, Span
from triggers.history import History, HistoryEntry, entry_of
from triggers.linked import may_be_recorded
from triggers.remembering import KeptPeople
from triggers.rules import RuleSet
from triggers.sparing import RuleFault
from triggers.verdicts import DECISION_BY_STANDING

_NOT_RECORDED = frozenset({Standing.ENDED, Standing.NOT_WATCHED, Standing.FEED_NOT_ALLOWED})
"""Standings under which the event may not even be kept about this person (rules.md section 2)."""

A_CHILDHOOD = timedelta(days=18 * 366)
"""Evidence lasts while the person is watched, and counts while they are a child (rules.md ACE_THRESHOLD)."""


@dataclass(frozen=True, slots=True)
class DecidePolicy:
    """Everything about deciding that is configuration. `secret` makes references; `history_for` bounds what is kept."""

    suppression: SuppressionPolicy = field(default_factory=SuppressionPolicy)
    routing: RoutingPolicy = field(default_factory=RoutingPolicy)
    secret: bytes = field(default=b"", repr=False)
    history_for: timedelta = A_CHILDHOOD  # while watched; domain.md 7.3 counts 24 months from the last membership
    archive: bool = True  # whether what was decided is kept for backtests


@dataclass(frozen=True, slots=True)
class World:
    """What a decision is made by beside the person: immutable; a change of rules or people makes a new one.

    `rules_mark` is the identity of the rules' live version (`tipt@7`), `rules_since` when it went live: what would have
    been due before that is past.
    """

    rules: RuleSet
    directory: Directory
    policy: DecidePolicy
    rules_mark: str = ""
    rules_since: datetime | None = None
    waits_since: datetime | None = None  # when these rules and these people came in force (planning.Planner.since)
    snoozes: Snoozes = NO_SNOOZES  # which rules are quiet for whom
    flood: Flood | None = None  # what came in the last hour; None: nothing is ever too much

    @property
    def gate(self) -> Gate:
        """Who keeps the gate to intelligence."""
        return Gate(self.directory, self.policy.routing, self.policy.secret)


def decide(
    matched: Matched,
    person: Person,
    member: CohortMember | None,
    world: World,
    now: datetime,
    *,
    remembered: KeptPeople | None = None,
) -> Commit:
    """What one matched event does to one watched person. Pure; the same input gives the same commit.

    `remembered` only spares work: with it or without it, and whatever it holds, the commit is the same.
    """
    state, event, policy = person.state, matched.as_learnt, world.policy
    if member is None:
        return _nothing(matched, state, Disposition(Ending.SUPPRESSED, FiringDecision.NOT_WATCHED.value))
    standing = watch_standing(member, on=_heard_at(matched), feed=event.feed)
    entry = entry_of(
        event, subject=matched.subject, relation=matched.relation, role=matched.role, linked=matched.linked
    )
    refused = standing in _NOT_RECORDED and not (standing is Standing.FEED_NOT_ALLOWED and event.feed is Feed.PROGRAMME)
    if refused and not _amends(entry, state.history):  # what the programme itself says is no feed that one may refuse
        return _nothing(matched, state, Disposition(Ending.SUPPRESSED, DECISION_BY_STANDING[standing].value))
    extra = _lawful(matched, member)
    known, touched = next_history(state.history, entry, extra, matched.ruling)
    if not touched:
        return replace(_nothing(matched, state, Disposition(Ending.NO_RULE)), handed=handed_over(matched, state))
    oldest = now - policy.history_for
    history = within(known, oldest)
    span = span_of(person, member, world, event.received_at - A_MOMENT, now)
    asked = Asked(
        state,
        member,
        history,
        span,
        view=lambda kept: effective(within(kept, oldest)),
        before=effective(within(state.history, oldest)),
        after=effective(history),
    )

    def judged(rules: RuleSet, known: KeptPeople | None, faults: tuple[RuleFault, ...]) -> Commit:
        heard, by = asked.hear(rules, known), replace(world, rules=rules) if faults else world
        changes = heard.changes
        if matched.found_at is not None and matched.ruling is None:
            changes = _found_late(changes, besides=heard.by_clock)
        telling = tell(changes, person, member, by, now)
        held = _held(replace(heard, changes=changes), matched, asked, by, now)
        after = state_after(asked, heard, world.rules, faults, now)
        disposition = disposition_of(telling, standing, besides=heard.by_clock, faults=faults)
        decided = Decided(now, after.version, disposition, changes, world.rules_mark, faults)
        return Commit(
            part=matched.part,
            event_id=event.event_id,
            disposition=disposition,
            before=state,
            after=after,
            alerts=telling.alerts,
            rows=tuple(caused(row, event.received_at) for row in (*telling.rows, *held.rows)),
            held=held.items,
            handed=handed_over(matched, state),
            archived=archived_of(matched, (entry, *extra), member, decided, policy.secret) if policy.archive else None,
            held_back=telling.records,
            sent=(*telling.sent, *held.sent),
            fired=tuple(trigger.rule_id for trigger in changes.fired),
            decided_at=now,
            due=due_after(heard, faults, now),
            unjudged=faults,
        )

    return sparing(asked, world.rules, remembered, judged)


@dataclass(frozen=True, slots=True)
class Telling:
    """What becomes of changed firings: `changes` as far as nothing keeps them quiet, and what is written for them."""

    changes: Changes
    records: tuple[HeldBack, ...]
    moves: Sequence[AlertChange]
    alerts: tuple[tuple[Alert, Alert | None], ...]
    rows: tuple[Row, ...]
    sent: tuple[Sent, ...]
    unreachable: RoutingReason | None


def tell(changes: Changes, person: Person, member: CohortMember, world: World, now: datetime) -> Telling:
    """Who is told what of these changes, and what is kept quiet, with its record. Pure."""
    policy = world.policy
    changes = _marked(changes, world.rules_mark)
    untold = never_told(changes, person.alerts, person.held_back, world.rules, now)
    untold = tuple(replace(firing, rule_set=world.rules_mark) for firing in untold)
    sifted = sift(changes, person.held_back, world.snoozes, now, untold=untold)
    told = decide_alerts(
        fired=sifted.changes.fired,
        withdrawn=sifted.changes.withdrawn,
        moved=sifted.changes.moved,
        alerts=person.alerts,
        member=member,
        policy=policy.suppression,
        now=now,
        secret=policy.secret,
    )
    saved, rows, sent, unreachable = _messages(told.changes, person, member, world, now)
    records = (*sifted.records, *capped(told.capped, now))
    return Telling(sifted.changes, records, told.changes, saved, rows, sent, unreachable)


def _marked(changes: Changes, mark: str) -> Changes:
    """Each new firing with the version of the rules that was live: an alert's record says what decided."""
    return replace(
        changes,
        fired=tuple(replace(firing, rule_set=mark) for firing in changes.fired),
        moved=tuple((old, replace(new, rule_set=mark)) for old, new in changes.moved),
    )


A_MOMENT = timedelta(microseconds=1)
"""What arrives at the instant at which a wait ends is heard before the wait is judged."""
_ROUNDED = timedelta(milliseconds=1)
"""A due time is stored in whole milliseconds, rounded up: it may ring that much late, and never early."""

_SLEW = timedelta(minutes=1)
"""How far the machine's clock may go back without anybody's time being wrong."""


def span_of(person: Person, member: CohortMember, world: World, until: datetime, now: datetime) -> Span:
    """From when to when a person's clock goes on: what was due by its start has come about or never will.

    The start is just before whatever still waits; where nothing does, it is when these rules and this record came in
    force. It never lies before the moment until which time was kept already, unless that is in the future: then the
    machine's clock was wrong, and what had come about too early is not told again, because its firing is known.
    """
    since = until if world.waits_since is None else world.waits_since
    if member.joined_at is not None:
        since = max(since, min(member.joined_at, until))
    if person.due is not None:
        since = min(since, person.due - _ROUNDED)
    clock = person.state.clock
    if clock is not None:
        since = max(since, clock if clock <= now + _SLEW else now)
    return Span(since, max(since, until))


def _heard_at(matched: Matched) -> datetime:
    """When it came to concern the listener: when it happened, or when the link was learnt through which they hear."""
    happened = matched.event.occurred_at
    return happened if matched.linked is None else max(happened, matched.linked.at)


def _lawful(matched: Matched, member: CohortMember) -> tuple[HistoryEntry, ...]:
    """What comes with it from somebody else; of what is told on a link, only what may be recorded still."""
    linked = matched.linked
    if linked is None:
        return matched.extra
    return tuple(entry for entry in matched.extra if may_be_recorded(member, entry, linked.at))


def _amends(entry: HistoryEntry, history: History) -> bool:
    """Whether it says something further about what is lawfully known already: a correction is never kept out."""
    return any(
        known.occurrence == entry.occurrence
        or known.event_id == entry.retracts
        or (known.source_system, known.source_key) == (entry.source_system, entry.source_key)
        for known in history
    )


def caused(row: Row, accepted_at: datetime) -> Row:
    """A new message remembers when what caused it was accepted, or due: the clock that people feel starts there."""
    if row.previous is not None:
        return row
    return replace(row, delivery=replace(row.delivery, caused_at=accepted_at))


def _found_late(changes: Changes, *, besides: Set[FiringId]) -> Changes:
    """What look-back makes fire is marked late, however short the time: nobody may take it for news of this moment.

    `besides` are those that the clock brought about meanwhile.
    """
    return replace(
        changes,
        fired=tuple(firing if firing.firing_id in besides else replace(firing, late=True) for firing in changes.fired),
        moved=tuple((old, replace(new, late=True)) for old, new in changes.moved),
    )


def within(history: History, oldest: datetime) -> History:
    """What is kept of a history: nothing older."""
    return tuple(entry for entry in history if entry.occurred_at >= oldest)


def _messages(
    changes: Sequence[AlertChange],
    person: Person,
    member: CohortMember,
    world: World,
    now: datetime,
) -> tuple[tuple[tuple[Alert, Alert | None], ...], tuple[Row, ...], tuple[Sent, ...], RoutingReason | None]:
    directory, policy, flood = world.directory, world.policy, world.flood
    saved: list[tuple[Alert, Alert | None]] = []
    rows: list[Row] = []
    sent: list[Sent] = []
    unreachable: RoutingReason | None = None
    for change in changes:
        routing = recipients(member, change.alert, directory, policy.routing)
        if change.notify is not None and not routing.recipients:
            unreachable = routing.reason
        existing = [row for row in person.deliveries if row.alert_id in _tellers(change.alert, person, saved)]
        planned = plan(
            change,
            routing,
            existing,
            shard=shard_of(member.member_id),
            policy=policy.suppression.clocks,
            now=now,
            flood=flood.plus(sent) if flood else None,
        )
        saved.append((planned.alert, change.previous))
        rows.extend(planned.rows)
        sent += [planned.sent] if planned.sent else []
    return tuple(saved), tuple(rows), tuple(sent), unreachable


def _tellers(alert: Alert, person: Person, saved: Sequence[tuple[Alert, Alert | None]]) -> frozenset[AlertId]:
    """The alerts whose messages tell of this one: itself, and those that were or are being merged into it."""
    known = (*person.alerts, *(after for after, _ in saved))
    return frozenset({alert.alert_id, *(each.alert_id for each in known if each.merged_into == alert.alert_id)})


def _held(heard: Heard, matched: Matched, asked: Asked, world: World, now: datetime) -> Held:
    """What waits for the gatekeeper from now on: what the event set off, and what comes about beside it."""
    waiting = waiting_for_gatekeeper(heard.changes.held)
    if not waiting:
        return Held()
    own = [verdict for verdict in waiting if verdict.firing_id not in heard.by_clock]
    beside = [verdict for verdict in waiting if verdict.firing_id in heard.by_clock]
    items = [item_of(matched.event, own, asked.member, now)] if own else []
    items += items_missed(beside, asked.history, asked.member, now)
    return kept_waiting(items, asked.member, world.gate, world.flood, now)


def disposition_of(
    telling: Telling,
    standing: Standing,
    *,
    besides: Set[FiringId] = frozenset(),
    faults: Sequence[RuleFault] = (),
) -> Disposition:
    """The most telling thing that the event did for this person.

    `besides` are firings that the clock brought about in the same step: they are not the event's doing. Where nothing
    is to be told, but a rule could not be judged (`faults`), that is what it says: nobody knows yet.
    """
    changes = telling.changes
    own = [firing for firing in (*changes.fired, *(new for _, new in changes.moved)) if firing.firing_id not in besides]
    unreachable = telling.unreachable if own or not besides else None
    if unreachable is RoutingReason.NO_HEALTH_APPROVED_CONTACT:
        return Disposition(Ending.SUPPRESSED, unreachable.value)
    carrying = {
        record.trigger.firing_id: change.alert.alert_id for change in telling.moves for record in change.alert.triggers
    }
    for firing in own:
        if firing.firing_id in carrying:
            return Disposition(Ending.ALERT, carrying[firing.firing_id])
    if changes.withdrawn and telling.moves:
        return Disposition(Ending.WITHDRAWN)
    records = (record for record in telling.records if record.trigger.firing_id not in besides)
    kept_quiet = [record for record in records if record.state is HeldState.HELD]
    if kept_quiet:
        return Disposition(Ending.SUPPRESSED, kept_quiet[0].why.value)
    held = [verdict for verdict in changes.held if verdict.firing_id not in besides]
    if held:
        return Disposition(Ending.SUPPRESSED, _main_reason(held).value)
    if standing is not Standing.IN_DATE:
        return Disposition(Ending.SUPPRESSED, DECISION_BY_STANDING[standing].value)
    return Disposition(Ending.SUPPRESSED, NOT_JUDGED) if faults else Disposition(Ending.NO_RULE)


def _main_reason(held: Sequence[Verdict]) -> FiringDecision:
    """Among several reasons, the one that a human can act on first: the enum is in that order."""
    order = list(FiringDecision)
    return min((verdict.decision for verdict in held), key=order.index)


def _nothing(matched: Matched, state: PersonState, disposition: Disposition) -> Commit:
    return Commit(
        part=matched.part,
        event_id=matched.event.event_id,
        disposition=disposition,
        before=state,
        after=state,
    )


def changes_nothing(commit: Commit) -> bool:
    """Whether only the ledger learns of this decision."""
    return commit.after is commit.before
