"""The rules in force: followed from the rule book a few times a second, kept when the book is broken, pinned if asked.

Publishing takes effect between events: readers take `live` once per event. Whatever is wrong with the book, the last
good rules go on; a service that starts with a broken one goes back along what was live before, at last to the shipped.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from domain.clock import Clock
from domain.errors import RuleError, StoreError, StoreUnavailable
from streams import codec
from streams.audit import AuditEntry, Operation
from triggers.lifecycle import submit, went_live
from triggers.lifecycle_contents import checkup, rules_of, shipped_contents
from triggers.lifecycle_values import (
    Act,
    Book,
    BookEntry,
    Checkup,
    Contents,
    Head,
    Moved,
    Person,
)
from triggers.ports import RuleBookStore
from triggers.rules import RuleSet, rule_set

log = structlog.get_logger("reachpoint.rules")

TRY_AGAIN_AFTER = timedelta(seconds=10)
"""How often what could not be read is tried again."""

OURSELVES = "reachpoint"
"""Who wrote the shipped rules; nobody's name, so that any supervisor may approve them."""


@dataclass(frozen=True, slots=True)
class LiveRules:
    """Rules in force. `mark` is their identity as records name it (`rules@7`, `rules@7-ED_ASSAULT` with that rule
    switched off, `file@...` if pinned); `number` is None where they are no version of the book."""

    rules: RuleSet
    mark: str
    since: datetime | None = None
    number: int | None = None


def as_entry(told: BookEntry) -> bytes:
    """A step of the rule book as the audit log keeps it."""
    return codec.encode(
        AuditEntry(told.at, told.who, told.role, Operation.ALTERATION, told.what.value, told.about, reason=told.reason)
    )


