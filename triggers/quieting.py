"""Finds the end of each quiet period: so long after the last of something, else after a start, not counting pauses.

Whatever the pauses, a quiet is broken by the next thing it is quiet of if that comes within its plain length; only the
few others are looked at again when a pause changes, and else only what lies between the neighbours of a change.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.ids import OccurrenceKey
from domain.kinds import Kind
from domain.people import Standing
from triggers.absences import absent
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits
from triggers.hits import Hit
from triggers.lines import KEY, Line, in_order
from triggers.looking_back import news_of
from triggers.patterns import EntersPattern, QuietPattern
from triggers.windows import last_of

Pause = tuple[datetime, datetime | None]
"""From when to when the clock stood still; None: it has not gone on yet."""


@dataclass(slots=True, eq=False)
class Quiets:
    """Notes: what breaks a quiet and what else starts one; when the clock stood still; the anchors (either of those)
    whose quiet was not broken within its plain length; what each anchor made. The last two by ids of anchors."""

    breaking: Line[Hit] = field(default_factory=Line)
    starts: Line[Hit] = field(default_factory=Line)
    paused: dict[OccurrenceKey, list[Pause]] = field(default_factory=dict)
    pauses: list[Pause] = field(default_factory=list)
    lasting: dict[int, Hit] = field(default_factory=dict)
    made: dict[int, Hit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuietFinder:
    """What it finds is about what it is counted from, so that one quiet period is one ground.

    Counted from a state into which they came, it is counted anew with each further change into one; while one that is
    counted from the last `of` runs, it goes on whatever they become meanwhile.
    """

    pattern: QuietPattern
    parts: tuple[int, ...]

    @property
    def anew(self) -> bool:
        """Whether it is counted from a state."""
        return isinstance(self.pattern.since, EntersPattern)

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Quiets())

    def next(self, found: Found, parts: Sequence[Found], differences: Sequence[Difference]) -> tuple[Found, Difference]:
        """Looks again at the anchors next to a change, and at those whose quiet lasts where a pause changed."""
        notes: Quiets = found.notes
        anchors: dict[int, Hit] = {}
        if differences[2] or differences[3]:
            for key in {*differences[2], *differences[3]}:
                notes.paused[key] = pauses_of(parts[2].hits.get(key, ()), parts[3].hits.get(key, ()))
            notes.pauses = sorted((one for listed in notes.paused.values() for one in listed), key=_begins)
            anchors.update(notes.lasting)
        left: Hits = ()
        last = None if differences[1] else last_of(differences[0], notes.breaking)
        if last is not None:
            for hit in _one_more(notes, last):
                anchors[id(hit)] = hit
        elif differences[0] or differences[1]:
            gone, come = (tuple(hit for hit in hits if hit.open) for hits in news_of(differences[0]))
            over, new = news_of(differences[1])
            notes.breaking = _brought_up(notes.breaking, gone, come)
            notes.starts = _brought_up(notes.starts, over, new)
            left = (*gone, *over)
            keys = [hit.key for hit in (*left, *come, *new)]
            if keys:
                anchors.update((id(hit), hit) for hit in _near(notes, min(keys), max(keys)))
        return found, self._again(found, anchors, left)

    def _again(self, found: Found, anchors: dict[int, Hit], left: Hits) -> Difference:
        """Look at these anchors again; those that `left` are none any more."""
        notes: Quiets = found.notes
        gone: list[Hit] = []
        come: list[Hit] = []
        for one in left:
            anchors.pop(id(one), None)
            notes.lasting.pop(id(one), None)
            known = notes.made.pop(id(one), None)
            if known is not None:
                gone.append(known)
        for own, anchor in anchors.items():
            known, end = notes.made.get(own), self._end(notes, anchor)
            if known is not None:
                if end == (known.at, known.occurrence):
                    continue
                gone.append(notes.made.pop(own))
            if end is not None:
                made = notes.made[own] = absent(anchor, end[0], about=end[1])
                come.append(made)
        return _difference(found, gone, come)

    def _end(self, notes: Quiets, anchor: Hit) -> tuple[datetime, OccurrenceKey] | None:
        """When the quiet after the anchor ends, and what it is about; None where it is broken or the clock stands."""
        breaking, lasting = notes.breaking, self.pattern.lasting
        place = _place_after(breaking, anchor)
        after = breaking.items[place].at if place < breaking.size else None
        if after is not None and after <= anchor.at + lasting:
            notes.lasting.pop(id(anchor), None)
            return None
        notes.lasting[id(anchor)] = anchor
        due = running(anchor.at, lasting, notes.pauses)
        if due is None or (after is not None and after <= due):
            return None
        counted_from_last = place and breaking.items[place - 1].key == anchor.key
        if self.anew and not counted_from_last and _begun_again(notes.starts, anchor, due):
            return None
        return due, OccurrenceKey(f"quiet|{self._counted_from(notes, anchor, place)}")

    def _counted_from(self, notes: Quiets, anchor: Hit, place: int) -> str:
        """The quiet period of an anchor, behind which `place` have broken: that of the last of these, or of the change
        into the state that came when that one's time was over."""
        breaking, starts = notes.breaking, notes.starts
        last = breaking.items[place - 1] if place else None
        begun = _begun(starts, last, anchor) if self.anew else None
        if begun is not None:
            over = None if last is None else running(last.at, self.pattern.lasting, notes.pauses)
            if last is None or (over is not None and over < begun):
                return begun.isoformat()
        return "from the start" if last is None else last.last.entry.event_id


