"""Sending in a process of its own: a slow, hungry or broken provider's plug-in cannot hold up recognising and deciding.

Apprise takes about 22 ms of CPU for an e-mail (limits.md part B section 6); in a thread beside the engine that time is
the engine's. The child is started again when it dies; what it had not answered is Unknown, because it may have left.
"""

import asyncio
import contextlib
import sys
from datetime import timedelta

import msgspec
import structlog

from alerts.model import FailureReason
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.senders.ports import Accepted, OutMessage, Refused, SendResult, Unknown
from alerts.senders.sender_process import Answer, Job, Start
from domain.errors import ConfigError

log = structlog.get_logger("reachpoint.sender")

_SLACK = timedelta(seconds=5)
"""How much longer than its own timeout the child may take to answer before the parent gives up on it."""
_START_WITHIN = timedelta(seconds=30)
_LINE_LIMIT = 1 << 20
_decoder = msgspec.json.Decoder(Answer)


class ProcessSender:
    """Sender over an AppriseSender in a child process. `start` it inside the running loop; `close` it at the end."""

    def __init__(self, policy: ApprisePolicy) -> None:
        self._policy = policy
        self._child: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[SendResult]] = {}
        self._number = 0
        self._starting = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Start the child. Raises ConfigError, without the URL, where a channel's URL cannot be used."""
        async with self._starting:
            if self._alive() or self._closed:
                return
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "alerts.senders.sender_process",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LINE_LIMIT,
            )
            assert child.stdin is not None and child.stdout is not None
            policy = self._policy
            start = Start(dict(policy.urls), policy.timeout.total_seconds(), policy.workers, policy.name)
            child.stdin.write(msgspec.json.encode(start) + b"\n")
            try:
                first = await asyncio.wait_for(child.stdout.readline(), _START_WITHIN.total_seconds())
            except TimeoutError:
                child.kill()
                first = b""
            said = msgspec.json.decode(first) if first else {"fault": "The sender process ended while starting."}
            if "fault" in said:
                child.stdin.close()
                await child.wait()
                raise ConfigError(str(said["fault"]))
            self._child = child
            self._reading = asyncio.create_task(self._read(child), name="sender")

    async def send(self, message: OutMessage) -> SendResult:
        """See Sender. A child that has died is started again first; one that is silent too long leaves it Unknown."""
        if not self._alive():
            try:
                await self.start()
            except (ConfigError, OSError):
                return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
        child = self._child
        if self._closed or child is None or child.stdin is None:
            return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
        self._number += 1
        number = self._number
        answer: asyncio.Future[SendResult] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        job = Job(number, message.channel, message.to, message.subject, message.body, message.idempotency_key)
        try:
            child.stdin.write(msgspec.json.encode(job) + b"\n")
            await child.stdin.drain()
            return await asyncio.wait_for(answer, (self._policy.timeout + _SLACK).total_seconds())
        except TimeoutError:
            return Unknown()
        except (ConnectionError, OSError):
            return Unknown()  # the pipe broke after the write began: it may have been read
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Let what is under way end, then end the child."""
        self._closed = True
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), (self._policy.timeout + _SLACK).total_seconds())
        except TimeoutError:
            child.kill()
            await child.wait()
        if self._reading:
            await self._reading

    def _alive(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        with contextlib.suppress(ConnectionError):
            while line := await child.stdout.readline():
                answer = _decoder.decode(line)
                waiting = self._waiting.get(answer.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(_result(answer))
        await child.wait()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(Unknown())
        if not self._closed:
            log.error("the sender process died and will be started again", action="sender_died", code=child.returncode)


def _result(answer: Answer) -> SendResult:
    match answer.result:
        case "accepted":
            return Accepted(answer.provider_id)
        case "refused":
            return Refused(FailureReason(answer.reason), recoverable=answer.recoverable)
        case _:
            return Unknown()
