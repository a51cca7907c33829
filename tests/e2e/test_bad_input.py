"""Bad input at every door of a running service: nothing crashes, no neighbour is lost, every refusal has a reason.

Sound records about watched people stand before, between and after the bad ones; all of them must be accepted and
decided. Bad ones and mutations are about people nobody watches, so that they cannot change what is decided.
"""

import contextlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from domain.events import Event
from domain.ids import EventId
from domain.kinds import Feed
from domain.people import CohortMember
from streams.feeds.ed import EdPolicy, parse_ed
from streams.feeds.ed_codes import load_ed_codes
from streams.feeds.outcome import RejectReason
from streams.feeds.records import read_ndjson
from tests.e2e.badness import ENDLESS_BYTES, bad_messages, bad_records, bad_rows, mutate
from tests.e2e.house import House, open_house
from tests.e2e.people import adt, ago, line, mention, navigator, record, watched
from tests.trials import trials

CAST = [watched(number) for number in (1, *range(3, 20))]
_turn = cycle(CAST)
STRANGER = watched(20)
N1 = navigator("N1", 101)
SLOW_S = 1.0
"""No single input may cost more processor time than this."""
MOST_MIB = 64.0
"""No input may make the service hold more memory than this beyond what it held (promise 25)."""
REASONS = {reason.value for reason in RejectReason}
EVERY = 20
"""Among mutations, every so many-th record is a sound one."""
_count = iter(range(1, 1_000_000))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("bad-input")) as running:
        running.bring(CAST, [N1])
        yield running


def sound_record(feed: Feed, *, who: CohortMember | None = None) -> dict[str, Any]:
    """A record of the feed that must be taken, each with a key of its own; about the watched people in turn."""
    who = who or next(_turn)
    key, at = f"K-{next(_count)}", ago(minutes=30)
    match feed:
        case Feed.POLICE:
            return record("crime.recorded", key, at, mention(who, "victim"), attributes={"ho_code": "8N"})
        case Feed.INTEL:
            grade = {"source": 1, "assessment": "A", "handling": "P"}
            attributes = {"grade": grade, "themes": ["weapon"], "origin_unit": "NORTH"}
            return record("intel.submitted", key, at, mention(who), system="INTEL", attributes=attributes)
        case _:
            attributes = {"outcome": "not in"}
            return record("visit.made", key, at, member_id=who.member_id, system="CASEWORK", attributes=attributes)


def sound_message(who: CohortMember | None = None) -> tuple[str, bytes]:
    """An ED message that must be taken, and its control id."""
    who = who or next(_turn)
    control = f"C{next(_count):06d}"
    return control, adt(who, "A04", control=control, visit=f"V{control}", at=ago(minutes=30), codes=("Y04.0",))


def ids_of_records(feed: Feed, lines: Iterable[bytes]) -> list[EventId]:
    """The event ids that sound records have, by the product's own pure reader."""
    found = list(read_ndjson([b"\n".join(lines)], feed=feed, received_at=datetime.now(UTC)))
    return [each.event_id for each in found if isinstance(each, Event)]


def ids_of_messages(messages: Iterable[bytes]) -> list[EventId]:
    """The same for ED messages."""
    policy, now = EdPolicy(load_ed_codes()), datetime.now(UTC)
    found = [parse_ed(raw, received_at=now, channel="", source="", position=None, policy=policy) for raw in messages]
    return [each.event_id for each in found if isinstance(each, Event)]


def assert_all_decided(house: House, events: Sequence[EventId], count: int) -> None:
    """All sound neighbours were accepted, and every one of them has ended."""
    assert len(events) == len(set(events)) == count
    books = house.settle()
    assert books.balanced
    endings = house.endings(events)
    assert all(endings), f"{endings.count('')} of {count} sound records were lost"
    assert not any(ending.startswith("quarantined") for ending in endings)


@contextlib.contextmanager
def cheap(house: House, why: object) -> Iterator[None]:
    """What is done inside may cost the service no more than a second of processor time."""
    before = house.cpu_seconds()
    yield
    assert house.cpu_seconds() - before < SLOW_S, why


