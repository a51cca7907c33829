"""What the settings say of Kafka, as the policy that the streams' room is given."""

import ssl
from datetime import timedelta

from domain.errors import ConfigError
from service.settings import KafkaSettings, Settings
from streams.kafka_policy import KafkaPolicy


def kafka_policy(settings: Settings) -> KafkaPolicy | None:
    """None for the embedded engine. Raises ConfigError with all that is wrong for the distributed one."""
    if settings.engine == "embedded":
        return None
    said = settings.kafka
    faults = []
    if not said.bootstrap:
        faults.append("kafka.bootstrap names the brokers, such as kafka1:9092,kafka2:9092")
    if not settings.store.redis_url.get_secret_value():
        faults.append("store.redis_url names a Redis or Valkey that every worker reaches")
    if settings.alerts.reference_secret_file is None:
        faults.append(
            "alerts.reference_secret_file names a file that is the same for all: else a repeat has another reference"
        )
    if said.copies_in_sync > said.copies:
        faults.append("kafka.copies_in_sync cannot be more than kafka.copies")
    if said.username and not _password(said):
        faults.append("kafka.username needs kafka.password or kafka.password_file")
    if faults:
        raise ConfigError("The distributed engine needs more to be said:\n" + "\n".join(f"- {each}" for each in faults))
    return KafkaPolicy(
        bootstrap=said.bootstrap,
        prefix=said.prefix,
        partitions=said.partitions,
        copies=said.copies,
        copies_in_sync=said.copies_in_sync,
        retention=timedelta(hours=settings.store.retain_events_hours),
        username=said.username,
        password=_password(said),
        mechanism=said.mechanism,
        tls=_tls(said),
        session=timedelta(seconds=said.session_s),
    )


def _password(said: KafkaSettings) -> str:
    if said.password_file is None:
        return said.password.get_secret_value()
    try:
        return said.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"kafka.password_file cannot be read: {type(error).__name__}.") from None


def _tls(said: KafkaSettings) -> ssl.SSLContext | None:
    if not said.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=str(said.tls_ca) if said.tls_ca else None)
        if said.tls_certificate:
            context.load_cert_chain(said.tls_certificate, said.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"The certificates for Kafka cannot be used: {error}") from error
    return context
