"""Finders over several occurrences: counts in a sliding window. Windows are inclusive of exactly W.

Hits stand in rows in event time. A change is looked at from its own place on, and no further than its window reaches.
What was coded late stands in every window of any of its points (`by_window.py`), and completes with its coding.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.ids import OccurrenceKey
from domain.kinds import Feed
from triggers.by_window import Around, told_together, windows_around
from triggers.facts import FACTS
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits, outcome
from triggers.hits import Hit, Moments, late_with, lateness_at, too_late_for
from triggers.lines import KEY, Line, in_order
from triggers.patterns import CountPattern, Distinct
from triggers.sameness import Naming, naming_of


class Row:
    """A hit in its place, with the name of what it counts as and what it completes."""

    __slots__ = ("at", "done", "feed", "hit", "key", "name", "values")

    def __init__(self, hit: Hit, name: str = "", values: frozenset[str] = frozenset()) -> None:
        self.hit = hit
        self.key = hit.key
        self.at = hit.at
        self.name = name
        self.feed: Feed = hit.last.entry.feed
        self.values = values
        self.done: Hit | None = None

    @property
    def since(self) -> datetime:
        """From when on its hit stood."""
        return self.hit.since


@dataclass(frozen=True, slots=True)
class Shift:
    """What a difference does to a line: from which place on, what leaves, what comes, and in which span of time."""

    place: int
    gone: frozenset[int]  # ids of hits
    come: tuple[Hit, ...]  # in order
    last: datetime


def shift_of(line: Line[Any], difference: Difference) -> Shift:
    """Where `line` changes by `difference`, which is not empty."""
    was = [hit for before, _ in difference.values() for hit in before]
    come = in_order(hit for _, after in difference.values() for hit in after)
    changed = [*was, *come]
    first = min(hit.key[0] for hit in changed)
    return Shift(
        place=line.place((first,)),
        gone=frozenset(map(id, was)),
        come=tuple(come),
        last=max(hit.at for hit in changed),
    )


def last_of(difference: Difference, line: Line[Any]) -> Hit | None:
    """The usual case of a difference: one hit in an occurrence in which there was none, later than all of `line`."""
    if len(difference) != 1:
        return None
    ((was, now),) = difference.values()
    return now[0] if not was and len(now) == 1 and line.ends_before(now[0].key) else None


# -- count ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Counting:
    """A count's notes: its rows and how names were given. `all_different` where every row is open, came in time and
    counts by itself, so that counting them is subtraction."""

    rows: Line[Row]
    naming: Naming
    all_different: bool = True


class Window:
    """The rows of `items` from `since` (None: all) up to and with the one at `at`, for when somebody asks; without
    those that came too late for it, by `tolerance` (None: with all)."""

    __slots__ = ("_all_different", "_at", "_items", "_since", "_tolerance")

    def __init__(
        self,
        items: Sequence[Row],
        at: int,
        since: datetime | None = None,
        tolerance: timedelta | None = None,
        *,
        all_different: bool = False,
    ) -> None:
        self._items = items
        self._at = at
        self._since = since
        self._tolerance = tolerance
        self._all_different = all_different

    def _first(self) -> int:
        return 0 if self._since is None else bisect_left(self._items, ((self._since,),), 0, self._at, key=KEY)

    def _before(self) -> list[Row]:
        rows = [row for row in self._items[self._first() : self._at] if row.hit.open]
        this, tolerance = self._items[self._at].hit, self._tolerance
        return rows if tolerance is None else [row for row in rows if not too_late_for(row.hit, this, tolerance)]

    @property
    def moments(self) -> Moments:
        """The moments of the first hit of each name, and of the last row's, in order."""
        this = self._items[self._at]
        by_name: dict[str, Hit] = {}
        for row in self._before():
            by_name.setdefault(row.name, row.hit)
        by_name[this.name] = this.hit
        return tuple(moment for hit in sorted(by_name.values(), key=lambda hit: hit.key[0]) for moment in hit.moments)

    @property
    def count(self) -> int:
        """How many different ones."""
        if self._all_different:
            return self._at + 1 - self._first()
        return len({self._items[self._at].name, *(row.name for row in self._before())})


