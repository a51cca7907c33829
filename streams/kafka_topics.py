"""The topics: made where they are missing, checked where they are there. A topic that would lose data is refused."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from domain.errors import ConfigError, StoreUnavailable
from domain.kinds import Feed
from streams.kafka_policy import KafkaPolicy

_LOOKS = 100
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it must be. `partitions` exact where `fixed`, else at least."""

    name: str
    partitions: int
    retention_ms: int
    fixed: bool = False


def specs(policy: KafkaPolicy) -> tuple[TopicSpec, ...]:
    """Every topic of ours."""
    kept = int(policy.retention.total_seconds() * 1000)
    told = int(policy.alerts_retention.total_seconds() * 1000)
    feeds = tuple(TopicSpec(policy.feed(feed), policy.partitions, kept) for feed in Feed)
    return (
        TopicSpec(policy.events, policy.partitions, kept),
        TopicSpec(policy.matched, policy.shards, kept, fixed=True),
        TopicSpec(policy.alerts, policy.shards, told),
        TopicSpec(policy.quarantine, 1, told),
        *feeds,
    )


async def ensure_topics(policy: KafkaPolicy) -> tuple[str, ...]:
    """Make the missing topics and check the others. Returns the names of those made.

    Raises ConfigError with every fault in words, StoreUnavailable where no broker answers.
    """
    admin = AIOKafkaAdminClient(**policy.client_options())
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [spec for spec in specs(policy) if spec.name not in there]
        made = await _make(admin, missing, policy)
        others = [spec for spec in specs(policy) if spec.name not in made]
        known = await _described(admin, [spec.name for spec in specs(policy)])
        faults = [fault for spec in others for fault in _shape(spec, known[spec.name], policy)]
        configs = await _configs(admin, [spec.name for spec in others])
        faults += [fault for spec in others for fault in _settings(spec, configs[spec.name], policy)]
    except KafkaError as error:
        raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error
    finally:
        await admin.close()
    if faults:
        raise ConfigError("Kafka's topics are not as they must be:\n" + "\n".join(f"- {fault}" for fault in faults))
    return made


async def _make(admin: AIOKafkaAdminClient, missing: list[TopicSpec], policy: KafkaPolicy) -> tuple[str, ...]:
    """Make topics; the names of those that were really missing."""
    if not missing:
        return ()
    wanted = [
        NewTopic(
            spec.name,
            spec.partitions,
            policy.copies,
            topic_configs={
                "cleanup.policy": "delete",
                "retention.ms": str(spec.retention_ms),
                "min.insync.replicas": str(policy.copies_in_sync),
                "unclean.leader.election.enable": "false",
                "message.timestamp.type": "LogAppendTime",
            },
        )
        for spec in missing
    ]
    answer = await admin.create_topics(wanted)
    made = []
    for name, code, *said in answer.topic_errors:
        error = for_code(code)
        if not code:
            made.append(name)
        elif error is not TopicAlreadyExistsError:  # another worker may have been faster
            words = said[0] if said and said[0] else error.__name__
            raise ConfigError(f"Kafka would not make the topic {name}: {words}")
    return tuple(made)


async def _described(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, Any]]:
    """Every topic as the brokers know it; what was made a moment ago takes them one to know."""
    for _ in range(_LOOKS):
        found = {topic["topic"]: topic for topic in await admin.describe_topics(names)}
        if all(not found[name]["error_code"] and found[name]["partitions"] for name in names):
            return found
        await asyncio.sleep(_PAUSE_S)
    raise StoreUnavailable("Kafka does not show topics that it has; try again.")


def _shape(spec: TopicSpec, found: Mapping[str, Any], policy: KafkaPolicy) -> list[str]:
    faults = []
    partitions = found["partitions"]
    if len(partitions) < spec.partitions or (spec.fixed and len(partitions) != spec.partitions):
        exactly = "exactly" if spec.fixed else "at least"
        faults.append(f"{spec.name} has {len(partitions)} partitions; it needs {exactly} {spec.partitions}")
    copies = min((len(each["replicas"]) for each in partitions), default=0)
    if copies < policy.copies:
        faults.append(f"{spec.name} is kept {copies} times; the setting asks for {policy.copies} copies")
    return faults


def _settings(spec: TopicSpec, found: Mapping[str, str], policy: KafkaPolicy) -> list[str]:
    faults = []
    if found.get("cleanup.policy") != "delete":
        faults.append(f"{spec.name} has cleanup.policy {found.get('cleanup.policy')}; compaction would drop events")
    if found.get("unclean.leader.election.enable") == "true":
        faults.append(f"{spec.name} allows unclean leaders, which lose what was acknowledged")
    if int(found.get("min.insync.replicas", "1")) < policy.copies_in_sync:
        faults.append(f"{spec.name} acknowledges with fewer than {policy.copies_in_sync} copies in sync")
    kept = int(found.get("retention.ms", "-1"))
    if 0 <= kept < spec.retention_ms:
        faults.append(
            f"{spec.name} keeps messages {kept / 3_600_000:.1f} h; {spec.retention_ms / 3_600_000:.0f} h needed"
        )
    return faults


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for _, _, _, name, entries, *_ in answer.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
