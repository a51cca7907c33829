"""The review desk: loads an item, asks the pure functions what follows, and writes one step, for API and command line.

A decision counts for the same words elsewhere too: other items that wait with this mention identity and this candidate
are decided with it, each in a step of its own, and undone with it. What a crash leaves of that, `tidy` finds.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from cohort.index import CohortIndex
from domain.clock import Clock
from domain.errors import Conflict, NotFound, StoreError
from domain.events import Mention, occurrence_key
from domain.ids import MemberId, digest
from domain.kinds import Kind
from domain.matches import Relation
from domain.reviews import ReviewState, ReviewVerdict
from streams.applying import KEEPER
from streams.audit import AuditEntry, AuditLog, Operation
from streams.knowledge import BatchKnowledge
from streams.linking import SUBJECT, occurrence_link
from streams.messages import Matched, PersonState, ReviewItem
from streams.ports import CaseCommit, RecogniseLog, ReviewStore
from streams.releasing import Release, confirmed_match, let_in, moved_away, taken_back
from streams.remembering import Remembered, Said, fingerprint, mark_of, standing, tells_apart, visit_fingerprints
from streams.retention import Retention
from streams.reviews import Review, ReviewCase, Reviewer, ReviewStep, Step, decide_review, expire, sent, undo

log = structlog.get_logger("reachpoint.reviews")

Forgotten = tuple[str, MemberId, None] | None
_NOTHING = Release()
_LEFT_OVER = 200
"""Closed items that `tidy` looks at: what a crash or a race left over is among the latest."""
_CATCH_UP = timedelta(minutes=5)
"""How long after a confirmation `tidy` looks for amendments that were being recognised in that moment."""


class People(Protocol):
    """The people's state, and a way to send them what they missed (ports.DecideLog adapters)."""

    async def person(self, member: MemberId) -> PersonState:
        """A person's state as it is stored."""

    async def hand_over(self, handed: Sequence[Matched]) -> None:
        """Send parts on; safe to repeat."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A review after a step. `also` are the other items that were decided with it; `changed` is false for a repeat."""

    review: Review
    changed: bool
    also: tuple[str, ...] = ()


