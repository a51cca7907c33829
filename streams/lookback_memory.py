"""Look-back's store in memory: the twin of `lookback_valkey.py` for tests and simulation."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.ids import MemberId
from streams.lookback_ports import Page, Progress, Reach
from streams.memory_server import MemoryServer, place_of, text
from streams.messages import Disposition, Ending, Matched, ParkedAmendment, PersonState, ReviewItem
from streams.ports import LogEntry, Recognised


class MemoryLookBack:
    """LookBackLog on one MemoryServer."""

    def __init__(self, server: MemoryServer, *, worker: str = "w1") -> None:
        self._server = server
        self._worker = worker

    async def progress(self) -> Progress | None:
        """See lookback_ports.LookBackLog."""
        with self._server.effect("progress"):
            return self._server.looked_back.get(self._worker)

    async def keep_progress(self, progress: Progress) -> None:
        """See lookback_ports.LookBackLog."""
        with self._server.effect("keep_progress"):
            self._server.looked_back[self._worker] = progress

    async def reach(self, version: int) -> Reach:  # noqa: ARG002 - the port's
        """See lookback_ports.LookBackLog."""
        with self._server.effect("reach"):
            return Reach(text(self._server.events.delivered), len(self._server.events.entries))

    async def page(self, after: str, until: str, limit: int) -> Page:
        """See lookback_ports.LookBackLog."""
        with self._server.effect("page"):
            events, first, last = self._server.events, place_of(after), place_of(until)
            found = [place for place in sorted(events.entries) if first < place <= last][:limit]
            barrier = min(events.pending, default=None)
            free = [place for place in found if barrier is None or place < barrier]
            entries = tuple(LogEntry(text(place), events.entries[place]) for place in free)
        return Page(entries, text(free[-1]) if free else after, more=len(free) < len(found) or len(found) == limit)

    async def people(self, ids: Sequence[MemberId]) -> list[PersonState]:
        """See lookback_ports.LookBackLog."""
        with self._server.effect("people"):
            return [self._server.people.get(name) or PersonState(member_id=name) for name in ids]

    async def reviews_of(self, ids: Sequence[str]) -> list[ReviewItem | None]:
        """See lookback_ports.LookBackLog."""
        with self._server.effect("reviews_of"):
            return [self._server.reviews.get(name) for name in ids]

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """See lookback_ports.LookBackLog. Nobody recognises beside it."""

    async def hand_on(self, found: Sequence[Recognised], progress: Progress, now: datetime) -> int:
        """See lookback_ports.LookBackLog. As on Valkey, what is only remembered may be written without the rest."""
        server = self._server
        with server.effect("hand_on"):
            for result in found:
                server.link(result.links)
            server.fail("amid hand_on")
            sent = 0
            for result in found:
                for part in result.parts:
                    sent += self._send(part, now)
                for review in result.reviews:
                    self._ask(review, now)
            server.looked_back[self._worker] = progress
        return sent

    def _send(self, part: Matched, now: datetime) -> int:
        server, event = self._server, part.event
        row = server.rows.get(event.event_id)
        waits = row is not None and row.under_way and part.part in row.parts
        if waits or server.decided.get((part.listener, event.event_id, part.part)):
            return 0
        if row is not None and row.recognised:
            server.reopen(row, event, now)
            row.parts[part.part] = None
        server.send(part)
        return 1

    def _ask(self, review: ReviewItem, now: datetime) -> None:
        server, event = self._server, review.event
        if review.review_id in server.reviews:
            return
        server.reviews[review.review_id] = review
        row = server.rows.get(event.event_id)
        if row is not None and row.recognised:
            server.reopen(row, event, now)
            row.parts.setdefault(f"review|{review.review_id}", Disposition(Ending.REVIEW))
            server.end_if_all_in(row, event.event_id, event.feed)
