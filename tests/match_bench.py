"""`python -m tests.match_bench`: recognition on one core at several sizes of cohort, beside Splink on the same people.

Each size is measured in a fresh process, so that its memory is its own. Throughput is processor time (decoding apart),
on the stream of limits.md 3.1 at 1 per cent prevalence; a Jaro-Winkler comparison timed in the same run (209 ns on the
idle machine of limits.md) tells how busy the machine was. No figure fails a build.
"""

import argparse
import gc
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rapidfuzz.distance import JaroWinkler

from cohort.index import CohortChanges, CohortIndex
from cohort.matching import match_event
from cohort.model import default_model
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from domain.events import Event
from domain.identity import Identity
from domain.matches import MatchDecision
from domain.people import CohortMember
from tests.match_stream import DENSE, Stream

SIZES = (1_000, 10_000, 100_000, 1_000_000)
_ABOUT = 2_000
"""Members whom the events at most are about."""
_IDLE_NANOSECONDS = 209.0
_SPLINK_UP_TO = 100_000
_POLICY = MatchPolicy()


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size of cohort costs; spans in microseconds, `busy` how much slower the machine was than when idle."""

    members: int
    dense: float
    events_a_second: float
    p50: float
    p99: float
    candidates: float
    bytes_each: float
    build_each: float
    update: float
    seen_after: float
    right: float
    wrong: float
    review: float
    bounded: int
    busy: float
    splink_one: float | None = None
    splink_batch: float | None = None


class _Feed:
    """Members one by one; keeps the identities of some, and knows how long making them took."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._members = stream.members(size)
        self._wanted = set(random.Random(5).sample(range(size), min(size, _ABOUT)))
        self.kept: dict[str, Identity] = {}
        self.making = 0.0
        self.size = size

    def __iter__(self) -> Iterator[CohortMember]:
        began = time.process_time()
        for number, member in enumerate(self._members):
            if number in self._wanted:
                self.kept[member.member_id] = member.identity
            self.making += time.process_time() - began
            yield member
            began = time.process_time()


