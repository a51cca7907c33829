"""The review that a decision of before has settled for a new event: made decided, kept like any other. Pure.

It shows in the history what a human's word was used for, and lets an undo take back all that it let through.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.events import Event, Mention
from domain.ids import MemberId, digest
from domain.kinds import natural_role
from domain.matches import Match, MatchDecision, MatchReason, Relation
from domain.reviews import ReviewVerdict
from streams.audit import AuditEntry, Operation
from streams.messages import Matched, ReviewItem
from streams.remembering import Remembered, Said, fingerprint
from streams.reviews import Review, ReviewCase, Reviewer, ReviewStep, Sent, Step, sent

KEEPER = Reviewer("reachpoint", "service")
"""Who does what nobody did by hand."""
_BY_REVIEW = frozenset({MatchReason.REVIEWED_SAME, MatchReason.REVIEWED_DIFFERENT})


def applied(
    event: Event, matches: Sequence[Match], parts: Iterable[Matched], said: Mapping[str, Said], now: datetime
) -> tuple[Review, ...]:
    """A decided review for each mention that decisions of before leave no doubt about; `parts` as they go out."""
    if not any(match.reason in _BY_REVIEW for match in matches):
        return ()
    out = tuple(parts)
    found = (_applied_to(event, mention, matches, out, said=said, now=now) for mention in event.mentions)
    return tuple(review for review in found if review is not None)


def _applied_to(
    event: Event,
    mention: Mention,
    matches: Sequence[Match],
    parts: Sequence[Matched],
    *,
    said: Mapping[str, Said],
    now: datetime,
) -> Review | None:
    own = [match for match in matches if match.mention == mention.ref]
    doubtful = any(match.decision is MatchDecision.REVIEW for match in own)
    if doubtful or not any(match.reason in _BY_REVIEW for match in own):
        return None
    known = said.get(fingerprint(event.source_system, mention.identity), {})
    steps = tuple(_step(known[match.member_id], match, now) for match in own if _explicit(known, match))
    review_id = digest("review", event.event_id, mention.ref)
    asked = tuple(replace(match, decision=MatchDecision.REVIEW) for match in own)
    item = ReviewItem(review_id=review_id, event=event, matches=asked, created_at=now, why="reviewed_before")
    same = [match.member_id for match in own if match.reason is MatchReason.REVIEWED_SAME]
    return Review(item, ReviewCase(review_id, steps, _sent(same, event, mention, parts)))


def _explicit(known: Mapping[MemberId, Remembered], match: Match) -> bool:
    """Whether a human spoke of this member, and not only of another candidate of the mention."""
    verdict = known[match.member_id].verdict if match.member_id in known else None
    if match.reason is MatchReason.REVIEWED_SAME:
        return verdict is ReviewVerdict.SAME
    return match.reason is MatchReason.REVIEWED_DIFFERENT and verdict is ReviewVerdict.DIFFERENT


def _step(remembered: Remembered, match: Match, now: datetime) -> ReviewStep:
    what = Step.SAME if match.reason is MatchReason.REVIEWED_SAME else Step.DIFFERENT
    return ReviewStep(what, KEEPER.name, KEEPER.role, now, match.member_id, through=remembered.review_id)


def _sent(same: Sequence[MemberId], event: Event, mention: Mention, parts: Sequence[Matched]) -> tuple[Sent, ...]:
    """The parts that went out because of this mention; with them whatever somebody else lost to it."""
    role = mention.role or natural_role(event.kind)
    return tuple(
        sent(part)
        for part in parts
        if same and (part.relation is Relation.LOST or (part.subject in same and part.role == role))
    )


def entry_of_application(review: Review) -> AuditEntry:
    """The audit entry of a review that was settled by a decision of before."""
    step = review.case.steps[-1]
    operation = Operation.COMBINATION if review.case.sent else Operation.ALTERATION
    return AuditEntry(
        at=step.at,
        who=step.by,
        role=step.role,
        operation=operation,
        what=f"review_applied_{step.what.value}",
        about=f"review:{review.item.review_id}",
        subjects=tuple(each.member_id for each in review.case.steps if each.member_id is not None),
        reason=f"decided before: review:{step.through}",
    )
