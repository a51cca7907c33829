"""A rule test run on the pure evaluator, event by event in order of arrival, as the step would: no engine, no store.

The result lists every firing that would have led to an alert (also one withdrawn later), the corrections, and the
difference to what the test expects, in words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.attributes import ProgrammeAttributes
from domain.events import Event, occurrence_key
from domain.ids import FiringId, MemberId
from domain.kinds import HOLDS_FOR_EVERYBODY, TAKES_BACK, TAKES_ONE_OUT, Feed, Kind
from domain.matches import NOBODY_NAMED, LinkLearnt, Relation
from domain.people import CohortMember
from domain.triggers import TriggerFired
from triggers.expected import Comparison, Correction
from triggers.history import HistoryEntry, entry_of, told_on_link
from triggers.keeping import Kept, kept
from triggers.keeping import Step as StepMade
from triggers.linked import links_taken_back, resting_on, told_to
from triggers.occurrences import is_taken_by
from triggers.rules import RuleSet
from triggers.scenario_values import Scenario
from triggers.timelines import Step
from triggers.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a scenario: `firings` all that were told, `standing` those of them that stand at the end. `held` are
    candidates that did not fire, with the reason; `missing` and `unexpected` are told in words; the test passes when
    both are empty."""

    firings: tuple[TriggerFired, ...]
    standing: tuple[TriggerFired, ...]
    corrections: tuple[Correction, ...]
    held: tuple[Verdict, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether exactly what was expected came."""
        return not (self.missing or self.unexpected)

    @property
    def difference(self) -> str:
        """What differs, one line each; '' if nothing does."""
        return "\n".join([*(f"missing:    {line}" for line in self.missing), *self._came()])

    def _came(self) -> list[str]:
        return [f"unexpected: {line}" for line in self.unexpected]


@dataclass(slots=True)
class Trial:
    """The people of a scenario and what is known and said of them while it runs."""

    rules: RuleSet
    cohort: Mapping[MemberId, CohortMember]
    links: dict[MemberId, set[MemberId]]  # from the start
    people: dict[MemberId, Kept] = field(default_factory=dict)
    standing: dict[FiringId, TriggerFired] = field(default_factory=dict)
    corrections: list[Correction] = field(default_factory=list)
    replaced: list[Correction] = field(default_factory=list)
    held: list[Verdict] = field(default_factory=list)
    gone: set[FiringId] = field(default_factory=set)  # taken back, and not raised again
    again: set[FiringId] = field(default_factory=set)  # taken back, and standing again
    now: datetime | None = None  # the arrival that is being taken
    amended: list[Event] = field(default_factory=list)  # what was said of whole occurrences
    words: list[HistoryEntry] = field(default_factory=list)  # what was said of links, and taken back
    learnt: dict[MemberId, dict[MemberId, LinkLearnt]] = field(default_factory=dict)  # by what was said

    def take(self, step: Step) -> None:
        """One event arrives."""
        event = step.event
        self.now = event.received_at
        for member, entry in self.entries(step):
            self._take(self.cohort[member], (entry,), entry.occurred_at)
            for waiting in self._waiting_for(member, entry):
                self._take(self.cohort[member], (waiting,), waiting.occurred_at)
        unnamed = event.kind in _WAIT_UNNAMED and not step.member
        if event.kind in HOLDS_FOR_EVERYBODY or unnamed:
            self.amended.append(event)
        if event.kind is Kind.ASSOCIATION_ADDED or (event.kind in TAKES_BACK and event.feed is Feed.PROGRAMME):
            self.words.append(entry_of(event, subject=step.member or "", relation=Relation.SELF, role=step.role))
            self._link_anew(event.occurred_at)

    def _link_anew(self, at: datetime) -> None:
        """Who is linked by all that was said; what was heard through an error goes, and whoever is close hears of what
        has happened to the other."""
        gone = links_taken_back(self.words)
        self.learnt = {}
        for word in self.words:
            said = word.attributes
            told = word.kind is Kind.ASSOCIATION_ADDED and word.event_id not in gone
            if told and isinstance(said, ProgrammeAttributes):
                self._link(MemberId(word.subject), MemberId(said.other_member or ""), word)
        for member, known in list(self.people.items()):
            errors = resting_on(known.index.entries, gone)
            if errors:
                self._act(known.changed((), errors), member, at)
        for listener, close in self.learnt.items():
            for subject, learnt in close.items():
                history = tuple(self.people[subject].index.entries) if subject in self.people else ()
                news = told_to(self.cohort[listener], self.cohort[subject], history, Relation.ASSOCIATE, learnt)
                self._take(self.cohort[listener], news, learnt.at)

    def _link(self, one: MemberId, other: MemberId, word: HistoryEntry) -> None:
        """Two people are close from now on, unless they were: the first word that reaches us counts."""
        known = one in self.cohort and other in self.cohort and one != other
        if not known or other in self.links.get(one, ()) or self._share_a_home(one, other):
            return
        learnt = LinkLearnt(word.occurred_at, word.received_at, word.event_id)
        for listener, subject in ((one, other), (other, one)):
            self.learnt.setdefault(listener, {}).setdefault(subject, learnt)

    def _share_a_home(self, one: MemberId, other: MemberId) -> bool:
        home = self.cohort[one].household_id
        return home is not None and home == self.cohort[other].household_id

    def entries(self, step: Step) -> Iterable[tuple[MemberId, HistoryEntry]]:
        """Whose history the event enters, and as what: the person's own, their household's, their associates'.

        Who may not be recorded is as if nobody had named them, nor their role: the others of a home hear of it by the
        key that the event gives.
        """
        event = step.event
        named = self.cohort.get(step.member) if step.member else None
        if named is None and step.member and event.kind in TAKES_ONE_OUT:
            return  # it takes out somebody whom we do not watch
        if named is None and (event.kind in TAKES_ONE_OUT or not _household_key(event)):
            reached = list(self._amended(event))
            yield from reached
            told = {member for member, _ in reached}
            yield from (each for each in self._taken_from(event) if each[0] not in told)
            return
        subject = named if named and _allows(named, event) else None
        told = set()
        for member in self.cohort.values():
            for entry in self._heard_by(member, subject, step, stranger=named is None):
                if _allows(member, event):
                    told.add(member.member_id)
                    yield member.member_id, entry
        if event.kind in HOLDS_FOR_EVERYBODY:
            yield from (each for each in self._amended(event) if each[0] not in told)
        elif event.kind not in TAKES_ONE_OUT:
            yield from (each for each in self._taken_from(event) if each[0] not in told)

    def _heard_by(
        self, member: CohortMember, subject: CohortMember | None, step: Step, *, stranger: bool
    ) -> Iterator[HistoryEntry]:
        """As what somebody hears of an event about `subject` (None: nobody whom we may name).

        Where it was in their home they hear that too, and in which part a stranger was in it.
        """
        event = step.event
        relation = None if subject is None else self._relation(member, subject, event)
        if subject is not None and relation is not None:
            entry = entry_of(event, subject=str(subject.member_id), relation=relation, role=step.role)
            learnt = self.learnt.get(member.member_id, {}).get(subject.member_id)
            yield entry if learnt is None else told_on_link(entry, relation, learnt)
        at_home = member.household_id and member.household_id == _household_key(event)
        if at_home and relation is not Relation.SELF and event.kind not in TAKES_ONE_OUT:
            role = step.role if stranger else None
            yield entry_of(event, subject=NOBODY_NAMED, relation=Relation.HOUSEHOLD, role=role)

    def _waiting_for(self, member: MemberId, entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
        """What amended the occurrence for others before the member was heard to be in it."""
        if not self.amended:
            return ()
        known = {(one.event_id, one.subject) for one in self.people[member].index.entries}
        own = (str(member), Relation.OCCURRENCE)
        subject, relation = own if entry.subject == member else (entry.subject, entry.relation)
        return tuple(
            entry_of(event, subject=subject, relation=relation, role=None)
            for event in self.amended
            if (event.event_id, subject) not in known and _waits_for(event, entry)
        )

    def _amended(self, event: Event) -> Iterable[tuple[MemberId, HistoryEntry]]:
        """An event that names nobody amends what is already linked to its occurrence; what takes somebody out, for each
        of whom anything was heard."""
        entry = entry_of(event, subject="", relation=Relation.OCCURRENCE, role=None)
        for member, known_of in list(self.people.items()):
            same_key = [
                known
                for known in known_of.index.entries
                if known.occurrence == entry.occurrence
                or (known.source_system, known.source_key) == (entry.source_system, entry.source_key)
            ]
            others = {
                known.subject: known.relation for known in same_key if known.subject not in (member, NOBODY_NAMED)
            }
            for subject, relation in others.items():
                yield member, entry_of(event, subject=subject, relation=relation, role=None)
            if same_key:
                yield member, entry_of(event, subject=str(member), relation=Relation.OCCURRENCE, role=None)

    def _taken_from(self, event: Event) -> Iterable[tuple[MemberId, HistoryEntry]]:
        """What takes an event back reaches everybody who heard of that event, whomever it names itself."""
        if event.retracts is None and event.kind not in TAKES_BACK:
            return
        entry = entry_of(event, subject="", relation=Relation.OCCURRENCE, role=None)
        for member, known_of in list(self.people.items()):
            if any(is_taken_by(known, entry) for known in known_of.index.entries):
                yield member, entry_of(event, subject=str(member), relation=Relation.OCCURRENCE, role=None)

    def _relation(self, member: CohortMember, subject: CohortMember, event: Event) -> Relation | None:
        if member.member_id == subject.member_id:
            return Relation.SELF
        if event.feed is Feed.PROGRAMME:
            return None
        if member.household_id and member.household_id == subject.household_id:
            return Relation.HOUSEHOLD
        close = (*self.links.get(member.member_id, ()), *self.learnt.get(member.member_id, ()))
        return Relation.ASSOCIATE if subject.member_id in close else None

    def _take(self, member: CohortMember, entries: Sequence[HistoryEntry], at: datetime) -> None:
        before = self.people.get(member.member_id) or kept(self.rules, member, ())
        self._act(before.changed(entries), member.member_id, at)

    def begin(self, at: datetime) -> None:
        """The clock starts: what was due before is past."""
        self.people = {member: kept(self.rules, known, (), at) for member, known in self.cohort.items()}

    def keep_time(self, now: datetime) -> None:
        """The clock goes on: everything that is due by `now` comes about."""
        self.now = now
        for member, known in list(self.people.items()):
            self._act(known.at(now), member, now)

    def _act(self, step: StepMade, member: MemberId, at: datetime) -> None:
        self.people[member] = step.kept
        changes = step.changes
        self.held.extend(changes.held)
        for old, _ in changes.moved:
            self.standing.pop(old.firing_id, None)
            self.replaced.append(Correction(old, at, self.now or at))
        for firing in (*changes.fired, *(new for _, new in changes.moved)):
            self.standing[firing.firing_id] = firing
            if firing.firing_id in self.gone:
                self.gone.remove(firing.firing_id)
                self.again.add(firing.firing_id)
        for firing in changes.withdrawn:
            self.corrections.append(Correction(firing, at, self.now or at))
            self.gone.add(firing.firing_id)
            self.again.discard(firing.firing_id)


_WAIT_UNNAMED = frozenset({Kind.CRIME_ROLE_REMOVED, Kind.RECORD_RETRACTED})
"""Kinds that wait for what they are about, where they name nobody."""


def _waits_for(event: Event, entry: HistoryEntry) -> bool:
    """Whether an event that came before it is about the occurrence of an entry, or takes it back."""
    if occurrence_key(event) == entry.occurrence:
        return True
    taker = entry_of(event, subject="", relation=Relation.OCCURRENCE, role=None)
    return event.kind in TAKES_BACK and is_taken_by(entry, taker)


def _household_key(event: Event) -> str:
    return getattr(event.attributes, "household_key", None) or ""


def _allows(member: CohortMember, event: Event) -> bool:
    """Whether the member's authority allows the feed; what the programme says is no feed that one may refuse."""
    return event.feed is Feed.PROGRAMME or event.feed in member.allowed_feeds


_A_MOMENT = timedelta(microseconds=1)
"""What arrives at the instant at which an absence is due is heard before it is judged."""


def run_scenario(scenario: Scenario, rules: RuleSet) -> Result:
    """Run `scenario` against `rules` and compare. The clock stops at the last arrival, after everything due by then
    has fired (rules.md 1.2). Deterministic; firings are ordered by time, member and rule."""
    cohort = {member.member_id: member for member in scenario.cohort}
    trial = Trial(rules, cohort, _links(scenario.cohort))
    trial.begin(min([scenario.start, *(step.event.received_at for step in scenario.steps)]))
    for step in scenario.steps:
        trial.keep_time(step.event.received_at - _A_MOMENT)
        trial.take(step)
    if scenario.steps:
        trial.keep_time(scenario.steps[-1].event.received_at)
    firings = tuple(sorted(trial.standing.values(), key=lambda one: (one.fired_at, one.member_id, one.rule_id)))
    corrections = tuple(trial.corrections)
    compared = Comparison(scenario, rules, firings, frozenset(trial.gone), frozenset(trial.again))
    missing, unexpected = compared.firings([one.firing for one in trial.replaced])
    if scenario.corrections is not None:
        lost, extra = compared.corrections(corrections, trial.replaced)
        missing, unexpected = [*missing, *lost], [*unexpected, *extra]
    standing = tuple(firing for firing in firings if firing.firing_id not in trial.gone)
    return Result(firings, standing, corrections, tuple(trial.held), tuple(missing), tuple(unexpected))


def _links(cohort: Sequence[CohortMember]) -> dict[MemberId, set[MemberId]]:
    """Who is linked with whom; if either lists the other, they are associates."""
    links: dict[MemberId, set[MemberId]] = {member.member_id: set() for member in cohort}
    for member in cohort:
        for other in member.associates:
            links[member.member_id].add(other)
            links.setdefault(other, set()).add(member.member_id)
    return links
