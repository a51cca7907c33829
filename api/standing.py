"""How the feeds stand at this moment: what every answer that rests on them carries, so that no page can mislead."""

from collections.abc import Mapping
from datetime import datetime

from api.policy import ApiPolicy
from api.ports import Freshness
from api.shapes import FeedState
from api.showing import feed_states
from domain.clock import Clock


class Standing:
    """Asks when the feeds last spoke and says what that means."""

    def __init__(self, freshness: Freshness, policy: ApiPolicy, clock: Clock) -> None:
        self._freshness = freshness
        self._policy = policy
        self._clock = clock

    async def now(self) -> tuple[FeedState, ...]:
        """The feeds as they stand now."""
        return self.of(await self._freshness.as_of())

    def of(self, last_received: Mapping[str, datetime]) -> tuple[FeedState, ...]:
        """The feeds as they stand now, if they last spoke then."""
        return feed_states(last_received, self._policy.blind_after, self._clock.now())
