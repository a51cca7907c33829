"""People's answers remembered between their events, a bounded number of them: the decide hop's only shortcut.

What is remembered is used only where it is of the same rules, the same member record and the same history; anything
else is worked out from the history, so forgetting changes no answer.
"""

from collections import OrderedDict
from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

from domain.ids import MemberId
from domain.people import CohortMember
from triggers.changes import Changes
from triggers.hearing import Heard, Span, heard
from triggers.history import History, HistoryEntry
from triggers.keeping import Kept, kept
from triggers.rules import RuleSet

MOST_PEOPLE = 500
"""How many people are remembered unless told otherwise: some 530 kB each with 200 events, beside the events."""


def changes_between(rules: RuleSet, member: CohortMember, before: History, after: History) -> Changes:
    """What `rules` say differently of `member` after than before; entries that both hold are the same objects.

    The second answer is made from the first, and only for what differs.
    """
    added, removed = _difference(before, after)
    return kept(rules, member, before).changed(added, removed).changes


def heard_between(rules: RuleSet, member: CohortMember, before: History, after: History, span: Span | None) -> Heard:
    """The same with the clock going on meanwhile; without `span` nobody keeps time, and nothing waits."""
    start = kept(rules, member, before, span.since if span else None)
    return heard(start, *_difference(before, after), until=span.until if span else None)


class KeptPeople:
    """Remembers the last answer for each of `most` people; the one not asked for the longest is forgotten first."""

    def __init__(self, most: int = MOST_PEOPLE) -> None:
        self._most = most
        self._known: OrderedDict[MemberId, tuple[list[Any], Kept]] = OrderedDict()

    def changes(self, rules: RuleSet, member: CohortMember, before: History, after: History) -> Changes:
        """As `changes_between`, from what was remembered of `before` if it was."""
        step = self._at(rules, member, before).changed(*_difference(before, after))
        self._remember(member.member_id, after, step.kept)
        return step.changes

    def _remember(self, member: MemberId, history: History, known: Kept) -> None:
        self._known[member] = (_marks(history), known)
        self._known.move_to_end(member)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def hear(self, rules: RuleSet, member: CohortMember, before: History, after: History, span: Span | None) -> Heard:
        """As `heard_between`, from what was remembered of `before` if it was."""
        known, since = self._at(rules, member, before), span.since if span else None
        if known.now != since:
            later = since is not None and known.now is not None and known.now < since
            known = known.at(since).kept if later and since else kept(rules, member, before, since)
        result = heard(known, *_difference(before, after), until=span.until if span else None)
        self._remember(member.member_id, after, result.kept)
        return result

    def forget(self, member: MemberId) -> None:
        """Nothing is remembered of this person any more (erasure)."""
        self._known.pop(member, None)

    def __len__(self) -> int:
        """How many people are remembered."""
        return len(self._known)

    def _at(self, rules: RuleSet, member: CohortMember, before: History) -> Kept:
        marks, known = self._known.get(member.member_id, (None, None))
        if known is None or known.rules is not rules or known.member != member or marks != _marks(before):
            return kept(rules, member, before)
        return known


_MARK = attrgetter("event_id", "subject", "role", "relation", "received_at")


def _marks(history: History) -> list[Any]:
    """What tells two histories of one person apart: an entry, once stored, is never changed."""
    return list(map(_MARK, history))


def _difference(before: History, after: History) -> tuple[Sequence[HistoryEntry], Sequence[HistoryEntry]]:
    """Entries that came and that went, by identity."""
    if len(before) <= len(after) and all(map(is_, before, after)):  # the usual case: something more at the end
        return after[len(before) :], ()
    was, now = frozenset(map(id, before)), frozenset(map(id, after))
    added = [entry for entry in after if id(entry) not in was]
    removed = [entry for entry in before if id(entry) not in now]
    return added, removed
