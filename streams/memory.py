"""The transport in memory: the twin of `valkey.py`, `valkey_decide.py` and `valkey_desk.py` for tests and simulation.

One `MemoryServer` stands for the store; a `MemoryTransport` is one worker's connection to it, with its place in what it
left unfinished. To crash a worker, drop its transport and make another on the same server.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from domain.errors import Conflict
from domain.events import Event
from domain.ids import SHARDS, EventId, MemberId, shard_of
from domain.kinds import Feed
from streams import codec
from streams.memory_server import EventRow, MemoryServer, Place, milliseconds, place_of, text
from streams.memory_tallies import MemoryTallies, note, tally
from streams.messages import (
    OWN_CHANNEL,
    Disposition,
    Ending,
    HeldIntel,
    Matched,
    ParkedAmendment,
    PersonState,
    QuarantineItem,
    ReviewItem,
    most_telling,
)
from streams.ports import Commit, LedgerCounts, LogEntry, MatchedEntry, Person, Recognised, Taken
from streams.remembering import Said
from streams.tallies import SeenFault, cause_kept

_START: Place = (0, 0)


class MemoryTransport:
    """Intake, RecogniseLog, DecideLog, Ledger and Desk on one MemoryServer."""

    def __init__(self, server: MemoryServer, *, worker: str = "w1") -> None:
        self.server = server
        self._worker = worker
        self._events_from: Place | None = _START
        self._matched_from: dict[int, Place] = dict.fromkeys(range(SHARDS), _START)

    # Intake

    async def accept(self, events: Sequence[Event], now: datetime) -> list[int]:
        """See ports.Intake."""
        with self.server.effect("accept"):
            return [self._accept(event, now) for event in events]

    def _accept(self, event: Event, now: datetime) -> int:
        server, digest = self.server, codec.content_digest(event)
        known = server.rows.get(event.event_id)
        if known is not None and known.digest != digest:
            return Taken.CONFLICT
        if event.provenance.channel != OWN_CHANNEL:
            server.last[event.feed.value] = milliseconds(now)
        if known is not None:
            server.count("duplicate", event.feed)
            return Taken.DUPLICATE
        server.rows.put(event.event_id, EventRow(digest), server.retention.rows)
        server.events.add(event)
        server.in_flight[event.event_id] = milliseconds(now)
        server.count("accepted", event.feed)
        return Taken.ACCEPTED

    async def quarantine(self, items: Sequence[QuarantineItem], now: datetime) -> list[str]:
        """See ports.Intake."""
        with self.server.effect("quarantine"):
            for item in items:
                self._quarantine(item, now)
                self.server.count("quarantined", item.feed, item.reason.value)
                self.server.last[item.feed.value] = milliseconds(now)
        return [item.item_id for item in items]

    def _quarantine(self, item: QuarantineItem, now: datetime) -> None:
        at, known = milliseconds(now), self.server.items.get(item.item_id)
        kept = replace(item, first_at=at, last_at=at)
        if known:
            kept = replace(known, count=known.count + 1, last_at=at, state="open")
        self.server.items.put(item.item_id, kept, self.server.retention.quarantine)
        self.server.item_order[item.item_id] = at

    async def ignore(self, ignored: Sequence[tuple[Feed, str]], now: datetime) -> None:
        """See ports.Intake."""
        with self.server.effect("ignore"):
            for feed, why in ignored:
                self.server.count("ignored", feed, why)
                self.server.last[feed.value] = milliseconds(now)

    async def reopen(self, failed: Event | Matched, now: datetime) -> bool:
        """Take again what was set aside by a fault of ours; False if the event is unknown or has ended otherwise."""
        event = failed.event if isinstance(failed, Matched) else failed
        with self.server.effect("reopen"):
            row = self.server.rows.get(event.event_id)
            if row is None:
                return False
            if row.ending is not None and row.ending.ending is Ending.QUARANTINED:
                self.server.count("disposed", event.feed, str(row.ending), by=-1)
                row.ending, row.recognised = None, isinstance(failed, Matched)
                self.server.in_flight[event.event_id] = milliseconds(now)
            elif isinstance(failed, Event):
                return False
            if isinstance(failed, Matched):
                if row.under_way:
                    row.parts[failed.part] = None
                self._send(failed)
            else:
                self.server.events.add(failed)
            return True

    # Recognise

    async def read_events(self, limit: int, wait: timedelta) -> list[LogEntry]:
        """See ports.RecogniseLog. Never waits."""
        await _give_way(wait)
        with self.server.effect("read_events"):
            found: list[tuple[Place, Event]] = []
            if self._events_from is not None:
                found = self.server.events.unfinished(self._worker, self._events_from, limit)
                self._events_from = found[-1][0] if found else None
            if not found:
                found = self.server.events.fresh(self._worker, limit)
        return [LogEntry(position=text(place), event=event) for place, event in found]

    def rewind(self) -> None:
        """See ports.RecogniseLog and ports.DecideLog; both hops read again what they had not finished."""
        self._events_from = _START
        self._matched_from = dict.fromkeys(range(SHARDS), _START)

    async def linked(self, keys: Sequence[str]) -> list[frozenset[str]]:
        """See ports.RecogniseLog."""
        with self.server.effect("linked"):
            return [self.server.links.get(key) or frozenset() for key in keys]

    async def recall(self, keys: Sequence[str], mentions: Sequence[str]) -> tuple[list[frozenset[str]], list[Said]]:
        """See ports.RecogniseLog."""
        with self.server.effect("recall"):
            links = [self.server.links.get(key) or frozenset() for key in keys]
            return links, [self.server.said_of(name) for name in mentions]

    async def parked(self, keys: Sequence[str]) -> list[list[ParkedAmendment]]:
        """See ports.RecogniseLog."""
        with self.server.effect("parked"):
            return [list(self.server.parked.get(key) or ()) for key in keys]

    async def keep(self, item: QuarantineItem, now: datetime) -> None:
        """See ports.RecogniseLog."""
        with self.server.effect("keep"):
            at = milliseconds(now)
            kept = replace(item, first_at=at, last_at=at, count=1)
            self.server.items.put(item.item_id, kept, self.server.retention.quarantine)
            self.server.item_order[item.item_id] = at
            note(self.server, SeenFault(cause_kept(item), now))

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]], version: int) -> None:
        """See ports.RecogniseLog. Only one worker recognises here."""

    async def forward(self, results: Sequence[Recognised]) -> None:
        """See ports.RecogniseLog. As on Valkey, what is only remembered may be written without the rest."""
        with self.server.effect("forward"):
            for result in results:
                self._remember(result)
            self.server.fail("amid forward")
            for result in results:
                self._forward(result)

    def _remember(self, result: Recognised) -> None:
        server = self.server
        server.link(result.links)
        if result.parked:
            server.park(result.parked)

    def _forward(self, result: Recognised) -> None:
        server, event = self.server, result.event
        server.events.acknowledge(place_of(result.position))
        row = server.rows.get(event.event_id)
        if row is None or row.ending is not None or row.recognised:
            return
        row.recognised = True
        if result.parts:
            row.parts = dict(result.dispositions) | dict.fromkeys((part.part for part in result.parts), None)
        else:
            ending = most_telling([disposition for _, disposition in result.dispositions])
            row.parts = dict(result.dispositions) if result.reviews or result.applied else {}
            server.end(row, event.event_id, event.feed, ending)
        for part in result.parts:
            self._send(part)
        for review in result.reviews:
            server.reviews.setdefault(review.review_id, review)
        for settled in result.applied:
            server.apply(settled, row)
        for part in result.revived:
            server.join(part)
            self._send(part)

    def _send(self, part: Matched) -> None:
        self.server.send(part)

    # Decide

    async def read_matched(self, limit: int, wait: timedelta) -> list[MatchedEntry]:
        """See ports.DecideLog. At most `limit` of each shard, as a read of many streams gives them. Never waits."""
        await _give_way(wait)
        with self.server.effect("read_matched"):
            found = [
                (shard, place, matched)
                for shard, start in self._matched_from.items()
                for place, matched in self.server.matched[shard].unfinished(self._worker, start, limit)
            ]
            self._matched_from = {shard: place for shard, place, _ in found}
            if not found:
                found = [
                    (shard, place, matched)
                    for shard, stream in enumerate(self.server.matched)
                    for place, matched in stream.fresh(self._worker, limit)
                ]
        return [MatchedEntry(shard, text(place), matched) for shard, place, matched in found]

    async def load(self, matched: Matched) -> Person:
        """See ports.DecideLog."""
        decided = self.server.decided.get((matched.listener, matched.event.event_id, matched.part))
        return replace(await self.load_person(matched.listener), decided=decided)

    async def load_person(self, member: MemberId) -> Person:
        """See timer_ports.TimerLog."""
        with self.server.effect("load"):
            alerts = (await self.server.alerts.of_members([member])).get(member, ())
            deliveries = [
                row
                for alert in alerts
                for row in await self.server.alerts.deliveries_of(alert.alert_id, shard_of(member))
            ]
            return Person(
                state=self.server.people.get(member) or PersonState(member_id=member),
                alerts=alerts,
                deliveries=tuple(sorted(deliveries, key=lambda row: row.delivery_id)),
                due=self.server.due.get(member),
                held_back=tuple(await MemoryTallies(self.server).held_back_of(member)),
            )

    async def person(self, member: MemberId) -> PersonState:
        """A person's state as it is stored."""
        return self.server.people.get(member) or PersonState(member_id=member)

    async def commit(self, commit: Commit) -> bool:
        """See ports.DecideLog."""
        with self.server.effect("commit"):
            member = commit.after.member_id
            stored = self.server.people.get(member)
            if (stored.version if stored else 0) != commit.before.version:
                return False
            try:
                self.server.alerts.save_all(commit.alerts, commit.rows)
            except Conflict:
                return False
            self.server.people[member] = commit.after
            self.server.wait_until(member, commit.due)
            if not commit.by_clock:
                key = (member, commit.event_id, commit.part)
                self.server.decided.put(key, commit.disposition, self.server.retention.rows)
            self.server.held.update({item.held_id: item for item in commit.held})
            tally(self.server, commit)
            if commit.archived is not None:
                self.server.to_archive.append(commit.archived)
            return True

    async def hand_over(self, handed: Sequence[Matched]) -> None:
        """See ports.DecideLog."""
        if not handed:
            return
        with self.server.effect("hand_over"):
            for part in handed:
                self.server.join(part)
                self._send(part)

    async def settle(self, entries: Sequence[tuple[MatchedEntry, Disposition]]) -> None:
        """See ports.DecideLog."""
        if not entries:
            return
        with self.server.effect("settle"):
            for entry, disposition in entries:
                event = entry.matched.event
                self.server.enter(event.event_id, event.feed, entry.matched.part, disposition)
                self.server.matched[entry.shard].acknowledge(place_of(entry.position))

    # Ledger

    async def counts(self) -> LedgerCounts:
        """See ports.Ledger."""
        with self.server.effect("counts"):
            return self.server.ledger()

    async def disposition(self, event_id: EventId) -> Disposition | None:
        """See ports.Ledger."""
        row = self.server.rows.get(event_id)
        return row.ending if row else None

    async def stuck(self, older_than: datetime, limit: int) -> list[EventId]:
        """See ports.Ledger."""
        found = sorted(
            (at, event_id) for event_id, at in self.server.in_flight.items() if at <= milliseconds(older_than)
        )
        return [event_id for _, event_id in found[:limit]]

    async def trim(self, now: datetime) -> int:
        """Drop events that are settled and past their retention, never an unacknowledged one. Returns how many."""
        with self.server.effect("trim"):
            retention = self.server.retention
            oldest = place_of(str(int((now - retention.events).timestamp() * 1000)))
            dropped = self.server.events.trim(oldest, retention.events_max)
            return dropped + sum(stream.trim(None, 0) for stream in self.server.matched)

    # Desk

    async def quarantined(self, limit: int, state: str = "open") -> list[QuarantineItem]:
        """See ports.Desk."""
        newest = sorted(self.server.item_order.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
        items = [item for name, _ in newest if (item := self.server.items.get(name)) and item.state == state]
        return items[:limit]

    async def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """See ports.Desk."""
        return self.server.items.get(item_id)

    async def mark_replayed(self, item_id: str, event_id: EventId | None) -> None:
        """See ports.Desk."""
        with self.server.effect("mark_replayed"):
            item = self.server.items.get(item_id)
            if item is not None:
                self.server.items.change(item_id, replace(item, state="replayed", event_id=event_id or item.event_id))

    async def reviews(self, limit: int) -> list[ReviewItem]:
        """See ports.Desk."""
        newest = sorted(
            self.server.waiting_reviews(),
            key=lambda review: (milliseconds(review.place), review.item.review_id),
            reverse=True,
        )
        return [review.item for review in newest[:limit]]

    async def held(self, limit: int) -> list[HeldIntel]:
        """See ports.Desk."""
        return sorted(self.server.held.values(), key=lambda item: item.created_at, reverse=True)[:limit]

    async def held_item(self, held_id: str) -> HeldIntel | None:
        """See ports.Desk."""
        return self.server.held.get(held_id)

    async def decide_held(self, item: HeldIntel) -> None:
        """See ports.Desk."""
        with self.server.effect("decide_held"):
            self.server.held[item.held_id] = item


async def _give_way(_: timedelta) -> None:
    """Let others run. A simulated clock stands still while one waits, so nothing is waited for."""
    await asyncio.sleep(0)
