"""What a sender answers, against real servers: GOV.UK Notify's protocol over HTTP, and SMTP."""

import asyncio
import logging
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.model import Channel, FailureReason
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.senders.apprise_sender import AppriseSender
from alerts.senders.memory import MemorySender
from alerts.senders.ports import Accepted, OutMessage, Refused, Sender, SendResult, Unknown
from domain.errors import ConfigError
from fixtures.endpoints import HANG, RESET, Act, NotifyEndpoint, SmtpInbox

SMS = OutMessage(Channel.SMS, "+447700900123", "", "Reachpoint: URGENT BCDF-GHJK. Log in.", "BCDF-GHJK-0123456789ab")
MAIL = OutMessage(
    Channel.EMAIL, "n1@example.com", "Reachpoint URGENT", "Line one\n\nLine two", "BCDF-GHJK-ba9876543210"
)


@pytest.fixture
def notify() -> Iterator[NotifyEndpoint]:
    with NotifyEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def inbox() -> Iterator[SmtpInbox]:
    with SmtpInbox() as server:
        yield server


@pytest.fixture
def sender(notify: NotifyEndpoint, inbox: SmtpInbox) -> Iterator[AppriseSender]:
    urls = {Channel.SMS: notify.url, Channel.EMAIL: inbox.url}
    made = AppriseSender(ApprisePolicy(urls, timeout=timedelta(seconds=1.5), workers=2))
    yield made
    notify.release()  # let go of threads that hang
    made.close()


@pytest.mark.parametrize("message", [SMS, MAIL], ids=["sms", "mail"])
async def test_twins_take_a_message_and_say_so(sender: AppriseSender, message: OutMessage) -> None:
    twins: list[Sender] = [sender, MemorySender()]
    for twin in twins:
        assert isinstance(await twin.send(message), Accepted)


async def test_a_text_arrives_word_for_word_with_its_key_and_the_providers_id_comes_back(
    sender: AppriseSender, notify: NotifyEndpoint
) -> None:
    result = await sender.send(SMS)
    (text,) = notify.texts
    assert (text.to, text.body, text.reference) == (SMS.to, SMS.body, SMS.idempotency_key)
    assert result == Accepted(provider_id=text.provider_id)


async def test_a_mail_arrives_as_plain_text_with_its_key(sender: AppriseSender, inbox: SmtpInbox) -> None:
    await sender.send(MAIL)
    (mail,) = inbox.mails
    assert mail.to == ("n1@example.com",)
    assert mail.subject == MAIL.subject
    assert mail.body.split() == MAIL.body.split()
    assert b"text/plain" in mail.raw
    assert b"text/html" not in mail.raw
    assert MAIL.idempotency_key.encode() in mail.raw


NOTIFY_ANSWERS: list[tuple[Act, SendResult, str]] = [
    (Act(400), Refused(FailureReason.BAD_ADDRESS, recoverable=False), "a number it will never take"),
    (Act(403), Refused(FailureReason.NOT_ALLOWED, recoverable=True), "a key that somebody must mend"),
    (Act(429), Refused(FailureReason.RATE_LIMITED, recoverable=True), "too many at once"),
    (Act(500), Refused(FailureReason.PROVIDER_DOWN, recoverable=True), "its own fault"),
    (Act(503), Refused(FailureReason.PROVIDER_DOWN, recoverable=True), "overloaded"),
    (Act(404), Refused(FailureReason.BAD_REQUEST, recoverable=True), "a wrong address of the API"),
    (RESET, Unknown(FailureReason.PROVIDER_DOWN), "the line dropped after the request: it may have been taken"),
    (HANG, Unknown(FailureReason.TIMED_OUT), "no answer in time"),
]


@pytest.mark.parametrize(("act", "expected", "why"), NOTIFY_ANSWERS, ids=[row[2] for row in NOTIFY_ANSWERS])
async def test_what_notify_says_is_understood(
    sender: AppriseSender, notify: NotifyEndpoint, act: Act, expected: SendResult, why: str
) -> None:
    notify.play(act)
    assert await sender.send(SMS) == expected, why


