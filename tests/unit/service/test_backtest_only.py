"""Some rules judged alone: the very firings that the whole backtest has of them, of whatever history, from less of it.

Histories come three ways: the synthetic year, random lives (late, out of order, corrected, taken back, linked, ruled
on, forgotten), and lives that the live engine decided (merges, mistaken names). All go through files, as real ones do.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random

from domain.attributes import ATTRIBUTES_BY_KIND, CrimeAttributes
from domain.ids import EventId, MemberId, OccurrenceKey
from domain.kinds import Kind, Role
from domain.matches import LinkLearnt, Relation
from fixtures.year import YEAR_BEGINS, YearSpec, year
from service.backtest_reading import kinds_needed
from service.backtest_replay import Life, ReplayPolicy, replay
from service.backtest_source import Plan, people_of, plan_of, reading
from streams.archive import Archived, ArchivedFiring, FiringStep, facts_of
from streams.archive_parquet import ParquetArchive
from streams.archive_replay import Past
from tests.backtest_bench import records_of
from tests.trials import trials
from tests.unit.service.archived import POLICY, archive_of, decided_life
from tests.unit.streams.lives import COHORT, STORIES, Chapter, told
from tests.unit.streams.play import Play
from tests.unit.triggers.histories import START
from triggers.alone import Alone, alone
from triggers.history import HistoryEntry
from triggers.loading import shipped_rules
from triggers.rules import RuleSet, combined

NAMES = tuple(str(rule.rule_id) for name in ("tipt", "programme") for rule in shipped_rules(name).rules)
LINK = EventId("the event that told of a link")
EVER = ReplayPolicy(POLICY.suppression, POLICY.history_for, START + timedelta(days=900))
FORGETFUL = replace(EVER, history_for=timedelta(days=20))


@cache
def rules() -> RuleSet:
    return combined([shipped_rules("tipt"), shipped_rules("programme")])


def lives_of(archive: ParquetArchive, policy: ReplayPolicy, judged: Alone | None = None) -> dict[str, Life]:
    """Everybody's life by all rules, or by some alone as a backtest of these judges it."""
    own = rules() if judged is None else judged.of(rules())
    plan = plan_of(archive, START - timedelta(days=900), policy.until)
    plan = replace(plan, kinds=None if judged is None else kinds_needed([own]))
    policy = replace(policy, alone=judged)
    return {person: replay(pasts, own, policy) for person, pasts in read(plan, policy)}


def read(plan: Plan, policy: ReplayPolicy) -> Iterator[tuple[str, list[Past]]]:
    with reading(plan) as connection:
        for chunk in plan.chunks:
            for person in people_of(connection, plan, chunk, policy.until):
                yield person.member_id, list(person.pasts)


def said(life: Life, name: str) -> tuple[object, ...]:
    """What a life has of one rule: firings with all that is told of them, and what came too late."""
    firings = {each: seen for each, seen in life.firings.items() if seen.firing.rule_id == name}
    late = [
        (one.verdict.firing_id, one.verdict.fired_at, one.verdict.lateness, one.verdict.trigger, one.at, one.member)
        for one in life.too_late
        if one.verdict.rule_id == name
    ]
    return firings, late


def check(archive: ParquetArchive, policies: Sequence[ReplayPolicy]) -> dict[str, tuple[int, int]]:
    """Each rule alone says what all say of it; returns how many firings and too late ones there were, by rule."""
    counted: dict[str, tuple[int, int]] = {}
    for policy in policies:
        whole = lives_of(archive, policy)
        for name in NAMES:
            found = lives_of(archive, policy, alone([name], [rules()]))
            assert found.keys() == whole.keys()
            for person, life in found.items():
                assert said(life, name) == said(whole[person], name), (name, person)
                assert {seen.firing.rule_id for seen in life.firings.values()} <= {name}
                assert {record.trigger.rule_id for each in life.alerts.values() for record in each.triggers} <= {name}
            fired, late = counted.get(name, (0, 0))
            own = [said(life, name) for life in found.values()]
            counted[name] = (fired + sum(len(one[0]) for one in own), late + sum(len(one[1]) for one in own))  # type: ignore[arg-type]
    return counted


def test_each_rule_alone_says_of_a_year_what_it_says_among_all(tmp_path: Path) -> None:
    archive = ParquetArchive(tmp_path / "archive")
    spec = YearSpec(people=trials(300), events=60.0, navigators=5)
    archive.write([record for person in year(spec) for record in records_of(person)], ())
    counted = check(archive, [replace(EVER, until=YEAR_BEGINS + timedelta(days=400))])
    assert sum(1 for fired, _ in counted.values() if fired) >= 15


def test_each_rule_alone_says_of_random_lives_what_it_says_among_all(tmp_path: Path) -> None:
    random, records = Random(11), list[Archived]()
    for number in range(trials(600)):
        records += archived(f"L{number:04}", troubled(random, decided_life(random)))
    archive = ParquetArchive(tmp_path / "archive")
    archive.write(records, ())
    counted = check(archive, [EVER, FORGETFUL])
    assert sum(1 for fired, _ in counted.values() if fired) >= 20
    assert sum(1 for _, late in counted.values() if late) >= 10


def test_each_rule_alone_says_of_what_was_decided_live_what_it_says_among_all(tmp_path: Path) -> None:
    random, records = Random(12), list[Archived]()
    for number in range(trials(200)):
        records += [renamed(each, f"P{number:03}-") for each in asyncio.run(played(random))]
    archive = ParquetArchive(tmp_path / "archive")
    archive.write(records, ())
    counted = check(archive, [EVER])
    assert sum(fired for fired, _ in counted.values()) > trials(200)


