"""What one person is heard to do, with the clock going on meanwhile: the net of both, and when the next wait ends.

Everything due before something is heard comes about before it. What the same thing refutes never does: between the
two nobody was told anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ids import FiringId
from triggers.changes import Changes, compare
from triggers.history import HistoryEntry
from triggers.keeping import Kept
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


def heard(
    before: Kept, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry] = (), *, until: datetime | None
) -> Heard:
    """What is different once the clock has gone on to `until` and then `added` came and `removed` went.

    With `until` None nobody keeps time, and nothing waits.
    """
    if until is None:
        plain = before.changed(added, removed)
        return Heard(plain.kept, plain.changes)
    rung = before.at(until)
    step = rung.kept.changed(added, removed)
    if not rung.come:
        return Heard(step.kept, step.changes, due=step.kept.next_due)
    gone, come = _net(rung.come, step.gone, step.come)
    changes = compare(tuple(sorted(gone, key=canonical)), tuple(sorted(come, key=canonical)))
    told = {verdict.firing_id for verdict in step.come}
    by_clock = frozenset(verdict.firing_id for verdict in rung.come) - told
    return Heard(step.kept, changes, by_clock, step.kept.next_due)


def _net(
    rung: Sequence[Verdict], gone: Sequence[Verdict], come: Sequence[Verdict]
) -> tuple[list[Verdict], list[Verdict]]:
    """What went and what came in the end: what the clock brought and what was heard took away was never there."""
    left = {verdict.firing_id for verdict in gone}
    brought = {verdict.firing_id for verdict in rung}
    stayed = [verdict for verdict in rung if verdict.firing_id not in left]
    return [verdict for verdict in gone if verdict.firing_id not in brought], [*stayed, *come]
