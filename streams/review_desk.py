"""The review desk: loads an item, asks the pure functions what follows, and writes one step, for API and command line.

A decision counts for the same words elsewhere too: other items that wait with this mention identity and this candidate
are decided with it, each in a step of its own, and undone with it. What a crash leaves of that, `tidy` finds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from cohort.index import CohortIndex
from domain.clock import Clock
from domain.errors import Conflict, NotFound
from domain.events import Mention, occurrence_key
from domain.ids import MemberId
from domain.matches import Relation
from streams.applying import KEEPER
from streams.audit import AuditEntry, AuditLog, Operation
from streams.knowledge import BatchKnowledge
from streams.linking import SUBJECT, occurrence_link
from streams.messages import Matched, PersonState, ReviewItem
from streams.ports import CaseCommit, RecogniseLog, ReviewStore
from streams.releasing import Release, confirmed_match, let_in, moved_away, taken_back
from streams.remembering import Remembered, fingerprint, mark_of, standing, visit_fingerprints
from streams.retention import Retention
from streams.reviews import (
    Review,
    ReviewCase,
    Reviewer,
    ReviewStep,
    Verdict,
    decide_review,
    expire,
    sent,
    undo,
)

_NOTHING = Release()
_CLOSED_LOOKED_AT = 5_000
"""Closed items that are looked through for those decided together with one."""
_LEFT_OVER = 200
"""The same for `tidy`: what a crash left over is among the latest."""


class People(Protocol):
    """The people's state, as far as an undo asks it (ports.DecideLog adapters)."""

    async def person(self, member: MemberId) -> PersonState:
        """A person's state as it is stored."""


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
        self, review_id: str, member: MemberId, verdict: Verdict, reason: str, *, by: Reviewer, version: int
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
        also = await self._alike(after, member, verdict, by) if verdict is not Verdict.UNSURE else ()
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
            undone = await self._undone(one, step.member_id, reason, by)
            after = undone if one is review else after
        return Ruled(after, changed=True, also=tuple(each.item.review_id for each in alike))

    async def _decided_through(self, through: str, member: MemberId) -> list[Review]:
        """Where the decision on a member was applied from one item, and stands."""
        closed = await self._store.closed(_CLOSED_LOOKED_AT)
        return [other for other in closed if other.case.decided_through(member) == through]

    async def _undone(self, review: Review, member: MemberId, reason: str, by: Reviewer) -> Review:
        now = self._clock.now()
        case = undo(review, member, reason, by=by, now=now)
        parts: tuple[Matched, ...] = ()
        withdrawn: tuple[str, ...] = ()
        unlinked: tuple[tuple[str, str], ...] = ()
        if review.case.sent and (review.case.standing(member) is Verdict.SAME or _asks_of_visit(review.item)):
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
                said=(_remembered_under(review.item), member, None),
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
        old = [review for review in waiting if review.waiting_since + self._retention.events <= now]
        for review in old:
            await self._expire(review, now)
        kept = [review for review in waiting if review not in old]
        return len(old), await self._apply_remembered(kept) + await self._undo_left_over()

    async def _found(self, review_id: str) -> Review:
        review = await self._store.find(review_id)
        if review is None:
            raise NotFound("There is no such review.")
        return review

    async def _ruled(
        self, review: Review, case: ReviewCase, member: MemberId, verdict: Verdict, by: Reviewer
    ) -> Review:
        now = self._clock.now()
        release = await self._release(review, case, member, verdict, now)
        if release.parts:
            case = replace(case, sent=tuple(sent(part) for part in release.parts))
        after = Review(review.item, case)
        step = case.steps[-1]
        operation = Operation.COMBINATION if verdict is Verdict.SAME else Operation.ALTERATION
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
        self, review: Review, case: ReviewCase, member: MemberId, verdict: Verdict, now: datetime
    ) -> Release:
        item = review.item
        if verdict is Verdict.SAME:
            match = confirmed_match(item, member)
            known = await BatchKnowledge(self._log).of(item.event, (match,))
            return let_in(item, member, known, self._index(), name=_name(case), now=now)
        if verdict is Verdict.DIFFERENT and _asks_of_visit(item):
            return moved_away(item, member, self._index(), name=_name(case))
        return _NOTHING

    async def _alike(self, decided: Review, member: MemberId, verdict: Verdict, by: Reviewer) -> tuple[str, ...]:
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
            for member in review.candidates:
                verdict = standing(known, member, self._index())
                if verdict is not None:
                    done += len(await self._apply(review, member, verdict, known[member].review_id, KEEPER))
        return done

    async def _undo_left_over(self) -> int:
        done = 0
        for review in await self._store.closed(_LEFT_OVER):
            for member in review.candidates:
                through = review.case.decided_through(member)
                root = await self._store.find(through) if through else None
                if root is not None and root.case.standing(member) is None:
                    await self._undone(review, member, "", KEEPER)
                    done += 1
        return done

    async def _apply(self, review: Review, member: MemberId, verdict: Verdict, through: str, by: Reviewer) -> list[str]:
        """One more item decided alike, unless somebody is at it, or has undone just that here."""
        if member not in review.candidates or review.case.standing(member) not in (None, Verdict.UNSURE):
            return []
        case = decide_review(review, member, verdict, "", by=by, now=self._clock.now(), through=through)
        try:
            await self._ruled(review, case, member, verdict, by)
        except Conflict:
            return []
        return [review.item.review_id]

    async def _expire(self, review: Review, now: datetime) -> None:
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
        await self._store.change(commit)  # somebody decided at the last moment: so much the better

    async def _write(self, commit: CaseCommit) -> None:
        if not await self._store.change(commit):
            raise Conflict("Somebody else took a step on this item. Load it again.")

    async def _others(self, item: ReviewItem) -> tuple[str, ...]:
        """The other reviews of the same event that wait."""
        event_id = item.event.event_id
        waiting = (review.item for review in await self._store.waiting())
        return tuple(
            other.review_id
            for other in waiting
            if other.event.event_id == event_id and other.review_id != item.review_id
        )

    def _to_remember(
        self, item: ReviewItem, member: MemberId, verdict: Verdict, step: ReviewStep
    ) -> tuple[str, MemberId, Remembered | None] | None:
        """Nothing is remembered of a member who left meanwhile, or of a source that does not know who it is."""
        known = self._index().member(member)
        mention = _mention(item)
        if verdict is Verdict.UNSURE or known is None or mention is None or mention.identity.unknown:
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


def _mention(item: ReviewItem) -> Mention | None:
    return next((mention for mention in item.event.mentions if mention.ref == item.mention), None)


def _remembered_under(item: ReviewItem) -> str:
    """The fingerprint that decisions on this item are remembered under."""
    mention = _mention(item)
    if mention is None:
        return f"item|{item.review_id}"
    if _asks_of_visit(item):
        return visit_fingerprints(replace(item.event, mentions=(mention,)))[0]
    return fingerprint(item.event.source_system, mention.identity)