class ReviewDesk:
    """Decides, undoes and expires reviews on one store."""

    def __init__(
        self,
        store: ReviewStore,
        audit: AuditLog,
        *,
        log: RecogniseLog,
        people: People,
        index: Callable[[], CohortIndex],
        clock: Clock,
        retention: Retention,
    ) -> None:
        self._store = store
        self._audit = audit
        self._log = log
        self._people = people
        self._index = index
        self._clock = clock
        self._retention = retention

    async def look_at(self, review_id: str, by: Reviewer) -> Review:
        """One item with both sides, and the entry in the audit log that somebody saw it. Raises NotFound.

        The entry is written first: nobody sees what was not logged.
        """
        review = await self._found(review_id)
        entry = self._entry(review, by, (Operation.CONSULTATION, "review_shown"), review.candidates)
        await self._audit.write([entry])
        return review

    async def decide(
        self, review_id: str, member: MemberId, verdict: ReviewVerdict, reason: str, *, by: Reviewer, version: int
    ) -> Ruled:
        """Keep a decision and let follow what follows from it. The same decision told again changes nothing.

        Raises NotFound, NotAllowed, Conflict where somebody else took a step since `version`.
        """
        review = await self._found(review_id)
        case = decide_review(review, member, verdict, reason, by=by, now=self._clock.now())
        if case is review.case:
            return Ruled(review, changed=False)
        _expect(review.case, version)
        after = await self._ruled(review, case, member, verdict, by)
        also = await self._alike(after, member, verdict, by) if verdict is not ReviewVerdict.UNSURE else ()
        return Ruled(after, changed=True, also=also)

    async def undo(self, review_id: str, member: MemberId | None, reason: str, *, by: Reviewer, version: int) -> Ruled:
        """Withdraw what a decision let through, here and where it was applied since; what it was about waits again.

        Raises NotFound, NotAllowed if no decision stands, Conflict where somebody else took a step since `version`.
        """
        review = await self._found(review_id)
        _expect(review.case, version)
        step = undo(review, member, reason, by=by, now=self._clock.now()).steps[-1]
        assert step.member_id is not None
        alike = await self._decided_through(review_id, step.member_id)
        after = review
        for one in sorted((review, *alike), key=_event_time, reverse=True):  # else the next one would alert in passing
            if one is review:
                after = await self._undone(review, step.member_id, reason, by)
            elif not _is_for_the_hospital(one):
                await self._undone(one, step.member_id, reason, by, through=review_id)
        return Ruled(after, changed=True, also=tuple(each.item.review_id for each in alike))

    async def _decided_through(self, through: str, member: MemberId) -> list[Review]:
        """Where the decision on a member was applied from one item, and stands."""
        found = await self._store.decided_through(through)
        return [other for other in found if other.case.decided_through(member) == through]

    async def _undone(
        self, review: Review, member: MemberId, reason: str, by: Reviewer, *, through: str = ""
    ) -> Review:
        """One item undone; `through` names the item whose undoing this follows."""
        now = self._clock.now()
        case = undo(review, member, reason, by=by, now=now, through=through)
        parts: tuple[Matched, ...] = ()
        withdrawn: tuple[str, ...] = ()
        unlinked: tuple[tuple[str, str], ...] = ()
        if review.case.sent and (review.case.standing(member) is ReviewVerdict.SAME or _asks_of_visit(review.item)):
            parts = taken_back(review.item, review.case.sent, self._index(), name=_name(case))
            withdrawn = tuple(each.part for each in review.case.sent)
            unlinked = await self._links_to_forget(review, member)
            case = replace(case, sent=())
        after = Review(review.item, case)
        entry = self._entry(review, by, (Operation.ALTERATION, "review_undone"), (member,), reason)
        await self._write(
            CaseCommit(
                before=review.case,
                after=after,
                now=now,
                ending=after.ending,
                others=await self._others(review.item),
                parts=parts,
                withdrawn=withdrawn,
                unlinked=unlinked,
                said=await self._to_forget(review, member, through),
                audit=(entry,),
            )
        )
        return after

    async def oldest(self) -> datetime | None:
        """Since when the longest waiting item waits; None if none does."""
        return min((review.waiting_since for review in await self._store.waiting()), default=None)

    async def tidy(self) -> tuple[int, int]:
        """Expire what nobody decided before its event ceased to be kept; decide what still waits with the words of a
        decision, and undo what still stands by one that was undone. How many expired, how many followed. Each is a
        step of its own; safe to repeat."""
        now = self._clock.now()
        waiting = await self._store.waiting()
        old = {one.item.review_id for one in waiting if one.waiting_since + self._retention.events <= now}
        kept = [review for review in waiting if review.item.review_id not in old]
        closed = await self._store.closed(_LEFT_OVER)
        expired = [await _unharmed(one, self._expire(one, now)) for one in waiting if one.item.review_id in old]
        undone = sum([await _unharmed(one, self._undo_left_over(one)) for one in (*kept, *closed)])
        applied = await self._apply_remembered(await self._store.waiting() if undone else kept)
        for one in closed:
            await _unharmed(one, self._catch_up(one, now))
        return sum(expired), undone + applied

    async def _found(self, review_id: str) -> Review:
        review = await self._store.find(review_id)
        if review is None:
            raise NotFound("There is no such review.")
        return review

    async def _ruled(
        self, review: Review, case: ReviewCase, member: MemberId, verdict: ReviewVerdict, by: Reviewer
    ) -> Review:
        now = self._clock.now()
        release = await self._release(review, case, member, verdict, now)
        if release.parts:
            case = replace(case, sent=tuple(sent(part) for part in release.parts))
        after = Review(review.item, case)
        step = case.steps[-1]
        operation = Operation.COMBINATION if verdict is ReviewVerdict.SAME else Operation.ALTERATION
        await self._write(
            CaseCommit(
                before=review.case,
                after=after,
                now=now,
                ending=after.ending,
                others=await self._others(review.item),
                parts=release.parts,
                revived=release.revived,
                links=release.links,
                parked=release.parked,
                said=self._to_remember(review.item, member, verdict, step),
                audit=(self._entry(review, by, (operation, f"review_{verdict.value}"), (member,), step.reason),),
            )
        )
        return after

    async def _release(
        self, review: Review, case: ReviewCase, member: MemberId, verdict: ReviewVerdict, now: datetime
    ) -> Release:
        item = review.item
        if verdict is ReviewVerdict.SAME:
            match = confirmed_match(item, member)
            known = await BatchKnowledge(self._log).of(item.event, (match,))
            return let_in(item, member, known, self._index(), name=_name(case), now=now)
        if verdict is ReviewVerdict.DIFFERENT and _asks_of_visit(item):
            return moved_away(item, member, self._index(), name=_name(case))
        return _NOTHING

    async def _alike(self, decided: Review, member: MemberId, verdict: ReviewVerdict, by: Reviewer) -> tuple[str, ...]:
        """Decide the other waiting items with the same mention identity and this candidate alike."""
        name = _remembered_under(decided.item)
        done: list[str] = []
        for other in await self._store.waiting():
            if other.item.review_id != decided.item.review_id and _remembered_under(other.item) == name:
                done += await self._apply(other, member, verdict, decided.item.review_id, by)
        return tuple(done)

    async def _apply_remembered(self, waiting: Sequence[Review]) -> int:
        names = [_remembered_under(review.item) for review in waiting]
        _, said = await self._log.recall((), names)
        done = 0
        for review, known in zip(waiting, said, strict=True):
            done += await _unharmed(review, self._apply_known(review, known))
        return done

    async def _apply_known(self, review: Review, known: Said) -> int:
        done = 0
        for member in review.candidates:
            verdict = standing(known, member, self._index())
            if verdict is not None:
                done += len(await self._apply(review, member, verdict, known[member].review_id, KEEPER))
        return done

    async def _undo_left_over(self, root: Review) -> int:
        """Undo what still stands by a decision on this item that was undone."""
        done = 0
        for member in {step.member_id for step in root.case.steps if step.what is Step.UNDONE and step.member_id}:
            for one in await self._decided_through(root.item.review_id, member):
                if one.case.standing(member) is not root.case.standing(member) and not _is_for_the_hospital(one):
                    await self._undone(one, member, "", KEEPER, through=root.item.review_id)
                    done += 1
        return done

    async def _catch_up(self, review: Review, now: datetime) -> int:
        """Send after a fresh confirmation what was being recognised in that moment and knew nothing of it. The parts
        have the names that the decision gave them, so those that went out with it change nothing."""
        for place, step in enumerate(review.case.steps):
            member = step.member_id
            fresh = step.what is Step.SAME and now - step.at <= _CATCH_UP
            if not fresh or member is None or review.case.standing(member) is not ReviewVerdict.SAME:
                continue
            known = await BatchKnowledge(self._log).of(review.item.event, (confirmed_match(review.item, member),))
            name = _name(replace(review.case, steps=review.case.steps[: place + 1]))
            release = let_in(review.item, member, known, self._index(), name=name, now=step.at)
            await self._people.hand_over(release.revived)
        return 0

    async def _apply(
        self, review: Review, member: MemberId, verdict: ReviewVerdict, through: str, by: Reviewer
    ) -> list[str]:
        """One more item decided alike, unless somebody is at it, or has undone just that here."""
        undecided = review.case.standing(member) in (None, ReviewVerdict.UNSURE)
        if member not in review.candidates or not undecided or review.case.undone_here(member):
            return []
        case = decide_review(review, member, verdict, "", by=by, now=self._clock.now(), through=through)
        try:
            await self._ruled(review, case, member, verdict, by)
        except Conflict:
            return []
        return [review.item.review_id]

    async def _expire(self, review: Review, now: datetime) -> int:
        """The item ends and forgets what its event said of anybody."""
        bare = replace(review.item, event=replace(review.item.event, mentions=()))
        after = Review(bare, expire(review, by=KEEPER, now=now))
        entry = self._entry(review, KEEPER, (Operation.ERASURE, "review_expired"), review.candidates)
        commit = CaseCommit(
            before=review.case,
            after=after,
            now=now,
            ending=after.ending,
            others=await self._others(review.item),
            audit=(entry,),
        )
        return int(await self._store.change(commit))  # somebody decided at the last moment: so much the better

    async def _write(self, commit: CaseCommit) -> None:
        if not await self._store.change(commit):
            raise Conflict("Somebody else took a step on this item. Load it again.")

    async def _others(self, item: ReviewItem) -> tuple[str, ...]:
        """The reviews of the same event's other mentions that wait."""
        event = item.event
        ids = {digest("review", event.event_id, mention.ref) for mention in event.mentions} - {item.review_id}
        found = [await self._store.find(review_id) for review_id in sorted(ids)]
        return tuple(one.item.review_id for one in found if one and one.state is ReviewState.WAITING)

    async def _to_forget(self, review: Review, member: MemberId, through: str) -> Forgotten:
        """What is remembered by this decision: not what somebody said of the same words since."""
        name = _remembered_under(review.item)
        _, (said,) = await self._log.recall((), (name,))
        own = {review.item.review_id, review.case.decided_through(member)}
        return (name, member, None) if not through and member in said and said[member].review_id in own else None

    def _to_remember(
        self, item: ReviewItem, member: MemberId, verdict: ReviewVerdict, step: ReviewStep
    ) -> tuple[str, MemberId, Remembered | None] | None:
        """Nothing is remembered of a member who left meanwhile, or of a source that does not know who it is."""
        known = self._index().member(member)
        mention = _mention(item)
        if verdict is ReviewVerdict.UNSURE or known is None or mention is None or not _may_be_remembered(item, mention):
            return None
        remembered = Remembered(verdict, mark_of(known.identity, verdict), step.through or item.review_id, step.at)
        return _remembered_under(item), member, remembered

    async def _links_to_forget(self, review: Review, member: MemberId) -> tuple[tuple[str, str], ...]:
        """The link to the occurrence, unless something else made it: an entry of the person's own about it."""
        event = review.item.event
        if _asks_of_visit(review.item):
            return ()
        state = await self._people.person(member)
        own = occurrence_key(event)
        others = any(
            entry.occurrence == own
            and entry.subject == member
            and entry.event_id != event.event_id
            and entry.relation is Relation.SELF
            for entry in state.history
        )
        return () if others else ((occurrence_link(own), SUBJECT + member),)

    def _entry(
        self, review: Review, by: Reviewer, what: tuple[Operation, str], subjects: Iterable[MemberId], reason: str = ""
    ) -> AuditEntry:
        operation, word = what
        return AuditEntry(
            at=self._clock.now(),
            who=by.name,
            role=by.role,
            operation=operation,
            what=word,
            about=f"review:{review.item.review_id}",
            subjects=tuple(subjects),
            reason=reason,
        )


