"""What is refused, for which reason, told how: a table of bad records, then random mutations of good ones."""

import json
import random
from time import perf_counter
from typing import Any

import pytest

from domain.events import Event
from domain.kinds import Feed
from streams.feeds.envelope import parse_record
from streams.feeds.outcome import Rejected, RejectReason
from streams.feeds.records import read_ndjson
from tests.trials import trials
from tests.unit.streams.feeds.records.said import CANARIES, NOW, PERSON, record, refused

R = RejectReason


def changed(**changes: Any) -> bytes:
    return json.dumps(record(**changes)).encode()


def without(key: str) -> bytes:
    said = record()
    del said[key]
    return json.dumps(said).encode()


def person(**fields: Any) -> bytes:
    return changed(mentions=[{"role": "victim", "identity": fields}])


GOOD = changed()

TABLE: list[tuple[bytes, RejectReason, str, str]] = [
    (b"", R.EMPTY, "", "nothing at all"),
    (b"  \r\n ", R.EMPTY, "", "only blanks"),
    (GOOD[:-30], R.TRUNCATED, "", "cut short"),
    (GOOD[:-1], R.TRUNCATED, "", "the last brace is missing"),
    (b"x" + GOOD, R.NOT_PARSEABLE, "", "not JSON"),
    (GOOD + b"{}", R.NOT_PARSEABLE, "", "two objects in one record"),
    (b"[" + GOOD + b"]", R.NOT_PARSEABLE, "", "an array where one record belongs"),
    (b"7", R.NOT_PARSEABLE, "", "a number is no record"),
    (b"null", R.NOT_PARSEABLE, "", "null is no record"),
    (GOOD.replace(b"Ari", b"A\x00i"), R.NOT_PARSEABLE, "", "a raw NUL"),
    (GOOD.replace(b"Ari", b"A\\u0000i"), R.BAD_VALUE, "mentions[0].identity.names[0].given[0]", "a NUL as escape"),
    (GOOD.replace(b"Ari", b"\xe9"), R.BAD_ENCODING, "", "Latin-1 in place of UTF-8"),
    ("\ufeff".encode("utf-16"), R.BAD_ENCODING, "", "UTF-16 mark"),
    (GOOD.decode().encode("utf-16-le"), R.NOT_PARSEABLE, "", "UTF-16 holds NUL bytes"),
    (GOOD.replace(b"Ari", b"\\ud800"), R.NOT_PARSEABLE, "", "a lone surrogate"),
    (GOOD.replace(b'"kind"', b'"kind": "custody.arrived", "kind"', 1), R.NOT_PARSEABLE, "", "a key twice"),
    (
        GOOD.replace(b'"family"', b'"family": "B", "\\u0066amily"', 1),
        R.NOT_PARSEABLE,
        "",
        "a key twice, once written with an escape",
    ),
    (
        GOOD.replace(b'"family"', b'"family": "\\u003a", "family"', 1),
        R.NOT_PARSEABLE,
        "",
        "a key twice, and an escaped colon to make up for it",
    ),
    (b'{"a":' * 100_000, R.TOO_DEEP, "", "deep objects without end"),
    (b"[" * 100_000 + b"]" * 100_000, R.TOO_DEEP, "", "deep arrays"),
    (changed(extra=[[[]]] * 3 + [json.loads("[" * 40 + "]" * 40)]), R.TOO_DEEP, "", "deeper than the limit"),
    (GOOD.replace(b'"RMS"', b"NaN"), R.NOT_PARSEABLE, "", "NaN is not JSON"),
    (changed(sequence=10**30), R.BAD_VALUE, "sequence", "a huge number"),
    (GOOD.replace(b'"RMS"', b"9" * 6000), R.NOT_PARSEABLE, "", "a number of 6000 digits"),
    (changed(sequence=1.5), R.BAD_VALUE, "sequence", "a broken number"),
    (changed(sequence=-1), R.BAD_VALUE, "sequence", "a negative sequence"),
    (changed(place={"lat": 1e308}), R.BAD_VALUE, "place.lat", "no such latitude"),
    (GOOD.replace(b"crime.recorded", b"crime.imagined"), R.UNKNOWN_KIND, "kind", "a kind nobody knows"),
    (GOOD.replace(b'"crime.recorded"', b"7"), R.UNKNOWN_KIND, "kind", "a kind that is a number"),
    (without("kind"), R.MISSING_FIELD, "kind", "no kind"),
    (without("source_system"), R.MISSING_FIELD, "source_system", "no system"),
    (without("source_key"), R.MISSING_FIELD, "source_key", "no key"),
    (without("occurred_at"), R.MISSING_FIELD, "occurred_at", "no time"),
    (changed(source_key="  "), R.MISSING_FIELD, "source_key", "a blank key"),
    (changed(source_key="k" * 201), R.BAD_VALUE, "source_key", "an endless key"),
    (changed(source_key=5), R.BAD_VALUE, "source_key", "a key that is no text"),
    (json.dumps(record("ed.arrival")).encode(), R.WRONG_FEED, "kind", "an ED kind by the police door"),
    (json.dumps(record("intel.submitted")).encode(), R.WRONG_FEED, "kind", "intelligence by the police door"),
    (changed(feed="ed"), R.WRONG_FEED, "feed", "says itself that it is for another feed"),
    (changed(feed="mars"), R.BAD_VALUE, "feed", "a feed nobody knows"),
    (changed(occurred_at="2026-02-30T10:00:00Z"), R.BAD_DATE, "occurred_at", "no such day"),
    (changed(occurred_at="2026-11-14T24:30:00Z"), R.BAD_DATE, "occurred_at", "no such hour"),
    (changed(occurred_at="2026-11-14"), R.BAD_DATE, "occurred_at", "a day is not a time"),
    (changed(occurred_at="14/11/2026 10:00"), R.BAD_DATE, "occurred_at", "not ISO 8601"),
    (changed(occurred_at="2026-W46-6T10:00:00"), R.BAD_DATE, "occurred_at", "week dates are not used"),
    (changed(occurred_at=1_700_000_000), R.BAD_DATE, "occurred_at", "seconds since 1970"),
    (changed(occurred_at="1989-12-31T23:59:59Z"), R.BAD_DATE, "occurred_at", "before 1990"),
    (changed(occurred_at="0001-01-01T00:00:00+14:00"), R.BAD_DATE, "occurred_at", "before the calendar"),
    (changed(occurred_at="9999-12-31T23:59:59-14:00"), R.BAD_DATE, "occurred_at", "after the calendar"),
    (changed(occurred_at="2026-11-20T12:10:01Z"), R.FUTURE_DATE, "occurred_at", "a second beyond the tolerance"),
    (changed(recorded_at="2027-01-01T00:00:00Z"), R.FUTURE_DATE, "recorded_at", "written down in the future"),
    (
        json.dumps(record("custody.released", attributes={"released_at": "2027-01-01T00:00:00Z"})).encode(),
        R.FUTURE_DATE,
        "attributes.released_at",
        "released in the future",
    ),
    (changed(marking="SECRET"), R.MARKING_TOO_HIGH, "marking", "above what may be held here"),
    (changed(marking="TOP SECRET"), R.MARKING_TOO_HIGH, "marking", "far above"),
    (changed(marking="RESTRICTED"), R.MARKING_TOO_HIGH, "marking", "unknown counts as too high"),
    (changed(marking=5), R.MARKING_TOO_HIGH, "marking", "no word at all"),
    (changed(handling="Q"), R.BAD_VALUE, "handling", "not a handling code"),
    (changed(regime="part9"), R.BAD_VALUE, "regime", "not a regime"),
    (changed(colour="blue"), R.UNKNOWN_FIELD, "colour", "a field that nobody agreed on"),
    (changed(attributes={"narrative": "x"}), R.UNKNOWN_FIELD, "attributes.narrative", "free text of a crime"),
    (changed(attributes=[1]), R.BAD_VALUE, "attributes", "attributes are an object"),
    (changed(attributes={"flags": "knife"}), R.BAD_VALUE, "attributes.flags", "a list is asked for"),
    (changed(attributes={"flags": ["x"] * 51}), R.TOO_MANY_REPEATS, "attributes.flags", "too many flags"),
    (changed(mentions=[{"role": "victim"}] * 201), R.TOO_MANY_REPEATS, "mentions", "too many people"),
    (person(phones=["07700 900123"] * 100_000), R.TOO_LARGE, "", "a hundred thousand repetitions"),
    (person(phones=["1"] * 100_000), R.TOO_MANY_REPEATS, "mentions[0].identity.phones", "the same, but short ones"),
    (person(sex="q"), R.BAD_VALUE, "mentions[0].identity.sex", "not a sex code"),
    (person(dates_of_birth=["2009-02-30"]), R.BAD_DATE, "mentions[0].identity.dates_of_birth[0]", "no such day"),
    (person(dates_of_birth=["1899-12-31"]), R.BAD_DATE, "mentions[0].identity.dates_of_birth[0]", "nobody is so old"),
    (person(dates_of_birth=["2026-11-21"]), R.FUTURE_DATE, "mentions[0].identity.dates_of_birth[0]", "not born yet"),
    (
        person(dates_of_birth=[{"value": "2009-02-04", "sort": 1}]),
        R.UNKNOWN_FIELD,
        "mentions[0].identity.dates_of_birth[0]",
        "an unknown part of a date of birth",
    ),
    (
        person(identifiers=[{"scheme": "passport", "value": "1"}]),
        R.BAD_VALUE,
        "mentions[0].identity.identifiers[0].scheme",
        "an unknown scheme",
    ),
    (person(identifiers=[{"scheme": "nhs"}]), R.MISSING_FIELD, "mentions[0].identity.identifiers[0].value", "no value"),
    (person(ethnicity="x"), R.UNKNOWN_FIELD, "mentions[0].identity.ethnicity", "never taken"),
    (changed(mentions=[{"role": "king"}]), R.BAD_VALUE, "mentions[0].role", "not a role"),
    (changed(mentions=[{"identity": {}}]), R.MISSING_FIELD, "mentions[0].role", "a crime without a role says nothing"),
    (changed(mentions=[{"role": "victim", "ref": 1}] * 2), R.BAD_VALUE, "mentions[1].ref", "one reference twice"),
    (
        changed(mentions=[{"role": "victim", "member_id": "M1"}]),
        R.BAD_VALUE,
        "mentions[0].member_id",
        "only the programme may",
    ),
    (
        changed(person_refs=[{"scheme": "pnc", "value": "2099/0000001G"}]),
        R.BAD_VALUE,
        "mentions",
        "both shapes at once",
    ),
    (changed(kind_="x"), R.UNKNOWN_FIELD, "kind_", "nearly a field"),
    (json.dumps(record("record.retracted")).encode(), R.MISSING_FIELD, "retracts", "takes back nothing"),
    (
        json.dumps(record("crime.role_removed", mentions=None)).encode(),
        R.MISSING_FIELD,
        "attributes.role_removed",
        "removes no role",
    ),
    (b" " * (1024 * 1024) + GOOD, R.TOO_LARGE, "", "more than a mebibyte"),
]


