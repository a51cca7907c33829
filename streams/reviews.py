"""A doubtful match and what people say about it: decisions, their undoing, and how the item stands now. Pure values.

A decision is about one review item and one candidate. Nothing is ever struck out: an undo is one more step. Who wants
to change a decision undoes it first, so that nobody overrules somebody else without noticing.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.errors import NotAllowed, NotFound
from domain.ids import MemberId
from domain.kinds import Role
from domain.matches import Relation
from domain.reviews import ReviewState, ReviewVerdict
from streams.messages import Disposition, Ending, Matched, ReviewItem

MOST_REASON = 500
"""The longest reason that is kept, in characters."""


class Step(StrEnum):
    """What happened to a review item."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"
    UNDONE = "undone"
    EXPIRED = "review_expired"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides: the name of an API key or a user of the machine, and as what."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One thing that happened. `through` names the review whose decision was applied here too; '' if this was meant."""

    what: Step
    by: str
    role: str
    at: datetime
    member_id: MemberId | None = None
    reason: str = field(default="", repr=False)
    through: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One part that a decision sent on: to whom, about whom. Kept so that exactly this can be taken back."""

    part: str
    listener: MemberId
    subject: str
    relation: Relation
    role: Role | None


def sent(part: Matched) -> Sent:
    """What is kept of a part that goes out."""
    return Sent(part.part, part.listener, part.subject, part.relation, part.role)


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """All that was said about a review item. `version` rises by one with each step; an untouched item has 1."""

    review_id: str
    steps: tuple[ReviewStep, ...] = ()
    sent: tuple[Sent, ...] = ()

    @property
    def version(self) -> int:
        """What a decision is given back to."""
        return 1 + len(self.steps)

    def standing(self, member: MemberId) -> ReviewVerdict | None:
        """What is said of a candidate at present."""
        for step in reversed(self.steps):
            if step.member_id == member:
                return None if step.what is Step.UNDONE else ReviewVerdict(step.what.value)
        return None

    def undone_here(self, member: MemberId) -> bool:
        """Whether somebody undid, on this very item, what was said of a member, and nobody spoke since."""
        last = next((step for step in reversed(self.steps) if step.member_id == member), None)
        return last is not None and last.what is Step.UNDONE and not last.through

    def decided_through(self, member: MemberId) -> str:
        """The review whose decision on a member stands here too; '' if this was meant, undone or never decided."""
        last = next((step for step in reversed(self.steps) if step.member_id == member), None)
        return last.through if last is not None and last.what in (Step.SAME, Step.DIFFERENT) else ""

    def with_step(self, step: ReviewStep) -> "ReviewCase":
        """The case one step on."""
        return replace(self, steps=(*self.steps, step))


@dataclass(frozen=True, slots=True)
class Review:
    """A review item with its case."""

    item: ReviewItem
    case: ReviewCase

    @property
    def candidates(self) -> tuple[MemberId, ...]:
        """Whom the question is about, heaviest match first."""
        return candidates(self.item)

    @property
    def state(self) -> ReviewState:
        """How it stands: one candidate confirmed or all rejected is a decision."""
        if self.case.steps and self.case.steps[-1].what is Step.EXPIRED:
            return ReviewState.EXPIRED
        said = [self.case.standing(member) for member in self.candidates]
        decided = ReviewVerdict.SAME in said or (bool(said) and all(each is ReviewVerdict.DIFFERENT for each in said))
        return ReviewState.DECIDED if decided else ReviewState.WAITING

    @property
    def place(self) -> datetime:
        """Its place in the queue: when it was made; when somebody last was unsure, which puts it behind the others."""
        unsure = [step.at for step in self.case.steps if step.what is Step.UNSURE]
        return max((self.item.created_at, *unsure))

    @property
    def waiting_since(self) -> datetime:
        """From when its time runs: being unsure does not stop the clock."""
        undone = [step.at for step in self.case.steps if step.what is Step.UNDONE]
        return max((self.item.created_at, *undone))

    @property
    def ending(self) -> Disposition | None:
        """What the item says in the books of its event; None where the parts that it sent on speak for it."""
        match self.state:
            case ReviewState.EXPIRED:
                return REVIEW_EXPIRED
            case ReviewState.WAITING:
                return Disposition(Ending.REVIEW)
            case ReviewState.DECIDED:
                return None if self.case.sent else REVIEWED_DIFFERENT


REVIEW_EXPIRED = Disposition(Ending.SUPPRESSED, "review_expired")
REVIEWED_DIFFERENT = Disposition(Ending.NO_MATCH, "reviewed_different")


def candidates(item: ReviewItem) -> tuple[MemberId, ...]:
    """The members whom the item asks about."""
    if item.matches:
        return tuple(match.member_id for match in item.matches)
    return (item.member_id,) if item.member_id else ()


def decide_review(
    review: Review,
    member: MemberId,
    verdict: ReviewVerdict,
    reason: str,
    *,
    by: Reviewer,
    now: datetime,
    through: str = "",
) -> ReviewCase:
    """The case after a decision; the same case where it stands so already.

    Raises NotFound for somebody who is no candidate, NotAllowed where it was decided otherwise or is over.
    """
    if member not in review.candidates:
        raise NotFound("This is not one of the item's candidates.")
    if review.state is ReviewState.EXPIRED:
        raise NotAllowed("This item has expired: its event is no longer kept.")
    case, before = review.case, review.case.standing(member)
    if before is verdict and verdict is not ReviewVerdict.UNSURE:
        return case
    if before in (ReviewVerdict.SAME, ReviewVerdict.DIFFERENT):
        raise NotAllowed(f"This was decided before, as '{before.value}'. Undo that first.")
    others = [each for each in review.candidates if each != member and case.standing(each) is ReviewVerdict.SAME]
    if others and verdict is ReviewVerdict.SAME:
        raise NotAllowed("Somebody else was confirmed for this mention, and it is one person. Undo that first.")
    step = ReviewStep(Step(verdict.value), by.name, by.role, now, member, reason[:MOST_REASON], through)
    return case.with_step(step)


def undo(
    review: Review, member: MemberId | None, reason: str, *, by: Reviewer, now: datetime, through: str = ""
) -> ReviewCase:
    """The case after the undoing of a decision: the one on `member`, or the last one that stands.

    Raises NotAllowed if there is nothing to undo.
    """
    stands = [
        step.member_id
        for step in reversed(review.case.steps)
        if step.member_id is not None
        and step.what in (Step.SAME, Step.DIFFERENT)
        and review.case.standing(step.member_id) is not None
        and member in (None, step.member_id)
    ]
    if not stands:
        raise NotAllowed("There is no decision to undo.")
    step = ReviewStep(Step.UNDONE, by.name, by.role, now, stands[0], reason[:MOST_REASON], through)
    return review.case.with_step(step)


def expire(review: Review, *, by: Reviewer, now: datetime) -> ReviewCase:
    """The case of an item that nobody decided in time."""
    return review.case.with_step(ReviewStep(Step.EXPIRED, by.name, by.role, now))
