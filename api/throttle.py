"""How often one peer may fail to authenticate. Counts failures only: a good key is never refused, because somebody else
behind the same address must not be able to silence a feed. A key has 256 random bits, so nobody guesses one; this keeps
a misbehaving peer from filling logs and store.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta


class FailureThrottle:
    """Failures by peer within a sliding window, in memory, of at most `peers` peers; the longest silent goes first."""

    def __init__(self, *, most: int, window: timedelta, peers: int = 10_000) -> None:
        self._most = most
        self._window = window
        self._peers = peers
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()

    def failed(self, peer: str, now: datetime) -> timedelta | None:
        """Count a failure. None if the peer is within its allowance, else how long until it is again."""
        failures = self._failures.setdefault(peer, deque())
        self._failures.move_to_end(peer)
        while failures and now - failures[0] >= self._window:
            failures.popleft()
        if len(failures) >= self._most:
            return self._window - (now - failures[0])
        failures.append(now)
        while len(self._failures) > self._peers:
            self._failures.popitem(last=False)
        return None
