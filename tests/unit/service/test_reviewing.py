"""Pages of the review queue: order, filter, cursor; and how urgent a doubt is."""

from datetime import UTC, datetime, timedelta

import pytest

from api.review_ports import CandidateView, ReviewFilter, ReviewOrder, ReviewView
from domain.ids import EventId, MemberId
from domain.kinds import Feed
from domain.triggers import Priority
from service.reviewing import most_urgent, page_of
from triggers.loading import shipped_rules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def view(
    name: str, minutes: int, priority: Priority = Priority.P3, feed: Feed = Feed.ED, who: str = "M1"
) -> ReviewView:
    at = NOON + timedelta(minutes=minutes)
    candidate = CandidateView(MemberId(who), 15.0, 0.5, "review", "doubtful")
    return ReviewView(
        name,
        EventId(f"e-{name}"),
        feed,
        f"{feed.value}.x",
        at,
        at,
        "doubtful",
        (candidate,),
        priority=priority,
        place=at,
    )


QUEUE = [
    view("d", 3),
    view("a", 1, Priority.P2, Feed.POLICE),
    view("c", 2, Priority.P1),
    view("b", 1, Priority.P1, who="M2"),
    view("e", 3),
]


def walked(order: ReviewOrder, limit: int) -> list[str]:
    """Every page after the other."""
    found: list[str] = []
    cursor = ""
    while True:
        page = page_of(QUEUE, ReviewFilter(order=order, limit=limit, cursor=cursor), waiting=len(QUEUE))
        found += [each.review_id for each in page.reviews]
        cursor = page.cursor
        if not page.more:
            return found


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
@pytest.mark.parametrize(
    ("order", "expected"),
    [(ReviewOrder.OLDEST, ["a", "b", "c", "d", "e"]), (ReviewOrder.PRIORITY, ["b", "c", "a", "d", "e"])],
)
def test_pages_bring_each_item_once_in_order(order: ReviewOrder, expected: list[str], limit: int) -> None:
    assert walked(order, limit) == expected


@pytest.mark.parametrize(
    ("why", "wanted", "expected"),
    [
        ("of a feed", ReviewFilter(feed=Feed.POLICE), ["a"]),
        ("of a kind", ReviewFilter(kind="ed.x"), ["b", "c", "d", "e"]),
        ("with a candidate", ReviewFilter(member_id="M2"), ["b"]),
        ("for another reason", ReviewFilter(why="twin"), []),
    ],
)
def test_a_filter_keeps_what_was_asked_for(why: str, wanted: ReviewFilter, expected: list[str]) -> None:
    page = page_of(QUEUE, wanted, waiting=5)
    assert [each.review_id for each in page.reviews] == expected, why
    assert page.waiting == 5


@pytest.mark.parametrize("cursor", ["x", "1|2", "1|yesterday|a", "one|2026-03-02T12:00:00+00:00|a", "|||"])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="no cursor of ours"):
        page_of(QUEUE, ReviewFilter(cursor=cursor), waiting=5)


def test_a_doubt_is_as_urgent_as_the_most_urgent_rule_on_such_events() -> None:
    rules = shipped_rules("tipt")
    assert most_urgent(rules, "ed") is Priority.P1
    assert most_urgent(rules, "nothing of ours") is Priority.P3
