"""How a command of the rule book reaches the desk, does one thing there and tells what came of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import typer

from service.commands.asked import Call
from service.commands.rules_shown import print_standing, tell_refusal
from service.terminal import FAULTS, run, show_json

if TYPE_CHECKING:
    from triggers.lifecycle_desk import RuleDesk
    from triggers.lifecycle_values import Person, Refusal, Standing

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class At:
    """The desk, who acts at it, and what the settings pin."""

    desk: "RuleDesk"
    person: "Person"
    pinned: bool


@asynccontextmanager
async def at_desk(call: Call, *, takes_two: bool = False) -> AsyncIterator[At]:
    """The desk on the store of the settings; `takes_two` for one half of what takes two people.

    Raises ConfigError and NotAllowed as `acting` does.
    """
    from api.keys import AccessRole
    from domain.clock import SystemClock
    from service.commands.acting import acting
    from service.rulebook import ensure_book
    from service.rulebook_keeping import rule_book, rule_desk
    from service.wiring import reach_store, reference_secret
    from triggers.loading import load_rules_file

    settings, clock = call.settings(), SystemClock()
    pinned = load_rules_file(settings.rules.file) if settings.rules.file else None
    async with reach_store(settings) as client:
        if pinned is None:
            await ensure_book(rule_book(client), clock.now(), offer=False)
        person = await acting(client, call.as_key, AccessRole.SUPERVISOR, clock.now(), takes_two=takes_two)
        yield At(rule_desk(client, clock, pinned=pinned, secret=reference_secret(settings)), person, pinned is not None)


def ask(call: Call, what: Callable[[At], Awaitable[_T]], tell: Callable[[_T], int], *, takes_two: bool = False) -> None:
    """Do one thing to the book and tell what came of it; the exit status is what `tell` answers. A refusal is told with
    all that is missing: status 1."""
    from triggers.lifecycle_desk import RuleRefused

    async def work() -> int:
        async with at_desk(call, takes_two=takes_two) as at:
            try:
                done = await what(at)
            except RuleRefused as refused:
                tell_refusal(refused, json=call.json)
                return FAULTS
        return tell(done)

    raise typer.Exit(run(work))


def act(call: Call, what: Callable[[At], Awaitable["Standing"]], *, takes_two: bool = False) -> None:
    """Do one thing to a version and tell where it stands then."""

    async def stands(at: At) -> "tuple[Standing, tuple[Refusal, ...]]":
        standing = await what(at)
        return standing, await at.desk.missing(standing.number) if standing.live_since is None else ()

    def tell(found: "tuple[Standing, tuple[Refusal, ...]]") -> int:
        standing, missing = found
        if call.json:
            show_json({"version": standing, "missing": missing})
        else:
            print_standing(standing, [each.value for each in missing])
        faults = standing.check is not None and (standing.check.faults or standing.check.failed)
        return FAULTS if faults else 0

    ask(call, stands, tell, takes_two=takes_two)


async def number_of(at: At, number: int | None) -> int:
    """That version, or the live one. Raises NotFound where none is live."""
    from domain.errors import NotFound

    live = (await at.desk.book()).head.live
    if number is None and live is None:
        raise NotFound("No version is live.")
    return number or live or 0