def _one_more(notes: Quiets, last: Hit) -> Iterable[Hit]:
    """The usual case: it breaks, after all before; the anchors that this can touch."""
    breaking, starts = notes.breaking, notes.starts
    if not last.open:
        return ()
    before = breaking.items[breaking.size - 1 : breaking.size]
    since = starts.place(before[0].key) if before else 0
    breaking.append(last)
    return (*before, *starts.items[since : starts.size], last)


def _near(notes: Quiets, first: tuple[object, ...], last: tuple[object, ...]) -> Iterator[Hit]:
    """The anchors that a change between these keys can touch: those of the last breaking one before, up to the next."""
    breaking, starts = notes.breaking, notes.starts
    before = breaking.place(first) - 1
    after = bisect_right(breaking.items, last, 0, breaking.size, key=KEY)
    yield from breaking.items[max(before, 0) : after]
    if starts.size:
        since = starts.place(breaking.items[before].key) if before >= 0 else 0
        until = starts.place(breaking.items[after].key) if after < breaking.size else starts.size
        yield from starts.items[since:until]


def _place_after(line: Line[Hit], anchor: Hit) -> int:
    """How many of the line stand at or before the anchor; nearly always all, or all but one."""
    size, items = line.size, line.items
    if not size or items[size - 1].key <= anchor.key:
        return size
    return bisect_right(items, anchor.key, 0, size, key=KEY)


def _begun_again(starts: Line[Hit], anchor: Hit, due: datetime) -> bool:
    """Whether they came into the state again after the one start, and by the end that is counted from it."""
    since = bisect_right(starts.items, anchor.key, 0, starts.size, key=KEY)
    return any(anchor.at < one.at <= due and _came_back(one) for one in starts.items[since : starts.size])


def _begun(starts: Line[Hit], last: Hit | None, anchor: Hit) -> datetime | None:
    """When they last came into the state, up to the anchor and since `last`; None: not since then."""
    since = 0 if last is None else bisect_right(starts.items, last.key, 0, starts.size, key=KEY)
    until = bisect_right(starts.items, anchor.key, 0, starts.size, key=KEY)
    return next((one.at for one in reversed(starts.items[since:until]) if _came_back(one)), None)


def _came_back(start: Hit) -> bool:
    """Whether the state, or the watch, is a new one: a watch that is only renewed begins no quiet."""
    moment = start.last
    if moment.entry.kind is not Kind.WATCH_STARTED:
        return True
    return moment.person.standing(moment.at - _A_MOMENT, moment.entry.feed) is not Standing.IN_DATE


_A_MOMENT = timedelta(microseconds=1)


def _brought_up(line: Line[Hit], gone: Hits, come: Hits) -> Line[Hit]:
    if not gone:
        if not come:
            return line
        if len(come) == 1 and line.ends_before(come[0].key):
            line.append(come[0])
            return line
    place = line.place(min(hit.key for hit in (*gone, *come)))
    left = frozenset(map(id, gone))
    return line.upto(place, in_order([*(hit for hit in line.items[place : line.size] if id(hit) not in left), *come]))


def _difference(found: Found, gone: Sequence[Hit], come: Sequence[Hit]) -> Difference:
    if not gone and not come:
        return NO_DIFFERENCE
    hits = found.hits
    difference: dict[OccurrenceKey, tuple[Hits, Hits]] = {}
    for one in (*gone, *come):
        key = one.occurrence
        if key in difference:
            continue
        was = hits.get(key, ())
        now = [hit for hit in come if hit.occurrence == key]
        if was:
            now += [hit for hit in was if hit not in gone]
        if now:
            hits[key] = tuple(now) if len(now) == 1 else tuple(in_order(now))
        else:
            hits.pop(key, None)
        difference[key] = (was, hits.get(key, ()))
    return difference


def pauses_of(paused: Hits, resumed: Hits) -> list[Pause]:
    """From when to when the clock stood still for one occurrence: each pause until it next went on."""
    return [(start.at, min((one.at for one in resumed if one.key > start.key), default=None)) for start in paused]


def _begins(pause: Pause) -> datetime:
    return pause[0]


def running(since: datetime, lasting: timedelta, pauses: Iterable[Pause]) -> datetime | None:
    """When a clock that started at `since` has run for `lasting`, standing still in `pauses`, which are in order of
    beginning; None while it stands."""
    due = since + lasting
    at = since
    for start, end in pauses:
        if end is not None and end <= at:
            continue
        begins = start if start > at else at
        if begins >= due:
            break
        if end is None:
            return None
        due += end - begins
        at = end
    return due
