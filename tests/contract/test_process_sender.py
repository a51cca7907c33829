"""Sending from a process of its own, against a real mail server and a real SMS endpoint, with the faults it may have."""

import asyncio
import os
import signal
from datetime import timedelta

import pytest

from alerts.model import Channel, FailureReason
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.senders.ports import Accepted, OutMessage, Refused, Unknown
from alerts.senders.process_sender import ProcessSender
from domain.errors import ConfigError
from fixtures.endpoints import HANG, Act, NotifyEndpoint, SmtpInbox


def text(key: str) -> OutMessage:
    return OutMessage(Channel.SMS, "+447700900123", "", f"Reachpoint: test {key}", key)


def mail(key: str) -> OutMessage:
    return OutMessage(Channel.EMAIL, "n1@example.com", f"Reachpoint {key}", "Log in.", key)


async def test_both_channels_arrive_with_their_keys() -> None:
    with NotifyEndpoint() as sms, SmtpInbox() as smtp:
        sender = ProcessSender(ApprisePolicy({Channel.SMS: sms.url, Channel.EMAIL: smtp.url}))
        await sender.start()
        results = await asyncio.gather(sender.send(text("K-1")), sender.send(mail("K-2")))
        assert all(isinstance(result, Accepted) for result in results)
        assert [each.reference for each in sms.texts] == ["K-1"]
        assert [each.subject for each in smtp.mails] == ["Reachpoint K-2"]
        sms.play(Act(status=500))
        assert isinstance(await sender.send(text("K-3")), Refused)
        await sender.close()


async def test_a_child_that_is_killed_leaves_it_unknown_and_is_started_again() -> None:
    with NotifyEndpoint() as sms:
        sender = ProcessSender(ApprisePolicy({Channel.SMS: sms.url}, timeout=timedelta(seconds=20)))
        await sender.start()
        sms.play(HANG)
        hanging = asyncio.create_task(sender.send(text("K-1")))
        await asyncio.sleep(0.5)
        assert sender._child is not None
        os.kill(sender._child.pid, signal.SIGKILL)
        assert isinstance(await hanging, Unknown)
        sms.release()
        assert isinstance(await sender.send(text("K-2")), Accepted)
        await sender.close()


async def test_a_url_that_cannot_be_used_is_told_at_the_start_without_showing_it() -> None:
    sender = ProcessSender(ApprisePolicy({Channel.SMS: "nosuch://secret-key/{to}"}))
    with pytest.raises(ConfigError) as caught:
        await sender.start()
    assert "secret-key" not in str(caught.value)


async def test_after_close_nothing_is_sent() -> None:
    with NotifyEndpoint() as sms:
        sender = ProcessSender(ApprisePolicy({Channel.SMS: sms.url}))
        await sender.start()
        await sender.close()
        result = await sender.send(text("K-1"))
        assert result == Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
        assert not sms.texts
