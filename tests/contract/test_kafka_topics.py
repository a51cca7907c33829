"""Topics on a real broker: made where missing, left alone where right, refused in words where they would lose data."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from domain.errors import ConfigError, StoreUnavailable
from streams.kafka_policy import KafkaPolicy
from streams.kafka_topics import ensure_topics, specs
from tests.kafka.broker import Cluster
from tests.kafka.server import policy_on

pytestmark = pytest.mark.server


async def test_what_is_missing_is_made_once(kafka: Cluster) -> None:
    policy = policy_on(kafka)
    made = await ensure_topics(policy)
    assert set(made) == {spec.name for spec in specs(policy)}
    assert await ensure_topics(policy) == ()


@pytest.mark.parametrize(
    ("partitions", "settings", "words"),
    [
        (8, {}, "matched has 8 partitions; it needs exactly 16"),
        (16, {"cleanup.policy": "compact"}, "compaction would drop events"),
        (16, {"unclean.leader.election.enable": "true"}, "allows unclean leaders"),
        (16, {"retention.ms": "3600000"}, "keeps messages 1.0 h; 72 h needed"),
    ],
    ids=["partitions", "compacted", "unclean", "short"],
)
async def test_a_topic_that_would_lose_data_is_refused_in_words(
    kafka: Cluster, partitions: int, settings: dict[str, str], words: str
) -> None:
    policy = policy_on(kafka)
    await _make(policy, policy.matched, partitions, settings)
    with pytest.raises(ConfigError, match=words):
        await ensure_topics(policy)


async def test_all_faults_are_told_at_once(kafka: Cluster) -> None:
    policy = policy_on(kafka)
    await _make(policy, policy.matched, 3, {"cleanup.policy": "compact"})
    await _make(policy, policy.events, 1, {})
    with pytest.raises(ConfigError) as refused:
        await ensure_topics(policy)
    assert str(refused.value).count("\n- ") == 3


async def test_no_broker_is_a_store_that_does_not_answer() -> None:
    with pytest.raises(StoreUnavailable):
        await ensure_topics(KafkaPolicy(bootstrap="127.0.0.1:1"))


async def _make(policy: KafkaPolicy, name: str, partitions: int, settings: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(**policy.client_options())
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
    await admin.close()
