"""What a parser answers: an Event, or why not. Details name places (line, segment, field), never values."""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.events import Event
from domain.kinds import Feed


class RejectReason(StrEnum):
    """The closed list of reasons for quarantine. Each is a metric label and a word for the feed's owner."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    BAD_ENCODING = "bad_encoding"
    NOT_PARSEABLE = "not_parseable"
    TOO_DEEP = "too_deep"
    UNKNOWN_KIND = "unknown_kind"
    WRONG_FEED = "wrong_feed"
    UNSUPPORTED_MESSAGE = "unsupported_message"
    UNSUPPORTED_VERSION = "unsupported_version"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    BAD_DATE = "bad_date"
    FUTURE_DATE = "future_date"
    UNKNOWN_FIELD = "unknown_field"
    TOO_MANY_REPEATS = "too_many_repeats"
    MARKING_TOO_HIGH = "marking_too_high"
    MAPPING = "mapping"
    KEY_REUSED = "key_reused"  # the same key with other content: kept for a human, never a second event
    PROCESSING_FAILED = "processing_failed"  # a fault of ours: the event waits, with a trace id, for a replay


@dataclass(frozen=True, slots=True)
class Where:
    """Where in the input it stood. Numbers count from 1; '' or None means not applicable."""

    record: int | None = None  # record or line number in the file or batch
    segment: str = ""  # HL7 segment name
    field: str = ""  # HL7 field such as "PID-7", JSON path, or CSV column


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be taken. `raw` goes to quarantine untouched; `detail` is safe to log and to send back."""

    reason: RejectReason
    detail: str
    feed: Feed
    raw: bytes = field(repr=False)
    where: Where = Where()
    channel: str = ""
    source: str = ""
    content_type: str = ""  # what a replay parses it as: "hl7", "ndjson", "csv:<mapping name>"
    control_id: str = ""  # HL7 MSH-10, to acknowledge by


@dataclass(frozen=True, slots=True)
class Ignored:
    """Valid, and none of our business (an outpatient registration, a transfer): acknowledged, counted, not kept."""

    why: str
    feed: Feed
    control_id: str = ""


ParseResult = Event | Rejected | Ignored
