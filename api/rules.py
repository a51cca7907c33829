"""The rule book: what decides now, every version there ever was, the way of a draft to live, and the brakes."""

import asyncio
from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer, conditional, version_seen
from api.bodies import read_command
from api.deps import ApiDependencies
from api.gate import Caller, caller_of
from api.keys import AccessRole
from api.policy import ApiPolicy
from api.rule_bodies import (
    MOST_BYTES,
    Agreeing,
    Drafting,
    Forecasting,
    Reasoned,
    Stepping,
    Switching,
)
from api.rule_shapes import (
    DifferenceView,
    FileView,
    RulesShown,
    RuleView,
    ShadowShown,
    SwitchShown,
    VersionDetail,
    VersionList,
    VersionMoved,
    VersionsCompared,
    VersionView,
    kill_view,
    version_view,
)
from triggers.explain import rule_sentence
from triggers.lifecycle_contents import compared
from triggers.lifecycle_values import Backtested, Kill, Person, RuleText, Standing, covered_by

Who = Annotated[Caller, Depends(caller_of)]
Number = Annotated[int, Path(ge=1, le=999_999_999, description="The version's number.")]
RuleName = Annotated[str, Path(min_length=1, max_length=100, description="The rule's id.")]

_SEES_MEMBERS = frozenset({AccessRole.SUPERVISOR, AccessRole.ANALYST, AccessRole.AUDITOR})


