"""Windows in which something stood that was coded late: it counts from its arrival as well as from its coding.

Whatever was not coded late, or is no later than what it is counted with, needs none of this: it stands in the one
window that ends with it. Slow and plain: this is met where something was coded late, and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triggers.hits import Hit


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
    found: list[Around] = []
    for end in sorted(ends, reverse=True):
        learnt = _known(this, end - span, end)
        if learnt is not None:
            known = ((place, _known(other, end - span, end)) for place, other in enumerate(others))
            found.append(Around(learnt, tuple((place, at) for place, at in known if at is not None)))
    return found


def _known(hit: Hit, since: datetime, until: datetime) -> datetime | None:
    """When it was first known that it stood at some time from `since` to `until`; None where it did not."""
    if hit.at < since or hit.since > until:
        return None
    return min((learnt for at, learnt in hit.points if since <= at <= until), default=None)
