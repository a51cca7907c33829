"""The child of `ProcessSender`: Apprise in a process of its own. One JSON object a line in, one a line out.

The first line in is the policy (it holds secrets, so it is no argument); the first line out says whether it can be
used. It ends when its input does: when the parent closes it, or dies.
"""

import asyncio
import os
import signal
import ssl
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from alerts.model import Channel
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.senders.ports import Accepted, OutMessage, Refused, SendResult
from domain.errors import ConfigError

if TYPE_CHECKING:
    from alerts.senders.apprise_sender import AppriseSender

_LINE_LIMIT = 1 << 20


class Job(msgspec.Struct):
    """A message to send, with the number that its answer carries."""

    number: int
    channel: Channel
    to: str
    subject: str
    body: str
    key: str


class Answer(msgspec.Struct, omit_defaults=True):
    """What became of a job: `accepted`, `refused` or `unknown`."""

    number: int
    result: str
    provider_id: str = ""
    reason: str = ""
    recoverable: bool = True


class Start(msgspec.Struct):
    """The policy as it is handed down."""

    urls: dict[Channel, str]
    timeout_s: float
    workers: int
    name: str


def answer_of(number: int, result: SendResult) -> Answer:
    """A result as it travels."""
    if isinstance(result, Accepted):
        return Answer(number, "accepted", provider_id=result.provider_id)
    if isinstance(result, Refused):
        return Answer(number, "refused", reason=result.reason.value, recoverable=result.recoverable)
    return Answer(number, "unknown", reason=result.reason.value)


def keep_trust_store() -> None:
    """Read the certificates of the machine once in each sending thread, not for every mail.

    Apprise makes a new TLS context for each mail, 21 of its 22 ms (limits.md part B section 6). A thread belongs to
    one channel and so to one URL with one way of verifying: what it keeps is never shared with another. Done here and
    nowhere else, because this process does nothing but send.
    """
    fresh, kept = ssl.create_default_context, threading.local()

    def once(*args: Any, **words: Any) -> ssl.SSLContext:
        contexts: dict[Any, ssl.SSLContext] = kept.__dict__.setdefault("contexts", {})
        asked = (args, tuple(sorted(words.items())))
        if asked not in contexts:
            contexts[asked] = fresh(*args, **words)
        return contexts[asked]

    ssl.create_default_context = once


async def _serve() -> int:
    from alerts.senders.apprise_sender import AppriseSender  # noqa: PLC0415 - the parent reads this module, without Apprise

    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    start = msgspec.json.decode(await reader.readline(), type=Start)
    try:
        sender = AppriseSender(
            ApprisePolicy(
                urls=start.urls,
                timeout=timedelta(seconds=start.timeout_s),
                workers=start.workers,
                name=start.name,
            )
        )
    except ConfigError as error:
        _say({"fault": str(error)})
        return 2
    _say({"ready": True})
    under_way: set[asyncio.Task[None]] = set()
    while line := await reader.readline():
        task = asyncio.create_task(_send(sender, msgspec.json.decode(line, type=Job)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way)
    sender.close()
    return 0


async def _send(sender: "AppriseSender", job: Job) -> None:
    result = await sender.send(OutMessage(job.channel, job.to, job.subject, job.body, job.key))
    _say(answer_of(job.number, result))


def _say(value: Any) -> None:
    try:
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(0)  # the parent is dead: nobody is left to answer, and its successor sends again


def main() -> None:
    """Serve until the input ends. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_trust_store()
    sys.exit(asyncio.run(_serve()))


if __name__ == "__main__":
    main()
