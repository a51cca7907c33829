"""First hop, pure: whom does this event concern, and what becomes of it if nobody?

Given the matches, the links of its occurrence and the amendments that waited for it, every event becomes parts for
listeners, reviews for an analyst, or an immediate ending. Detection fails open: a message that seems to move an
occurrence to an unknown person takes nothing away by itself, it asks a human.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cohort.index import CohortIndex
from domain.events import EdAttributes, Event, Kind, Mention, Role, natural_role, occurrence_key
from domain.ids import MemberId, digest
from domain.matches import Match, MatchDecision, MatchReason, Relation
from streams.linking import (
    AMENDING,
    FAN_OUT,
    HOUSEHOLD,
    SUBJECT,
    event_link,
    keys_to_remember,
    patient_link,
)
from streams.messages import Disposition, Ending, Matched, ParkedAmendment, ReviewItem
from streams.ports import LogEntry, Recognised

NOBODY_NAMED = "household"
"""The subject of an event that reached a listener through their household's key alone."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that bears on one event: link values by key, and amendments that waited for it."""

    links: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parked: Sequence[ParkedAmendment] = ()


def recognise(entry: LogEntry, matches: Sequence[Match], known: Known, index: CohortIndex, now: datetime) -> Recognised:
    """Turn one accepted event into parts, reviews, links or an ending. At least one ending or part always results."""
    event = entry.event
    if not event.provenance.live:
        return _ended(entry, Disposition(Ending.SUPPRESSED, "test_message"))
    if event.kind is Kind.ED_MERGED:
        return _recognise_merge(entry, matches, known, index, now)
    bare = replace(event, mentions=())
    certain = _certain(event, matches)
    parts = _Parts(bare, index)
    for (member, role), match in certain.items():
        parts.add_subject(member, role, Relation.SELF, match)
    for match in matches:
        if match.reason is MatchReason.HOUSEHOLD:
            parts.add(match.member_id, NOBODY_NAMED, Relation.HOUSEHOLD, None, match)
    reviews = _reviews(event, matches, now)
    reviews += _follow_links(event, certain, known, parts, now)
    links = parts.links()
    revived = tuple(part for waiting in known.parked for part in _revive(waiting, certain, index))
    if not parts.found and not reviews:
        parked = None
        if event.kind in AMENDING:
            parked = ParkedAmendment(occurrence=occurrence_key(event), event=bare)
        return replace(_ended(entry, Disposition(Ending.NO_MATCH)), parked=parked)
    return Recognised(
        event=event,
        position=entry.position,
        dispositions=tuple((f"review|{review.review_id}", Disposition(Ending.REVIEW)) for review in reviews),
        parts=tuple(parts.found.values()),
        revived=revived,
        links=links,
        reviews=tuple(reviews),
    )


class _Parts:
    """The parts of one event, one for each (listener, subject, role): the closest relation wins."""

    def __init__(self, event: Event, index: CohortIndex) -> None:
        self._event = event
        self._index = index
        self.found: dict[tuple[str, str, Role | None], Matched] = {}

    def add(
        self, listener: MemberId, subject: str, relation: Relation, role: Role | None, match: Match | None = None
    ) -> None:
        self.found.setdefault(
            (listener, subject, role),
            Matched(event=self._event, listener=listener, subject=subject, relation=relation, role=role, match=match),
        )

    def add_subject(self, member: MemberId, role: Role | None, relation: Relation, match: Match | None = None) -> None:
        """The member themselves, and whoever must hear of what happens to them."""
        self.add(member, member, relation, role, match)
        if self._event.kind.value.split(".")[0] in FAN_OUT:
            for listener, how in self._index.linked(member):
                self.add(listener, member, how, role)

    def take_away(self, member: MemberId, *, heirs: Collection[MemberId]) -> None:
        """The source says that it was not this member but the heirs: the member's own worker hands over what it has."""
        self.found[(member, member, None)] = Matched(
            event=self._event,
            listener=member,
            subject=member,
            relation=Relation.LOST,
            role=None,
            heirs=tuple(sorted(heirs)),
        )

    def links(self) -> tuple[tuple[str, str], ...]:
        """What to remember: for each subject and each household listener, that this occurrence concerns them."""
        values = sorted(
            {
                SUBJECT + part.subject if part.subject != NOBODY_NAMED else HOUSEHOLD + part.listener
                for part in self.found.values()
                if part.relation is not Relation.LOST
            }
        )
        return tuple((key, value) for key in keys_to_remember(self._event) for value in values)


def _certain(event: Event, matches: Sequence[Match]) -> dict[tuple[MemberId, Role | None], Match]:
    """Members matched beyond doubt, each in each role that they have in the event; the heaviest match of each."""
    mentions = {mention.ref: mention for mention in event.mentions}
    found: dict[tuple[MemberId, Role | None], Match] = {}
    for match in sorted(matches, key=lambda each: (-each.match_weight, each.member_id, each.mention)):
        if match.decision is MatchDecision.MATCH and match.reason is not MatchReason.HOUSEHOLD:
            found.setdefault((match.member_id, _role(event, mentions[match.mention])), match)
    return found


