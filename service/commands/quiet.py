"""`reachpoint snooze | breakers | rule-watch`: what is quiet and what floods, from the machine itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.asked import AsKey, Call, called, called_by
from service.terminal import FAULTS, Config, Data, err, london, out, run, show_json, table

if TYPE_CHECKING:
    from alerts.snooze import Maker, Snooze
    from service.local_quiet import LocalQuiet

snooze = typer.Typer(help="Keep one rule quiet for one person, until an end and for a reason.", no_args_is_help=True)
breakers = typer.Typer(help="Flood breakers: who gets too much, and what waits in the digest.", no_args_is_help=True)

SnoozeId = Annotated[str, typer.Argument(help="The id, or enough of its beginning.")]
Reason = Annotated[str, typer.Option(help="Why; kept and shown. No name and no number.")]


@dataclass(frozen=True, slots=True)
class _At:
    quiet: "LocalQuiet"
    by: "Maker"


@snooze.command("add")
@called_by
def add(
    call: Call,
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    member: Annotated[str, typer.Argument(help="The person's member id.")],
    reason: Reason,
    until: Annotated[str | None, typer.Option(help="Its last day, London time: 2026-05-01.")] = None,
    span: Annotated[str | None, typer.Option("--for", help="How long from now: 12h, 7d; at most 30d.")] = None,
    include_p1: Annotated[bool, typer.Option(help="Ask that P1 be quiet too: takes a second person.")] = False,
) -> None:
    """Keep a rule quiet for a person, at most 30 days. Whatever it holds back is recorded; a P1 comes through."""
    from domain.errors import ConfigError
    from domain.ids import MemberId, RuleId
    from triggers.language import span_of

    async def work() -> None:
        try:
            day, length = date.fromisoformat(until) if until else None, span_of(span) if span else None
        except ValueError as error:
            raise ConfigError(f"{error}.") from None
        async with _at(call, takes_two=include_p1) as at:
            made = await at.quiet.desk.make(
                RuleId(rule),
                MemberId(member),
                by=at.by,
                reason=reason,
                until=day,
                span=length,
                asks_p1=include_p1,
            )
            _tell(made, at.quiet.now(), json=call.json)

    run(work)


@snooze.command("list")
@called
def list_snoozes(
    call: Call,
    over: Annotated[bool, typer.Option("--all", help="Also those that are over, for 90 days.")] = False,
) -> None:
    """Which rules are quiet for whom, until when, by whom."""
    from api.quiet import snooze_shown

    async def work() -> None:
        async with _at(call) as at:
            now = at.quiet.now()
            shown = [snooze_shown(one, one.state_at(now)) for one in await at.quiet.snoozes(over=over)]
        found = [one for one in shown if over or one.state.value == "active"]
        if call.json:
            show_json(found)
            return
        rows = [
            (
                one.snooze_id[:12],
                one.rule_id,
                one.member_id,
                one.state.value,
                london(one.ends_at),
                one.by,
                "quiet" if one.quiets_p1 else "awaits a second person" if one.awaits_second else "comes through",
            )
            for one in found
        ]
        columns = ["id", "rule", "person", "state", "ends (London)", "by", "P1"]
        out.print(table(f"{len(rows)} snoozes", columns, rows))

    run(work)


@snooze.command("show")
@called
def show_snooze(call: Call, snooze_id: SnoozeId) -> None:
    """One snooze, and what it has held back: firings that were told to nobody because of it."""
    from api.quiet import snooze_shown

    async def work() -> None:
        async with _at(call) as at:
            known = {one.snooze_id: one for one in await at.quiet.snoozes(over=True)}
            found = known[await at.quiet.whole_id(snooze_id)]
            held = await at.quiet.held_back(found)
        view = snooze_shown(found, found.state_at(at.quiet.now()))
        if call.json:
            records = [
                {
                    "firing_id": one.trigger.firing_id,
                    "priority": one.trigger.priority,
                    "fired_at": one.trigger.fired_at,
                    "state": one.state,
                    "headline": one.trigger.headline,
                }
                for one in held
            ]
            show_json({"snooze": view, "held_back": records})
            return
        facts = [(name, getattr(view, name)) for name in view.__slots__]
        out.print(table("Snooze", ["what", "value"], facts))
        rows = [
            (london(one.trigger.fired_at), one.trigger.priority.value, one.state.value, one.trigger.headline)
            for one in held
        ]
        out.print(table(f"{len(rows)} held back", ["happened (London)", "priority", "state", "what"], rows))

    run(work)


@snooze.command("confirm")
@called_by
def confirm(call: Call, snooze_id: SnoozeId) -> None:
    """As the second person, agree that P1 is quiet too."""

    async def work() -> None:
        async with _at(call, takes_two=True) as at:
            done = await at.quiet.desk.confirm(await at.quiet.whole_id(snooze_id), by=at.by)
            _tell(done, at.quiet.now(), json=call.json)

    run(work)


@snooze.command("lift")
@called_by
def lift(call: Call, snooze_id: SnoozeId, reason: Reason) -> None:
    """End a snooze now. What it has held back stays listed."""

    async def work() -> None:
        async with _at(call) as at:
            done = await at.quiet.desk.lift(await at.quiet.whole_id(snooze_id), by=at.by, reason=reason)
            _tell(done, at.quiet.now(), json=call.json)

    run(work)


@breakers.command("list")
@called
def list_breakers(call: Call) -> None:
    """Which rules and navigators flood, and how many rounds of messages wait in the digest."""

    async def work() -> None:
        async with _at(call) as at:
            found = await at.quiet.breakers()
        if call.json:
            show_json(found)
            return
        rows = [
            (
                str(one.kind.value),
                one.name,
                "open" if one.open else "closed",
                one.came,
                one.limit,
                one.held,
                one.held_p1,
            )
            for one in found
        ]
        columns = ["of", "rule or navigator", "breaker", "this hour", "limit", "held today", "of them P1"]
        out.print(table(f"{sum(one.open for one in found)} open", columns, rows, right=columns[3:]))

    run(work)


@breakers.command("close")
def close_breaker(
    kind: Annotated[str, typer.Argument(help="rule or navigator.")],
    name: Annotated[str, typer.Argument(help="The rule's or navigator's id.")],
    reason: Reason,
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Let messages through again, counting anew from now."""
    from alerts.breaker import FloodKey
    from domain.errors import ConfigError

    async def work() -> None:
        try:
            key = FloodKey.parse(f"{kind}:{name}")
        except ValueError:
            raise ConfigError(f"'{kind}' has no breaker; there are rule and navigator.") from None
        async with _at(Call(config, data, as_key=as_key)) as at:
            await at.quiet.close_breaker(key, by=at.by, reason=reason)
        out.print("Closed: counting begins anew.")

    run(work)