@pytest.mark.parametrize("act", [Act(451), Act(550), RESET], ids=["later", "never", "reset"])
async def test_a_mail_server_that_refuses_is_tried_again(sender: AppriseSender, inbox: SmtpInbox, act: Act) -> None:
    inbox.play(act)
    assert await sender.send(MAIL) == Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
    assert isinstance(await sender.send(MAIL), Accepted)


async def test_nobody_listening_is_a_refusal_and_no_doubt() -> None:
    with NotifyEndpoint() as notify, SmtpInbox() as inbox:
        sender = AppriseSender(ApprisePolicy({Channel.SMS: notify.url, Channel.EMAIL: inbox.url}))
    assert await sender.send(SMS) == Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
    assert await sender.send(MAIL) == Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
    sender.close()


async def test_a_hanging_text_gateway_delays_no_mail_and_what_never_began_is_no_doubt(
    sender: AppriseSender, notify: NotifyEndpoint
) -> None:
    notify.play(*[HANG] * 8)
    began = time.monotonic()
    texts = [asyncio.ensure_future(sender.send(SMS)) for _ in range(4)]
    await asyncio.sleep(0.1)
    assert isinstance(await sender.send(MAIL), Accepted)
    assert time.monotonic() - began < 1.2
    results = await asyncio.gather(*texts)
    assert results.count(Unknown()) == 2  # as many as there are threads
    assert results.count(Refused(FailureReason.PROVIDER_DOWN, recoverable=True)) == 2
    assert notify.requests == 2


@pytest.mark.parametrize("to", ["no address", "07700 CANARY", "a@b@c", ""])
@pytest.mark.parametrize("channel", list(Channel))
async def test_a_bad_address_fails_for_good_and_no_log_line_shows_it(
    sender: AppriseSender, inbox: SmtpInbox, channel: Channel, to: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    result = await sender.send(OutMessage(channel, to, "CANARY-SUBJECT", "CANARY-BODY", "key"))
    assert isinstance(result, Refused)
    assert not result.recoverable
    assert not inbox.mails
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    assert "CANARY" not in ours
    assert not to or to not in ours


async def test_no_log_line_holds_an_address_a_key_or_a_word_of_a_message(
    sender: AppriseSender, notify: NotifyEndpoint, inbox: SmtpInbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for act in (Act(), Act(500), Act(400), RESET):
        notify.play(act)
        await sender.send(SMS)
    for act in (Act(250), Act(550)):
        inbox.play(act)
        await sender.send(MAIL)
    lines = "\n".join(
        f"{record.getMessage()} {record.args} {record.exc_text}"
        for record in caplog.records
        if not record.name.startswith("mail.")  # the test's own mail server
    )
    for secret in (notify.api_key, SMS.to, "7700900123", MAIL.to, SMS.body, MAIL.subject, "Line one", "govuknotify://"):
        assert secret not in lines
    assert SMS.to not in repr(SMS)
    assert notify.api_key not in repr(ApprisePolicy({Channel.SMS: notify.url}))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nosuchservice://x/{to}", "a service that does not exist"),
        ("govuknotify://short@c5cb7db9-d3ab-4b1d-8ba5-2a5b8e4d8e0a/{to}", "a key that is none"),
        ("mailto://user:HUSH@example.com", "nowhere to put the recipient"),
        ("", "nothing"),
    ],
)
def test_an_unusable_template_is_found_at_the_start_and_not_shown(url: str, why: str) -> None:
    with pytest.raises(ConfigError) as told:
        AppriseSender(ApprisePolicy({Channel.SMS: url}))
    assert "HUSH" not in str(told.value), why
    assert "short" not in str(told.value), why


async def test_a_wrong_key_is_refused_by_the_endpoint(notify: NotifyEndpoint) -> None:
    url = notify.url.replace("3d844edf", "00000000")
    sender = AppriseSender(ApprisePolicy({Channel.SMS: url}))
    assert await sender.send(SMS) == Refused(FailureReason.NOT_ALLOWED, recoverable=True)
    assert not notify.texts
    sender.close()
