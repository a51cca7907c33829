"""The rule book and the shadow's books in memory: the twins of `valkey.py` for tests, backtest and simulation."""

from dataclasses import dataclass, field

from triggers.lifecycle_values import Book, BookEntry, Change, Head, RuleVersion
from triggers.shadowing import MOST_EXAMPLES, ShadowFiring, ShadowReport, ShadowTally, Side, by_rule_and_side, counted


class MemoryRuleBook:
    """RuleBookStore in dictionaries; `audit` holds what the audit log was told."""

    def __init__(self) -> None:
        self._book = Book()
        self._versions: dict[int, RuleVersion] = {}
        self.audit: list[BookEntry] = []

    async def head(self) -> Head:
        """See RuleBookStore."""
        return self._book.head

    async def book(self) -> Book:
        """See RuleBookStore."""
        return self._book

    async def version(self, number: int) -> RuleVersion | None:
        """See RuleBookStore."""
        return self._versions.get(number)

    async def write(self, change: Change) -> bool:
        """See RuleBookStore."""
        if change.before != self._book.head.revision:
            return False
        if change.version is not None:
            self._versions.setdefault(change.version.number, change.version)
        moved = {standing.number: standing for standing in change.standings}
        self._book = Book(change.head, {**self._book.standings, **moved})
        self.audit.extend(change.audit)
        return True


@dataclass
class _Seen:
    events: int = 0
    missed: int = 0
    beside: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[Side, list[ShadowFiring]] = field(default_factory=dict)


class MemoryShadows:
    """ShadowStore in dictionaries."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}

    async def add(self, number: int, beside: int, seen: ShadowTally) -> None:
        """See ShadowStore."""
        total = self._seen.setdefault(number, _Seen())
        total.events += seen.events
        total.missed += seen.missed
        total.beside.add(beside)
        for name, count in by_rule_and_side(seen.firings).items():
            total.counts[name] = total.counts.get(name, 0) + count
        for firing in seen.firings:
            kept = total.examples.setdefault(firing.side, [])
            kept.insert(0, firing)
            del kept[MOST_EXAMPLES:]

    async def report(self, number: int) -> ShadowReport:
        """See ShadowStore."""
        seen = self._seen.get(number, _Seen())
        examples = tuple(firing for side in Side for firing in seen.examples.get(side, ()))
        return ShadowReport(
            number, seen.events, seen.missed, tuple(sorted(seen.beside)), counted(seen.counts), examples
        )

    async def forget(self, number: int) -> None:
        """See ShadowStore."""
        self._seen.pop(number, None)
