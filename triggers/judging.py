"""From hits to verdicts, rule by rule: who it is about, guards and authority, then cooling and lateness in event time.

Kept from event to event like the finders: only the candidates of occurrences that changed are made again, and cooling
is looked at from there on, as far as it reaches.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.ids import EventId, OccurrenceKey
from domain.matches import NOBODY_NAMED
from domain.people import Standing
from domain.triggers import Priority, Sensitivity, TriggerFired
from triggers.conditions import ALWAYS, facts_asked, rules_asked, written_out
from triggers.cooling import cooled, cooled_alone
from triggers.explain import headline_of, past_reasons, reasons_of, silence
from triggers.finding import Hits
from triggers.hits import Grading, Hit
from triggers.lines import Line
from triggers.moments import Moment
from triggers.rising import RisenHit, waited
from triggers.rules import Case, Ground, Rule
from triggers.verdicts import DECISION_BY_STANDING, FiringDecision, Verdict

Verdicts = tuple[Verdict, ...]


Graded = tuple[Callable[[Moment], bool], Priority]
"""A line of the table of priorities: where it holds, this is how urgent it is."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A rule with what is asked of it again and again worked out once."""

    rule: Rule
    asks_count: bool
    asks_fired: tuple[str, ...]  # rules that the tables ask about
    raised_by: tuple[str, ...]  # those of them whose later firing makes it more urgent
    who: Callable[[Moment], bool] | None  # None: it asks nothing of who the person is
    priorities: tuple[Graded, ...]
    within_occurrence: bool  # cooling looks at one occurrence only


def judge_of(rule: Rule) -> Judge:
    """The judge of a rule."""
    then = rule.then
    tables = (*then.priorities, *then.headlines, *then.reviews)
    return Judge(
        rule=rule,
        asks_count=any("count" in facts_asked(line.condition) for line in tables),
        asks_fired=tuple(sorted(frozenset().union(*(rules_asked(line.condition) for line in tables)))),
        raised_by=tuple(sorted(rule.raised_by)),
        who=None if rule.who == ALWAYS else written_out(rule.who),
        priorities=_graded(rule),
        within_occurrence=rule.cooling.ground is Ground.OCCURRENCE,
    )


@dataclass(slots=True, eq=False)
class Judged:
    """What is kept of one rule: verdicts by occurrence (before cooling, where that looks beyond the occurrence), and
    then all of them in event time with what cooling made of them."""

    by_occurrence: dict[OccurrenceKey, Verdicts]
    line: Line[Verdict] | None

    @property
    def verdicts(self) -> Iterable[Verdict]:
        """Every verdict."""
        if self.line is not None:
            return self.line
        return (verdict for verdicts in self.by_occurrence.values() for verdict in verdicts)

    def fired_on(self, occurrence: OccurrenceKey, at: datetime | None) -> Verdicts:
        """The rule's firings on this occurrence at `at` or before (None: all), in no particular order."""
        known = self.by_occurrence.get(occurrence, ())
        if known and self.line is not None:
            known = tuple(verdict for candidate in known for verdict in _of(self.line, candidate))
        return tuple(verdict for verdict in known if verdict.fired and (at is None or verdict.fired_at <= at))


def _of(line: Line[Verdict], candidate: Verdict) -> Iterable[Verdict]:
    """What became of a candidate."""
    place = line.place(candidate.key)
    while place < line.size and line.items[place].key == candidate.key:
        if line.items[place].ground == candidate.ground:
            yield line.items[place]
        place += 1


def nothing_judged(judge: Judge) -> Judged:
    """What is kept of a rule before anything happened."""
    return Judged({}, None if judge.within_occurrence else Line())


