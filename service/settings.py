"""Every setting of the service, read once at the door: reachpoint.toml, then REACHPOINT_* variables over it.

Rooms never see this; they get small frozen policies (wiring.py). docs/configuration.md is generated from here, so each
field has its unit, its default and why one would change it.
"""

import tomllib
from datetime import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain.errors import ConfigError

ENGINES = ("embedded", "distributed")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Part):
    """Where the state lives."""

    redis_url: SecretStr = Field(
        SecretStr(""),
        description="A Redis 7+ or Valkey 8+ of your own (`unix://`, `redis://`, `rediss://`, user and password). "
        "Empty: a private Valkey is started in the data directory. Your own must have appendonly yes, appendfsync "
        "always, maxmemory-policy noeviction; anything else is refused at the start.",
    )
    retain_events_hours: int = Field(
        72, ge=1, description="How long accepted events are kept after they are settled, in hours (domain.md 7.3: 72)."
    )
    retain_events_max: int = Field(
        500_000, ge=1_000, description="At most this many settled events are kept; about 1.5 kB of memory each."
    )
    retain_quarantine_days: int = Field(30, ge=1, description="How long quarantined records are kept, in days.")


class ApiSettings(_Part):
    """The HTTP API."""

    host: str = Field("127.0.0.1", description="Address to serve on. Loopback unless you put TLS in front of it.")
    port: int = Field(8080, ge=0, le=65535, description="Port to serve on; 0 takes any free one.")
    base_url: str = Field(
        "http://127.0.0.1:8080", description="How navigators reach the service; the link in messages starts with it."
    )
    max_body_mib: int = Field(16, ge=1, le=256, description="Largest request body taken, in MiB.")


class MllpSettings(_Part):
    """The HL7 v2 listener for EDs."""

    enabled: bool = Field(True, description="Whether to listen at all.")
    host: str = Field("127.0.0.1", description="Address to listen on. MLLP has no encryption of its own: use TLS.")
    port: int = Field(2575, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    max_frame_kib: int = Field(1024, ge=1, description="Largest message taken, in KiB; a larger one is quarantined.")
    idle_timeout_s: float = Field(300.0, gt=0, description="A silent connection is closed after so many seconds.")
    max_connections: int = Field(64, ge=1, description="How many senders may be connected at a time.")
    tls_certificate: Path | None = Field(None, description="PEM file of the certificate chain; switches TLS on.")
    tls_key: Path | None = Field(None, description="PEM file of the private key.")
    tls_client_ca: Path | None = Field(
        None, description="PEM file of the authority that senders' certificates must come from; switches mutual TLS on."
    )


class FeedSettings(_Part):
    """What feeds may send."""

    drop_unknown_fields: bool = Field(
        False, description="Take a record without its unknown fields instead of refusing it. Text never gets in."
    )
    future_tolerance_minutes: int = Field(
        10, ge=0, description="How far a record's event time may lie in the future (clock skew), in minutes."
    )
    ed_blind_minutes: int = Field(
        30, ge=1, description="An ED feed that is silent for longer is shown as blind since it last spoke, in minutes."
    )
    police_blind_minutes: int = Field(60, ge=1, description="The same for the police feed, in minutes.")
    intel_blind_minutes: int = Field(1_440, ge=1, description="The same for the intelligence feed, in minutes.")
    programme_blind_minutes: int = Field(4_320, ge=1, description="The same for the programme's feed, in minutes.")
    ed_code_files: tuple[Path, ...] = Field(
        (), description="YAML files with further ED codes (local reason tables, the published ECDS lists)."
    )


class MatchSettings(_Part):
    """Who is this about? Thresholds in bits of evidence (domain.md 5.4); calibrate them on your own data."""

    match_bits: float = Field(24.0, description="At or above: MATCH, rules are evaluated.")
    review_bits: float = Field(18.0, description="At or above, below MATCH: an analyst decides.")
    margin_bits: float = Field(3.0, ge=0, description="How far the best member must be ahead of the next, in bits.")
    prevalence: float = Field(
        0.02, gt=0, lt=1, description="The share of events that are about watched people, for the prior."
    )
    model: Path | None = Field(
        None,
        description="A match model of your own, made by `match train` (or by Splink, kept by `match train --splink`); "
        "empty: the shipped one. Run `match evaluate` with it first.",
    )


class RuleSettings(_Part):
    """Does it matter?"""

    file: Path | None = Field(
        None,
        description="Pins the rules to this file: the service decides by it alone, and the rule book "
        "publishes nothing here (a rule can still be switched off). Empty: the rule book decides, which begins with "
        "the shipped rules.",
    )


class AlertSettings(_Part):
    """Who is told, how."""

    sms_url: SecretStr = Field(
        SecretStr(""),
        description="How SMS leave: an Apprise URL with {to} (and {key}, our idempotency key), such as "
        "`govuknotify://API_KEY@TEMPLATE_ID/{to}?reference={key}`. Empty: no SMS.",
    )
    email_url: SecretStr = Field(
        SecretStr(""),
        description="How e-mail leaves: an Apprise URL with {to}, such as "
        "`mailtos://user:password@smtp.example?from=reachpoint@example.org&to={to}`. Empty: no e-mail.",
    )
    service_name: str = Field("Reachpoint", max_length=20, description="The name that messages begin with.")
    call_back: str = Field("0121 496 0000", description="The staffed number that messages ask to call.")
    send_timeout_s: float = Field(10.0, gt=0, description="How long a provider may take for one message, in seconds.")
    group_minutes: int = Field(
        30, ge=0, description="Firings of one person whose event times lie within this many minutes make one alert."
    )
    quiet_minutes: int = Field(
        30, ge=0, description="At most one message per alert and this many minutes, unless the priority rises."
    )
    flood_rule_per_hour: int = Field(
        60,
        ge=1,
        le=1_000_000,
        description="Rounds of messages that one rule may cause in an hour; the rest waits in the supervisors' digest, "
        "but for P1. Proposed.",
    )
    flood_navigator_per_hour: int = Field(
        10,
        ge=1,
        le=1_000_000,
        description="Rounds of messages that one navigator gets in an hour; the rest waits in the supervisors' digest, "
        "but for P1. Planned messages (P3) are counted apart, by digest. Proposed.",
    )
    flood_urgent_per_hour: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="Rounds of messages in an hour up to which a navigator still gets every P1: networks block a "
        "number that gets more alike (domain.md 7.5).",
    )
    digest_times: tuple[time, ...] = Field(
        (time(7, 30), time(16, 0)), description="When P3 messages leave, London time."
    )
    reference_secret_file: Path | None = Field(
        None,
        description="File with at least 16 random bytes that references are made with. Empty: made once in the data "
        "directory. Back it up: without it a repeated alert would carry another reference.",
    )