def has_a_place(answer: dict[str, Any]) -> bool:
    where = answer.get("where") or {}
    return bool(where.get("record") or where.get("segment") or where.get("field"))


def interleaved(
    bads: Sequence[bytes], sound: Callable[[], bytes], *, every: int = 1
) -> tuple[list[bytes], list[bytes]]:
    """Bad ones with sound ones before, between (after every so many) and behind; all of them, and the sound ones."""
    goods = [sound()]
    everything = [goods[0]]
    for number, one in enumerate(bads, start=1):
        everything.append(one)
        if number % every == 0 or number == len(bads):
            goods.append(sound())
            everything.append(goods[-1])
    return everything, goods


RECORD_FEEDS = [Feed.POLICE, Feed.INTEL, Feed.PROGRAMME]


# One by one: each refused with the right reason, none of them slow


@pytest.mark.parametrize("feed", RECORD_FEEDS)
def test_each_bad_record_over_http_is_refused_with_a_reason_and_its_neighbours_are_decided(
    house: House, feed: Feed
) -> None:
    goods: list[bytes] = []
    for case in bad_records(sound_record(feed, who=STRANGER)):
        pair = [line(sound_record(feed)), line(sound_record(feed))]
        with cheap(house, case):
            answers = house.send(feed, pair[0], case.raw, pair[1])
        assert [answers[0]["result"], answers[-1]["result"]] == ["accepted", "accepted"], case
        for answer in answers[1:-1]:
            assert answer["result"] == "quarantined" and answer["quarantine_id"], case
            assert answer["reason"] in {reason.value for reason in case.reasons}, (case, answer)
            assert has_a_place(answer), (case, answer)
        goods += pair
    assert_all_decided(house, ids_of_records(feed, goods), len(goods))


def test_each_bad_ed_message_over_mllp_is_answered_with_a_reason_and_its_neighbours_are_decided(house: House) -> None:
    control, stranger = sound_message(STRANGER)
    goods: list[bytes] = []
    line_ = house.line()
    for case in bad_messages(stranger, control):
        before, after = sound_message()[1], sound_message()[1]
        assert line_.ask(before).code == "AA"
        with cheap(house, case):
            ack = line_.ask(case.raw)
        assert ack.code == "AR", case
        reason, _, place = ack.words.partition(" at ")
        assert reason in {each.value for each in case.reasons}, (case, ack.words)
        assert place or reason in {"truncated", "too_large", "not_parseable", "bad_encoding"}, (case, ack.words)
        assert b"\rERR|" in ack.whole
        assert line_.ask(after).code == "AA", case
        goods += [before, after]
    line_.close()
    assert_all_decided(house, ids_of_messages(goods), len(goods))


def test_bad_ed_messages_over_http_are_refused_item_by_item(house: House) -> None:
    control, stranger = sound_message(STRANGER)
    goods: list[bytes] = []
    for case in bad_messages(stranger, control):
        pair = [sound_message()[1], sound_message()[1]]
        body = b"".join(raw if raw.endswith(b"\r") else raw + b"\r" for raw in (pair[0], case.raw, pair[1]))
        with cheap(house, case):
            answers = house.send(Feed.ED, body, content_type="application/hl7-v2")
        assert [answers[0]["result"], answers[-1]["result"]] == ["accepted", "accepted"], case
        assert len(answers) == 3 and answers[1]["result"] == "quarantined", (case, answers)
        assert answers[1]["reason"] in {reason.value for reason in case.reasons}, (case, answers[1])
        assert has_a_place(answers[1]), (case, answers[1])
        goods += pair
    assert_all_decided(house, ids_of_messages(goods), len(goods))


