"""No message is left out, whatever the client that carries them does.

The offsets of a partition follow each other without holes (nothing of ours is compacted or transactional), and the
store knows the last one that was taken. So a hole is seen, and what is missing is fetched from Kafka and handled first.
Faust acknowledges what an agent never finished, and drops what it had fetched when partitions move; neither loses an
event here.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from domain.errors import ServiceError, StoreUnavailable
from streams.kafka_books import KafkaBooks
from streams.kafka_policy import KafkaPolicy
from streams.kafka_work import Handler, KeepAside, Message, Unreadable, patiently

log = structlog.get_logger("reachpoint.kafka")

_FETCH = timedelta(seconds=10)
_MOST_FAULTS = 3  # messages in a row that fail without being unreadable
_MOST = 200  # messages fetched at once: each may carry many events
STEP_MESSAGES = 128
STEP_BYTES = 256_000
"""How much one step carries at most, beside its first message: some 250 events, a tenth of a second."""


class NotTheMessage(ServiceError):
    """Message after message fails: it is the worker that is at fault, and it sets nothing more aside."""


class Gapless:
    """Hands messages to a handler, each lane (topic and partition) in order of offset and none left out.

    What the handler raises on is set aside with `set_aside` and counts as taken: only that message, whoever came upon
    it. While the store or the broker does not answer, nothing is set aside and nothing moves on.
    """

    def __init__(self, handler: Handler, books: KafkaBooks, policy: KafkaPolicy, set_aside: KeepAside) -> None:
        self._handler = handler
        self._books = books
        self._policy = policy
        self._set_aside = set_aside
        self._last: dict[str, int] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._faults = 0  # in a row
        self.passed_over = 0  # messages that the client never brought, so far

    async def handle(self, messages: Sequence[Message]) -> None:
        """Handle messages of any lanes, each lane's in their order; what is missing before one, first."""
        lanes: dict[str, list[Message]] = {}
        for message in messages:
            lanes.setdefault(message.lane, []).append(message)
        async with contextlib.AsyncExitStack() as turns:
            for lane in sorted(lanes):  # in one order, so that nobody waits for somebody who waits for them
                await turns.enter_async_context(self._turn(lane))
            ready: list[Message] = []
            for run in (run for found in lanes.values() for run in runs_of(found)):
                first = run[0]
                if not self._follows(first) and any(each.lane == first.lane for each in ready):
                    await self._take_all(ready)
                    ready = []
                if not self._follows(first):
                    await patiently(partial(self._taken_up_to, first.topic, first.partition, first.offset))
                ready += run
            await self._take_all(ready)

    async def catch_up(self, topic: str, partition: int, end: int) -> int:
        """Handle what is taken by Kafka up to offset `end` (exclusive) and not by us. Returns how many messages."""
        async with self._turn(f"{topic}|{partition}"):
            return await self._taken_up_to(topic, partition, end)

    def _turn(self, lane: str) -> asyncio.Lock:
        """One of a lane at a time, whether an agent brings it or whoever catches up."""
        return self._turns.setdefault(lane, asyncio.Lock())

    def _follows(self, message: Message) -> bool:
        """Whether nothing is missing between what was taken last and a message."""
        return self._last.get(message.lane) == message.offset - 1

    async def _take_all(self, messages: Sequence[Message]) -> None:
        for step in steps_of(messages):
            await self._take(step)

    async def _take(self, step: Sequence[Message]) -> None:
        try:
            await self._handler(step)
            self._faults = 0
        except Exception as fault:  # one of the doors: whatever is wrong with one message, the others go on
            if len(step) > 1:  # halved until it is alone
                await self._take(step[: len(step) // 2])
                await self._take(step[len(step) // 2 :])
                return
            self._faults = 0 if isinstance(fault, Unreadable) else self._faults + 1
            if self._faults > _MOST_FAULTS:
                raise NotTheMessage from fault
            await self._put_aside(step[0], fault)
        self._last |= {message.lane: message.offset for message in step}

    async def _put_aside(self, message: Message, fault: Exception) -> None:
        await patiently(lambda: self._set_aside(message, fault))
        await patiently(lambda: self._books.passed({message.lane: message.offset}))

    async def _taken_up_to(self, topic: str, partition: int, end: int) -> int:
        """Where nothing of a lane was ever taken, its first message may be what is missing."""
        before = await self._books.place(f"{topic}|{partition}")
        start, found = 0 if before is None else before + 1, 0
        while start < end:
            missing = await fetched(self._policy, topic, partition, start, end, most=_MOST)
            behind = missing[-1].offset + 1 if len(missing) >= _MOST else end
            log.warning(
                "messages had been passed over; they are taken now",
                action="kafka_gap",
                topic=topic,
                partition=partition,
                first=start,
                messages=len(missing),
                gone=behind - start - len(missing),
            )
            start = behind
            await self._take_all(missing)
            found += len(missing)
            self.passed_over += len(missing)
        return found


def runs_of(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Messages of one lane, those together that follow each other without a hole."""
    run: list[Message] = []
    for message in messages:
        if run and message.offset != run[-1].offset + 1:
            yield run
            run = []
        run.append(message)
    if run:
        yield run


def steps_of(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """So many of them together, in order, as one step should carry."""
    step: list[Message] = []
    size = 0
    for message in messages:
        more = len(message.value or b"")  # a stranger's message may carry nothing
        if step and (len(step) >= STEP_MESSAGES or size + more > STEP_BYTES):
            yield step
            step, size = [], 0
        step.append(message)
        size += more
    if step:
        yield step


async def fetched(
    policy: KafkaPolicy, topic: str, partition: int, start: int, end: int, *, most: int | None = None
) -> Sequence[Message]:
    """The messages of offsets start to end (exclusive), as far as Kafka still has them; the first `most` or more.

    Raises StoreUnavailable.
    """
    consumer = AIOKafkaConsumer(**policy.client_options(), enable_auto_commit=False, auto_offset_reset="earliest")
    lane = TopicPartition(topic, partition)
    found: list[Message] = []
    try:
        async with asyncio.timeout(_FETCH.total_seconds()):
            await consumer.start()
            consumer.assign([lane])
            consumer.seek(lane, max(start, (await consumer.beginning_offsets([lane]))[lane]))
            while await consumer.position(lane) < end and (most is None or len(found) < most):
                batch = await consumer.getmany(lane, timeout_ms=500, max_records=most)
                found += [message_from(record) for record in batch.get(lane, ()) if record.offset < end]
    except (KafkaError, TimeoutError) as error:
        raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error
    finally:
        await consumer.stop()
    return found


def message_from(record: "object", *, per_second: int = 1000) -> Message:
    """A record of aiokafka's as we take it; a message of Faust's with `per_second` 1, because it counts in seconds."""
    got: dict[str, object] = {name: getattr(record, name) for name in ("topic", "partition", "offset", "value", "key")}
    return Message(
        **got,  # type: ignore[arg-type]
        appended_at=_moment(getattr(record, "timestamp", None), per_second),
        headers=_headers(getattr(record, "headers", None)),
    )


def _moment(stamp: float | None, per_second: int) -> datetime | None:
    return None if not stamp or stamp < 0 else datetime.fromtimestamp(stamp / per_second, UTC)


def _headers(said: object) -> tuple[tuple[str, bytes], ...]:
    if not said:
        return ()
    pairs = said.items() if isinstance(said, dict) else said
    return tuple((str(name), bytes(value or b"")) for name, value in pairs)  # type: ignore[attr-defined]  # may be null
