"""A law of the review queue: whoever confirms every doubt has lost nothing by the doubt, and whoever takes every
confirmation back has gained nothing by it."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import Event, Mention
from domain.ids import MemberId
from domain.reviews import ReviewVerdict
from tests.contract.reviewing import ANNE, Desk
from tests.trials import trials
from tests.unit.streams.lives import COHORT, Chapter, chapters, told
from tests.unit.streams.play import Play

STORIES = ("visit", "crime", "custody", "missing", "search", "at_home")
"""Without hospital records that move between people: there a doubt leaves the visit with whom it was."""
WHO = {member.member_id: member for member in COHORT}


def doubtful(event: Event) -> Event:
    """The same event, naming people by their words and not by our id."""
    return replace(event, mentions=tuple(_in_words(mention) for mention in event.mentions))


def _in_words(mention: Mention) -> Mention:
    assert mention.member_id is not None
    return replace(mention, member_id=None, identity=WHO[mention.member_id].identity)


def meant(event: Event, ref: str) -> MemberId:
    (found,) = [mention.member_id for mention in event.mentions if mention.ref == ref]
    assert found is not None
    return found


async def confirmed(desk: Desk, events: dict[str, Event], dice: Random) -> None:
    """Confirm whatever waits, in any order."""
    while waiting := await desk.waiting():
        review = dice.choice(waiting)
        who = meant(events[review.item.event.event_id], review.item.mention)
        await desk.decide(review, ReviewVerdict.SAME, who)


@given(life=chapters(STORIES), dice=st.randoms(use_true_random=False))
@settings(max_examples=trials(100))
async def test_confirming_every_doubt_at_once_alerts_as_if_there_had_been_none(
    life: list[Chapter], dice: Random
) -> None:
    """At once: what is confirmed late is marked late, and may be too late for a rule."""
    events = told(life)
    certain, desk = Play(COHORT), Desk(None, COHORT)
    known = {event.event_id: event for event in events}
    for event in events:
        await certain.give(event)
        await desk.give(doubtful(event))
        await confirmed(desk, known, dice)
    assert await desk.live() == await certain.live()


@given(life=chapters(STORIES), dice=st.randoms(use_true_random=False))
@settings(max_examples=trials(100))
async def test_taking_every_confirmation_back_leaves_nothing(life: list[Chapter], dice: Random) -> None:
    events = [event for event in told(life) if event.mentions]
    desk = Desk(None, COHORT)
    await desk.give(*(doubtful(event) for event in events))
    before = {review.item.review_id for review in await desk.waiting()}
    firings = await desk.live()
    await confirmed(desk, {event.event_id: event for event in events}, dice)
    closed = await desk.store.closed(1_000)
    while stands := [each for each in closed if each.state.value == "decided"]:
        review = dice.choice(stands)
        await desk.desk.undo(review.item.review_id, None, "no", by=ANNE, version=review.case.version)
        await desk.quiet()
        closed = await desk.store.closed(1_000)
    assert await desk.live() == firings
    assert {review.item.review_id for review in await desk.waiting()} == before
