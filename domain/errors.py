"""The error tree, drawn once. The class docstring is the default message.

ServiceError
├── ConfigError      the operator must change a setting
├── RuleError        a supervisor must change a rule file
├── FeedError        a sender must change what it sends
├── StoreError       the store refused, or cannot be trusted
│   ├── StoreUnavailable     try again later (503, AE 207)
│   └── Conflict             somebody else wrote first: load and decide again
├── NotFound         no such thing (404)
├── NotAllowed       this transition or this reader is not permitted (403/409)
└── DeliveryError    a message could not be handed over; `recoverable` says whether to try again
"""


class ServiceError(Exception):
    """Something went wrong in Reachpoint."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class ConfigError(ServiceError):
    """A setting is missing or cannot be used."""


class RuleError(ServiceError):
    """A rule file has faults."""


class FeedError(ServiceError):
    """A feed sent something that cannot be taken."""


class StoreError(ServiceError):
    """The store refused."""


class StoreUnavailable(StoreError):
    """The store cannot be reached just now; nothing was promised."""


class Conflict(StoreError):
    """Somebody else changed this first."""


class NotFound(ServiceError):
    """There is no such thing."""


class NotAllowed(ServiceError):
    """This is not permitted in the present state or for this reader."""


class DeliveryError(ServiceError):
    """A message could not be handed to its provider."""

    def __init__(self, message: str | None = None, *, recoverable: bool = True) -> None:
        super().__init__(message)
        self.recoverable = recoverable
