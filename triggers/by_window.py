"""Windows in which something stood that was coded late: it counts from its arrival as well as from its coding.

Whatever was not coded late, or is no later than what it is counted with, needs none of this: it stands in the one
window that ends with it. Slow and plain: this is met where something was coded late, and nowhere else.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triggers.hits import Hit, too_late_for


@dataclass(frozen=True, slots=True)
class Around:
    """A window in which a hit stood: when that was first known, and which of the others stood there too (by their
    places), each with when that was first known."""

    learnt: datetime
    others: tuple[tuple[int, datetime], ...]


def windows_around(this: Hit, others: Sequence[Hit], span: timedelta, *, ending: int | None = None) -> list[Around]:
    """Every window of `span` in which `this` stood by any of its points, the latest first. `others` are hits before it.

    Windows end where something stood: `this`, or one of the others (of the first `ending` of them; None: of all).
    """
    ends = {at for at, _ in this.points}
    for other in others[:ending]:
        ends.update(at for at, _ in other.points if any(came <= at <= came + span for came, _ in this.points))
    stands = sorted((at, learnt, place) for place, hit in enumerate(others) for at, learnt in hit.points)
    times = [at for at, _, _ in stands]
    found: list[Around] = []
    for end in sorted(ends, reverse=True):
        since = end - span
        learnt = min((learnt for at, learnt in this.points if since <= at <= end), default=None)
        if learnt is not None:
            known: dict[int, datetime] = {}
            for _, at, place in stands[bisect_left(times, since) : bisect_right(times, end)]:
                if place not in known or at < known[place]:
                    known[place] = at
            found.append(Around(learnt, tuple(sorted(known.items()))))
    return found


def told_together(window: Around, others: Sequence[Hit], tolerance: timedelta) -> Iterator[tuple[int, ...]]:
    """What a window held, without the hit that it is around, when each of the others was told in time: their places.
    `others` are in order."""
    for last, learnt in window.others:
        until = others[last].at + tolerance
        if learnt <= until:
            yield tuple(
                place for place, known in window.others
                if place <= last and known <= until and not too_late_for(others[place], others[last], tolerance)
            )  # fmt: skip
