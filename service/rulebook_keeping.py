"""The rule book in the running service: begun at the start, followed a few times a second, with a desk for acts."""

from collections.abc import Callable

import structlog
from redis.asyncio import Redis

from domain.clock import Clock
from domain.errors import StoreError, StoreUnavailable
from domain.ids import MemberId
from domain.people import CohortMember
from service.rulebook import LiveRules, RuleFollower, as_entry, ensure_book
from service.rulebook_shadow import ShadowWatch
from service.wiring import Policies
from streams import keys
from triggers.lifecycle_desk import RuleDesk
from triggers.rules import RuleSet
from triggers.valkey import ValkeyRuleBook, ValkeyShadows

log = structlog.get_logger("reachpoint.rules")


def rule_book(client: Redis) -> ValkeyRuleBook:
    """The rule book on a store, with its steps in the store's audit log."""
    return ValkeyRuleBook(client, audit_key=keys.AUDIT, as_entry=as_entry)


def rule_desk(client: Redis, clock: Clock, *, pinned: RuleSet | None, secret: bytes) -> RuleDesk:
    """The desk on a store's rule book; `pinned` are the rules of a file that decides instead of it, `secret` the one
    that backtests are sealed with."""
    ids = frozenset(str(rule.rule_id) for rule in pinned.rules) if pinned else None
    return RuleDesk(rule_book(client), ValkeyShadows(client), clock=clock, pinned=ids, secret=secret)


class RuleKeeping:
    """What the service holds of the rule book."""

    def __init__(
        self, client: Redis, policies: Policies, clock: Clock, *, member: Callable[[MemberId], CohortMember | None]
    ) -> None:
        self._clock = clock
        self.store = rule_book(client)
        self.shadows = ValkeyShadows(client)
        pinned = policies.rules if policies.pinned else None
        self.desk = rule_desk(client, clock, pinned=pinned, secret=policies.decide.secret)
        self.follower = RuleFollower(self.store, policies.rules, clock, pinned=policies.pinned)
        self.shadow = ShadowWatch(self.shadows, member, clock, history_for=policies.decide.history_for)

    @property
    def live(self) -> LiveRules:
        """The rules that decide from now on: readers keep them for one event."""
        return self.follower.live

    async def begin(self) -> None:
        """Know the rules before the first event is decided. An empty book gets the shipped ones.

        A book that cannot be read is told, and the last good rules, at last the shipped ones, decide. Raises
        StoreUnavailable.
        """
        try:
            if not self.follower.is_pinned:
                await ensure_book(self.store, self._clock.now())
        except StoreUnavailable:
            raise
        except StoreError as error:
            log.error("the rule book cannot be read", action="rule_book_unreadable", error=str(error))
        except Exception as error:  # a fault of ours in offering the shipped rules: those in force decide all the same
            log.error("the rule book cannot be read", action="rule_book_unreadable", error=type(error).__name__)
        await self.turn()

    async def turn(self) -> None:
        """Take over what was published, taken back, or switched off. Raises StoreUnavailable."""
        if await self.follower.refresh():
            live, shadow = self.follower.live, self.follower.shadow
            log.info(
                "deciding by other rules from here on",
                action="rules_followed",
                rules=live.mark,
                count=len(live.rules.rules),
                shadow=shadow.mark if shadow else None,
            )

    async def shadow_turn(self) -> int:
        """Judge some of what was decided by the version in shadow too. Returns how much. Raises StoreError."""
        return await self.shadow.turn(self.follower.live, self.follower.shadow)