@pytest.mark.parametrize("feed", RECORD_FEEDS)
def test_a_file_of_bad_records_with_sound_ones_between(house: House, feed: Feed) -> None:
    bads = bad_records(sound_record(feed, who=STRANGER))
    everything, goods = interleaved([one.raw for one in bads], lambda: line(sound_record(feed)))
    done = house.ingest(feed.value, b"\n".join(everything) + b"\n", "bad.ndjson")
    assert done.status == 1 and done.json["accepted"] == len(goods)
    assert done.json["quarantined"] >= len(bads) and done.json["reasons"].keys() <= REASONS
    assert_all_decided(house, ids_of_records(feed, goods), len(goods))


def test_a_file_of_bad_ed_messages_with_sound_ones_between(house: House) -> None:
    control, stranger = sound_message(STRANGER)
    bads = bad_messages(stranger, control)
    everything, goods = interleaved([one.raw for one in bads], lambda: sound_message()[1])
    content = b"".join(raw if raw.endswith(b"\r") else raw + b"\r" for raw in everything)
    done = house.ingest("ed", content, "bad.hl7")
    assert done.status == 1 and done.json["accepted"] == len(goods)
    assert done.json["quarantined"] == len(bads) and done.json["reasons"].keys() <= REASONS
    assert_all_decided(house, ids_of_messages(goods), len(goods))


def test_a_table_of_bad_rows_with_sound_ones_between(house: House) -> None:
    header, row, *_ = (Path(__file__).parents[2] / "fixtures/samples/rms_crime.csv").read_text().splitlines()
    columns, cells = header.split(","), row.split(",")
    cells = [cell.strip('"') for cell in row.replace('"1 Sample Street, Sampleton"', "1 Sample Street").split(",")]

    def sound() -> bytes:
        return ",".join([f"99/3{next(_count):04d}/26", *cells[1:]]).encode()

    bads = bad_rows(columns, cells)
    everything, goods = interleaved([one.raw for one in bads], sound)
    done = house.ingest(
        "police", b"\n".join([header.encode(), *everything]) + b"\n", "bad.csv", "--mapping", "rms_crime"
    )
    assert done.status == 1, done.err
    assert done.json["accepted"] >= len(goods) and done.json["reasons"].keys() <= REASONS
    assert sum(done.json["reasons"].values()) >= len(bads), done
    assert house.settle().balanced


# Without end


