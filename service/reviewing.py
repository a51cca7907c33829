"""The review desk in the API's words: pages of the queue by ids, one item with both sides, decisions and undos."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from api.review_ports import (
    CandidateView,
    EvidenceView,
    IdentifierView,
    IdentityView,
    ReviewFile,
    ReviewFilter,
    ReviewOrder,
    ReviewPage,
    ReviewRuled,
    ReviewView,
    SideView,
    StepView,
)
from cohort.index import CohortIndex
from cohort.matching import explain_pair
from cohort.policy import MatchPolicy
from cohort.wording import words
from domain.errors import StoreUnavailable
from domain.events import Mention
from domain.identity import Identity
from domain.ids import MemberId
from domain.kinds import natural_role
from domain.matches import Match, MatchDecision
from domain.reviews import ReviewState, ReviewVerdict
from domain.triggers import Priority
from service.runtime import Service
from streams.review_desk import ReviewDesk, Ruled
from streams.reviews import Review, Reviewer
from triggers.rules import RuleSet

_KEPT_FOR_S = 1.0
"""The queue is read at most once a second for those who poll it, and after each step at once."""
_REST = 10
"""A long queue is read again for them only after so many times as long as reading it took."""
_AT_ONCE = 200
"""Reviews after which live events have their turn."""
_MOST_CLOSED = 1_000
_START = datetime.min.replace(tzinfo=UTC)
_Key = tuple[int, str, str]


class ReviewsAdapter:
    """api.review_ports.Reviews over the review desk of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: tuple[float, int, Sequence[ReviewView]] | None = None

    async def page(self, wanted: ReviewFilter) -> ReviewPage:
        """Some of the queue, or of what is over (the latest thousand, newest first unless by priority)."""
        waiting = await self._waiting()
        if wanted.state is ReviewState.WAITING:
            found = list(waiting)
        else:
            closed = await self._service.reviews.closed(_MOST_CLOSED)
            found = [self._view(review) for review in closed if review.state is wanted.state]
        return page_of(found, wanted, waiting=len(waiting))

    async def _waiting(self) -> Sequence[ReviewView]:
        now, revision = time.monotonic(), await self._service.reviews.revision()
        if self._kept is None or self._kept[1] != revision or now >= self._kept[0]:
            found = []
            for place, review in enumerate(await self._service.reviews.waiting()):
                found.append(self._view(review))
                if place % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            took = time.monotonic() - now
            self._kept = (now + took + max(_KEPT_FOR_S, took * _REST), revision, found)
        return self._kept[2]

    def _view(self, review: Review) -> ReviewView:
        return review_view(review, self._service.world().rules)

    async def open(self, review_id: str, *, by: str, role: str) -> ReviewFile:
        """One review with both sides; the look is kept first. Raises NotFound."""
        review = await self._service.review_desk.look_at(review_id, Reviewer(by, role))
        return review_file(
            review, self._service.world().rules, self._service.cohort.index, self._service.policies.match
        )

    async def decide(
        self,
        review_id: str,
        member_id: MemberId,
        verdict: ReviewVerdict,
        *,
        reason: str,
        by: str,
        role: str,
        version: int,
    ) -> ReviewRuled:
        """Decide on one candidate."""
        desk = self._desk()
        ruled = await desk.decide(review_id, member_id, verdict, reason, by=Reviewer(by, role), version=version)
        return self._ruled(ruled)

    async def undo(
        self, review_id: str, member_id: MemberId | None, *, reason: str, by: str, role: str, version: int
    ) -> ReviewRuled:
        """Withdraw what a decision let through."""
        desk = self._desk()
        return self._ruled(await desk.undo(review_id, member_id, reason, by=Reviewer(by, role), version=version))

    def _desk(self) -> ReviewDesk:
        """The desk, once it is known who is watched: else nobody close to a member would hear."""
        if not self._service.indexed.is_set():
            raise StoreUnavailable("The watched people are being read.")
        return self._service.review_desk

    def _ruled(self, ruled: Ruled) -> ReviewRuled:
        return ReviewRuled(self._view(ruled.review), ruled.changed, ruled.also)


def page_of(found: Iterable[ReviewView], wanted: ReviewFilter, *, waiting: int) -> ReviewPage:
    """The page that was asked for. Raises ValueError for a cursor that is none of ours."""
    by_priority = wanted.order is ReviewOrder.PRIORITY
    after = _key_in(wanted.cursor) if wanted.cursor else None
    chosen = sorted((_key(view, by_priority=by_priority), view) for view in found if _asked(view, wanted))
    rest = [(key, view) for key, view in chosen if after is None or key > after]
    shown = rest[: wanted.limit]
    cursor = "|".join(map(str, shown[-1][0])) if shown else wanted.cursor
    return ReviewPage(tuple(view for _, view in shown), cursor, more=len(rest) > len(shown), waiting=waiting)


