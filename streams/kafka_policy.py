"""Where Kafka is, how we prove who we are to it, and the shape of our topics: values only, no client library here.

Production values and why are in docs/operations.md (replication 3, at least two copies in sync, no unclean leader).
"""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.ids import SHARDS
from domain.kinds import Feed


@dataclass(frozen=True, slots=True)
class KafkaPolicy:
    """One cluster and our names on it. `partitions` is how far recognition spreads; deciding spreads over the shards.

    `copies` and `copies_in_sync` are what a topic is made with, and what one that is there must have at least.
    `prefix` keeps environments apart on a shared cluster.
    """

    bootstrap: str
    prefix: str = "reachpoint"
    partitions: int = 16
    copies: int = 3
    copies_in_sync: int = 2
    retention: timedelta = timedelta(hours=72)  # unmatched person data (domain.md 7.3)
    alerts_retention: timedelta = timedelta(days=7)
    username: str = ""
    password: str = field(default="", repr=False)
    mechanism: str = "SCRAM-SHA-512"
    tls: ssl.SSLContext | None = None
    session: timedelta = timedelta(seconds=12)
    commit_every: timedelta = timedelta(milliseconds=500)
    batch: int = 50  # events in one message: Faust costs a fixed price a message (limits.md part B)

    @property
    def events(self) -> str:
        """Accepted events, several in a message, keyed by the occurrence that they are about."""
        return f"{self.prefix}.events"

    @property
    def matched(self) -> str:
        """Events on their way to watched people; partition p carries shard p."""
        return f"{self.prefix}.matched"

    @property
    def alerts(self) -> str:
        """What became of alerts, keyed by member, for other systems."""
        return f"{self.prefix}.alerts"

    @property
    def quarantine(self) -> str:
        """Messages that could not be read, as they were, with headers that say why and where."""
        return f"{self.prefix}.quarantine"

    def feed(self, feed: Feed) -> str:
        """Records as a feed's system sends them, for whoever produces to Kafka instead of HTTP."""
        return f"{self.prefix}.feeds.{feed.value}"

    @property
    def shards(self) -> int:
        """Partitions of the matched topic."""
        return SHARDS

    def client_options(self) -> dict[str, Any]:
        """What every aiokafka client is given to connect."""
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self._protocol}
        if self.tls:
            options["ssl_context"] = self.tls
        if self.username:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    @property
    def _protocol(self) -> str:
        return ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
