"""The demo's hospitals and police systems: clients that send as real ones do, and keep what they were answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

_START, _END = b"\x0b", b"\x1c\r"
_WINDOW = 32  # messages under way on one connection before the oldest must be answered
_HTTP_BATCH = 50


@dataclass(slots=True)
class Answers:
    """What the receivers said."""

    results: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


class Pace:
    """Not faster than so many messages a second over all senders, so that latency is that of a live day."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._start = time.monotonic()
        self._sent = 0
        self._free = asyncio.Event()
        self._free.set()

    def hold(self, held: bool) -> None:
        """Send nothing for now, or go on; what was not sent meanwhile is not made up for."""
        if held:
            self._free.clear()
        elif not self._free.is_set():
            self._start = max(self._start, time.monotonic() - self._sent / self._per_second)
            self._free.set()

    async def wait(self, messages: int = 1) -> None:
        """Until it is time for the next ones."""
        await self._free.wait()
        self._sent += messages
        ahead = self._start + self._sent / self._per_second - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)


async def send_mllp(port: int, messages: Sequence[bytes], pace: Pace, advance: Callable[[int], None]) -> Answers:
    """Send HL7 over one MLLP connection with a window of unanswered messages; every answer is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = Answers()
    window = asyncio.Semaphore(_WINDOW)

    async def listen() -> None:
        for _ in messages:
            frame = await reader.readuntil(_END)
            code = _field(frame, b"MSA", 1)
            answers.results[code] += 1
            if code != "AA":
                answers.reasons[_field(frame, b"MSA", 6) or code] += 1
            window.release()
            advance(1)

    listening = asyncio.create_task(listen())
    for message in messages:
        await pace.wait()
        await window.acquire()
        writer.write(_START + message + _END)
        await writer.drain()
    await listening
    writer.close()
    await writer.wait_closed()
    return answers


def _field(frame: bytes, segment: bytes, number: int) -> str:
    for line in frame.split(b"\r"):
        parts = line.split(b"|")
        if parts[0].strip(_START) == segment and len(parts) > number:
            return parts[number].decode()
    return ""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a feed is posted to, and with which key."""

    url: str
    key: str = field(repr=False)


async def send_http(door: Door, records: Sequence[bytes], pace: Pace, advance: Callable[[int], None]) -> Answers:
    """Post records in small NDJSON batches over one kept-alive connection; every item's answer is counted."""
    answers = Answers()
    headers = {"Authorization": f"Bearer {door.key}", "Content-Type": "application/x-ndjson"}
    async with httpx.AsyncClient(timeout=30.0, headers=headers) as client:
        for start in range(0, len(records), _HTTP_BATCH):
            batch = records[start : start + _HTTP_BATCH]
            await pace.wait(len(batch))
            response = await client.post(door.url, content=b"\n".join(batch))
            response.raise_for_status()
            for item in response.json()["items"]:
                answers.results[item["result"]] += 1
                if item.get("reason"):
                    answers.reasons[item["reason"]] += 1
            advance(len(batch))
    return answers
