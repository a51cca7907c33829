"""A sender that keeps what it is given: for tests, simulation and dry runs. Plays the results it is told to play."""

from collections import deque
from collections.abc import Iterable

from alerts.senders.ports import Accepted, OutMessage, SendResult


class MemorySender:
    """Keeps every message in `sent`, in order, whatever it answers. `script` is played first, then all is accepted."""

    def __init__(self, script: Iterable[SendResult] = ()) -> None:
        self.sent: list[OutMessage] = []
        self._script = deque(script)

    def play(self, *results: SendResult) -> None:
        """Answer the next messages with these results."""
        self._script.extend(results)

    async def send(self, message: OutMessage) -> SendResult:
        """Keep the message; answer the next scripted result, else accept with its running number as id."""
        self.sent.append(message)
        return self._script.popleft() if self._script else Accepted(provider_id=f"memory-{len(self.sent)}")
