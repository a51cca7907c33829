"""What is kept of every decision for looking back: the archive's records, and the ports it is written through.

A record is one matched entry of one watched person with its disposition, the rules that judged it and the facts of the
person that rules read, as they stood. Enough to judge it again; no name, no address, no identifier of anybody. Local
patient numbers are hashed with the store's own secret, and only because merges need to know equal from unequal.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from alerts.model import Alert
from domain.attributes import EdAttributes, ProgrammeAttributes
from domain.events import Place
from domain.identity import DateOfBirth, Identity
from domain.ids import HouseholdId, MemberId, NavigatorId, OccurrenceKey, digest
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus, WatchAuthority
from domain.triggers import TriggerFired
from streams.messages import Disposition, Matched
from triggers.changes import Changes
from triggers.history import HistoryEntry
from triggers.sparing import RuleFault
from triggers.verdicts import FiringDecision

KEPT_FOR = timedelta(days=730)
"""domain.md 7.3: derived events and alerts 24 months."""
_PATIENT = "|patient:"
"""What stands before a patient number in the occurrence key of a message that names no visit."""
_NOTED = "noted"
"""Stands for what was on record, where rules ask no more than whether anything was."""


class FiringStep(StrEnum):
    """What a decision did to a firing."""

    FIRED = "fired"
    WITHDRAWN = "withdrawn"
    MOVED_FROM = "moved_from"
    MOVED_TO = "moved_to"
    TOO_LATE = "too_late"  # it would have fired, had the feed come in time


@dataclass(frozen=True, slots=True)
class ArchivedFiring:
    """One firing that a decision made, took back, moved, or heard of too late."""

    step: FiringStep
    firing_id: str
    rule_id: str
    priority: str
    fired_at: datetime
    late: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules and routing read of a member, as it stood. Dates of birth are here because age is that of a day."""

    member_id: MemberId
    status: MemberStatus
    programme: str = ""
    area: str = ""
    force_area: str = ""
    individual_engagement: str = ""
    household_engagement: str = ""
    household_id: HouseholdId | None = None
    navigator_id: NavigatorId | None = None
    dates_of_birth: tuple[DateOfBirth, ...] = field(default=(), repr=False)
    watch_starts: date | None = None
    watch_review_on: date | None = None
    watch_ends: date | None = None
    allowed_feeds: tuple[Feed, ...] = ()
    joined_at: datetime | None = None
    safe_contact_noted: bool = False
    staff_safety_noted: bool = False
    has_associates: bool = False

    @property
    def member(self) -> CohortMember:
        """A member of whom only these facts are known: rules judge them as they judged the one they were taken from."""
        return CohortMember(
            member_id=self.member_id,
            status=self.status,
            identity=Identity(dates_of_birth=self.dates_of_birth),
            programme=self.programme,
            area=self.area,
            force_area=self.force_area,
            individual_engagement=self.individual_engagement,
            household_engagement=self.household_engagement,
            household_id=self.household_id,
            navigator_id=self.navigator_id,
            watch=WatchAuthority(starts=self.watch_starts, review_on=self.watch_review_on, ends=self.watch_ends),
            allowed_feeds=self.allowed_feeds,
            joined_at=self.joined_at,
            safe_contact=_NOTED if self.safe_contact_noted else "",
            staff_safety=_NOTED if self.staff_safety_noted else "",
            associates=(MemberId(_NOTED),) if self.has_associates else (),
        )


def facts_of(member: CohortMember) -> Facts:
    """The facts of a member, without anything that says who they are."""
    return Facts(
        member_id=member.member_id,
        status=member.status,
        programme=member.programme,
        area=member.area,
        force_area=member.force_area,
        individual_engagement=member.individual_engagement,
        household_engagement=member.household_engagement,
        household_id=member.household_id,
        navigator_id=member.navigator_id,
        dates_of_birth=member.identity.dates_of_birth,
        watch_starts=member.watch.starts,
        watch_review_on=member.watch.review_on,
        watch_ends=member.watch.ends,
        allowed_feeds=member.allowed_feeds,
        joined_at=member.joined_at,
        safe_contact_noted=bool(member.safe_contact),
        staff_safety_noted=bool(member.staff_safety),
        has_associates=bool(member.associates),
    )


