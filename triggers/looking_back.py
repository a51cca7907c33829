"""Finders that look back: a hit completes the pattern by what the parts found before it, within a reach.

What `combined.py`, `stepping.py` and `recalling.py` are made of. Hits stand in rows in event time; a change is looked
at from its own place on, and no further than the reach.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits, outcome
from triggers.hits import Hit, Moments, late_with, lateness_at, too_late_for
from triggers.lines import Line, in_order

Mark = tuple[Any, ...]
"""What a completion rests on; one with the same mark is the same."""

Behind = tuple[Line[Hit], ...]
"""The open hits of each part, in event time."""


class Anchor:
    """A hit that may complete the pattern, of which part it is, and what it completes. Never changed once looked at."""

    __slots__ = ("at", "done", "hit", "key", "mark", "part")

    def __init__(self, hit: Hit, part: int) -> None:
        self.hit = hit
        self.key = hit.key
        self.at = hit.at
        self.part = part
        self.done: Hit | None = None
        self.mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A finder's notes."""

    anchors: Line[Anchor]
    behind: Behind


@dataclass(slots=True, eq=False)
class Several:
    """What a completion rests on, and how many different ones there are."""

    hits: tuple[Hit, ...]
    count: int | None = None

    @property
    def moments(self) -> Moments:
        """The moments of all, in order; the last completes."""
        return tuple(moment for hit in in_order(self.hits) for moment in hit.moments)


def completed(this: Hit, learnt: datetime, others: Iterable[Hit], count: int | None = None) -> Hit:
    """What `this` completes together with `others`, first known at `learnt`."""
    return Hit(
        this.last,
        learnt,
        this.decision,
        this.rank,
        Several((*others, this), count),
        occurrence=this.occurrence,
        due=this.due,
        lateness=lateness_at(this, learnt),
    )


Completing = Callable[["Anchor", Behind], tuple[Hit, Mark] | None]
"""What an anchor completes, given what lies behind it, and what that rests on; None if it does not."""


@dataclass(frozen=True, slots=True)
class LookingBack:
    """A finder whose completions depend on nothing later than themselves, and nothing more than `reach` before (None:
    on all before).

    `anchoring` are the parts whose hits may complete.
    """

    parts: tuple[int, ...]
    anchoring: tuple[int, ...]
    reach: timedelta | None
    completing: Completing
    by_coding: bool = False  # hits of other parts may complete, too, where they were coded late
    tolerance: timedelta | None = None  # how late what makes it whole may come; None: the completing asks that itself
    making: int | None = None  # so many parts, the first, make it whole; the others refute, however late

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Seen(Line(), tuple(Line() for _ in self.parts)))

    def next(
        self, found: Found, _parts: Sequence[Found], differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """Looks again at each anchor that changed or that sees a change behind it."""
        notes: Seen = found.notes
        news = [news_of(difference) for difference in differences]
        changed = [hit for gone, come in news for hit in (*gone, *come)]
        if not changed:
            return found, NO_DIFFERENCE
        behind = tuple(replaced(line, *new) for line, new in zip(notes.behind, news, strict=True))
        since = min(hit.at for hit in changed)
        until = None if self.reach is None else max(hit.at for hit in changed) + self.reach
        place = notes.anchors.place(((since,),))
        was = notes.anchors.items[place : notes.anchors.size]
        now = self._anchors(was, news)
        now = [self._looked_at(one, behind) if until is None or one.hit.since <= until else one for one in now]
        notes = Seen(notes.anchors.upto(place, now), behind)
        return outcome(found, [one.done for one in was], [one.done for one in now], notes)

    def _anchors(self, was: Sequence[Anchor], news: Sequence[tuple[Hits, Hits]]) -> list[Anchor]:
        gone = {(part, id(hit)) for part, (left, _) in enumerate(news) for hit in left}
        kept = [one for one in was if (one.part, id(one.hit)) not in gone]
        come = [Anchor(hit, part) for part in self.anchoring for hit in news[part][1]]
        if self.by_coding:
            others = [part for part in range(len(news)) if part not in self.anchoring]
            come += [Anchor(hit, part) for part in others for hit in news[part][1] if hit.open and hit.earlier]
        return sorted([*kept, *come], key=lambda one: (one.key, one.part))

    def _looked_at(self, anchor: Anchor, behind: Behind) -> Anchor:
        made = self._made(anchor, behind)
        mark = None if made is None else made[1]
        if anchor.mark is not None and anchor.mark == mark:
            return anchor
        again = Anchor(anchor.hit, anchor.part)
        again.done, again.mark = made if made is not None else (None, None)
        return again

    def _made(self, anchor: Anchor, behind: Behind) -> tuple[Hit, Mark] | None:
        again = partial(self.completing, anchor)
        if self.tolerance is None:
            return again(behind)
        return in_time_or_late(anchor.hit, behind, again, tolerance=self.tolerance, making=self.making)


def in_time_or_late(
    this: Hit,
    behind: Behind,
    completing: Callable[[Behind], tuple[Hit, Mark] | None],
    *,
    tolerance: timedelta,
    making: int | None = None,
) -> tuple[Hit, Mark] | None:
    """What `this` completes with what came in time for it; where only what came too late makes it whole, all of it, and
    too late to be told. The first `making` parts make it whole (None: all), the others refute however late."""
    late = [one for line in behind[:making] for one in line if too_late_for(one, this, tolerance)]
    if not late:
        return completing(behind)
    left = frozenset(map(id, late))
    told = (Line([one for one in line if id(one) not in left]) for line in behind[:making])
    in_time = completing((*told, *(behind[making:] if making is not None else ())))
    if in_time is not None:
        return in_time
    made = completing(behind)
    if made is None:
        return None
    hit, mark = made
    lateness = late_with(this, late, tolerance)
    return hit.late_by(lateness), (*mark, lateness)


def news_of(difference: Difference) -> tuple[Hits, Hits]:
    """The hits that left and that came; those that stand in both are neither."""
    was = {id(hit): hit for before, _ in difference.values() for hit in before}
    now = {id(hit): hit for _, after in difference.values() for hit in after}
    gone = tuple(hit for one, hit in was.items() if one not in now)
    return gone, tuple(in_order(hit for one, hit in now.items() if one not in was))


def replaced(line: Line[Hit], gone: Sequence[Hit], come: Sequence[Hit]) -> Line[Hit]:
    """The line without `gone` and with those of `come` against which no guard stands."""
    changed = [hit for hit in (*gone, *come) if hit.open]
    if not changed:
        return line
    place = line.place((min(hit.key[0] for hit in changed),))
    left = frozenset(map(id, gone))
    kept = [hit for hit in line.items[place : line.size] if id(hit) not in left]
    return line.upto(place, in_order([*kept, *(hit for hit in come if hit.open)]))


def within(line: Line[Hit], this: Hit, span: timedelta | None, *, before: bool = False) -> Sequence[Hit]:
    """The hits of a line from `span` (None: ever) before `this` up to its moment; `before`: without its moment."""
    first = 0 if span is None else line.place(((this.at - span,),))
    last = line.place(this.key)
    if not before:
        while last < line.size and line.items[last].key == this.key:
            last += 1
    return line.items[first:last]


def stood_before(line: Line[Hit], this: Hit, span: timedelta) -> Sequence[Hit]:
    """The hits of a line up to the moment of `this`, as far back as `span` before its first point."""
    first = line.place(((this.since - span,),))
    last = line.place(this.key)
    while last < line.size and line.items[last].key == this.key:
        last += 1
    return line.items[first:last]