def _role(event: Event, mention: Mention) -> Role | None:
    return mention.role or natural_role(event.kind)


def _reviews(event: Event, matches: Sequence[Match], now: datetime) -> list[ReviewItem]:
    doubtful: dict[str, list[Match]] = {}
    for match in matches:
        if match.decision is MatchDecision.REVIEW:
            doubtful.setdefault(match.mention, []).append(match)
    return [
        ReviewItem(
            review_id=digest("review", event.event_id, mention),
            event=event,
            matches=tuple(found),
            created_at=now,
            why=found[0].reason.value,
        )
        for mention, found in doubtful.items()
    ]


def _follow_links(
    event: Event,
    certain: Mapping[tuple[MemberId, Role | None], Match],
    known: Known,
    parts: _Parts,
    now: datetime,
) -> list[ReviewItem]:
    """Reach those who are linked to the occurrence without being named now."""
    named = {member for member, _ in certain}
    asked: list[ReviewItem] = []
    values = frozenset[str]().union(*known.links.values()) if known.links else frozenset()
    for value in sorted(values):
        member = MemberId(value[len(SUBJECT) :])
        if value.startswith(HOUSEHOLD):
            parts.add(member, NOBODY_NAMED, Relation.HOUSEHOLD, None)
        elif member not in named:
            moved = isinstance(event.attributes, EdAttributes) and _names_somebody(event)
            if moved and named:
                parts.take_away(member, heirs=named)
                continue
            parts.add_subject(member, None, Relation.OCCURRENCE)
            if moved:
                asked.append(_identity_changed(event, member, now))
    return asked


def _names_somebody(event: Event) -> bool:
    """Whether an ED message says clearly who the patient is: then a mismatch means something."""
    return any(
        mention.identity.dates_of_birth
        and any(name.family and name.given for name in mention.identity.names)
        and not mention.identity.unknown
        for mention in event.mentions
    )


def _identity_changed(event: Event, member: MemberId, now: datetime) -> ReviewItem:
    return ReviewItem(
        review_id=digest("review", event.event_id, "identity", member),
        event=event,
        matches=(),
        created_at=now,
        why="identity_changed",
    )


def _revive(
    waiting: ParkedAmendment, certain: Mapping[tuple[MemberId, Role | None], Match], index: CohortIndex
) -> tuple[Matched, ...]:
    """The parts of an amendment that came before the event it amends."""
    parts = _Parts(waiting.event, index)
    for member in sorted({member for member, _ in certain}):
        parts.add_subject(member, None, Relation.OCCURRENCE)
    return tuple(parts.found.values())


def _recognise_merge(
    entry: LogEntry, matches: Sequence[Match], known: Known, index: CohortIndex, now: datetime
) -> Recognised:
    """A40: two records are one patient. What was known of the record that goes moves to whom the other one is.

    If the survivor is a watched person, everybody else whom the old record had been taken for loses it. If the survivor
    is nobody we know, the old record's people keep what they have: nothing is taken away on a guess.
    """
    event = entry.event
    attributes = event.attributes
    assert isinstance(attributes, EdAttributes)
    bare = replace(event, mentions=())
    certain = _certain(event, matches)
    survivor_key = patient_link(event, attributes.patient_key)
    survivors = {member for member, _ in certain} | _subjects(known, survivor_key)
    retired = _subjects(known, patient_link(event, attributes.merged_patient_key))
    parts = _Parts(bare, index)
    for member in sorted(survivors):
        match = next((found for (who, _), found in certain.items() if who == member), None)
        parts.add(member, member, Relation.SELF, Role.PATIENT, match)
    for member in sorted(retired - survivors):
        if survivors:
            parts.take_away(member, heirs=survivors)
        else:
            parts.add(member, member, Relation.OCCURRENCE, None)
    reviews = _reviews(event, matches, now)
    if not parts.found and not reviews:
        return _ended(entry, Disposition(Ending.NO_MATCH))
    owners = survivors or retired
    return Recognised(
        event=event,
        position=entry.position,
        dispositions=tuple((f"review|{review.review_id}", Disposition(Ending.REVIEW)) for review in reviews),
        parts=tuple(parts.found.values()),
        links=tuple(
            (key, SUBJECT + owner) for key in (survivor_key, event_link(event.event_id)) for owner in sorted(owners)
        ),
        reviews=tuple(reviews),
    )


def _subjects(known: Known, key: str) -> set[MemberId]:
    return {MemberId(value[len(SUBJECT) :]) for value in known.links.get(key, frozenset()) if value.startswith(SUBJECT)}


def _ended(entry: LogEntry, disposition: Disposition) -> Recognised:
    return Recognised(event=entry.event, position=entry.position, dispositions=(("", disposition),))


def waits_for(event: Event, matches: Sequence[Match]) -> str | None:
    """The occurrence whose parked amendments this event needs; None if it names nobody we watch."""
    if any(match.decision is MatchDecision.MATCH for match in matches):
        return occurrence_key(event)
    return None
