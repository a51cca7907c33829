"""What comes about for one person by the clock alone. Pure, as deciding is: the same rules, alerts and messages."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.ids import AlertId
from domain.people import CohortMember, Standing
from streams.archive import Decided, clock_archived
from streams.bequeathing import effective
from streams.decide import Telling, World, caused, disposition_of, span_of, tell, within
from streams.gatekeeping import items_missed, kept_waiting, waiting_for_gatekeeper
from streams.passing import Asked, due_after, sparing, state_after, waits_to_be_judged
from streams.ports import NO_EVENT, Commit, Person
from streams.timer_ports import Planned
from triggers.changes import Changes
from triggers.history import History
from triggers.remembering import KeptPeople, heard_between
from triggers.rules import RuleSet
from triggers.sparing import RuleFault


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
    span = span_of(person, member, world, until, now)
    history = _counting(state.history, world, now)
    asked = Asked(
        state,
        member,
        state.history,
        span,
        view=lambda kept: _counting(kept, world, now),
        before=history,
        after=history,
    )

    passed_over = {record.rule_id for record in state.unjudged}

    def judged(rules: RuleSet, known: KeptPeople | None, faults: tuple[RuleFault, ...]) -> Rung:
        heard, by = asked.hear(rules, known), replace(world, rules=rules) if faults else world
        planned = Planned(state.member_id, state.version, due_after(heard, faults, now))
        after = state_after(asked, heard, world.rules, faults, now)
        silent = heard.changes.nothing and not heard.changes.held
        if silent and after.unjudged == state.unjudged:
            return Rung(None, planned)
        telling = tell(heard.changes, person, member, by, now)
        late = waiting_for_gatekeeper(each for each in heard.changes.held if each.rule_id in passed_over)
        held = kept_waiting(items_missed(late, history, member, now), member, by.gate, by.flood, now)
        disposition = disposition_of(telling, Standing.IN_DATE, faults=faults)
        decided = Decided(now, after.version, disposition, heard.changes, world.rules_mark, faults)
        causes = _causes(telling, heard.changes)
        commit = Commit(
            part="",
            event_id=NO_EVENT,
            disposition=disposition,
            before=state,
            after=after,
            alerts=telling.alerts,
            rows=tuple(caused(row, causes.get(row.delivery.alert_id, until)) for row in (*telling.rows, *held.rows)),
            held=held.items,
            archived=clock_archived(member, decided) if policy.archive and not silent else None,
            held_back=telling.records,
            sent=(*telling.sent, *held.sent),
            fired=tuple(trigger.rule_id for trigger in heard.changes.fired),
            decided_at=now,
            due=planned.due,
            unjudged=faults,
        )
        return Rung(commit, planned)

    return sparing(asked, world.rules, remembered, judged)


def _causes(telling: Telling, changes: Changes) -> dict[AlertId, datetime]:
    """By alert, when the first of what came about for it was due."""
    fired = {firing.firing_id for firing in changes.fired}
    due = {
        change.alert.alert_id: [one.trigger.fired_at for one in change.alert.triggers if one.trigger.firing_id in fired]
        for change in telling.moves
    }
    return {alert_id: min(times) for alert_id, times in due.items() if times}


def next_due(person: Person, member: CohortMember | None, world: World, now: datetime) -> datetime | None:
    """When the first wait of a person ends that has not come about; it may lie in the past. Now, where a rule in force
    was passed over: whether it can be judged is to be seen."""
    if member is None:
        return None
    if waits_to_be_judged(person.state, world.rules):
        return now if person.due is None else min(person.due, now)
    history = _counting(person.state.history, world, now)
    span = span_of(person, member, world, now, now).at_its_start
    return heard_between(world.rules, member, history, history, span).due


def _counting(kept: History, world: World, now: datetime) -> History:
    """What of a kept history counts."""
    return effective(within(kept, now - world.policy.history_for))
