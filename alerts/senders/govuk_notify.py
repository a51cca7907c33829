"""GOV.UK Notify as an Apprise service, which Apprise does not ship: texts and mails over the provider's own client.

    govuknotify://<api key>@<template id>/<phone or address>?reference=<key>&base=<address of the API>

The template holds `((body))`, for mail also `((subject))`. Statuses are mapped as domain.md section 7.5 lists them.
Apprise's yes or no loses what the provider said, so the result is left in `outcome` for `apprise_sender.py`.
"""

import threading
from typing import Any
from urllib.parse import quote, unquote

import requests
from apprise import NotificationManager, NotifyBase, NotifyType
from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from alerts.model import FailureReason
from alerts.senders.ports import Accepted, Refused, SendResult, Unknown

SCHEMA = "govuknotify"
CLIENT: Any = NotificationsAPIClient  # the client and Apprise's registry carry no types
REGISTRY: Any = NotificationManager
SERVICE: Any = NotifyBase

SERVER_FAULT = 500
KEY_SYMBOLS = 73  # service id and secret, both UUIDs, with their dashes, behind the key's name
LIVE = "https://api.notifications.service.gov.uk"


class NotifyGovUk(SERVICE):  # type: ignore[misc]
    """One message by GOV.UK Notify. Made by Apprise from a URL, for one send."""

    service_name = "GOV.UK Notify"
    service_url = "https://www.notifications.service.gov.uk/"
    secure_protocol = SCHEMA
    request_rate_per_sec = 0
    body_maxlen = 2000
    templates = ("{schema}://{api_key}@{template_id}/{targets}",)
    template_tokens = {  # noqa: RUF012 Apprise reads class attributes
        "api_key": {"name": "API key", "type": "string", "private": True, "required": True, "map_to": "user"},
        "template_id": {"name": "Template id", "type": "string", "required": True, "map_to": "host"},
        "targets": {"name": "Phone or address", "type": "list:string", "required": True},
    }

    _clients = threading.local()  # the provider's client keeps a connection and is not safe across threads

    def __init__(self, targets: list[str] | None = None, reference: str = "", base: str = LIVE, **rest: Any) -> None:
        super().__init__(**rest)
        self.api_key: str = unquote(rest.get("user") or "")
        self.template_id: str = unquote(rest.get("host") or "")
        self.target: str = (targets or [""])[0]
        self.reference = reference
        self.base = base
        self.outcome: SendResult = Refused(FailureReason.BAD_REQUEST, recoverable=False)
        if len(self.api_key) <= KEY_SYMBOLS or not self.template_id or not self.target:
            raise TypeError("An API key, a template and a recipient are needed.")  # Apprise answers: no such service

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **rest: Any) -> bool:
        """Hand the message over; True if Notify took it. What it said is in `outcome`."""
        del notify_type, rest
        self.outcome = self._hand_over(body, title)
        return isinstance(self.outcome, Accepted)

    def url(self, privacy: bool = False, *_: Any, **__: Any) -> str:
        """The URL it was made from, without key and address if `privacy`."""
        key, to = ("****", "****") if privacy else (quote(self.api_key), quote(self.target))
        return f"{SCHEMA}://{key}@{self.template_id}/{to}"

    @staticmethod
    def parse_url(url: str) -> dict[str, Any] | None:
        """The constructor's arguments from a URL; None if it is none."""
        found: dict[str, Any] | None = SERVICE.parse_url(url, verify_host=False)
        if not found:
            return None
        found["targets"] = [unquote(part) for part in (found["fullpath"] or "").split("/") if part]
        found["reference"] = unquote(found["qsd"].get("reference", ""))
        found["base"] = unquote(found["qsd"].get("base", "")) or LIVE
        return found

    def _hand_over(self, body: str, title: str) -> SendResult:
        client = self._client()
        try:
            if "@" in self.target:
                answer = client.send_email_notification(
                    self.target, self.template_id, {"subject": title, "body": body}, reference=self.reference
                )
            else:
                answer = client.send_sms_notification(
                    self.target, self.template_id, {"body": body}, reference=self.reference
                )
        except APIError as refusal:
            return result_of(refusal)
        return Accepted(provider_id=str(answer.get("id", "")) if isinstance(answer, dict) else "")

    def _client(self) -> Any:
        """This thread's client for this key and address."""
        known: dict[tuple[str, str], Any] = self._clients.__dict__.setdefault("known", {})
        client = known.get((self.base, self.api_key))
        if client is None:
            client = known[self.base, self.api_key] = CLIENT(self.api_key, base_url=self.base)
        client.timeout = self.request_timeout
        return client


def result_of(refusal: APIError) -> SendResult:
    """What an error of the provider's client means for one message."""
    if isinstance(refusal, InvalidResponse):
        return Unknown(FailureReason.PROVIDER_DOWN)  # a success that could not be read: it may be on its way
    if refusal.response is None:
        return _network(refusal.__cause__)
    status = int(refusal.status_code or SERVER_FAULT)
    if status == requests.codes.bad_request:
        words = str(refusal.message)
        of_recipient = "phone_number" in words or "email_address" in words
        reason = FailureReason.BAD_ADDRESS if of_recipient else FailureReason.BAD_REQUEST
        return Refused(reason, recoverable=False)
    if status in {requests.codes.unauthorized, requests.codes.forbidden}:
        return Refused(FailureReason.NOT_ALLOWED, recoverable=True)
    if status == requests.codes.too_many_requests:
        return Refused(FailureReason.RATE_LIMITED, recoverable=True)
    if status >= SERVER_FAULT:
        return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
    return Refused(FailureReason.BAD_REQUEST, recoverable=True)


def _network(cause: BaseException | None) -> SendResult:
    """No answer: refused where no connection came about, unknown where the request may have got there."""
    if isinstance(cause, requests.ConnectTimeout) or "NewConnectionError" in repr(cause):
        return Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
    if isinstance(cause, requests.Timeout):
        return Unknown(FailureReason.TIMED_OUT)
    return Unknown(FailureReason.PROVIDER_DOWN)


def register() -> None:
    """Make `govuknotify://` known to Apprise; again is harmless."""
    services = REGISTRY()
    if SCHEMA not in services:
        services[SCHEMA] = NotifyGovUk
