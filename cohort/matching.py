"""Who is this event about? Every mention against the cohort: the best members, each with decision, reason and evidence.

Pure: the same event, index, policy and model give the same matches, whatever the order in which members came in, and
whether one index holds everybody or several workers each hold a part (`look` on each, then `settle`).
Thresholds and vetoes are domain.md 5.4; what one pair may be used for is `deciding.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cohort.deciding import Pair, decide
from cohort.frequencies import NameCounts
from cohort.index import CohortIndex, Row
from cohort.model import MatchModel, default_model, probability_of
from cohort.policy import MatchPolicy
from cohort.prepared import PreparedIdentity, prepare
from cohort.scoring import PRIOR, Score, plan, score_at_least, score_pair
from cohort.sieve import Sieve
from domain.attributes import CrimeAttributes, DaAttributes, IncidentAttributes
from domain.events import Event, Mention
from domain.ids import EventId, HouseholdId, MemberId
from domain.matches import Evidence, Match, MatchDecision, MatchReason
from domain.people import MemberStatus

HOUSEHOLD_MENTION = "household"
"""The mention of a match that rests on the household key alone."""
CERTAIN_BITS = 40.0
"""What a key of the programme's own is worth as evidence (member id, household key): beyond any doubt a model has."""
_FEW = 2
"""Candidates so few that each is simply compared in full."""


class _Compiled(NamedTuple):
    """What stays the same for all events that one policy and model judge in one cohort; `bound` knows its names."""

    policy: MatchPolicy
    model: MatchModel
    members: int
    prior: float
    enough: float
    sieve: Sieve
    bound: MatchModel


@dataclass(frozen=True, slots=True)
class Partial:
    """What one index says of an event: matches per mention, not yet settled, and who is of the household it names."""

    mentions: tuple[tuple[Match, ...], ...]
    household: tuple[Match, ...] = ()


def match_event(
    event: Event, index: CohortIndex, policy: MatchPolicy, model: MatchModel | None = None
) -> tuple[Match, ...]:
    """The members whom `event` is about or may be about: MATCH and REVIEW only, the best first within each mention.

    A mention has one MATCH at most. Members nobody named, but whose household the event names by key, come last with
    mention `household` and reason HOUSEHOLD. The model is the policy's unless given.
    """
    model = model or policy.model or default_model()
    compiled = index.compiled
    if compiled is None or compiled.model is not model or compiled.policy is not policy:
        compiled = _kept(index, policy, model)
    found = _look(event, index, compiled)
    home = _household(event, index, compiled.prior) if type(event.attributes) in _WITH_HOUSEHOLD else ()
    if not home and len(found) == 1 == len(found[0]):
        return found[0]  # nothing to settle: one mention, one candidate
    return settle([Partial(tuple(found), home)], policy) if found or home else ()


def look(
    event: Event,
    index: CohortIndex,
    policy: MatchPolicy,
    model: MatchModel | None = None,
    *,
    members: int,
    names: NameCounts | None = None,
) -> Partial:
    """What a part of a cohort of `members` says of an event. `settle` with those of the other parts.

    `names` are those of the whole cohort; of this part where not given, which is nearly the same in a large cohort.

    The parts have to be settled together, because the margin between the best and the next is a matter of the whole
    cohort: a worker that sees one of two brothers would take him for the only one.
    """
    compiled = _compiled(policy, model or policy.model or default_model(), members, names or index.names)
    found = _look(event, index, compiled) or [()] * len(event.mentions)
    return Partial(tuple(found), _household(event, index, compiled.prior))


