"""The alerts topic on a real broker and store: every change, in order for each alert, at least once, nothing before."""

from collections import defaultdict
from pathlib import Path

import pytest

from alerts import lifecycle
from alerts.model import Alert, Outcome
from alerts.publication import PublishedChange, decode_change
from alerts.valkey import ValkeyAlertStore
from alerts.valkey_layout import told_key
from domain.errors import StoreUnavailable
from domain.ids import SHARDS, MemberId, NavigatorId
from domain.people import CohortMember, MemberStatus
from streams.kafka_alerts import AlertsPublisher, keep_changes
from streams.kafka_gaps import fetched
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.server import connect
from tests.unit.alerts.build import at, firing, raised

pytestmark = pytest.mark.server

N1 = NavigatorId("N1")


def _alert(number: int) -> Alert:
    member = CohortMember(MemberId(f"M{number}"), MemberStatus.AT_RISK, navigator_id=N1)
    return raised(firing(f"{number}", member=f"M{number}"), member=member)


async def _published(policy: KafkaPolicy) -> list[tuple[str, PublishedChange]]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(**policy.client_options())
    await consumer.start()
    lanes = [TopicPartition(policy.alerts, partition) for partition in range(policy.shards)]
    ends = await consumer.end_offsets(lanes)
    await consumer.stop()
    found = []
    for lane, end in ends.items():
        if end:
            found += await fetched(policy, policy.alerts, lane.partition, 0, end)
    return [((message.key or b"").decode(), decode_change(message.value)) for message in found]


async def _lives(store: ValkeyAlertStore, numbers: range) -> None:
    """Raised, accepted, ended: three changes each, mingled."""
    first = [await store.save(_alert(number), None) for number in numbers]
    taken = [await store.save(lifecycle.accept(alert, N1, at(5)), alert) for alert in first]
    for alert in taken:
        await store.save(lifecycle.record_outcome(alert, Outcome.SPOKE, N1, at(6)), alert)


async def test_every_change_arrives_in_order_by_member(lanes: KafkaPolicy, valkey_socket: Path) -> None:
    client, producer = connect(valkey_socket), KafkaProducer(lanes)
    await client.flushall()
    await keep_changes(client)
    await keep_changes(client)  # each process does, at its start
    await producer.start()
    await _lives(ValkeyAlertStore(client), range(40))
    publisher = AlertsPublisher(client, producer, lanes)
    assert await publisher.waiting() == 120
    while await publisher.turn():
        pass
    assert await publisher.waiting() == 0
    found = await _published(lanes)
    assert all(key == change.member_id for key, change in found)
    versions = defaultdict(list)
    for _, change in found:
        versions[change.alert_id].append(change.version)
    assert len(versions) == 40
    assert all(listed == [1, 2, 3] for listed in versions.values())
    await producer.stop()
    await client.aclose()


class _Dying(KafkaProducer):
    """Dies once behind the broker's receipt, before anybody hears of it."""

    died = False

    async def send(self, messages: list[Outgoing]) -> None:  # type: ignore[override]
        await super().send(messages)
        if not self.died:
            self.died = True
            raise StoreUnavailable("gone")


async def test_whoever_dies_between_the_brokers_and_the_store_repeats_and_loses_nothing(
    lanes: KafkaPolicy, valkey_socket: Path
) -> None:
    client, producer = connect(valkey_socket), _Dying(lanes)
    await client.flushall()
    await keep_changes(client)
    await producer.start()
    await _lives(ValkeyAlertStore(client), range(3))
    with pytest.raises(StoreUnavailable):
        await AlertsPublisher(client, producer, lanes).turn()
    await AlertsPublisher(client, producer, lanes).turn()
    versions = defaultdict(list)
    for _, change in await _published(lanes):
        versions[change.alert_id].append(change.version)
    assert all(listed == [1, 2, 3, 1, 2, 3] for listed in versions.values())
    assert len(versions) == 3
    await producer.stop()
    await client.aclose()


async def test_one_machine_keeps_nothing_for_a_topic_that_nobody_fills(valkey_socket: Path) -> None:
    client = connect(valkey_socket)
    await client.flushall()
    await _lives(ValkeyAlertStore(client), range(3))
    assert not await client.exists(*(told_key(shard) for shard in range(SHARDS)))
    await client.aclose()
