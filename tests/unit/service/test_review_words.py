"""What an analyst reads at the command line: why somebody is in doubt, in words, and when it happened, London time."""

from datetime import UTC, datetime

import pytest

from domain.matches import MatchReason
from service.commands.reviews import _WHY
from service.terminal import london

NEVER_IN_DOUBT = {
    MatchReason.WEIGHT,
    MatchReason.MEMBER_ID,
    MatchReason.TOO_LIGHT,
    MatchReason.VETO_NHS,
    MatchReason.VETO_PNC_CRO,
    MatchReason.VETO_UNKNOWN,
    MatchReason.VETO_DECEASED,
    MatchReason.HOUSEHOLD,
    MatchReason.REVIEWED_SAME,
    MatchReason.REVIEWED_DIFFERENT,
}


def test_every_reason_for_a_doubt_has_words() -> None:
    doubts = {reason.value for reason in MatchReason if reason not in NEVER_IN_DOUBT}
    assert doubts | {"identity_changed", "reviewed_before"} == _WHY.keys()


@pytest.mark.parametrize(
    ("moment", "read"),
    [
        (datetime(2026, 1, 5, 23, 30, tzinfo=UTC), "Mon 05 Jan 2026 23:30"),
        (datetime(2026, 7, 5, 23, 30, tzinfo=UTC), "Mon 06 Jul 2026 00:30"),
    ],
)
def test_times_are_those_of_the_clock_on_the_wall(moment: datetime, read: str) -> None:
    assert london(moment) == read
