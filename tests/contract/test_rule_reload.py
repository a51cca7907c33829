"""Rules published ten times a second while events come in: each event is decided by exactly one version that was live.

Between good versions some are refused, and some are broken in the store once they are live: none of them ever acts,
and no event is left without its answer.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from domain.attributes import Intent
from domain.clock import SystemClock
from domain.errors import NotAllowed
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind
from service.metrics import Metrics
from service.rulebook import ensure_book
from service.runtime import Parts, Service
from service.settings import Settings
from service.wiring import policies_of
from tests.trials import record, trials
from tests.unit.streams.play import ed, member
from tests.unit.triggers.book import ANNA, BEN, TEST, contents, forecast, text
from triggers.evaluate import evaluate
from triggers.lifecycle_contents import rules_of
from triggers.lifecycle_desk import RuleRefused
from triggers.lifecycle_values import RuleText
from triggers.valkey import VERSIONS

pytestmark = pytest.mark.server

SECONDS = trials(120)
EVERY = 0.1
"""Seconds from one publication to the next."""
BATCH = 10
"""Events handed in at once, ten times a second."""
BEHIND = timedelta(seconds=1 if trials(100) == 100 else 5)
"""How long a worker may still decide by the version before: a second, more where the machine is not ours alone."""


@dataclass
class House:
    """A service on a real store, and what was published on it when."""

    service: Service
    valkey: Redis
    published: list[tuple[int, datetime, datetime]] = field(default_factory=list)  # asked, and done
    broken: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    given: dict[MemberId, Event] = field(default_factory=dict)

    async def publish(self, turn: int) -> None:
        """The next version, the whole way; every ninth is broken in the store, every fifth is asked for too early.

        After a broken one nothing can be made on top of it: it is rolled back.
        """
        desk = self.service.rule_keeping.desk
        last = self.published[-1][0]
        if last in self.broken:
            with pytest.raises(NotAllowed, match="roll it back"):
                await desk.submit(said(turn), f"turn {turn}", ANNA)
            asked = self.service.clock.now()
            before = await desk.roll_back(last, BEN, "it is broken")
            self.published.append((before.number, asked, self.service.clock.now()))
            return
        draft = await desk.submit(said(turn), f"turn {turn}", ANNA, tests=(RuleText("t", TEST),))
        number = draft.number
        if turn % 5 == 4:
            with pytest.raises(RuleRefused):
                await desk.publish(number, BEN)
            self.refused.add(number)
            return
        now = self.service.clock.now()
        await desk.backtest(number, forecast(draft.digest, now, firings=turn), ANNA)
        await desk.approve(number, BEN)
        if turn % 9 == 8:
            await self.valkey.hset(VERSIONS, str(number), b"torn")
            self.broken.add(number)
        asked = self.service.clock.now()
        await desk.publish(number, ANNA)
        self.published.append((number, asked, self.service.clock.now()))

    async def give(self, start: int) -> None:
        now = self.service.clock.now()
        events = [visit(f"M{place}", now) for place in range(start, start + BATCH)]
        self.given |= {MemberId(f"M{place}"): event for place, event in enumerate(events, start)}
        await self.service.intake.submit([(event, b"") for event in events])


def said(turn: int) -> str:
    """The rules of one turn: another version, another headline, now P1 and now P2."""
    written = text(turn, why=f"Turn {turn} of the trial.")
    return written.replace("P2", "P1") if turn % 2 else written


def visit(name: str, now: datetime) -> Event:
    told = ed(Kind.ED_ARRIVAL, name, visit=f"V{name}", intent=Intent.ASSAULT)
    return replace(told, occurred_at=now, received_at=now)


async def paced(seconds: float, turn_of: object, *, every: float = EVERY) -> int:
    """Call `turn_of(number)` every so many seconds; how often it was."""
    loop = asyncio.get_running_loop()
    start, turn = loop.time(), 0
    while loop.time() - start < seconds:
        turn += 1
        await turn_of(turn)  # type: ignore[operator]
        await asyncio.sleep(max(0.0, start + turn * every - loop.time()))
    return turn


async def test_each_event_is_decided_by_exactly_one_version_that_was_live(valkey: Redis, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    clock = SystemClock()
    service = Service(valkey, policies_of(settings), {}, clock=clock, metrics=Metrics(), parts=Parts(listeners=False))
    house = House(service, valkey)
    await ensure_book(service.rule_keeping.store, clock.now(), shipped=contents(1))
    house.published.append((1, clock.now(), clock.now()))
    most = int(SECONDS / EVERY) * BATCH
    await service.cohort_store.put_members(
        [member(f"M{place}") for place in range(most)], replace=True, now=clock.now()
    )
    await service.start()
    try:
        turns, _ = await asyncio.gather(
            paced(SECONDS, lambda turn: house.publish(turn + 1)),
            paced(SECONDS - 1, lambda turn: house.give((turn - 1) * BATCH)),
        )
        async with asyncio.timeout(300):  # what piled up on a busy machine
            await quiet(service)
        await check(house)
    finally:
        await service.stop()
    record("rule sets published under load", len(house.published), f"{len(house.given)} events, {turns} turns")


async def quiet(service: Service) -> None:
    """Until nothing is in flight."""
    while (await service.transport.counts()).in_flight:  # noqa: ASYNC110 - the store is asked, nobody tells us
        await asyncio.sleep(0.05)


async def check(house: House) -> None:
    """Every event has its one firing, by a version that was in force when it was decided, as that version says."""
    service = house.service
    assert len(house.published) > SECONDS  # ten a second where the machine is ours; what came of it is recorded
    assert house.broken
    assert house.refused
    good = [each for each in house.published if each[0] not in house.broken]
    ends = [*(done for _, _, done in good[1:]), house.service.clock.now()]
    live = [(number, asked, until + BEHIND) for (number, asked, _), until in zip(good, ends, strict=True)]
    rules = {}
    alerts = await service.alerts.of_members(house.given)
    decided_by = set()
    for name in house.given:
        (alert,) = alerts[name]
        (told,) = alert.triggers
        number = int(told.trigger.rule_set.removeprefix("rules@"))
        decided_by.add(number)
        spans = [(since, until) for one, since, until in live if one == number]
        assert spans, f"version {number} was refused or broken, and acted"
        assert any(since <= told.added_at <= until for since, until in spans), "decided by a version that was not live"
        if number not in rules:
            version = await service.rule_keeping.store.version(number)
            assert version is not None
            rules[number] = rules_of(version.contents, version=number)
        history = (await service.decisions.person(name)).history
        person = service.cohort.index.member(name)
        assert person is not None
        (pure,) = [verdict.trigger for verdict in evaluate(rules[number], person, history) if verdict.fired]
        assert replace(told.trigger, rule_set="") == pure, "not what that version says"
    assert len(decided_by) > SECONDS / 2, "the versions really changed under the events"
    counts = await service.transport.counts()
    assert counts.balanced
    assert sum(counts.accepted.values()) == len(house.given)
