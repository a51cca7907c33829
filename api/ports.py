"""What the API needs from outside, and the small values it is told in. The front door adapts the other rooms to these.

Nothing here knows how events move or where state lies. Texts in these values are safe to show: no bytes of a record,
no free text of a feed, no address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from api.keys import ApiKey
from domain.ids import EventId, MemberId, NavigatorId
from domain.kinds import Feed


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the input something stood: record from 1, HL7 segment, field (JSON path, HL7 field, CSV column)."""

    record: int | None = None
    segment: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """What became of one item of a request. `result`: accepted, duplicate, quarantined or ignored; all are durable.

    `index` counts from 0. `reason` and `detail` are set for what was quarantined or ignored; `detail` holds no value.
    """

    index: int
    result: str
    event_id: str = ""
    reason: str = ""
    detail: str = ""
    where: Location | None = None
    quarantine_id: str = ""


class FeedIntake(Protocol):
    """The one door for events."""

    async def take(self, feed: Feed, body: bytes, content_type: str, source: str) -> list[ItemAnswer]:
        """Make a request body durable; one answer for each item, in order. `source` is who sent it, as we name them.

        Raises FeedError for a content type that the feed does not take, StoreUnavailable if nothing was promised.
        """
        ...


@dataclass(frozen=True, slots=True)
class BooksView:
    """accepted = disposed + in flight. Keyed by feed; refusals by reason, endings by disposition without ids."""

    accepted: Mapping[str, int] = field(default_factory=dict)
    duplicate: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ignored: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    disposed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    last_received: Mapping[str, datetime] = field(default_factory=dict)
    in_flight: int = 0
    balanced: bool = True


class Books(Protocol):
    """The ledger."""

    async def counts(self) -> BooksView:
        """The totals since the store was made."""
        ...

    async def disposition(self, event_id: EventId) -> str | None:
        """How an event ended, as the ledger holds it (`suppressed:cooling`); None while in flight or when unknown."""
        ...


class Freshness(Protocol):
    """When each feed last spoke."""

    async def as_of(self) -> Mapping[str, datetime]:
        """By feed; one that never spoke is left out. Asked on every answer that rests on feeds: keep it cheap."""
        ...


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """A record that could not be taken, without its bytes (they are personal data: `reachpoint quarantine show`)."""

    item_id: str
    feed: Feed
    reason: str
    detail: str
    where: Location
    channel: str
    source: str
    content_type: str
    size_bytes: int
    first_at: datetime | None
    last_at: datetime | None
    count: int
    state: str
    event_id: EventId | None = None


@dataclass(frozen=True, slots=True)
class HeldView:
    """Intelligence that waits for the police gatekeeper: which record of theirs, and what it would set off. No text."""

    held_id: str
    event_id: EventId
    source_system: str
    source_key: str
    member_id: MemberId
    rules: tuple[str, ...]
    occurred_at: datetime
    created_at: datetime
    state: str
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


class HeldDecision(StrEnum):
    """What a gatekeeper may say."""

    RELEASE = "release"
    REFUSE = "refuse"


class Desk(Protocol):
    """What waits for people."""

    async def quarantine(self, *, feed: Feed | None, state: str, limit: int) -> Sequence[QuarantineView]:
        """Records that could not be taken, newest first. `state` is open or replayed."""
        ...

    async def quarantine_item(self, item_id: str) -> QuarantineView | None:
        """One of them; None if there is none."""
        ...

    async def replay(self, item_id: str) -> list[ItemAnswer]:
        """Take it again, after its sender, a mapping or we have been mended. Raises NotFound, StoreUnavailable."""
        ...

    async def held(self, limit: int) -> Sequence[HeldView]:
        """Held intelligence, newest first."""
        ...

    async def decide_held(self, held_id: str, decision: HeldDecision, reason: str, by: str) -> HeldView:
        """Keep the gatekeeper's decision. The same one told twice changes nothing.

        Raises NotFound, and NotAllowed where it was decided otherwise before.
        """
        ...


@dataclass(frozen=True, slots=True)
class MemberView:
    """What a navigator needs on the way to somebody: who it is, and how to go there safely."""

    member_id: MemberId
    name: str = field(default="", repr=False)
    date_of_birth: date | None = field(default=None, repr=False)
    status: str = ""
    programme: str = ""
    area: str = ""
    individual_engagement: str = ""
    household_engagement: str = ""
    safe_contact: str = field(default="", repr=False)
    staff_safety: str = field(default="", repr=False)


class PeopleView(Protocol):
    """The watched people and the navigators as they are now, from memory."""

    def member(self, member_id: MemberId) -> MemberView | None:
        """The small view of a watched person; None if they are not watched any more."""
        ...

    def health_approved(self, navigator_id: NavigatorId) -> bool:
        """Whether a navigator may be told of a health crisis; False if they are not known."""
        ...


@dataclass(frozen=True, slots=True)
class ReadyView:
    """Whether work can be taken; `waiting_for` says what is missing, in words without values."""

    ready: bool
    waiting_for: tuple[str, ...] = ()


class Readiness(Protocol):
    """The service's own judgement of itself."""

    async def check(self) -> ReadyView:
        """Cheap enough to be asked every second; never raises."""
        ...


class KeyStore(Protocol):
    """API keys. Only hashes are kept. Each call raises StoreUnavailable where the store cannot be reached."""

    async def create(self, key: ApiKey) -> None:
        """Keep a new key. Raises Conflict if its id or hash exists."""
        ...

    async def keys(self) -> list[ApiKey]:
        """All keys, revoked and expired ones too, by creation then id."""
        ...

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Make a key powerless at once; the first revocation stays. False if there is no such key."""
        ...

    async def find(self, key_hash: str) -> ApiKey | None:
        """The key with that hash, as it stands now."""
        ...

    async def touch(self, key_hash: str, now: datetime) -> None:
        """Note that a key was used; nothing happens if it is gone."""
        ...
