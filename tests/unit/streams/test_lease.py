"""One worker per store: a second is refused, a dead one's place is taken, a lost lease ends the work."""

import asyncio

import pytest
from redis.asyncio import Redis

from domain.errors import ConfigError, StoreError
from streams import keys
from streams.lease import WorkerLease


async def test_a_second_worker_is_refused_while_the_first_lives(valkey: Redis) -> None:
    first, stop = WorkerLease(valkey), asyncio.Event()
    await first.take()
    living = asyncio.create_task(first.keep(stop))
    with pytest.raises(ConfigError, match="Another worker"):
        await WorkerLease(valkey).take()
    stop.set()
    await living
    await asyncio.wait_for(WorkerLease(valkey).take(), 1)


async def test_a_dead_workers_place_is_free_when_its_lease_ends(valkey: Redis) -> None:
    await WorkerLease(valkey).take()
    await valkey.pexpire(keys.WORKER, 300)
    await asyncio.wait_for(WorkerLease(valkey).take(), 2)


async def test_a_worker_whose_lease_is_gone_stops(valkey: Redis) -> None:
    lease = WorkerLease(valkey)
    await lease.take()
    await valkey.set(keys.WORKER, "somebody else")
    with pytest.raises(StoreError, match="lost"):
        await lease.keep(asyncio.Event())