def _expect(case: ReviewCase, version: int) -> None:
    if case.version != version:
        raise Conflict("Somebody else took a step on this item since you saw it. Load it again.")


def _event_time(review: Review) -> tuple[datetime, str]:
    return (review.item.event.occurred_at, review.item.review_id)


def _asks_of_visit(item: ReviewItem) -> bool:
    """Whether it asks if an occurrence is still the member's, rather than whether a mention is the member."""
    return not item.matches


def _name(case: ReviewCase) -> str:
    """The name of the parts that this step of the case sends."""
    return f"{case.review_id[:16]}.{case.version}"


def _is_for_the_hospital(review: Review) -> bool:
    """Whether it let a merge of hospital records through, which only the hospital takes back (releasing.taken_back)."""
    moved = any(each.relation is Relation.LOST for each in review.case.sent)
    return moved and review.item.event.kind is Kind.ED_MERGED


async def _unharmed(review: Review, step: Awaitable[int]) -> int:
    """A step of tidying; a fault of ours in one item, or somebody who is at it, keeps nobody else from their turn."""
    try:
        return await step
    except StoreError:
        raise
    except Exception as error:  # as in the engine: what cannot be handled must not stop the rest
        log.error("a review could not be tidied", action="review_tidy_failed", review_id=review.item.review_id,
                  error=type(error).__name__)  # fmt: skip
        return 0


def _mention(item: ReviewItem) -> Mention | None:
    return next((mention for mention in item.event.mentions if mention.ref == item.mention), None)


def _may_be_remembered(item: ReviewItem, mention: Mention) -> bool:
    """Whether the words are somebody's: of a visit they are, whoever is called so elsewhere."""
    return tells_apart(mention.identity) or (_asks_of_visit(item) and not mention.identity.unknown)


def _remembered_under(item: ReviewItem) -> str:
    """The fingerprint that decisions on this item are remembered under; its own where the words are nobody's."""
    mention = _mention(item)
    if mention is None or not _may_be_remembered(item, mention):
        return f"item|{item.review_id}"
    if _asks_of_visit(item):
        return visit_fingerprints(replace(item.event, mentions=(mention,)))[0]
    return fingerprint(item.event.source_system, mention.identity)