async def played(random: Random) -> list[Archived]:
    """What the live engine archived of a few random chapters."""
    play = Play(COHORT)
    stories = sorted(STORIES)
    life = [
        Chapter(random.choice(stories), random.randint(1, 4), random.randint(1, 4), random.randint(0, 40), number)
        for number in random.sample(range(2**16), random.randint(2, 10))
    ]
    for each in told(life):
        await play.give_in_time(each)
    await play.keep_time()
    return archive_of(play)


def renamed(record: Archived, before: str) -> Archived:
    """The same of somebody else."""

    def name(entry: HistoryEntry) -> HistoryEntry:
        return replace(entry, subject=before + entry.subject) if entry.subject.startswith("M") else entry

    member = MemberId(before + record.member_id)
    return replace(
        record,
        record_id=before + record.record_id,
        member_id=member,
        facts=replace(record.facts, member_id=member),
        entry=record.entry and name(record.entry),
        extra=tuple(map(name, record.extra)),
    )


def troubled(random: Random, life: Iterable[Past]) -> list[Past]:
    """The same life with what befalls real ones: entries that come with others, are said twice, take back an event
    whatever they are, are given to somebody else, or are ruled on by a human."""
    pasts: list[Past] = []
    calm = random.random() < 0.3
    for past in life:
        if not calm and not pasts and past.entry is not None:
            pasts.append(replace(past, record_id="link", entry=_of_kind(past.entry, Kind.ASSOCIATION_ADDED, LINK)))
            pasts.append(replace(past, record_id="harm", entry=_harm(past.entry)))
        if calm or past.entry is None:
            pasts.append(past)
        elif pasts and pasts[-1].entry is not None and random.random() < 0.04:
            together = (*pasts[-1].extra, past.entry)
            pasts[-1] = replace(pasts[-1], extra=together, decided_at=past.decided_at)
        else:
            befallen = _befallen(random, past, past.entry, [each.entry for each in pasts if each.entry is not None])
            pasts.append(befallen)
            if random.random() < 0.05:
                again = replace(past.entry, received_at=past.entry.received_at + timedelta(minutes=1))
                pasts.append(replace(befallen, record_id=f"{past.record_id} again", entry=again))
    if pasts and pasts[0].record_id == "link" and random.random() < 0.5:
        pasts.append(_without_link(pasts[0], pasts[-1]))
    return pasts


def _without_link(first: Past, last: Past) -> Past:
    """The word, after all else, that there never was the link of which the first told."""
    assert first.entry is not None
    at = last.decided_at + timedelta(minutes=1)
    word = _of_kind(first.entry, Kind.RECORD_RETRACTED, EventId("no link"))
    return replace(last, record_id="no link", decided_at=at, ruling="", extra=(), due=None, found=False,
                   entry=replace(word, retracts=LINK, occurred_at=at, received_at=at, linked=None))  # fmt: skip


def _befallen(random: Random, past: Past, entry: HistoryEntry, before: Sequence[HistoryEntry]) -> Past:
    dice = random.random()
    if dice < 0.02:
        return replace(past, ruling=random.choice(["lets_in", "takes_back", "takes_all_back"]))
    if dice < 0.04:
        return replace(past, entry=replace(entry, relation=Relation.LOST, role=None))
    if dice < 0.07 and before:
        taken = random.choice(before)
        taking = replace(entry, retracts=taken.event_id, feed=taken.feed, source_system=taken.source_system)
        return replace(past, entry=taking)
    if dice < 0.1:
        return replace(past, entry=replace(entry, occurred_at=entry.occurred_at - timedelta(days=15)))
    if dice < 0.13 and before:
        taken = random.choice([before[0], *before[-3:]])
        retracting = _of_kind(entry, Kind.RECORD_RETRACTED, entry.event_id)
        taking = replace(
            retracting, retracts=taken.event_id, feed=taken.feed, source_system=taken.source_system, linked=None
        )
        return replace(past, entry=taking)
    return past


def _harm(entry: HistoryEntry) -> HistoryEntry:
    """A friend was stabbed the day before; that they are one, the link tells."""
    at, told = entry.occurred_at - timedelta(days=1), entry.received_at
    harm = _of_kind(entry, Kind.CRIME_RECORDED, EventId("harm"))
    return replace(
        harm,
        occurred_at=at,
        received_at=told,
        subject="M2",
        relation=Relation.ASSOCIATE,
        role=Role.VICTIM,
        attributes=CrimeAttributes(ho_code="2"),
        linked=LinkLearnt(max(at, told - timedelta(hours=1)), told, LINK),
    )


def _of_kind(entry: HistoryEntry, kind: Kind, name: EventId) -> HistoryEntry:
    """Another event at the same time."""
    key = OccurrenceKey(f"{entry.feed}|{kind.value.split('.')[0]}|{entry.source_system}|{name}")
    return replace(
        entry, event_id=name, kind=kind, occurrence=key, source_key=name, attributes=ATTRIBUTES_BY_KIND[kind]()
    )


def archived(name: str, life: Iterable[Past]) -> list[Archived]:
    """A life as the archive holds it, of somebody of this name."""
    member = MemberId(name)
    found = []
    for order, past in enumerate(life, 1):
        rang = ArchivedFiring(FiringStep.FIRED, "f", "T1", "P3", past.due) if past.due is not None else None
        plain = Archived(
            record_id=past.record_id,
            member_id=MemberId("M1"),
            order=order,
            decided_at=past.decided_at,
            disposition="",
            rules="",
            facts=facts_of(past.member),
            entry=past.entry,
            extra=past.extra,
            ruling=past.ruling,
            found=past.found,
            firings=(rang,) if rang else (),
        )
        made = renamed(plain, f"{name}-")
        found.append(replace(made, record_id=f"{member}|{past.record_id}"))
    return found
