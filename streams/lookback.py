"""Look-back, pure: which retained events concern somebody who joined, or whose identity or links changed, meanwhile.

A small index of the people sought picks the candidates; what a candidate means is then asked of the whole cohort, by
the same functions that live events go through. What had been given to somebody else is not given to a newcomer too: a
human is asked. Nothing is ever taken away here.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.policy import MatchPolicy
from domain.attributes import EdAttributes
from domain.events import Event, occurrence_key
from domain.ids import MemberId, digest
from domain.matches import NOBODY_NAMED, Match, MatchDecision, MatchReason, Relation
from streams.knowledge import Known
from streams.linking import HOUSEHOLD, OCCURRENCE, SUBJECT, keys_to_look_up, occurrence_link
from streams.messages import Matched, ReviewItem
from streams.ports import Recognised
from streams.reviews import candidates

_WHOLE_SHARE = 5
"""Above a fifth of the cohort sought, the index that is there serves as well as a second one would."""
_BEYOND_DOUBT = frozenset({MatchReason.MEMBER_ID, MatchReason.HOUSEHOLD})
"""Matches by a key of the programme's own: they compete with nobody."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Whom a pass looks for: the members that are new or changed, and an index of them and of those close to them."""

    members: frozenset[MemberId]
    index: CohortIndex
    names: tuple[MemberId, ...] = ()

    def after(self, name: str) -> Iterator[MemberId]:
        """The members that come after `name`, by id."""
        return islice(self.names, bisect_right(self.names, name), None)


def sought(changed: Iterable[MemberId], index: CohortIndex) -> Sought:
    """The members among `changed` that are in the cohort still. Some 50 microseconds for each of them.

    Those close to them are looked for too: harm to a new associate, known or not, must reach the listener.
    """
    members = frozenset(name for name in changed if index.member(name) is not None)
    names = tuple(sorted(members))
    if len(members) * _WHOLE_SHARE > len(index):
        return Sought(members, index, names)
    near = members.union(other for name in members for other, _ in index.linked(name))
    if len(near) * _WHOLE_SHARE > len(index):
        return Sought(members, index, names)
    people = (index.member(name) for name in sorted(near))
    small = CohortIndex.build((one for one in people if one is not None), index.version, index.keys)
    return Sought(members, small, names)


def candidate_policy(policy: MatchPolicy, *, members: int) -> MatchPolicy:
    """The policy for the small index that asks as much of a pair as the whole cohort of `members` does."""
    more = policy.scale_bits(members)
    return replace(
        policy,
        match_bits=policy.match_bits + more,
        review_bits=policy.review_bits + more,
        reference_members=max(policy.reference_members, members),
    )


def is_candidate(event: Event, people: Sought, policy: MatchPolicy) -> bool:
    """Whether an event may be about somebody sought; `policy` is that of `candidate_policy`."""
    return event.provenance.live and bool(match_event(event, people.index, policy))


def is_amended(event: Event, known: Known, people: Sought) -> bool:
    """Whether it says something further about an occurrence that is linked to somebody sought, naming them or not."""
    values = (value for key in keys_to_look_up(event) for value in known.people(key))
    return any(value[len(SUBJECT) :] in people.members for value in values)


def not_rejected(matches: Sequence[Match], reviewed: Sequence[Match]) -> tuple[Match, ...]:
    """The matches without those that a human rejected before; `reviewed` are the same with what was decided.

    What a human confirmed stays in doubt here: the review that is asked is decided by their words at once, and so can
    be undone like any other (review_desk).
    """
    pairs = zip(matches, reviewed, strict=True)
    return tuple(match for match, said in pairs if said.reason is not MatchReason.REVIEWED_DIFFERENT)


def competed(matches: Sequence[Match], people: Sought) -> bool:
    """Whether a match beyond the thresholds is for somebody sought, so that `settled` must look at its rivals."""
    return any(_could_be_given(match, people) for match in matches)


