"""What sending through Apprise is told. Apart from the sender: whoever only hands it on need not load Apprise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.model import Channel


@dataclass(frozen=True, slots=True)
class ApprisePolicy:
    """`urls` hold secrets and never show. `timeout` is for one message; `workers` how many at a time per channel."""

    urls: Mapping[Channel, str] = field(repr=False)
    timeout: timedelta = timedelta(seconds=10)
    workers: int = 4
    name: str = "Reachpoint"