class ArchiveSettings(_Part):
    """What is kept of decisions for backtests, in Parquet files under the data directory (docs/backtest.md)."""

    enabled: bool = Field(
        True,
        description="Whether decisions and what came of alerts are archived. Without it there is no history to "
        "backtest against but files of your own.",
    )
    retain_days: int = Field(
        730, ge=1, description="How long archived decisions and alerts are kept, in days (domain.md 7.3: 24 months)."
    )


class KafkaSettings(_Part):
    """Kafka, for the distributed engine."""

    bootstrap: str = Field("", description="Brokers to begin with, `host:port,host:port`.")
    prefix: str = Field(
        "reachpoint",
        pattern=r"^[a-z][a-z0-9-]{0,40}$",
        description="What our topics and our group begin with; keeps environments apart on one cluster.",
    )
    partitions: int = Field(
        16, ge=1, le=1_000, description="Partitions of the topic of events: so many workers can recognise at once."
    )
    copies: int = Field(3, ge=1, le=10, description="Copies of each topic (replication factor). 1 is for trials only.")
    copies_in_sync: int = Field(
        2, ge=1, le=10, description="Copies that must have a message before it is acknowledged (min.insync.replicas)."
    )
    username: str = Field("", description="The user that we are to the brokers (SASL); empty: none is asked.")
    password: SecretStr = Field(
        SecretStr(""), description="The password of that user; rather a file, see password_file."
    )
    password_file: Path | None = Field(None, description="File that holds the password instead.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the user proves who they are (SASL mechanism)."
    )
    tls: bool = Field(False, description="Whether to speak TLS to the brokers.")
    tls_ca: Path | None = Field(None, description="PEM file of the authority that brokers' certificates come from.")
    tls_certificate: Path | None = Field(None, description="PEM file of our own certificate, for mutual TLS.")
    tls_key: Path | None = Field(None, description="PEM file of its private key.")
    session_s: float = Field(
        12.0, ge=6, le=120, description="A worker that is silent for so many seconds is dead: others take over."
    )


class WorkerSettings(_Part):
    """The door of a worker that runs without the API: /v1/health, /v1/ready and /metrics."""

    host: str = Field(
        "127.0.0.1", description="Address to serve on. Loopback unless a network of your own is around it."
    )
    port: int = Field(
        0, ge=0, le=65535, description="Port of `reachpoint worker`; 0: none. Each worker of a machine needs its own."
    )


class LogSettings(_Part):
    """What the service says of itself."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least severe line written.")
    format: Literal["auto", "json", "text"] = Field("auto", description="`auto`: text on a terminal, JSON elsewhere.")


class Settings(BaseSettings):
    """All settings. Names in variables: REACHPOINT_API__PORT is `port` under `[api]`."""

    model_config = SettingsConfigDict(
        env_prefix="REACHPOINT_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(Path("reachpoint-data"), description="Where the private store and its secret live (0700).")
    engine: Literal["embedded", "distributed"] = Field(
        "embedded", description="`embedded`: one machine. `distributed`: workers on Kafka and a store of your own."
    )
    store: StoreSettings = Field(default_factory=StoreSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    mllp: MllpSettings = Field(default_factory=MllpSettings)
    feeds: FeedSettings = Field(default_factory=FeedSettings)
    match: MatchSettings = Field(default_factory=MatchSettings)
    rules: RuleSettings = Field(default_factory=RuleSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file, which is handed in as initial values."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def read_settings(config: Path | None = None, *, data_dir: Path | None = None) -> Settings:
    """The settings from `config` (default: reachpoint.toml if it is there), the environment and `data_dir`.

    Raises ConfigError with every fault, without the values.
    """
    file = config or Path("reachpoint.toml")
    values: dict[str, Any] = {}
    if config is not None or file.exists():
        try:
            values = tomllib.loads(file.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"The configuration {file} cannot be read: {error}") from error
    try:
        found = Settings(**values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"The configuration has faults: {faults}") from error
    return found.model_copy(update={"data_dir": data_dir}) if data_dir else found
