"""What one person is heard to do, with the clock going on meanwhile: the net of both, and when the next wait ends.

Everything due before something is heard comes about before it. What the same thing refutes never does: between the
two nobody was told anything.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ids import FiringId
from triggers.changes import Changes, compare
from triggers.history import HistoryEntry
from triggers.keeping import Kept, Step
from triggers.verdicts import Verdict, canonical


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a person's clock goes on: what was due by `since` has come about, what is due by `until` does
    now. A clock never goes back: an earlier `until` stands for `since`."""

    since: datetime
    until: datetime

    @property
    def at_its_start(self) -> "Span":
        """No time passes: for asking what waits."""
        return Span(self.since, self.since)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was kept afterwards, what it means for alerts, and when the next wait ends (None: nothing waits).

    `by_clock` are the firings among `changes` that the clock brought about, not what was heard.
    """

    kept: Kept
    changes: Changes
    by_clock: frozenset[FiringId] = frozenset()
    due: datetime | None = None


@dataclass(slots=True)
class Went:
    """What was kept afterwards; the verdicts that the clock brought about, and those that what was heard then took away
    and brought. A value, not marked frozen for the same reason as `Step`."""

    kept: Kept
    rung: Sequence[Verdict]
    gone: Sequence[Verdict]
    come: Sequence[Verdict]

    @property
    def nothing(self) -> bool:
        """Whether no verdict is any different."""
        return not (self.rung or self.gone or self.come)

    @property
    def changes(self) -> Changes:
        """The net of it for alerts: what the clock brought and what was heard took away was never there."""
        if not self.rung:
            return Step(self.kept, self.gone, self.come).changes
        left = {verdict.firing_id for verdict in self.gone}
        brought = {verdict.firing_id for verdict in self.rung}
        gone = [verdict for verdict in self.gone if verdict.firing_id not in brought]
        come = [*(verdict for verdict in self.rung if verdict.firing_id not in left), *self.come]
        return compare(tuple(sorted(gone, key=canonical)), tuple(sorted(come, key=canonical)))

    def only(self, wanted: Callable[[Verdict], bool]) -> "Went":
        """The same, as far as it is about these verdicts."""
        rung, gone, come = (tuple(filter(wanted, each)) for each in (self.rung, self.gone, self.come))
        return Went(self.kept, rung, gone, come)


def gone_on(
    before: Kept, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry] = (), *, until: datetime | None
) -> Went:
    """The clock goes on to `until`; then `added` comes and `removed` goes. `until` None: nobody keeps time."""
    if until is None or not before.rings_by(until):  # the usual case
        step = before.changed(added, removed, until)
        return Went(step.kept, (), step.gone, step.come)
    rung = before.at(until)
    step = rung.kept.changed(added, removed)
    return Went(step.kept, rung.come, step.gone, step.come)


def heard(
    before: Kept, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry] = (), *, until: datetime | None
) -> Heard:
    """What is different once the clock has gone on to `until` and then `added` came and `removed` went.

    With `until` None nobody keeps time, and nothing waits.
    """
    went = gone_on(before, added, removed, until=until)
    due = None if until is None else went.kept.next_due
    if not went.rung:
        return Heard(went.kept, went.changes, due=due)
    told = {verdict.firing_id for verdict in went.come}
    by_clock = frozenset(verdict.firing_id for verdict in went.rung) - told
    return Heard(went.kept, went.changes, by_clock, due)
