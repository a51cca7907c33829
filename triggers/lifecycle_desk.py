"""The rule book as people use it: each act is worked out by the pure transitions and written in one atomic step.

Whoever writes second works it out again on what the first has written. Reading files and running rule tests happens
in a thread, so that events go on meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from domain.clock import Clock
from domain.errors import Conflict, NotAllowed, NotFound, StoreError, StoreUnavailable
from triggers.lifecycle import approve, backtest, check, end_shadow, missing, publish, shadow, submit, withdraw
from triggers.lifecycle_contents import MOST_TESTS_BYTES, checkup, replacing
from triggers.lifecycle_emergency import confirm_kill, kill, revive, roll_back
from triggers.lifecycle_seal import is_sealed
from triggers.lifecycle_values import (
    Act,
    Backtested,
    Book,
    Contents,
    Kill,
    LifecyclePolicy,
    Moved,
    Outcome,
    Person,
    Refusal,
    Refused,
    RuleText,
    RuleVersion,
    Standing,
)
from triggers.ports import RuleBookStore, ShadowStore
from triggers.reading import MAX_BYTES
from triggers.shadowing import ShadowReport

_ATTEMPTS = 20
_AT_THE_MACHINE = "user:"
"""Who acted without a key: anybody at that account."""
_CONTENDED = "The rule book is being changed by others all the time; try again."
_LIVE_IS_BROKEN = "The live version cannot be read, so nothing can be made on top of it: roll it back first."
_TOO_LARGE = (
    f"The files are too large: {MAX_BYTES // 1024} KiB for one of rules, {MOST_TESTS_BYTES // 1024} KiB for all tests."
)


class RuleRefused(NotAllowed):
    """The rule book does not do it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.words[0].upper()}{refused.words[1:]}.")
        self.refused = refused


