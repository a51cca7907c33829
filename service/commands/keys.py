"""`reachpoint keys`: API keys with roles. A key is shown once, when it is made; only its hash is kept."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.commands.asked import Call, called
from service.terminal import FAULTS, err, out, run, show_json, show_rows

keys = typer.Typer(help="API keys.", no_args_is_help=True)


@keys.command("create")
@called
def create(
    call: Call,
    name: Annotated[str, typer.Argument(help="Whose key it is, in words that people will recognise.")],
    role: Annotated[
        str,
        typer.Option(help="feed, navigator, supervisor, analyst, dashboard, operator, gatekeeper or auditor."),
    ],
    feed: Annotated[str | None, typer.Option(help="For role feed: police, intelligence, ed or programme.")] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="For role feed: a source system that it may speak for (HL7: MSH-3); may be repeated."),
    ] = None,
    navigator: Annotated[str | None, typer.Option(help="For role navigator: the navigator's id.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="The key ends after so many days.")] = None,
) -> None:
    """Make a key and show it, once."""
    from api.keys import AccessRole, Grant, key_from, new_secret
    from api.valkey import ValkeyKeyStore
    from domain.errors import ConfigError
    from domain.ids import NavigatorId
    from domain.kinds import Feed
    from service.commands.feeds import FEEDS
    from service.wiring import reach_store

    settings = call.settings()

    async def work() -> None:
        if role not in {each.value for each in AccessRole}:
            raise ConfigError(f"'{role}' is no role; there are {', '.join(each.value for each in AccessRole)}.")
        if feed is not None and feed not in FEEDS:
            raise ConfigError(f"'{feed}' is no feed; there are police, intelligence, ed and programme.")
        now, secret = datetime.now(UTC), new_secret()
        grant = Grant(
            role=AccessRole(role),
            name=name,
            feed=Feed(FEEDS[feed]) if feed else None,
            systems=tuple(system or ()),
            navigator_id=NavigatorId(navigator) if navigator else None,
            expires_at=now + timedelta(days=days) if days else None,
        )
        key = key_from(secret, grant, now)
        async with reach_store(settings) as client:
            await ValkeyKeyStore(client).create(key)
        if call.json:
            show_json({"key_id": key.key_id, "key": secret, "role": role, "name": name})
        else:
            out.print(secret, markup=False)
            err.print(f"Key {key.key_id} for {name} ({role}). It is not shown again.", markup=False)

    run(work)


@keys.command("list")
@called
def list_keys(call: Call) -> None:
    """All keys: whose, what for, since when, last used. Shows no secret: none is kept."""
    from api.valkey import ValkeyKeyStore
    from service.wiring import reach_store

    settings = call.settings()

    async def work() -> None:
        async with reach_store(settings) as client:
            found = await ValkeyKeyStore(client).keys()
        columns = ["key_id", "name", "role", "bound to", "created", "expires", "revoked", "last used"]
        rows = [
            (
                key.key_id,
                key.grant.name,
                key.grant.role.value,
                (key.grant.feed.value if key.grant.feed else None) or key.grant.navigator_id,
                key.created_at.isoformat(timespec="seconds"),
                key.grant.expires_at.isoformat(timespec="seconds") if key.grant.expires_at else None,
                key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
                key.last_used_at.isoformat(timespec="seconds") if key.last_used_at else None,
            )
            for key in found
        ]
        show_rows(f"{len(rows)} keys", columns, rows, json=call.json)

    run(work)


@keys.command("revoke")
@called
def revoke(
    call: Call,
    key_id: Annotated[str, typer.Argument(help="The id that `keys list` shows.")],
) -> None:
    """Make a key powerless at once."""
    from api.valkey import ValkeyKeyStore
    from service.wiring import reach_store

    settings = call.settings()

    async def work() -> int:
        async with reach_store(settings) as client:
            done = await ValkeyKeyStore(client).revoke(key_id, datetime.now(UTC))
        if call.json:
            show_json({"key_id": key_id, "revoked": done})
        else:
            out.print("Revoked." if done else "There is no such key.")
        return 0 if done else FAULTS

    raise typer.Exit(run(work))
