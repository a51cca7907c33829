"""A broker that takes the line and never says a word is waited for as long as we say, by who looks at lanes."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from domain.errors import StoreUnavailable
from streams.kafka_books import KafkaBooks
from streams.kafka_policy import KafkaPolicy
from streams.kafka_watch import LaneWatch


@pytest.fixture
async def silent() -> AsyncIterator[KafkaPolicy]:
    """A cluster at whose address somebody listens and does not answer."""
    gone = asyncio.Event()

    async def heard(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield KafkaPolicy(bootstrap=f"127.0.0.1:{port}")
    gone.set()
    server.close()


async def test_a_look_at_a_silent_broker_ends_and_the_next_one_tries_again(silent: KafkaPolicy) -> None:
    watch = LaneWatch(
        silent,
        KafkaBooks(Redis()),
        {},
        assigned=lambda: {silent.events: frozenset({0})},
        busy=lambda: False,
        tell=lambda *_: None,
        within=timedelta(seconds=0.3),
    )
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="TimeoutError"):
            await watch.look()
        assert time.monotonic() - began < 10, "it waited for the client's own limit, 40 s"
    await watch.close()
