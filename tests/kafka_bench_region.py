"""Engine B as processes of their own: from the broker's receipt to the hand-over of an SMS, and what a death costs.

API, workers, broker, store and far ends share this machine's cores with whoever produces.
"""

import asyncio
import re
import signal
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.model import Delivery, Purpose
from alerts.paging import all_alerts
from alerts.valkey import ValkeyAlertStore
from domain.ids import shard_of
from domain.kinds import Feed
from fixtures.force import ForceSpec, generate
from service.demo.scoring import latency
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.ports import LedgerCounts
from tests.e2e.region import Region, open_region
from tests.kafka.broker import Cluster, discard, started

STEADY = "steady"
AT_ONCE = "all at once"
KILLED = "one worker killed half way"
_SETTLES_WITHIN_S = 300.0
_AT_ONCE = 500  # times as many seconds as the other runs take
MEMBERS = 1_000
PREVALENCE = 0.02  # of the events are about watched people


@dataclass(frozen=True, slots=True)
class Life:
    """One run: how it went from the broker's receipt to the hand-over, in milliseconds; and how many events had their
    ending each second, from the first to the last. `rate` 0: all were there at once, and only that is measured."""

    name: str
    workers: int
    rate: int
    settled: float
    alerts: int
    p50: float
    p99: float
    longest: float


def measure(seconds: int) -> list[Life]:
    """One worker and two at 200 events a second and at 1,000, one of two killed in the middle, and as fast as it goes."""
    plans = [
        *((STEADY, workers, rate) for rate in (200, 1_000) for workers in (1, 2)),
        (KILLED, 2, 200),
        (AT_ONCE, 1, 0),
        (AT_ONCE, 2, 0),
    ]
    cluster = started()
    try:
        return [_life(cluster, name, workers, rate, seconds) for name, workers, rate in plans]
    finally:
        discard(cluster)


def _life(cluster: Cluster, name: str, workers: int, rate: int, seconds: int) -> Life:
    now = datetime.now(UTC).replace(microsecond=0)
    count = (rate or _AT_ONCE) * seconds
    force = generate(ForceSpec(seed=workers + rate, members=MEMBERS, events=count * 2, end=now, prevalence=PREVALENCE))
    records = [message.payload for message in force.messages if message.feed is Feed.POLICE][:count]
    with (
        tempfile.TemporaryDirectory(prefix="rp-kb-") as folder,
        open_region(Path(folder), cluster, workers=workers) as region,
    ):
        region.bring(force.members, force.navigators)
        region.api_url()
        for number in range(1, workers + 1):
            region.joined(f"w{number}")
        began = time.perf_counter()
        asyncio.run(_produce(region, records, rate, kill=name == KILLED))
        books = _settled(region, len(records))
        took = time.perf_counter() - began
        time.sleep(3)  # the last messages
        spans = latency([row for row in _rows(region) if row.purpose is Purpose.ALERT])
    if spans is None:
        raise RuntimeError("no alert was handed over: nothing was measured")
    if not books.balanced:
        raise RuntimeError(f"the books do not balance: {books}")
    settled = len(records) / took
    return Life(name, workers, rate, settled, spans.count, spans.p50 * 1e3, spans.p99 * 1e3, spans.worst * 1e3)


def _settled(region: Region, records: int) -> LedgerCounts:
    """The books once every record has its ending: taken, known already, or refused."""
    ends = time.monotonic() + _SETTLES_WITHIN_S
    while time.monotonic() < ends:
        books = region.books()
        refused = sum(sum(each.values()) for each in (*books.quarantined.values(), *books.ignored.values()))
        came = sum(books.accepted.values()) + sum(books.duplicate.values()) + refused
        if came >= records and not books.in_flight:
            return books
        time.sleep(0.1)
    raise RuntimeError(f"it did not settle: {books}")


async def _produce(region: Region, records: Sequence[bytes], rate: int, *, kill: bool) -> None:
    """Records on the feed's topic, keyed by what they are about: 20 times a second as many as are due; at rate 0 as
    fast as it goes."""
    producer = KafkaProducer(region.policy, timedelta(seconds=60))
    await producer.start()
    topic, each = region.policy.feed(Feed.POLICE), rate // 20 or 500
    began = time.perf_counter()
    for tick, at in enumerate(range(0, len(records), each)):
        if kill and at <= len(records) // 2 < at + each:
            region.send("w1", signal.SIGKILL)
        if rate:
            await asyncio.sleep(max(0.0, began + tick / 20 - time.perf_counter()))
        await producer.send([_message(topic, value) for value in records[at : at + each]])
    await producer.stop()


def _message(topic: str, value: bytes) -> Outgoing:
    found = re.search(rb'"source_key": ?"([^"]+)"', value)  # some records are broken on purpose
    return Outgoing(topic, value, found[1] if found else None)


def _rows(region: Region) -> Iterable[Delivery]:
    async def read(client: object) -> list[Delivery]:
        store = ValkeyAlertStore(client)  # type: ignore[arg-type]
        found = await all_alerts(store)
        return [row for alert in found for row in await store.deliveries_of(alert.alert_id, shard_of(alert.member_id))]

    return region.ask(read)
