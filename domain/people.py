"""The watched people and the people who go to them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from domain.clock import london_day
from domain.identity import Identity
from domain.ids import HouseholdId, MemberId, NavigatorId
from domain.kinds import Feed
from domain.matches import LinkLearnt


class MemberStatus(StrEnum):
    """Where a person stands with the programme (domain.md section 8)."""

    REFERRED = "referred"
    VISIT_DUE = "visit_due"
    CONSENT_PENDING = "consent_pending"
    TRIAGE = "triage"
    ACTIVE = "active"
    FAMILY_ENGAGED = "family_engaged"
    NON_ENGAGER = "non_engager"
    AT_RISK = "at_risk"
    DISENGAGED = "disengaged"
    REOFFER = "reoffer"
    CLOSED = "closed"
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True)
class WatchAuthority:
    """Why, by whose authority and for how long a person is watched.

    `starts`, `review_on` and `ends` are London days; `ends` and `review_on` are the last day on which the authority
    holds. None means not limited (starts) or not set (ends, review_on).
    """

    reason: str = ""
    lawful_basis: str = ""
    authorised_by: str = ""
    starts: date | None = None
    review_on: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Tie:
    """A link with another member that was learnt while this one was watched already. Holds for both.

    An event told it (`learnt.by`, of `system`, under `record`: the source's key, hashed), and it stands until that is
    taken back; or else the cohort's own list did, which then says itself how long it holds.
    """

    other: MemberId
    learnt: LinkLearnt
    system: str = ""
    record: str = ""

    @property
    def told(self) -> bool:
        """Whether an event told it."""
        return bool(self.record)


@dataclass(frozen=True, slots=True)
class CohortMember:
    """A watched person. The store itself keeps `joined_at`, `ties` and `home_learnt` (since when the household is this
    one, if it changed)."""

    member_id: MemberId
    status: MemberStatus
    identity: Identity = Identity()
    programme: str = ""
    area: str = ""
    force_area: str = ""
    individual_engagement: str = ""
    household_engagement: str = ""
    household_id: HouseholdId | None = None
    associates: tuple[MemberId, ...] = ()
    navigator_id: NavigatorId | None = None
    cover_id: NavigatorId | None = None
    watch: WatchAuthority = WatchAuthority()
    allowed_feeds: tuple[Feed, ...] = (Feed.POLICE, Feed.INTEL, Feed.ED, Feed.PROGRAMME)
    safe_contact: str = field(default="", repr=False)
    staff_safety: str = field(default="", repr=False)
    joined_at: datetime | None = None
    ties: tuple[Tie, ...] = ()
    home_learnt: datetime | None = None

    @property
    def lists(self) -> frozenset[MemberId]:
        """Everybody this member is linked with by their own record, or by an event about them."""
        return frozenset(self.associates).union(tie.other for tie in self.ties if tie.told)


class Standing(StrEnum):
    """Whether a member's watch authority covers an event of one feed on one day, and if not, why not."""

    IN_DATE = "in_date"
    NOT_BEGUN = "not_begun"
    ENDED = "ended"
    NOT_WATCHED = "not_watched"  # closed or deceased
    FEED_NOT_ALLOWED = "feed_not_allowed"  # such events are not even recorded (rules.md section 2)


def watch_standing(member: CohortMember, *, on: datetime, feed: Feed) -> Standing:
    """How the member's authority stands to an event of `feed` that happened at `on` (aware).

    Days are London days. The reason that forbids most is told first: not watched, then feed, then dates. No authority
    given at all is in date (rules.md 1.4). An overdue review asks for one (T4) and silences nothing (ADR 0016).
    """
    if member.status in (MemberStatus.CLOSED, MemberStatus.DECEASED):
        return Standing.NOT_WATCHED
    if feed not in member.allowed_feeds:
        return Standing.FEED_NOT_ALLOWED
    day = london_day(on)
    watch = member.watch
    if watch.starts is not None and day < watch.starts:
        return Standing.NOT_BEGUN
    if watch.ends is not None and day > watch.ends:
        return Standing.ENDED
    return Standing.IN_DATE


@dataclass(frozen=True, slots=True)
class Navigator:
    """A person who can be sent. `phone` E.164; `health_approved` may be told of a health crisis (rule 5);
    `duty` marks a duty contact; `available` is false on leave, then the cover is told instead."""

    navigator_id: NavigatorId
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    area: str = ""
    available: bool = True
    cover_id: NavigatorId | None = None
    health_approved: bool = False
    duty: bool = False
    gatekeeper: bool = False  # police intelligence gatekeeper: told of held intelligence
    supervisor: bool = False
