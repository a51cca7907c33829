"""Engine B: Faust agents over Kafka. It carries; the two works (kafka_work.py) do what is to be done.

Faust (its app: faust_app.py) acknowledges an event whose agent raised or was cancelled (design.md section 5).
So an agent only fills a basket, and acknowledges nothing by itself. What lies in the basket is worked through, all that
waits at once, and acknowledged when it is done, or set aside with the broker's receipt in hand, or not at all: then the
process ends, and whoever gets the partition begins again there. Parallelism is by partitions and processes.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from faust.types import TP

from streams.faust_app import build_app
from streams.kafka_gaps import NotTheMessage, message_from
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing, headers_of
from streams.kafka_work import Handler, Message

log = structlog.get_logger("reachpoint.kafka")

EXIT_UNSAFE = 70
"""Exit status of a process that could neither finish a message nor set it aside (EX_SOFTWARE)."""
_FINISH_WITHIN = timedelta(seconds=20)
_STOP_WITHIN = timedelta(seconds=30)
_LOOK_S = 0.5
_BASKET = 256  # messages


@dataclass(frozen=True, slots=True)
class Lane:
    """Topics that one agent reads, and what it does with each message."""

    name: str
    topics: Sequence[str]
    handler: Handler


class SetAside:
    """Messages that cannot be handled go to the quarantine topic as they are, with headers that say why and where."""

    def __init__(self, producer: KafkaProducer, policy: KafkaPolicy, worker: str) -> None:
        self._producer = producer
        self._policy = policy
        self._worker = worker
        self.count = 0  # since the start

    async def __call__(self, message: Message, fault: Exception) -> None:
        """Return once the broker has it on all copies."""
        said = {
            "why": type(fault).__name__,
            "topic": message.topic,
            "partition": str(message.partition),
            "offset": str(message.offset),
            "worker": self._worker,
        }
        log.error("a message was set aside", action="message_set_aside", **said)
        await self._producer.send(
            [Outgoing(self._policy.quarantine, message.value, message.key, headers=message.headers + headers_of(said))]
        )
        self.count += 1


async def guarded(
    handler: Handler,
    messages: Sequence[Message],
    set_aside: Callable[[Message, Exception], Awaitable[None]],
    *,
    end: Callable[[int], Any] = os._exit,
) -> None:
    """Handle messages so that leaving here means that all are done.

    A cancellation waits for the work under way; where that does not end, or a message can be neither handled nor set
    aside, the process ends before anything is acknowledged.
    """
    work = asyncio.ensure_future(_handled(handler, messages, set_aside))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work], timeout=_FINISH_WITHIN.total_seconds())
        if not work.done() or work.cancelled() or work.exception() is not None:
            end(EXIT_UNSAFE)
        raise
    except BaseException as fault:
        log.critical("a message could not be kept safe; ending", action="unsafe_exit", error=type(fault).__name__)
        end(EXIT_UNSAFE)
        raise


async def _handled(
    handler: Handler, messages: Sequence[Message], set_aside: Callable[[Message, Exception], Awaitable[None]]
) -> None:
    try:
        await handler(messages)
    except NotTheMessage:
        raise
    except Exception as fault:  # one of the doors: whatever is wrong with one message, the others go on
        if len(messages) == 1:
            await set_aside(messages[0], fault)
            return
        half = len(messages) // 2
        await _handled(handler, messages[:half], set_aside)
        await _handled(handler, messages[half:], set_aside)


class _Basket:
    """What an agent has brought and nobody has begun: so much that a step is worth its price, and no more, because what
    lies here when partitions move is done twice."""

    def __init__(self) -> None:
        self._brought: list[Any] = []
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, event: Any) -> None:
        """Lay one in, as soon as there is room."""
        await self._room.wait()
        self._brought.append(event)
        self._some.set()
        if len(self._brought) >= _BASKET:
            self._room.clear()

    async def take(self) -> list[Any]:
        """All that lies here, at least one."""
        await self._some.wait()
        taken, self._brought = self._brought, []
        self._some.clear()
        self._room.set()
        return taken


class FaustEngine:
    """A Faust app in our own event loop: no command line, no environment, no web server, no tables."""

    def __init__(
        self,
        policy: KafkaPolicy,
        lanes: Sequence[Lane],
        set_aside: Callable[[Message, Exception], Awaitable[None]],
        *,
        folder: Path,
        end: Callable[[int], Any] = os._exit,
    ) -> None:
        self._policy = policy
        self._set_aside = set_aside
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._joined = False
        self._end = end
        self._tasks: list[asyncio.Task[None]] = []
        self._folder = folder
        self._app = build_app(policy, folder)
        self._lanes = [(lane, _Basket()) for lane in lanes]
        for lane, basket in self._lanes:
            topic = self._app.topic(*lane.topics, key_serializer="raw", value_serializer="raw", value_type=bytes)
            self._app.agent(topic, name=lane.name, concurrency=1)(_into(basket))
        self._app.finalize()

    async def _work(self, handler: Handler, basket: _Basket) -> None:
        """Work through what an agent brings, or end: nobody would take what it brings from then on."""
        try:
            await self._work_through(handler, basket)
        except Exception as fault:
            log.critical("a lane cannot be worked on; ending", action="unsafe_exit", error=type(fault).__name__)
            self._end(EXIT_UNSAFE)
            raise

    async def _work_through(self, handler: Handler, basket: _Basket) -> None:
        """What only lies in a basket when we close is begun elsewhere."""
        while events := await basket.take():
            if self._closing:
                return
            self._taken(len(events))
            try:
                messages = [message_from(event.message, per_second=1) for event in events]
                await guarded(handler, messages, self._set_aside, end=self._end)
                for event in events:
                    event.ack()
            finally:
                self._taken(-len(events))

    async def start(self) -> None:
        """Join the group and begin."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._app.start()
        self._joined = True
        self._tasks = [asyncio.create_task(self._guard(), name="faust")]
        self._tasks += [
            asyncio.create_task(self._work(lane.handler, basket), name=lane.name) for lane, basket in self._lanes
        ]

    async def stop(self) -> None:
        """Begin nothing more, finish what is in hand, commit and leave the group."""
        self._closing = True
        with contextlib.suppress(TimeoutError):  # what is still in hand then is begun again elsewhere
            await asyncio.wait_for(self._idle.wait(), _STOP_WITHIN.total_seconds())
        for task in self._tasks:
            task.cancel()
        self._joined = False
        await self._app.stop()

    async def _guard(self) -> None:
        """Faust gives up where a commit is refused, and stays there: nobody is told. Then end, and begin anew."""
        while not self._app.crashed:  # noqa: ASYNC110 - Faust tells nobody
            await asyncio.sleep(_LOOK_S)
        fault = type(self._app.crash_reason).__name__
        log.critical("Faust gave up; ending so as to begin anew", action="faust_gave_up", error=fault)
        self._end(EXIT_UNSAFE)

    @property
    def busy(self) -> bool:
        """Whether a message is in hand."""
        return self._in_hand > 0

    @property
    def joined(self) -> bool:
        """Whether we are a member of the group."""
        return self._joined

    @property
    def in_hand(self) -> int:
        """How many messages are being worked on."""
        return self._in_hand

    def _taken(self, more: int) -> None:
        self._in_hand += more
        if self._in_hand:
            self._idle.clear()
        else:
            self._idle.set()

    def assigned(self) -> Mapping[str, frozenset[int]]:
        """The partitions that are ours at this moment, by topic."""
        found: dict[str, set[int]] = {}
        for lane in self._assignment():
            found.setdefault(lane.topic, set()).add(lane.partition)
        return {topic: frozenset(partitions) for topic, partitions in found.items()}

    def owned_shards(self) -> frozenset[int]:
        """The shards whose matched events, timers and messages are ours."""
        return self.assigned().get(self._policy.matched, frozenset())

    def _assignment(self) -> set[TP]:
        found: set[TP] = self._app.consumer.assignment() if self._joined else set()
        return found


def _into(basket: _Basket) -> Callable[[Any], Awaitable[None]]:
    async def carry(stream: Any) -> None:
        events: AsyncIterable[Any] = stream.noack().events()
        async for event in events:
            await basket.put(event)

    return carry
