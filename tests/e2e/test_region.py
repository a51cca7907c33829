"""The distributed engine as people live it: several processes, a real broker, and a phone at the end."""

import asyncio
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from domain.kinds import Feed
from tests.e2e.people import ago, mention, navigator, record, watched
from tests.e2e.region import Region, members_of, open_region
from tests.kafka.broker import Cluster

pytestmark = pytest.mark.server

_STOPS_WITHIN_S = 20.0

N1 = navigator("N1", 101)
PEOPLE = [watched(number, "N1") for number in range(1, 7)]


@pytest.fixture(scope="module")
def region(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with open_region(tmp_path_factory.mktemp("region"), kafka) as running:
        running.bring(PEOPLE, [N1])
        running.api_url()
        yield running


def _robbed(number: int, key: str) -> dict[str, object]:
    said = mention(PEOPLE[number], role="victim")
    return record("crime.recorded", key, ago(minutes=5), said, attributes={"ho_code": "34B"})


def _texts(region: Region, count: int, *, within: float = 60.0) -> int:
    """How many SMS there are once there are `count`, and a moment later."""
    ends = time.monotonic() + within
    while len(region.sms.texts) < count and time.monotonic() < ends:
        time.sleep(0.05)
    time.sleep(0.5)
    return len(region.sms.texts)


def test_what_is_posted_is_durable_and_ends_as_an_sms(region: Region) -> None:
    url, key = region.api_url(), region.key(Feed.POLICE)
    before = len(region.sms.texts)
    accepted = sum(region.books().accepted.values())
    answer = httpx.post(
        f"{url}/v1/feeds/police/events",
        content=json.dumps(_robbed(0, "R-1")).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert [item["result"] for item in answer.json()["items"]] == ["accepted"]
    books = region.settle(accepted + 1)
    assert books.balanced
    assert _texts(region, before + 1) == before + 1


def test_an_event_produced_by_kcat_ends_as_an_sms(region: Region) -> None:
    """As docs/operations.md shows it: a record on the feed's topic, keyed by the record it is about."""
    kcat = shutil.which("kcat")
    assert kcat, "kcat is not installed; .ci/run says what the tests need"
    before, accepted = len(region.sms.texts), sum(region.books().accepted.values())
    line = b"R-2\t" + json.dumps(_robbed(1, "R-2")).encode()
    topic = region.policy.feed(Feed.POLICE)
    subprocess.run(
        [kcat, "-P", "-b", region.policy.bootstrap, "-t", topic, "-K", "\t", "-X", "acks=all"], input=line, check=True
    )
    region.settle(accepted + 1)
    assert _texts(region, before + 1) == before + 1


def test_a_bad_record_on_a_feeds_topic_goes_to_quarantine_and_its_neighbours_go_on(region: Region) -> None:
    before, accepted = len(region.sms.texts), sum(region.books().accepted.values())
    lines = [b"R-3\t{not json", b"R-3\t" + json.dumps(_robbed(2, "R-3")).encode()]
    subprocess.run(
        ["kcat", "-P", "-b", region.policy.bootstrap, "-t", region.policy.feed(Feed.POLICE), "-K", "\t"],
        input=b"\n".join(lines),
        check=True,
    )
    books = region.settle(accepted + 1)
    assert sum(books.quarantined.get("police", {}).values()) >= 1
    assert _texts(region, before + 1) == before + 1


def test_a_worker_that_stops_hands_over_and_the_other_goes_on(region: Region) -> None:
    before, accepted = len(region.sms.texts), sum(region.books().accepted.values())
    began = time.monotonic()
    assert region.stop("w1") == 0, region.log("w1")[-2000:]
    assert time.monotonic() - began < _STOPS_WITHIN_S
    assert asyncio.run(members_of(region.policy)) == 1, "it left the group, so that the other takes over at once"
    subprocess.run(
        ["kcat", "-P", "-b", region.policy.bootstrap, "-t", region.policy.feed(Feed.POLICE), "-K", "\t"],
        input=b"R-4\t" + json.dumps(_robbed(3, "R-4")).encode(),
        check=True,
    )
    region.settle(accepted + 1)
    assert _texts(region, before + 1) == before + 1
    region.start("w1")


def test_a_worker_killed_is_missed_and_the_other_goes_on(region: Region) -> None:
    before, accepted = len(region.sms.texts), sum(region.books().accepted.values())
    region.send("w2", signal.SIGKILL)
    subprocess.run(
        ["kcat", "-P", "-b", region.policy.bootstrap, "-t", region.policy.feed(Feed.POLICE), "-K", "\t"],
        input=b"R-5\t" + json.dumps(_robbed(4, "R-5")).encode(),
        check=True,
    )
    region.settle(accepted + 1)
    assert _texts(region, before + 1) == before + 1
    region.start("w2")