class RuleDoors:
    """The endpoints of the rule book."""

    def __init__(self, deps: ApiDependencies, policy: ApiPolicy) -> None:
        self._deps = deps
        self._desk = deps.rules
        self._policy = policy

    # -- looking ---------------------------------------------------------------------------------------------------

    async def rules(self, request: Request) -> Response:
        """The rules in force, each in one plain sentence, and those that are switched off."""
        now = self._deps.rules_in_force.now()
        book = await self._desk.book()
        at = self._deps.clock.now()
        view = RulesShown(
            as_of=at,
            live=now.number,
            mark=now.mark,
            since=now.since,
            pinned=now.pinned,
            trouble=now.trouble,
            shadow=book.head.shadow,
            rules=tuple(
                RuleView(str(rule.rule_id), rule.version, rule.then.priority, rule_sentence(rule), rule.owner, rule.why)
                for rule in now.rules.rules
            ),
            switched_off=tuple(kill_view(each) for each in book.head.kills if at < each.until),
        )
        return conditional(request, view)

    async def versions(
        self,
        request: Request,
        *,
        before: Annotated[int | None, Query(ge=1, le=999_999_999, description="Only older ones than this.")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Response:
        """Every version there ever was, the newest first."""
        book = await self._desk.book()
        newest = sorted(book.standings.values(), key=lambda each: -each.number)
        shown = [each for each in newest if before is None or each.number < before][:limit]
        view = VersionList(
            self._deps.clock.now(),
            book.head.live,
            book.head.shadow,
            tuple(version_view(each) for each in shown),
            len(newest),
        )
        return conditional(request, view)

    async def version(self, request: Request, number: Number) -> Response:
        """One version: its texts as written, what checking and backtest found, what it lacks, and who did what."""
        standing = await self._desk.standing(number)
        made = await self._desk.version(number)
        view = VersionDetail(
            as_of=self._deps.clock.now(),
            standing=await self._view(standing),
            check=standing.check,
            backtest=standing.backtest,
            steps=standing.steps,
            rules=tuple(FileView(each.name, each.text) for each in made.contents.rules),
            reference=made.contents.reference,
            tests=tuple(FileView(each.name, each.text) for each in made.contents.tests),
        )
        return conditional(request, view, version=standing.revision)

    async def diff(
        self,
        request: Request,
        number: Number,
        *,
        against: Annotated[
            int | None, Query(ge=1, le=999_999_999, description="Default: the one it was made on, else the live one.")
        ] = None,
    ) -> Response:
        """What a version says differently from another, in sentences."""
        made = await self._desk.version(number)
        other = against or made.based_on or (await self._desk.book()).head.live or number
        found = await asyncio.to_thread(compared, (await self._desk.version(other)).contents, made.contents)
        view = VersionsCompared(
            self._deps.clock.now(),
            number,
            other,
            tuple(DifferenceView(each.rule, each.says) for each in found.differences),
            found.faults,
        )
        return conditional(request, view)

    async def shadow(self, request: Request, caller: Who) -> Response:
        """What the version in shadow would have said beside the live one."""
        report = await self._desk.report()
        sees = caller.role in _SEES_MEMBERS
        view = ShadowShown(
            as_of=self._deps.clock.now(),
            number=report.number if report else None,
            beside=report.beside if report else (),
            events=report.events if report else 0,
            missed=report.missed if report else 0,
            by_rule=report.by_rule if report else {},
            examples=report.examples if report and sees else (),
        )
        return conditional(request, view, personal=True)

    # -- the way of a version --------------------------------------------------------------------------------------

    async def submit(self, request: Request, caller: Who) -> Response:
        """Submit a draft. It is checked at once, with its rule tests; one with faults is kept and goes no further."""
        said = await read_command(request, Drafting, within=self._policy.body_within, most=MOST_BYTES)
        standing = await self._desk.submit(
            said.text,
            said.note,
            _person(caller),
            author=said.author,
            reference=said.reference,
            tests=tuple(RuleText(each.name, each.text) for each in said.tests),
        )
        return await self._moved(standing)

    async def check(self, number: Number, caller: Who) -> Response:
        """Read the version's files again and run its rule tests, with the release that runs now."""
        return await self._moved(await self._desk.check(number, _person(caller)))

    async def backtest(self, request: Request, number: Number, caller: Who) -> Response:
        """Hand in what `reachpoint rules backtest --json` has found. Of these very rules, and of enough history."""
        said = await read_command(request, Forecasting, within=self._policy.body_within, most=MOST_BYTES)
        heard = said.history
        told = Backtested(
            rules_digest=said.rules_digest,
            since=said.since,
            until=said.until,
            firings=said.firings,
            figures=said.figures,
            made_at=said.made_at,
            judged=heard.in_time,
            covered=covered_by((said.since, said.until), heard.first, heard.last),
            seal=said.seal,
        )
        seen = version_seen(request, said.version)
        return await self._moved(await self._desk.backtest(number, told, _person(caller), seen=seen))

    async def run_in_shadow(self, request: Request, number: Number, caller: Who) -> Response:
        """Run a version beside the live one. It alerts nobody; whichever ran so before ends."""
        seen = await self._seen(request)
        return await self._moved(await self._desk.shadow(number, _person(caller), seen=seen[1]))

    async def end_shadow(self, caller: Who) -> Response:
        """No version runs in shadow any more."""
        return await self._moved(await self._desk.end_shadow(_person(caller)))

    async def approve(self, request: Request, number: Number, caller: Who) -> Response:
        """Say, as another person than its author and than who submitted it, that it may go live."""
        reason, seen = await self._seen(request)
        return await self._moved(await self._desk.approve(number, _person(caller), reason, seen=seen))

    async def publish(self, request: Request, number: Number, caller: Who) -> Response:
        """Put it live between two events. Refused with everything that is still missing."""
        reason, seen = await self._seen(request)
        return await self._moved(await self._desk.publish(number, _person(caller), reason, seen=seen))

    async def withdraw(self, request: Request, number: Number, caller: Who) -> Response:
        """Say that this version will not go live."""
        said = await read_command(request, Reasoned, within=self._policy.body_within)
        seen = version_seen(request, said.version)
        return await self._moved(await self._desk.withdraw(number, _person(caller), said.reason, seen=seen))

    # -- emergency -------------------------------------------------------------------------------------------------

    async def roll_back(self, request: Request, number: Number, caller: Who) -> Response:
        """Take the live version back in one step: the one before it is live again. All supervisors are told."""
        said = await read_command(request, Reasoned, within=self._policy.body_within)
        seen = version_seen(request, said.version)
        return await self._moved(await self._desk.roll_back(number, _person(caller), said.reason, seen=seen))

    async def kill(self, request: Request, rule_id: RuleName, caller: Who) -> Response:
        """Switch one rule off at once, for a day unless a second person confirms. All supervisors are told."""
        said = await read_command(request, Switching, within=self._policy.body_within)
        return self._switched(rule_id, await self._desk.kill(rule_id, _person(caller), said.reason))

    async def confirm(self, request: Request, rule_id: RuleName, caller: Who) -> Response:
        """Agree, as a second person, that a rule stays off for 30 days."""
        await read_command(request, Agreeing, within=self._policy.body_within, optional=True)
        return self._switched(rule_id, await self._desk.confirm_kill(rule_id, _person(caller)))

    async def revive(self, request: Request, rule_id: RuleName, caller: Who) -> Response:
        """Switch a rule on again. What happened meanwhile does not fire for it later."""
        said = await read_command(request, Agreeing, within=self._policy.body_within, optional=True)
        await self._desk.revive(rule_id, _person(caller), said.reason)
        return self._switched(rule_id, None)

    async def _seen(self, request: Request) -> tuple[str, int]:
        said = await read_command(request, Stepping, within=self._policy.body_within, optional=True)
        return said.reason.strip(), version_seen(request, said.version)

    def _switched(self, rule_id: str, kill: Kill | None) -> Response:
        return answer(SwitchShown(self._deps.clock.now(), rule_id, kill_view(kill) if kill else None))

    async def _view(self, standing: Standing) -> VersionView:
        missing = await self._desk.missing(standing.number) if standing.live_since is None else ()
        return version_view(standing, tuple(each.value for each in missing))

    async def _moved(self, standing: Standing) -> Response:
        view = await self._view(standing)
        return answer(VersionMoved(self._deps.clock.now(), view, standing.check, standing.backtest))


def _person(caller: Caller) -> Person:
    return Person(caller.by, caller.role.value)
