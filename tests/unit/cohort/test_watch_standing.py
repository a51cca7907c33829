"""Whether a watch authority covers an event: London days, both ends included, and the reason that forbids most first."""

import dataclasses
from datetime import UTC, date, datetime

import pytest

from domain.identity import Identity
from domain.kinds import Feed
from domain.people import MemberStatus, Standing, WatchAuthority, watch_standing
from tests.unit.cohort.people import member_of

WATCHED = WatchAuthority(starts=date(2026, 3, 1), review_on=date(2026, 6, 30), ends=date(2026, 9, 30))


@pytest.mark.parametrize(
    ("watch", "on", "standing", "why"),
    [
        (WatchAuthority(), datetime(1999, 1, 1, tzinfo=UTC), Standing.IN_DATE, "no authority given means one in date"),
        (WATCHED, datetime(2026, 3, 1, 0, 0, tzinfo=UTC), Standing.IN_DATE, "from the first minute of the first day"),
        (WATCHED, datetime(2026, 2, 28, 23, 59, tzinfo=UTC), Standing.NOT_BEGUN, "the minute before"),
        (WATCHED, datetime(2026, 7, 1, 12, 0, tzinfo=UTC), Standing.IN_DATE, "an overdue review silences nothing"),
        (WATCHED, datetime(2026, 9, 30, 22, 59, tzinfo=UTC), Standing.IN_DATE, "the last day, 23:59 in London"),
        (WATCHED, datetime(2026, 9, 30, 23, 0, tzinfo=UTC), Standing.ENDED, "summer time: already the next day"),
        (WatchAuthority(ends=date(2026, 3, 2)), datetime(2026, 3, 2, 23, 59, tzinfo=UTC), Standing.IN_DATE, "last day"),
    ],
)
def test_days_are_london_days(watch: WatchAuthority, on: datetime, standing: Standing, why: str) -> None:
    member = dataclasses.replace(member_of(1, Identity()), watch=watch)
    assert watch_standing(member, on=on, feed=Feed.ED) is standing, why


def test_who_is_not_watched_and_which_feed_is_not_allowed_come_first() -> None:
    on = datetime(2026, 1, 1, tzinfo=UTC)
    member = dataclasses.replace(member_of(1, Identity()), watch=WATCHED, allowed_feeds=(Feed.POLICE,))
    assert watch_standing(member, on=on, feed=Feed.ED) is Standing.FEED_NOT_ALLOWED
    assert watch_standing(member, on=on, feed=Feed.POLICE) is Standing.NOT_BEGUN
    for status in (MemberStatus.CLOSED, MemberStatus.DECEASED):
        gone = dataclasses.replace(member, status=status)
        assert watch_standing(gone, on=on, feed=Feed.ED) is Standing.NOT_WATCHED
