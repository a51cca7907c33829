"""Who hears that a rule was switched off or a version taken back: every supervisor, once, without a word of content."""

from datetime import timedelta

from alerts.memory import MemoryAlertStore
from alerts.model import Channel, Purpose
from service.rulebook_bells import RuleBells
from tests.unit.service.bells import CHIEFS, NOON, world
from triggers.lifecycle_values import Head, Kill, RolledBack

WORLD = world(*CHIEFS)
KILLED = Head(1, kills=(Kill("ED_ASSAULT", "user:anna", NOON, "it floods", NOON + timedelta(hours=24)),))
BACK = Head(2, rolled_back=RolledBack(7, 6, "user:anna", NOON, "too many"))


async def test_every_supervisor_hears_once_however_often_it_is_looked() -> None:
    outbox = MemoryAlertStore()
    bells = RuleBells(outbox)
    assert await bells.ring(KILLED, "", WORLD, NOON) == 2
    assert await bells.ring(KILLED, "", WORLD, NOON + timedelta(seconds=5)) == 0
    assert await RuleBells(outbox).ring(KILLED, "", WORLD, NOON + timedelta(seconds=9)) == 0  # after a restart
    rows = await outbox.claim(NOON, channel=Channel.EMAIL, lease=timedelta(seconds=1), limit=9)
    assert [(row.recipient_id, row.purpose) for row in rows] == [("S1", Purpose.RULES)]


async def test_a_version_taken_back_and_rules_that_cannot_be_read_are_heard_too() -> None:
    bells = RuleBells(MemoryAlertStore())
    assert await bells.ring(BACK, "", WORLD, NOON) == 2
    assert await bells.ring(BACK, "version 8 cannot be read", WORLD, NOON) == 2
    assert await bells.ring(BACK, "version 8 cannot be read", WORLD, NOON) == 0


async def test_what_is_over_or_a_day_old_is_no_news() -> None:
    bells = RuleBells(MemoryAlertStore())
    assert await bells.ring(KILLED, "", WORLD, NOON + timedelta(hours=24)) == 0
    assert await bells.ring(BACK, "", WORLD, NOON + timedelta(hours=24)) == 0
    assert await bells.ring(Head(), "", WORLD, NOON) == 0


async def test_whoever_comes_to_be_a_supervisor_hears_of_what_nobody_could_hear() -> None:
    bells = RuleBells(MemoryAlertStore())
    assert await bells.ring(KILLED, "", world(), NOON) == 0
    assert await bells.ring(KILLED, "", WORLD, NOON + timedelta(seconds=5)) == 2