def settle(parts: Sequence[Partial], policy: MatchPolicy) -> tuple[Match, ...]:
    """The matches of an event from what each part of the cohort says of it: `match_event` of the whole."""
    matches: list[Match] = []
    for groups in zip(*(part.mentions for part in parts), strict=True):
        everybody = [match for group in groups for match in group]
        named = [match for match in everybody if match.reason is MatchReason.MEMBER_ID]
        if named or not everybody:
            matches += named
            continue
        everybody.sort(key=_heaviest)
        matches += _settled(everybody, policy)
    known = {match.member_id for match in matches if match.decision is MatchDecision.MATCH}
    home = sorted((match for part in parts for match in part.household), key=lambda match: match.member_id)
    matches += [match for match in home if match.member_id not in known]
    return tuple(matches)


def score_all(
    event: Event, index: CohortIndex, policy: MatchPolicy, model: MatchModel | None = None
) -> tuple[Match, ...]:
    """Every candidate pair of every mention, vetoed and light ones too, heaviest first; for tables and reviews."""
    compiled = _kept(index, policy, model or policy.model or default_model())
    matches: list[Match] = []
    for mention in event.mentions:
        named = _named_member(event.event_id, mention, index, compiled.prior)
        if named is not None:
            matches.append(named)
            continue
        who = prepare(mention.identity)
        pairs = [
            (row, score_pair(who, row.prepared, compiled.bound, prior_bits=compiled.prior))
            for row in index.candidates(who)
        ]
        judged = [_match(event.event_id, mention.ref, who, (row, score), compiled) for row, score in pairs]
        matches += sorted(judged, key=_heaviest)
    return tuple(matches)


def explain_pair(
    event: Event,
    mention: Mention,
    member_id: MemberId,
    *,
    index: CohortIndex,
    policy: MatchPolicy,
    model: MatchModel | None = None,
) -> Match | None:
    """One mention against one member, whether or not blocking would have brought them together; None if unknown."""
    member, prepared = index.member(member_id), index.prepared(member_id)
    if member is None or prepared is None:
        return None
    compiled = _kept(index, policy, model or policy.model or default_model())
    said = prepare(mention.identity)
    score = score_pair(said, prepared, compiled.bound, prior_bits=compiled.prior)
    return _match(event.event_id, mention.ref, said, (Row(member, prepared), score), compiled)


def _kept(index: CohortIndex, policy: MatchPolicy, model: MatchModel) -> _Compiled:
    """What was compiled for this index last, if it is the same policy and model again, as nearly always."""
    kept: _Compiled | None = index.compiled
    if kept is None or kept.model is not model or kept.policy != policy:
        kept = index.compiled = _compiled(policy, model, len(index), index.names)
    return kept


def _compiled(policy: MatchPolicy, model: MatchModel, members: int, names: NameCounts) -> _Compiled:
    enough = policy.review_bits + policy.scale_bits(members)
    bound = model.in_cohort(names)
    return _Compiled(policy, model, members, policy.prior_bits(members, model), enough, Sieve(bound, enough), bound)


def _look(event: Event, index: CohortIndex, compiled: _Compiled) -> list[tuple[Match, ...]]:
    """Per mention, whoever it may be, not yet settled; [] where no mention is about anybody, as nearly always."""
    found: list[tuple[Match, ...]] = []
    anybody = False
    for mention in event.mentions:
        identity = mention.identity
        if mention.member_id:
            matches = _matches_by_id(event.event_id, mention, index, compiled)
        elif identity.unknown or not (numbers := index.search(identity, compiled.sieve)):
            found.append(())
            continue
        else:
            matches = _weighed(event.event_id, mention, numbers, index, compiled)
        found.append(matches)
        anybody = anybody or bool(matches)
    return found if anybody else []


def _matches_by_id(event_id: EventId, mention: Mention, index: CohortIndex, compiled: _Compiled) -> tuple[Match, ...]:
    """The member whom the programme names; where the id is unknown here, whoever the words may mean."""
    named = _named_member(event_id, mention, index, compiled.prior)
    if named is not None:
        return (named,)
    if mention.identity.unknown:
        return ()
    return _weighed(event_id, mention, index.search(mention.identity, compiled.sieve), index, compiled)


