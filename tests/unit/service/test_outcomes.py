"""What people did about alerts comes into the person's history, once, whatever is repeated, and sets nothing off."""

from datetime import timedelta

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from alerts import lifecycle
from alerts.model import Alert, Outcome
from domain.attributes import ProgrammeAttributes
from domain.ids import AlertId, MemberId, NavigatorId, shard_of
from domain.kinds import Kind
from domain.matches import Relation
from domain.people import CohortMember
from service.outcomes import LOOK_BACK_EVERY, OutcomeFollower, OutcomeMarks, events_of
from service.outcomes_memory import MemoryOutcomeMarks
from service.outcomes_valkey import ValkeyOutcomeMarks
from streams.intake import GroupCommit
from streams.memory_server import MemoryServer
from tests.unit.alerts.build import at, firing, raised
from tests.unit.streams.play import Play, Twin, ed, event, hours, member, memory_twin, minutes, valkey_twin

N1 = NavigatorId("N1")
STABBED = {"intent": "assault", "mechanism": "sharp"}


class Round:
    """A play with a follower beside it, on either twin."""

    def __init__(self, play: Play, marks: OutcomeMarks) -> None:
        self.play = play
        self.marks = marks
        self.intake = GroupCommit(play.twin.transport, play.clock)
        self.begin()

    def begin(self) -> None:
        """A follower as a worker starts with."""
        self.follower = OutcomeFollower(self.play.twin.alerts, self.marks, self.submit, self.play.clock)

    async def submit(self, records: list) -> list:  # type: ignore[type-arg]
        await self.play.accept(*(event for event, _ in records))
        await self.play.run()
        return []

    async def act(self, alert: Alert, *steps: str) -> Alert:
        """A navigator accepts, contacts, closes; a minute apart."""
        for step in steps:
            self.play.clock.advance(minutes(1))
            now = self.play.clock.now()
            after = {
                "accept": lambda alert=alert, now=now: lifecycle.accept(alert, N1, now),
                "contact": lambda alert=alert, now=now: lifecycle.record_contact(alert, N1, now),
                "close": lambda alert=alert, now=now: lifecycle.record_outcome(alert, Outcome.NOT_NEEDED, N1, now),
            }[step]()
            alert = await self.play.twin.alerts.save(after, alert)
        return alert

    async def history(self, who: str = "M1") -> list[tuple[Kind, str]]:
        state = await self.play.twin.decisions.person(MemberId(who))  # type: ignore[attr-defined]
        return [
            (entry.kind, entry.attributes.outcome or "")
            for entry in state.history
            if isinstance(entry.attributes, ProgrammeAttributes)
        ]


@pytest_asyncio.fixture(params=["memory", "valkey"])
async def told(request: pytest.FixtureRequest, valkey: Redis) -> Round:
    people: tuple[CohortMember, ...] = (member("M1"), member("M2", associates=(MemberId("M1"),)))
    play = Play(people)
    marks: OutcomeMarks = MemoryOutcomeMarks()
    if request.param == "valkey":
        twin: Twin = valkey_twin(valkey)
        play, marks = Play(people, twin, clock=play.clock), ValkeyOutcomeMarks(valkey)
    else:
        play = Play(people, memory_twin(MemoryServer(play.clock)), clock=play.clock)
    await play.prepare()
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    return Round(play, marks)


async def test_each_act_is_told_once_and_in_order(told: Round) -> None:
    (alert, *_) = await told.play.alerts("M1")
    assert await told.follower.turn() == 0
    alert = await told.act(alert, "accept", "contact", "contact")
    assert await told.follower.turn() == 3
    alert = await told.act(alert, "close")
    assert await told.follower.turn() == 1
    assert await told.follower.turn() == 0
    assert await told.history() == [
        (Kind.ALERT_ACKNOWLEDGED, ""),
        (Kind.CONTACT_RECORDED, ""),
        (Kind.CONTACT_RECORDED, ""),
        (Kind.ALERT_CLOSED, "not_needed"),
    ]


