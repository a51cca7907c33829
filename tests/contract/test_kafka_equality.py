"""One corpus through both engines in the same order: the same alerts, the same ids, the same dispositions.

The embedded engine plays it on a real Valkey, engine B through a real Kafka with many events under way at once. Half of
the way people join, change and leave and other rules are published. Equal are: every alert as a whole (its id,
rules, members, moments, priority, what was withdrawn), how each event ended, and the books. 2,000 events under `make
test` (about 50 s), 50,000 at full (about 25 minutes).

Events of one group of linked people are given one at a time. Where several are under way together, the shards of two
people may be decided in either order: what one of them hands over (a visit under a mistaken name) comes before or after
what the other hears directly, and so does or does not join the same alert. The second test gives everything at once and
compares what does not depend on that: which firings stand.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.model import Alert
from domain.events import Event
from domain.ids import MemberId
from domain.people import CohortMember, MemberStatus
from streams.kafka_policy import KafkaPolicy
from streams.server import connect
from tests.kafka.corpus import A_WHILE, Given, corpus, people, waves
from tests.kafka.stage import KafkaPlay, stage_on
from tests.trials import record, trials
from tests.unit.streams.play import Play, valkey_twin
from triggers.loading import SHIPPED, shipped_rules
from triggers.rules import combined

pytestmark = pytest.mark.server

_FULL, _FEW = 50_000, 2_000
_WAVE = 1_000
_SEED = 20_261


def _groups(given: Sequence[Given]) -> int:
    return 1 + max(each.group for each in given)


async def _played(play: Play, given: Sequence[Given], parts: Sequence[Sequence[Event]]) -> None:
    """The corpus, with other people and other rules from the middle on."""
    await play.prepare()
    await play.keep_time()
    for number, part in enumerate(parts):
        if number == len(parts) // 2:
            _change(play, _groups(given))
        await play.until(max(play.clock.now(), *(each.received_at for each in part)))
        for start in range(0, len(part), 100):
            await play.accept(*part[start : start + 100])
        await play.run()
    await play.until(play.clock.now() + A_WHILE)
    await play.run()


def _change(play: Play, groups: int) -> None:
    """A tenth of the groups change: one leaves, one's status changes, one is new in the home; and as many groups that
    nobody watched are watched from now on. And other rules."""
    changed: list[CohortMember] = []
    gone: list[str] = []
    for group in range(0, groups, 10):
        one, two, _, four = people(group)
        changed.append(replace(two, status=MemberStatus.VISIT_DUE))
        changed.append(replace(four, member_id=MemberId(f"G{group}M5"), household_id=one.household_id))
        changed += people(group + 3)
        gone.append(four.member_id)
    play.change(*changed, without=gone)
    play.use(rules=combined(shipped_rules(name) for name in SHIPPED), rules_mark="rules@2")


def _everybody(groups: int) -> list[CohortMember]:
    return [one for group in range(groups) if group % 5 < 2 for one in people(group)]  # most events are about others


async def _endings(play: Play, given: Sequence[Given]) -> dict[str, str]:
    found = {}
    for each in given:
        found[each.event.event_id] = str(await play.twin.transport.disposition(each.event.event_id))
    return found


def _alerts_differ(one: Sequence[Alert], other: Sequence[Alert]) -> list[str]:
    left, right = ({alert.alert_id: alert for alert in alerts} for alerts in (one, other))
    wrong = [f"only in one: {name}" for name in left.keys() ^ right.keys()]
    return wrong + [f"differs: {name}" for name in left.keys() & right.keys() if left[name] != right[name]]


def _through_kafka(lanes: KafkaPolicy, socket: Path, given: Sequence[Given], parts: Sequence[Sequence[Event]]) -> Any:
    async def play_it() -> Any:
        client = connect(socket)
        await client.flushall()
        async with stage_on(client, lanes) as stage:
            play = KafkaPlay(stage, _everybody(_groups(given)))
            await _played(play, given, parts)
            found = await play.alerts(*play.everybody), await _endings(play, given), await play.twin.transport.counts()
        await client.aclose()
        return found

    return asyncio.run(play_it())


def _embedded(socket: Path, given: Sequence[Given], parts: Sequence[Sequence[Event]]) -> Any:
    async def play_it() -> Any:
        client = connect(socket)
        await client.flushall()
        play = Play(_everybody(_groups(given)), valkey_twin(client))
        await _played(play, given, parts)
        found = await play.alerts(*play.everybody), await _endings(play, given), await play.twin.transport.counts()
        await client.aclose()
        return found

    return asyncio.run(play_it())


def _count() -> int:
    return _FULL if trials(_FULL) == _FULL else _FEW


def test_a_corpus_gives_the_same_on_both_engines(lanes: KafkaPolicy, valkey_socket: Path) -> None:
    given = corpus(_count(), _SEED)
    parts = list(waves(given, _WAVE))
    alerts, endings, books = _through_kafka(lanes, valkey_socket, given, parts)
    alerts_here, endings_here, books_here = _embedded(valkey_socket, given, parts)
    assert alerts_here
    assert [name for name, ending in endings_here.items() if endings[name] != ending] == []
    assert _alerts_differ(alerts_here, alerts) == []
    assert (books.accepted, books.disposed, books.in_flight) == (books_here.accepted, books_here.disposed, 0)
    assert books.duplicate == books_here.duplicate
    record("events on both engines", len(given), f"{len(alerts)} alerts")


def _standing(alerts: Sequence[Alert]) -> list[Any]:
    live = [firing for alert in alerts if alert.merged_into is None for firing in alert.live]
    return sorted((one.firing_id, one.member_id, one.rule_id, one.fired_at, one.priority.value) for one in live)


def test_with_everything_under_way_at_once_the_same_firings_stand(lanes: KafkaPolicy, valkey_socket: Path) -> None:
    given = corpus(_count() // 5, _SEED + 1)
    events = [each.event for each in given]
    parts = [events[start : start + 250] for start in range(0, len(events), 250)]
    alerts, endings, books = _through_kafka(lanes, valkey_socket, given, parts)
    alerts_here, endings_here, books_here = _embedded(valkey_socket, given, parts)
    assert _standing(alerts) == _standing(alerts_here)
    assert endings.keys() == endings_here.keys()
    assert (books.accepted, books.in_flight) == (books_here.accepted, 0)
