"""`reachpoint quarantine`: what could not be taken, why, where it stood, its bytes, and taking it again."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.asked import Call, called
from service.terminal import FAULTS, err, out, run, show_json, show_rows, table

if TYPE_CHECKING:
    from service.settings import Settings
    from streams.kafka_policy import KafkaPolicy
    from streams.messages import QuarantineItem
    from streams.valkey_desk import ValkeyDesk

quarantine = typer.Typer(help="Records that could not be taken.", no_args_is_help=True)
_MOST_SHOWN_BYTES = 4096


@quarantine.command("list")
@called
def list_items(
    call: Call,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 50,
    state: Annotated[str, typer.Option(help="open or replayed.")] = "open",
) -> None:
    """What waits, newest first: id, feed, reason, place, how often. Shows no content."""
    from domain.errors import ConfigError
    from service.wiring import reach_store
    from streams.valkey_desk import ValkeyDesk

    settings = call.settings()

    async def work() -> None:
        if state not in {"open", "replayed"}:
            raise ConfigError(f"'{state}' is no state; there are open and replayed.")
        async with reach_store(settings) as client:
            items = await ValkeyDesk(client).quarantined(limit, state)
        rows = [
            (
                item.item_id,
                item.feed.value,
                item.reason.value,
                item.source,
                item.where.record,
                " ".join(part for part in (item.where.segment, item.where.field) if part),
                item.count,
                item.last_at.isoformat(timespec="seconds") if item.last_at else "",
            )
            for item in items
        ]
        columns = ["id", "feed", "reason", "source", "record", "place", "times", "last"]
        show_rows(f"{len(rows)} in quarantine", columns, rows, json=call.json, right=["record", "times"])

    run(work)


@quarantine.command("show")
@called
def show_item(
    call: Call,
    item_id: Annotated[str, typer.Argument(help="The id, or enough of its beginning.")],
) -> None:
    """One record with its bytes. These may be personal: this is for whoever may see the feed."""
    from service.wiring import reach_store
    from streams.valkey_desk import ValkeyDesk

    settings = call.settings()

    async def work() -> int:
        async with reach_store(settings) as client:
            item = await _find(ValkeyDesk(client), item_id)
        if item is None:
            err.print("There is no such record.")
            return FAULTS
        shown = item.raw[:_MOST_SHOWN_BYTES].replace(b"\r", b"\n").decode("utf-8", "backslashreplace")
        facts = {
            "id": item.item_id,
            "feed": item.feed.value,
            "reason": item.reason.value,
            "detail": item.detail,
            "source": f"{item.channel} {item.source}".strip(),
            "record": item.where.record,
            "segment": item.where.segment,
            "field": item.where.field,
            "bytes": len(item.raw),
            "times": item.count,
            "state": item.state,
        }
        if call.json:
            show_json({**facts, "content": shown})
        else:
            out.print(table("Quarantined record", ["what", "value"], facts.items()))
            out.print(shown, markup=False, highlight=False)
        return 0

    raise typer.Exit(run(work))


@quarantine.command("replay")
@called
def replay_items(
    call: Call,
    item_ids: Annotated[list[str] | None, typer.Argument(help="Ids; with --all none.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is open.")] = False,
    reason: Annotated[str | None, typer.Option(help="With --all: only this reason.")] = None,
) -> None:
    """Take records again, after the sender, a mapping or the product has been mended."""
    from domain.clock import SystemClock
    from service.engines import opened
    from service.feeding import Feeding
    from service.wiring import policies_of, reach_store
    from streams.feeds.receipts import Receipt
    from streams.intake import GroupCommit
    from streams.valkey_desk import ValkeyDesk

    settings = call.settings()

    async def work() -> int:
        policies = policies_of(settings)
        async with reach_store(settings) as client, opened(client, policies) as engine:
            desk, transport = ValkeyDesk(client), engine.transport
            intake = GroupCommit(engine.door, SystemClock())
            intake.start()
            feeding = Feeding(intake, policies, SystemClock())
            found = (
                await desk.quarantined(10_000) if everything else [await _find(desk, each) for each in item_ids or []]
            )
            items = [item for item in found if item is not None and reason in {None, item.reason.value}]
            taken = 0
            for item in items:
                receipts = await feeding.replay(item, transport)
                if all(receipt.kind is not Receipt.QUARANTINED for receipt in receipts):
                    await desk.mark_replayed(item.item_id, receipts[0].event_id if receipts else None)
                    taken += 1
                else:
                    err.print(f"{item.item_id}: still {receipts[0].reason}: {receipts[0].detail}", markup=False)
            await intake.stop()
        if call.json:
            show_json({"tried": len(items), "taken": taken})
        else:
            out.print(f"{taken} of {len(items)} taken.")
        return 0 if taken == len(items) and items else FAULTS

    raise typer.Exit(run(work))


@quarantine.command("messages")
@called
def list_messages(
    call: Call,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were sent back.")] = False,
) -> None:
    """Whole messages of Kafka's that a worker could not handle, with why and where from. Shows no content."""
    from service.wiring import reach_store
    from streams.kafka_aside import AsideDesk

    settings = call.settings()

    async def work() -> None:
        async with reach_store(settings) as client:
            found = await AsideDesk(client, _kafka_of(settings)).waiting(also_sent_back=everything)
        rows = [
            (
                one.offset,
                one.why,
                f"{one.topic} {one.partition}/{one.came_as}",
                one.size,
                one.worker,
                one.at.isoformat(timespec="seconds") if one.at else "",
                one.sent_back_at.isoformat(timespec="seconds") if one.sent_back_at else "",
            )
            for one in found
        ]
        columns = ["number", "why", "from", "bytes", "worker", "set aside", "sent back"]
        show_rows(f"{len(rows)} messages set aside", columns, rows, json=call.json, right=["number", "bytes"])

    run(work)


