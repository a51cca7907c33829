"""Who hears that a rule cannot be judged: every supervisor, once for a cause and day, without a word of content."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.memory import MemoryAlertStore
from alerts.model import Channel, Purpose
from domain.clock import ManualClock
from domain.ids import MemberId, RuleId
from service.fault_bells import MOST_BELLS, FaultBells, words_of
from streams.memory import MemoryTransport
from streams.memory_server import MemoryServer
from streams.memory_tallies import MemoryTallies
from streams.messages import Disposition, Ending, PersonState
from streams.ports import NO_EVENT, Commit
from streams.tallies import SeenFault
from tests.unit.service.bells import CHIEFS, NOON, world
from triggers.sparing import RuleFault

WORLD = world(*CHIEFS)


class Stage:
    """A store with decisions on it, and the bells."""

    def __init__(self) -> None:
        self.server = MemoryServer(ManualClock(NOON))
        self.tallies, self.outbox = MemoryTallies(self.server), MemoryAlertStore()
        self.bells = FaultBells(self.outbox, self.tallies)

    async def meet(self, *rules: str, at: datetime = NOON, version: int = 1, cause: str = "KeyError at x.py:1") -> None:
        """A decision on some person, for which these rules could not be judged."""
        before = await MemoryTransport(self.server).person(MemberId("M1"))
        after = replace(before, version=before.version + 1)
        unjudged = tuple(RuleFault(RuleId(rule), version, cause) for rule in rules)
        commit = Commit("", NO_EVENT, Disposition(Ending.NO_RULE), before, after, decided_at=at, unjudged=unjudged)
        assert await MemoryTransport(self.server).commit(commit)

    async def ring(self, now: datetime = NOON) -> list[str]:
        return names(await self.bells.ring(WORLD, now))


def names(faults: Iterable[SeenFault]) -> list[str]:
    return [fault.rule_id or "whole events" for fault in faults]


async def test_every_supervisor_hears_at_once_and_once_however_many_events_meet_it() -> None:
    stage = Stage()
    assert await stage.ring() == []
    await stage.meet("ED_ASSAULT")
    await stage.meet("ED_ASSAULT", at=NOON + timedelta(seconds=1))
    assert await stage.ring() == ["ED_ASSAULT"]
    assert await stage.ring(NOON + timedelta(seconds=5)) == []
    stage.bells = FaultBells(stage.outbox, stage.tallies)  # after a restart
    assert await stage.ring(NOON + timedelta(seconds=9)) == []
    rows = await stage.outbox.claim(NOON, channel=Channel.EMAIL, lease=timedelta(seconds=1), limit=9)
    assert [(row.recipient_id, row.purpose, row.urgent) for row in rows] == [("S1", Purpose.RULE_FAULT, True)]


async def test_another_version_and_another_cause_ring_anew_and_each_day_does() -> None:
    stage = Stage()
    await stage.meet("ED_ASSAULT")
    await stage.ring()
    await stage.meet("ED_ASSAULT", version=2)
    assert await stage.ring() == ["ED_ASSAULT"]
    await stage.meet("ED_ASSAULT", cause="ValueError at y.py:2")
    assert await stage.ring() == ["ED_ASSAULT"]
    await stage.meet("ED_ASSAULT", at=NOON + timedelta(days=1))
    assert await stage.ring(NOON + timedelta(days=1)) == ["ED_ASSAULT"]
    assert await stage.ring(NOON + timedelta(days=3)) == [], "it was met no more"


async def test_whole_events_come_first_and_nobody_is_called_more_than_a_few_times() -> None:
    stage = Stage()
    await stage.meet(*(f"RULE_{letter}" for letter in "ABCDEFGH"))
    await stage.tallies.note_fault("KeyError at decide.py:1", NOON)
    told = await stage.ring()
    assert told[0] == "whole events"
    assert len(told) == MOST_BELLS
    assert await stage.ring() == []


async def test_whoever_comes_to_be_a_supervisor_hears_of_what_nobody_could_hear() -> None:
    stage = Stage()
    await stage.meet("ED_ASSAULT")
    assert await stage.bells.ring(world(), NOON) == ()
    assert await stage.ring() == ["ED_ASSAULT"]


def test_the_words_behind_the_login_name_the_rule_and_say_what_to_do() -> None:
    words = words_of(SeenFault("KeyError at x.py:1", NOON, RuleId("ED_ASSAULT"), 3))
    assert words.startswith("Rule ED_ASSAULT (version 3) cannot be judged for some people; the other rules go on.")
    assert PersonState(MemberId("M1")).member_id not in words
