"""Two workers of engine B recognise at the same moment what bears on each other: whatever the order of their steps,
nobody is missed.

Their steps (each what they read, and what they write) are let go one at a time by a schedule, and every schedule is played (under `make test` some of them, drawn
at random: about 35 s). What comes of it must be what comes of one of the two orders without any race. An event and what
amends it lie in different partitions here: a merge of hospital records, a record taken back by its id or its source's
key, a person unlinked. Without the check of what recognition rested on the same schedules miss somebody.

Which of the two events ends as `alert` may differ: whoever comes second brings what the first could not say alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from cohort.policy import MatchPolicy
from domain.errors import StoreError
from domain.events import Event
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from streams.embedded import Observers, Recogniser
from streams.kafka_books import NOWHERE, Entering, KafkaBooks
from streams.kafka_intake import message_of
from streams.kafka_lookback import ManyWorkers
from streams.kafka_policy import KafkaPolicy
from streams.kafka_work import Message, RecogniseWork
from streams.lookback_ports import Page, Progress
from streams.lookback_valkey import ValkeyLookBack
from streams.messages import ParkedAmendment
from streams.ports import LogEntry, Recognised
from streams.remembering import Said
from streams.valkey import PARKED_PER_KEY
from tests.trials import record, trials
from tests.unit.streams.lives import COHORT
from tests.unit.streams.looking_back import Looking, visit, watched
from tests.unit.streams.play import NO_WAIT, Play, Twin, ed, event, minutes, valkey_twin

pytestmark = pytest.mark.server

_POLICY = KafkaPolicy(bootstrap="no broker takes part")
_ALL = 3000
_STAB: dict[str, Any] = {"intent": "assault", "mechanism": "sharp"}


class Turns:
    """Lets one step of one worker go at a time; `choices` says which; where it says nothing more it is the
    first, or in turn where it is to be `fair`."""

    def __init__(self, choices: Sequence[int], *, fair: bool = False) -> None:
        self.choices, self.fair = choices, fair
        self.taken: list[tuple[int, int]] = []  # what was chosen, of how many
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._moved = asyncio.Event()

    async def step(self, who: int) -> None:
        """Wait for our turn."""
        self._waiting[who] = asyncio.get_running_loop().create_future()
        self._moved.set()
        await self._waiting[who]

    async def play(self, workers: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """All workers to their ends."""
        tasks = [asyncio.ensure_future(worker()) for worker in workers]
        for task in tasks:
            task.add_done_callback(lambda _: self._moved.set())
        while not all(task.done() for task in tasks):
            if len(self._waiting) < sum(not task.done() for task in tasks):
                self._moved.clear()
                await self._moved.wait()
                continue
            able = sorted(self._waiting)
            self._waiting.pop(able[self._choice(len(able))]).set_result(None)
        for task in tasks:
            task.result()

    def _choice(self, able: int) -> int:
        if able == 1:
            return 0
        place = len(self.taken)
        chosen = self.choices[place] if place < len(self.choices) else place % able if self.fair else 0
        self.taken.append((chosen, able))
        return chosen


class SteppedBooks(KafkaBooks):
    """Books whose every step waits for its turn; what is remembered is a step before what is checked."""

    def __init__(self, client: Redis, turns: Turns, who: int) -> None:
        super().__init__(client)
        self._turns, self._who = turns, who

    async def register(self, entering: Sequence[Entering], *, now: datetime) -> list[int]:
        """See KafkaBooks."""
        await self._turns.step(self._who)
        return await super().register(entering, now=now)

    async def recall(self, names: Sequence[str], mentions: Sequence[str]) -> tuple[list[frozenset[str]], list[Said]]:
        """See RecogniseLog."""
        await self._turns.step(self._who)
        return await super().recall(names, mentions)

    async def parked(self, names: Sequence[str]) -> list[list[ParkedAmendment]]:
        """See RecogniseLog."""
        if names:
            await self._turns.step(self._who)
        return await super().parked(names)

    async def forward(self, results: Sequence[Recognised]) -> None:
        """See RecogniseLog."""
        await self._turns.step(self._who)
        await super().forward(results)


class Careless(SteppedBooks):
    """Books that check nothing: how it would be without the guard."""

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]], version: int) -> None:
        """Nothing is asked."""


@dataclass(frozen=True, slots=True)
class Race:
    """What was before, and what two workers are given at the same moment."""

    name: str
    first: Event
    second: Event
    before: tuple[Event, ...] = ()
    missable: bool = True  # whether somebody is missed without the check


def _races() -> list[Race]:
    crime = event(Kind.CRIME_RECORDED, ("M1", Role.VICTIM), key="C1", attributes={"ho_code": "8N", "weapon": "knife"})
    search = event(Kind.STOPSEARCH_RECORDED, "M1", key="S1", attributes={"found": ("knife",)})
    arrival = ed(Kind.ED_ARRIVAL, "M1", visit="V1", patient_key="OLD", **_STAB)
    merge = ed(Kind.ED_MERGED, "M2", visit="", at=minutes(5), patient_key="NEW", merged_patient_key="OLD", key="A40")

    def taken_back(what: Event, *, by_id: bool, kind: Kind = Kind.RECORD_RETRACTED, version: int = 1) -> Event:
        return event(
            kind,
            version=str(version),
            at=minutes(5),
            key=f"{what.source_key}-back" if by_id else what.source_key,
            feed=what.feed,
            system=what.source_system,
            retracts=EventId(what.event_id) if by_id else None,
        )

    return [
        Race("a visit, and the merge of its patient's record into another's", arrival, merge),
        Race("a record, and its retraction by its id", crime, taken_back(crime, by_id=True)),
        Race("a record, and its retraction by the source's key", search, taken_back(search, by_id=False)),
        Race(
            "a record, and a person unlinked from it",
            crime,
            taken_back(crime, by_id=True, kind=Kind.PERSON_UNLINKED),
        ),
        Race(
            "a record, and its retraction where as many wait as are kept",
            search,
            taken_back(search, by_id=False, version=PARKED_PER_KEY + 1),
            before=tuple(taken_back(search, by_id=False, version=number) for number in range(1, PARKED_PER_KEY + 1)),
        ),
        Race(
            "a word on a visit that brings the patient's record, and the merge of that record",
            ed(Kind.ED_UPDATED, visit="V1", at=minutes(2), patient_key="OLD", mechanism="sharp"),
            merge,
            before=(ed(Kind.ED_ARRIVAL, "M1", visit="V1", **_STAB),),
            missable=False,
        ),
        Race(
            "two merges of a chain",
            merge,
            ed(
                Kind.ED_MERGED, "M3", visit="", at=minutes(6), patient_key="NEWER", merged_patient_key="NEW", key="A40b"
            ),
            before=(arrival,),
            missable=False,
        ),
    ]


@dataclass(slots=True)
class Outcome:
    """What came of a race."""

    standing: list[tuple[str, str, datetime, str]]
    heard: list[tuple[str, str]]  # who was told of which event


@dataclass(slots=True)
class Ring:
    """A store on which two workers meet."""

    client: Redis
    books: type[SteppedBooks] = SteppedBooks
    steps: list[tuple[int, int]] = field(default_factory=list)

    async def raced(self, race: Race, choices: Sequence[int]) -> Outcome:
        """Both at once, by this schedule."""
        turns = Turns(choices)
        play = await self._begun(race)
        works = [self._work(play, self.books(self.client, turns, who)) for who in range(2)]
        both = zip(works, (race.first, race.second), strict=True)
        await turns.play([lambda work=work, one=one: work.handle([_message(one)]) for work, one in both])  # type: ignore[misc]
        self.steps = turns.taken
        return await self._outcome(play, race)

    async def one_by_one(self, race: Race, *, turned: bool) -> Outcome:
        """One after the other."""
        play = await self._begun(race)
        work = self._work(play, KafkaBooks(self.client))
        for one in (race.second, race.first) if turned else (race.first, race.second):
            await work.handle([_message(one)])
        return await self._outcome(play, race)

    async def _begun(self, race: Race) -> Play:
        await self.client.flushall()
        books = KafkaBooks(self.client)
        play = Play(COHORT, Twin(**{**_fields(valkey_twin(self.client)), "transport": books}))
        play.clock.set(race.second.received_at)
        await books.prepare()
        for one in race.before:
            await self._work(play, books).handle([_message(one)])
        return play

    def _work(self, play: Play, books: KafkaBooks) -> RecogniseWork:
        recogniser = Recogniser(books, lambda: play.index, MatchPolicy(), play.clock, Observers())
        return RecogniseWork(books, recogniser, _POLICY, play.clock, _no_feed)

    async def _outcome(self, play: Play, race: Race) -> Outcome:
        while await play.decider.run_once(NO_WAIT):
            pass
        counts = await play.twin.transport.counts()
        assert counts.balanced
        assert counts.in_flight == 0
        firings = [(one.member_id, one.rule_id, one.fired_at, one.priority.value) for one in await play.standing()]
        parts = [name.decode().split(":part:") for name in await self.client.keys("*:part:*")]
        told = sorted({(rest.split("|")[0], rest.split("|")[1]) for _, rest in parts})
        for one in (race.first, race.second):
            await play.ended(one)
        return Outcome(sorted(firings), told)


def _fields(twin: Twin) -> dict[str, Any]:
    return {name: getattr(twin, name) for name in Twin.__slots__}


def _message(one: Event) -> Message:
    return Message("reachpoint.events", partition=_lane(one), offset=_lane(one), value=message_of([one]))


def _lane(one: Event) -> int:
    return int(one.event_id[:8], 16)


def _no_feed(feed: Feed, message: Message, at: datetime) -> Sequence[Any]:
    raise AssertionError("no feed takes part")


def _next(taken: Sequence[tuple[int, int]]) -> list[int] | None:
    """The schedule after this one; None after the last."""
    for place in range(len(taken) - 1, -1, -1):
        chosen, able = taken[place]
        if chosen + 1 < able:
            return [one for one, _ in taken[:place]] + [chosen + 1]
    return None


def _drawn(rng: Random) -> Iterator[list[int]]:
    while True:
        yield [rng.randrange(2) for _ in range(24)]


async def _schedules(ring: Ring, race: Race, most: int) -> list[tuple[list[int], Outcome]]:
    """Every schedule and what came of it; so many drawn at random where there are more than `most`."""
    found: list[tuple[list[int], Outcome]] = []
    choices: list[int] | None = []
    while choices is not None and len(found) < most:
        found.append((choices, await ring.raced(race, choices)))
        choices = _next(ring.steps)
    if choices is not None:
        drawn = _drawn(Random(race.name))
        found = [(one, await ring.raced(race, one)) for one, _ in zip(drawn, range(most), strict=False)]
    return found


@pytest.mark.parametrize("race", _races(), ids=lambda race: race.name)
async def test_whatever_the_order_of_their_steps_nobody_is_missed(race: Race, valkey: Redis) -> None:
    ring = Ring(valkey)
    lawful = [await ring.one_by_one(race, turned=turned) for turned in (False, True)]
    found = await _schedules(ring, race, _many())
    record("interleavings of two recognisers", len(found), race.name)
    assert [(choices, one) for choices, one in found if one not in lawful] == []


_UNCHECKED = [race for race in _races() if race.missable]


@pytest.mark.parametrize("race", _UNCHECKED, ids=lambda race: race.name)
async def test_without_the_check_somebody_is_missed(race: Race, valkey: Redis) -> None:
    ring = Ring(valkey, Careless)
    lawful = [await ring.one_by_one(race, turned=turned) for turned in (False, True)]
    for choices in _in_step():
        if await ring.raced(race, choices) not in lawful:
            return
    raise AssertionError("the check is not needed, or this test does not see what it is for")


def _in_step() -> Iterator[list[int]]:
    """Schedules in which both have read before either writes."""
    yield [0, 1] * 12
    yield [1, 0] * 12
    yield [0, 0, 1, 1] * 6
    yield [1, 1, 0, 0] * 6


def _many() -> int:
    """All schedules at full, else a dozen."""
    return _ALL if trials(_ALL) == _ALL else 12


class SteppedLookBack(ValkeyLookBack):
    """Look-back's store whose steps wait for their turn."""

    def __init__(self, client: Redis, turns: Turns, who: int) -> None:
        super().__init__(client, beside=ManyWorkers(client))
        self._turns, self._who = turns, who

    async def page(self, after: str, until: str, limit: int) -> Page:
        """See LookBackLog."""
        await self._turns.step(self._who)
        return await super().page(after, until, limit)

    async def hand_on(self, found: Sequence[Recognised], progress: Progress, now: datetime) -> int:
        """See LookBackLog."""
        await self._turns.step(self._who)
        return await super().hand_on(found, progress, now)


