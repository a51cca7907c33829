"""The decide hop of engine B on the store: as on one machine, but its messages come from Kafka."""

import asyncio
from datetime import timedelta

from streams.ports import MatchedEntry
from streams.valkey_decide import ValkeyDecide


class KafkaDecide(ValkeyDecide):
    """DecideLog whose matched messages are given by the agents (streams.kafka_work)."""

    async def read_matched(self, limit: int, wait: timedelta) -> list[MatchedEntry]:  # noqa: ARG002 - the port's
        """Nothing, after `wait`."""
        await asyncio.sleep(wait.total_seconds())
        return []
