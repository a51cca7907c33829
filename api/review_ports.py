"""What the API needs of the review desk, and the values it is told in: the queue by ids, one item with both sides.

Only `ReviewFile` holds identities; whoever gets one has been entered in the audit log before.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.ids import EventId, MemberId
from domain.kinds import Feed
from domain.reviews import ReviewState, ReviewVerdict
from domain.triggers import Priority


class ReviewOrder(StrEnum):
    """In which order reviews are listed."""

    OLDEST = "oldest"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One comparison: which, at which level (a word, never a value), worth how many bits; `words` says it plainly."""

    comparison: str
    level: str
    bits: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A watched person whom an event may be about. `verdict` is what was said of them, if anything."""

    member_id: MemberId
    match_weight: float
    match_probability: float
    decision: str
    reason: str
    evidence: tuple[EvidenceView, ...] = ()
    verdict: ReviewVerdict | None = None


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A doubtful match, by ids only. `version` is what a decision is given back to; `priority` is the most urgent that
    any rule on such events has; `waiting_since` runs from when it last began to wait; `place` is that in the queue."""

    review_id: str
    event_id: EventId
    feed: Feed
    kind: str
    occurred_at: datetime
    created_at: datetime
    why: str
    candidates: tuple[CandidateView, ...] = ()
    state: ReviewState = ReviewState.WAITING
    version: int = 1
    priority: Priority = Priority.P3
    waiting_since: datetime | None = None
    place: datetime | None = None


@dataclass(frozen=True, slots=True)
class IdentifierView:
    """An identifier as it was said."""

    scheme: str
    value: str = field(repr=False)
    system: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class IdentityView:
    """Who somebody is said to be, one line for each value. Hidden from `repr`: it never reaches a log."""

    names: tuple[str, ...] = field(default=(), repr=False)
    dates_of_birth: tuple[str, ...] = field(default=(), repr=False)
    sex: str = field(default="", repr=False)
    identifiers: tuple[IdentifierView, ...] = field(default=(), repr=False)
    postcodes: tuple[str, ...] = field(default=(), repr=False)
    addresses: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    unknown: bool = False
    deceased: bool = False
    multiple_birth: bool = False


@dataclass(frozen=True, slots=True)
class SideView:
    """One candidate with who they are as the cohort knows them now; None if they are not watched any more."""

    member_id: MemberId
    identity: IdentityView | None
    status: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """One thing that happened to a review. `through` names the review whose decision was applied here too."""

    what: str
    at: datetime
    by: str
    role: str
    member_id: MemberId | None
    reason: str
    through: str


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """One review with both sides: what the event says of the person, and who each candidate is."""

    review: ReviewView
    said: IdentityView
    role: str
    sides: tuple[SideView, ...]
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews are listed, in which order, from where."""

    state: ReviewState = ReviewState.WAITING
    feed: Feed | None = None
    kind: str = ""
    why: str = ""
    member_id: str = ""
    order: ReviewOrder = ReviewOrder.OLDEST
    cursor: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Some reviews; go on with `cursor`. `waiting` counts all that wait, whatever was asked for."""

    reviews: tuple[ReviewView, ...]
    cursor: str
    more: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class ReviewRuled:
    """A review after a decision or an undo. `also` are the others that it was applied to or withdrawn from."""

    review: ReviewView
    changed: bool
    also: tuple[str, ...] = ()


class Reviews(Protocol):
    """The review desk. `by` and `role` are kept with each step and each look."""

    async def page(self, wanted: ReviewFilter) -> ReviewPage:
        """Some of the queue, or of what is over. Raises ValueError for a cursor that is none of ours."""
        ...

    async def open(self, review_id: str, *, by: str, role: str) -> ReviewFile:
        """One review with both sides; the look is kept first. Raises NotFound."""
        ...

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
        """Decide on one candidate. The same said again changes nothing. Raises NotFound, NotAllowed, Conflict."""
        ...

    async def undo(
        self, review_id: str, member_id: MemberId | None, *, reason: str, by: str, role: str, version: int
    ) -> ReviewRuled:
        """Withdraw what a decision let through. Raises NotFound, NotAllowed, Conflict."""
        ...
