"""`python -m tests.hot_path`: what one event costs on one core, step by step, beside a baseline of the same run.

Medians of processor time in microseconds, so that neighbours on a shared machine disturb little. The baselines are bare
typed decoding by msgspec (for parsing and reading back) and the `hl7` library (for ED messages). No figure fails a build.
"""

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeVar

import hl7
import msgspec

from cohort.follow import CohortFollower
from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.policy import MatchPolicy
from cohort.ports import StoreChanges
from domain.events import Event
from domain.kinds import Feed
from domain.people import CohortMember, Navigator
from fixtures.force import ForceSpec, generate
from streams import codec
from streams.feeds.border import RecordIn
from streams.feeds.border_values import border_hook
from streams.feeds.ed import EdPolicy, parse_ed
from streams.feeds.ed_codes import load_ed_codes
from streams.feeds.envelope import parse_record

NOW = datetime(2026, 11, 20, tzinfo=UTC)
Item = TypeVar("Item")


class Measured(NamedTuple):
    """One figure; `beside` says in words what the same run measured for comparison, '' where nothing."""

    name: str
    value: float
    unit: str
    beside: str = ""


def each(work: Callable[[Item], object], items: Sequence[Item], rounds: int = 7) -> float:
    """Microseconds of processor time an item: the median over the rounds, after one to warm up."""
    spans = []
    for _ in range(rounds + 1):
        began = time.process_time()
        for item in items:
            work(item)
        spans.append((time.process_time() - began) / len(items) * 1e6)
    return statistics.median(spans[1:])


def parsing(seed: int = 1) -> list[Measured]:
    """Parsing, writing down and reading back: police records, and ED messages that are events."""
    force = generate(ForceSpec(seed=seed, members=500, events=3_000, end=NOW, prevalence=0.02))
    record = partial(parse_record, feed=Feed.POLICE, received_at=NOW)
    ed = partial(parse_ed, received_at=NOW, channel="mllp", source="x", position=None, policy=EdPolicy(load_ed_codes()))
    police = [message.payload for message in force.messages if message.feed is Feed.POLICE]
    hospital = [message.payload for message in force.messages if message.feed is Feed.ED]
    police = [raw for raw in police if isinstance(record(raw), Event)]
    hospital = [raw for raw in hospital if isinstance(ed(raw), Event)]
    events = [event for raw in police if isinstance(event := record(raw), Event)]
    stored = [codec.encode(event) for event in events]
    bare = each(msgspec.json.Decoder(RecordIn, dec_hook=border_hook).decode, police)
    size = round(statistics.mean(map(len, police)))
    theirs = each(lambda raw: hl7.parse(raw.decode()), hospital[:100], rounds=3)
    revived = each(msgspec.json.Decoder(codec._StoredEvent).decode, stored)
    return [
        Measured(f"parse_record, {size} bytes", each(record, police), "us", f"msgspec alone {bare:.1f}"),
        Measured("parse_ed", each(ed, hospital), "us", f"hl7.parse alone {theirs:.1f}"),
        Measured("encode", each(codec.encode, events), "us"),
        Measured("content_digest", each(codec.content_digest, events), "us"),
        Measured("decode_event", each(codec.decode_event, stored), "us", f"msgspec alone {revived:.1f}"),
    ]


def recognising(members: int, strangers: int = 5_000, seed: int = 1) -> list[Measured]:
    """Building the index, and looking for people who are not in it (nearly all events)."""
    watched = generate(ForceSpec(seed=seed, members=members, events=0, end=NOW, cohort_only=True)).members
    others = generate(ForceSpec(seed=seed + 1, members=50, events=strangers, end=NOW, prevalence=0.01)).messages
    events = [
        _stranger(event)
        for message in others
        if message.feed is Feed.POLICE
        and isinstance(event := parse_record(message.payload, feed=Feed.POLICE, received_at=NOW), Event)
    ]
    built, index = _timed(lambda: CohortIndex.build(watched))
    gc.freeze()
    look = partial(match_event, index=index, policy=MatchPolicy())
    for event in events:
        look(event)
    spans = sorted(_span(look, event) for event in events)
    gc.unfreeze()
    at = f"match_event, {members:,} members"
    return [
        Measured(f"{at}, mean", statistics.mean(spans), "us"),
        Measured(f"{at}, p50", spans[len(spans) // 2], "us"),
        Measured(f"{at}, p99", spans[len(spans) * 99 // 100], "us"),
        Measured(f"index of {members:,} members", built, "s", f"{built / members * 1e6:.0f} us a member"),
        Measured(f"stored {members:,} members to an index", *_from_store(watched)),
    ]


def _stranger(event: Event) -> Event:
    """Without numbers and addresses: the reserved ranges are so small that strangers would share them with members."""
    bare = [
        replace(mention, identity=replace(mention.identity, identifiers=(), phones=(), emails=()))
        for mention in event.mentions
    ]
    return replace(event, mentions=tuple(bare))


class _Stored:
    """A store that holds everybody as bytes, as Valkey does, and decodes them when asked."""

    def __init__(self, members: Sequence[CohortMember]) -> None:
        self._rows = [msgspec.json.encode(member) for member in members]

    async def changes_since(self, version: int) -> StoreChanges:
        decode = msgspec.json.Decoder(CohortMember).decode
        return StoreChanges(1, tuple(map(decode, self._rows)) if version < 1 else ())

    async def navigators(self) -> list[Navigator]:
        return []


def _from_store(members: Sequence[CohortMember]) -> tuple[float, str, str]:
    follower = CohortFollower(_Stored(members))  # type: ignore[arg-type]
    span, _ = _timed(lambda: asyncio.run(follower.refresh()))
    return span, "s", "decoding alone " + f"{_timed(lambda: _decoded(members))[0]:.2f} s"


def _decoded(members: Sequence[CohortMember]) -> list[CohortMember]:
    rows = [msgspec.json.encode(member) for member in members]
    return list(map(msgspec.json.Decoder(CohortMember).decode, rows))


def _timed(work: Callable[[], Item]) -> tuple[float, Item]:
    began = time.process_time()
    done = work()
    return time.process_time() - began, done


def _span(work: Callable[[Event], object], event: Event) -> float:
    began = time.process_time()
    work(event)
    return (time.process_time() - began) * 1e6


def measure(members: Sequence[int] = (10_000, 100_000)) -> list[Measured]:
    """Every figure of the hot path."""
    return [*parsing(), *(figure for size in members for figure in recognising(size))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="*", default=[10_000, 100_000])
    for figure in measure(parser.parse_args().members):
        print(f"{figure.name:48}{figure.value:10.2f} {figure.unit:3} {figure.beside}", flush=True)


if __name__ == "__main__":
    main()