def _asked(view: ReviewView, wanted: ReviewFilter) -> bool:
    return (
        wanted.feed in {None, view.feed}
        and wanted.kind in {"", view.kind}
        and wanted.why in {"", view.why}
        and (not wanted.member_id or any(each.member_id == wanted.member_id for each in view.candidates))
    )


def _key(view: ReviewView, *, by_priority: bool) -> _Key:
    place = view.place or _START
    return (view.priority.rank if by_priority else 0, place.isoformat(timespec="microseconds"), view.review_id)


def _key_in(cursor: str) -> _Key:
    try:
        rank, place, review_id = cursor.split("|")
        datetime.fromisoformat(place)
        return int(rank), place, review_id
    except ValueError:
        raise ValueError("This is no cursor of ours.") from None


def review_view(review: Review, rules: RuleSet) -> ReviewView:
    """One review by ids."""
    item = review.item
    return ReviewView(
        review_id=item.review_id,
        event_id=item.event.event_id,
        feed=item.event.feed,
        kind=item.event.kind.value,
        occurred_at=item.event.occurred_at,
        created_at=item.created_at,
        why=item.why,
        candidates=tuple(_candidate(review, member) for member in review.candidates),
        state=review.state,
        version=review.case.version,
        priority=most_urgent(rules, item.event.kind.value.split(".")[0]),
        waiting_since=review.waiting_since,
        place=review.place,
    )


def most_urgent(rules: RuleSet, family: str) -> Priority:
    """The most urgent priority that any rule gives to events of this family of kinds; P3 if none asks for them."""
    found = [
        Priority(each)
        for rule in rules.rules
        if family in rules.families_for(rule)
        for each in (rule.then.priority, *(line.value for line in rule.then.priorities))
    ]
    return min(found, key=lambda each: each.rank, default=Priority.P3)


def _candidate(review: Review, member: MemberId) -> CandidateView:
    match = next((each for each in review.item.matches if each.member_id == member), None)
    said = review.case.standing(member)
    if match is None:
        return CandidateView(member, 0.0, 0.0, MatchDecision.REVIEW.value, review.item.why, verdict=said)
    return CandidateView(
        member_id=member,
        match_weight=match.match_weight,
        match_probability=match.match_probability,
        decision=match.decision.value,
        reason=match.reason.value,
        evidence=evidence_views(match),
        verdict=said,
    )


def evidence_views(match: Match) -> tuple[EvidenceView, ...]:
    """The evidence with its bits and in plain words; the bits add up to the weight."""
    return tuple(EvidenceView(each.comparison, each.level, each.bits, words(each)) for each in match.evidence)


def review_file(review: Review, rules: RuleSet, index: CohortIndex, policy: MatchPolicy) -> ReviewFile:
    """Both sides of a review. Candidates that nobody matched are compared too, as they are now."""
    item = review.item
    mention = next((each for each in item.event.mentions if each.ref == item.mention), None)
    role = (mention.role if mention else None) or natural_role(item.event.kind)
    view = review_view(review, rules)
    if not item.matches and mention:
        view = _compared(view, review, mention, index, policy)
    return ReviewFile(
        review=view,
        said=identity_view(mention.identity if mention else Identity()),
        role=role.value if role else "",
        sides=tuple(_side(member, index) for member in review.candidates),
        steps=tuple(
            StepView(step.what.value, step.at, step.by, step.role, step.member_id, step.reason, step.through)
            for step in review.case.steps
        ),
    )


def _compared(
    view: ReviewView, review: Review, mention: Mention, index: CohortIndex, policy: MatchPolicy
) -> ReviewView:
    def compared(candidate: CandidateView) -> CandidateView:
        match = explain_pair(review.item.event, mention, candidate.member_id, index=index, policy=policy)
        if match is None:
            return candidate
        return replace(
            candidate,
            match_weight=match.match_weight,
            match_probability=match.match_probability,
            evidence=evidence_views(match),
        )

    return replace(view, candidates=tuple(compared(candidate) for candidate in view.candidates))


def _side(member_id: MemberId, index: CohortIndex) -> SideView:
    member = index.member(member_id)
    if member is None:
        return SideView(member_id, None)
    return SideView(member_id, identity_view(member.identity), member.status.value)


def identity_view(identity: Identity) -> IdentityView:
    """Who somebody is said to be, a line for each value."""
    return IdentityView(
        names=tuple(
            " ".join((*name.given, name.family)).strip()
            + ("" if name.kind.value == "usual" else f" ({name.kind.value})")
            for name in identity.names
        ),
        dates_of_birth=tuple(
            born.value.isoformat() + ("" if born.quality.value == "stated" else f" ({born.quality.value})")
            for born in identity.dates_of_birth
        ),
        sex=identity.sex.value,
        identifiers=tuple(
            IdentifierView(each.scheme.value, each.value, each.system, each.verified) for each in identity.identifiers
        ),
        postcodes=identity.postcodes,
        addresses=identity.addresses,
        phones=identity.phones,
        emails=identity.emails,
        unknown=identity.unknown,
        deceased=identity.deceased,
        multiple_birth=identity.multiple_birth,
    )
