"""Alerts as people and dashboards see them, and what people do to them."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response

from alerts.model import Alert, AlertState, Delivery
from alerts.ports import AlertFilter
from alerts.reference import normalise_reference
from api.answers import answer, conditional, etag_from, tagged, unchanged, version_seen
from api.bodies import Acting, Closing, read_command
from api.commands import Transition, accepting, change, closing, contacting
from api.deps import ApiDependencies
from api.gate import Caller, caller_of
from api.keys import AccessRole
from api.policy import ApiPolicy
from api.problems import Fault, ProblemKind, Refused
from api.shapes import AlertDetail, AlertsPage
from api.showing import counts_shown, detail, shows_rule, summary
from api.sight import Sight, Viewer, sight_of
from api.standing import Standing
from domain.ids import NavigatorId, RuleId, shard_of
from domain.triggers import Priority

Who = Annotated[Caller, Depends(caller_of)]
MOST = 200


class AlertDoors:
    """The endpoints of alerts."""

    def __init__(self, deps: ApiDependencies, policy: ApiPolicy, standing: Standing) -> None:
        self._deps = deps
        self._policy = policy
        self._standing = standing

    async def page(
        self,
        request: Request,
        caller: Who,
        *,
        state: Annotated[list[AlertState] | None, Query(description="Any of these; repeat it for more.")] = None,
        priority: Annotated[list[Priority] | None, Query(description="Any of these.")] = None,
        area: Annotated[list[str] | None, Query(description="Any of these.")] = None,
        navigator: Annotated[str | None, Query(description="With this navigator.")] = None,
        rule: Annotated[str | None, Query(description="With a firing of this rule.")] = None,
        digested: Annotated[
            bool, Query(description="Only those whose messages wait in the supervisors' digest.")
        ] = False,
        changed_since: Annotated[
            AwareDatetime | None, Query(description="Changed at this moment or later; with an offset.")
        ] = None,
        order: Annotated[
            Literal["oldest", "newest"], Query(description="Of change. `oldest` misses nothing while alerts change.")
        ] = "oldest",
        cursor: Annotated[str, Query(description="From the page before.", max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    ) -> Response:
        """Alerts in order of change. A page may hold fewer than `limit` where this key may not see one: go by `more`.

        To keep a copy, ask with `order=oldest`, keep the cursor, and ask again from it: every change comes, none twice
        but where it changed again. A navigator's key lists the alerts that are with them.
        """
        wanted = AlertFilter(
            states=frozenset(state or ()),
            priorities=frozenset(priority or ()),
            areas=frozenset(area or ()),
            navigator_id=_navigator_asked(caller, navigator),
            rule_id=RuleId(rule) if rule else None,
            changed_since=changed_since,
            digested=digested,
        )
        try:
            found = await self._deps.alerts.page(wanted, cursor=cursor, limit=limit, newest_first=order == "newest")
        except ValueError:
            raise Refused(ProblemKind.INVALID, faults=(Fault("query.cursor", "a cursor of ours"),)) from None
        viewer = self._viewer(caller)
        seen = ((alert, sight_of(alert, viewer)) for alert in found.alerts)
        shown = [
            summary(alert, sight, viewer, self._deps.quiet.of_member(alert.member_id))
            for alert, sight in seen
            if sight is not Sight.NOTHING and (rule is None or shows_rule(alert, rule, viewer))
        ]
        view = AlertsPage(
            as_of=self._deps.clock.now(),
            feeds=await self._standing.now(),
            alerts=tuple(shown),
            cursor=found.cursor,
            more=found.more,
        )
        return conditional(request, view, personal=True)

    async def counts(self, request: Request) -> Response:
        """Alerts counted by state, priority and area. Made for polling: as long as nothing changed the answer is 304,
        and costs one look at a number."""
        as_of = self._deps.clock.now()
        revision = await self._deps.alerts.revision()
        states = await self._standing.now()
        tag = etag_from("counts", revision, states)
        return unchanged(request, tag, as_of) or tagged(
            request, counts_shown(await self._deps.alerts.counts(), revision, states, as_of), tag
        )

    async def one(self, request: Request, reference: str, caller: Who) -> Response:
        """One alert: why it was raised (rules with versions and reasons), what happened since, who was told."""
        alert, deliveries, sight = await self._seen(reference, caller)
        view = await self._detail(alert, deliveries, sight, caller)
        return conditional(request, view, personal=True, version=alert.version)

    async def accept(self, request: Request, reference: str, caller: Who) -> Response:
        """Take the alert on. Accepting one's own again changes nothing; 409 if somebody else has it."""
        by = _acting_as(caller)
        said = await read_command(request, Acting, within=self._policy.body_within, optional=True)
        return await self._act(request, reference, caller, said.version, lambda _: accepting(by, self._deps.clock))

    async def contact(self, request: Request, reference: str, caller: Who) -> Response:
        """Record an attempt to make contact; there may be many. The alert must have been accepted."""
        by = _acting_as(caller)
        said = await read_command(request, Acting, within=self._policy.body_within, optional=True)
        return await self._act(
            request, reference, caller, said.version, lambda seen: contacting(by, self._deps.clock, seen)
        )

    async def outcome(self, request: Request, reference: str, caller: Who) -> Response:
        """Close the alert with what came of it. The same outcome told twice changes nothing."""
        by = _acting_as(caller)
        said = await read_command(request, Closing, within=self._policy.body_within)
        return await self._act(
            request, reference, caller, said.version, lambda _: closing(said.outcome, by, self._deps.clock)
        )

    async def _act(
        self,
        request: Request,
        reference: str,
        caller: Caller,
        version: int | None,
        transition: Callable[[int], Transition],
    ) -> Response:
        seen = version_seen(request, version)

        async def load() -> Alert:
            alert, _, sight = await self._seen(reference, caller)
            if sight is not Sight.PERSON:
                raise Refused(ProblemKind.CONFLICT, "It is not with you: somebody else took it, or may be told of it.")
            return alert

        changed = await change(self._deps.alerts, load, transition(seen), seen)
        deliveries = await self._deps.alerts.deliveries_of(changed.alert_id, shard_of(changed.member_id))
        sight = sight_of(changed, self._viewer(caller), deliveries)
        return answer(await self._detail(changed, deliveries, sight, caller))

    async def _seen(self, reference: str, caller: Caller) -> tuple[Alert, tuple[Delivery, ...], Sight]:
        """The alert with its messages, if the caller sees it at all; missing and forbidden are the same refusal."""
        named = normalise_reference(reference)
        alert = await self._deps.alerts.by_reference(named) if named else None
        if alert is None:
            raise Refused(ProblemKind.NOT_FOUND)
        deliveries = await self._deps.alerts.deliveries_of(alert.alert_id, shard_of(alert.member_id))
        sight = sight_of(alert, self._viewer(caller), deliveries)
        if sight is Sight.NOTHING:
            raise Refused(ProblemKind.NOT_FOUND)
        return alert, deliveries, sight

    async def _detail(
        self, alert: Alert, deliveries: tuple[Delivery, ...], sight: Sight, caller: Caller
    ) -> AlertDetail:
        return detail(
            alert,
            deliveries,
            sight=sight,
            viewer=self._viewer(caller),
            member=self._deps.people.member(alert.member_id) if sight is Sight.PERSON else None,
            states=await self._standing.now(),
            as_of=self._deps.clock.now(),
            snoozes=self._deps.quiet.of_member(alert.member_id),
        )

    def _viewer(self, caller: Caller) -> Viewer:
        navigator = caller.grant.navigator_id
        approved = navigator is not None and self._deps.people.health_approved(navigator)
        return Viewer(caller.role, navigator, approved)


def _navigator_asked(caller: Caller, navigator: str | None) -> NavigatorId | None:
    """Whose alerts are listed. Raises Refused for a question that the role may not ask, whoever it is about."""
    if caller.role is AccessRole.NAVIGATOR:
        if navigator is not None and navigator != caller.grant.navigator_id:
            raise Refused(ProblemKind.NOT_ALLOWED, "A navigator's key lists the alerts that are with them.")
        return caller.grant.navigator_id
    if navigator is not None and caller.role is AccessRole.DASHBOARD:  # it sees no navigator, and may not find out
        raise Refused(ProblemKind.NOT_ALLOWED, "This key may not ask by navigator.")
    return NavigatorId(navigator) if navigator else None


def _acting_as(caller: Caller) -> NavigatorId:
    """The navigator on whose behalf the caller acts."""
    if caller.grant.navigator_id is None:
        raise Refused(ProblemKind.NOT_ALLOWED, "This key names no navigator to act as.")
    return caller.grant.navigator_id
