"""What the store knows that bears on a batch of events, and what the batch itself has taught since.

Links lead from an event, a source's record or a patient to occurrences, and from occurrences to people (linking.py).
Most of it is fetched for the whole batch at once; the few events that concern somebody may fetch a little more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cohort.index import CohortIndex
from domain.attributes import EdAttributes
from domain.events import Event
from domain.matches import Match, MatchDecision
from streams.linking import OCCURRENCE, keys_to_look_up, keys_to_remember
from streams.messages import ParkedAmendment
from streams.ports import Recognised, RecogniseLog
from streams.remembering import Said, as_reviewed, mentions_asked, visit_fingerprints


@dataclass(frozen=True, slots=True)
class Known:
    """What bears on one event: link values by key, the amendments that waited for it, and what humans said before of
    the identities that it mentions, by fingerprint."""

    links: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parked: Sequence[ParkedAmendment] = ()
    said: Mapping[str, Said] = field(default_factory=dict)

    def occurrences(self, key: str) -> frozenset[str]:
        """The link keys of the occurrences that a key leads to; an occurrence's own key leads to itself."""
        if key.startswith("o:"):
            return frozenset({key})
        values = self.links.get(key, frozenset())
        return frozenset(value[len(OCCURRENCE) :] for value in values if value.startswith(OCCURRENCE))

    def people(self, key: str) -> frozenset[str]:
        """The link values of those whom a key leads to, through its occurrences."""
        return frozenset(
            value
            for occurrence in self.occurrences(key)
            for value in self.links.get(occurrence, frozenset())
            if not value.startswith(OCCURRENCE)
        )


class BatchKnowledge:
    """Known for each event of a batch, in order: what an event teaches, the next one knows."""

    def __init__(self, transport: RecogniseLog) -> None:
        self._transport = transport
        self._stored: dict[str, frozenset[str]] = {}
        self._links: dict[str, frozenset[str]] = {}
        self._parked: dict[str, list[ParkedAmendment]] = {}
        self._learnt: dict[str, list[ParkedAmendment]] = {}
        self._said: dict[str, Said] = {}

    async def prepare(self, batch: Iterable[tuple[Event, Sequence[Match]]]) -> None:
        """Fetch at once what the events of a batch will most likely ask for."""
        links: list[str] = []
        waiting: list[str] = []
        mentions: list[str] = []
        for event, matches in batch:
            links.extend(keys_to_look_up(event))
            mentions.extend(mentions_asked(event, matches).values())
            if matches:
                links.append(keys_to_remember(event)[0])
                waiting.extend(keys_to_remember(event))
        await self._fetch_links(links, mentions)
        await self._fetch_parked(waiting)

    def reviewed(self, event: Event, matches: Sequence[Match], index: CohortIndex) -> tuple[Match, ...]:
        """The matches with what humans decided before. Only after `prepare`."""
        return as_reviewed(event, matches, self._said, index)

    async def of(self, event: Event, matches: Sequence[Match]) -> Known:
        """What bears on one event."""
        asked = keys_to_look_up(event)
        if not asked and not _concerns_somebody(matches):
            return Known(said=self._said)  # nearly every event
        await self._fetch_links(asked)
        known = Known(self._links, said=self._said)
        await self._fetch_links(occurrence for key in asked for occurrence in known.occurrences(key))
        linked = any(known.people(key) for key in asked)
        if not _concerns_somebody(matches) and not linked:
            return known
        if linked and isinstance(event.attributes, EdAttributes):
            await self._fetch_links((), visit_fingerprints(event))
        keys = keys_to_remember(event)
        await self._fetch_parked(keys)
        found = [waiting for key in keys for waiting in (*self._parked[key], *self._learnt.get(key, ()))]
        others = {waiting.event.event_id: waiting for waiting in found if waiting.event.event_id != event.event_id}
        return Known(self._links, tuple(others.values()), self._said)

    def rests_on(self) -> tuple[dict[str, int], Mapping[str, Sequence[ParkedAmendment]]]:
        """How many link values were stored under each key that was asked, and which amendments waited there: another
        worker that changes one of these knows something that bears on the batch."""
        return {key: len(values) for key, values in self._stored.items()}, self._parked

    def learn(self, result: Recognised) -> None:
        """Take in what an event taught, before it is stored."""
        for key, value in result.links:
            self._links[key] = self._links.get(key, frozenset()) | {value}
        if result.parked:
            for key in result.parked.keys:
                self._learnt.setdefault(key, []).append(result.parked)

    async def _fetch_links(self, keys: Iterable[str], mentions: Iterable[str] = ()) -> None:
        missing = [key for key in dict.fromkeys(keys) if key not in self._stored]
        unasked = [name for name in dict.fromkeys(mentions) if name not in self._said]
        if not missing and not unasked:
            return
        found, said = await self._transport.recall(missing, unasked)
        for key, values in zip(missing, found, strict=True):
            self._stored[key] = values
            self._links[key] = self._links.get(key, frozenset()) | values
        self._said.update(zip(unasked, said, strict=True))

    async def _fetch_parked(self, keys: Iterable[str]) -> None:
        missing = [key for key in dict.fromkeys(keys) if key not in self._parked]
        if missing:
            self._parked.update(zip(missing, await self._transport.parked(missing), strict=True))


def _concerns_somebody(matches: Sequence[Match]) -> bool:
    return any(match.decision is MatchDecision.MATCH for match in matches)
