"""What was committed waits to be archived: with the decision itself, on either store, until it is settled."""

import pytest
from redis.asyncio import Redis

from alerts.lifecycle import record_outcome
from alerts.model import Outcome
from domain.ids import NavigatorId, shard_of
from domain.kinds import Kind
from streams.archive import AlertOutcome, Archived, ArchiveLog, FiringStep
from streams.archive_memory import MemoryArchiveLog
from streams.archive_valkey import ValkeyArchiveLog
from tests.unit.streams.play import Play, ed, hours, member, valkey_twin


class Archiving:
    """A play and the archive's log beside it, on one of the stores."""

    def __init__(self, client: Redis | None) -> None:
        self.play = Play([member("M1")], valkey_twin(client) if client else None)
        server = self.play.twin.server
        self.log: ArchiveLog = ValkeyArchiveLog(client) if client else MemoryArchiveLog(server)  # type: ignore[arg-type]

    async def waiting(self) -> tuple[list[Archived], list[AlertOutcome]]:
        found = [each.what for each in await self.log.read_archive(10_000)]
        decided = [each for each in found if isinstance(each, Archived)]
        return decided, [each for each in found if isinstance(each, AlertOutcome)]


@pytest.fixture(params=["memory", pytest.param("valkey", marks=pytest.mark.server)])
def archiving(request: pytest.FixtureRequest) -> Archiving:
    return Archiving(request.getfixturevalue("valkey") if request.param == "valkey" else None)


STABBED = {"intent": "assault", "mechanism": "sharp", "patient_key": "H1:900100"}


async def test_a_decision_waits_with_its_entry_its_facts_and_what_it_fired(archiving: Archiving) -> None:
    await archiving.play.prepare()
    await archiving.play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", **STABBED))
    (record,), (alert,) = await archiving.waiting()
    assert record.entry is not None
    assert (record.entry.kind, record.facts.status.value, record.order) == (Kind.ED_ARRIVAL, "at_risk", 1)
    assert [(each.step, each.rule_id) for each in record.firings] == [(FiringStep.FIRED, "ED_WEAPON_ASSAULT")]
    assert record.disposition == f"alert:{alert.alert_id}"
    assert alert.firings == (record.firings[0].firing_id,)


async def test_no_name_no_patient_number_and_no_navigators_words_wait(archiving: Archiving) -> None:
    await archiving.play.prepare()
    await archiving.play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", **STABBED))
    told = repr(await archiving.waiting()) + str([each.what for each in await archiving.log.read_archive(1_000)])
    for word in ("FamilyM1", "GivenM1", "900100", "07700"):
        assert word not in told


async def test_what_is_said_again_is_not_archived_again(archiving: Archiving) -> None:
    await archiving.play.prepare()
    one = ed(Kind.ED_ARRIVAL, "M1", visit="V1", **STABBED)
    await archiving.play.give(one)
    await archiving.play.give(one)
    decided, _ = await archiving.waiting()
    assert len(decided) == 1


async def test_each_change_of_an_alerts_state_waits_with_what_came_of_it(archiving: Archiving) -> None:
    await archiving.play.prepare()
    await archiving.play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", **STABBED))
    (alert,) = await archiving.play.alerts("M1")
    closed = record_outcome(alert, Outcome.ENGAGED, NavigatorId("N1"), archiving.play.clock.now() + hours(1))
    await archiving.play.twin.alerts.save(closed, alert)
    _, alerts = await archiving.waiting()
    last = max(alerts, key=lambda each: each.version)
    assert (last.state, last.outcome, last.closed_at) == ("closed", "engaged", archiving.play.clock.now() + hours(1))


async def test_what_is_settled_is_gone_and_the_rest_stays(archiving: Archiving) -> None:
    await archiving.play.prepare()
    await archiving.play.give(
        ed(Kind.ED_ARRIVAL, "M1", visit="V1", **STABBED), ed(Kind.ED_DEPARTED, visit="V1", at=hours(1))
    )
    first, *rest = await archiving.log.read_archive(1_000)
    await archiving.log.settle_archive([first])
    await archiving.log.settle_archive([first])
    assert [each.what for each in await archiving.log.read_archive(1_000)] == [each.what for each in rest]
    assert await archiving.log.archive_waiting() == len(rest)
    assert all(each.shard == shard_of(each.what.member_id) for each in rest)
