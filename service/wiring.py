"""Putting the rooms together: the only place that chooses adapters and turns settings into policies."""

import asyncio
import os
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from alerts.breaker import FloodPolicy
from alerts.clocks import ClockPolicy
from alerts.dispatch import DispatchPolicy
from alerts.model import Channel
from alerts.rendering import WordingPolicy
from alerts.routing import RoutingPolicy
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.suppression import SuppressionPolicy
from cohort.model import MatchModel, load_model
from cohort.policy import MatchPolicy
from cohort.splink_file import is_splink_text
from domain.errors import ConfigError, StoreUnavailable
from service.kafka import kafka_policy
from service.settings import Settings
from streams.archive import KEPT_FOR
from streams.decide import DecidePolicy
from streams.feeds.ed import EdPolicy
from streams.feeds.ed_codes import load_ed_codes
from streams.feeds.mllp import MllpSettings
from streams.feeds.record_policy import RecordPolicy
from streams.kafka_policy import KafkaPolicy
from streams.retention import Retention
from streams.server import EmbeddedServer, check_durability, connect, connect_url, socket_path
from streams.turns import PATIENCE_S, TurnTaken, holder_of
from triggers.lifecycle_contents import rules_of, shipped_contents
from triggers.lifecycle_values import text_digest
from triggers.loading import load_rules_file
from triggers.rules import RuleSet

_SECRET_BYTES = 32
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that rooms are given, made once from the settings."""

    match: MatchPolicy
    decide: DecidePolicy
    dispatch: DispatchPolicy
    retention: Retention
    records: RecordPolicy
    ed: EdPolicy
    mllp: MllpSettings
    rules: RuleSet
    pinned: str = ""  # the digest of the file that pins the rules; '' where the rule book decides
    archive: Path | None = None  # the folder of the archive; None where nothing is to be kept
    archive_for: timedelta = KEPT_FOR
    flood: FloodPolicy = FloodPolicy()
    kafka: KafkaPolicy | None = None  # None: one machine


def _match_model(path: Path | None) -> MatchModel | None:
    """The match model of a file, None for the shipped one. Raises ConfigError for one that cannot be used."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as fault:
        raise ConfigError(f"The match model cannot be read: {type(fault).__name__}.") from None
    if is_splink_text(text):
        from cohort.splink_model import read_splink  # noqa: PLC0415 - loads sqlglot, which a model of ours needs not

        model = read_splink(text)
        if model.frequency_columns and not model.wrapper.frequencies:
            raise ConfigError(
                "This model of Splink's adjusts for how common names are, and does not say how common they are: "
                "keep it first by `reachpoint match train --splink`."
            )
        return model.match_model()
    return load_model(text)


def policies_of(settings: Settings) -> Policies:
    """The rooms' policies. Raises ConfigError or RuleError with all that is wrong."""
    alerts = settings.alerts
    clocks = ClockPolicy(digests=alerts.digest_times)
    return Policies(
        match=MatchPolicy(
            match_bits=settings.match.match_bits,
            review_bits=settings.match.review_bits,
            margin_bits=settings.match.margin_bits,
            prevalence=settings.match.prevalence,
            model=_match_model(settings.match.model),
        ),
        decide=DecidePolicy(
            suppression=SuppressionPolicy(
                group_within=timedelta(minutes=alerts.group_minutes),
                quiet_for=timedelta(minutes=alerts.quiet_minutes),
                clocks=clocks,
            ),
            routing=RoutingPolicy(channels=tuple(_sending_urls(settings)) or tuple(Channel)),
            secret=reference_secret(settings),
            archive=settings.archive.enabled,
        ),
        dispatch=DispatchPolicy(
            wording=WordingPolicy(
                base_url=settings.api.base_url.rstrip("/"),
                call_back=alerts.call_back,
                service_name=alerts.service_name,
            ),
            lease=timedelta(seconds=max(45.0, alerts.send_timeout_s * 3)),
        ),
        retention=Retention(
            events=timedelta(hours=settings.store.retain_events_hours),
            events_max=settings.store.retain_events_max,
            quarantine=timedelta(days=settings.store.retain_quarantine_days),
        ),
        records=RecordPolicy(
            drop_unknown=settings.feeds.drop_unknown_fields,
            future_tolerance=timedelta(minutes=settings.feeds.future_tolerance_minutes),
        ),
        ed=EdPolicy(codes=load_ed_codes(*settings.feeds.ed_code_files)),
        mllp=MllpSettings(
            host=settings.mllp.host,
            port=settings.mllp.port,
            max_frame_bytes=settings.mllp.max_frame_kib * 1024,
            idle_timeout_s=settings.mllp.idle_timeout_s,
            max_connections=settings.mllp.max_connections,
            ssl_context=_tls(settings),
        ),
        kafka=kafka_policy(settings),
        rules=load_rules_file(settings.rules.file) if settings.rules.file else rules_of(shipped_contents()),
        pinned=text_digest(settings.rules.file.read_text("utf-8")) if settings.rules.file else "",
        archive=archive_folder(settings) if settings.archive.enabled else None,
        archive_for=timedelta(days=settings.archive.retain_days),
        flood=FloodPolicy(
            per_rule=alerts.flood_rule_per_hour,
            per_navigator=alerts.flood_navigator_per_hour,
            urgent_per_navigator=alerts.flood_urgent_per_hour,
        ),
    )


def archive_folder(settings: Settings) -> Path:
    """Where the archive's files are."""
    return settings.data_dir / "archive"


