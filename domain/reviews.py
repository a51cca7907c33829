"""The words of a review, which streams, API and commands share: what may be said of a doubtful match, how it stands."""

from enum import StrEnum


class ReviewVerdict(StrEnum):
    """What an analyst may say of a candidate."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


class ReviewState(StrEnum):
    """How a review item stands."""

    WAITING = "waiting"
    DECIDED = "decided"
    EXPIRED = "review_expired"