@dataclass(frozen=True, slots=True)
class Archived:
    """One decision about one watched person. `record_id` is the same on every repeat; `order` grows with each of a
    person's decisions. `entry` is None where the clock alone decided. `ruling` is what a human's decision did, '' where
    no human spoke."""

    record_id: str
    member_id: MemberId
    order: int
    decided_at: datetime
    disposition: str
    rules: str
    facts: Facts
    entry: HistoryEntry | None = None
    extra: tuple[HistoryEntry, ...] = ()
    ruling: str = ""
    found: bool = False  # by look-back, or let in by a human: marked late, whatever its times say
    firings: tuple[ArchivedFiring, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What `archived_of` is told of a decision beside the message: when, how it ended, and what it changed.

    `rules` is the mark of the live version; `passed_over` are those of its rules that could not be judged.
    """

    at: datetime
    order: int
    disposition: Disposition
    changes: Changes
    rules: str
    passed_over: tuple[RuleFault, ...] = ()

    @property
    def judged_by(self) -> str:
        """By which rules it was decided: `rules@7`, or `rules@7 without ED_ASSAULT@2`."""
        missing = sorted(f"{fault.rule_id}@{fault.version}" for fault in self.passed_over)
        return f"{self.rules} without {', '.join(missing)}" if missing else self.rules


def archived_of(
    matched: Matched, entries: Sequence[HistoryEntry], member: CohortMember, decided: Decided, secret: bytes
) -> Archived:
    """The record of a decision on a matched event. Pure; the same decision gives the same record.

    `entries` are the event's own and those that came with it, as far as they may be kept about this person.
    """
    entry, *extra = entries
    return Archived(
        record_id=digest("archived", matched.event.event_id, matched.part),
        member_id=member.member_id,
        order=decided.order,
        decided_at=decided.at,
        disposition=str(decided.disposition),
        rules=decided.judged_by,
        facts=facts_of(member),
        entry=_nameless(entry, secret),
        extra=tuple(_nameless(each, secret) for each in extra),
        ruling=matched.ruling.does.value if matched.ruling else "",
        found=matched.found_at is not None and matched.ruling is None,
        firings=firings_of(decided.changes),
    )


def clock_archived(member: CohortMember, decided: Decided) -> Archived:
    """The record of what came about by the clock alone."""
    moment = decided.at.isoformat()
    return Archived(
        record_id=digest("archived", "clock", member.member_id, str(decided.order), moment),
        member_id=member.member_id,
        order=decided.order,
        decided_at=decided.at,
        disposition=str(decided.disposition),
        rules=decided.judged_by,
        facts=facts_of(member),
        firings=firings_of(decided.changes),
    )


def firings_of(changes: Changes) -> tuple[ArchivedFiring, ...]:
    """What the changes did to firings, one line each."""
    late = [each.trigger for each in changes.held if each.decision is FiringDecision.TOO_LATE]
    return (
        *_steps(FiringStep.FIRED, changes.fired),
        *_steps(FiringStep.WITHDRAWN, changes.withdrawn),
        *_steps(FiringStep.MOVED_FROM, [old for old, _ in changes.moved]),
        *_steps(FiringStep.MOVED_TO, [new for _, new in changes.moved]),
        *_steps(FiringStep.TOO_LATE, late),
    )


def _steps(step: FiringStep, firings: Iterable[TriggerFired]) -> tuple[ArchivedFiring, ...]:
    return tuple(
        ArchivedFiring(step, one.firing_id, one.rule_id, one.priority.value, one.fired_at, one.late) for one in firings
    )


def _nameless(entry: HistoryEntry, secret: bytes) -> HistoryEntry:
    """The entry without what no rule reads and what could say who somebody is or where they live."""
    said, place = entry.attributes, entry.place
    if isinstance(said, EdAttributes) and (said.patient_key or said.merged_patient_key):
        said = replace(
            said,
            patient_key=_hashed(said.patient_key, secret),
            merged_patient_key=_hashed(said.merged_patient_key, secret),
        )
    elif isinstance(said, ProgrammeAttributes) and said.safe_contact:
        said = replace(said, safe_contact=None)
    if place is not None:
        place = Place(lat=place.lat, lon=place.lon, force_area=place.force_area)
    before, mark, number = entry.occurrence.partition(_PATIENT)
    occurrence = OccurrenceKey(f"{before}{mark}{_hashed(number, secret)}") if mark else entry.occurrence
    return replace(entry, attributes=said, place=place, occurrence=occurrence)


def _hashed(number: str, secret: bytes) -> str:
    return hashlib.blake2b(number.encode(), key=secret[:64], digest_size=12).hexdigest() if number else ""


@dataclass(frozen=True, slots=True)
class AlertOutcome:
    """What became of an alert. The newest `version` counts; times are None where that never happened."""

    alert_id: str
    version: int
    reference: str
    member_id: MemberId
    navigator_id: NavigatorId | None
    area: str
    priority: str
    state: str
    outcome: str
    rules: tuple[str, ...]
    firings: tuple[str, ...]
    raised_at: datetime
    contact_by: datetime
    updated_at: datetime
    notified_at: datetime | None = None
    accepted_at: datetime | None = None
    contacted_at: datetime | None = None
    closed_at: datetime | None = None


def outcome_of(alert: Alert) -> AlertOutcome:
    """An alert as the archive keeps it: no words, no notes."""

    def first(what: str) -> datetime | None:
        return min((each.at for each in alert.timeline if each.what.value == what), default=None)

    firings = [record.trigger for record in alert.triggers]
    return AlertOutcome(
        alert_id=alert.alert_id,
        version=alert.version,
        reference=alert.reference,
        member_id=alert.member_id,
        navigator_id=alert.navigator_id,
        area=alert.area,
        priority=alert.priority.value,
        state=alert.state.value,
        outcome=alert.outcome.value if alert.outcome else "",
        rules=tuple(sorted({firing.rule_id for firing in firings})),
        firings=tuple(firing.firing_id for firing in firings),
        raised_at=alert.raised_at,
        contact_by=alert.clocks.contact_by,
        updated_at=alert.updated_at,
        notified_at=first("notified"),
        accepted_at=first("accepted"),
        contacted_at=first("contacted"),
        closed_at=first("closed"),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something committed that is not in a file yet, at its place in its shard's stream."""

    shard: int
    position: str
    what: Archived | AlertOutcome


@dataclass(frozen=True, slots=True)
class Holding:
    """What the archive holds."""

    files: int = 0
    bytes: int = 0
    decisions: int = 0
    alerts: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    damaged: tuple[str, ...] = ()


class ArchiveLog(Protocol):
    """What was committed and waits to be written to files. Engine B brings its own."""

    async def archive_waiting(self) -> int:
        """How many records wait."""

    async def read_archive(self, limit: int) -> list[Waiting]:
        """The next of every shard, in order, about `limit` in all; they stay until they are settled."""

    async def settle_archive(self, written: Sequence[Waiting]) -> None:
        """These are safely on disk (or not wanted): forget them. Safe to repeat."""
