"""Every channel through Apprise, with Apprise's habits held in check (design.md section 5, limits.md B 6).

Own bounded threads per channel, so that a hanging gateway delays no other; no pauses of its own between messages; no
files; a silent logger, because its lines carry addresses, URLs and at DEBUG whole bodies. A URL template per channel
comes from the settings, with `{to}` and `{key}` in it.
"""

import asyncio
import logging
import re
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, PersistentStoreMode

from alerts.model import Channel, FailureReason
from alerts.senders import govuk_notify
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.senders.ports import Accepted, OutMessage, Refused, SendResult, Unknown
from domain.errors import ConfigError

SPECIMEN = {Channel.SMS: "+447700900000", Channel.EMAIL: "nobody@example.com"}
"""Addresses that reach nobody, to try a template with (domain.md section 7.5)."""


_PLAUSIBLE = {
    Channel.SMS: re.compile(r"\+?[0-9]{7,15}"),
    Channel.EMAIL: re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+"),
}
"""One phone number (E.164) or one mail address: nothing that a service could read as none, as several or as another."""


class AppriseSender:
    """Sender over Apprise services.

    Raises ConfigError, without the URL, where a template is not one that Apprise understands or names no recipient.
    """

    def __init__(self, policy: ApprisePolicy) -> None:
        quieten()
        govuk_notify.register()
        self._policy = policy
        self._asset = AppriseAsset(
            app_id=policy.name,
            app_desc=policy.name,
            async_mode=False,
            secure_logging=True,
            storage_mode=PersistentStoreMode.MEMORY,
        )
        for channel, template in policy.urls.items():
            if "{to}" not in template or self._service(channel, SPECIMEN[channel], "check") is None:
                raise ConfigError(f"The sending URL for {channel.value} cannot be used; it needs {{to}} and a service.")
        self._pools = {
            channel: ThreadPoolExecutor(policy.workers, thread_name_prefix=f"send-{channel.value}")
            for channel in policy.urls
        }

    async def send(self, message: OutMessage) -> SendResult:
        """See Sender. An answer that takes longer than the timeout is Unknown: its thread may still deliver it."""
        pool = self._pools.get(message.channel)
        if pool is None:
            return Refused(FailureReason.BAD_REQUEST, recoverable=False)
        try:
            under_way: Future[SendResult] = pool.submit(self._send, message)
        except RuntimeError:  # closed: the row stays in the outbox for whoever sends next
            return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
        waiting = asyncio.wrap_future(under_way)
        try:
            done, _ = await asyncio.wait({waiting}, timeout=self._policy.timeout.total_seconds())
        except asyncio.CancelledError:
            under_way.cancel()
            raise
        if done:
            return waiting.result()
        if under_way.cancel():  # never began: all threads of this channel hang
            return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
        return Unknown()

    def close(self) -> None:
        """Take no more messages; those under way are left to end by their own timeouts."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, message: OutMessage) -> SendResult:
        """In a thread of the channel's own."""
        if not _PLAUSIBLE[message.channel].fullmatch(message.to):
            return Refused(FailureReason.BAD_ADDRESS, recoverable=False)  # Apprise would mail '' to the sender itself
        service = self._service(message.channel, message.to, message.idempotency_key)
        if service is None:
            return Refused(FailureReason.BAD_ADDRESS, recoverable=False)
        try:
            taken = bool(service.notify(body=message.body, title=message.subject, body_format=NotifyFormat.TEXT))
        except Exception:  # a third party's plug-in: whatever it raises, one message's fault must not stop the sender
            return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
        outcome: SendResult | None = getattr(service, "outcome", None)
        if outcome is not None:
            return outcome
        return Accepted() if taken else Refused(FailureReason.PROVIDER_DOWN, recoverable=True)

    def _service(self, channel: Channel, to: str, key: str) -> NotifyBase | None:
        """A fresh service for one address (175 us); None if Apprise cannot make one of it, as for a bad address."""
        url = self._policy.urls[channel].replace("{to}", quote(to, safe="")).replace("{key}", quote(key, safe=""))
        service: Any = Apprise.instantiate(url, asset=self._asset)
        if service is None or getattr(service, "targets", None) == []:
            return None
        service.request_rate_per_sec = 0
        seconds = self._policy.timeout.total_seconds() * 1.5  # after ours, so that what waits behind is refused cleanly
        service.socket_connect_timeout = service.socket_read_timeout = seconds
        found: NotifyBase = service
        return found


class _SafeSentence(logging.Filter):
    """Puts one fixed sentence in the place of Apprise's own, which name hosts and addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = "Apprise could not hand a message over.", ()
        record.exc_info = record.exc_text = None
        return True


def quieten() -> None:
    """Pin the loggers of Apprise and of the clients below it; again is harmless."""
    apprise = logging.getLogger("apprise")
    apprise.setLevel(logging.WARNING)
    if not any(isinstance(known, _SafeSentence) for known in apprise.filters):
        apprise.addFilter(_SafeSentence())
    for name in ("notifications_python_client", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.ERROR)
