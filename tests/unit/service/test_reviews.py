"""The bell for doubtful matches: rung once in half an hour, for whoever is on duty, again after a restart never."""

from datetime import datetime, timedelta

from alerts.model import Channel
from domain.events import Event
from domain.ids import EventId, NavigatorId
from domain.kinds import Feed, Kind
from domain.people import Navigator
from service.reviews import bell
from streams.messages import ReviewItem
from tests.unit.service.bells import CHIEF, NOON, world

DUTY = Navigator(NavigatorId("D1"), phone="+447700900111", email="d1@example.com", duty=True)
AWAY = Navigator(NavigatorId("D2"), phone="+447700900222", duty=True, available=False)


def review(at: datetime) -> ReviewItem:
    event = Event(EventId("e1"), Kind.CRIME_RECORDED, Feed.POLICE, "rms", "1", at, at)
    return ReviewItem(review_id="r1", event=event, matches=(), created_at=at)


def test_whoever_is_on_duty_is_told_on_every_channel_they_have() -> None:
    rows = bell(review(NOON), world(DUTY, AWAY, CHIEF), NOON)
    assert {(row.delivery.recipient_id, row.delivery.channel) for row in rows} == {
        ("D1", Channel.SMS),
        ("D1", Channel.EMAIL),
    }


def test_without_anybody_on_duty_the_supervisor_hears() -> None:
    rows = bell(review(NOON), world(AWAY, CHIEF), NOON)
    assert {row.delivery.recipient_id for row in rows} == {"S1"}


def test_one_bell_in_half_an_hour_the_same_after_a_restart() -> None:
    first = bell(review(NOON), world(DUTY), NOON)
    again = bell(review(NOON + timedelta(minutes=29)), world(DUTY), NOON + timedelta(minutes=40))
    later = bell(review(NOON + timedelta(minutes=30)), world(DUTY), NOON + timedelta(minutes=40))
    assert [row.delivery.delivery_id for row in first] == [row.delivery.delivery_id for row in again]
    assert {row.delivery.delivery_id for row in first}.isdisjoint(row.delivery.delivery_id for row in later)


def test_nothing_waits_or_it_waits_since_yesterday_no_bell() -> None:
    assert bell(None, world(DUTY), NOON) == ()
    assert bell(review(NOON), world(DUTY), NOON + timedelta(hours=25)) == ()
