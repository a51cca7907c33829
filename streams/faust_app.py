"""The Faust app of engine B, with every setting said (limits.md part B, safe recipe); nothing from the environment.

One thing is not a setting of Faust's: how long the broker holds a request for messages open. Faust says 1.5 s, and a
partition whose messages were just being taken is not in the request that is open: what came to it next waited for the
others. Here it is a tenth of a second.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver

from streams.kafka_policy import KafkaPolicy

FETCH_WAIT = timedelta(milliseconds=100)
"""How long a request for messages stays open where none come: the longest that one waits for another's."""


class _PromptThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = int(FETCH_WAIT.total_seconds() * 1000)  # Faust passes none on
        return consumer


class _PromptConsumer(driver.Consumer):
    def _new_consumer_thread(self) -> _PromptThread:
        return _PromptThread(self, loop=self.loop, beacon=self.beacon)


class _PromptTransport(driver.Transport):
    Consumer = _PromptConsumer


def build_app(policy: KafkaPolicy, folder: Path) -> faust.App:
    """A worker's app. It joins no group before it is started."""
    app = faust.App(
        f"{policy.prefix}-worker",
        broker=[f"kafka://{address.strip()}" for address in policy.bootstrap.split(",")],
        broker_credentials=_credentials(policy),
        broker_commit_interval=policy.commit_every.total_seconds(),
        broker_session_timeout=policy.session.total_seconds(),
        broker_heartbeat_interval=policy.session.total_seconds() / 4,
        broker_request_timeout=max(30.0, 2 * policy.session.total_seconds()),
        processing_guarantee="at_least_once",
        producer_acks=-1,
        stream_wait_empty=False,
        store="memory://",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        autodiscover=False,
        datadir=str(folder),
        key_serializer="raw",
        value_serializer="raw",
    )
    app.transport = _PromptTransport(app.conf.broker_consumer, app)
    return app


def _credentials(policy: KafkaPolicy) -> Any:
    if policy.username:
        return faust.SASLCredentials(
            mechanism=policy.mechanism, username=policy.username, password=policy.password, ssl_context=policy.tls
        )
    return faust.SSLCredentials(context=policy.tls) if policy.tls else None
