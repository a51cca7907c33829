"""A hospital and record systems that send as real ones do: in order, again until answered, keeping every answer.

Each sender keeps its own order; a message about a watched person also waits until earlier ones about the same people
are answered at the other doors. So the order in which a person's events are accepted is the same in every run, however
often the service dies, and the runs can be compared alert by alert, reference by reference.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import httpx

from domain.kinds import Feed
from domain.people import CohortMember
from fixtures.force import Force
from fixtures.tellings import Message
from tests.e2e.service_process import Doors

_START, _END = b"\x0b", b"\x1c\r"
_WINDOW = 16  # messages under way on the MLLP connection
_BATCH = 20  # records in one HTTP request


@dataclass(slots=True)
class Item:
    """One message on its way: how often it was sent, and what was answered ('' while nothing was)."""

    message: Message
    waits_for: tuple["Item", ...]
    sent: int = 0
    answer: str = ""


@dataclass(slots=True)
class Load:
    """The senders of all feeds. Make it once; `run` it against each life of the service."""

    items: list[Item]
    keys: dict[Feed, str] = field(repr=False)
    answers: Counter[str] = field(default_factory=Counter)
    lives_on: bool = False  # the service outlives whatever befalls it: a sender whose line breaks comes again
    refused: int = 0  # answers that promised nothing: 503, AE
    broken: list[str] = field(default_factory=list)  # lines that broke, and how
    _lines: dict[Feed, list[Item]] = field(default_factory=dict)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _gone: bool = False

    def __post_init__(self) -> None:
        for item in self.items:
            self._lines.setdefault(item.message.feed, []).append(item)

    @property
    def done(self) -> bool:
        return not any(self._lines.values())

    @property
    def unanswered(self) -> int:
        """Messages that were sent and not answered: their senders do not know whether they were taken."""
        return sum(1 for item in self.items if item.sent and not item.answer)

    @property
    def acknowledged(self) -> list[Message]:
        return [item.message for item in self.items if item.answer in {"accepted", "duplicate", "AA"}]

    async def run(self, doors: Doors, *, per_second: float) -> None:
        """Send what is left, at about that pace over all feeds, until done or until the service is gone."""
        total = sum(map(len, self._lines.values())) or 1
        self._gone = False
        await asyncio.gather(
            *(
                (self._by_mllp if feed is Feed.ED else self._by_http)(doors, feed, per_second * len(line) / total)
                for feed, line in self._lines.items()
                if line
            )
        )

    def _ready(self, line: list[Item], skip: int, most: int) -> list[Item]:
        """The next ones that need not wait for another door's answer."""
        taken: list[Item] = []
        for item in line[skip : skip + most]:
            if any(not other.answer for other in item.waits_for):
                break
            taken.append(item)
        return taken

    async def _news(self) -> None:
        """Until somebody was answered, or the service is gone."""
        self._bell.clear()
        await self._bell.wait()

    def _settle(self, line: list[Item], answer: str) -> None:
        item = line.pop(0)
        item.answer = answer
        self.answers[answer] += 1
        self._bell.set()

    def _lost(self, how: BaseException) -> None:
        """A line broke: the service is gone for all senders, unless it lives on."""
        self.broken.append(type(how).__name__)
        self._gone = not self.lives_on
        self._bell.set()

    async def _by_http(self, doors: Doors, feed: Feed, per_second: float) -> None:
        line = self._lines[feed]
        headers = {"Authorization": f"Bearer {self.keys[feed]}", "Content-Type": "application/x-ndjson"}
        async with httpx.AsyncClient(timeout=30.0, headers=headers) as client:
            while line and not self._gone:
                batch = self._ready(line, 0, _BATCH)
                if not batch:
                    await self._news()
                    continue
                for item in batch:
                    item.sent += 1
                try:
                    body = b"\n".join(item.message.payload for item in batch)
                    response = await client.post(f"{doors.api}/v1/feeds/{feed.value}/events", content=body)
                except httpx.HTTPError as error:
                    self._lost(error)
                    await asyncio.sleep(0.1)
                    continue
                await self._read_answers(response, line)
                await asyncio.sleep(len(batch) / per_second)

    async def _read_answers(self, response: httpx.Response, line: list[Item]) -> None:
        if response.status_code == 503:
            self.refused += 1
            await asyncio.sleep(0.1)
            return
        assert response.status_code == 200, f"{response.status_code}: {response.text[:300]}"
        for answer in response.json()["items"]:
            self._settle(line, answer["result"])

    async def _by_mllp(self, doors: Doors, feed: Feed, per_second: float) -> None:
        line = self._lines[feed]
        while line and not self._gone:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", doors.mllp_port)
            except OSError as error:
                self._lost(error)
                await asyncio.sleep(0.1)
                continue
            under_way: list[Item] = []
            listening = asyncio.create_task(self._listen(reader, line, under_way))
            try:
                await self._talk(writer, line, under_way, listening, per_second)
                await listening  # what was answered before the line broke counts
            except OSError:
                await listening
            finally:
                listening.cancel()
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _talk(
        self,
        writer: asyncio.StreamWriter,
        line: list[Item],
        under_way: list[Item],
        listening: "asyncio.Task[None]",
        per_second: float,
    ) -> None:
        while len(line) > len(under_way) and not listening.done():
            ready = self._ready(line, len(under_way), 1) if len(under_way) < _WINDOW else []
            if not ready:
                await self._news()
                continue
            ready[0].sent += 1
            under_way.append(ready[0])
            writer.write(_START + ready[0].message.payload + _END)
            await writer.drain()
            await asyncio.sleep(1 / per_second)

    async def _listen(self, reader: asyncio.StreamReader, line: list[Item], under_way: list[Item]) -> None:
        """Answers come in order. AE means: keep it and everything behind it, and come again."""
        try:
            while line:
                code = _code(await reader.readuntil(_END))
                if code == "AE":
                    self.refused += 1
                    await asyncio.sleep(0.1)
                    return
                under_way.pop(0)
                self._settle(line, code)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._lost(error)
        finally:
            self._bell.set()


def _code(frame: bytes) -> str:
    for segment in frame.split(b"\r"):
        if segment.startswith(b"MSA|"):
            return segment.split(b"|")[1].decode()
    return ""


def items_of(force: Force, messages: Sequence[Message]) -> list[Item]:
    """The messages in order, each waiting for the last ones about the same circle of people at other doors."""
    circle = _circles(force.members)
    last: dict[tuple[str, Feed], Item] = {}
    items: list[Item] = []
    for message in messages:
        circles = {circle[member] for member in message.true_members}
        before = {
            id(other): other
            for name in circles
            for feed in Feed
            if feed is not message.feed and (other := last.get((name, feed))) is not None
        }
        item = Item(message, tuple(before.values()))
        for name in circles:
            last[name, message.feed] = item
        items.append(item)
    return items


def _circles(members: Iterable[CohortMember]) -> dict[str, str]:
    """Member to circle: people who share a household or are associates, directly or through others."""
    near: defaultdict[str, set[str]] = defaultdict(set)
    for member in members:
        for other in (*member.associates, *([f"household {member.household_id}"] if member.household_id else [])):
            near[member.member_id].add(other)
            near[other].add(member.member_id)
    circle: dict[str, str] = {}
    for member in members:
        name, reached = member.member_id, [member.member_id]
        while reached:
            one = reached.pop()
            if one not in circle:
                circle[one] = name
                reached += near[one]
    return circle