Asked = Callable[[str, OccurrenceKey, datetime | None], Verdicts]
"""The firings of another rule on an occurrence at some moment or before (None: at any time)."""


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What is kept now, with the verdicts that are no longer and those that are new, in no particular order."""

    judged: Judged
    gone: Sequence[Verdict] = ()
    come: Sequence[Verdict] = ()


def rejudged(
    judge: Judge, judged: Judged, hits: Mapping[OccurrenceKey, Hits], changed: Collection[OccurrenceKey], asked: Asked
) -> Rejudged:
    """As `rejudge`, which brings `judged` itself up to the change, all in one value."""
    return Rejudged(judged, *rejudge(judge, judged, hits, changed, asked))


def rejudge(
    judge: Judge, judged: Judged, hits: Mapping[OccurrenceKey, Hits], changed: Collection[OccurrenceKey], asked: Asked
) -> tuple[Sequence[Verdict], Sequence[Verdict]]:
    """Bring `judged` up to the hits, or what the rule asks of other rules, that changed in the occurrences `changed`.

    Returns the verdicts that are no longer and those that are new, in no particular order.
    """
    was: list[Verdict] = []
    now: list[Verdict] = []
    by_occurrence, line = judged.by_occurrence, judged.line
    for key in changed:
        old = by_occurrence.get(key, _NO_VERDICTS)
        new = _candidates(judge, hits.get(key, ()), asked)
        if new and line is None:
            new = cooled_alone(judge.rule, new)
        if new:
            now.extend(new)
            by_occurrence[key] = new
        elif old:
            del by_occurrence[key]
        was.extend(old)
    if line is None or (not was and not now):
        return was, now
    judged.line, gone, come = cooled(judge.rule, line, was, now)
    return gone, come


_NO_VERDICTS: Verdicts = ()


# -- candidates ----------------------------------------------------------------------------------------------------


def _candidates(judge: Judge, hits: Hits, asked: Asked) -> Verdicts:
    """One candidate per firing id, the most urgent and best standing."""
    made: list[Verdict] = []
    for hit in hits:
        if _concerns(judge, hit, asked):
            made.append(_candidate(judge, hit, asked))
            if judge.raised_by and hit.open:
                made.extend(_risen(judge, hit, made[-1], asked))
    if len(made) < 2:
        return tuple(made)
    best: dict[tuple[EventId, str], Verdict] = {}
    for candidate in made:
        own = (candidate.anchor, candidate.ground)
        known = best.get(own)
        if known is None or _preference(judge.rule, candidate) < _preference(judge.rule, known):
            best[own] = candidate
    return tuple(best.values())


def _concerns(judge: Judge, hit: Hit, asked: Asked) -> bool:
    """Whether the rule is meant for the person, and no rule to which it yields has fired."""
    if judge.who is not None and not judge.who(hit.last):
        return False
    return not any(asked(name, hit.occurrence, hit.at) for name in judge.rule.yields_to)


def _risen(judge: Judge, hit: Hit, told: Verdict, asked: Asked) -> Iterator[Verdict]:
    """What later firings of the rules that it asks for make more urgent than `told`, the candidate of the hit.

    A firing by the clock raises nothing: it may rest on the very event on which `told` rests, and a firing is known by
    that event. Nor does one for health-approved contacts raise what others hear of: its hour alone would tell them.
    """
    urgency = told.priority
    others = {id(one): one for name in judge.raised_by for one in asked(name, hit.occurrence, None)}
    for other in sorted(others.values(), key=lambda one: (one.key, one.learnt_at)):
        if other.due or other.fired_at <= hit.at or other.anchor == told.anchor or _tells_of_health(judge, other):
            continue
        risen = RisenHit(hit, hit_of(other), judge.rule.tolerance)
        if not _concerns(judge, risen, asked):
            continue
        candidate = _candidate(judge, risen, asked)
        if candidate.priority.outranks(urgency):
            yield candidate
            if candidate.lateness <= judge.rule.tolerance:
                urgency = candidate.priority


def _tells_of_health(judge: Judge, other: Verdict) -> bool:
    own, its = judge.rule.then.sensitivity, rule_of(other).then.sensitivity
    return its is Sensitivity.HEALTH and own is not Sensitivity.HEALTH


def _preference(rule: Rule, verdict: Verdict) -> tuple[bool, bool, int, datetime]:
    return (not verdict.fired, verdict.lateness > rule.tolerance, verdict.priority.rank, verdict.learnt_at)


def _graded(rule: Rule) -> tuple[Graded, ...]:
    return tuple((written_out(line.condition), Priority(line.value)) for line in rule.then.priorities)


def grading_of(rule: Rule) -> Grading | None:
    """How urgent a moment makes the rule, where its priority may rise within an occurrence."""
    if not (rule.then.rises and rule.then.priorities):
        return None
    graded, otherwise = _graded(rule), rule.then.priority
    return lambda moment: _priority(graded, otherwise, moment).rank


def _priority(graded: Iterable[Graded], otherwise: Priority, moment: Moment) -> Priority:
    for holds, priority in graded:
        if holds(moment):
            return priority
    return otherwise


def _first(table: Iterable[Case], moment: Moment) -> str | None:
    return next((line.value for line in table if line.holds(moment) is True), None)


def _candidate(judge: Judge, hit: Hit, asked: Asked) -> Verdict:
    """One candidate with the verdict that guards and authority give it; cooling and lateness come after."""
    rule, moment = judge.rule, hit.last
    if judge.asks_fired or judge.asks_count:
        fired = frozenset(name for name in judge.asks_fired if asked(name, hit.occurrence, hit.at))
        moment = moment.asked_by(hit.count if judge.asks_count else None, fired.__contains__)
    decision = hit.decision
    if hit.open:
        # An absence belongs to the time before its instant: an authority that ends with the day still covers it.
        at = moment.at - _A_MOMENT if hit.due else moment.at
        standing = moment.person.standing(at, moment.entry.feed)
        if standing is not Standing.IN_DATE:
            decision = DECISION_BY_STANDING[standing]
    return Verdict(
        (rule, hit, moment),
        _firing,
        rule_id=rule.rule_id,
        member_id=moment.person.member.member_id,
        ground=_ground(rule, hit),
        anchor=moment.entry.event_id,
        fired_at=hit.at,
        learnt_at=hit.learnt,
        occurrence=hit.occurrence,
        priority=_final_priority(judge, moment) if judge.priorities else rule.then.priority,
        decision=decision,
        due=hit.due,
        lateness=hit.lateness,
    )


def _final_priority(judge: Judge, moment: Moment) -> Priority:
    """The least urgent of what was known then and what each correction made of it."""
    graded, otherwise = judge.priorities, judge.rule.then.priority
    known = _priority(graded, otherwise, moment)
    for corrected in moment.corrections():
        known = max(known, _priority(graded, otherwise, corrected), key=lambda priority: priority.rank)
    return known


def rule_of(verdict: Verdict) -> Rule:
    """The very rule whose verdict it is."""
    basis: tuple[Rule, Hit, Moment] = verdict.basis
    return basis[0]


def hit_of(verdict: Verdict) -> Hit:
    """The hit of which it is the verdict."""
    basis: tuple[Rule, Hit, Moment] = verdict.basis
    return basis[1]


def _firing(verdict: Verdict) -> TriggerFired:
    """The firing that a candidate is, or would be, in words."""
    basis: tuple[Rule, Hit, Moment] = verdict.basis
    rule, hit, moment = basis
    then, moments = rule.then, hit.moments
    held = hit.decision in (FiringDecision.HELD_FOR_GATEKEEPER, FiringDecision.BLOCKED_BY_ORIGINATOR)
    return TriggerFired(
        firing_id=verdict.firing_id,
        rule_id=rule.rule_id,
        rule_version=rule.version,
        member_id=verdict.member_id,
        priority=verdict.priority,
        fired_at=hit.at,
        anchor=verdict.anchor,
        ground=verdict.ground,
        contributing=tuple(dict.fromkeys(one.entry.event_id for one in moments)),
        reasons=(
            *reasons_of(moments, then.sensitivity),
            *(past_reasons(rule.who, moment, moments) if moment.past else ()),
            *((silence(waited(hit)),) if hit.due else ()),
        ),
        headline=headline_of(_first(then.headlines, moment) or then.headline, moments),
        message_key=then.message_key,
        sensitivity=Sensitivity.INTEL if held else then.sensitivity,
        channels=then.channels,
        contact_within=then.contact_within,
        expires_after=then.expires_after,
        late=hit.lateness > rule.late_after or moment.linked is not None,
        suggestion=then.suggestion,
        review=_first(then.reviews, moment) or "",
        step=hit.last.step,
        cap=then.cap,
        lists=moment.reference.mark,
    )


def _ground(rule: Rule, hit: Hit) -> str:
    """What the firing is about; of several waits that rest on the same, each is one of its own."""
    step = f"#{hit.last.step}" if hit.last.step else ""
    match rule.cooling.ground:
        case Ground.OCCURRENCE:
            return str(hit.occurrence) + step
        case Ground.SUBJECT:
            subject = hit.last.subject  # of whom no name is known, nobody is the same as another
            return (f"{subject}:{hit.occurrence}" if subject == NOBODY_NAMED else subject) + step
        case Ground.PERSON:
            return step


_A_MOMENT = timedelta(microseconds=1)