def settled(
    event: Event, matches: Sequence[Match], pairs: Sequence[Match], known: Known, people: Sought
) -> tuple[Match, ...]:
    """The matches, but what somebody else holds already is in doubt for whoever comes later.

    `pairs` are all pairs of the event (cohort.matching.score_all), settled by nothing.
    """
    linked = _linked(event, known)
    found: list[Match] = []
    for match in matches:
        if not _could_be_given(match, people) or match.member_id in linked:
            found.append(match)
            continue
        holders = _holders(event, match, pairs, linked=linked, known=known, people=people) - {match.member_id}
        if not holders:
            found.append(match)
            continue
        rivals = [pair for pair in pairs if pair.mention == match.mention and pair.member_id in holders]
        found += [_in_doubt(each) for each in (match, *rivals)]
    return tuple(found)


def _could_be_given(match: Match, people: Sought) -> bool:
    return (
        match.decision is MatchDecision.MATCH
        and match.reason not in _BEYOND_DOUBT
        and match.member_id in people.members
    )


def _in_doubt(match: Match) -> Match:
    return replace(match, decision=MatchDecision.REVIEW, reason=MatchReason.AMBIGUOUS)


def _linked(event: Event, known: Known) -> frozenset[MemberId]:
    values = known.people(occurrence_link(occurrence_key(event)))
    return frozenset(MemberId(value[len(SUBJECT) :]) for value in values if value.startswith(SUBJECT))


def _holders(
    event: Event,
    match: Match,
    pairs: Sequence[Match],
    *,
    linked: Collection[MemberId],
    known: Known,
    people: Sought,
) -> set[MemberId]:
    """Who had this mention before: matched by it, or linked to what it is about. A visit to a hospital has one patient,
    so there whoever is linked holds it, and so does whom a later message named."""
    same = [pair for pair in pairs if pair.mention == match.mention and pair.decision is not MatchDecision.NONE]
    found = {
        pair.member_id
        for pair in same
        if pair.member_id in linked or (pair.decision is MatchDecision.MATCH and pair.member_id not in people.members)
    }
    if isinstance(event.attributes, EdAttributes):
        found.update(linked)
        for waiting in known.parked:
            found.update(waiting.named if waiting.clear else ())
    return found


def as_for_newcomers(known: Known) -> Known:
    """What is known, with the waiting amendments as if they had reached nobody: whoever is new needs them all."""
    waiting = tuple(replace(waiting, reached=(), named=()) for waiting in known.parked)
    return Known(known.links, waiting, known.said)


def found_for(result: Recognised, people: Sought, now: datetime) -> Recognised:
    """Of what recognition says about an event now, what is for somebody sought or about them.

    Amendments come before what they amend: then a visit that was cancelled since alerts nobody in passing.
    """
    parts = tuple(
        part if part.linked else replace(part, found_at=now)  # a link says itself since when it tells
        for part in (*result.revived, *result.parts)
        if _is_for_somebody_sought(part, people)
    )
    return replace(
        result,
        dispositions=(),
        parts=parts,
        revived=(),
        links=_links_of(parts, result.links),
        reviews=tuple(review for review in result.reviews if _asks_about(review, people)),
        parked=None,
    )


def _is_for_somebody_sought(part: Matched, people: Sought) -> bool:
    if part.relation is Relation.LOST:
        return False
    return part.listener in people.members or part.subject in people.members


def _links_of(parts: Sequence[Matched], links: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The links that lead to the people of these parts, and what leads to their occurrences."""
    own = {
        (
            occurrence_link(occurrence_key(part.event)),
            SUBJECT + part.subject if part.subject != NOBODY_NAMED else HOUSEHOLD + part.listener,
        )
        for part in parts
    }
    reached = {OCCURRENCE + key for key, _ in own}
    return tuple(dict.fromkeys(link for link in links if link in own or link[1] in reached))


def _asks_about(review: ReviewItem, people: Sought) -> bool:
    return any(member in people.members for member in candidates(review))


def unasked(
    reviews: Sequence[ReviewItem], existing: Mapping[str, ReviewItem | None], people: Sought
) -> tuple[ReviewItem, ...]:
    """The reviews that nobody has been asked yet. Where the mention waits already, but without somebody sought, that
    is another question with an id of its own."""
    found: list[ReviewItem] = []
    for review in reviews:
        before = existing.get(review.review_id)
        if before is None:
            found.append(review)
            continue
        new = sorted(people.members.intersection(candidates(review)).difference(candidates(before)))
        if new:
            found.append(replace(review, review_id=digest("review", review.review_id, "found", *new)))
    return tuple(found)
