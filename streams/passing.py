"""Deciding with the rules that can be judged when some cannot: what is passed over is kept with the person, and judged
once it can be. Pure.

Before and after are judged by the same rules, so nothing of a faulty one counts as withdrawn. What it was not asked
about is remembered as the entries that came and went since; when it can be judged again, it is judged on the history
from before those and on the one from now, and what it says differently is told late (ADR 0015).
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from domain.clock import LONDON
from domain.people import CohortMember
from streams.messages import PersonState, Unjudged
from triggers.changes import Changes
from triggers.hearing import Heard, Span
from triggers.history import History, HistoryEntry
from triggers.remembering import KeptPeople, heard_between
from triggers.rules import RuleSet
from triggers.sparing import RuleFault, faults_among, faults_in, reduced, said_in_full

T = TypeVar("T")

NOT_JUDGED = "not_judged"
"""Why nothing is told of an event that some rule could not be asked about."""
TRY_EVERY = timedelta(hours=1)
"""How often the clock asks again whether a rule can be judged for a person: mended software is noticed by this."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be judged: a person whose kept history becomes `history`. `view` is what of a history counts; `before`
    and `after` are that of the two."""

    state: PersonState
    member: CohortMember
    history: History
    span: Span
    view: Callable[[History], History]
    before: History
    after: History

    def hear(self, rules: RuleSet, remembered: KeptPeople | None) -> Heard:
        """What these rules say differently after than before, with what they had been passed over for."""
        hear = remembered.hear if remembered is not None else heard_between
        heard = hear(rules, self.member, self.before, self.after, self.span)
        return heard if not self.state.unjudged else self._caught_up(heard, rules)

    def _caught_up(self, heard: Heard, rules: RuleSet) -> Heard:
        for record in self.state.unjudged:
            if rules.rule(record.rule_id) is not None:
                before, since = self.view(_as_judged(record, self.state)), min(record.since, self.span.until)
                missed = heard_between(rules, self.member, before, self.after, Span(since, self.span.until))
                heard = _with_missed(heard, missed, record)
        return heard


def sparing(
    asked: Asked,
    rules: RuleSet,
    remembered: KeptPeople | None,
    judged: Callable[[RuleSet, KeptPeople | None, tuple[RuleFault, ...]], T],
) -> T:
    """What `judged` makes of these rules; where it raises, of those that can be judged, told which cannot.

    Raises what it raised where no rule is to blame, or none is left.
    """

    def ask(some: RuleSet) -> object:
        return said_in_full(asked.hear(some, None))

    if asked.state.unjudged:  # whoever is known to fail is asked first, alone: the others go on from what is kept
        faults = faults_among(rules, ask, [record.rule_id for record in asked.state.unjudged])
        if faults and len(faults) < len(rules.rules):
            try:
                return judged(reduced(rules, faults), remembered, faults)
            except Exception:  # another has come: all are asked, below
                faults = ()
    try:
        return judged(rules, remembered, ())
    except Exception:  # a door: one faulty rule must not silence the others
        if remembered is not None:
            remembered.forget(asked.member.member_id)
        faults = faults_in(rules, ask)
        if not faults:
            raise
        return judged(reduced(rules, faults), remembered, faults)


def state_after(asked: Asked, heard: Heard, rules: RuleSet, faults: Iterable[RuleFault], now: datetime) -> PersonState:
    """The person after a decision by `rules`, with what the faulty ones were passed over for.

    What a rule that could be judged had been passed over for is made up for; a rule that is not in force waits.
    """
    state = asked.state
    after = PersonState(state.member_id, state.version + 1, asked.history, heard.kept.now)
    faulty = tuple(faults)
    if not state.unjudged and not faulty:
        return after
    known = {record.rule_id: record for record in state.unjudged}
    passed = [_passed(fault, known.get(fault.rule_id), asked, now) for fault in faulty]
    names = {fault.rule_id for fault in faulty}
    waiting = [one for one in state.unjudged if one.rule_id not in names and rules.rule(one.rule_id) is None]
    kept = (*waiting, *passed)
    needed = {name for record in kept for name in record.gone}
    gone = [entry for entry in (*state.gone, *state.history) if name_of(entry) in needed]
    by_name = {name_of(entry): entry for entry in gone}
    return replace(after, unjudged=kept, gone=tuple(by_name.values()))


def due_after(heard: Heard, faults: Collection[RuleFault], now: datetime) -> datetime | None:
    """When the person is looked at again by the clock: when a wait ends, or to see whether a rule can be judged."""
    if not faults:
        return heard.due
    again = now + TRY_EVERY
    return again if heard.due is None else min(heard.due, again)


def waits_to_be_judged(state: PersonState, rules: RuleSet) -> bool:
    """Whether a rule in force was passed over for this person."""
    return any(rules.rule(record.rule_id) is not None for record in state.unjudged)


def name_of(entry: HistoryEntry) -> str:
    """What tells entries of one person's history apart."""
    return f"{entry.event_id}|{entry.subject}|{entry.role or ''}|{entry.relation}"