@pytest.mark.parametrize(("raw", "reason", "field", "why"), TABLE, ids=[row[3] for row in TABLE])
def test_a_bad_record_is_refused_with_its_reason_and_place(
    raw: bytes, reason: RejectReason, field: str, why: str
) -> None:
    start = perf_counter()
    rejected = refused(raw)
    assert (rejected.reason, rejected.where.field) == (reason, field), (why, rejected.detail)
    assert perf_counter() - start < 1, why
    assert not [canary for canary in CANARIES if canary in rejected.detail + repr(rejected)]


def test_all_faults_of_a_record_are_told_at_once() -> None:
    said = record(occurred_at="yesterday", handling="Q", colour="x", feed="ed", recorded_at="2027-01-01T00:00:00Z")
    said["mentions"] = [{"role": "king", "identity": {"sex": "q"}}, {"role": "victim", "identity": PERSON}]
    del said["source_key"]
    detail = refused(said).detail
    for part in ("occurred_at", "handling", "colour", "source_key", "mentions[0].role", "mentions[0].identity.sex"):
        assert part in detail


def test_what_only_the_whole_record_shows_is_told_beside_a_bad_field() -> None:
    detail = refused(record(handling="Q", recorded_at="2027-01-01T00:00:00Z", feed="ed")).detail
    for part in ("handling", "recorded_at: lies in the future", "feed: sent to the police feed"):
        assert part in detail