def _weighed(
    event_id: EventId, mention: Mention, numbers: Collection[int], index: CohortIndex, compiled: _Compiled
) -> tuple[Match, ...]:
    """Those of the candidates with whom something may be done. A plan to stop early pays from the third on."""
    who = prepare(mention.identity)
    steps = plan(who, compiled.bound) if len(numbers) > _FEW else None
    prior, enough = compiled.prior, compiled.enough
    matches = []
    for number in numbers:
        row = index.row(number)
        score: Score | None
        if steps is None:
            score = score_pair(who, row.prepared, compiled.bound, prior_bits=prior)
        else:
            score = score_at_least(who, row.prepared, steps, prior_bits=prior, enough=enough)
        if score is not None:
            match = _match(event_id, mention.ref, who, (row, score), compiled)
            if match.decision is not MatchDecision.NONE:
                matches.append(match)
    return tuple(matches)


def _settled(matches: list[Match], policy: MatchPolicy) -> list[Match]:
    """What several members mean for one mention, which is one person.

    A MATCH well ahead of the rest stands alone. Two too close to call are both for a human, and so is a MATCH that
    something heavier, but held back (a twin), competes with.
    """
    best = matches[0].match_weight
    close = sum(best - match.match_weight < policy.margin_bits for match in matches)
    if close == 1 and matches[0].decision is MatchDecision.MATCH:
        return [matches[0]]
    doubtful = close if close > 1 else 0
    return [
        replace(match, decision=MatchDecision.REVIEW, reason=MatchReason.AMBIGUOUS)
        if place < doubtful or match.decision is MatchDecision.MATCH
        else match
        for place, match in enumerate(matches[: policy.at_most])
    ]


def _heaviest(match: Match) -> tuple[float, str]:
    return -match.match_weight, match.member_id


def _match(event_id: EventId, mention: str, who: PreparedIdentity, found: tuple[Row, Score], by: _Compiled) -> Match:
    row, score = found
    pair = Pair(who, row.prepared, score, gone=row.member.status is MemberStatus.DECEASED)
    decision, reason = decide(pair, by.policy, members=by.members)
    weight = score.weight
    return Match(
        event_id=event_id,
        mention=mention,
        member_id=row.member.member_id,
        match_weight=weight,
        match_probability=probability_of(weight),
        decision=decision,
        reason=reason,
        evidence=score.evidence(),
    )


def _named_member(event_id: EventId, mention: Mention, index: CohortIndex, prior: float) -> Match | None:
    """The member whom the programme names by its own id; a closed one too, who may be coming back."""
    member = index.member(MemberId(mention.member_id)) if mention.member_id else None
    if member is None:
        return None
    return _certain(event_id, mention.ref, member.member_id, MatchReason.MEMBER_ID, prior)


def _certain(event_id: EventId, mention: str, member_id: MemberId, reason: MatchReason, prior: float) -> Match:
    weight = prior + CERTAIN_BITS
    return Match(
        event_id=event_id,
        mention=mention,
        member_id=member_id,
        match_weight=weight,
        match_probability=probability_of(weight),
        decision=MatchDecision.MATCH,
        reason=reason,
        evidence=(
            Evidence(PRIOR, "share of events about watched people", prior),
            Evidence(reason.value, "same", CERTAIN_BITS),
        ),
    )


_WITH_HOUSEHOLD = frozenset({DaAttributes, CrimeAttributes, IncidentAttributes})


def _household(event: Event, index: CohortIndex, prior: float) -> tuple[Match, ...]:
    """The members of the household that an event names by its key."""
    attributes = event.attributes
    if not isinstance(attributes, DaAttributes | CrimeAttributes | IncidentAttributes) or not attributes.household_key:
        return ()
    return tuple(
        _certain(event.event_id, HOUSEHOLD_MENTION, member_id, MatchReason.HOUSEHOLD, prior)
        for member_id in index.household(HouseholdId(attributes.household_key))
    )
