"""Who a person is to the programme at an instant of event time: status, age, watch authority.

The member's record is overlaid by what the history says up to that instant (status changed, watch ended, watch
started, review done), so an old event is judged by the standing of its own day, whenever it arrives.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from domain.attributes import ProgrammeAttributes
from domain.clock import london_day
from domain.identity import DobQuality
from domain.kinds import Feed, Kind
from domain.people import CohortMember, MemberStatus, Standing, watch_standing
from triggers.history import HistoryEntry
from triggers.reference import Area, Reference

STANDING_KINDS = frozenset({Kind.STATUS_CHANGED, Kind.WATCH_STARTED, Kind.WATCH_ENDED, Kind.REVIEW_DONE})
"""Programme events that change who is watched; they touch every rule."""


def _best_date_of_birth(member: CohortMember) -> date | None:
    """A stated one before others, then the earliest; None where none but a default is held."""
    known = [dob for dob in member.identity.dates_of_birth if dob.quality is not DobQuality.DEFAULT]
    return min(known, key=lambda dob: (dob.quality is not DobQuality.STATED, dob.value)).value if known else None


def _whole_years(since: date, day: date) -> int:
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))


class Person:
    """A member seen through their own history: asked by event time, answers from record and overlay.

    `changes` are the entries that changed their standing, each with the member after it, oldest first.
    `history` is what stands of it: a change of standing that was retracted has never been.
    """

    __slots__ = ("_born", "_changes", "_times", "_undated", "area", "changes", "member")

    def __init__(self, member: CohortMember, history: Iterable[HistoryEntry], reference: Reference) -> None:
        self.member = member
        self.changes = _overlays(member, history)
        self._changes = tuple((entry.occurred_at, after) for entry, after in self.changes)
        self._times = tuple(at for at, _ in self._changes)
        self._born = _best_date_of_birth(member)
        self._undated: dict[tuple[MemberStatus, Feed], Standing] = {}
        self.area: Area | None = (
            Area(force=member.force_area.lower().replace("-", "_").replace(" ", "_"))
            if member.force_area
            else reference.area(member.area)
        )

    def as_of(self, at: datetime) -> CohortMember:
        """The member as they stood at `at`."""
        place = bisect_right(self._times, at)
        return self._changes[place - 1][1] if place else self.member

    def parts_from(self, other: "Person") -> datetime | None:
        """From when on the other, the same member seen through another history, answers differently; None if never."""
        if self._changes == other._changes:
            return None
        pairs = zip(self._changes, other._changes, strict=False)
        same = next((place for place, (one, two) in enumerate(pairs) if one != two), None)
        if same is None:
            same = min(len(self._changes), len(other._changes))
        return min(changes[same][0] for changes in (self._changes, other._changes) if len(changes) > same)

    def status(self, at: datetime) -> MemberStatus:
        """Their status at `at`."""
        return self.as_of(at).status if self._times else self.member.status

    def age(self, at: datetime) -> int | None:
        """Their age in whole years on the London day of `at`."""
        return None if self._born is None else _whole_years(self._born, london_day(at))

    def under(self, years: int, at: datetime) -> bool:
        """Whether they are known to be younger on the London day of `at`."""
        born = self._born
        if born is None or at.year - born.year > years + 1:  # the usual case: older whatever the day
            return False
        return _whole_years(born, london_day(at)) < years

    def standing(self, at: datetime, feed: Feed) -> Standing:
        """Whether they may be watched through `feed` at `at`, and if not, why."""
        member = self.as_of(at) if self._times else self.member
        watch = member.watch
        if watch.starts is watch.ends is watch.review_on is None:  # no dates: every day is alike
            known = self._undated.get((member.status, feed))
            if known is None:
                known = self._undated[member.status, feed] = watch_standing(member, on=at, feed=feed)
            return known
        return watch_standing(member, on=at, feed=feed)


def _overlays(member: CohortMember, history: Iterable[HistoryEntry]) -> tuple[tuple[HistoryEntry, CohortMember], ...]:
    """The member after each change of standing, oldest first."""
    now = member
    changes: list[tuple[HistoryEntry, CohortMember]] = []
    for entry in history:
        if entry.kind in STANDING_KINDS and entry.subject == member.member_id:
            now = _after(now, entry)
            changes.append((entry, now))
    return tuple(changes)


def _after(member: CohortMember, entry: HistoryEntry) -> CohortMember:
    said = entry.attributes if isinstance(entry.attributes, ProgrammeAttributes) else ProgrammeAttributes()
    day = london_day(entry.occurred_at)
    review = london_day(said.review_date) if said.review_date else None
    if entry.kind is Kind.STATUS_CHANGED:
        known = said.status in set(MemberStatus)
        return replace(member, status=MemberStatus(said.status)) if known and said.status else member
    if entry.kind is Kind.WATCH_ENDED:
        # The day before: an authority holds through its last day, an ended watch ends at that instant.
        return replace(member, watch=replace(member.watch, ends=date.fromordinal(day.toordinal() - 1)))
    if entry.kind is Kind.WATCH_STARTED:
        return replace(member, watch=replace(member.watch, starts=day, ends=None, review_on=review))
    if entry.kind is Kind.REVIEW_DONE:
        return replace(member, watch=replace(member.watch, review_on=review))
    return member