_NO_ROWS: Mapping[int, Row] = {}


@dataclass(frozen=True, slots=True)
class CountFinder:
    """Finds each hit at which enough different ones lie within the window and which adds to them."""

    pattern: CountPattern
    parts: tuple[int, ...]
    tolerance: timedelta

    def empty(self) -> Found:
        """Nothing counted."""
        return Found({}, Counting(Line(), naming_of(self.pattern)))

    def next(self, found: Found, parts: Sequence[Found], differences: Sequence[Difference]) -> tuple[Found, Difference]:
        """Counts again from the first change on, as far as a window reaches."""
        difference, counted = differences[0], parts[0].hits
        notes: Counting = found.notes
        last = last_of(difference, notes.rows)
        if last is not None:
            size = notes.rows.size
            if notes.naming.named_from(size, size, (last,)) == size:
                return self._one_more(found, last, counted)
        shift = shift_of(notes.rows, difference)
        place = notes.naming.named_from(notes.rows.size, shift.place, shift.come)
        old = notes.rows.items[place : notes.rows.size]
        hits = in_order([*(row.hit for row in old if id(row.hit) not in shift.gone), *shift.come])
        naming, names = notes.naming.next(place, [row.hit for row in old], hits)
        known = {id(row.hit): row for row in old}
        rows = [self._row(hit, name, known) for hit, name in zip(hits, names, strict=True) if name is not None]
        alone = naming.by_occurrence and all(
            row.hit.open and row.hit.lateness <= self.tolerance and len(counted[row.hit.occurrence]) == 1
            for row in rows
        )
        counting = Counting(notes.rows.upto(place, rows), naming, notes.all_different and alone)
        self._complete(counting, place, shift.last + self.pattern.within, counted)
        return outcome(found, [row.done for row in old], [row.done for row in rows], counting)

    def _one_more(self, found: Found, hit: Hit, counted: Mapping[OccurrenceKey, Hits]) -> tuple[Found, Difference]:
        """The usual case: one hit of a new occurrence, later than all before it."""
        notes: Counting = found.notes
        rows = notes.rows
        at = rows.size
        notes.naming, (name,) = notes.naming.next(at, (), (hit,))
        if name is None:
            return found, NO_DIFFERENCE
        row = self._row(hit, name, _NO_ROWS)
        rows.append(row)
        alone = notes.naming.by_occurrence and hit.open and hit.lateness <= self.tolerance
        notes.all_different = notes.all_different and alone
        if self.pattern.same:
            self._complete_sharing(rows, (at,))
            done = row.done
        else:
            done = row.done = self._completed(notes, at, counted)
        if done is None:
            return found, NO_DIFFERENCE
        known = found.hits.get(hit.occurrence, ())
        now = found.hits[hit.occurrence] = (*known, done)
        return found, {hit.occurrence: (known, now)}

    def _row(self, hit: Hit, name: str, old: Mapping[int, Row]) -> Row:
        """A new row; what an old one completed stands until it is looked at again."""
        row = Row(hit, name, _values(hit, self.pattern.same) if self.pattern.same else frozenset())
        known = old.get(id(hit))
        if known is not None:
            row.done = known.done
        return row

    def _complete(self, counting: Counting, place: int, until: datetime, counted: Mapping[OccurrenceKey, Hits]) -> None:
        line, fixed = counting.rows, counting.naming.fixed
        rows = line.items
        places = [at for at in range(place, line.size) if not fixed or rows[at].at <= until or rows[at].since <= until]
        if self.pattern.same:
            self._complete_sharing(line, places)
            return
        for at in places:
            line.items[at].done = self._completed(counting, at, counted)

    def _complete_sharing(self, line: Line[Row], places: Sequence[int]) -> None:
        """Completions among those that share a value; of several values at one hit, the first by name that is whole in
        time, else the first."""
        taken: dict[tuple[object, ...], Row] = {}
        for at in places:
            line.items[at].done = None
        for value in sorted({value for at in places for value in line.items[at].values}):
            for at in places:
                row = line.items[at]
                if value not in row.values:
                    continue
                window = [other for other in self._window(line, at) if value in other.values]
                done = self._of_windows(window, row) if row.hit.earlier else self._of_window(window, row)
                if done is None or taken.setdefault((row.key[0], row.hit.decision), row) is not row:
                    continue
                if row.done is None or row.done.lateness > self.tolerance >= done.lateness:
                    row.done = done

    def _window(self, line: Line[Row], at: int) -> list[Row]:
        """The open rows before `at` within the window; of what was coded late, within the window of its first point."""
        since = line.place((((line.items[at].since - self.pattern.within),),))
        return [row for row in line.items[since:at] if row.hit.open]

    def _completed(self, counting: Counting, at: int, counted: Mapping[OccurrenceKey, Hits]) -> Hit | None:
        """What the row at `at` completes. The usual case, all learnt in order, needs no look at the whole window."""
        line, this = counting.rows, counting.rows.items[at]
        if this.hit.earlier:
            return self._of_windows(self._window(line, at), this)
        first = at + 1 - self.pattern.at_least  # each row counts at most once
        if first < 0 or line.items[first].at < this.at - self.pattern.within:
            return None
        enough, later = self._enough_behind(line.items, at)
        if not enough and not later:
            return None
        if not enough or self._again(counting, at, counted):
            return self._of_window(self._window(line, at), this)
        since = this.at - self.pattern.within
        window = Window(line.items, at, since, self.tolerance, all_different=counting.all_different)
        return _counted(this, this.hit.learnt, window, this.hit.lateness)

    def _again(self, counting: Counting, at: int, counted: Mapping[OccurrenceKey, Hits]) -> bool:
        """Whether an open row that says the same stands within the window before."""
        if counting.all_different:
            return False
        items, this = counting.rows.items, counting.rows.items[at]
        if counting.naming.by_occurrence and len(counted[this.hit.occurrence]) == 1:
            return False
        since = this.at - self.pattern.within
        while at and items[at - 1].at >= since:
            at -= 1
            if items[at].hit.open and self._says_again(this, items[at]):
                return True
        return False

    def _says_again(self, this: Row, other: Row) -> bool:
        """Whether one tells the same thing as the other: a further report of a unit is another report."""
        if this.name != other.name:
            return False
        return self.pattern.distinct is not Distinct.ORIGIN_UNIT or this.hit.occurrence == other.hit.occurrence

    def _enough_behind(self, items: Sequence[Row], at: int) -> tuple[bool, bool]:
        """Whether those learnt by then are enough with this one; if not, whether any was learnt later."""
        this = items[at]
        since, learnt = this.at - self.pattern.within, this.hit.learnt
        names, feeds = {this.name}, {this.feed}
        wanted, feeds_wanted = self.pattern.at_least, self.pattern.min_feeds
        later = False
        while len(names) < wanted or len(feeds) < feeds_wanted:
            at -= 1
            if at < 0 or items[at].at < since:
                return False, later
            row = items[at]
            if not row.hit.open:
                continue
            if row.hit.learnt > learnt:
                later = True
                continue
            names.add(row.name)
            feeds.add(row.feed)
        return True, later

    def _of_window(self, before: Sequence[Row], this: Row) -> Hit | None:
        """What a row completes with those before it that came in time for it; else, too late to be told, with all."""
        told = [other for other in before if not too_late_for(other.hit, this.hit, self.tolerance)]
        if self._enough([*told, this]):
            if any(self._says_again(this, other) for other in told) and self._enough(told):
                return None
            learnt = self._learnt(this, told)
            return _counted(this, learnt, Window([*told, this], len(told)), lateness_at(this.hit, learnt))
        if not self._enough([*before, this]):
            return None
        lateness = late_with(this.hit, (row.hit for row in before), self.tolerance)
        return _counted(this, self._learnt(this, before), Window([*before, this], len(before)), lateness)

    def _of_windows(self, before: Sequence[Row], this: Row) -> Hit | None:
        """As `_of_window`, for a row that was coded late, in any window in which it stood."""
        told = [other for other in before if not too_late_for(other.hit, this.hit, self.tolerance)]
        made = self._in_any(told, this)
        if made is not None or len(told) == len(before):
            return made
        made = self._in_any(before, this)
        lateness = late_with(this.hit, (row.hit for row in before), self.tolerance)
        return None if made is None else made.late_by(lateness)

    def _in_any(self, before: Sequence[Row], this: Row) -> Hit | None:
        """What a row that was coded late completes in any window in which it stood, known when the first of them was;
        the one that holds most is told.

        A window says nothing where all that it holds, with another telling of the same thing, had been told together.
        """
        windows = windows_around(this.hit, [row.hit for row in before], self.pattern.within)
        said = self._said(windows, before, this)
        until = this.at + self.tolerance
        learnt: datetime | None = None
        most, held = 0, list[Row]()
        for window in windows:
            enough = self._learnt_in(window, before, this)
            names = {this.name, *(before[place].name for place, known in window.others if known <= until)}
            if enough is None or any(names <= some for some in said):
                continue
            learnt = enough if learnt is None else min(learnt, enough)
            rows = [*(before[place] for place, _ in window.others), this]
            count = len({row.name for row in rows})
            if count > most:
                most, held = count, rows
        if learnt is None:
            return None
        return _counted(this, learnt, Window(held, len(held) - 1), lateness_at(this.hit, learnt))

    def _said(self, windows: Sequence[Around], before: Sequence[Row], this: Row) -> list[set[str]]:
        """The names of what was told together, in time and with this row's name, before it was coded."""
        hits = [row.hit for row in before]
        told = [
            [before[place] for place in places]
            for window in windows
            if any(before[place].name == this.name for place, _ in window.others)
            for places in told_together(window, hits, self.tolerance)
        ]
        return [{row.name for row in rows} for rows in told if self._enough(rows)]

    def _learnt_in(self, window: Around, before: Sequence[Row], this: Row) -> datetime | None:
        """When enough of a window, with this one, was first known; None where it does not hold enough."""
        known, learnt = [this], window.learnt
        for place, at in sorted(window.others, key=lambda other: other[1]):
            if self._enough(known):
                return learnt
            known.append(before[place])
            learnt = max(learnt, at)
        return learnt if self._enough(known) else None

    def _learnt(self, this: Row, before: Sequence[Row]) -> datetime:
        """When enough of them, with this one, were first known."""
        known, learnt = [this], this.hit.learnt
        for other in sorted(before, key=lambda row: row.hit.learnt):
            if self._enough(known):
                break
            known.append(other)
            learnt = max(learnt, other.hit.learnt)
        return learnt

    def _enough(self, rows: Sequence[Row]) -> bool:
        if len({row.name for row in rows}) < self.pattern.at_least:
            return False
        return self.pattern.min_feeds == 1 or len({row.feed for row in rows}) >= self.pattern.min_feeds


def _counted(this: Row, learnt: datetime, window: Window, lateness: timedelta) -> Hit:
    return Hit(this.hit.last, learnt, this.hit.decision, this.hit.rank, window, lateness=lateness)


def _values(hit: Hit, fact: str) -> frozenset[str]:
    value = FACTS[fact].read(hit.last)
    if value is None:
        return frozenset()
    return value if isinstance(value, frozenset) else frozenset({str(value)})
