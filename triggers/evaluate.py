"""Does it matter? Every candidate firing of every rule over a person's whole history, with what becomes of each.

A pure function of the history as a set, in event time: order of arrival, doubling and splitting change nothing.
`changes.py` compares two answers; the step calls this before and after adding an event's entries.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

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
    fired: dict[tuple[str, str], list[datetime]] = {}
    for rule in rules.rules:
        own = _verdicts(rule, index, fired)
        for verdict in own:
            if verdict.fired:
                fired.setdefault((str(rule.rule_id), verdict.occurrence), []).append(verdict.trigger.fired_at)
        verdicts.extend(own)
    return tuple(sorted(verdicts, key=_canonical))


def _canonical(verdict: Verdict) -> tuple[datetime, str, str, str, str]:
    firing = verdict.trigger
    return (firing.fired_at, firing.rule_id, firing.anchor, firing.ground, verdict.decision)


def _verdicts(rule: Rule, index: HistoryIndex, fired: Mapping[tuple[str, str], list[datetime]]) -> list[Verdict]:
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


def _candidate(rule: Rule, hit: Hit, fired: Mapping[tuple[str, str], list[datetime]]) -> Verdict:
    """One candidate with the verdict that guards and authority give it; cooling and lateness come after."""
    moment = replace(hit.last, count=hit.count, fired=_fired_for(hit.last, fired))
    firing = _firing(rule, hit, moment)
    decision = hit.decision
    if decision is FiringDecision.FIRED:
        standing = moment.person.standing(moment.at, moment.feed)
        decision = FiringDecision.FIRED if standing is Standing.IN_DATE else DECISION_BY_STANDING[standing]
    return Verdict(firing, decision, hit.learnt, str(moment.occurrence.key))


def _fired_for(moment: Moment, fired: Mapping[tuple[str, str], list[datetime]]) -> Callable[[str], bool]:
    key, at = str(moment.occurrence.key), moment.at
    return lambda rule: any(when <= at for when in fired.get((rule, key), ()))


def _firing(rule: Rule, hit: Hit, moment: Moment) -> TriggerFired:
    then = rule.then
    member = moment.person.member
    ground = _ground(rule, moment)
    corrected = replace(moment.corrected(), count=moment.count, fired=moment.fired)
    priority = max(_priority(rule, moment), _priority(rule, corrected), key=lambda priority: priority.rank)
    held = hit.decision in (FiringDecision.HELD_FOR_GATEKEEPER, FiringDecision.BLOCKED_BY_ORIGINATOR)
    return TriggerFired(
        firing_id=firing_id(rule=rule.rule_id, member=member.member_id, anchor=moment.entry.event_id, ground=ground),
        rule_id=rule.rule_id,
        rule_version=rule.version,
        member_id=member.member_id,
        priority=priority,
        fired_at=moment.at,
        anchor=moment.entry.event_id,
        ground=ground,
        contributing=tuple(dict.fromkeys(one.entry.event_id for one in hit.moments)),
        reasons=reasons_of(hit.moments, then.sensitivity),
        headline=headline_of(_first(then.headlines, moment) or then.headline, hit.moments),
        message_key=then.message_key,
        sensitivity=Sensitivity.INTEL if held else then.sensitivity,
        channels=then.channels,
        contact_within=then.contact_within,
        expires_after=then.expires_after,
        late=hit.learnt - moment.at > rule.late_after,
        suggestion=then.suggestion,
        review=_first(then.reviews, moment) or "",
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
        known = best.get(candidate.trigger.firing_id)
        if known is None or _preference(candidate) < _preference(known):
            best[candidate.trigger.firing_id] = candidate
    return sorted(best.values(), key=lambda one: (one.trigger.fired_at, one.trigger.priority.rank, one.trigger.anchor))


def _preference(verdict: Verdict) -> tuple[bool, int, datetime]:
    return (not verdict.fired, verdict.trigger.priority.rank, verdict.learnt_at)


def _cooled(rule: Rule, candidates: list[Verdict]) -> list[Verdict]:
    """Cooling, then lateness, in event time: only what fires keeps others quiet."""
    standing: list[TriggerFired] = []
    decided: list[Verdict] = []
    for candidate in candidates:
        verdict = candidate
        if candidate.fired:
            cooler = next((known for known in reversed(standing) if _cools(rule, known, candidate.trigger)), None)
            if cooler is not None:
                verdict = replace(candidate, decision=FiringDecision.COOLING, cooled_by=cooler.firing_id)
            elif candidate.learnt_at - candidate.trigger.fired_at > rule.tolerance:
                verdict = replace(candidate, decision=FiringDecision.TOO_LATE)
            else:
                standing.append(candidate.trigger)
        decided.append(verdict)
    return decided


def _cools(rule: Rule, known: TriggerFired, new: TriggerFired) -> bool:
    if known.ground != new.ground or new.priority.outranks(known.priority):
        return False
    if rule.cooling.per_priority and known.priority is not new.priority:
        return False
    within: timedelta | None = rule.cooling.within
    return within is None or new.fired_at - known.fired_at <= within
