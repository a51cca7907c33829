"""A worker process for the tests of the guard: reads numbered messages, notes those that it has done, fails as told.

`python -m tests.kafka.agent_process BOOTSTRAP PREFIX NOTES FAULT`, where NOTES is a file that gets a line for each
message done, and FAULT is none, raise:5, raise-unguarded:5, raise-unsafe:5 or hang:5.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from streams.distributed import FaustEngine, Lane, SetAside
from streams.faust_app import build_app
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer
from streams.kafka_work import Message


async def run(policy: KafkaPolicy, notes: Path, fault: str) -> None:
    """Work until killed."""
    what, _, which = fault.partition(":")

    async def handle(messages: Sequence[Message]) -> None:
        for message in messages:
            number = message.value.decode()
            if number == which:
                if what == "hang":
                    await asyncio.Event().wait()
                raise ValueError("told to fail")
            with notes.open("a") as file:
                file.write(number + "\n")

    async def refuse(message: Message, fault: Exception) -> None:
        raise OSError("nowhere to set it aside")

    producer = KafkaProducer(policy)
    await producer.start()
    folder = notes.parent / f"faust-{os.getpid()}"
    if what == "raise-unguarded":
        app = build_app(policy, folder)
        topic = app.topic(policy.events, key_serializer="raw", value_serializer="raw", value_type=bytes)

        async def carry(stream: object) -> None:
            async for event in stream.events():  # type: ignore[attr-defined]
                await handle([_bare(event.message)])

        app.agent(topic, name="carry")(carry)
        app.finalize()
        await app.start()
    else:
        set_aside = refuse if what == "raise-unsafe" else SetAside(producer, policy, "test")
        await FaustEngine(policy, [Lane("carry", [policy.events], handle)], set_aside, folder=folder).start()
    await asyncio.Event().wait()


def _bare(message: object) -> Message:
    return Message("", 0, getattr(message, "offset", 0), getattr(message, "value", b""))


if __name__ == "__main__":
    bootstrap, prefix, notes, fault = sys.argv[1:]
    chosen = KafkaPolicy(bootstrap=bootstrap, prefix=prefix, copies=1, copies_in_sync=1, session=timedelta(seconds=6))
    asyncio.run(run(chosen, Path(notes), fault))
