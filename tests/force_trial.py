"""One measurement of recognition: a population, mentions of its people and of others, and what came of each.

True mentions, strangers, and the unwatched twins, siblings and cousins of members go through `match_event` as events
do; the truth is the generator's.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from random import Random

from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.model import MatchModel, default_model
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from domain.events import Event, Mention
from domain.ids import EventId, MemberId
from domain.kinds import Feed, Kind
from domain.matches import Match, MatchDecision, MatchReason
from domain.people import CohortMember
from fixtures.mentions import Mentioned, Source, mention_of
from fixtures.people import Household, Person, age_on
from fixtures.population import Kin, PopulationSpec, homes, kin_of, record_of, strangers
from fixtures.population_files import age_band as band_of

PREVALENCE = 0.01
"""Share of events about watched people, as limits.md measured."""
_CANDIDATES_OF = 3_000
_FEEDS = {Source.ED: Feed.ED, Source.POLICE: Feed.POLICE, Source.INTEL: Feed.INTEL, Source.HARD: Feed.POLICE}
_KINDS = {Feed.ED: Kind.ED_ARRIVAL, Feed.POLICE: Kind.CRIME_RECORDED, Feed.INTEL: Kind.INTEL_SUBMITTED}
_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Outcome(StrEnum):
    """What became of one mention. For somebody not watched, RIGHT cannot happen and WRONG is any MATCH."""

    RIGHT = "right"
    WRONG = "wrong"
    REVIEW = "review"  # the right member is in the queue
    REVIEW_OTHER = "review_other"  # only others are
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Result:
    """One mention with its outcome; `reason` is that of the review or match which decides the outcome, if any.

    `confused` marks a MATCH to a member of the same home: a twin, sibling or cousin taken for another.
    """

    mentioned: Mentioned
    outcome: Outcome
    reason: MatchReason | None
    confused: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What to measure: the size, how many mentions of each sort, and which stream (None: the mix of the feeds)."""

    spec: PopulationSpec
    own: int
    kin: int
    others: int
    source: Source | None = None


@dataclass(slots=True)
class Measured:
    """All results of a trial, and what the index did."""

    trial: Trial
    results: list[Result] = field(default_factory=list)
    candidates: float = 0.0
    seconds: float = 0.0
    bounded_lookups: int = 0

    def of(self, *kins: Kin) -> list[Result]:
        """The results of mentions of these kinds."""
        return [each for each in self.results if each.mentioned.kin in kins]


@dataclass(slots=True)
class _Cast:
    """Those of a population whom events will mention."""

    members: list[CohortMember] = field(default_factory=list)
    own: list[tuple[Person, tuple[MemberId, ...]]] = field(default_factory=list)
    kin: list[tuple[Person, Kin, tuple[MemberId, ...]]] = field(default_factory=list)


def measure(trial: Trial, model: MatchModel | None = None, policy: MatchPolicy | None = None) -> Measured:
    """Make the population, send the mentions through `match_event`, and keep what came of each."""
    model, policy = model or default_model(), policy or MatchPolicy(prevalence=PREVALENCE)
    gc.disable()  # millions of small values that stay: the collector would only walk them
    cast = _cast(trial)
    index = CohortIndex.build(cast.members)
    gc.enable()
    found = Measured(trial, candidates=_candidates(trial, index))
    for number, mentioned in enumerate(_mentions(trial, cast)):
        event = _event(number, mentioned)
        began = time.process_time()
        matches = match_event(event, index, policy, model)
        found.seconds += time.process_time() - began
        found.results.append(_result(mentioned, matches))
    found.bounded_lookups = index.stats.bounded_lookups
    return found


def _cast(trial: Trial) -> _Cast:
    cast, rng = _Cast(), Random(trial.spec.seed)
    chosen = set(rng.sample(range(trial.spec.members), min(trial.own, trial.spec.members)))
    kin_share = min(1.0, 3 * trial.kin / trial.spec.members)
    for home in homes(trial.spec):
        at_home = tuple(MemberId(str(person.member_id)) for person in home.watched)
        for person in home.watched:
            if len(cast.members) in chosen:
                cast.own.append((person, at_home))
            cast.members.append(record_of(person, home))
        if home.others and rng.random() < _share_of(home, kin_share):
            cast.kin.extend((person, kin_of(home), at_home) for person in home.others)
    return cast


def _share_of(home: Household, share: float) -> float:
    """Twins are rare and the hardest: four times as often as the other kin."""
    return min(1.0, 4 * share) if kin_of(home) is Kin.TWIN else share


def _mentions(trial: Trial, cast: _Cast) -> Iterator[Mentioned]:
    rng = Random(f"{trial.spec.seed}:mentions")
    for number in range(trial.own):
        person, near = cast.own[number % len(cast.own)]
        yield mention_of(person, rng, kin=Kin.SELF, near=near, source=trial.source)
    for number in range(trial.kin if cast.kin else 0):
        person, kin, near = cast.kin[number % len(cast.kin)]
        yield mention_of(person, rng, kin=kin, near=near, source=trial.source)
    alike = trial.source is Source.HARD
    for person in strangers(trial.spec, trial.others, of_watched_ages=alike):
        yield mention_of(person, rng, source=trial.source)


def _event(number: int, mentioned: Mentioned) -> Event:
    feed = _FEEDS[mentioned.source]
    key = f"E{number}"
    return Event(
        event_id=EventId(key),
        kind=_KINDS[feed],
        feed=feed,
        source_system="force",
        source_key=key,
        occurred_at=_AT,
        received_at=_AT,
        mentions=(Mention("1", None, mentioned.identity),),
    )


def _result(mentioned: Mentioned, matches: Sequence[Match]) -> Result:
    own = mentioned.member_id
    matched = [each for each in matches if each.decision is MatchDecision.MATCH]
    wrong = next((each for each in matched if each.member_id != own), None)
    if wrong is not None:
        return Result(mentioned, Outcome.WRONG, wrong.reason, wrong.member_id in mentioned.near)
    if matched:
        return Result(mentioned, Outcome.RIGHT, matched[0].reason, confused=False)
    right = next((each for each in matches if each.member_id == own), None)
    if right is not None:
        return Result(mentioned, Outcome.REVIEW, right.reason, confused=False)
    if matches:
        return Result(mentioned, Outcome.REVIEW_OTHER, matches[0].reason, confused=False)
    return Result(mentioned, Outcome.NONE, None, confused=False)


def _candidates(trial: Trial, index: CohortIndex) -> float:
    """Candidates per event, of events about strangers, which are nearly all."""
    rng = Random(f"{trial.spec.seed}:candidates")
    count = min(_CANDIDATES_OF, max(1, trial.others))
    people = strangers(trial.spec, count)
    identities = (mention_of(person, rng, source=trial.source).identity for person in people)
    return sum(len(index.candidates(prepare(identity))) for identity in identities) / count


def age_band(mentioned: Mentioned, today: date) -> str:
    """The age band of whom it is about, for the rates per group."""
    return band_of(age_on(mentioned.person.born, today))