def test_a_marking_too_high_outweighs_all_other_faults_and_its_bytes_are_not_kept() -> None:
    rejected = refused(record(colour="x", marking="SECRET"))
    assert (rejected.reason, rejected.raw) == (R.MARKING_TOO_HIGH, b"")
    assert refused(record(marking="SECRET"), keep_overmarked=True).raw


def test_the_bytes_of_any_other_refusal_are_kept_untouched() -> None:
    raw = changed(colour="x")
    assert refused(raw).raw == raw
    assert len(refused(b" " * 2_000_000 + b"x").raw) == 64 * 1024


@pytest.mark.parametrize("field", ["text", "narrative", "summary", "provenance_text"])
def test_intelligence_text_is_refused_and_the_sender_told_why(field: str) -> None:
    for said in (
        record("intel.submitted", attributes={"grade": "1/B/P", field: "canary words"}),
        record("intel.submitted", **{field: "canary words"}),
    ):
        rejected = refused(said, Feed.INTEL)
        assert rejected.reason is R.UNKNOWN_FIELD
        assert "text must not be sent" in rejected.detail
        assert "canary" not in rejected.detail


def test_a_key_that_may_be_somebodys_name_is_not_repeated() -> None:
    detail = refused(record(**{"Ari Testone": 1})).detail
    assert "Testone" not in detail


