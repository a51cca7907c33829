"""Streams and bodies of JSON records: cut into single records, each read apart, so that one bad record stops nobody.

NDJSON is read as it arrives and no more than one line of it is ever held; a line without end is cut and refused.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

import msgspec

from domain.kinds import Feed
from streams.feeds.envelope import parse_counted, rejected
from streams.feeds.explain import Fault
from streams.feeds.outcome import ParseResult, RejectReason
from streams.feeds.record_policy import DEFAULT_POLICY, Origin, RecordPolicy

_BOM = b"\xef\xbb\xbf"
_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_JSON = "application/json"
_LINES_PER_RECORD = 10
_VALUES_PER_RECORD = 100
"""What `max_records` sound records hold at most, blank lines included. Counted before anything is cut, so that a body
of nothing but separators costs neither memory nor time."""
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def split_ndjson(chunks: Iterable[bytes], *, max_line: int = DEFAULT_POLICY.max_bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of an NDJSON stream that are not blank, each with its line number from 1; without line ends or BOM.

    A line of more than `max_line` bytes comes as its first `max_line + 1` bytes (so that the parser refuses it as too
    large); the rest of it is skipped without being kept.
    """
    for number, line in enumerate(cut_lines(chunks, max_line=max_line), start=1):
        text = line.removeprefix(_BOM) if number == 1 else line
        text = text.rstrip(b"\r\n")
        if text.strip():
            yield number, text


def cut_lines(chunks: Iterable[bytes], *, max_line: int) -> Iterator[bytes]:
    """The lines of a byte stream with their line feeds; one of more than `max_line` bytes loses what is beyond, and
    its line feed."""
    held = bytearray()
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            yield _within(held, chunk[start : end + 1], max_line)
            held.clear()
            start = end + 1
        held += chunk[start : start + max_line + 2 - len(held)] if len(held) <= max_line else b""
    if held:
        yield bytes(held[: max_line + 1])


def _within(held: bytearray, tail: bytes, max_line: int) -> bytes:
    line = bytes(held) + tail
    return line if len(line.rstrip(b"\r\n")) <= max_line else line[: max_line + 1]


def read_ndjson(
    chunks: Iterable[bytes],
    *,
    feed: Feed,
    received_at: datetime,
    channel: str = "file",
    source: str = "",
    policy: RecordPolicy = DEFAULT_POLICY,
) -> Iterator[ParseResult]:
    """One result for each line that is not blank, in order; positions are line numbers."""
    origin = Origin(feed, received_at, channel=channel, source=source)
    for number, line in split_ndjson(chunks, max_line=policy.max_bytes):
        yield parse_counted(line, origin.at(number), policy)[0]


def parse_body(
    body: bytes,
    content_type: str,
    *,
    feed: Feed,
    received_at: datetime,
    channel: str = "http",
    source: str = "",
    policy: RecordPolicy = DEFAULT_POLICY,
) -> list[ParseResult]:
    """The results of one request body, in order, one for each record; never empty and never raising.

    application/json holds one object or an array of them; application/x-ndjson one object a line. A parameter such as
    charset is not looked at: JSON is UTF-8. An array that is not JSON is refused as a whole (send NDJSON to keep
    neighbours apart); more than `policy.max_records` records are refused as a whole, too.
    """
    origin = Origin(feed, received_at, channel=channel, source=source)
    media = content_type.partition(";")[0].strip().lower()
    most = policy.max_records
    too_many = _refused(body, RejectReason.TOO_LARGE, f"more than {most} records in one request", origin, policy)
    if media in _NDJSON:
        if body.count(b"\n") > _LINES_PER_RECORD * most:
            return [too_many]
        records = list(islice(split_ndjson([body], max_line=policy.max_bytes), most + 1))
    elif media == _JSON:
        text = body.removeprefix(_BOM)
        if text.lstrip()[:1] == b"[" and text.count(b",") > _VALUES_PER_RECORD * most:
            return [too_many]
        records = _items(text, most + 1) if text.lstrip()[:1] == b"[" else [(1, text)]
    else:
        return [_refused(body, RejectReason.UNSUPPORTED_MESSAGE, "content type is not JSON or NDJSON", origin, policy)]
    if not records:
        return [_refused(body, RejectReason.EMPTY, "no record in it", origin, policy)]
    if len(records) > most:
        return [too_many]
    return [parse_counted(raw, origin.at(number), policy)[0] for number, raw in records]


def _items(text: bytes, most: int) -> list[tuple[int, bytes]]:
    """The first `most` items of a JSON array as their own bytes; what is not JSON is one item, to be refused."""
    try:
        items = _RAW_LIST.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return [(1, text)]
    return [(number, bytes(item)) for number, item in enumerate(items[:most], start=1)]


def _refused(body: bytes, reason: RejectReason, problem: str, origin: Origin, policy: RecordPolicy) -> ParseResult:
    return rejected([Fault("", reason, problem)], body, origin, policy)
