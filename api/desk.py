"""What waits for people: records that could not be taken, intelligence before the gatekeeper."""

from typing import Annotated, Literal

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer, conditional
from api.bodies import Deciding, read_command
from api.deps import ApiDependencies
from api.gate import Caller, caller_of
from api.policy import ApiPolicy
from api.ports import HeldDecision
from api.problems import ProblemKind, Refused
from api.shapes import HeldDetail, HeldList, QuarantineDetail, QuarantineList, Replayed
from api.standing import Standing
from domain.kinds import Feed

Who = Annotated[Caller, Depends(caller_of)]
Limit = Annotated[int, Query(ge=1, le=500)]


class DeskDoors:
    """The endpoints of the desk."""

    def __init__(self, deps: ApiDependencies, policy: ApiPolicy, standing: Standing) -> None:
        self._deps = deps
        self._policy = policy
        self._standing = standing

    async def quarantine(
        self,
        request: Request,
        feed: Annotated[Feed | None, Query(description="Of this feed.")] = None,
        state: Annotated[Literal["open", "replayed"], Query()] = "open",
        limit: Limit = 50,
    ) -> Response:
        """Records that could not be taken, newest first: why, and where it stood. Their bytes stay on the machine."""
        found = await self._deps.desk.quarantine(feed=feed, state=state, limit=limit)
        view = QuarantineList(self._deps.clock.now(), await self._standing.now(), tuple(found))
        return conditional(request, view)

    async def quarantine_item(self, request: Request, item_id: str) -> Response:
        """One record that could not be taken, without its bytes (`reachpoint quarantine show` on the machine)."""
        found = await self._deps.desk.quarantine_item(item_id)
        if found is None:
            raise Refused(ProblemKind.NOT_FOUND)
        return conditional(request, QuarantineDetail(self._deps.clock.now(), found))

    async def replay(self, item_id: str) -> Response:
        """Take a record again, after its sender, a mapping or the service has been mended. Safe to repeat."""
        items = await self._deps.desk.replay(item_id)
        return answer(Replayed(self._deps.clock.now(), item_id, tuple(items)))

    async def held(self, request: Request, limit: Limit = 50) -> Response:
        """Intelligence that waits, or waited, for the police gatekeeper: which record, what it would set off."""
        found = await self._deps.desk.held(limit)
        view = HeldList(self._deps.clock.now(), await self._standing.now(), tuple(found))
        return conditional(request, view, personal=True)

    async def release(self, request: Request, held_id: str, caller: Who) -> Response:
        """Let held intelligence alert, in generic words. The decision is kept with who, when and why."""
        return await self._decide(request, held_id, HeldDecision.RELEASE, caller)

    async def refuse(self, request: Request, held_id: str, caller: Who) -> Response:
        """Keep held intelligence from alerting. The decision is kept with who, when and why."""
        return await self._decide(request, held_id, HeldDecision.REFUSE, caller)

    async def _decide(self, request: Request, held_id: str, decision: HeldDecision, caller: Caller) -> Response:
        said = await read_command(request, Deciding, within=self._policy.body_within)
        held = await self._deps.desk.decide_held(held_id, decision, said.reason.strip(), caller.by)
        return answer(HeldDetail(self._deps.clock.now(), held))