@quarantine.command("send-back")
@called
def send_back(
    call: Call,
    numbers: Annotated[list[int] | None, typer.Argument(help="As `messages` shows them; with --all none.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not sent back yet.")] = False,
) -> None:
    """Send messages of Kafka's back to where they came from, after the fault has been mended. Nothing is done twice."""
    from domain.clock import SystemClock
    from domain.errors import ConfigError
    from service.wiring import reach_store
    from streams.kafka_aside import AsideDesk
    from streams.kafka_producer import KafkaProducer

    settings = call.settings()
    if bool(numbers) == everything:
        raise ConfigError("Name the messages by their numbers, or say --all.")

    async def work() -> int:
        kafka = _kafka_of(settings)
        producer = KafkaProducer(kafka)
        async with reach_store(settings) as client:
            await producer.start()
            try:
                chosen = None if everything else numbers
                sent = await AsideDesk(client, kafka).send_back(producer, SystemClock().now(), chosen)
            finally:
                await producer.stop()
        missing = sorted(set(numbers or ()) - {one.offset for one in sent})
        if call.json:
            show_json({"sent_back": [one.offset for one in sent], "missing": missing})
        else:
            out.print(f"{len(sent)} sent back.")
        if missing:
            err.print(f"Not there (any more): {', '.join(map(str, missing))}.")
        return FAULTS if missing else 0

    raise typer.Exit(run(work))


def _kafka_of(settings: "Settings") -> "KafkaPolicy":
    """Raises ConfigError on the embedded engine, which has no such topic."""
    from domain.errors import ConfigError
    from service.kafka import kafka_policy

    policy = kafka_policy(settings)
    if policy is None:
        raise ConfigError("The embedded engine sets no messages aside: `reachpoint quarantine list` shows everything.")
    return policy


async def _find(desk: "ValkeyDesk", start: str) -> "QuarantineItem | None":
    exact = await desk.quarantine_item(start)
    if exact is not None:
        return exact
    alike = [item for item in await desk.quarantined(10_000) if item.item_id.startswith(start)]
    return alike[0] if len(alike) == 1 else None
