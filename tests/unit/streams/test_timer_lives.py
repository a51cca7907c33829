"""Random lives with timers that lag, restart and race: what stands in the end is what the rules say of the whole life.

The expectation is the pure evaluator on the whole stored history at the last moment; how time was kept on the way there
must leave no trace.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from domain.events import Event
from domain.kinds import Kind
from domain.people import MemberStatus
from streams.bequeathing import effective
from streams.decide import A_MOMENT
from streams.timers import TimerPolicy, Timers
from tests.trials import record, trials
from tests.unit.streams.lives import COHORT, Chapter, chapters, told
from tests.unit.streams.play import START, Play, event, hours, memory_twin, minutes, valkey_twin
from triggers.evaluate import evaluate
from triggers.loading import shipped_rules
from triggers.rules import combined

EVERYTHING = combined([shipped_rules("tipt"), shipped_rules("programme")])
PEOPLE = tuple(
    replace(each, status=status)
    for each, status in zip(
        COHORT,
        (MemberStatus.REFERRED, MemberStatus.NON_ENGAGER, MemberStatus.DISENGAGED, MemberStatus.ACTIVE),
        strict=True,
    )
)
"""Among them, all waits that there are."""
DAY = timedelta(days=1)
_LATE = (0, 0, 0, 0, 5 / 60, 3, 30, 60)
_WAITED_FOR = (
    (Kind.REFERRAL_RECEIVED, {}),
    (Kind.VISIT_MADE, {}),
    (Kind.TRIAGE_DONE, {"review_date": START + 3 * DAY}),
    (Kind.CALLBACK_REQUESTED, {}),
    (Kind.CALLBACK_MADE, {}),
    (Kind.REVIEW_DONE, {"review_date": START + 20 * DAY}),
    (Kind.STATUS_CHANGED, {"status": "non_engager"}),
    (Kind.STATUS_CHANGED, {"status": "at_risk"}),
    (Kind.STATUS_CHANGED, {"status": "closed"}),
    (Kind.WATCH_ENDED, {}),
    (Kind.APPOINTMENT_MISSED, {}),
)


@dataclass(frozen=True)
class Keeping:
    """How time is kept: the dice for when timers ring, who dies and what is batched."""

    dice: int
    lazy: float  # how often nobody looks at the timers
    deadly: float  # how often the worker dies between two events


KEEPINGS = st.builds(
    Keeping, dice=st.integers(0, 2**16), lazy=st.sampled_from((0.0, 0.5, 0.95, 1.0)), deadly=st.sampled_from((0.0, 0.3))
)


def lived(life: list[Chapter], dice: int) -> list[Event]:
    """A life with programme events in between, in order of arrival."""
    rng = Random(dice)
    found = told(life)
    for number in range(rng.randrange(0, 9)):
        kind, said = rng.choice(_WAITED_FOR)
        at = minutes(rng.choice((15, 60, 240)) * rng.randrange(0, 200))
        found.append(
            event(
                kind,
                f"M{rng.randint(1, 4)}",
                at=at,
                received=at + hours(rng.choice(_LATE)),
                key=f"P{number}",
                attributes=said,
            )
        )
    return sorted(found, key=lambda each: (each.received_at, each.event_id))


async def played(events: list[Event], keeping: Keeping, client: Redis | None = None) -> Play:
    """The life through both hops; some time goes on after the last event."""
    rng = Random(keeping.dice)
    play = await Play(PEOPLE, valkey_twin(client) if client else None, rules=EVERYTHING).prepare()
    await play.keep_time()
    left = list(events)
    while left:
        size = rng.choice((1, 1, 1, 2, 5))
        part, left = left[:size], left[size:]
        if rng.random() >= keeping.lazy:
            await play.until(max(play.clock.now(), part[0].received_at - A_MOMENT))
        await play.accept(*part)
        if rng.random() < 0.3:
            await play.recogniser.run_once(timedelta(0))
            await play.timers.run_once()  # in the middle of it: events under way hold it back
        if rng.random() < keeping.deadly:
            play.connect(valkey_twin(client) if client else memory_twin(play.twin.server))  # type: ignore[arg-type]
        await play.run()
        if rng.random() >= keeping.lazy:
            await asyncio.gather(play.timers.run_once(), _zombie(play).run_once())
    for span in (hours(3), 4 * DAY, 100 * DAY, 400 * DAY):
        await play.until(play.clock.now() + span)
    return play


def _zombie(play: Play) -> Timers:
    """A second worker's timers, on the same store."""
    policy = TimerPolicy(grace=timedelta(0))
    return Timers(play.twin.timers, lambda: play.index, play.current_world, play.clock, policy=policy)


async def stands_as_said(play: Play) -> int:
    """What stands for each person is what the rules say of their whole history by now. Returns how much that is."""
    number = 0
    for member in PEOPLE:
        state = await play.twin.decisions.person(member.member_id)  # type: ignore[attr-defined]
        verdicts = evaluate(EVERYTHING, member, effective(state.history), play.clock.now())
        said = {one.firing_id: (one.rule_id, one.fired_at, one.priority) for one in verdicts if one.fired}
        standing = await play.standing(member.member_id)
        assert {one.firing_id: (one.rule_id, one.fired_at, one.priority) for one in standing} == said
        assert len(standing) == len({one.firing_id for one in standing}), "nothing stands twice"
        number += sum(one.due for one in verdicts if one.fired)
        person = await play.twin.timers.load_person(member.member_id)
        assert person.due is None or person.due > play.clock.now(), "nothing overdue is left"
    return number


_seen: list[int] = []


@given(chapters(), st.integers(0, 2**16), KEEPINGS)
def test_however_time_was_kept_the_same_stands(life: list[Chapter], dice: int, keeping: Keeping) -> None:
    async def run() -> int:
        return await stands_as_said(await played(lived(life, dice), keeping))

    _seen.append(asyncio.run(run()))


def test_waits_were_among_them() -> None:
    """The law above would hold of lives in which nobody waits for anything."""
    assert sum(_seen) > len(_seen) / 2
    record("random lives whose waits end the same however time was kept", len(_seen), f"{sum(_seen)} firings of waits")


async def test_on_a_real_valkey_too(valkey: Redis) -> None:
    rng = Random(20260302)
    number = 0
    for _ in range(trials(100)):
        await valkey.flushall()
        life = [
            Chapter(rng.choice(("visit", "crime", "custody", "missing", "merge")), rng.randint(1, 4), rng.randint(1, 4),
                    rng.randint(0, 40), rng.randrange(2**16))
            for _ in range(rng.randint(1, 4))
        ]  # fmt: skip
        keeping = Keeping(rng.randrange(2**16), rng.choice((0.0, 0.5, 1.0)), 0.3)
        number += await stands_as_said(await played(lived(life, rng.randrange(2**16)), keeping, valkey))
    assert number