def sending_policy(settings: Settings) -> ApprisePolicy:
    """How messages leave, for the channels that are set up."""
    return ApprisePolicy(
        urls=_sending_urls(settings),
        timeout=timedelta(seconds=settings.alerts.send_timeout_s),
        name=settings.alerts.service_name,
    )


def _sending_urls(settings: Settings) -> dict[Channel, str]:
    urls = {Channel.SMS: settings.alerts.sms_url, Channel.EMAIL: settings.alerts.email_url}
    return {channel: url.get_secret_value() for channel, url in urls.items() if url.get_secret_value()}


def _tls(settings: Settings) -> ssl.SSLContext | None:
    mllp = settings.mllp
    if mllp.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(mllp.tls_certificate, mllp.tls_key)
        if mllp.tls_client_ca:
            context.load_verify_locations(mllp.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"The MLLP certificate cannot be used: {error}") from error
    return context


def reference_secret(settings: Settings) -> bytes:
    """The secret behind the references: the operator's file, or one made once in the data directory."""
    file = settings.alerts.reference_secret_file
    if file is not None:
        try:
            found = file.read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"The secret for references cannot be read: {error}") from error
        return found
    own = settings.data_dir / "reference.secret"
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return own.read_bytes()
    with os.fdopen(handle, "wb") as fresh:
        secret = secrets.token_bytes(_SECRET_BYTES)
        fresh.write(secret)
        fresh.flush()
        os.fsync(fresh.fileno())
    return secret


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Redis]:
    """A checked connection to the store of a service: the operator's own, or a private one that is started and stopped
    with us.

    Raises StoreUnavailable where the operator's own does not answer, ConfigError where it is not safe, TurnTaken where
    a private one is somebody else's, StoreError.
    """
    if settings.store.redis_url.get_secret_value():
        async with _own_store(settings) as client:
            yield client
        return
    server = EmbeddedServer(settings.data_dir)
    await server.start()
    async with _private(server) as client:
        yield client


@asynccontextmanager
async def _own_store(settings: Settings) -> AsyncIterator[Redis]:
    client = connect_url(settings.store.redis_url.get_secret_value())
    try:
        await _reached(client)
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def _private(server: EmbeddedServer) -> AsyncIterator[Redis]:
    """A connection to a private store that was started, for as long as that runs."""
    client = connect(server.socket)
    try:
        async with _kept_alive(server):
            yield client
    finally:
        await client.aclose()
        await server.stop()


async def _reached(client: Redis) -> None:
    """Raises StoreUnavailable where nobody answers, ConfigError where what was acknowledged could be lost."""
    try:
        await check_durability(client)
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise StoreUnavailable(
            f"The store of `store.redis_url` cannot be reached just now ({type(error).__name__})."
        ) from error


@asynccontextmanager
async def _kept_alive(server: EmbeddedServer) -> AsyncIterator[None]:
    """Start the store again when it dies meanwhile. What no restart mends ends the body, with its StoreError."""
    body = asyncio.current_task()
    assert body is not None
    watching = asyncio.create_task(server.watch(), name="store")
    watching.add_done_callback(lambda watch: None if watch.cancelled() else body.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if watching.done() and not watching.cancelled():
            body.uncancel()
            await watching  # raises why
        raise
    finally:
        watching.cancel()


@asynccontextmanager
async def reach_store(settings: Settings, *, service: bool = False) -> AsyncIterator[Redis]:
    """The store for one command: that of the running service if there is one, else opened for as long as it takes.

    Several commands at once on a stopped store take turns; only where one of them is long at work do the others share
    its store for as long as that lasts. `service` where it is a part of a service that asks: it shares only the store
    of another part, for a command's ends with the command. Raises as `open_store`.
    """
    if settings.store.redis_url.get_secret_value():
        async with _own_store(settings) as client:
            yield client
        return
    server = EmbeddedServer(settings.data_dir, service=service)
    running = await _shared(server, service=service)
    if running is None:
        async with _private(server) as client:
            yield client
        return
    try:
        yield running
    finally:
        await running.aclose()


async def _shared(server: EmbeddedServer, *, service: bool) -> Redis | None:
    """The store of whoever has the turn, which may just be starting; None where the turn came to us, and ours runs.

    The turn is tried again whenever its holder is gone or another. Raises TurnTaken where the same one keeps it and its
    store does not answer in time, or is a command's that a part of a service must not share.
    """
    clock = asyncio.get_running_loop().time
    taken = await _tried(server)
    deadline = clock() + PATIENCE_S
    while taken is not None:
        holder = holder_of(server.data_dir)
        if holder == taken.holder:
            if service and (holder is None or not holder.service):
                raise taken
            running = await _running(server.data_dir)
            if running is not None:
                return running
            if clock() >= deadline:
                raise taken
            await asyncio.sleep(_LOOK_EVERY_S)
        if holder is None or holder != taken.holder:
            taken = await _tried(server)
    return None


async def _tried(server: EmbeddedServer) -> TurnTaken | None:
    """Start the store, waiting for the turn; who has the turn instead, where it is not had."""
    try:
        await server.start()
    except TurnTaken as taken:
        return taken
    return None


async def is_running(settings: Settings) -> bool:
    """Whether a service, and not only a command, runs on the private store of this data directory."""
    client = await _running(settings.data_dir)
    if client is None:
        return False
    await client.aclose()
    holder = holder_of(settings.data_dir)
    return holder is None or holder.service


async def _running(data_dir: Path) -> Redis | None:
    socket = socket_path(data_dir)
    if not socket.exists():
        return None
    client = connect(socket)
    try:
        await client.ping()
    except (RedisError, OSError):
        await client.aclose()
        return None
    return client
