"""What the rules say of one person, kept from event to event: one more event costs only what it touches.

To whoever holds it a value: adding entries gives the next and leaves the one before as it was, so a commit that failed
is simply done again. The working is handed on from one to the next and never copied; one that has handed it on works
its answer out anew, should anybody ask it again. `remembering.py` keeps a bounded number of people between events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.people import CohortMember
from triggers.changes import Changes, compare
from triggers.history import History, HistoryEntry
from triggers.indexing import NO_CHANGE, Change, HistoryIndex, index_of
from triggers.planning import plan_of
from triggers.rules import RuleSet
from triggers.verdicts import Verdict, canonical
from triggers.working import Working, nothing_worked_out


class Kept:
    """A rule set's answer for one member and history at `now`."""

    __slots__ = ("_index", "_next", "_working", "member", "now", "rules")

    def __init__(
        self, rules: RuleSet, index: HistoryIndex, working: Working | None = None, now: datetime | None = None
    ) -> None:
        self.rules = rules
        self.member: CohortMember = index.member
        self.now = now
        self._index = index
        self._working = working
        self._next: tuple[Kept, Change] | None = None  # to whom the working went, and what had changed by then

    @property
    def index(self) -> HistoryIndex:
        """The history, arranged."""
        if self._next is not None:
            self._index = index_of(self._entries(), self.member, self.rules.reference, plan_of(self.rules).forward)
            self._working, self._next = None, None
        return self._index

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All candidates with their verdicts, by fired_at, rule and anchor."""
        return tuple(sorted((one for one in self._worked().verdicts if one.seen_at(self.now)), key=canonical))

    @property
    def pending(self) -> tuple[Verdict, ...]:
        """What will fire by the clock alone if nothing more is heard, by the time at which it is due."""
        return tuple(sorted((one for one in self._worked().waiting if one.fired), key=canonical))

    @property
    def next_due(self) -> datetime | None:
        """When the next of `pending` is due; None where nothing waits."""
        return self._worked().dues[1]

    @property
    def next_ring(self) -> datetime | None:
        """When the clock next brings about anything, whether it fires or not; None where nothing waits."""
        return self._worked().dues[0]

    def rings_by(self, now: datetime) -> bool:
        """Whether the clock brings about anything by `now`."""
        due = self._worked().dues[0]
        return due is not None and due <= now

    def at(self, now: datetime) -> "Step":
        """The same at a later time: what has become due in between comes about.

        Time does not go back: an earlier `now` changes nothing.
        """
        if self.now is not None and now <= self.now:
            return Step(self, (), ())
        come = self._worked().rung(now)
        return Step(self._handed_on(NO_CHANGE, now), (), come)

    def changed(
        self, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry] = (), now: datetime | None = None
    ) -> "Step":
        """The next one, with `added` and without `removed`, and what that changes; at `now` (None: the same time), by
        which nothing was due (`rings_by`).

        An entry that is already known, in its role and about its subject, is left as it was first received.
        """
        working = self._worked()
        if now is None or (self.now is not None and now < self.now):
            now = self.now
        change = self._index.change(tuple(added), tuple(removed))
        if not change.sheets:
            return Step(self if now == self.now else self._handed_on(NO_CHANGE, now), (), ())
        following = self._handed_on(change, now)
        return Step(following, *working.take_in(change.sheets, self._index, now))

    def _worked(self) -> Working:
        index, working = self.index, self._working
        if working is None:
            working = nothing_worked_out(plan_of(self.rules))
            working.take_in({key: (None, sheet) for key, sheet in index.sheets.items()}, index, self.now, anew=True)
            self._working = working
        return working

    def _handed_on(self, change: Change, now: datetime | None) -> "Kept":
        following = Kept(self.rules, self._index, self._working, now)
        self._next, self._working = (following, change), None
        return following

    def _entries(self) -> History:
        """The entries of one that has handed on its working: those of the last that has it, without what came since."""
        changes: list[Change] = []
        last = self
        while last._next is not None:
            last, change = last._next
            changes.append(change)
        entries = {id(entry): entry for entry in last._index.entries}
        for change in reversed(changes):
            for entry in change.come:
                del entries[id(entry)]
            entries.update((id(entry), entry) for entry in change.gone)
        return tuple(sorted(entries.values(), key=lambda entry: entry.order))


@dataclass(slots=True)
class Step:
    """The next kept value, and the verdicts that are no longer and that are new with it. A value like the others, not
    marked frozen because one is made at every event (as `Moment`)."""

    kept: Kept
    gone: Sequence[Verdict]
    come: Sequence[Verdict]

    @property
    def changes(self) -> Changes:
        """What it means for alerts."""
        if not self.gone and not self.come:
            return _NO_CHANGES
        return compare(tuple(sorted(self.gone, key=canonical)), tuple(sorted(self.come, key=canonical)))


_NO_CHANGES = Changes()


def kept(rules: RuleSet, member: CohortMember, history: History, now: datetime | None = None) -> Kept:
    """What `rules` say of `member` with this history at `now`, ready to be kept.

    Without `now` nobody keeps time: nothing comes about by the clock alone.
    """
    return Kept(rules, index_of(history, member, rules.reference, plan_of(rules).forward), None, now)
