"""What people do to alerts: load, ask the pure transition, save with the expected version, and try again on a conflict.

A conflict is retried, not lost: somebody's acceptance must not fail because a message was delivered that moment. What
does not fit the alert any more is refused, and the answer says whether that is because it changed.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from alerts import lifecycle
from alerts.model import Alert, Happening, Outcome
from alerts.ports import AlertStore
from api.problems import ProblemKind, Refused
from domain.clock import Clock
from domain.errors import Conflict, NotAllowed
from domain.ids import NavigatorId

Transition = Callable[[Alert], Alert]
Load = Callable[[], Awaitable[Alert]]
ATTEMPTS = 6
"""Two writers meet once; six in a row means that something is wrong."""


def accepting(by: NavigatorId, clock: Clock) -> Transition:
    """Take the alert on."""
    return lambda alert: lifecycle.accept(alert, by, clock.now())


def contacting(by: NavigatorId, clock: Clock, seen: int) -> Transition:
    """Record an attempt to make contact. A request repeated after a lost answer makes no second one."""
    return partial(_contact, by=by, clock=clock, seen=seen)


def closing(outcome: Outcome, by: NavigatorId, clock: Clock) -> Transition:
    """Record what came of it."""
    return lambda alert: lifecycle.record_outcome(alert, outcome, by, clock.now())


def _contact(alert: Alert, *, by: NavigatorId, clock: Clock, seen: int) -> Alert:
    last = alert.timeline[-1] if alert.timeline else None
    repeated = last is not None and last.what is Happening.CONTACTED and last.by == by and alert.version == seen + 1
    return alert if repeated else lifecycle.record_contact(alert, by, clock.now())


async def change(store: AlertStore, load: Load, transition: Transition, seen: int) -> Alert:
    """The alert after a transition, saved. `load` raises where the caller may not; `seen` is the version they saw.

    Raises Refused: CONFLICT if it changed since and does not permit this now, NOT_PERMITTED_NOW if it never did.
    """
    for _ in range(ATTEMPTS):
        before = await load()
        try:
            after = transition(before)
        except NotAllowed as error:
            kind = ProblemKind.NOT_PERMITTED_NOW if before.version == seen else ProblemKind.CONFLICT
            raise Refused(kind, str(error)) from None
        if after is before:
            return before
        try:
            return await store.save(after, before)
        except Conflict:
            continue
    raise Refused(ProblemKind.CONFLICT, "It keeps changing. Load it again.")
