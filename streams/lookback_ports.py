"""What look-back needs from outside: the retained events in pages, its own durable progress, and a way to hand on what
it finds. `lookback_memory.py` is the twin for tests, `lookback_valkey.py` the real thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import MemberId
from streams.messages import ParkedAmendment, PersonState, ReviewItem
from streams.ports import LogEntry, Recognised


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recogniser has looked back: everything was looked at for cohort `version`.

    While a pass is under way, `target` is the version that it will have reached, `cursor` the last position it has
    dealt with, `until` the last one it must; `left` about how many events it has still to look at, `found` how many
    parts it has sent on and `reviews` how many reviews it has asked for so far. First those sought and those close to
    them are told of each other: `telling` while that goes on, `told` the last of them who is done.
    """

    version: int
    target: int = 0
    cursor: str = "0-0"
    until: str = ""
    left: int = 0
    found: int = 0
    reviews: int = 0
    telling: bool = False
    told: str = ""

    @property
    def under_way(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self.target != 0


@dataclass(frozen=True, slots=True)
class Page:
    """Retained events in order of acceptance. `seen` is the last position looked at; `more` whether some remain."""

    entries: tuple[LogEntry, ...]
    seen: str
    more: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """The log of events as it is now: the last position that recognition has taken, and how many events are kept."""

    until: str
    events: int


class LookBackLog(Protocol):
    """The retained events and what look-back does with them. Every change is one atomic step, safe to repeat."""

    async def progress(self) -> Progress | None:
        """What was last kept; None if this recogniser never looked back."""

    async def keep_progress(self, progress: Progress) -> None:
        """Remember how far it is."""

    async def reach(self, version: int) -> Reach:
        """How far recognition has read. From now on whatever it reads is for people of this version, or a later one."""

    async def page(self, after: str, until: str, limit: int) -> Page:
        """The next retained events behind `after`, up to and with `until`; what was trimmed meanwhile is not there.

        Stops before an event that recognition has not finished with: then it has `more`, and perhaps no entries.
        """

    async def people(self, ids: Sequence[MemberId]) -> list[PersonState]:
        """The states of these people, in order; that of somebody of whom nothing is stored is empty."""

    async def reviews_of(self, ids: Sequence[str]) -> list[ReviewItem | None]:
        """The reviews with these ids; None where there is none."""

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """Say what the next `hand_on` rests on (BatchKnowledge.rests_on). Where others recognise beside look-back, that
        raises Conflict if one of them changed it meanwhile; nothing is sent then and the page is to be looked at again.
        """

    async def hand_on(self, found: Sequence[Recognised], progress: Progress, now: datetime) -> int:
        """Send on what was found for whom it passed by, and keep the progress, in one step; how many parts were new.

        Links and reviews are remembered (a review that is there already stays as it is). A part that was decided
        before, or is under way, is not sent. An event that had ended is under way again until its new parts are in,
        and then ends as the most telling of its old ending and theirs: accepted = disposed + in flight throughout.
        """


class ChangedMembers(Protocol):
    """The cohort store, as far as look-back asks it (cohort.ports.CohortStore)."""

    async def sought_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who was written or removed after `version`, by id."""
