"""What the record feeds (police, intelligence, programme) are given: limits, and where a record came from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.kinds import Feed
from streams.making import maker


@dataclass(frozen=True, slots=True)
class RecordPolicy:
    """Limits of the record feeds. `max_bytes` per record (and per line of a file), `max_records` per request body,
    `future_tolerance` for clocks that run ahead. `drop_unknown` takes a record without its unknown fields
    (counted by `parse_counted`) instead of refusing it. `keep_overmarked` keeps the bytes of a record whose marking is
    too high; by default only the fact is kept, because this store may not hold them."""

    max_bytes: int = 1024 * 1024
    max_records: int = 10_000
    max_depth: int = 32
    future_tolerance: timedelta = timedelta(minutes=10)
    drop_unknown: bool = False
    keep_overmarked: bool = False


DEFAULT_POLICY = RecordPolicy()


@dataclass(frozen=True, slots=True)
class Origin:
    """How a record came: by which feed's door, when, and where it stood.

    `content_type` is what a replay reads it as: "ndjson" or "csv:<mapping name>".
    """

    feed: Feed
    received_at: datetime
    channel: str = ""
    source: str = ""
    position: int | None = None
    content_type: str = "ndjson"

    def at(self, position: int) -> "Origin":
        """The same, where another record of it stood."""
        return make_origin(self.feed, self.received_at, self.channel, self.source, position, self.content_type)


make_origin = maker(Origin)
"""An Origin, quickly: one is made for every record."""
