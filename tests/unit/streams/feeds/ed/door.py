"""The listener on a real socket, an engine behind it that a test holds shut or breaks, and senders."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import hl7

from domain.clock import ManualClock
from domain.events import Event
from streams.feeds.ed import EdPolicy
from streams.feeds.ed_codes import EdCodes
from streams.feeds.mllp import MllpListener, MllpSettings
from streams.feeds.mllp_frames import END, framed
from streams.feeds.outcome import ParseResult, Rejected
from streams.feeds.receipts import Receipt
from tests.unit.streams.feeds.ed.messages import NOW, POLICY, adt


class Engine:
    """A door that keeps what it is given; a test may hold it shut or break it."""

    def __init__(self) -> None:
        self.taken: list[tuple[ParseResult, bytes]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.finished = 0

    async def submit(self, outcome: ParseResult, raw: bytes) -> Receipt:
        self.taken.append((outcome, raw))
        await self.open.wait()
        self.finished += 1
        if self.fault:
            raise self.fault
        return Receipt.QUARANTINED if isinstance(outcome, Rejected) else Receipt.ACCEPTED

    @property
    def keys(self) -> list[str]:
        return [outcome.source_key for outcome, _ in self.taken if isinstance(outcome, Event)]

    @property
    def refused(self) -> list[str]:
        return [outcome.reason.value for outcome, _ in self.taken if isinstance(outcome, Rejected)]


class Sender:
    """A hospital's end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[str, str]:
        """(MSA-1, MSA-2) of the next answer."""
        async with asyncio.timeout(5):
            frame = await self.reader.readuntil(END)
        assert frame.startswith(b"\x0b")
        msa = hl7.parse(frame[1:-2].decode()).segment("MSA")
        return str(msa[1]), str(msa[2]) if len(msa) > 2 else ""

    async def ask(self, message: str) -> tuple[str, str]:
        await self.send(framed(message.encode()))
        return await self.answer()

    async def closed(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read(1) == b""


Dial = Callable[[], Awaitable[Sender]]


@asynccontextmanager
async def listening(
    engine: Engine, *, codes: EdCodes = POLICY.codes, client_ssl: ssl.SSLContext | None = None, **changes: object
) -> AsyncIterator[tuple[MllpListener, Dial]]:
    listener = MllpListener(
        MllpSettings(port=0, **changes),  # type: ignore[arg-type]
        policy=EdPolicy(codes),
        submit=engine.submit,
        clock=ManualClock(NOW),
    )
    await listener.start()
    senders: list[Sender] = []

    async def dial() -> Sender:
        sender = Sender(*await asyncio.open_connection("127.0.0.1", listener.port, ssl=client_ssl))
        senders.append(sender)
        return sender

    try:
        yield listener, dial
    finally:
        engine.open.set()
        await listener.close()
        for sender in senders:
            sender.writer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the other side does in its own time."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not come true within five seconds")


def message(key: str, trigger: str = "A04") -> str:
    return adt(trigger, msh={10: key})