def test_a_frame_of_50_mb_costs_no_memory_and_the_next_message_on_the_line_is_taken(house: House) -> None:
    held = house.peak_mib(fresh=True)
    line_ = house.line()
    line_.write(b"\x0bMSH|^~\\&|PAS|X9Z|ROUTE|ROUTE|20261114213000||ADT^A04|BIG|P|2.4\r")
    chunk = b"PID|1||" + b"9" * 1_000_000 + b"\r"
    with cheap(house, "50 MB in one frame"):
        for _ in range(ENDLESS_BYTES // len(chunk)):
            line_.write(chunk)
        line_.write(b"\x1c\r")
        ack = line_.answer()
    assert ack.code == "AR" and ack.words.startswith("too_large")
    _, good = sound_message()
    assert line_.ask(good).code == "AA"
    line_.close()
    assert house.peak_mib() - held < MOST_MIB
    assert_all_decided(house, ids_of_messages([good]), 1)


def test_a_frame_that_never_ends_is_kept_as_refused_when_the_sender_hangs_up(house: House) -> None:
    before = sum(house.books().quarantined.get("ed", {}).values())
    line_ = house.line()
    line_.write(b"\x0b" + sound_message(STRANGER)[1][:300])
    line_.close()
    _, good = sound_message()
    assert house.mllp(good) == ["AA"]
    books = house.settle()
    assert sum(books.quarantined["ed"].values()) == before + 1 and books.quarantined["ed"]["truncated"] >= 1


def test_a_body_of_50_mb_is_refused_whole_and_costs_no_memory(house: House) -> None:
    held = house.peak_mib(fresh=True)
    key = house.key("feed", "police")
    with cheap(house, "50 MB in one body"):
        answer = house.post("/v1/feeds/police/events", key, b"x" * ENDLESS_BYTES, "application/x-ndjson")
    assert answer.status_code == 413 and answer.headers["content-type"].startswith("application/problem+json")
    assert house.peak_mib() - held < MOST_MIB
    endless = (b"x" * 65_536 for _ in range(ENDLESS_BYTES // 65_536))
    answer = house.post("/v1/feeds/police/events", key, endless, "application/x-ndjson")
    assert answer.status_code == 413, "chunked, without a length"
    assert house.peak_mib() - held < MOST_MIB
    assert house.alive()


@pytest.mark.parametrize(
    ("feed", "content_type", "piece", "why"),
    [
        (Feed.POLICE, "application/x-ndjson", b"{}\n", "five million records of nothing"),
        (Feed.POLICE, "application/x-ndjson", b"\n", "sixteen million blank lines"),
        (Feed.POLICE, "application/json", b"{},", "an array of five million objects"),
        (Feed.POLICE, "application/json", b"[],", "an array of five million arrays"),
        (Feed.ED, "application/hl7-v2", b"MSH|\r", "three million headers"),
        (Feed.ED, "application/hl7-v2", b"A\r", "eight million segments"),
    ],
)
def test_a_body_of_separators_is_refused_whole_and_costs_nothing(
    house: House, feed: Feed, content_type: str, piece: bytes, why: str
) -> None:
    body = piece * (15_000_000 // len(piece))
    if content_type == "application/json":
        body = b"[" + body[:-1] + b"]"
    held = house.peak_mib(fresh=True)
    with cheap(house, why):
        (answer,) = house.send(feed, body, content_type=content_type)
    assert (answer["result"], answer["reason"]) == ("quarantined", "too_large")
    assert house.peak_mib() - held < MOST_MIB
    good = line(sound_record(Feed.POLICE))
    assert house.send(Feed.POLICE, good)[0]["result"] == "accepted"
    assert_all_decided(house, ids_of_records(Feed.POLICE, [good]), 1)


def test_a_line_of_50_mb_in_a_file_is_refused_and_its_neighbours_are_decided(house: House) -> None:
    goods = [line(sound_record(Feed.POLICE)) for _ in range(2)]
    usual = house.ingest("police", goods[0] + b"\n", "small.ndjson").peak_mib
    endless = b"x" * ENDLESS_BYTES
    done = house.ingest("police", endless + b"\n" + goods[1] + b"\n" + endless, "endless.ndjson")
    assert done.json["accepted"] == 1 and done.json["reasons"] == {"too_large": 2}
    assert done.peak_mib - usual < MOST_MIB
    assert_all_decided(house, ids_of_records(Feed.POLICE, goods), 2)


# Random mutations: 10,000 in all under `make prove`


def test_mutated_messages_over_mllp_lose_no_neighbour(house: House) -> None:
    rng = random.Random(20261121)
    goods: list[bytes] = []
    line_ = house.line()
    codes = set()
    before = house.cpu_seconds()
    for number in range(trials(4_000)):
        ack = line_.ask(mutate(rng, sound_message(STRANGER)[1]))
        codes.add(ack.code)
        if ack.code == "AR":
            assert ack.words.partition(" at ")[0] in REASONS
        if number % EVERY == 0:
            goods.append(sound_message()[1])
            assert line_.ask(goods[-1]).code == "AA"
    line_.close()
    assert codes == {"AA", "AR"}, "the mutations no longer reach both answers, or something was not stored"
    assert house.cpu_seconds() - before < SLOW_S * trials(4_000) / 50
    assert_all_decided(house, ids_of_messages(goods), len(goods))


def test_mutated_records_over_http_lose_no_neighbour(house: House) -> None:
    rng = random.Random(20261122)
    mutants = [mutate(rng, line(sound_record(Feed.POLICE, who=STRANGER))) for _ in range(trials(2_000))]
    mutants = [raw for raw in mutants if raw.strip()]
    everything, goods = interleaved(mutants, lambda: line(sound_record(Feed.POLICE)), every=EVERY)
    results: set[str] = set()
    for start in range(0, len(everything), 100):
        for answer in house.send(Feed.POLICE, *everything[start : start + 100]):
            results.add(answer["result"])
            if answer["result"] == "quarantined":
                assert answer["reason"] in REASONS and has_a_place(answer), answer
    assert results >= {"accepted", "quarantined"}
    assert_all_decided(house, ids_of_records(Feed.POLICE, goods), len(goods))


@pytest.mark.parametrize("feed", [Feed.INTEL, Feed.PROGRAMME])
def test_mutated_records_in_a_file_lose_no_neighbour(house: House, feed: Feed) -> None:
    rng = random.Random(20261123)
    mutants = [mutate(rng, line(sound_record(feed, who=STRANGER))) for _ in range(trials(1_500))]
    everything, goods = interleaved(mutants, lambda: line(sound_record(feed)), every=EVERY)
    done = house.ingest(feed.value, b"\n".join(everything), "mutants.ndjson")
    assert done.status == 1 and done.json["accepted"] >= len(goods) and done.json["reasons"].keys() <= REASONS
    assert_all_decided(house, ids_of_records(feed, goods), len(goods))


def test_mutated_messages_in_a_file_lose_no_neighbour(house: House) -> None:
    """A file has no frames: what begins a message is its MSH, so the first bytes of each are left as they are."""
    rng = random.Random(20261124)
    mutants = [mutate(rng, sound_message(STRANGER)[1], keep=9) for _ in range(trials(1_000))]
    everything, goods = interleaved(mutants, lambda: sound_message()[1], every=EVERY)
    done = house.ingest("ed", b"".join(raw.rstrip(b"\r") + b"\r" for raw in everything), "mutants.hl7")
    assert done.status == 1 and done.json["accepted"] >= len(goods) and done.json["reasons"].keys() <= REASONS
    assert_all_decided(house, ids_of_messages(goods), len(goods))


# What is kept, and taking it again


def test_quarantine_lists_shows_and_after_the_cause_is_mended_the_alert_comes(house: House) -> None:
    fresh = watched(2)
    house.bring([fresh], [])
    house.settle()
    house.forget_messages()
    said = record(
        "crime.recorded",
        "99/77/26",
        ago(minutes=5),
        mention(fresh, "victim"),
        attributes={"ho_code": "8N"},
        extra_1="x",
    )
    (answer,) = house.send(Feed.POLICE, said)
    assert answer["reason"] == "unknown_field" and answer["where"]["field"] == "extra_1"
    item = answer["quarantine_id"]

    listed = house.command("quarantine", "list", "--limit", "10000", "--json").json
    assert {row["reason"] for row in listed} <= REASONS and item in {row["id"] for row in listed}
    shown = house.command("quarantine", "show", item[:12], "--json").json
    assert json.loads(shown["content"]) == said and shown["field"] == "extra_1"
    still = house.command("quarantine", "replay", item, "--json")
    assert still.status == 1 and still.json["taken"] == 0 and "unknown_field" in still.err
    assert house.heard() == []

    house.config.write_text(house.config.read_text() + "[feeds]\ndrop_unknown_fields = true\n")
    mended = house.command("quarantine", "replay", item, "--json")
    assert mended.status == 0 and mended.json["taken"] == 1, mended.err
    told = house.wait_for(2)
    assert {(each.channel, each.to) for each in told} == {("sms", N1.phone), ("email", N1.email)}
    replayed = house.command("quarantine", "list", "--state", "replayed", "--json").json
    assert [row["id"] for row in replayed] == [item]


def test_after_all_that_the_service_stands_and_its_books_balance(house: House) -> None:
    assert house.alive()
    books = house.settle()
    assert books.balanced and books.in_flight == 0
    assert {reason for reasons in books.quarantined.values() for reason in reasons} <= REASONS
    assert "processing_failed" not in {reason for reasons in books.quarantined.values() for reason in reasons}
    assert '"level": "error"' not in house.log and "Traceback" not in house.log
