"""One record as JSON text: is it JSON at all, and is it the kind of JSON that means one thing only?

Refuses what decoders let pass or choke on: NUL, keys given twice, deep nesting, bytes that are not UTF-8. Knows nothing
of the envelope.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from streams.feeds.explain import PLAIN_KEY, Fault
from streams.feeds.outcome import RejectReason
from streams.feeds.record_policy import RecordPolicy

ENCODER = msgspec.json.Encoder()
_ANY = msgspec.json.Decoder()
_ESCAPED = re.compile(rb"\\u00(?:00|3[aA])")  # NUL or a colon, written as an escape


def fault_before_decoding(raw: bytes, policy: RecordPolicy) -> Fault | None:
    """Too large, empty, or with NUL bytes; None if it may be decoded."""
    if len(raw) > policy.max_bytes:
        return Fault("", RejectReason.TOO_LARGE, f"more than {policy.max_bytes} bytes")
    if not raw.strip():
        return Fault("", RejectReason.EMPTY, "nothing in it")
    if b"\x00" in raw:
        return Fault("", RejectReason.NOT_PARSEABLE, "holds NUL bytes")
    return None


def is_sound(raw: bytes) -> bool:
    """False if a key may have been given twice or a text may hold a NUL.

    JSON decoders keep the last of two equal keys, so decoding and encoding again loses a colon for each such key. A
    text's own colons stay, unless written as an escape; NUL can only be written as one.
    """
    escaped = b"\\u00" in raw and _ESCAPED.search(raw)
    return not escaped and raw.count(b":") == ENCODER.encode(_ANY.decode(raw)).count(b":")


def decoded(raw: bytes, policy: RecordPolicy) -> tuple[dict[str, Any], Fault | None]:
    """The JSON object in `raw`, or the fault that makes it none: encoding, syntax, depth, repeated keys, NUL."""
    fault: Fault | None = None
    value: Any = None
    try:
        value = _ANY.decode(raw)
    except RecursionError:
        fault = Fault("", RejectReason.TOO_DEEP, "nested too deeply")
    except (msgspec.MsgspecError, UnicodeError) as error:
        fault = _decoding_fault(raw, error)
    if fault is None and not isinstance(value, dict):
        fault = Fault("", RejectReason.NOT_PARSEABLE, "expected one JSON object")
    if fault is None and depth_of(value, policy.max_depth) > policy.max_depth:
        fault = Fault("", RejectReason.TOO_DEEP, f"nested more than {policy.max_depth} deep")
    if fault is None and _repeats_key(raw):
        fault = Fault("", RejectReason.NOT_PARSEABLE, "a key is given twice in one object")
    return (value if isinstance(value, dict) else {}), fault or first_text_fault(value)


def _decoding_fault(raw: bytes, error: Exception) -> Fault:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return Fault("", RejectReason.BAD_ENCODING, f"not UTF-8 at byte {wrong.start}")
    if "truncated" in str(error):
        return Fault("", RejectReason.TRUNCATED, "the record ends too early")
    place = str(error).rpartition("(byte ")[2].rstrip(")")
    return Fault("", RejectReason.NOT_PARSEABLE, "not JSON" + (f" at byte {place}" if place.isdigit() else ""))


def _repeats_key(raw: bytes) -> bool:
    repeated = False

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        members_by_key = dict(members)
        repeated = repeated or len(members_by_key) < len(members)
        return members_by_key

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):  # msgspec read it: a number too long for Python's limit, refused elsewhere
        return False
    return repeated


def first_text_fault(value: Any, path: str = "") -> Fault | None:
    """The first text that holds a NUL character, which no field may; None if there is none."""
    return next(_text_faults(value, path), None)


def _text_faults(value: Any, path: str) -> Iterator[Fault]:
    if isinstance(value, str) and "\x00" in value:
        yield Fault(path, RejectReason.BAD_VALUE, "holds a NUL character")
    elif isinstance(value, dict):
        for key, entry in value.items():
            shown = key if PLAIN_KEY.match(key) else "(key)"
            yield from _text_faults(key, path)
            yield from _text_faults(entry, f"{path}.{shown}" if path else shown)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _text_faults(entry, f"{path}[{index}]")


def depth_of(value: Any, most: int) -> int:
    """How deeply `value` is nested; counting stops one above `most`."""
    level: list[Any] = [value]
    depth = 0
    while level and depth <= most:
        nested = [entry for entry in level if isinstance(entry, dict | list)]
        level = [child for entry in nested for child in (entry.values() if isinstance(entry, dict) else entry)]
        depth += 1 if nested else 0
        if not nested:
            break
    return depth