def _passed(fault: RuleFault, known: Unjudged | None, asked: Asked, now: datetime) -> Unjudged:
    before = asked.state.history if known is None else _as_judged(known, asked.state)
    was, is_now = ([name_of(entry) for entry in side] for side in (before, asked.history))
    old, new = set(was), set(is_now)
    same = known is not None and (known.version, known.cause) == (fault.version, fault.cause)
    seen = known.seen_at if known is not None and same and _same_day(known.seen_at, now) else now
    return Unjudged(
        rule_id=fault.rule_id,
        version=fault.version,
        cause=fault.cause,
        since=asked.span.since if known is None else known.since,
        seen_at=seen,
        come=tuple(name for name in is_now if name not in old),
        gone=tuple(name for name in was if name not in new),
    )


def _same_day(one: datetime, other: datetime) -> bool:
    return one.astimezone(LONDON).date() == other.astimezone(LONDON).date()


def _as_judged(record: Unjudged, state: PersonState) -> History:
    """The history by which the rule was last judged."""
    come, gone = set(record.come), set(record.gone)
    stayed = [entry for entry in state.history if name_of(entry) not in come]
    went = [entry for entry in state.gone if name_of(entry) in gone]
    return tuple(sorted((*stayed, *went), key=lambda entry: entry.order)) if went else tuple(stayed)


def _with_missed(heard: Heard, missed: Heard, record: Unjudged) -> Heard:
    """What was heard, with what the rule had been passed over for in place of its own part; that is marked late."""
    rule, now, then = record.rule_id, heard.changes, missed.changes
    own = {one.firing_id for one in (*now.fired, *(new for _, new in now.moved)) if one.rule_id == rule}
    fired = [one if one.firing_id in own else replace(one, late=True) for one in then.fired if one.rule_id == rule]
    moved = [
        (old, new if new.firing_id in own else replace(new, late=True))
        for old, new in then.moved
        if new.rule_id == rule
    ]
    held = [one for one in then.held if one.rule_id == rule]
    own |= {one.firing_id for one in now.held}
    late = {one.firing_id for one in (*fired, *(new for _, new in moved))}
    late = late.union(one.firing_id for one in held) - own
    changes = Changes(
        fired=(*(one for one in now.fired if one.rule_id != rule), *fired),
        withdrawn=(
            *(one for one in now.withdrawn if one.rule_id != rule),
            *(one for one in then.withdrawn if one.rule_id == rule),
        ),
        moved=(*(pair for pair in now.moved if pair[1].rule_id != rule), *moved),
        held=(*(one for one in now.held if one.rule_id != rule), *held),
    )
    return replace(heard, changes=changes, by_clock=heard.by_clock | late)
