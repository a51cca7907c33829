"""What the rules say of one person, kept from event to event: one more event costs only what it touches.

A value: adding entries gives the next and leaves the one before as it was, so a commit that failed is simply done
again. `remembering.py` keeps a bounded number of people between their events.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.events import Kind
from domain.ids import OccurrenceKey
from domain.people import CohortMember
from triggers.changes import Changes, compare
from triggers.finding import NO_DIFFERENCE, Difference, Found, Joining, Looking
from triggers.history import History, HistoryEntry
from triggers.indexing import HistoryIndex, Keys, index_of
from triggers.judging import Judged, nothing_judged, rejudged
from triggers.planning import Plan, plan_of
from triggers.rules import RuleSet
from triggers.verdicts import Verdict, canonical


class Kept:
    """A rule set's answer for one member and history. What no question has touched yet is worked out when asked for."""

    __slots__ = ("_found", "_judged", "_plan", "index", "now", "rules")

    def __init__(
        self,
        rules: RuleSet,
        index: HistoryIndex,
        found: list[Found | None],
        judged: list[Judged | None],
        now: datetime | None = None,
    ) -> None:
        self.rules = rules
        self.index = index
        self.now = now
        self._plan: Plan = plan_of(rules)
        self._found = found
        self._judged = judged

    @property
    def member(self) -> CohortMember:
        """Whom it is about."""
        return self.index.member

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All candidates with their verdicts, by fired_at, rule and anchor."""
        self._complete(range(len(self._plan.rules)))
        return tuple(sorted((one for one in self._all() if one.seen_at(self.now)), key=canonical))

    @property
    def pending(self) -> tuple[Verdict, ...]:
        """What will fire by the clock alone if nothing more is heard, by the time at which it is due."""
        self._complete(self._plan.waiting)
        waiting = (one for one in self._all() if one.due and one.fired and not one.seen_at(self.now))
        return tuple(sorted(waiting, key=canonical))

    @property
    def next_due(self) -> datetime | None:
        """When the next of `pending` is due; None where nothing waits."""
        self._complete(self._plan.waiting)
        judged = (self._judged[place] for place in self._plan.waiting)
        waiting = (one for each in judged if each is not None for one in each.verdicts)
        return min(
            (one.fired_at for one in waiting if one.due and one.fired and not one.seen_at(self.now)), default=None
        )

    def at(self, now: datetime) -> "Step":
        """The same at a later time: what has become due in between comes about.

        Time does not go back: an earlier `now` changes nothing.
        """
        if self.now is not None and now <= self.now:
            return Step(self, (), ())
        self._complete(self._plan.waiting)
        later = Kept(self.rules, self.index, self._found, self._judged, now)
        judged = (self._judged[place] for place in self._plan.waiting)
        waiting = (one for each in judged if each is not None for one in each.verdicts)
        return Step(later, (), [one for one in waiting if one.seen_at(now) and not one.seen_at(self.now)])

    def _all(self) -> Iterable[Verdict]:
        return (verdict for judged in self._judged if judged is not None for verdict in judged.verdicts)

    def changed(self, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry] = ()) -> "Step":
        """The next one, with `added` and without `removed`, and what that changes.

        An entry that is already known, in its role and about its subject, is left as it was first received.
        """
        index, keys = self.index.changed(tuple(added), tuple(removed))
        if not keys:
            return Step(self, (), ())
        steps = self._plan.steps(_kinds_of(keys, self.index, index))
        self._complete(steps.rules)
        following = Kept(self.rules, index, self._found.copy(), self._judged.copy(), self.now)
        differences: list[Difference] = [NO_DIFFERENCE] * len(self._found)
        following._find(steps.events, steps.others, keys, differences)
        gone, come = following._judge(steps.rules, differences)
        if self._plan.waiting:
            gone = [one for one in gone if one.seen_at(self.now)]
            come = [one for one in come if one.seen_at(self.now)]
        return Step(following, gone, come)

    def _complete(self, rules: Iterable[int]) -> None:
        """Work out what is not yet known of these rules; it changes no answer."""
        missing = [place for place in rules if self._judged[place] is None]
        if not missing:
            return
        wanted = {place for rule in missing for place in (rule, *self._plan.rules[rule].asks)}
        missing = sorted(place for place in wanted if self._judged[place] is None)
        differences: list[Difference] = [_everything(found) for found in self._found]
        finders = [place for place in self._plan.finders_of(missing) if self._found[place] is None]
        for place in finders:
            self._found[place] = self._plan.finders[place].empty()
        for place in missing:
            self._judged[place] = nothing_judged(self._plan.rules[place].judge)
        self._find(*self._plan.split(finders), frozenset(self.index.sheets), differences)
        self._judge(missing, differences)

    def _find(
        self,
        events: Iterable[tuple[int, Looking]],
        others: Iterable[tuple[int, Joining]],
        keys: Keys,
        differences: list[Difference],
    ) -> None:
        """Bring the finders up to the index, in which the occurrences `keys` changed.

        `differences` holds what is already known to differ, and is filled with what else does.
        """
        kept, index = self._found, self.index
        differs = any(differences)
        for place, finder in events:
            found = kept[place]
            if found is not None:
                difference = finder.look(found, keys, index)
                if difference:
                    kept[place], differences[place], differs = found.differing(difference), difference, True
        if not differs:
            return
        for place, joining in others:
            found, parts = kept[place], joining.parts
            for part in parts:
                if differences[part]:
                    break
            else:
                continue
            if found is not None:
                below = [one for part in parts if (one := kept[part]) is not None]
                kept[place], differences[place] = joining.next(found, below, [differences[part] for part in parts])

    def _judge(self, rules: Iterable[int], differences: Sequence[Difference]) -> tuple[list[Verdict], list[Verdict]]:
        """Bring the rules up to what was found: the verdicts that are no longer, and those that are new."""
        gone: list[Verdict] = []
        come: list[Verdict] = []
        moved: dict[int, set[OccurrenceKey]] = {}
        for place in rules:
            planned, judged = self._plan.rules[place], self._judged[place]
            changed: Collection[OccurrenceKey] = differences[planned.finder]
            if moved and planned.asks:
                changed = {*changed, *(key for asked in planned.asks for key in moved.get(asked, ()))}
            found = self._found[planned.finder]
            if not changed or judged is None or found is None:
                continue
            done = rejudged(planned.judge, judged, found.hits, changed, self._asked)
            self._judged[place] = done.judged
            if done.gone or done.come:
                moved[place] = {verdict.occurrence for verdict in (*done.gone, *done.come)}
                gone.extend(done.gone)
                come.extend(done.come)
        return gone, come

    def _asked(self, rule: str, occurrence: OccurrenceKey, at: datetime) -> bool:
        place = self._plan.places.get(rule)
        judged = None if place is None else self._judged[place]
        return judged is not None and judged.fired_on(occurrence, at)


def _kinds_of(keys: Keys, *indexes: HistoryIndex) -> frozenset[Kind]:
    """The kinds that the sheets of these keys hold, in any of the indexes."""
    sheets = [index.sheets[key].kinds for index in indexes for key in keys if key in index.sheets]
    return sheets[0] if len(sheets) == 1 else frozenset().union(*sheets)


def _everything(found: Found | None) -> Difference:
    """All that was found, as a difference from nothing."""
    return NO_DIFFERENCE if found is None else {key: ((), hits) for key, hits in found.hits.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """The next kept value, and the verdicts that are no longer and that are new with it."""

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
    plan = plan_of(rules)
    index = index_of(history, member, rules.reference, plan.forward)
    return Kept(rules, index, [None] * len(plan.finders), [None] * len(plan.rules), now)
