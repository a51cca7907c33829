"""Who is this event about? Every mention against the cohort: the best members, each with decision, reason and evidence.

Pure: the same event, index, policy and model give the same matches, whatever the order in which members came in.
Thresholds and vetoes are domain.md 5.4; what one pair may be used for is `deciding.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cohort.deciding import Pair, decide
from cohort.index import CohortIndex, Row
from cohort.model import MatchModel, default_model, probability_of
from cohort.policy import MatchPolicy
from cohort.prepared import PreparedIdentity, prepare
from cohort.scoring import PRIOR, Score, plan, score_at_least, score_pair
from domain.events import CrimeAttributes, DaAttributes, Event, IncidentAttributes, Mention
from domain.ids import EventId, HouseholdId, MemberId
from domain.matches import Evidence, Match, MatchDecision, MatchReason
from domain.people import MemberStatus

HOUSEHOLD_MENTION = "household"
"""The mention of a match that rests on the household key alone."""
CERTAIN_BITS = 40.0
"""What a key of the programme's own is worth as evidence (member id, household key): beyond any doubt a model has."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A candidate with what was decided about it."""

    row: Row
    score: Score
    decision: MatchDecision
    reason: MatchReason


def match_event(
    event: Event, index: CohortIndex, policy: MatchPolicy, model: MatchModel | None = None
) -> tuple[Match, ...]:
    """The members whom `event` is about or may be about: MATCH and REVIEW only, the best first within each mention.

    A mention has one MATCH at most. Members nobody named, but whose household the event names by key, come last with
    mention `household` and reason HOUSEHOLD. The model is the shipped one unless given.
    """
    model = model or default_model()
    matches: list[Match] = []
    for mention in event.mentions:
        matches += _match_mention(event.event_id, mention, index, policy, model)
    household = _household_key(event)
    if household:
        known = {match.member_id for match in matches if match.decision is MatchDecision.MATCH}
        prior = policy.prior_bits(len(index), model)
        matches += [
            _certain(event.event_id, HOUSEHOLD_MENTION, member_id, MatchReason.HOUSEHOLD, prior)
            for member_id in index.household(HouseholdId(household))
            if member_id not in known
        ]
    return tuple(matches)


def score_all(
    event: Event, index: CohortIndex, policy: MatchPolicy, model: MatchModel | None = None
) -> tuple[Match, ...]:
    """Every candidate pair of every mention, vetoed and light ones too, heaviest first; for tables and reviews."""
    model = model or default_model()
    matches: list[Match] = []
    for mention in event.mentions:
        named = _named_member(event.event_id, mention, index, policy, model)
        if named is not None:
            matches.append(named)
            continue
        judged = _judge(prepare(mention.identity), index, policy, model)
        matches += [_match(event.event_id, mention.ref, each) for each in judged]
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
    model, said = model or default_model(), prepare(mention.identity)
    score = score_pair(said, prepared, model, prior_bits=policy.prior_bits(len(index), model))
    judged = _judged(said, Row(member, prepared), score, policy, members=len(index))
    return _match(event.event_id, mention.ref, judged)


def _match_mention(
    event_id: EventId, mention: Mention, index: CohortIndex, policy: MatchPolicy, model: MatchModel
) -> Sequence[Match]:
    if mention.member_id:
        named = _named_member(event_id, mention, index, policy, model)
        if named is not None:
            return (named,)
    if mention.identity.unknown:
        return ()
    judged = [
        each
        for each in _judge(prepare(mention.identity), index, policy, model, light_too=False)
        if each.decision is not MatchDecision.NONE
    ]
    if not judged:
        return ()
    return [_match(event_id, mention.ref, each) for each in _settled(judged, policy)]


def _judge(
    who: PreparedIdentity, index: CohortIndex, policy: MatchPolicy, model: MatchModel, *, light_too: bool = True
) -> list[_Judged]:
    """Every candidate scored and decided, heaviest first; equal ones by member id.

    Without `light_too`, pairs that are too light for anything and share no identifier are dropped undecided.
    """
    candidates = index.candidates(who)
    if not candidates:
        return []
    members = len(index)
    prior = policy.prior_bits(members, model)
    enough = float("-inf") if light_too else policy.review_bits + policy.scale_bits(members)
    judged = []
    steps = plan(who, model)
    for row in candidates:
        score = score_at_least(who, row.prepared, steps, prior_bits=prior, enough=enough)
        if score is not None:
            judged.append(_judged(who, row, score, policy, members=members))
    return sorted(judged, key=lambda each: (-each.score.evidence_bits, each.row.member.member_id))


def _judged(who: PreparedIdentity, row: Row, score: Score, policy: MatchPolicy, *, members: int) -> _Judged:
    pair = Pair(who, row.prepared, score, gone=row.member.status is MemberStatus.DECEASED)
    decision, reason = decide(pair, policy, members=members)
    return _Judged(row, score, decision, reason)


def _settled(judged: list[_Judged], policy: MatchPolicy) -> list[_Judged]:
    """What several members mean for one mention, which is one person.

    A MATCH well ahead of the rest stands alone. Two too close to call are both for a human, and so is a MATCH that
    something heavier, but held back (a twin), competes with.
    """
    best = judged[0].score.evidence_bits
    close = [each for each in judged if best - each.score.evidence_bits < policy.margin_bits]
    if len(close) == 1 and judged[0].decision is MatchDecision.MATCH:
        return [judged[0]]
    if len(close) > 1:
        judged = [
            replace(each, decision=MatchDecision.REVIEW, reason=MatchReason.AMBIGUOUS) if each in close else each
            for each in judged
        ]
    return [
        replace(each, decision=MatchDecision.REVIEW, reason=MatchReason.AMBIGUOUS)
        if each.decision is MatchDecision.MATCH
        else each
        for each in judged[: policy.at_most]
    ]


def _match(event_id: EventId, mention: str, judged: _Judged) -> Match:
    weight = judged.score.weight
    return Match(
        event_id=event_id,
        mention=mention,
        member_id=judged.row.member.member_id,
        match_weight=weight,
        match_probability=probability_of(weight),
        decision=judged.decision,
        reason=judged.reason,
        evidence=judged.score.evidence(),
    )


def _named_member(
    event_id: EventId, mention: Mention, index: CohortIndex, policy: MatchPolicy, model: MatchModel
) -> Match | None:
    """The member whom the programme names by its own id; a closed one too, who may be coming back."""
    member = index.member(MemberId(mention.member_id)) if mention.member_id else None
    if member is None:
        return None
    return _certain(
        event_id, mention.ref, member.member_id, MatchReason.MEMBER_ID, policy.prior_bits(len(index), model)
    )


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


def _household_key(event: Event) -> str | None:
    attributes = event.attributes
    if isinstance(attributes, DaAttributes | CrimeAttributes | IncidentAttributes):
        return attributes.household_key
    return None