def measure(size: int, events: int, *, dense: float, splink: bool) -> Measured:
    """Build, look up, update."""
    stream = Stream(1, dense)
    feed = _Feed(stream, size)
    default_model()
    before, began = _resident(), time.process_time()
    index = CohortIndex.build(feed, 1)
    built = time.process_time() - began - feed.making
    gc.collect()
    each = (_resident() - before) / size
    told = stream.events(feed.kept, events)
    gc.freeze()
    warm = told[: events // 2]
    for event, _ in warm:
        match_event(event, index, _POLICY)
    rounds = [_round([event for event, _ in told], index) for _ in range(3)]
    spans = sorted(min(three) for three in zip(*(spans for _, spans in rounds), strict=True))
    right, wrong, review = _outcome(told, index)
    update, seen = _updated(index, feed, stream)
    splink_one, splink_batch = _splink(feed, told) if splink and size <= _SPLINK_UP_TO else (None, None)
    return Measured(
        members=size,
        dense=dense,
        events_a_second=statistics.median(rate for rate, _ in rounds),
        p50=spans[len(spans) // 2],
        p99=spans[len(spans) * 99 // 100],
        candidates=_candidates(told[:2_000], index),
        bytes_each=each,
        build_each=built / size * 1e6,
        update=update,
        seen_after=seen,
        right=right,
        wrong=wrong,
        review=review,
        bounded=index.stats.bounded_lookups,
        busy=_busy(),
        splink_one=splink_one,
        splink_batch=splink_batch,
    )


def _round(events: Sequence[Event], index: CohortIndex) -> tuple[float, list[float]]:
    """(events a second, span of each): the rate without a clock around each event."""
    began = time.process_time()
    for event in events:
        match_event(event, index, _POLICY)
    rate = len(events) / (time.process_time() - began)
    spans = []
    clock = time.perf_counter_ns
    for event in events:
        start = clock()
        match_event(event, index, _POLICY)
        spans.append((clock() - start) / 1e3)
    return rate, spans


def _outcome(told: Sequence[tuple[Event, str]], index: CohortIndex) -> tuple[float, float, float]:
    """(recall of MATCH, share of MATCHes that are wrong, share of the true ones that are in review)."""
    true = right = wrong = review = 0
    for event, about in told:
        true += bool(about)
        found = match_event(event, index, _POLICY)
        if found and found[0].decision is MatchDecision.MATCH:
            right += found[0].member_id == about
            wrong += found[0].member_id != about
        else:
            review += any(match.member_id == about for match in found)
    return right / max(true, 1), wrong / max(right + wrong, 1), review / max(true, 1)


def _candidates(told: Sequence[tuple[Event, str]], index: CohortIndex) -> float:
    """Rows that the keys alone bring up, for each event."""
    return sum(len(index.candidates(prepare(event.mentions[0].identity))) for event, _ in told) / len(told)


def _updated(index: CohortIndex, feed: _Feed, stream: Stream) -> tuple[float, float]:
    """(microseconds to apply one change, milliseconds until ten changed at once are found)."""
    known = [index.member(name) for name in sorted(feed.kept)[:30]]  # type: ignore[arg-type]
    changed = [replace(member, identity=stream.person(50_000_000 + at)) for at, member in enumerate(known) if member]
    began = time.process_time()
    for member in changed[:10]:
        index.apply(CohortChanges((member,)), 2)
    one = (time.process_time() - began) / 10 * 1e6
    began = time.process_time()
    later = index.apply(CohortChanges(tuple(changed)), 2)
    event = stream.events({changed[-1].member_id: changed[-1].identity}, 1, prevalence=1.0)[0][0]
    match_event(event, later, _POLICY)
    return one, (time.process_time() - began) * 1e3


def _splink(feed: _Feed, told: Sequence[tuple[Event, str]]) -> tuple[float, float]:
    """Events a second by Splink 4's `find_matches_to_new_records`: one at a time, and a thousand in a call."""
    from tests.match_splink import rates

    return rates(Stream(1).members(feed.size), [event.mentions[0].identity for event, _ in told[:3_000]])


def _busy() -> float:
    """How many times slower than on the idle machine of limits.md a call of rapidfuzz is now."""
    spans = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(20_000):
            JaroWinkler.similarity("KOWALSKI", "KOWALCZYK")
        spans.append((time.process_time() - began) / 20_000 * 1e9)
    return statistics.median(spans) / _IDLE_NANOSECONDS


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def alone(size: int, events: int, *, dense: float = 0.0, splink: bool = False) -> Measured:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "tests.match_bench", "--one", str(size), "--events", str(events)]
    command += ["--dense", str(dense)] + (["--splink"] if splink else [])
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Measured(**json.loads(output.splitlines()[-1]))


def lines(found: Measured) -> list[tuple[str, str]]:
    """The figures of one size as (name, value) rows."""
    rows = [
        ("events a second, one core", f"{found.events_a_second:,.0f}"),
        ("p50 / p99 of an event", f"{found.p50:.1f} / {found.p99:.1f} us"),
        ("candidates an event", f"{found.candidates:.2f} ({found.bounded} look-ups bounded)"),
        ("memory a member", f"{found.bytes_each:,.0f} bytes"),
        ("building", f"{found.build_each:.0f} us a member"),
        ("one change; thirty seen after", f"{found.update:.0f} us; {found.seen_after:.1f} ms"),
        ("MATCH: recall, wrong; in review", f"{found.right:.3f}, {found.wrong:.3f}; {found.review:.3f}"),
        ("machine against idle", f"{found.busy:.2f} times slower"),
    ]
    if found.splink_one and found.splink_batch:
        one, batch = found.events_a_second / found.splink_one, found.events_a_second / found.splink_batch
        rows.append(
            ("Splink 4.0.17, one at a time", f"{found.splink_one:.1f} a second: we are {one:,.0f} times as fast")
        )
        rows.append(
            ("Splink 4.0.17, 1,000 in a call", f"{found.splink_batch:,.0f} a second: {batch:.0f} times as fast")
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--dense", type=float, default=0.0, help=f"share of people with common names, e.g. {DENSE:.3f}")
    parser.add_argument("--splink", action="store_true", help=f"Splink too, up to {_SPLINK_UP_TO:,} members")
    parser.add_argument("--one", type=int, help="measure this size here and print JSON")
    given: Any = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(measure(given.one, given.events, dense=given.dense, splink=given.splink))))
        return
    show(given.members, given.events, dense=given.dense, splink=given.splink)


def show(sizes: Sequence[int], events: int = 30_000, *, dense: float = 0.0, splink: bool = False) -> list[Measured]:
    """Measure these sizes one after the other and print each."""
    rates = {}
    measured = []
    for size in sizes:
        found = alone(size, events, dense=dense, splink=splink)
        measured.append(found)
        rates[size] = found.events_a_second
        print(f"{size:,} members", *(f"  {name:34}{value}" for name, value in lines(found)), sep="\n", flush=True)
    if 10_000 in rates and 1_000_000 in rates:
        print(f"from 10,000 to 1,000,000 members an event takes {rates[10_000] / rates[1_000_000]:.1f} times as long")
    return measured


if __name__ == "__main__":
    main()
