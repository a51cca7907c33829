"""What feeds send, and how the feeds and the books stand."""

from collections import Counter
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer, conditional
from api.bodies import read_bytes
from api.deps import ApiDependencies
from api.gate import Caller, caller_of
from api.policy import ApiPolicy
from api.ports import ItemAnswer
from api.problems import ProblemKind, Refused
from api.shapes import EventEnding, FeedsList, LedgerShown, Receipts
from api.showing import feeds_shown
from api.sources import HL7_TYPES, JSON_TYPES, first_foreign, media_of
from api.standing import Standing
from domain.ids import EventId
from domain.kinds import Feed

Who = Annotated[Caller, Depends(caller_of)]


class FeedDoors:
    """The endpoints of feeds and ledger."""

    def __init__(self, deps: ApiDependencies, policy: ApiPolicy, standing: Standing) -> None:
        self._deps = deps
        self._policy = policy
        self._standing = standing

    async def take(self, request: Request, feed: Feed, caller: Who) -> Response:
        """Hand in events, one or many. 200 means that every item is durable: accepted, known before, quarantined or
        ignored, each told in `items`. Anything else means that nothing was promised: send all of it again.

        Send `application/x-ndjson` (one JSON object a line), `application/json` (one object or an array) or, for the
        ED feed, `application/hl7-v2` (er7, one message or more).
        """
        if caller.grant.feed is not feed:
            raise Refused(ProblemKind.NOT_ALLOWED, "This key is for another feed.")
        media = media_of(request.headers.get("content-type", ""))
        if media not in JSON_TYPES and not (feed is Feed.ED and media in HL7_TYPES):
            raise Refused(ProblemKind.UNSUPPORTED_MEDIA, "Send application/x-ndjson, application/json or HL7 v2 (ED).")
        body = await read_bytes(request, most=self._policy.max_body_bytes, within=self._policy.body_within)
        self._refuse_foreign(body, media, caller)
        items = await self._deps.intake.take(feed, body, media, f"key:{caller.grant.name}")
        return answer(self._receipts(feed, items))

    def _refuse_foreign(self, body: bytes, media: str, caller: Caller) -> None:
        systems = caller.grant.systems
        index = first_foreign(body, media, systems) if systems else None
        if index is not None:
            raise Refused(ProblemKind.NOT_ALLOWED, f"Item {index} is of a source system that this key is not for.")

    def _receipts(self, feed: Feed, items: list[ItemAnswer]) -> Receipts:
        results = Counter(item.result for item in items)
        return Receipts(
            as_of=self._deps.clock.now(),
            feed=feed,
            accepted=results["accepted"],
            duplicate=results["duplicate"],
            quarantined=results["quarantined"],
            ignored=results["ignored"],
            items=tuple(items),
        )

    async def feeds(self, request: Request, caller: Who) -> Response:
        """How each feed stands and what became of what it sent. A feed's key sees its own line."""
        books = await self._deps.books.counts()
        states = self._standing.of(books.last_received)
        shown = feeds_shown(books, states, only=caller.grant.feed)
        return conditional(request, FeedsList(as_of=self._deps.clock.now(), feeds=shown))

    async def ledger(self, request: Request) -> Response:
        """The books: accepted = disposed + in flight, by feed, with every ending and every refusal by reason."""
        books = await self._deps.books.counts()
        view = LedgerShown(
            as_of=self._deps.clock.now(),
            feeds=self._standing.of(books.last_received),
            balanced=books.balanced,
            in_flight=books.in_flight,
            accepted=books.accepted,
            duplicate=books.duplicate,
            quarantined=books.quarantined,
            ignored=books.ignored,
            disposed=books.disposed,
        )
        return conditional(request, view)

    async def ending(self, request: Request, event_id: str) -> Response:
        """How one event ended. 404 while it is in flight, and where it was never accepted."""
        disposition = await self._deps.books.disposition(EventId(event_id))
        if disposition is None:
            raise Refused(ProblemKind.NOT_FOUND)
        return conditional(request, EventEnding(self._deps.clock.now(), event_id, disposition))