class CarelessLookBack(SteppedLookBack):
    """Look-back that checks nothing."""

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """Nothing is asked."""


class House(Looking):
    """People who joined after an event about them had passed by, on the books of engine B."""

    def __init__(self, client: Redis, turns: Turns, lookback: type[SteppedLookBack] = SteppedLookBack) -> None:
        self.turns = turns
        self.made = lookback
        super().__init__(client=client)

    def _connection(self) -> tuple[Twin, SteppedLookBack]:
        assert self.client is not None
        twin = Twin(**{**_fields(valkey_twin(self.client)), "transport": SteppedBooks(self.client, self.turns, 0)})
        return twin, self.made(self.client, self.turns, 0)

    def work(self, books: KafkaBooks) -> RecogniseWork:
        """A worker beside it."""
        recogniser = Recogniser(books, lambda: self.play.index, MatchPolicy(), self.play.clock, Observers())
        return RecogniseWork(books, recogniser, _POLICY, self.play.clock, _no_feed)


_STABBED = visit(Kind.ED_ARRIVAL, "M3", "V3", **_STAB)
_LATER = {
    "a visit cancelled": visit(Kind.ED_CANCELLED, None, "V3", at=minutes(2)),
    "a record taken back": event(
        Kind.RECORD_RETRACTED,
        at=minutes(2),
        key="back",
        feed=Feed.ED,
        system=_STABBED.source_system,
        retracts=EventId(_STABBED.event_id),
    ),
}


