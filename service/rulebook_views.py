"""The rules in force, as the API is shown them."""

from api.rule_shapes import RulesNow
from service.runtime import Service


class RulesAdapter:
    """api.rule_shapes.RulesInForce over what the service follows."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def now(self) -> RulesNow:
        """The rules as this process has them."""
        followed = self._service.rule_keeping.follower
        live = followed.live
        return RulesNow(live.rules, live.mark, live.number, live.since, followed.trouble, followed.is_pinned)
