"""Why a moment of the truth was not told: looked up in the ledger and among the doubtful matches, never guessed.

A moment that waits for an analyst is late, not lost: a human has been rung. What has no explanation is a defect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import EventId
from fixtures.force import Force
from fixtures.tellings import Message, Moment
from service.demo.scoring import Key
from streams.messages import ReviewItem


class Why(StrEnum):
    """Why it was not told."""

    REVIEW = "review"  # an analyst is asked whether it is the right person
    OVERTAKEN = "overtaken"  # what took its ground away came first, by another feed
    NOT_RECOGNISED = "not_recognised"  # the source's copy had faults, and nobody is asked: lost
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Miss:
    """A true moment that was not told, why, and that in words."""

    moment: Moment
    why: Why
    words: str


class Explainer:
    """Explains misses from what the service itself says of the events that they rest on."""

    def __init__(self, force: Force, endings: Mapping[EventId, str], reviews: Sequence[ReviewItem]) -> None:
        self._sent: dict[str, Message] = {}
        for message in force.messages:
            self._sent.setdefault(message.event_id, message)
        self._endings = endings
        self._asked: dict[str, list[ReviewItem]] = {}
        for review in reviews:
            self._asked.setdefault(review.event.event_id, []).append(review)

    def explain(self, moment: Moment) -> Miss:
        """The first reason that holds for one of the events which the moment needs."""
        for event_id in moment.contributing:
            if asked := self._asks(event_id):
                return Miss(moment, Why.REVIEW, asked)
        if moment.withdrawn_by and self._by_another_feed(moment):
            return Miss(moment, Why.OVERTAKEN, "the news that takes it back was heard first, by another feed")
        for event_id in moment.contributing:
            faults = sorted({fault for _, _, member, dirt in self._sent[event_id].people if member for fault in dirt})
            if self._endings.get(event_id) == "no_match" and faults:
                return Miss(moment, Why.NOT_RECOGNISED, f"not recognised; what was wrong: {', '.join(faults)}")
        ended = ", ".join(self._endings.get(event_id, "unknown") for event_id in moment.contributing)
        return Miss(moment, Why.UNEXPLAINED, f"its events ended: {ended}")

    def whose(self, key: Key, contributing: Sequence[EventId]) -> str:
        """Of a firing without ground: whom its events are truly about."""
        people = sorted({name for each in contributing if each in self._sent for name in self._sent[each].true_members})
        return f"{key[1]} for {key[0]}: its events are about {', '.join(people) or 'nobody watched'}"

    def _asks(self, event_id: EventId) -> str:
        """What an analyst is asked about an event, if the right person is among the answers; '' if not."""
        true = self._sent[event_id].true_members
        for review in self._asked.get(event_id, []):
            right = next((match for match in review.matches if match.member_id in true), None)
            if right is not None:
                return f"is it {right.member_id}? ({right.reason.value})"
        return ""

    def _by_another_feed(self, moment: Moment) -> bool:
        """Feeds run beside each other here: only within one is what came first heard first."""
        return self._sent[moment.completed_by].feed is not self._sent[str(moment.withdrawn_by)].feed
