"""The kcat lines of docs/operations.md, run as written but for the broker's address and the prefix."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from alerts.publication import decode_change, encode_change, published_change
from domain.events import Event
from domain.kinds import Feed, Kind
from streams.feeds.records import parse_body
from streams.kafka_gaps import fetched
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.kafka_work import Message
from tests.unit.alerts.build import raised
from tests.unit.docs.pages import ROOT, blocks

pytestmark = pytest.mark.server

LINES = [text for text in blocks(ROOT / "docs" / "operations.md", "sh") if "kcat -" in text]
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def _run(text: str, policy: KafkaPolicy) -> bytes:
    assert shutil.which("kcat"), "kcat is not installed; .ci/run says what the tests need"
    here = text.replace("kafka1.example:9092", policy.bootstrap).replace("reachpoint.", f"{policy.prefix}.")
    assert here.count(policy.bootstrap) == 1
    return subprocess.run(["sh", "-c", here], check=True, capture_output=True, timeout=60).stdout


async def test_the_record_shown_is_one_that_the_service_takes(lanes: KafkaPolicy) -> None:
    (line,) = [text for text in LINES if "kcat -P" in text]
    _run(line, lanes)
    topic = lanes.feed(Feed.POLICE)
    found = [message for at in range(lanes.partitions) for message in await _all(lanes, topic, at)]
    assert [message.key for message in found] == [b"CR-2026-0001"]
    (event,) = parse_body(
        found[0].value, "application/x-ndjson", feed=Feed.POLICE, received_at=NOW, channel="kafka", source="kcat"
    )
    assert isinstance(event, Event)
    assert event.kind is Kind.CRIME_RECORDED
    assert event.mentions[0].identity.postcodes == ("ZZ99 3WZ",)


async def test_what_is_read_of_the_alerts_topic_is_key_and_change(lanes: KafkaPolicy) -> None:
    change = published_change(raised(), None)
    assert change
    producer = KafkaProducer(lanes)
    await producer.start()
    await producer.send([Outgoing(lanes.alerts, encode_change(change), change.member_id.encode())])
    await producer.stop()
    (line,) = [text for text in LINES if "kcat -C" in text]
    key, _, value = _run(line, lanes).partition(b" ")
    assert key.decode() == change.member_id
    assert decode_change(value) == change


async def _all(policy: KafkaPolicy, topic: str, partition: int) -> list[Message]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(**policy.client_options())
    await consumer.start()
    lane = TopicPartition(topic, partition)
    end = (await consumer.end_offsets([lane]))[lane]
    await consumer.stop()
    return list(await fetched(policy, topic, partition, 0, end)) if end else []