class RuleFollower:
    """Holds the newest rules that could be read. Readers take `live` once per event and keep it for that event."""

    def __init__(self, store: RuleBookStore, otherwise: RuleSet, clock: Clock, *, pinned: str = "") -> None:
        """`otherwise` decides until the book has been read, and where nothing of it can be. `pinned` is the digest of
        the file that it comes from, if it decides whatever the book says."""
        self._store = store
        self._clock = clock
        self._pinned = pinned
        self._loaded = LiveRules(otherwise, f"file@{pinned[:8]}" if pinned else "shipped")
        self._head: Head | None = None
        self._off: frozenset[str] = frozenset()
        self.live = self._loaded
        self.shadow: LiveRules | None = None
        self.head = Head()
        self.trouble = ""
        self._tried = clock.now()

    @property
    def is_pinned(self) -> bool:
        """Whether a file decides, whatever the book says."""
        return bool(self._pinned)

    async def refresh(self) -> bool:
        """Take over what changed; answers whether anything did. Only one call at a time.

        Raises StoreUnavailable: then everything stays as it is, and is tried again. What cannot be read is told once
        in `trouble` and in the log, and the rules stay as they are.
        """
        try:
            head = await self._store.head()
        except StoreUnavailable:
            raise
        except StoreError as error:
            self._tell_trouble(str(error))
            return False
        before = (self.live, self.shadow)
        now = self._clock.now()
        if head != self._head or (self.trouble and now - self._tried >= TRY_AGAIN_AFTER):
            self._tried = now
            await self._take(head)
        self._switch(self.head.killed(now))
        return before != (self.live, self.shadow)

    async def _take(self, head: Head) -> None:
        trouble = ""
        if not self._pinned and head.live is not None and (head.live, head.live_since) != self._standing:
            loaded, trouble = await self._load_live(head)
            if loaded is not None:
                self._loaded = loaded
                self._off = frozenset({""})  # said anew by `_switch`
        if head.shadow is None or self._pinned:
            self.shadow = None
        elif self.shadow is None or self.shadow.number != head.shadow:
            self.shadow, unread = await self._load(head.shadow, head.shadow_since)
            trouble = trouble or unread
        self._head, self.head = head, head
        self._tell_trouble(trouble)

    @property
    def _standing(self) -> tuple[int | None, datetime | None]:
        return self._loaded.number, self._loaded.since

    async def _load_live(self, head: Head) -> tuple[LiveRules | None, str]:
        """The live version; if it cannot be read, None with what is wrong: the last good one goes on.

        A service that has none yet goes back along the versions that were live before.
        """
        assert head.live is not None
        loaded, trouble = await self._load(head.live, head.live_since)
        if loaded is not None or self._loaded.number is not None:
            return loaded, trouble
        try:
            book = await self._store.book()
        except StoreUnavailable:
            raise
        except StoreError:
            return None, trouble
        for number in _before(book, head.live):
            loaded, _ = await self._load(number, head.live_since)
            if loaded is not None:
                break
        return loaded, trouble

    async def _load(self, number: int, since: datetime | None) -> tuple[LiveRules | None, str]:
        try:
            version = await self._store.version(number)
            if version is None:
                return None, f"version {number} is not in the rule book"
            if version.number != number or version.contents.digest != version.digest:
                return None, f"version {number} is not what was published"
            rules = await asyncio.to_thread(rules_of, version.contents, version=number, decided=version.contents.names)
        except StoreUnavailable:
            raise
        except StoreError as error:
            return None, f"version {number}: {error}"
        except RuleError as error:
            return None, f"version {number} cannot be used by this release: {str(error).splitlines()[0]}"
        except Exception as error:  # a fault of ours in reading it: the last good rules go on all the same
            return None, f"version {number} cannot be used by this release ({type(error).__name__})"
        return LiveRules(rules, f"rules@{number}", since, number), ""

    def _switch(self, off: frozenset[str]) -> None:
        """Without the rules that are switched off just now."""
        off &= {str(rule.rule_id) for rule in self._loaded.rules.rules}
        if off == self._off:
            return
        self._off = off
        mark = "".join((self._loaded.mark, *(f"-{rule}" for rule in sorted(off))))
        self.live = replace(self._loaded, rules=without(self._loaded.rules, off), mark=mark)

    def _tell_trouble(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.error(
                "the rule book cannot be followed; the last good rules go on",
                action="rules_not_followed",
                trouble=trouble,
                live=self.live.mark,
            )
        self.trouble = trouble


def without(rules: RuleSet, off: frozenset[str]) -> RuleSet:
    """The rules but for those that are switched off. What asks about one of them is told that it did not fire."""
    if not off:
        return rules
    kept = [rule for rule in rules.rules if str(rule.rule_id) not in off]
    return rule_set(rules.name, rules.version, kept, rules.reference, owner=rules.owner)


def _before(book: Book, number: int) -> Iterator[int]:
    """The versions that were live before this one, the latest first."""
    seen = {number}
    standing = book.standing(number)
    while standing is not None and standing.replaced is not None and standing.replaced not in seen:
        seen.add(standing.replaced)
        yield standing.replaced
        standing = book.standing(standing.replaced)


async def ensure_book(
    store: RuleBookStore, now: datetime, *, shipped: Contents | None = None, release: str = "", offer: bool = True
) -> None:
    """Give an empty rule book the shipped rules as version 1, live; `offer` the rules of a new release as a draft.

    A new release never publishes anything: the force's own version stays live until people publish another. Several
    workers may do this at once. Raises StoreError.
    """
    contents = shipped or shipped_contents()
    ours = Person(OURSELVES, "release")
    book = await store.book()
    if book.standings and not offer:
        return
    if any(each.digest == contents.digest for each in book.standings.values()):
        return
    found = await asyncio.to_thread(checkup, contents, now)
    if found.faults:
        log.error("the shipped rules have faults", action="shipped_rules_faulty", faults=len(found.faults))
        return
    note = f"Shipped with Reachpoint {release}".strip()
    act = Act(ours, now, note)
    made = submit(book, contents, act)
    if not isinstance(made, Moved) or made.change is None:
        return
    if book.head.last == 0:
        made = _first_live(book, made, act, found)
    assert made.change is not None
    if await store.write(made.change):
        log.info("the rule book has the shipped rules", action="rules_shipped", version=made.head.last)


def _first_live(book: Book, made: Moved, act: Act, found: Checkup) -> Moved:
    """The very first version is live at once: somebody must watch from the first event on."""
    assert made.standing is not None
    assert made.change is not None
    standing = replace(made.standing, check=found)
    live = went_live(Book(made.head, {standing.number: standing}), standing, act)
    assert live.change is not None
    head = replace(live.head, revision=made.head.revision)
    audit = (*made.change.audit, *live.change.audit)
    change = replace(live.change, before=book.head.revision, head=head, version=made.change.version, audit=audit)
    return Moved(head, live.standing, change)
