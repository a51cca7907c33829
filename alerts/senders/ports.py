"""What the dispatcher needs of a sender: one message out, and an honest answer of three kinds.

The address and the words exist only here, for the length of one call; neither shows in a repr.
"""

from dataclasses import dataclass, field
from typing import Protocol

from alerts.model import Channel, FailureReason


@dataclass(frozen=True, slots=True)
class OutMessage:
    """One message to one address. `idempotency_key` is the same on every repeat and holds nothing personal."""

    channel: Channel
    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it; `provider_id` is its own name for it, '' if it gives none."""

    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not take it; `recoverable` says whether trying again can help."""

    reason: FailureReason
    recoverable: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer in time: it may have left."""

    reason: FailureReason = FailureReason.TIMED_OUT


SendResult = Accepted | Refused | Unknown


class Sender(Protocol):
    """A way out on one or more channels."""

    async def send(self, message: OutMessage) -> SendResult:
        """Hand one message to the provider. Never raises for what a provider or a network may do."""
        ...
