"""Does it matter? Every candidate firing of every rule over a person's whole history, with what becomes of each.

A pure function of the history as a set, in event time: order of arrival, doubling and splitting change nothing.
`changes.py` compares two answers; the step calls this before and after adding an event's entries.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from domain.ids import FiringId, firing_id
from domain.people import CohortMember, Standing
from domain.triggers import Priority, Sensitivity, TriggerFired
from triggers.changes import Changes, compare
from triggers.explain import headline_of, reasons_of
from triggers.history import History
from triggers.hits import Grading, Hit, Search
from triggers.indexing import HistoryIndex
from triggers.moments import Moment
from triggers.rules import Case, Ground, Rule, RuleSet
from triggers.verdicts import DECISION_BY_STANDING, FiringDecision, Verdict
from triggers.windows import find

__all__ = ["Changes", "FiringDecision", "Verdict", "compare", "evaluate"]


def evaluate(rules: RuleSet, member: CohortMember, history: History) -> tuple[Verdict, ...]:
    """All candidates of `rules` for `member` with their verdicts, by fired_at, rule and anchor.

    Deterministic: the same set of entries gives the same verdicts and the same firing ids, whatever their order.
    """
    index = HistoryIndex(history, member, rules.reference)
    verdicts: list[Verdict] = []
    fired: Firings = {}
    for rule in rules.rules:
        own = _verdicts(rule, index, fired)
        for verdict in own:
            if verdict.fired:
                fired.setdefault((str(rule.rule_id), verdict.occurrence), []).append(verdict.fired_at)
        verdicts.extend(own)
    return tuple(sorted(verdicts, key=_canonical))


Firings = dict[tuple[str, str], list[datetime]]
"""When which rule fired on which occurrence, for the rules that ask about others."""


def _canonical(verdict: Verdict) -> tuple[datetime, str, str, str, str]:
    return (verdict.fired_at, verdict.rule_id, verdict.anchor, verdict.ground, verdict.decision)


def _verdicts(rule: Rule, index: HistoryIndex, fired: Firings) -> list[Verdict]:
    grading = _grading(rule) if rule.then.rises and rule.then.priorities else None
    hits = find(rule.when, Search(index, rule.tolerance, grading))
    candidates = [
        _candidate(rule, hit, fired)
        for hit in hits
        if rule.who_holds(hit.last) is True and not any(map(_fired_for(hit.last, fired), rule.yields_to))
    ]
    return _cooled(rule, _one_per_firing(candidates))


def _grading(rule: Rule) -> Grading:
    return lambda moment: _priority(rule, moment).rank


def _priority(rule: Rule, moment: Moment) -> Priority:
    return Priority(_first(rule.then.priorities, moment) or rule.then.priority)


def _first(table: Iterable[Case], moment: Moment) -> str | None:
    return next((line.value for line in table if line.holds(moment) is True), None)


def _candidate(rule: Rule, hit: Hit, fired: Firings) -> Verdict:
    """One candidate with the verdict that guards and authority give it; cooling and lateness come after."""
    last = hit.last
    asks = bool(rule.then.priorities or rule.then.headlines or rule.then.reviews)
    moment = replace(last, count=hit.count, fired=_fired_for(last, fired)) if asks else last
    ground = _ground(rule, moment)
    member = moment.person.member.member_id
    decision = hit.decision
    if decision is FiringDecision.FIRED:
        standing = moment.person.standing(moment.at, moment.feed)
        decision = FiringDecision.FIRED if standing is Standing.IN_DATE else DECISION_BY_STANDING[standing]
    firing = firing_id(rule=rule.rule_id, member=member, anchor=moment.entry.event_id, ground=ground)
    priority = _final_priority(rule, moment)
    review, headline = _first(rule.then.reviews, moment) or "", _first(rule.then.headlines, moment)
    return Verdict(
        firing_id=firing,
        rule_id=rule.rule_id,
        ground=ground,
        anchor=moment.entry.event_id,
        fired_at=moment.at,
        learnt_at=hit.learnt,
        occurrence=str(moment.occurrence.key),
        priority=priority,
        decision=decision,
        make=lambda: _firing(
            rule, hit, ground=ground, priority=priority, headline=headline or rule.then.headline, review=review
        ),
    )


def _final_priority(rule: Rule, moment: Moment) -> Priority:
    """The less urgent of what was known then and what is known by all corrections."""
    if not rule.then.priorities:
        return rule.then.priority
    corrected = moment.corrected()
    return max(_priority(rule, moment), _priority(rule, corrected), key=lambda priority: priority.rank)


def _fired_for(moment: Moment, fired: Firings) -> Callable[[str], bool]:
    key, at = str(moment.occurrence.key), moment.at
    return lambda rule: any(when <= at for when in fired.get((rule, key), ()))


def _firing(rule: Rule, hit: Hit, *, ground: str, priority: Priority, headline: str, review: str) -> TriggerFired:
    then, moment = rule.then, hit.last
    member = moment.person.member.member_id
    held = hit.decision in (FiringDecision.HELD_FOR_GATEKEEPER, FiringDecision.BLOCKED_BY_ORIGINATOR)
    return TriggerFired(
        firing_id=firing_id(rule=rule.rule_id, member=member, anchor=moment.entry.event_id, ground=ground),
        rule_id=rule.rule_id,
        rule_version=rule.version,
        member_id=member,
        priority=priority,
        fired_at=moment.at,
        anchor=moment.entry.event_id,
        ground=ground,
        contributing=tuple(dict.fromkeys(one.entry.event_id for one in hit.moments)),
        reasons=reasons_of(hit.moments, then.sensitivity),
        headline=headline_of(headline, hit.moments),
        message_key=then.message_key,
        sensitivity=Sensitivity.INTEL if held else then.sensitivity,
        channels=then.channels,
        contact_within=then.contact_within,
        expires_after=then.expires_after,
        late=hit.learnt - moment.at > rule.late_after,
        suggestion=then.suggestion,
        review=review,
    )


def _ground(rule: Rule, moment: Moment) -> str:
    match rule.cooling.ground:
        case Ground.OCCURRENCE:
            return str(moment.occurrence.key)
        case Ground.SUBJECT:
            return moment.subject
        case Ground.PERSON:
            return ""


def _one_per_firing(candidates: Iterable[Verdict]) -> list[Verdict]:
    """One candidate per firing id, the most urgent and best standing, in order of event time."""
    best: dict[FiringId, Verdict] = {}
    for candidate in candidates:
        known = best.get(candidate.firing_id)
        if known is None or _preference(candidate) < _preference(known):
            best[candidate.firing_id] = candidate
    return sorted(best.values(), key=lambda one: (one.fired_at, one.priority.rank, one.anchor))


def _preference(verdict: Verdict) -> tuple[bool, int, datetime]:
    return (not verdict.fired, verdict.priority.rank, verdict.learnt_at)


def _cooled(rule: Rule, candidates: list[Verdict]) -> list[Verdict]:
    """Cooling, then lateness, in event time: only what fires keeps others quiet."""
    standing: dict[str, list[Verdict]] = {}
    for candidate in candidates:
        if not candidate.fired:
            continue
        known = standing.setdefault(candidate.ground, [])
        cooler = next((one for one in reversed(known) if _cools(rule, one, candidate)), None)
        if cooler is not None:
            candidate.decision, candidate.cooled_by = FiringDecision.COOLING, cooler.firing_id
        elif candidate.learnt_at - candidate.fired_at > rule.tolerance:
            candidate.decision = FiringDecision.TOO_LATE
        else:
            known.append(candidate)
    return candidates


def _cools(rule: Rule, known: Verdict, new: Verdict) -> bool:
    if new.priority.outranks(known.priority):
        return False
    if rule.cooling.per_priority and known.priority is not new.priority:
        return False
    within = rule.cooling.within
    return within is None or new.fired_at - known.fired_at <= within
