"""Finds one thing after another: a sequence of two, told by when things happened and completed by what was told last.

A visit that is coded late counts from its arrival as well as from its coding (`Hit.points`). So the first of two may
complete the sequence: what followed had happened before anybody knew what it followed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triggers.finding import NO_DIFFERENCE, Difference, Found, outcome
from triggers.hits import Hit, Moments, late_with, lateness_at, too_late_for
from triggers.lines import Line, in_order
from triggers.looking_back import Anchor, completed
from triggers.patterns import SequencePattern
from triggers.windows import Row, last_of, shift_of


@dataclass(frozen=True, slots=True)
class Following:
    """A sequence's notes: the open hits of its first part, the rows of its second, and those of the first part that
    were coded late and may complete it themselves."""

    firsts: Line[Hit]
    thens: Line[Row]
    coded: Line[Anchor]


@dataclass(slots=True, eq=False)
class Pair:
    """A first and the one that followed."""

    first: Hit
    then: Hit
    count: None = None

    @property
    def moments(self) -> Moments:
        """The moments of both."""
        return (*self.first.moments, *self.then.moments)


@dataclass(frozen=True, slots=True)
class SequenceFinder:
    """Finds each `then` that a `first` precedes within the span; the nearest is told, the earliest known counts.

    What was told later completes it: nearly always the `then`, and a `first` that was coded after it.
    """

    pattern: SequencePattern
    parts: tuple[int, ...]
    tolerance: timedelta

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Following(Line(), Line(), Line()))

    def next(
        self, found: Found, _parts: Sequence[Found], differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """Looks again at each `then` that changed or that a changed `first` may precede."""
        notes: Following = found.notes
        if not differences[0]:
            last = last_of(differences[1], notes.thens)
            if last is not None and notes.coded.ends_before(last.key):
                return self._one_more(found, last)
        elif not differences[1]:
            last = last_of(differences[0], notes.firsts)
            if last is not None and not last.earlier and _all_before(notes.thens, last):
                if last.open:
                    notes.firsts.append(last)
                return found, NO_DIFFERENCE
        return self._again(found, differences)

    def _again(self, found: Found, differences: Sequence[Difference]) -> tuple[Found, Difference]:
        notes: Following = found.notes
        firsts, since, until = self._firsts(notes.firsts, _open(differences[0]))
        changed = differences[1]
        place = notes.thens.size if since is None else notes.thens.place(((since,),))
        gone: frozenset[int] = frozenset()
        come: tuple[Hit, ...] = ()
        if changed:
            shift = shift_of(notes.thens, changed)
            place, gone, come = min(place, shift.place), shift.gone, shift.come
        was = notes.thens.items[place : notes.thens.size]
        rows = in_order([*(row for row in was if id(row.hit) not in gone), *map(Row, come)])
        new = frozenset(map(id, come))
        now = [
            self._looked_at(row, firsts)
            if id(row.hit) in new
            or (since is not None and until is not None and since <= row.at and row.hit.since <= until)
            else row
            for row in rows
        ]
        thens = notes.thens.upto(place, now)
        late = [one.hit for one in notes.coded] if since is None else [first for first in firsts if first.earlier]
        coded = self._coded(late, thens, notes.coded) if late else Line()
        before, after = ([one.done for one in rows] for rows in ((*was, *notes.coded), (*now, *coded)))
        return outcome(found, before, after, Following(firsts, thens, coded))

    def _one_more(self, found: Found, then: Hit) -> tuple[Found, Difference]:
        """The usual case: one `then` in a new occurrence, later than all before it."""
        notes: Following = found.notes
        row = Row(then)
        done = row.done = self._completed(notes.firsts, then)
        notes.thens.append(row)
        if done is None:
            return found, NO_DIFFERENCE
        known = found.hits.get(then.occurrence, ())
        now = found.hits[then.occurrence] = (*known, done)
        return found, {then.occurrence: (known, now)}

    def _looked_at(self, row: Row, firsts: Line[Hit]) -> Row:
        again = Row(row.hit)
        again.done = self._completed(firsts, row.hit)
        return again

    def _firsts(self, firsts: Line[Hit], difference: Difference) -> tuple[Line[Hit], datetime | None, datetime | None]:
        """The firsts now, and from when to when a `then` may see the change."""
        if not difference:
            return firsts, None, None
        shift = shift_of(firsts, difference)
        kept = [hit for hit in firsts.items[shift.place : firsts.size] if id(hit) not in shift.gone]
        changed = [hit for pair in difference.values() for hits in pair for hit in hits]
        since = min(hit.at for hit in changed)
        return firsts.upto(shift.place, in_order([*kept, *shift.come])), since, shift.last + self.pattern.within

    def _completed(self, firsts: Line[Hit], then: Hit) -> Hit | None:
        """What a `then` completes. The usual case: nothing was coded late, and order is that of the moments."""
        end = firsts.place(((then.at,),))
        if then.earlier or (end < firsts.size and firsts.items[end].key < then.key):
            return self._completed_by_points(firsts, then)
        since = then.at - self.pattern.within
        nearest: Hit | None = None
        learnt: datetime | None = None
        late: list[Hit] = []
        for place in range(end - 1, -1, -1):
            first = firsts.items[place]
            if first.at < since:
                break
            if not self._leads_to(first, then):
                continue
            if first.learnt > then.learnt and too_late_for(first, then, self.tolerance):
                late.append(first)
                continue
            nearest = nearest or first
            learnt = first.learnt if learnt is None else min(learnt, first.learnt)
            if learnt <= then.learnt:
                break
        if nearest is not None and learnt is not None:
            learnt = max(then.learnt, learnt)
            return _pair(nearest, then, learnt, lateness_at(then, learnt))
        if not late:
            return None
        return _pair(late[0], then, min(one.learnt for one in late), late_with(then, late, self.tolerance))

    def _completed_by_points(self, firsts: Line[Hit], then: Hit) -> Hit | None:
        begin = firsts.place(((then.since - self.pattern.within,),))
        made = [
            (learnt, first)
            for first in firsts.items[begin : firsts.place(then.key)]
            if (learnt := self._learnt(first, then)) is not None
        ]
        if not made:
            return None
        learnt, first, lateness = self._told(made, then)
        return _pair(first, then, learnt, lateness)

    def _told(self, made: Sequence[tuple[datetime, Hit]], this: Hit) -> tuple[datetime, Hit, timedelta]:
        """Of those with which `this` is a pair, in order, each with when that was first known: when the pair was, the
        nearest of them, and how late it is. Where any came in time for `this`, of those; else it is too late."""
        in_time = [(at, hit) for at, hit in made if not too_late_for(hit, this, self.tolerance)]
        told = in_time or made
        learnt = min(at for at, _ in told)
        lateness = lateness_at(this, learnt) if in_time else late_with(this, (hit for _, hit in made), self.tolerance)
        return learnt, told[-1][1], lateness

    def _coded(self, firsts: Sequence[Hit], thens: Line[Row], before: Line[Anchor]) -> Line[Anchor]:
        """The firsts that were coded late, with what each completes; what is no different is the same."""
        known = {id(one.hit): one for one in before}
        coded: Line[Anchor] = Line()
        for first in firsts:
            one = Anchor(first, 0)
            made = self._coded_after(first, thens)
            one.mark = None if made is None else (made[0], id(made[1]), made[2])
            was = known.get(id(first))
            if was is not None and was.mark == one.mark:
                one = was
            elif made is not None:
                learnt, then, lateness = made
                one.done = completed(first, learnt, (then,)).late_by(lateness)
            coded.append(one)
        return coded

    def _coded_after(self, first: Hit, thens: Line[Row]) -> tuple[datetime, Hit, timedelta] | None:
        """What followed a `first` that was coded after it: when that was first known, the nearest, and how late."""
        made = [
            (learnt, row.hit)
            for row in thens.items[thens.place(((first.since,),)) : thens.place(first.key)]
            if row.hit.open and (learnt := self._learnt(first, row.hit)) is not None
        ]
        return self._told(made, first) if made else None

    def _learnt(self, first: Hit, then: Hit) -> datetime | None:
        """When it was first known that one followed the other; None where it did not."""
        return min(self._times(first, then), default=None) if self._leads_to(first, then) else None

    def _times(self, first: Hit, then: Hit) -> Iterator[datetime]:
        for began, learnt in first.points:
            for followed, known in then.points:
                if began < followed <= began + self.pattern.within:
                    yield max(learnt, known)

    def _leads_to(self, first: Hit, then: Hit) -> bool:
        pattern = self.pattern
        same = first.occurrence == then.occurrence
        if pattern.same_occurrence is not None and same is not pattern.same_occurrence:
            return False
        return not pattern.same_subject or first.last.subject == then.last.subject


def _pair(first: Hit, then: Hit, learnt: datetime, lateness: timedelta) -> Hit:
    return Hit(then.last, learnt, then.decision, then.rank, Pair(first, then), lateness=lateness)


def _all_before(thens: Line[Row], last: Hit) -> bool:
    return not thens.size or thens.items[thens.size - 1].at < last.at


def _open(difference: Difference) -> Difference:
    """Only the hits against which no guard stands."""
    left = {
        key: (tuple(hit for hit in was if hit.open), tuple(hit for hit in now if hit.open))
        for key, (was, now) in difference.items()
    }
    return {key: pair for key, pair in left.items() if pair[0] or pair[1]}
