"""What travels between the hops and what is kept of it: dispositions, matched events, parked amendments, person states.

`Disposition` is the one word in which every accepted event ends (design.md section 4).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.events import Event
from domain.ids import EventId, MemberId, RuleId, digest
from domain.kinds import Feed, Role
from domain.matches import LinkLearnt, Match, Relation
from streams.feeds.outcome import RejectReason, Where
from streams.feeds.receipts import Receipt
from triggers.history import History, HistoryEntry

OWN_CHANNEL = "own"
"""The channel of events that we tell ourselves: no feed has spoken when one comes."""


class Ending(StrEnum):
    """How an accepted event can end; most telling first (`rank`)."""

    ALERT = "alert"
    QUARANTINED = "quarantined"
    REVIEW = "review"
    WITHDRAWN = "withdrawn"  # it took back or corrected something that had been told
    SUPPRESSED = "suppressed"
    NO_RULE = "no_rule"
    NO_MATCH = "no_match"

    @property
    def rank(self) -> int:
        """0 is the most telling: the event's disposition is that of its most telling part."""
        return _RANKS[self.value]


_RANKS = {ending.value: rank for rank, ending in enumerate(Ending)}


@dataclass(frozen=True, slots=True)
class Disposition:
    """An ending and its why: the alert's id, or the reason from the closed enum that applies."""

    ending: Ending
    why: str = ""

    def __str__(self) -> str:
        """As the ledger holds it: `no_match`, `suppressed:cooling`, `alert:<id>` ..."""
        return f"{self.ending.value}:{self.why}" if self.why else self.ending.value

    @staticmethod
    def parse(text: str) -> "Disposition":
        """The inverse of `str`."""
        ending, _, why = text.partition(":")
        return Disposition(Ending(ending), why)


def most_telling(parts: list[Disposition]) -> Disposition:
    """The disposition of an event that went to several people: that of its most telling part."""
    return parts[0] if len(parts) == 1 else min(parts, key=lambda part: (part.ending.rank, part.why))


@dataclass(frozen=True, slots=True)
class Heir:
    """Somebody to whom an occurrence passes: its new owner (relation self), or one of those close to the owner."""

    listener: MemberId
    subject: MemberId
    relation: Relation


class RulingKind(StrEnum):
    """What a human's decision on a doubtful match does to a watched person's history."""

    LETS_IN = "lets_in"  # it is about them after all
    TAKES_BACK = "takes_back"  # what was let in is withdrawn; the rest of its occurrence goes if it rested on that
    TAKES_ALL_BACK = "takes_all_back"  # as above, with all that was handed over together with it


@dataclass(frozen=True, slots=True)
class Ruling:
    """A human's decision that sends a part: `name` makes it another part than the event's own, and than an earlier
    decision's."""

    name: str
    does: RulingKind = RulingKind.LETS_IN


@dataclass(frozen=True, slots=True)
class Matched:
    """One event on its way to one watched person (the listener). Mentions are stripped: identities stop at recognition.

    `subject` is whom it is about (the listener, somebody linked to them, or 'household'). Where the source moves an
    occurrence from one person to others, the one who loses it is told the `heirs`, and hands over to each of them the
    `extra` entries it had, saying whose they were (`handed_by`). `found_at` is set where look-back found the event for
    the listener after it had passed them by, or a human decided that it is about them; then there is a `ruling` too.
    `linked` says when the link was learnt through which the listener hears of it, where that matters
    (HistoryEntry.linked). What is told because a link was learnt comes as `extra`, from whom it happened to.
    """

    event: Event
    listener: MemberId
    subject: str
    relation: Relation
    role: Role | None
    match: Match | None = None
    extra: tuple[HistoryEntry, ...] = ()
    heirs: tuple[Heir, ...] = ()
    handed_by: str = ""
    found_at: datetime | None = None
    ruling: Ruling | None = None
    linked: LinkLearnt | None = None

    @property
    def as_learnt(self) -> Event:
        """The event as the listener comes to know it: what look-back found was received, for them, when it was found,
        and nothing before the link was learnt through which they hear of it.

        So its lateness is counted up to then (rules.md section 2).
        """
        received = self.event.received_at if self.found_at is None else self.found_at
        if self.linked is not None:
            received = max(received, self.linked.received_at)
        return self.event if received == self.event.received_at else replace(self.event, received_at=received)

    @property
    def part(self) -> str:
        """The name of this part among the parts of its event; the same on every redelivery. What is handed over a
        second time, because more had come, is another part."""
        role = self.role.value if self.role else ""
        name = "|".join((self.listener, self.subject, self.relation.value, role, self.handed_by))
        if self.ruling:
            name = f"{name}|{self.ruling.name}"
        if not self.handed_by:
            return name
        return f"{name}|{digest(*sorted(f'{entry.event_id}|{entry.role}' for entry in self.extra))[:12]}"