class RuleDesk:
    """Acts on the rule book. `pinned`: the rules in force if a file pins them, which the book then does not change.
    `secret` is the store's, by which backtests are sealed."""

    def __init__(
        self,
        store: RuleBookStore,
        shadows: ShadowStore,
        *,
        clock: Clock,
        policy: LifecyclePolicy | None = None,
        pinned: frozenset[str] | None = None,
        secret: bytes = b"",
    ) -> None:
        self._store = store
        self._shadows = shadows
        self._clock = clock
        self._pinned = pinned
        self._secret = secret
        self.policy = policy or LifecyclePolicy()

    # -- looking ---------------------------------------------------------------------------------------------------

    async def book(self) -> Book:
        """What is in force, and where every version stands."""
        return await self._store.book()

    async def standing(self, number: int) -> Standing:
        """Where a version stands. Raises NotFound."""
        found = (await self._store.book()).standing(number)
        if found is None:
            raise NotFound("There is no version of that number.")
        return found

    async def version(self, number: int) -> RuleVersion:
        """A version with its texts. Raises NotFound."""
        found = await self._store.version(number)
        if found is None:
            raise NotFound("There is no version of that number.")
        return found

    async def missing(self, number: int) -> tuple[Refusal, ...]:
        """What a version still lacks before it may go live. Raises NotFound."""
        book = await self._store.book()
        standing = book.standing(number)
        if standing is None:
            raise NotFound("There is no version of that number.")
        return missing(book, standing, self._clock.now(), self.policy)

    async def report(self) -> ShadowReport | None:
        """What the version that runs in shadow said so far beside the live one; None if none does."""
        number = (await self._store.head()).shadow
        return None if number is None else await self._shadows.report(number)

    async def killed(self) -> tuple[Kill, ...]:
        """The rules that are switched off."""
        now = self._clock.now()
        return tuple(each for each in (await self._store.head()).kills if now < each.until)

    # -- the way of a version --------------------------------------------------------------------------------------

    async def submit(
        self,
        text: str,
        note: str,
        by: Person,
        *,
        author: str = "",
        reference: str | None = None,
        tests: Sequence[RuleText] = (),
        name: str = "rules",
    ) -> Standing:
        """A draft in which this file takes the place of the live version's file of the same rule set, checked at once.

        Raises RuleRefused, NotAllowed for what is too large. A file with faults is kept, as a draft that goes nowhere.
        """
        if len(text.encode()) > MAX_BYTES or sum(len(each.text.encode()) for each in tests) > MOST_TESTS_BYTES:
            raise NotAllowed(_TOO_LARGE)
        if reference is not None and len(reference.encode()) > MAX_BYTES:
            raise NotAllowed(_TOO_LARGE)
        base = await self._live_contents()
        contents = replacing(base, RuleText(name, text), reference=reference, tests=tests)
        made = await self._act(lambda book: submit(book, contents, self._done(by, note), author=author))
        assert made.standing is not None
        return await self.check(made.standing.number, by) if made.change is not None else made.standing

    async def _live_contents(self) -> Contents:
        """What a draft is made on top of. Raises NotAllowed where the live version cannot be read."""
        live = (await self._store.head()).live
        if live is None:
            return Contents((), "")
        try:
            return (await self.version(live)).contents
        except StoreUnavailable:
            raise
        except (StoreError, NotFound):
            raise NotAllowed(_LIVE_IS_BROKEN) from None

    async def check(self, number: int, by: Person) -> Standing:
        """Read the version's files and run its rule tests; of one that is or was live it is only told. A file that is
        live word for word stands in no other's way. Raises NotFound, RuleRefused, NotAllowed."""
        contents, standing = (await self.version(number)).contents, await self.standing(number)
        if standing.live_since is not None:
            return replace(standing, check=await asyncio.to_thread(checkup, contents, self._clock.now()))
        live = await self._live_contents()
        found = await asyncio.to_thread(checkup, contents, self._clock.now(), live)
        return await self._on(number, lambda book: check(book, number, found, self._done(by)))

    async def backtest(self, number: int, told: Backtested, by: Person, *, seen: int | None = None) -> Standing:
        """Take the result of a backtest, and see by its seal whether this service vouches for it.

        Raises NotFound, RuleRefused, Conflict if it is not at revision `seen`.
        """
        known = replace(told, seal="", vouched=is_sealed(told, self._secret))
        return await self._on(number, lambda book: backtest(book, number, known, self._done(by), self.policy), seen)

    async def shadow(self, number: int, by: Person, *, seen: int | None = None) -> Standing:
        """Run a version beside the live one. Raises NotFound, RuleRefused, Conflict."""
        self._not_pinned()
        before = (await self._store.head()).shadow
        standing = await self._on(number, lambda book: shadow(book, number, self._done(by)), seen)
        if before != number:
            await self._shadows.forget(number)
        return standing

    async def end_shadow(self, by: Person) -> Standing:
        """No version runs in shadow any more; what was seen is kept until it does so again. Raises RuleRefused."""
        made = await self._act(lambda book: end_shadow(book, self._done(by)))
        assert made.standing is not None
        return made.standing

    async def approve(self, number: int, by: Person, reason: str = "", *, seen: int | None = None) -> Standing:
        """A second person's word. Raises NotFound, RuleRefused, Conflict."""
        return await self._on(number, lambda book: approve(book, number, self._done(by, reason), self.policy), seen)

    async def publish(self, number: int, by: Person, reason: str = "", *, seen: int | None = None) -> Standing:
        """Put it live. Raises NotFound, RuleRefused with all that is missing, Conflict."""
        self._not_pinned()
        return await self._on(number, lambda book: publish(book, number, self._done(by, reason), self.policy), seen)

    async def withdraw(self, number: int, by: Person, reason: str, *, seen: int | None = None) -> Standing:
        """It will not go live. Raises NotFound, RuleRefused, Conflict."""
        return await self._on(number, lambda book: withdraw(book, number, self._done(by, reason)), seen)

    # -- emergency -------------------------------------------------------------------------------------------------

    async def roll_back(self, number: int, by: Person, reason: str, *, seen: int | None = None) -> Standing:
        """Take the live version `number` back; answers the one that is live then. Raises NotFound, RuleRefused."""
        self._not_pinned()
        return await self._on(number, lambda book: roll_back(book, number, self._done(by, reason)), seen)

    async def kill(self, rule: str, by: Person, reason: str) -> Kill:
        """Switch one rule off at once. Raises RuleRefused."""
        done = self._done(by, reason)
        made = await self._act(lambda book: kill(book, rule, done, self.policy, rules=self._pinned))
        return next(each for each in made.head.kills if each.rule == rule)

    async def confirm_kill(self, rule: str, by: Person) -> Kill:
        """A second person agrees that a rule stays off; with a key, not to what was done without one: it may have been
        the same person. Raises RuleRefused."""
        off = next((each for each in await self.killed() if each.rule == rule), None)
        if off is not None and off.by.startswith(_AT_THE_MACHINE) and not by.who.startswith(_AT_THE_MACHINE):
            raise RuleRefused(Refused(Refusal.WHO_SWITCHED_OFF))
        made = await self._act(lambda book: confirm_kill(book, rule, self._done(by), self.policy))
        return next(each for each in made.head.kills if each.rule == rule)

    async def revive(self, rule: str, by: Person, reason: str = "") -> None:
        """Switch a rule on again. Raises RuleRefused."""
        await self._act(lambda book: revive(book, rule, self._done(by, reason)))

    # -- how -------------------------------------------------------------------------------------------------------

    def _done(self, by: Person, reason: str = "") -> Act:
        return Act(by, self._clock.now(), reason.strip())

    def _not_pinned(self) -> None:
        if self._pinned is not None:
            raise RuleRefused(Refused(Refusal.PINNED))

    async def _on(self, number: int, ask: Callable[[Book], Outcome], seen: int | None = None) -> Standing:
        """An act on one version, which the caller may have seen at a revision."""

        def looking(book: Book) -> Outcome:
            outcome, standing = ask(book), book.standing(number)
            done_before = isinstance(outcome, Moved) and outcome.change is None  # asked again after a lost answer
            if seen is not None and standing is not None and standing.revision != seen and not done_before:
                raise Conflict
            return outcome

        made = await self._act(looking)
        assert made.standing is not None
        return made.standing

    async def _act(self, ask: Callable[[Book], Outcome]) -> Moved:
        for _ in range(_ATTEMPTS):
            outcome = ask(await self._store.book())
            if isinstance(outcome, Refused):
                if outcome.reason is Refusal.NO_SUCH_VERSION:
                    raise NotFound("There is no version of that number.")
                raise RuleRefused(outcome)
            if outcome.change is None or await self._store.write(outcome.change):
                return outcome
        raise Conflict(_CONTENDED)
