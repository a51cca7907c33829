"""What a played life left in the archive, as the backtest reads it; and what it says was told live."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from alerts.suppression import SuppressionPolicy
from domain.ids import MemberId, NavigatorId
from service.backtest_replay import Life, ReplayPolicy, replay
from streams import codec
from streams.archive import Archived, FiringStep
from streams.archive_replay import Past, past_of
from streams.decide import A_CHILDHOOD
from tests.unit.streams.play import START, Play
from tests.unit.triggers.histories import random_life, random_member, random_programme
from triggers.rules import RuleSet

POLICY = ReplayPolicy(SuppressionPolicy(), A_CHILDHOOD, START + timedelta(days=400))


def by_person(records: Iterable[Archived]) -> dict[MemberId, list[Archived]]:
    """The records of each person, in order."""
    found: dict[MemberId, list[Archived]] = defaultdict(list)
    for record in records:
        found[record.member_id].append(record)
    return {member: sorted(own, key=lambda one: (one.decided_at, one.order)) for member, own in found.items()}


def lives(records: Iterable[Archived], rules: RuleSet, policy: ReplayPolicy = POLICY) -> dict[MemberId, Life]:
    """Each person's past judged again, through the bytes that files hold."""
    return {
        member: replay(past_of(codec.decode_records(codec.encode(own))), rules, policy)
        for member, own in by_person(records).items()
    }


def told_live(records: Sequence[Archived]) -> dict[str, str]:
    """What became of each firing live, by firing id, as the records of one person say."""
    said: dict[str, str] = {}
    for record in records:
        for firing in record.firings:
            if firing.step in (FiringStep.FIRED, FiringStep.MOVED_TO):
                said[firing.firing_id] = "stands"
            elif firing.step is FiringStep.WITHDRAWN:
                said[firing.firing_id] = "withdrawn"
        moved = {each.firing_id for each in record.firings if each.step is FiringStep.MOVED_FROM}
        came = {each.firing_id for each in record.firings if each.step is FiringStep.MOVED_TO}
        said.update(dict.fromkeys(moved - came, "moved"))
    return said


def archive_of(play: Play) -> list[Archived]:
    """What a play on the memory twin would have archived."""
    assert play.twin.server is not None
    return list(play.twin.server.to_archive)


def decided_life(random: Random) -> list[Past]:
    """A life as it was decided: late, corrected, of somebody whose record changes, with the clock's own decisions and
    what was decided long after it came."""
    member, life = (
        random_member(random),
        random_life(random, random.choice([3, 12, 25]), late_hours=random.choice([0, 60])),
    )
    if random.random() < 0.5:
        life += random_programme(random, 12, days=random.choice([2, 60]))
    pasts: list[Past] = []
    disorder = timedelta(minutes=5) if random.random() < 0.2 else timedelta(0)
    for number, entry in enumerate(sorted(life, key=lambda entry: (entry.received_at, entry.event_id, entry.subject))):
        if random.random() < 0.05:
            member = replace(member, navigator_id=NavigatorId(f"N{number}"))
        at = entry.received_at + disorder * random.random()
        at = max(at, pasts[-1].decided_at) if pasts else at
        if random.random() < 0.05:
            rang = max(at - timedelta(minutes=random.randrange(9)), pasts[-1].decided_at) if pasts else at
            pasts.append(Past(f"c{number}", rang, member, None, due=rang - timedelta(hours=random.random())))
        pasts.append(Past(f"r{number}", at, member, entry, found=random.random() < 0.03))
    return pasts
