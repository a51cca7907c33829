"""Finds one step after another: three or more things in order within a span, each later than the one before.

For each completing hit the chain is told that lies nearest to it; it was known when the earliest known chain was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from triggers.finding import NO_DIFFERENCE, Difference, Found
from triggers.hits import Hit
from triggers.lines import Line
from triggers.looking_back import Anchor, Behind, LookingBack, Mark, completed, news_of, outcome, replaced, within
from triggers.patterns import StepsPattern

Steps = Sequence[Sequence[Hit]]
"""For each step but the last, the open hits it may be, in event time."""


def steps_finder(pattern: StepsPattern, parts: tuple[int, ...], tolerance: timedelta) -> "LookingBack | ApartFinder":
    """The finder of steps: with overlap each completing hit is looked at by itself, without they exclude each other."""
    if not pattern.overlap:
        return ApartFinder(pattern, parts, tolerance)
    return LookingBack(parts, (len(parts) - 1,), pattern.within, partial(_steps_at, pattern))


def _steps_at(pattern: StepsPattern, anchor: Anchor, behind: Behind) -> tuple[Hit, Mark] | None:
    this = anchor.hit
    return _chain(pattern, this, [within(line, this, pattern.within, before=True) for line in behind[:-1]])


def _chain(pattern: StepsPattern, last: Hit, steps: Steps) -> tuple[Hit, Mark] | None:
    """The nearest chain to `last`, and when the earliest known one was; None where there is none."""
    known: list[dict[int, datetime]] = []
    for place, hits in enumerate(steps):
        known.append({})
        for hit in hits:
            learnt = hit.learnt if not place else _known(pattern, hit, steps[place - 1], known[place - 1])
            if learnt is not None:
                known[place][id(hit)] = max(learnt, hit.learnt)
    learnt = _known(pattern, last, steps[-1], known[-1])
    if learnt is None:
        return None
    chain, then = [], last
    for place in range(len(steps) - 1, -1, -1):
        leading = (hit for hit in reversed(steps[place]) if id(hit) in known[place])
        then = next(hit for hit in leading if _leads_to(pattern, hit, then))
        chain.append(then)
    learnt = max(learnt, last.learnt)
    return completed(last, learnt, chain), (learnt, *map(id, chain))


def _known(pattern: StepsPattern, then: Hit, before: Sequence[Hit], known: Mapping[int, datetime]) -> datetime | None:
    """When the earliest known chain up to a hit of the step before was known; None where none leads to `then`."""
    times = [known[id(hit)] for hit in before if id(hit) in known and _leads_to(pattern, hit, then)]
    return min(times, default=None)


def _leads_to(pattern: StepsPattern, one: Hit, then: Hit) -> bool:
    if one.at >= then.at or (pattern.same_subject and one.last.subject != then.last.subject):
        return False
    same = pattern.same_occurrence
    return same is None or (one.occurrence == then.occurrence) is same


@dataclass(slots=True, eq=False)
class Apart:
    """Notes: the hits of the last step, guarded ones too, the open ones of the others, and what was completed."""

    lasts: dict[int, Hit]
    behind: tuple[Line[Hit], ...]
    done: dict[int, tuple[Hit, Mark]]


@dataclass(frozen=True, slots=True)
class ApartFinder:
    """Steps without overlap. Which of them count depends on all that came before, so all of it is looked at again.

    A completion that came too late to fire keeps nothing from counting.
    """

    pattern: StepsPattern
    parts: tuple[int, ...]
    tolerance: timedelta

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Apart({}, tuple(Line() for _ in self.parts[:-1]), {}))

    def next(
        self, found: Found, _parts: Sequence[Found], differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """From the first hit on, each sequence after the one before."""
        notes: Apart = found.notes
        news = [news_of(difference) for difference in differences]
        if not any(gone or come for gone, come in news):
            return found, NO_DIFFERENCE
        behind = tuple(replaced(line, *new) for line, new in zip(notes.behind, news[:-1], strict=True))
        gone, come = news[-1]
        lasts = {**notes.lasts, **{id(hit): hit for hit in come}}
        for hit in gone:
            lasts.pop(id(hit), None)
        done = self._in_turn(sorted(lasts.values(), key=lambda hit: hit.key), behind, notes.done)
        was, now = ([hit for hit, _ in each.values()] for each in (notes.done, done))
        return outcome(found, was, now, Apart(lasts, behind, done))

    def _in_turn(
        self, lasts: Sequence[Hit], behind: Behind, was: Mapping[int, tuple[Hit, Mark]]
    ) -> dict[int, tuple[Hit, Mark]]:
        done: dict[int, tuple[Hit, Mark]] = {}
        since: datetime | None = None
        for last in lasts:
            steps = [within(line, last, self.pattern.within, before=True) for line in behind]
            if since is not None:
                steps = [[hit for hit in hits if hit.at > since] for hits in steps]
            made = _chain(self.pattern, last, steps)
            if made is None:
                continue
            known = was.get(id(last))
            done[id(last)] = known if known is not None and known[1] == made[1] else made
            if last.open and made[0].learnt - made[0].at <= self.tolerance:
                since = last.at
        return done
