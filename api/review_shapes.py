"""What the API answers about reviews. As everywhere, `as_of` is the first field (`answers.py`)."""

from dataclasses import dataclass
from datetime import datetime

from api.review_ports import IdentityView, ReviewView, SideView, StepView
from api.shapes import FeedState


@dataclass(frozen=True, slots=True)
class ReviewList:
    """Doubtful matches, by ids only. Go on with `cursor`; `waiting` counts all that wait."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    waiting: int
    reviews: tuple[ReviewView, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class ReviewDetail:
    """Both sides of a doubtful match: what the event `said` of the person, and who each candidate is.

    The evidence of a candidate adds up to its weight, in bits.
    """

    as_of: datetime
    review: ReviewView
    said: IdentityView
    role: str
    sides: tuple[SideView, ...]
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class ReviewDecided:
    """A review after a decision or an undo. `changed` is false where it stood so already; `also` are the reviews that
    share its words, and were decided or undone with it."""

    as_of: datetime
    changed: bool
    review: ReviewView
    also: tuple[str, ...]
