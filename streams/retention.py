"""How long the transport keeps what passes through it: one value, the same for the memory twin and for Valkey."""

from dataclasses import dataclass
from datetime import timedelta

from domain.reviews import ReviewState
from streams.reviews import Review


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the transport keeps things. `events_max` bounds the log of accepted events by number."""

    events: timedelta = timedelta(hours=72)  # domain.md 7.3: unmatched person data
    events_max: int = 500_000
    rows: timedelta = timedelta(days=35)
    links: timedelta = timedelta(days=400)  # longest rule window, and some
    parked: timedelta = timedelta(hours=72)
    quarantine: timedelta = timedelta(days=30)

    def kept_after(self, review: Review) -> timedelta:
        """How long a review item is kept from its last step: who was rejected is nobody's any more (domain.md 7.3)."""
        rejected = review.state is ReviewState.DECIDED and not review.case.sent
        return self.events if rejected else self.rows