@called
def rule_watch(call: Call) -> None:
    """Hold every live rule against its forecast. Exit status 1 if one is far too quiet, far too loud, or not judged."""
    from api.quiet_ports import WatchVerdict

    async def work() -> int:
        async with _at(call) as at:
            found, faults = await at.quiet.rule_watch(), await at.quiet.rule_faults()
        if call.json:
            show_json(found)
        else:
            rows = [
                (
                    one.name,
                    one.verdict.value.replace("_", " "),
                    "" if one.per_week is None else f"{one.per_week:.1f}",
                    one.source,
                    one.last_week,
                    one.last_day,
                )
                for one in found
            ]
            columns = ["rule", "stands", "a week, forecast", "from", "last week", "last day"]
            out.print(table(f"{len(rows)} rules and groups", columns, rows, right=["last week", "last day"]))
            for fault in faults:
                err.print(fault.words, markup=False)
        off = any(one.verdict in {WatchVerdict.QUIET, WatchVerdict.FLOODING} for one in found)
        return FAULTS if off or faults else 0

    raise typer.Exit(run(work))


@asynccontextmanager
async def _at(call: Call, *, takes_two: bool = False) -> AsyncIterator[_At]:
    """The desk, and who acts; `takes_two` for one half of what takes two people."""
    from alerts.snooze import Maker
    from api.keys import AccessRole
    from domain.clock import SystemClock
    from domain.ids import NavigatorId
    from service.commands.acting import acting
    from service.local_quiet import LocalQuiet
    from service.wiring import policies_of, reach_store

    settings, clock = call.settings(), SystemClock()
    policies = policies_of(settings)
    async with reach_store(settings) as client:
        person = await acting(client, call.as_key, AccessRole.SUPERVISOR, clock.now(), takes_two=takes_two)
        navigator = None if ":" in person.who else NavigatorId(person.who)
        yield _At(await LocalQuiet(client, policies, clock).begin(), Maker(person.who, person.role, navigator))


def _tell(found: "Snooze", now: datetime, *, json: bool) -> None:
    from api.quiet import snooze_shown

    view = snooze_shown(found, found.state_at(now))
    if json:
        show_json(view)
        return
    p1 = (
        "quiet too"
        if view.quiets_p1
        else "quiet once a second person agrees"
        if view.awaits_second
        else "comes through"
    )
    out.print(
        f"{view.snooze_id[:12]}: {view.rule_id} for {view.member_id} is {view.state.value}, "
        f"until {london(found.over_at)} (London); P1 {p1}.",
        markup=False,
    )
