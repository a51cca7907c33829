"""Snoozes, what was held back, breakers and the rule watch: looking at them, and the few things people do to them."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from alerts.breaker import FloodKey, FloodKind
from alerts.held_back import HeldBack
from alerts.snooze import Maker, Snooze, SnoozeState
from api.answers import answer, conditional
from api.bodies import Deciding, Snoozing, read_command
from api.deps import ApiDependencies
from api.gate import Caller, caller_of
from api.keys import AccessRole
from api.policy import ApiPolicy
from api.problems import ProblemKind, Refused
from api.quiet_shapes import (
    BreakerDetail,
    BreakerList,
    HeldBackList,
    HeldBackShown,
    RuleWatchList,
    SnoozeDetail,
    SnoozeList,
    SnoozeShown,
)
from api.showing import rule_shown
from api.sight import Viewer
from api.standing import Standing
from domain.ids import MemberId, RuleId
from domain.triggers import Sensitivity

Who = Annotated[Caller, Depends(caller_of)]
SHOWN_FOR = timedelta(days=90)
"""Snoozes that ended longer ago are in the audit log only."""


class QuietDoors:
    """The endpoints of what keeps quiet."""

    def __init__(self, deps: ApiDependencies, policy: ApiPolicy, standing: Standing) -> None:
        self._deps = deps
        self._desk = deps.quiet
        self._policy = policy
        self._standing = standing

    async def snoozes(
        self,
        request: Request,
        caller: Who,
        *,
        state: Annotated[Literal["active", "over", "all"], Query()] = "active",
        member: Annotated[str, Query(description="For this person.", max_length=200)] = "",
    ) -> Response:
        """Which rules are quiet for whom, until when, why and by whom. A navigator's key lists their own people."""
        now = self._deps.clock.now()
        found = await self._desk.snoozes(now - SHOWN_FOR if state != "active" else now)
        shown = [
            snooze_shown(one, self._standing_of(one))
            for one in found
            if self._sees(one, caller)
            and (not member or one.member_id == member)
            and (state == "all" or (self._standing_of(one) is SnoozeState.ACTIVE) is (state == "active"))
        ]
        return conditional(request, SnoozeList(now, tuple(shown)), personal=True)

    async def make(self, request: Request, caller: Who) -> Response:
        """Keep one rule quiet for one person, for at most 30 days. A P1 comes through unless a second person agrees."""
        said = await read_command(request, Snoozing, within=self._policy.body_within)
        made = await self._desk.make(
            RuleId(said.rule_id),
            MemberId(said.member_id),
            by=maker_of(caller),
            reason=said.reason.strip(),
            until=said.until,
            span=timedelta(hours=said.hours) if said.hours is not None else None,
            asks_p1=said.include_p1,
        )
        return answer(await self._detail(made, caller))

    async def snooze(self, request: Request, snooze_id: str, caller: Who) -> Response:
        """One snooze, and what it has held back: firings that were told to nobody because of it."""
        found = await self._found(snooze_id, caller)
        view = await self._detail(found, caller)
        return conditional(request, view, personal=True, version=found.version)

    async def confirm(self, snooze_id: str, caller: Who) -> Response:
        """As the second person, agree that P1 is quiet too. From then on, and only until the snooze ends."""
        await self._found(snooze_id, caller)
        return answer(await self._detail(await self._desk.confirm(snooze_id, by=maker_of(caller)), caller))

    async def lift(self, request: Request, snooze_id: str, caller: Who) -> Response:
        """End a snooze now. What it has held back stays listed."""
        said = await read_command(request, Deciding, within=self._policy.body_within)
        await self._found(snooze_id, caller)
        lifted = await self._desk.lift(snooze_id, by=maker_of(caller), reason=said.reason.strip())
        return answer(await self._detail(lifted, caller))

    async def held_back(
        self,
        request: Request,
        caller: Who,
        member: Annotated[str, Query(description="For this person; default: everybody's latest.", max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """What fired and was told to nobody, newest first: by a snooze, a cap, or because its moment had passed."""
        if member:
            found = list(reversed(await self._desk.held_back_of(MemberId(member))))[:limit]
        else:
            found = list(await self._desk.held_back(limit))
        viewer = self._viewer(caller)
        shown = tuple(held_back_shown(one, viewer) for one in found)
        return conditional(request, HeldBackList(self._deps.clock.now(), shown), personal=True)

    async def breakers(self, request: Request) -> Response:
        """Which rules and navigators flood, and how much waits in the digest (`/v1/alerts` with `digested=true`)."""
        found = await self._desk.breakers()
        return conditional(request, BreakerList(self._deps.clock.now(), tuple(found)), personal=True)

    async def close_breaker(self, request: Request, kind: FloodKind, name: str, caller: Who) -> Response:
        """Let messages through again, counting anew from now. What waits in the digest stays there."""
        said = await read_command(request, Deciding, within=self._policy.body_within)
        closed = await self._desk.close_breaker(FloodKey(kind, name), by=maker_of(caller), reason=said.reason.strip())
        return answer(BreakerDetail(self._deps.clock.now(), closed))

    async def rule_watch(self, request: Request) -> Response:
        """Every rule against its forecast: what is far too quiet, or far too loud, comes first. With them, the
        rules that cannot be judged for some people by a fault of ours."""
        found, faults = await self._desk.rule_watch(), await self._desk.rule_faults()
        view = RuleWatchList(self._deps.clock.now(), await self._standing.now(), tuple(found), tuple(faults))
        return conditional(request, view)

    async def _found(self, snooze_id: str, caller: Caller) -> Snooze:
        found = await self._desk.snooze(snooze_id)
        if found is None or not self._sees(found, caller):
            raise Refused(ProblemKind.NOT_FOUND)
        return found

    async def _detail(self, snooze: Snooze, caller: Caller) -> SnoozeDetail:
        viewer = self._viewer(caller)
        held = await self._desk.held_back_of(snooze.member_id)
        shown = tuple(held_back_shown(one, viewer) for one in held if one.snooze_id == snooze.snooze_id)
        return SnoozeDetail(self._deps.clock.now(), snooze_shown(snooze, self._standing_of(snooze)), shown)

    def _standing_of(self, snooze: Snooze) -> SnoozeState:
        return snooze.state_at(self._deps.clock.now())

    def _sees(self, snooze: Snooze, caller: Caller) -> bool:
        """Everybody's for supervisors and auditors; a navigator's own people, and what they made themselves."""
        if caller.role is not AccessRole.NAVIGATOR:
            return True
        navigator = caller.grant.navigator_id
        return snooze.by.name == caller.by or (
            navigator is not None and self._desk.is_theirs(navigator, snooze.member_id)
        )

    def _viewer(self, caller: Caller) -> Viewer:
        navigator = caller.grant.navigator_id
        approved = navigator is not None and self._deps.people.health_approved(navigator)
        return Viewer(caller.role, navigator, approved)


def maker_of(caller: Caller) -> Maker:
    """Who does something to a snooze or breaker, as records name them."""
    return Maker(caller.by, caller.role.value, caller.grant.navigator_id)


def snooze_shown(snooze: Snooze, state: SnoozeState) -> SnoozeShown:
    """A snooze as it is shown."""
    return SnoozeShown(
        snooze_id=snooze.snooze_id,
        version=snooze.version,
        rule_id=snooze.rule_id,
        member_id=snooze.member_id,
        state=state,
        starts_at=snooze.starts_at,
        ends_at=snooze.ends_at,
        reason=snooze.reason,
        by=snooze.by.name,
        role=snooze.by.role,
        quiets_p1=snooze.p1_by is not None,
        awaits_second=snooze.asks_p1 and snooze.p1_by is None and state is SnoozeState.ACTIVE,
        second=snooze.p1_by.name if snooze.p1_by else "",
        over_at=None if state is SnoozeState.ACTIVE else snooze.over_at,
        lifted_by=snooze.lifted_by.name if snooze.lifted_by else "",
        lift_reason=snooze.lift_reason,
    )


def held_back_shown(record: HeldBack, viewer: Viewer) -> HeldBackShown:
    """A record as this viewer may see it: health for who is approved, held intelligence for gatekeeper and auditor."""
    fired = record.trigger
    withheld = not _may_see(fired.sensitivity, viewer)
    return HeldBackShown(
        firing_id=fired.firing_id,
        member_id=fired.member_id,
        why=record.why,
        state=record.state,
        priority=fired.priority,
        fired_at=fired.fired_at,
        at=record.at,
        changed_at=record.changed_at,
        snooze_id=record.snooze_id,
        withheld=withheld,
        rule_id="" if withheld else rule_shown(fired, viewer),
        headline="" if withheld else fired.headline,
    )


def _may_see(sensitivity: Sensitivity, viewer: Viewer) -> bool:
    if sensitivity is Sensitivity.INTEL:
        return viewer.role in {AccessRole.GATEKEEPER, AccessRole.AUDITOR}
    if sensitivity is Sensitivity.HEALTH:
        return viewer.health_approved or viewer.role is AccessRole.AUDITOR
    return True
