"""The run's Kafka: one broker, started when the first test asks for it; each test has topics of its own by a prefix."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

from streams.kafka_policy import KafkaPolicy
from streams.kafka_topics import ensure_topics
from tests.kafka.broker import Cluster, discard, started


@pytest.fixture(scope="session")
def kafka() -> Iterator[Cluster]:
    """A real broker."""
    cluster = started()
    yield cluster
    discard(cluster)


def policy_on(cluster: Cluster, *, partitions: int = 4) -> KafkaPolicy:
    """Names of their own on a cluster, quick to notice a death."""
    copies = min(3, cluster.size)
    return KafkaPolicy(
        bootstrap=cluster.bootstrap,
        prefix=f"t{uuid.uuid4().hex[:8]}",
        partitions=partitions,
        copies=copies,
        copies_in_sync=max(1, copies - 1),
        session=timedelta(seconds=6),
    )


@pytest.fixture
def lanes(kafka: Cluster) -> KafkaPolicy:
    """A policy whose topics stand."""
    policy = policy_on(kafka)
    asyncio.run(ensure_topics(policy))
    return policy
