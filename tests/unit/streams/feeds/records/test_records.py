"""Cutting streams and bodies into records: line ends, limits, endless lines, and neighbours that survive."""

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import Event
from domain.kinds import Feed
from streams.feeds.outcome import ParseResult, Rejected, RejectReason
from streams.feeds.record_policy import RecordPolicy
from streams.feeds.records import parse_body, read_ndjson, split_ndjson
from tests.unit.streams.feeds.records.said import NOW, record

GOOD = json.dumps(record()).encode()


def results(body: bytes, content_type: str, **policy: int) -> list[ParseResult]:
    return parse_body(body, content_type, feed=Feed.POLICE, received_at=NOW, policy=RecordPolicy(**policy))  # type: ignore[arg-type]


def reasons(found: list[ParseResult]) -> list[str]:
    return [one.reason.value if isinstance(one, Rejected) else "event" for one in found]


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.integers(1, 9))
def test_lines_come_out_the_same_however_the_stream_is_cut(lines: list[bytes], size: int) -> None:
    body = b"\n".join(lines)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert list(split_ndjson(chunks)) == list(split_ndjson([body]))


def test_blank_lines_are_skipped_and_still_counted() -> None:
    assert list(split_ndjson([b"\xef\xbb\xbfa\r\n\n  \nb"])) == [(1, b"a"), (4, b"b")]


@pytest.mark.parametrize("length", [99, 100, 101, 102, 103, 5000])
def test_a_line_is_cut_only_beyond_the_limit(length: int) -> None:
    for size in (1, 7, 10_000):
        body = b"x" * length + b"\nnext\r\n"
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        (_, first), second = split_ndjson(chunks, max_line=100)
        assert first == b"x" * min(length, 101)
        assert second == (2, b"next")


def test_an_endless_line_is_refused_within_little_memory_and_its_neighbours_survive() -> None:
    def stream() -> Iterator[bytes]:
        yield GOOD + b"\n"
        for _ in range(800):
            yield b"x" * 65_536  # 50 MB without an end
        yield b"\n" + GOOD

    tracemalloc.start()
    found = list(read_ndjson(stream(), feed=Feed.POLICE, received_at=NOW))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons(found) == ["event", "too_large", "event"]
    assert isinstance(found[1], Rejected)
    assert found[1].where.record == 2
    assert peak < 8 * 1024 * 1024


def test_each_kind_of_body() -> None:
    assert reasons(results(GOOD, "application/json")) == ["event"]
    assert reasons(results(b"\xef\xbb\xbf" + GOOD, "Application/JSON; charset=utf-8")) == ["event"]
    assert reasons(results(b"[" + GOOD + b", {} ," + GOOD + b"]", "application/json")) == [
        "event",
        "missing_field",
        "event",
    ]
    assert reasons(results(GOOD + b"\nrubbish\n" + GOOD, "application/x-ndjson")) == ["event", "not_parseable", "event"]


def test_the_place_of_each_result_in_its_body_is_kept() -> None:
    found = results(b"[" + GOOD + b",7]", "application/json")
    assert isinstance(found[0], Event)
    assert found[0].provenance.position == 1
    assert isinstance(found[1], Rejected)
    assert found[1].where.record == 2
    assert found[1].raw == b"7"


@pytest.mark.parametrize(
    ("body", "content_type", "reason", "why"),
    [
        (b"", "application/json", RejectReason.EMPTY, "nothing"),
        (b"", "application/x-ndjson", RejectReason.EMPTY, "no line"),
        (b"[]", "application/json", RejectReason.EMPTY, "no item"),
        (b"[" + GOOD + b",", "application/json", RejectReason.TRUNCATED, "a cut array is refused as a whole"),
        (b"[" + GOOD + b" " + GOOD + b"]", "application/json", RejectReason.NOT_PARSEABLE, "a comma is missing"),
        (b"[" * 100_000, "application/json", RejectReason.TOO_DEEP, "deep arrays"),
        (b"[\xff]", "application/json", RejectReason.BAD_ENCODING, "not UTF-8"),
        (GOOD, "text/csv", RejectReason.UNSUPPORTED_MESSAGE, "CSV comes by file, with its mapping"),
        (GOOD, "", RejectReason.UNSUPPORTED_MESSAGE, "no content type"),
        (b"{}\n" * 11, "application/x-ndjson", RejectReason.TOO_LARGE, "more records than one request may hold"),
    ],
)
def test_a_body_that_cannot_be_cut_is_one_refusal(
    body: bytes, content_type: str, reason: RejectReason, why: str
) -> None:
    assert reasons(results(body, content_type, max_records=10)) == [reason.value], why