@dataclass(frozen=True, slots=True)
class ParkedAmendment:
    """An amendment that waits, without identities, for whoever is linked to what it amends only later (A11 before A04).

    It waits under `keys`. `reached` are the link values of those it went to already; `named` the members it named, and
    `clear` whether it said clearly who it is about: then it takes the occurrence away from anybody else.
    """

    keys: tuple[str, ...]
    event: Event
    reached: tuple[str, ...] = ()
    named: tuple[MemberId, ...] = ()
    clear: bool = False


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A doubtful match waiting for a person. Holds the event with its mentions, to be compared behind the login.

    Without matches it asks whether an occurrence is still about `member_id`, whom it is linked to.
    """

    review_id: str
    event: Event = field(repr=False)
    matches: tuple[Match, ...]
    created_at: datetime
    why: str = "doubtful"
    member_id: MemberId | None = None

    @property
    def mention(self) -> str:
        """The ref of the mention in doubt; where nobody matched, of the first that says clearly who it is about."""
        if self.matches:
            return self.matches[0].mention
        clear = [each.ref for each in self.event.mentions if each.identity.dates_of_birth]
        return next(iter((*clear, *(each.ref for each in self.event.mentions))), "")


@dataclass(frozen=True, slots=True)
class HeldIntel:
    """Intelligence that waits for the police gatekeeper: whom it would concern and which rules would fire. No text."""

    held_id: str
    event_id: EventId
    source_system: str
    source_key: str
    member_id: MemberId
    rules: tuple[str, ...]
    occurred_at: datetime
    created_at: datetime
    state: str = "held"  # held | released | refused
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A rule that could not be judged for a person, by a fault of ours, and what it was passed over for.

    `come` and `gone` name the entries of the history that came and went since it was last judged (passing.name_of);
    `since` is until when its clock had gone on then. `seen_at` is when the fault was first met, of that day.
    """

    rule_id: RuleId
    version: int
    cause: str
    since: datetime
    seen_at: datetime
    come: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonState:
    """All that decisions about one watched person rest on beside their alerts: what is known to have happened.

    `version` 0 means that nothing is stored yet; every commit raises it by one and is refused if it moved meanwhile.
    `clock` is until when time has been kept: what was due by then has come about, and never does again.
    `unjudged` are the rules that were passed over, and `gone` the entries that have left the history meanwhile.
    """

    member_id: MemberId
    version: int = 0
    history: History = ()
    clock: datetime | None = None
    unjudged: tuple[Unjudged, ...] = ()
    gone: History = ()


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """Something that could not be taken, with its bytes untouched, for a human to look at and to replay."""

    item_id: str
    reason: RejectReason
    detail: str
    feed: Feed
    where: Where
    raw: bytes = field(repr=False)
    channel: str = ""
    source: str = ""
    content_type: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    count: int = 1
    state: str = "open"  # open | replayed
    event_id: EventId | None = None


@dataclass(frozen=True, slots=True)
class ItemReceipt:
    """The answer for one item, given only after it is durable. `reason` is set for quarantined and ignored items."""

    kind: Receipt
    event_id: EventId | None = None
    reason: str = ""
    detail: str = ""
    where: Where | None = None
    quarantine_id: str = ""
