"""Reviews and the audit log in memory: the twin of `valkey_reviews.py` for tests and simulation."""

from collections.abc import Sequence

from domain.reviews import ReviewState
from streams.audit import AuditEntry, AuditLine
from streams.memory_server import BEFORE, EventRow, MemoryServer, milliseconds
from streams.messages import Disposition, Ending
from streams.ports import CaseCommit
from streams.reviews import Review, ReviewCase

_WAITS = Disposition(Ending.REVIEW)


class MemoryReviews:
    """ReviewStore and AuditLog on one MemoryServer."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def revision(self) -> int:
        """See ports.ReviewStore."""
        return self._server.reviews_revision

    async def depth(self) -> int:
        """See ports.ReviewStore."""
        return len(self._server.waiting_reviews())

    async def steps(self) -> dict[str, int]:
        """See ports.ReviewStore."""
        return dict(self._server.review_steps)

    async def waiting(self) -> list[Review]:
        """See ports.ReviewStore."""
        with self._server.effect("waiting"):
            return self._server.waiting_reviews()

    async def closed(self, limit: int) -> list[Review]:
        """See ports.ReviewStore."""
        found = [self._review(name) for name in self._server.reviews]
        over = [review for review in found if review.state is not ReviewState.WAITING]
        return sorted(over, key=_closed_at, reverse=True)[:limit]

    async def decided_through(self, review_id: str) -> list[Review]:
        """See ports.ReviewStore."""
        with self._server.effect("decided_through"):
            found = [self._review(name) for name in self._server.reviews]
            return [one for one in found if any(step.through == review_id for step in one.case.steps)]

    async def find(self, review_id: str) -> Review | None:
        """See ports.ReviewStore."""
        with self._server.effect("find"):
            return self._review(review_id) if review_id in self._server.reviews else None

    def _review(self, name: str) -> Review:
        return Review(self._server.reviews[name], self._server.cases.get(name, ReviewCase(name)))

    async def change(self, commit: CaseCommit) -> bool:
        """See ports.ReviewStore."""
        server, item = self._server, commit.after.item
        with server.effect("change"):
            known = server.cases.get(item.review_id, ReviewCase(item.review_id))
            if known.version != commit.before.version:
                return False
            row = server.rows.get(item.event.event_id)
            if row is not None and row.recognised:
                self._rule(row, commit)
            for part in commit.revived:
                server.join(part)
                server.send(part)
            for part in commit.parts:
                server.send(part)
            self._remember(commit)
            server.cases[item.review_id] = commit.after.case
            server.reviews[item.review_id] = item
            server.audit.extend(commit.audit)
            server.reviews_revision += 1
            server.review_steps[commit.after.case.steps[-1].what.value] += 1
            return True

    def _rule(self, row: EventRow, commit: CaseCommit) -> None:
        """Enter the step in the books of its event; one that had ended is under way again meanwhile."""
        server, event = self._server, commit.after.item.event
        name = f"review|{commit.after.item.review_id}"
        if row.ending is not None:
            if not row.parts and not row.reviewed and row.ending != _WAITS:
                row.parts = {BEFORE: row.ending}
            server.uncount(event.feed, row.ending)
            row.ending = None
            server.in_flight[event.event_id] = milliseconds(commit.now)
        for other in commit.others:
            row.parts.setdefault(f"review|{other}", _WAITS)
        row.parts.pop(name, None)
        row.reviewed.add(name)
        if commit.ending is not None:
            row.parts[name] = commit.ending
        if not commit.others and commit.ending != _WAITS and row.parts.get(BEFORE) == _WAITS:
            del row.parts[BEFORE]
        for part in commit.withdrawn:
            row.parts.pop(part, None)
            row.withdrawn.add(part)
        row.parts.update(dict.fromkeys((part.part for part in commit.parts), None))
        server.end_if_all_in(row, event.event_id, event.feed)

    def _remember(self, commit: CaseCommit) -> None:
        server = self._server
        server.link(commit.links)
        for key, value in commit.unlinked:
            server.links.put(key, (server.links.get(key) or frozenset()) - {value}, server.retention.links)
        if commit.parked:
            server.park(commit.parked)
        if commit.said:
            name, member, remembered = commit.said
            if remembered:
                server.said.put((name, member), remembered, server.retention.links)
            else:
                server.said.drop((name, member))

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """See audit.AuditLog."""
        with self._server.effect("write"):
            self._server.audit.extend(entries)

    async def read(self, after: str = "", limit: int = 100) -> list[AuditLine]:
        """See audit.AuditLog."""
        first = int(after or 0)
        return [
            AuditLine(str(place), entry)
            for place, entry in enumerate(self._server.audit[first : first + limit], start=first + 1)
        ]


def _closed_at(review: Review) -> tuple[object, str]:
    return (review.case.steps[-1].at, review.item.review_id)
