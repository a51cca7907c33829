"""Whether each person's matched events were decided in the order in which Kafka carried them to their worker.

Read from both ends afterwards: the topic of matched events, and the archive's record of each decision with its place
among the person's decisions.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from domain.ids import SHARDS, digest
from streams import codec, keys
from streams.archive_parquet import ParquetArchive, Table
from streams.kafka_gaps import fetched
from streams.kafka_policy import KafkaPolicy
from tests.e2e.region import Region


async def check_order(region: Region) -> tuple[int, int]:
    """Each person's decisions are in the order of their partition. Returns how many decisions of how many people were
    compared."""
    decided = {**_in_files(region.folder), **await _in_store(region)}
    compared, people = 0, 0
    for person, carried in (await _carried(region.policy)).items():
        orders = [decided[record] for record in carried if record in decided]
        assert orders == sorted(set(orders)), f"{person} was decided in another order than they were carried: {orders}"
        compared += len(orders)
        people += len(orders) > 1
    return compared, people


async def _carried(policy: KafkaPolicy) -> Mapping[str, list[str]]:
    """The records that decisions of the topic's parts would have, by person, in the order in which each came first."""
    consumer = AIOKafkaConsumer(**policy.client_options(), enable_auto_commit=False)
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition(policy.matched, shard) for shard in range(SHARDS)])
    await consumer.stop()
    found: dict[str, dict[str, None]] = {}
    for lane, end in ends.items():
        for message in await fetched(policy, lane.topic, lane.partition, 0, end) if end else ():
            for raw in msgspec.json.decode(message.value, type=list[msgspec.Raw]):
                part = codec.decode_matched(bytes(raw))
                record = digest("archived", part.event.event_id, part.part)
                found.setdefault(part.listener, {}).setdefault(record)
    return {person: list(records) for person, records in found.items()}


def _in_files(folder: Path) -> Mapping[str, int]:
    """From the folders of all workers: whoever led wrote."""
    files = [
        str(file) for archive in folder.glob("*/archive") for file in ParquetArchive(archive).files(Table.DECISIONS)
    ]
    return _by_record(duckdb.sql(f"select record_id, seq from read_parquet({files})").fetchall()) if files else {}


async def _in_store(region: Region) -> Mapping[str, int]:
    rows: list[tuple[str, int]] = []
    async with region.store() as client:
        for shard in range(SHARDS):
            entries: Any = await client.xrange(keys.archive(shard))
            for _, fields in entries:
                if b"m" in fields:
                    record = codec.decode_archived(fields[b"m"])
                    rows.append((record.record_id, record.order))
    return _by_record(rows)


def _by_record(rows: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """The place of each decision; of one that was made again after it was taken back, the first."""
    found: dict[str, int] = {}
    for record, order in rows:
        found[record] = min(order, found.get(record, order))
    return found