def test_a_thousand_faults_are_counted_not_listed() -> None:
    detail = refused(record(**{f"field_{number}": 1 for number in range(1000)})).detail
    assert detail.endswith("and 980 more")


# --- random mutations ----------------------------------------------------------------------------------------------

SAMPLES = {
    Feed.POLICE: record(attributes={"ho_code": "8N", "flags": ["knife"]}, place={"lat": 52.4, "lon": -1.5}),
    Feed.INTEL: record("intel.submitted", attributes={"grade": "1/B/P", "themes": ["gang"]}, marking="OFFICIAL"),
    Feed.PROGRAMME: record("status.changed", mentions=None, member_id="M-1", attributes={"status": "at_risk"}),
    Feed.ED: record("ed.arrival", attributes={"visit_key": "V1", "arrival": "2026-11-14T20:40:00Z"}),
}
ODD = [
    b"\x00",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"NaN",
    b"1e999",
    b",",
    b":",
    b"null",
]


def mutated(raw: bytes, chance: random.Random) -> bytes:
    body = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(body) or 1)
        match chance.randrange(5):
            case 0:
                body[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del body[at : at + chance.randint(1, 20)]
            case 2:
                body[at:at] = chance.choice(ODD)
            case 3:
                end = min(len(body), at + chance.randint(1, 30))
                body[at:at] = body[at:end]
            case _:
                body = body[:at] or bytearray(b"x")
    return bytes(body).replace(b"\n", b" ").replace(b"\r", b" ")


@pytest.mark.parametrize("feed", list(SAMPLES))
def test_random_mutations_never_raise_and_their_neighbours_survive(feed: Feed) -> None:
    chance = random.Random(f"records {feed}")
    good = json.dumps(SAMPLES[feed]).encode()
    bad = 0
    for _ in range(trials(10_000)):
        poison = mutated(good, chance)
        results = list(read_ndjson([good + b"\n" + poison + b"\n" + good], feed=feed, received_at=NOW))
        assert isinstance(results[0], Event)
        assert isinstance(results[-1], Event)
        for result in results[1:-1]:
            if isinstance(result, Rejected):
                bad += 1
                assert result.raw == poison or result.reason is R.MARKING_TOO_HIGH
                assert result.detail
    assert bad > trials(10_000) // 3


def test_random_bytes_are_always_refused() -> None:
    chance = random.Random(7)
    for _ in range(trials(5_000)):
        raw = chance.randbytes(chance.randint(0, 200))
        assert isinstance(parse_record(raw, feed=Feed.POLICE, received_at=NOW), Rejected)
