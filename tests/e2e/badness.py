"""What senders really send when something is broken: tables of bad input for each format, and random mutations.

Each case says why it is there and which reasons of the closed list are right for it. They are made from sound
messages, so that nothing but the fault is wrong with them.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.feeds.outcome import RejectReason

R = RejectReason
MANY = 100_000
ENDLESS_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad input, why it is bad, and the reasons with which it may be refused."""

    raw: bytes = field(repr=False)
    why: str
    reasons: frozenset[RejectReason]


def bad(raw: bytes, why: str, *reasons: RejectReason) -> Bad:
    return Bad(raw, why, frozenset(reasons))


def bad_records(sound: Mapping[str, Any]) -> list[Bad]:
    """One-line records that no record feed may take."""

    def but(**changes: Any) -> bytes:
        return json.dumps({**sound, **changes}).encode()

    text = json.dumps(sound).encode()
    deep = b"[" * MANY + b"]" * MANY
    return [
        bad(text[: len(text) // 2], "cut off", R.TRUNCATED, R.NOT_PARSEABLE),
        bad(text[:-1], "the last brace is missing", R.TRUNCATED),
        bad(text.replace(b'"kind"', b'"ki\xe9nd"'), "Latin-1", R.BAD_ENCODING),
        bad(text.decode().encode("utf-16"), "UTF-16", R.BAD_ENCODING, R.NOT_PARSEABLE),
        bad(text.replace(b'"kind"', b'"ki\x00nd"'), "a raw NUL", R.NOT_PARSEABLE),
        bad(but(source_key="A\x00B"), "a NUL as escape", R.BAD_VALUE),
        bad(but(mentions=[{}] * MANY), "100,000 mentions", R.TOO_MANY_REPEATS, R.TOO_LARGE),
        bad(but(mentions=[{"identity": {"phones": ["1"] * MANY}}]), "100,000 phones", R.TOO_MANY_REPEATS),
        bad(but(mentions="?").replace(b'"?"', deep), "100,000 levels deep", R.TOO_DEEP, R.NOT_PARSEABLE),
        bad(deep, "nothing but depth", R.TOO_DEEP, R.NOT_PARSEABLE),
        bad(but(kind="crime.imagined"), "unknown kind", R.UNKNOWN_KIND),
        bad(but(kind="ed.arrival"), "another feed's kind", R.WRONG_FEED),
        bad(but(occurred_at="2026-02-31T10:00:00Z"), "31 February", R.BAD_DATE),
        bad(but(occurred_at="2026-11-14T25:61:00Z"), "25:61 o'clock", R.BAD_DATE),
        bad(but(occurred_at="9999-12-31T23:59:59Z"), "the end of time", R.FUTURE_DATE, R.BAD_DATE),
        bad(but(occurred_at="0000-00-00T00:00:00Z"), "year 0", R.BAD_DATE),
        bad(but(narrative="words"), "a field nobody knows", R.UNKNOWN_FIELD),
        bad(but(marking="SECRET"), "marking too high", R.MARKING_TOO_HIGH),
        bad(but(source_key="x" * 2_000_000), "2 MB of key", R.TOO_LARGE),
        bad(text.replace(b'"kind"', b'"kind": 1, "kind"', 1), "a key twice", R.NOT_PARSEABLE),
        bad(text.replace(b"{", b'{"version": NaN, ', 1), "NaN", R.NOT_PARSEABLE),
        bad(text.replace(b"{", b'{"sequence": ' + b"9" * 10_000 + b", ", 1), "an endless number", R.NOT_PARSEABLE, R.BAD_VALUE),
        bad(text.replace(b"{", b'{"version": "\\ud800", ', 1), "half a surrogate", R.NOT_PARSEABLE, R.BAD_ENCODING),
        bad(b"\xff" * 500, "noise", R.BAD_ENCODING, R.NOT_PARSEABLE),
    ]  # fmt: skip


def bad_messages(sound: bytes, control: str) -> list[Bad]:
    """HL7 messages that the ED feed may not take. All begin with MSH, as a file needs to keep neighbours apart."""

    def but(old: bytes, new: bytes) -> bytes:
        assert old in sound, old
        return sound.replace(old, new, 1)

    header, _, rest = sound.partition(b"\r")
    pid = rest.split(b"PID|")[1].split(b"\r")[0]
    fields = pid.split(b"|")

    def patient(number: int, value: bytes) -> bytes:
        changed = [*fields]
        changed[number - 1] = value
        return but(pid, b"|".join(changed))

    return [
        bad(b"MSH|^~\\&|PAS|X9Z|ROUTE", "cut off in the header", R.TRUNCATED, R.NOT_PARSEABLE, R.MISSING_FIELD),
        bad(header, "nothing but a header", R.MISSING_FIELD, R.TRUNCATED),
        bad(sound.split(b"PID|")[0], "no patient", R.MISSING_FIELD),
        bad(but(b"PID|1|", b"PID|\xe9|"), "Latin-1 that says UTF-8", R.BAD_ENCODING),
        bad(b"MSH|^~\\&" + header[8:].replace(b"UNICODE UTF-8", b"EBCDIC") + b"\r" + rest, "EBCDIC", R.BAD_ENCODING, R.BAD_VALUE),
        bad(but(b"PID|1|", b"PID|1\x00|"), "NUL", R.BAD_ENCODING, R.NOT_PARSEABLE, R.BAD_VALUE),
        bad(patient(3, b"1~" * MANY), "100,000 identifiers", R.TOO_MANY_REPEATS),
        bad(patient(5, b"A^B~" * MANY), "100,000 names", R.TOO_MANY_REPEATS),
        bad(sound + b"DG1|1||X99\r" * 20_000, "20,000 diagnoses", R.TOO_MANY_REPEATS, R.TOO_LARGE),
        bad(patient(5, b"^" * 2_000_000), "2 MB of components", R.TOO_LARGE),
        bad(but(b"ADT^A04^ADT_A01", b"ADT^A99^ADT_A01"), "unknown event", R.UNSUPPORTED_MESSAGE),
        bad(but(b"ADT^A04^ADT_A01", b"ORU^R01^ORU_R01"), "unknown message", R.UNSUPPORTED_MESSAGE),
        bad(but(b"|P|2.4|", b"|P|9.9|"), "unknown version", R.UNSUPPORTED_VERSION),
        bad(but(control.encode(), b""), "no control id", R.MISSING_FIELD),
        bad(_all_dates(sound, b"20260231250000"), "31 February, 25 o'clock", R.BAD_DATE),
        bad(_all_dates(sound, b"99991231235959"), "the end of time", R.FUTURE_DATE, R.BAD_DATE),
    ]  # fmt: skip


def _all_dates(sound: bytes, date: bytes) -> bytes:
    """The message with another moment wherever one stands."""
    moment = sound.split(b"|")[6]
    return sound.replace(moment, date)


def bad_rows(columns: Sequence[str], sound: Sequence[str]) -> list[Bad]:
    """Rows of a CSV export (without line end) that its mapping may not take. `sound` has one cell a column."""

    def but(column: str, cell: str) -> bytes:
        return ",".join(cell if name == column else value for name, value in zip(columns, sound, strict=True)).encode()

    return [
        bad(but("Crime Number", "9\x009"), "NUL", R.NOT_PARSEABLE, R.BAD_VALUE, R.BAD_ENCODING),
        bad(but("Surname", "?").replace(b"?", b"\xff\xfe\xe9"), "not UTF-8", R.BAD_ENCODING),
        bad(but("Occurred Date", "31/02/2026"), "31 February", R.BAD_DATE),
        bad(but("Crime Number", ""), "no number", R.MISSING_FIELD, R.MAPPING),
        bad(b",".join([b"x"] * MANY), "100,000 columns", R.MAPPING, R.TOO_LARGE, R.NOT_PARSEABLE, R.TOO_MANY_REPEATS),
        bad(but("Surname", "x" * 2_000_000), "a cell of 2 MB", R.TOO_LARGE),
        bad(but("Aliases", "a;" * MANY), "100,000 aliases", R.TOO_MANY_REPEATS, R.TOO_LARGE),
    ]


_SPICE = (
    b"|", b"^", b"~", b"\\", b"&", b"\x00", b'""', b"\xff", b"\xc3", b"-", b"\\X", b"{", b"}", b"[", b'"', b":", b",",
    b"null", b"99999999", b"\\u0000", b"1e999",
)  # fmt: skip


def mutate(rng: random.Random, raw: bytes, *, keep: int = 0) -> bytes:
    """A few random cuts, doublings, insertions and flips behind the first `keep` bytes; never a line or frame mark."""
    head, raw = raw[:keep], raw[keep:]
    for _ in range(rng.randint(1, 6)):
        start = rng.randint(0, len(raw))
        end = min(len(raw), start + rng.randint(0, 60))
        match rng.randint(0, 4):
            case 0:
                raw = raw[:start] + raw[end:]
            case 1:
                raw = raw[:start] + raw[start:end] * rng.randint(2, 20) + raw[end:]
            case 2:
                raw = raw[:start] + rng.choice(_SPICE) * rng.randint(1, 5) + raw[start:]
            case 3:
                noise = bytes(byte for byte in rng.randbytes(rng.randint(1, 4)) if byte not in b"\n\x0b\x1c")
                raw = raw[:start] + noise + raw[end:]
            case _:
                raw = raw[: max(start, len(raw) - 40)]
    return head + raw
