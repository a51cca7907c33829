"""How long the transport keeps what passes through it: one value, the same for the memory twin and for Valkey."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the transport keeps things. `events_max` bounds the log of accepted events by number."""

    events: timedelta = timedelta(hours=72)  # domain.md 7.3: unmatched person data
    events_max: int = 500_000
    rows: timedelta = timedelta(days=35)
    links: timedelta = timedelta(days=400)  # longest rule window, and some
    parked: timedelta = timedelta(hours=72)
    quarantine: timedelta = timedelta(days=30)