async def test_a_worker_that_died_in_between_tells_again_and_nothing_changes(told: Round) -> None:
    (alert, *_) = await told.play.alerts("M1")
    await told.act(alert, "accept", "close")
    told.follower = OutcomeFollower(told.play.twin.alerts, MemoryOutcomeMarks(), told.submit, told.play.clock)
    await told.follower.turn()  # told, but the marks are lost with the worker
    before = await told.history()
    told.begin()
    assert await told.follower.turn() == 2
    assert await told.history() == before
    counts = await told.play.twin.transport.counts()
    assert counts.duplicate == {"programme": 2} and not counts.quarantined and counts.balanced


async def test_telling_it_sets_nothing_off(told: Round) -> None:
    (alert, *_) = await told.play.alerts("M1")
    await told.act(alert, "accept", "contact", "close")
    before = {each.alert_id: each.timeline for each in await told.play.alerts()}
    await told.follower.turn()
    after = {each.alert_id: each.timeline for each in await told.play.alerts() if each.alert_id != alert.alert_id}
    assert after == {name: line for name, line in before.items() if name != alert.alert_id}
    assert len(before) == len(await told.play.alerts())


async def test_what_we_say_ourselves_does_not_make_a_silent_feed_look_alive(told: Round) -> None:
    (alert, *_) = await told.play.alerts("M1")
    await told.act(alert, "accept")
    await told.follower.turn()
    assert "programme" not in (await told.play.twin.transport.counts()).last_received
    await told.play.give(event(Kind.VISIT_MADE, "M1", at=hours(2)))
    assert "programme" in (await told.play.twin.transport.counts()).last_received


async def test_a_change_that_became_visible_late_is_still_told(told: Round) -> None:
    """Two writers: the older change is saved after the follower has looked behind the younger one."""
    (first, *_) = await told.play.alerts("M1")
    (second, *_) = await told.play.alerts("M2")
    accepted = lifecycle.accept(first, N1, told.play.clock.now() + timedelta(seconds=1))
    await told.play.twin.alerts.save(lifecycle.accept(second, N1, told.play.clock.now() + timedelta(seconds=5)), second)
    assert await told.follower.turn() == 1
    await told.play.twin.alerts.save(accepted, first)
    assert await told.follower.turn() == 0, "a turn between two looks far back looks back two seconds"
    told.play.clock.advance(LOOK_BACK_EVERY)
    assert await told.follower.turn() == 1
    assert await told.follower.turn() == 0


def test_an_event_is_made_of_the_act_alone_and_not_of_what_came_after() -> None:
    alert = lifecycle.accept(raised(firing("a")), N1, at(5))
    (before,) = events_of(alert, 0, at(5))
    grown = lifecycle.add_trigger(
        alert, firing("b", 10, rule="CUSTODY_ARREST"), clock_policy=lifecycle.ClockPolicy(), now=at(11)
    )
    (after,) = events_of(grown, 0, at(5))
    assert after == before
    assert isinstance(before.attributes, ProgrammeAttributes)
    assert (before.attributes.rules, before.attributes.priority) == (("ED_ASSAULT",), "p2")
    assert before.mentions[0].member_id == "M1"


async def test_marks_come_back_as_they_were_kept(valkey: Redis) -> None:
    for marks in (MemoryOutcomeMarks(), ValkeyOutcomeMarks(valkey)):
        one = (shard_of("M1"), AlertId("a1"))
        assert await marks.place() == 0
        assert await marks.told([one]) == [0]
        await marks.mark([(*one, 3)], 1234)
        assert await marks.told([one, (one[0], AlertId("a2"))]) == [3, 0]
        assert await marks.place() == 1234


async def test_a_household_does_not_inherit_what_was_done_for_one_of_them(told: Round) -> None:
    (alert, *_) = await told.play.alerts("M1")
    await told.act(alert, "accept")
    await told.follower.turn()
    state = await told.play.twin.decisions.person(MemberId("M2"))  # type: ignore[attr-defined]
    assert all(entry.relation is not Relation.SELF for entry in state.history)
