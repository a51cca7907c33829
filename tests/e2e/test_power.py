"""Power cut: of the log only what had been synced is left, and still every acknowledged event is there.

kill -9 cannot show this, because the page cache survives it. So the server's system calls are recorded; a copy of the
log is cut back to the last synced byte at random moments, sometimes with a torn piece of the next write, and a server
is started on the copy. With `everysec` the same cut must lose acknowledged events: that is the control.
"""

import asyncio
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cohort.index import CohortIndex
from cohort.policy import MatchPolicy
from domain.attributes import MissingAttributes
from domain.clock import SystemClock
from domain.events import Event
from domain.ids import EventId, event_id
from domain.kinds import Feed, Kind
from streams import codec, keys
from streams.embedded import Observers, Recogniser
from streams.intake import GroupCommit
from streams.server import EmbeddedServer, connect
from streams.valkey import ValkeyTransport
from tests.e2e.sync_trace import SyncTrace, Tracer
from tests.trials import record, trials

pytestmark = pytest.mark.server

_EVENTS = 3_000
_SENDERS = 6


@dataclass(frozen=True, slots=True)
class Evening:
    """What was acknowledged when, the log that was left, and what the disk held at each moment."""

    acknowledged: tuple[tuple[float, EventId], ...]  # in order of time
    trace: SyncTrace
    data: Path


def _event(number: int) -> Event:
    """Something that a record system might send, about nobody."""
    key, system, now = f"cut-{number}", "midshire-rms", SystemClock().now()
    identity = event_id(
        feed=Feed.POLICE.value, source_system=system, source_key=key, kind=Kind.MISSING_REPORTED.value, version="1"
    )
    return Event(
        event_id=identity,
        kind=Kind.MISSING_REPORTED,
        feed=Feed.POLICE,
        source_system=system,
        source_key=key,
        occurred_at=now,
        received_at=now,
        attributes=MissingAttributes(episode_id=key),
    )


async def _evening(folder: Path, appendfsync: str) -> Evening:
    """Take events in by group commit, recognise them meanwhile, and note when each was acknowledged."""
    server = EmbeddedServer(folder / "data", appendfsync=appendfsync)
    await server.start()
    client = connect(server.socket)
    acknowledged: list[tuple[float, EventId]] = []
    try:
        transport = ValkeyTransport(client)
        await transport.prepare()
        assert server.pid is not None
        tracer = await asyncio.to_thread(Tracer, server.pid, _log_of(folder / "data"), folder)
        empty = CohortIndex.build(())
        intake = GroupCommit(transport, SystemClock(), limit=32)
        intake.start()
        recogniser = Recogniser(transport, lambda: empty, MatchPolicy(), SystemClock(), Observers())

        async def send(first: int) -> None:
            for number in range(first, _EVENTS, _SENDERS):
                event = _event(number)
                await intake.submit([(event, b"")])
                acknowledged.append((time.time(), event.event_id))

        async def recognise() -> None:
            done = 0
            while done < _EVENTS:
                done += await recogniser.run_once()

        await asyncio.gather(recognise(), *(send(first) for first in range(_SENDERS)))
        await intake.stop()
        trace = await asyncio.to_thread(tracer.finish)
    finally:
        await client.aclose()
        await server.stop()
    return Evening(tuple(sorted(acknowledged)), trace, folder / "data")


def _log_of(data: Path) -> Path:
    (log,) = (data / "appendonlydir").glob("*.incr.aof")
    return log


async def _missing_after_cut(evening: Evening, moment: float, kept: int, place: Path) -> list[EventId]:
    """Start a server on a copy of the log of that length; which events acknowledged by then are not whole."""
    (place / "appendonlydir").parent.mkdir(parents=True)
    shutil.copytree(evening.data / "appendonlydir", place / "appendonlydir")
    with _log_of(place).open("r+b") as log:
        log.truncate(kept)
    server = EmbeddedServer(place)
    await server.start()
    client = connect(server.socket)
    try:
        known = [event for acknowledged, event in evening.acknowledged if acknowledged <= moment]
        rows = await client.mget([keys.EVENT_ROW + event for event in known]) if known else []
        entries = await client.xrange(keys.EVENTS)
        in_stream = {codec.decode_event(fields[b"e"]).event_id for _, fields in entries}
        return [event for event, row in zip(known, rows, strict=True) if row is None or event not in in_stream]
    finally:
        await client.aclose()
        await server.stop()
        shutil.rmtree(place)


def _cuts(evening: Evening, count: int, rng: random.Random) -> list[tuple[float, int]]:
    """Random moments of the evening with what a power cut then leaves; every second one also leaves a torn piece."""
    first, last = evening.acknowledged[0][0], evening.acknowledged[-1][0]
    found = []
    for number in range(count):
        moment = rng.uniform(first, last)
        kept = evening.trace.kept(moment)
        end = evening.trace.torn(kept)
        torn = rng.randrange(1, end - kept) if number % 2 and end > kept + 1 else 0
        found.append((moment, kept + torn))
    return found


async def test_a_power_cut_at_any_moment_loses_no_acknowledged_event(tmp_path: Path) -> None:
    seed, count = random.SystemRandom().randrange(1_000_000), trials(200)
    print(f"seed {seed}")
    rng = random.Random(seed)
    evening = await _evening(tmp_path / "always", "always")
    assert evening.trace.syncs > 50, "the log was hardly synced: the trace shows nothing"
    for number, (moment, kept) in enumerate(_cuts(evening, count, rng)):
        missing = await _missing_after_cut(evening, moment, kept, tmp_path / f"cut{number}")
        assert not missing, f"cut {number} at byte {kept}: {len(missing)} acknowledged events are gone"
    note = (
        f"seed {seed}; {len(evening.acknowledged)} events, {evening.trace.syncs} syncs, half of the cuts torn, 0 lost"
    )
    print(note)
    record("power cut, fsync always", count, note)


async def test_control_the_same_cut_with_everysec_loses_acknowledged_events(tmp_path: Path) -> None:
    seed, count = random.SystemRandom().randrange(1_000_000), max(10, trials(200) // 10)
    print(f"seed {seed}")
    rng = random.Random(seed)
    evening = await _evening(tmp_path / "everysec", "everysec")
    losses = [
        len(await _missing_after_cut(evening, moment, kept, tmp_path / f"cut{number}"))
        for number, (moment, kept) in enumerate(_cuts(evening, count, rng))
    ]
    assert sum(1 for lost in losses if lost) > count // 2, "everysec lost nothing: this test cannot see a loss"
    note = f"seed {seed}; lost in {sum(map(bool, losses))} of {count} cuts, up to {max(losses)} acknowledged events"
    print(note)
    record("control: power cut, fsync everysec, must lose", count, note)
