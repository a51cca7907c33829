"""The desk for snoozes: who may make, confirm and lift one. The values decide; this loads, asks, writes with the audit.

Promise 21 is read so: nobody quiets a P1 alone. Whoever works with a person may hold back the rest alone, because it is
shown, recorded, told to the supervisors and can be lifted by any of them; for a P1 a supervisor asks and a second
person says so too.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from alerts.snooze import Maker, Snooze, SnoozeState, confirmed, end_of, lifted, snoozed, told
from domain.clock import Clock
from domain.errors import Conflict, NotAllowed, NotFound
from domain.ids import MemberId, RuleId
from domain.people import CohortMember
from streams.applying import KEEPER
from streams.audit import AuditEntry, Operation
from streams.quiet_ports import SnoozeStore

NAVIGATOR = "navigator"
"""The role that may act for its own people only; others that reach this desk act for everybody's."""
_ATTEMPTS = 6
_SAME_WITHIN = timedelta(minutes=1)
"""Said again so soon by the same person, it is the same request repeated after a lost answer."""


class SnoozeDesk:
    """Snoozes of watched people. `rules` answers whether a rule is live."""

    def __init__(
        self,
        store: SnoozeStore,
        *,
        member: Callable[[MemberId], CohortMember | None],
        is_live: Callable[[RuleId], bool],
        clock: Clock,
    ) -> None:
        self._store = store
        self._member = member
        self._is_live = is_live
        self._clock = clock

    async def make(
        self,
        rule: RuleId,
        member: MemberId,
        *,
        by: Maker,
        reason: str,
        until: date | None = None,
        span: timedelta | None = None,
        asks_p1: bool = False,
    ) -> Snooze:
        """A new snooze, from now. Said again after a lost answer, it is the one that was made.

        Raises NotFound for a person or rule that the maker cannot name, NotAllowed for what `alerts.snooze` forbids, a
        navigator's wish to quiet a P1, and a pair that is quiet already.
        """
        self._may(by, member)
        if not self._is_live(rule):
            raise NotFound("There is no such rule.")
        if asks_p1 and by.role == NAVIGATOR:
            raise NotAllowed("Only a supervisor may ask to quiet a P1.")
        now = self._clock.now()
        ends_at = end_of(now, until=until, span=span)
        fresh = snoozed(rule, member, ends_at=ends_at, reason=reason, by=by, asks_p1=asks_p1, now=now)
        for known in await self._standing(rule, member, now):
            if _says_the_same(known, fresh):
                return known
            raise NotAllowed("This rule is quiet for this person already: lift that snooze first.")
        p1 = ", P1 too once confirmed" if asks_p1 else ""
        entry = _entry(fresh, "snooze_made", by, f"{fresh.reason} (until {ends_at.isoformat()}{p1})", now)
        if not await self._store.change(fresh, None, [entry]):
            raise Conflict
        return fresh

    async def confirm(self, snooze_id: str, *, by: Maker) -> Snooze:
        """A second person says that P1 is to be quiet too. Raises NotFound, NotAllowed."""

        def step(known: Snooze, now: datetime) -> Snooze:
            self._may(by, known.member_id)
            return confirmed(known, by, now)

        return await self._step(snooze_id, step, "snooze_p1_confirmed", by)

    async def lift(self, snooze_id: str, *, by: Maker, reason: str) -> Snooze:
        """End a snooze before its time. Raises NotFound, NotAllowed."""

        def step(known: Snooze, now: datetime) -> Snooze:
            if by.name != known.by.name:
                self._may(by, known.member_id)
            return lifted(known, by, reason, now)

        return await self._step(snooze_id, step, "snooze_lifted", by, reason.strip())

    async def tell(self, snooze: Snooze) -> Snooze:
        """Keep that the maker was told that it is over."""
        return await self._step(snooze.snooze_id, _told, "snooze_over", _KEEPER)

    async def _step(
        self, snooze_id: str, step: Callable[[Snooze, datetime], Snooze], what: str, by: Maker, reason: str = ""
    ) -> Snooze:
        for _ in range(_ATTEMPTS):
            known = await self._store.find(snooze_id)
            if known is None:
                raise NotFound("There is no such snooze.")
            now = self._clock.now()
            after = step(known, now)
            if after is known:
                return known
            if await self._store.change(after, known, [_entry(after, what, by, reason, now)]):
                return after
        raise Conflict

    async def _standing(self, rule: RuleId, member: MemberId, now: datetime) -> list[Snooze]:
        return [
            one
            for one in await self._store.snoozes(now)
            if one.rule_id == rule and one.member_id == member and one.state_at(now) is SnoozeState.ACTIVE
        ]

    def _may(self, by: Maker, member_id: MemberId) -> None:
        """Raise NotFound unless the person is watched and the maker is theirs to act for: both look the same."""
        member = self._member(member_id)
        theirs = member is not None and by.navigator_id in {member.navigator_id, member.cover_id}
        if member is None or (by.role == NAVIGATOR and (by.navigator_id is None or not theirs)):
            raise NotFound("There is no such person.")


_KEEPER = Maker(KEEPER.name, KEEPER.role)


def _told(known: Snooze, now: datetime) -> Snooze:
    return known if known.told_at is not None else told(known, now)


def _says_the_same(known: Snooze, fresh: Snooze) -> bool:
    return (
        known.by == fresh.by
        and known.reason == fresh.reason
        and known.asks_p1 is fresh.asks_p1
        and abs(known.ends_at - fresh.ends_at) <= _SAME_WITHIN
    )


def _entry(snooze: Snooze, what: str, by: Maker, reason: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        who=by.name,
        role=by.role,
        operation=Operation.ALTERATION,
        what=what,
        about=f"snooze:{snooze.snooze_id}|{snooze.rule_id}",
        subjects=(snooze.member_id,),
        reason=reason,
    )