async def _looked_back(client: Redis, later: Event, choices: Sequence[int], made: type[SteppedLookBack]) -> list[str]:
    """Somebody joins whose visit passed by; look-back finds it while a worker recognises what takes it back. Who has
    heard of what takes it back."""
    await client.flushall()
    turns = Turns(choices, fair=True)
    house = House(client, turns, made)
    await turns.play([house.prepare])
    await turns.play([lambda: house.work(SteppedBooks(client, turns, 1)).handle([_message(_STABBED)])])
    await house.join(watched("M3"))
    await turns.play([lambda: house.work(SteppedBooks(client, turns, 1)).handle([_message(later)]), house.pages])
    while await house.play.decider.run_once(NO_WAIT):
        pass
    counts = await house.play.twin.transport.counts()
    assert counts.balanced
    assert counts.in_flight == 0
    found = await client.keys(f"*:part:{later.event_id}|*")
    return sorted(name.decode().split(":part:")[0] for name in found)


@pytest.mark.parametrize("later", _LATER.values(), ids=_LATER)
async def test_look_back_beside_another_workers_recognition_misses_nothing(later: Event, valkey: Redis) -> None:
    rng, told = Random(later.event_id), await _looked_back(valkey, later, [0] * 24, SteppedLookBack)
    assert told
    number = trials(120)
    for _ in range(number):
        choices = [rng.randrange(2) for _ in range(24)]
        assert await _looked_back(valkey, later, choices, SteppedLookBack) == told, choices
    record("interleavings of look-back and a recogniser", number)


async def test_look_back_that_checks_nothing_misses_somebody(valkey: Redis) -> None:
    later, rng = _LATER["a visit cancelled"], Random(3)
    told = await _looked_back(valkey, later, [0] * 24, SteppedLookBack)
    for _ in range(60):
        choices = [rng.randrange(2) for _ in range(24)]
        if await _looked_back(valkey, later, choices, CarelessLookBack) != told:
            return
    raise AssertionError("the check is not needed, or this test does not see what it is for")


async def test_whoever_does_not_know_a_newcomer_yet_is_refused_once_look_back_has_begun(valkey: Redis) -> None:
    house = House(valkey, Turns(()))
    await house.turns.play([house.prepare])
    books, old = KafkaBooks(valkey), house.play.index
    await house.join(watched("M3"))
    await house.turns.play([house.pages])
    behind = Recogniser(books, lambda: old, MatchPolicy(), house.play.clock, Observers())
    await books.register([Entering("events|0", 1, [_STABBED])], now=house.play.clock.now())
    with pytest.raises(StoreError):
        await behind.take([LogEntry(NOWHERE, _STABBED)])
    await house.work(books).handle([_message(_STABBED)])
    while await house.play.decider.run_once(NO_WAIT):
        pass
    assert await house.play.live("M3")
