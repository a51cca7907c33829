"""What follows from a decision on a doubtful match: the parts that go out, and how exactly these are taken back. Pure.

Confirming asks recognition itself, with the candidate as a certain match: the event then reaches whom it would have
reached at once, by the same rules, with its own time; amendments that came meanwhile follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cohort.index import CohortIndex
from domain.errors import NotAllowed
from domain.ids import MemberId
from domain.kinds import Kind
from domain.matches import Match, MatchDecision, MatchReason, Relation
from streams.knowledge import Known
from streams.messages import Matched, ParkedAmendment, ReviewItem, Ruling, RulingKind
from streams.ports import LogEntry
from streams.recognise import recognise, taken_from
from streams.reviews import Sent

CERTAIN = 1.0


@dataclass(frozen=True, slots=True)
class Release:
    """What a decision sends on and remembers; `revived` are parts of amendments that had been waiting for it."""

    parts: tuple[Matched, ...] = ()
    revived: tuple[Matched, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    parked: ParkedAmendment | None = None


def confirmed_match(item: ReviewItem, member: MemberId) -> Match:
    """The candidate as a certain match, by a human's word."""
    found = next((match for match in item.matches if match.member_id == member), None)
    if found is None:
        event_id = item.event.event_id
        found = Match(event_id, item.mention, member, 0.0, CERTAIN, MatchDecision.MATCH, MatchReason.REVIEWED_SAME)
    return replace(found, decision=MatchDecision.MATCH, reason=MatchReason.REVIEWED_SAME)


def let_in(
    item: ReviewItem, member: MemberId, known: Known, index: CohortIndex, *, name: str, now: datetime
) -> Release:
    """What reaches whom when the candidate is confirmed; `name` makes these parts this decision's own.

    An amendment that had come before counts as received later by as long as the doubt lasted, as it would have counted
    without a doubt, however late what it amends came.
    """
    entry = LogEntry("", item.event)
    without = {part.part for part in recognise(entry, (), known, index, now).parts}
    result = recognise(entry, (confirmed_match(item, member),), known, index, now)
    ruling, waited = Ruling(name), max(now - item.event.received_at, timedelta(0))
    new = [part for part in result.parts if part.part not in without]
    return Release(
        parts=tuple(replace(part, ruling=ruling, found_at=now) for part in new),
        revived=tuple(
            replace(part, ruling=ruling, found_at=part.event.received_at + waited) for part in result.revived
        ),
        links=result.links,
        parked=result.parked,
    )


def moved_away(item: ReviewItem, member: MemberId, index: CohortIndex, *, name: str) -> Release:
    """What happens when somebody says that an occurrence is not the member's, whom it was linked to."""
    lost = taken_from(replace(item.event, mentions=()), member, index)
    return Release(parts=tuple(replace(part, ruling=Ruling(name)) for part in lost))


def taken_back(item: ReviewItem, sent: Sequence[Sent], index: CohortIndex, *, name: str) -> tuple[Matched, ...]:
    """The parts that undo what was sent on.

    Raises NotAllowed for a merge of two hospital records: that is the hospital's to take back (A37), record by record.
    """
    moved = any(each.relation is Relation.LOST for each in sent)
    if moved and item.event.kind is Kind.ED_MERGED:
        raise NotAllowed("A merge of hospital records is taken back by the hospital, not here.")
    back = RulingKind.TAKES_ALL_BACK if moved else RulingKind.TAKES_BACK
    bare = replace(item.event, mentions=())
    return tuple(
        Matched(
            event=bare,
            listener=each.listener,
            subject=each.subject,
            relation=_before_it_was_lost(each, index) if each.relation is Relation.LOST else each.relation,
            role=each.role,
            ruling=Ruling(name, RulingKind.LETS_IN if each.relation is Relation.LOST else back),
        )
        for each in sent
    )


def _before_it_was_lost(sent: Sent, index: CohortIndex) -> Relation:
    """How somebody had heard of an occurrence that a decision took from them: on a link, or as close to who had it."""
    if sent.listener == sent.subject:
        return Relation.OCCURRENCE
    return dict(index.linked(MemberId(sent.subject))).get(sent.listener, Relation.ASSOCIATE)
