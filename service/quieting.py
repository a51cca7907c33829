"""What is quiet and what floods, followed from the store; and the bells for both: somebody hears of each, in words
without content, and once.

Rung from what is durable, with ids that follow from it: a restart neither forgets nor repeats a bell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.breaker import FloodKey, Sent
from alerts.model import Purpose
from alerts.planning import Row
from alerts.ports import Outbox
from alerts.routing import supervisors, themselves
from alerts.snooze import NO_SNOOZES, Snooze, Snoozes, SnoozeState
from domain.triggers import Priority
from service.bells import bell_rows, those_in_charge
from streams.decide import World
from streams.flood_keeper import FloodKeeper
from streams.quiet_ports import BreakerStore, SnoozeStore
from streams.snooze_desk import NAVIGATOR, SnoozeDesk
from streams.tallies import Tallies

COUNT_EVERY = timedelta(seconds=1)
"""How often a worker hears of what the others ordered."""
BELL_WITHIN = timedelta(hours=24)
"""A snooze that was made before is on the board, and no news."""


class Quieting:
    """The snoozes and the breaker's counts as they are now, for every decision of this process."""

    def __init__(self, store: SnoozeStore, flood: FloodKeeper) -> None:
        self._store = store
        self.flood = flood
        self.snoozes = NO_SNOOZES
        self._revision = -1
        self._counted: datetime | None = None

    def world(self, world: World) -> World:
        """The world with what is quiet and what floods in it."""
        return replace(world, snoozes=self.snoozes, flood=self.flood.flood)

    async def refresh(self, now: datetime) -> None:
        """Take over what changed. Raises StoreUnavailable."""
        revision = await self._store.revision()
        if revision != self._revision:
            self.snoozes = Snoozes.of(await self._store.snoozes(now))
            self._revision = revision
        if self._counted is None or now - self._counted >= COUNT_EVERY:
            await self.flood.refresh(now)
            self._counted = now


class QuietBells:
    """Who is told of snoozes and floods. `ring` is called every few seconds by each worker."""

    def __init__(
        self,
        outbox: Outbox,
        snoozes: SnoozeStore,
        desk: SnoozeDesk,
        *,
        breakers: BreakerStore,
        tallies: Tallies,
        ring_every: timedelta,
    ) -> None:
        self._outbox = outbox
        self._snoozes = snoozes
        self._desk = desk
        self._breakers = breakers
        self._tallies = tallies
        self._ring_every = ring_every
        self._rung: set[str] = set()  # the store knows too; this saves asking it

    async def ring(self, world: World, standing: Snoozes, now: datetime) -> int:
        """Order what is due; how many messages were new. Raises StoreUnavailable."""
        fresh = await self._ring_floods(world, now)  # first: a P1 may wait among them
        for snooze in (one for found in standing.by_pair.values() for one in found):
            fresh += await self._once(f"made {snooze.snooze_id}", made_rows(snooze, world, now))
        for snooze in await self._snoozes.untold(now):
            fresh += await self._outbox.order(over_rows(snooze, world, now))
            await self._desk.tell(snooze)
        return fresh

    async def _ring_floods(self, world: World, now: datetime) -> int:
        held = held_by_key(await self._tallies.sent_since(now - timedelta(hours=1)))
        if not held:
            return 0
        fresh, rung = 0, await self._breakers.rung()
        for key, rounds in held.items():
            last = rung.get(key)
            if last is not None and not _is_news(rounds, last, now, self._ring_every):
                continue
            urgent = any(one.priority is Priority.P1 for one in rounds)
            fresh += await self._outbox.order(flood_rows(key, last, world, now, urgent=urgent))
            await self._breakers.ring(key, now, last)
        return fresh

    async def _once(self, name: str, rows: Sequence[Row]) -> int:
        if name in self._rung or not rows:
            return 0
        fresh = await self._outbox.order(rows)
        self._rung.add(name)
        return fresh


def _is_news(rounds: Sequence[Sent], last: datetime, now: datetime, ring_every: timedelta) -> bool:
    """Whether the bell rings again after `last`: for what came since, after a pause; for the first P1 at once. A bell
    in the future was rung by a clock that was wrong, and stands for nothing."""
    if last > now + _SLEW:
        return True
    since = [one for one in rounds if one.at > last]
    first_urgent = not any(one.priority is Priority.P1 for one in rounds if one.at <= last)
    urgent = first_urgent and any(one.priority is Priority.P1 for one in since)
    return bool(since) and (urgent or now - last >= ring_every)


_SLEW = timedelta(minutes=1)
"""How far the machine's clock may go back without having been wrong."""


def held_by_key(rounds: Sequence[Sent]) -> Mapping[FloodKey, list[Sent]]:
    """The rounds that wait in the digest, by the breaker that holds them; each list in order of when."""
    found: dict[FloodKey, list[Sent]] = {}
    for one in rounds:
        if one.held_by is not None:
            found.setdefault(one.held_by, []).append(one)
    return found


def made_rows(snooze: Snooze, world: World, now: datetime) -> tuple[Row, ...]:
    """Supervisors hear of a snooze that a navigator made, and of one that waits for a second person."""
    waits = snooze.asks_p1 and snooze.p1_by is None
    news = now - snooze.starts_at < BELL_WITHIN and snooze.state_at(now) is SnoozeState.ACTIVE
    if not news or not (waits or snooze.by.role == NAVIGATOR):
        return ()
    others = tuple(
        one for one in supervisors(world.directory, world.policy.routing) if one.navigator_id != snooze.by.navigator_id
    )
    return bell_rows(others, Purpose.SNOOZE_MADE, f"snooze|{snooze.snooze_id}|made", world, now)


def over_rows(snooze: Snooze, world: World, now: datetime) -> tuple[Row, ...]:
    """Its maker hears that a snooze is over, unless they lifted it themselves; else the supervisors."""
    if snooze.lifted_by is not None and snooze.lifted_by.name == snooze.by.name:
        return ()
    routing = world.policy.routing
    maker = themselves(world.directory, routing, snooze.by.navigator_id) or supervisors(world.directory, routing)
    return bell_rows(maker, Purpose.SNOOZE_OVER, f"snooze|{snooze.snooze_id}|over", world, now)


def flood_rows(key: FloodKey, last: datetime | None, world: World, now: datetime, *, urgent: bool) -> tuple[Row, ...]:
    """Supervisors hear that alerts wait in the digest. What was rung last makes the id: two workers ring it once."""
    about = f"flood|{key}|{last.isoformat() if last else ''}"
    return bell_rows(those_in_charge(world), Purpose.FLOOD, about, world, now, urgent=urgent)
