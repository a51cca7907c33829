"""What comes about for one person by the clock alone. Pure, as deciding is: the same rules, alerts and messages."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import AlertId
from domain.people import CohortMember, Standing
from streams.archive import Decided, clock_archived
from streams.decide import Telling, World, caused, disposition_of, effective, span_of, tell, within
from streams.messages import PersonState
from streams.ports import NO_EVENT, Commit, Person
from streams.timer_ports import Planned
from triggers.changes import Changes
from triggers.history import History
from triggers.remembering import KeptPeople, heard_between


@dataclass(frozen=True, slots=True)
class Rung:
    """What a timer that rang does: a commit where something came about, else only the next due time."""

    commit: Commit | None
    planned: Planned


def ring(
    person: Person,
    member: CohortMember | None,
    world: World,
    until: datetime,
    now: datetime,
    *,
    remembered: KeptPeople | None = None,
) -> Rung:
    """Everything that is due for a person by `until` and has not come about, at once, in order of time.

    Who is no longer in the cohort waits for nothing. `remembered` only spares work.
    """
    state, policy = person.state, world.policy
    if member is None:
        return Rung(None, Planned(state.member_id, state.version, None))
    hear = remembered.hear if remembered is not None else heard_between
    history = _history(person, world, now)
    heard = hear(world.rules, member, history, history, span_of(person, member, world, until, now))
    planned = Planned(state.member_id, state.version, heard.due)
    if heard.changes.nothing and not heard.changes.held:
        return Rung(None, planned)
    telling = tell(heard.changes, person, member, world, now)
    after = PersonState(state.member_id, state.version + 1, state.history, heard.kept.now)
    disposition = disposition_of(telling, Standing.IN_DATE)
    decided = Decided(now, after.version, disposition, heard.changes, world.rules_mark)
    causes = _causes(telling, heard.changes)
    commit = Commit(
        part="",
        event_id=NO_EVENT,
        disposition=disposition,
        before=state,
        after=after,
        alerts=telling.alerts,
        rows=tuple(caused(row, causes.get(row.delivery.alert_id, until)) for row in telling.rows),
        archived=clock_archived(member, decided) if policy.archive else None,
        held_back=telling.records,
        sent=telling.sent,
        fired=tuple(trigger.rule_id for trigger in heard.changes.fired),
        decided_at=now,
        due=heard.due,
    )
    return Rung(commit, planned)


def _causes(telling: Telling, changes: Changes) -> dict[AlertId, datetime]:
    """By alert, when the first of what came about for it was due."""
    fired = {firing.firing_id for firing in changes.fired}
    due = {
        change.alert.alert_id: [one.trigger.fired_at for one in change.alert.triggers if one.trigger.firing_id in fired]
        for change in telling.moves
    }
    return {alert_id: min(times) for alert_id, times in due.items() if times}


def next_due(person: Person, member: CohortMember | None, world: World, now: datetime) -> datetime | None:
    """When the first wait of a person ends that has not come about; it may lie in the past."""
    if member is None:
        return None
    history = _history(person, world, now)
    span = span_of(person, member, world, now, now).at_its_start
    return heard_between(world.rules, member, history, history, span).due


def _history(person: Person, world: World, now: datetime) -> History:
    return effective(within(person.state.history, now - world.policy.history_for))
