"""Who the person was on a day, and what counts as news of them: rules.md sections 2 and 3 in plain words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.attributes import Grade, Handling, ProgrammeAttributes
from domain.clock import LONDON
from domain.identity import DobQuality
from domain.kinds import SUSPECT_ROLES, Feed, Kind, Role
from domain.matches import LinkLearnt, Relation
from domain.people import CohortMember, MemberStatus
from tests.oracle.telling import MOVES_ON, Moment, moments, not_retracted, roles_of, still_told, words_of
from triggers.history import HistoryEntry

LATE = timedelta(hours=48)

VISIT_MOVES_ON = (*MOVES_ON, "found")

Holds = Callable[["Life", Moment, dict[str, Any], Any], bool]
"""Whether something holds of a moment by these values and roles."""


@dataclass(frozen=True)
class Ground:
    """What a rule looks for: kinds, and what holds when it happens and still with all corrections; several ways.

    `about` is self, household (the person or the household) or linked or housemates (not the person).
    """

    kinds: tuple[str, ...]
    ways: tuple[tuple[Holds, Holds], ...]
    about: str = "self"
    offending: bool = False
    links: timedelta | None = None  # how long before a link was learnt it may have happened; None: not at all

    def reads(self, moment: Moment) -> bool:
        kind, relations = moment.entry.kind.value, ABOUT[self.about]
        return moment.relation in relations and any(kind == k or k == kind.split(".")[0] + ".*" for k in self.kinds)


BESIDE = {
    "ed": "suspect arrested charged offender witness missing reporting searched named associate household client",
    "custody": "patient victim witness missing reporting searched named associate household client",
    "arrest": "patient victim witness missing reporting searched named associate household client",
    "missing": "patient suspect arrested charged offender witness reporting searched named associate household client",
    "nrm": "patient suspect arrested charged offender witness missing reporting searched associate household client",
    "exploitation": "patient suspect arrested charged offender witness missing reporting searched associate household "
    "client",
    "intel": "witness reporting household",
}
"""By family, the roles of people in a record that is about somebody else."""


def beside(moment: Moment) -> bool:
    """Whether they are in it only beside the person whom it is about."""
    others = BESIDE.get(moment.family, "").split()
    return bool(moment.roles) and all(role.value in others for role in moment.roles)


ABOUT = {
    "self": (Relation.SELF,),
    "household": (Relation.SELF, Relation.HOUSEHOLD),
    "linked": (Relation.HOUSEHOLD, Relation.ASSOCIATE),
    "housemates": (Relation.HOUSEHOLD,),
}


def ground(kinds: str, now: Holds, still: Holds | None = None, **more: Any) -> Ground:
    """A ground of one way."""
    return Ground(tuple(kinds.split()), ((now, now if still is None else still),), **more)


@dataclass(frozen=True)
class News:
    """A ground came about: at which moment, when that was first known, how urgent (1 to 3), or held by a guard.

    `count` is how many different ones a counting rule saw; `lateness` how late it came, where that is not the time from
    `at` to `learnt`. `stood` are the times before at which it was so already,
    though nobody had said so yet, each with when both were known.
    """

    moment: Moment
    learnt: datetime
    urgency: int = 3
    guarded: bool = False
    count: int = 1
    stood: tuple[tuple[datetime, datetime], ...] = ()
    lateness: timedelta | None = None
    whole: bool = False  # whether its record says it all by itself
    watched: bool = True

    @property
    def how_late(self) -> timedelta:
        return self.learnt - self.at if self.lateness is None else self.lateness

    @property
    def at(self) -> datetime:
        """When it came to concern them: when it happened, or when the link was learnt through which they hear."""
        return self.moment.at + self.unlinked

    @property
    def times(self) -> tuple[tuple[datetime, datetime], ...]:
        """When it may count where things are asked for their order: when it was so, and when it was said."""
        return (*self.stood, (self.at, self.learnt))

    @property
    def unlinked(self) -> timedelta:
        """How long after it happened the link was learnt."""
        return until_linked(self.moment)

    @property
    def place(self) -> Any:
        order = self.moment.entry.order
        if self.unlinked:
            order = (self.at, 2**62, self.at, f"~~{order[3]}")  # after everything else of its instant
        return (order, self.moment.subject)


def untold(other: News, one: News, late: timedelta = LATE) -> bool:
    """Came too late to fire, and after this one was known: it updates the history, and for this one it never was."""
    return other.how_late > late and other.learnt > one.learnt


def sooner(one: News, known: News | None, late: timedelta = LATE) -> bool:
    """Whether this way of the same is the one that is told: in time before too late, then the one known first."""
    return known is None or (one.how_late > late, one.learnt) < (known.how_late > late, known.learnt)


def lateness_of(entry: HistoryEntry) -> timedelta:
    """Received minus happened; where a link brought it that was learnt after it happened, how late the link came."""
    if entry.linked is not None and entry.received_at <= entry.linked.received_at:
        return entry.linked.received_at - max(entry.linked.at, entry.occurred_at)
    return entry.received_at - entry.occurred_at


def link_of(moment: Moment) -> LinkLearnt | None:
    """When the link with whom it is about was learnt; None where it stood."""
    return next((entry.linked for entry in moment.told if entry.subject == moment.subject and entry.linked), None)


def until_linked(moment: Moment) -> timedelta:
    """How long after it happened the link was learnt through which they hear of it; nothing where it stood."""
    linked = link_of(moment)
    return timedelta(0) if linked is None else max(timedelta(0), linked.at - moment.at)


class Life:
    """One person with their history, their days and the reference lists."""

    def __init__(self, member: CohortMember, entries: Iterable[HistoryEntry], reference: Any) -> None:
        kept = [entry for entry in entries if entry.feed in (*member.allowed_feeds, Feed.PROGRAMME)]
        self.member = member
        self.reference = reference
        self.moments = moments(kept, reference)
        self.own = [entry for entry in not_retracted(kept) if entry.subject == member.member_id]

    def words(self, name: str) -> frozenset[str]:
        return frozenset(self.reference.lists[name])

    def as_of(self, at: datetime) -> CohortMember:
        """The record with every change that had happened by then."""
        member = self.member
        for entry in self.own:
            if entry.occurred_at <= at:
                member = _changed(member, entry)
        return member

    def watched(self, at: datetime, feed: Feed) -> bool:
        """Watched, in date, through this feed."""
        member, day = self.as_of(at), london(at)
        if member.status in (MemberStatus.CLOSED, MemberStatus.DECEASED) or feed not in member.allowed_feeds:
            return False
        watch = member.watch
        begun = watch.starts is None or watch.starts <= day
        return begun and (watch.ends is None or day <= watch.ends)

    def age(self, at: datetime) -> int | None:
        born = [dob for dob in self.member.identity.dates_of_birth if dob.quality is not DobQuality.DEFAULT]
        if not born:
            return None
        best = sorted(born, key=lambda dob: (dob.quality is not DobQuality.STATED, dob.value))[0].value
        day = london(at)
        return day.year - best.year - ((day.month, day.day) < (best.month, best.day))

    def news(
        self,
        looked_for: Ground,
        urgency: Callable[[Moment, dict[str, Any]], int] | None = None,
        late: timedelta = LATE,
        *,
        itself: bool = False,
    ) -> list[News]:
        """Each moment at which the ground comes about, in event time. `itself`: a rule looks for this and nothing else.

        A moment is news unless earlier news of the same occurrence was at least as urgent and was known in time, or
        no later than this one. Of a guarded ground the first moment is enough.
        """
        groups: dict[Any, list[News]] = {}
        for moment in self.moments:
            if looked_for.reads(moment):
                one = self._news_at(looked_for, moment, urgency, late)
                if one is not None:
                    about = moment.subject if looked_for.about in ("linked", "housemates") else ""
                    groups.setdefault((moment.key, about), []).append(one)
        found = [one for group in groups.values() for one in new_ones(group, late, itself=itself)]
        return sorted(found, key=lambda one: one.place)

    def _news_at(self, looked_for: Ground, moment: Moment, urgency: Any, late: timedelta = LATE) -> News | None:
        waited = until_linked(moment)
        if waited and looked_for.links is None:
            linked = link_of(moment)
            if linked is None or linked.by != "joined":
                return None  # they were not close then; whoever joined may have been
            moment = replace(moment, told=tuple(replace(entry, linked=None) for entry in moment.told))
        elif looked_for.links is not None and waited > looked_for.links:
            return None
        ways = [way for way in looked_for.ways if self._came_about(way, moment)]
        if not ways:
            return None
        urgent = 3 if urgency is None else least_urgent(moment, urgency)
        guarded = all(self._guarded(looked_for, way, moment) for way in ways)
        known = [self._learnt(looked_for, way, moment, late) for way in ways]
        learnt, lateness = min(known, key=lambda each: (each[1] is not None, each[0]))
        if lateness is None and until_linked(moment):
            lateness = lateness_of(moment.entry)
        stood = () if guarded else self._stood(looked_for, moment, learnt)
        whole = any(self._whole(looked_for, way, moment) for way in ways)
        watched = self.watched(moment.at, moment.entry.feed)
        return News(moment, learnt, urgent, guarded, stood=stood, lateness=lateness, whole=whole, watched=watched)

    def _whole(self, looked_for: Ground, way: tuple[Holds, Holds], moment: Moment) -> bool:
        """Whether the record says it all, had nothing been told of this before; not what is heard through a new link."""
        told = still_told([moment.entry])
        linked = any(entry.linked for entry in self._all_told(moment) if entry.subject == moment.subject)
        old = moment.entry.kind is not Kind.MISSING_REGRADED and moment.at - moment.began > timedelta(days=7)
        if (
            old
            or linked
            or not told
            or moment.entry.subject != moment.subject
            or moment.entry.relation not in ABOUT_SOMEBODY
        ):
            return False
        said, roles = words_of(told, self.reference), roles_of(told, moment.subject)
        alone = replace(
            moment,
            said=said,
            after=said,
            roles=roles,
            roles_after=roles,
            until_now=(),
            began=moment.at,
            told=tuple(told),
        )
        return self._came_about(way, alone) and not self._guarded(looked_for, way, alone)

    def _all_told(self, moment: Moment) -> list[HistoryEntry]:
        return [entry for other in self.moments if other.key == moment.key for entry in other.told]

    def _stood(self, looked_for: Ground, moment: Moment, learnt: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """The earlier moments of a visit, seen with the eyes of a later one.

        Who was stabbed had been stabbed when they came in; the coding, days later, only says it. So what is coded of
        a visit was true at each moment at which we knew of the visit at all. What had not come about yet (they had not
        left) is as it was. A crime counts from its re-coding, intelligence from its release (rules.md 2 and 4).
        """
        if moment.entry.kind is Kind.CRIME_ROLE_ADDED:
            return self._was(looked_for, moment, learnt)
        if moment.family != "ed":
            return ()
        found = []
        for other in self._before(moment):
            said = {name: value for name, value in moment.said.items() if name not in VISIT_MOVES_ON}
            said.update({name: value for name, value in other.said.items() if name in VISIT_MOVES_ON})
            if not beside(other) and any(now(self, other, said, other.roles) for now, _ in looked_for.ways):
                found.append((other.at, max(learnt, other.entry.received_at)))
        return tuple(found)

    def _was(self, looked_for: Ground, moment: Moment, learnt: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """The earlier moments of a crime in which somebody had a part that was named only later: they had it then, in
        the crime as it was told then."""
        found = []
        for other in self._before(moment):
            named = replace(other, roles=moment.roles)
            ways = [way for way in looked_for.ways if way[0](self, named, named.said, named.roles)]
            if ways and not all(self._guarded(looked_for, way, named) for way in ways):
                found.append((other.at, max(learnt, other.entry.received_at)))
        return tuple(found)

    def _before(self, moment: Moment) -> list[Moment]:
        """The moments of the same person in the same occurrence before, none from before their link was learnt."""
        return [
            other for other in self.moments
            if other.key == moment.key and other.subject == moment.subject
            and other.entry.order < moment.entry.order
            and not until_linked(other)
        ]  # fmt: skip

    def _came_about(self, way: tuple[Holds, Holds], moment: Moment) -> bool:
        """It holds as told, still holds with all that is known, and did at all times between: what was taken away and
        came again came about when it came again."""
        now, still = way
        if beside(moment) or not now(self, moment, moment.said, moment.roles):
            return False
        known = ((moment.after, moment.roles_after), *moment.until_now)
        return all(still(self, moment, said, roles) for said, roles in known)

    def _guarded(self, looked_for: Ground, way: tuple[Holds, Holds], moment: Moment) -> bool:
        """Who was under ten when it happened is never read as a suspect; intelligence passes the gate as told and as
        corrected, or waits."""
        age = self.age(min(moment.at, moment.began))
        if moment.relation is Relation.SELF and age is not None and age < 10:
            innocent = moment.roles - SUSPECT_ROLES
            only_so = innocent != moment.roles and not way[0](self, moment, moment.said, innocent)
            suspected = {*SUSPECT_ROLES, Role.SEARCHED}
            nothing_else = looked_for.about == "self" and bool(moment.roles) and moment.roles <= suspected
            if looked_for.offending or moment.family in ("custody", "arrest") or only_so or nothing_else:
                return True
        told = (moment.said, moment.after, *(said for said, _ in moment.until_now))
        return moment.family == "intel" and not all(passes(said) for said in told)

    def _learnt(
        self, looked_for: Ground, way: tuple[Holds, Holds], moment: Moment, late: timedelta
    ) -> tuple[datetime, timedelta | None]:
        """The first receipt by which what had come in already said so. What came too late, after the moment was told,
        says so only where nothing else does, and then so late."""
        own = moment.entry.received_at
        too_late = [e for e in moment.told if e.received_at > own and lateness_of(e) > late]
        in_time = self._said_by(looked_for, way, moment, [entry for entry in moment.told if entry not in too_late])
        if in_time is not None:
            return in_time, None
        ever = self._said_by(looked_for, way, moment, moment.told)
        learnt = max(entry.received_at for entry in moment.told) if ever is None else ever
        return learnt, min(map(lateness_of, too_late), default=None)

    def _said_by(
        self, looked_for: Ground, way: tuple[Holds, Holds], moment: Moment, entries: Sequence[HistoryEntry]
    ) -> datetime | None:
        receipts = sorted({entry.received_at for entry in entries if entry.received_at >= moment.entry.received_at})
        for when in receipts:
            told = still_told([entry for entry in entries if entry.received_at <= when])
            if not any(entry.subject == moment.subject and entry.relation in ABOUT_SOMEBODY for entry in told):
                continue
            said, roles = words_of(told, self.reference), roles_of(told, moment.subject)
            then = replace(
                moment, said=said, after=said, roles=roles, roles_after=roles, until_now=(), began=told[0].occurred_at
            )
            if self._came_about(way, then) and not self._guarded(looked_for, way, then):
                return when
        return None


def least_urgent(moment: Moment, urgency: Callable[[Moment, dict[str, Any]], int]) -> int:
    """By what was said then, by all that is known, and by all that was said between: it was never more than that. What
    is made urgent again is so from then on, not from before."""
    return max(urgency(moment, said) for said in (moment.said, moment.after, *(said for said, _ in moment.until_now)))


ABOUT_SOMEBODY = (Relation.SELF, Relation.HOUSEHOLD, Relation.ASSOCIATE)


def new_ones(group: Sequence[News], late: timedelta, *, itself: bool = False) -> list[News]:
    """Of the moments of one occurrence, in order, those that say something new.

    Only what was news itself keeps another from being news: else a late first report could hide, through a second that
    it hid, a third that was told in time, and nobody would ever hear.

    `itself`: where all that was said before came too late to fire, a record that says it all again is heard; so is one
    of somebody still missing, where all was said before the watch.
    """
    found: list[News] = []
    for one in group:
        before = [other for other in found if other.guarded is one.guarded]
        if one.guarded:
            if not before:
                found.append(one)
            continue
        known = [other for other in before if not untold(other, one, late)]
        saying = [other for other in known if other.urgency <= one.urgency]
        if not saying or (
            itself and one.whole and one.how_late <= late and all(nobody_heard(other, one, late) for other in saying)
        ):
            found.append(one)
    return found


def nobody_heard(other: News, one: News, late: timedelta) -> bool:
    """Nobody could be told of the other. Of what was said before the watch, only who is still missing is told."""
    if other.how_late > late:
        return True
    return not other.watched and one.moment.entry.kind is Kind.MISSING_REGRADED


def passes(said: dict[str, Any]) -> bool:
    """INTEL_THREAT's gate: source 1 or 2, assessment A to C, handling P; or released. Blocked is never released."""
    grade, handling = said.get("grade", Grade()), said.get("handling", Handling.NONE)
    if Handling.BLOCK in (grade.handling, handling):
        return False
    if said.get("released"):
        return True
    graded = grade.source in (1, 2) and grade.assessment in ("A", "B", "C")
    return graded and Handling.C not in (grade.handling, handling) and Handling.P in (grade.handling, handling)


def london(at: datetime) -> date:
    return at.astimezone(LONDON).date()


def _changed(member: CohortMember, entry: HistoryEntry) -> CohortMember:
    said = entry.attributes if isinstance(entry.attributes, ProgrammeAttributes) else ProgrammeAttributes()
    day = london(entry.occurred_at)
    review = london(said.review_date) if said.review_date else None
    if entry.kind is Kind.STATUS_CHANGED and said.status in [status.value for status in MemberStatus]:
        return replace(member, status=MemberStatus(said.status))
    if entry.kind is Kind.WATCH_ENDED:
        return replace(member, watch=replace(member.watch, ends=day - timedelta(days=1)))
    if entry.kind is Kind.WATCH_STARTED:
        return replace(member, watch=replace(member.watch, starts=day, ends=None, review_on=review))
    if entry.kind is Kind.REVIEW_DONE:
        return replace(member, watch=replace(member.watch, review_on=review))
    return member
