"""First hop, pure: whom does this event concern, and what becomes of it if nobody?

Given the matches, the links of its occurrence and the amendments that waited for it, every event becomes parts for
listeners, reviews for an analyst, or an immediate ending. Detection fails open: a message that seems to move an
occurrence to an unknown person takes nothing away by itself, it asks a human.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cohort.index import CohortIndex
from domain.attributes import EdAttributes
from domain.events import Event, occurrence_key
from domain.ids import MemberId, digest
from domain.kinds import TAKES_ONE_OUT, Kind, Role
from domain.matches import NOBODY_NAMED, Match, MatchDecision, MatchReason, Relation
from domain.reviews import ReviewVerdict
from streams.applying import applied
from streams.knowledge import Known
from streams.linking import (
    AMENDING,
    HOUSEHOLD,
    OCCURRENCE,
    SUBJECT,
    keys_to_look_up,
    occurrence_link,
    patient_link,
)
from streams.messages import Disposition, Ending, Matched, ParkedAmendment, ReviewItem
from streams.naming import (
    certain_of,
    heard_at_home,
    is_nameless_visit,
    names_anybody,
    names_somebody,
    role_of,
    through_household,
)
from streams.parts import Link, Parts
from streams.ports import LogEntry, Recognised
from streams.remembering import said_of_visit
from streams.reviews import REVIEWED_DIFFERENT, Review

_NOBODY = Disposition(Ending.NO_MATCH)


def recognise(entry: LogEntry, matches: Sequence[Match], known: Known, index: CohortIndex, now: datetime) -> Recognised:
    """Turn one accepted event into parts, reviews, links or an ending. At least one ending or part always results."""
    event = entry.event
    if not event.provenance.live:
        return _ended(entry, Disposition(Ending.SUPPRESSED, "test_message"))
    if event.kind is Kind.ED_MERGED:
        return _recognise_merge(entry, matches, known, index, now)
    reached = sorted({value for key in keys_to_look_up(event) for value in known.people(key)})
    if not matches and not reached and event.kind not in AMENDING and not is_nameless_visit(event, ()):
        return _ended(entry, _NOBODY)  # nearly every event: it concerns nobody and opens nothing that could later
    certain = certain_of(event, matches)
    parts = Parts(_without_names(event) if matches or reached else event, index)  # parts of nobody carry nothing
    for (member, role), match in certain.items():
        parts.add_subject(member, role, Relation.SELF, match)
    if certain:
        parts.add_other()
    for listener, role, household in heard_at_home(event, matches, certain, index):
        parts.add(listener, NOBODY_NAMED, Relation.HOUSEHOLD, role, household)
    reviews = _reviews(event, matches, certain, now)
    reviews += _follow_links(event, certain, reached, known, parts, index=index, now=now)
    revived, inherited = _revive(event, certain, matches, known, index)
    links = parts.links()
    return _concluded(
        entry,
        parts,
        reviews,
        revived=revived,
        links=(*links, *inherited),
        parked=_parked(event, certain, links, clear=names_somebody(event), nameless=is_nameless_visit(event, certain)),
        nobody=_about_nobody(matches),
        applied=applied(event, matches, parts.found.values(), known.said, now),
    )


def taken_from(event: Event, member: MemberId, index: CohortIndex) -> tuple[Matched, ...]:
    """The parts by which a member, and those close to them, lose the occurrence of `event` to nobody we know."""
    parts = Parts(event, index)
    parts.take_away(member, heirs=())
    return tuple(parts.found.values())


def _about_nobody(matches: Sequence[Match]) -> Disposition:
    """How an event ends that reaches nobody: a human may have said before that it is not whom it seems to name."""
    rejected = any(match.reason is MatchReason.REVIEWED_DIFFERENT for match in matches)
    return REVIEWED_DIFFERENT if rejected else _NOBODY


def _concluded(
    entry: LogEntry,
    parts: Parts,
    reviews: Sequence[ReviewItem],
    *,
    revived: Sequence[Matched],
    links: tuple[Link, ...],
    parked: ParkedAmendment | None,
    nobody: Disposition,
    applied: tuple[Review, ...] = (),
) -> Recognised:
    """Everything about one event; an ending of its own where it goes to nobody."""
    dispositions = [(f"review|{review.review_id}", Disposition(Ending.REVIEW)) for review in reviews]
    if not parts.found and not reviews:
        dispositions = [(f"review|{applied[0].item.review_id}" if applied else "", nobody)]
    return Recognised(
        event=entry.event,
        position=entry.position,
        dispositions=tuple(dispositions),
        parts=tuple(parts.found.values()),
        revived=tuple(revived),
        links=links,
        reviews=tuple(reviews),
        parked=parked,
        applied=applied,
    )


def _parked(
    event: Event,
    certain: Mapping[tuple[MemberId, Role | None], Match],
    links: Iterable[Link],
    *,
    clear: bool,
    nameless: bool = False,
) -> ParkedAmendment | None:
    """What is kept of an amendment for those who turn out later to be concerned by what it amends; and of a visit by
    somebody who could not say their name, for whom a later message names."""
    if event.kind not in AMENDING and event.kind is not Kind.ED_MERGED and not nameless:
        return None
    if event.kind in TAKES_ONE_OUT and not certain and names_anybody(event):
        return None  # it takes out somebody whom we do not know
    return ParkedAmendment(
        keys=keys_to_look_up(event) or (occurrence_link(occurrence_key(event)),),
        event=_without_names(event),
        reached=tuple(sorted({value for _, value in links if not value.startswith(OCCURRENCE)})),
        named=tuple(sorted({member for member, _ in certain})),
        clear=clear,
    )


def _without_names(event: Event) -> Event:
    """The event as it is kept and handed on: identities go no further than recognition."""
    return replace(event, mentions=()) if event.mentions else event


def _reviews(
    event: Event, matches: Sequence[Match], certain: Collection[tuple[MemberId, Role | None]], now: datetime
) -> list[ReviewItem]:
    """A review for each mention in doubt, unless it is only of people whom another mention names beyond doubt in the
    same role: then the answer would change nothing."""
    doubtful: dict[str, list[Match]] = {}
    for match in matches:
        if match.decision is MatchDecision.REVIEW:
            doubtful.setdefault(match.mention, []).append(match)
    if not doubtful:
        return []
    roles = {mention.ref: role_of(event, mention) for mention in event.mentions}
    return [
        ReviewItem(
            review_id=digest("review", event.event_id, mention),
            event=event,
            matches=tuple(found),
            created_at=now,
            why=found[0].reason.value,
        )
        for mention, found in doubtful.items()
        if any((match.member_id, roles[mention]) not in certain for match in found)
    ]


def _follow_links(
    event: Event,
    certain: Mapping[tuple[MemberId, Role | None], Match],
    reached: Iterable[str],
    known: Known,
    parts: Parts,
    *,
    index: CohortIndex,
    now: datetime,
) -> list[ReviewItem]:
    """Reach those who are linked to the occurrence (`reached`, in order) without being named now."""
    named = {member for member, _ in certain}
    asked: list[ReviewItem] = []
    if event.kind in TAKES_ONE_OUT and (named or names_anybody(event)):
        return asked
    for value in reached:
        member = MemberId(value[len(SUBJECT) :])
        if value.startswith(HOUSEHOLD):
            if event.kind not in TAKES_ONE_OUT and not parts.tells_the_home(member):
                parts.add(member, NOBODY_NAMED, Relation.HOUSEHOLD, None)
        elif member not in named:
            moved = isinstance(event.attributes, EdAttributes) and names_somebody(event)
            said = said_of_visit(event, known.said, member, index) if moved else None
            if moved and (named or said is ReviewVerdict.DIFFERENT):
                parts.take_away(member, heirs=named)
                continue
            parts.add_subject(member, None, Relation.OCCURRENCE)
            if moved and said is None:
                asked.append(_identity_changed(event, member, now))
    return asked


def _identity_changed(event: Event, member: MemberId, now: datetime) -> ReviewItem:
    return ReviewItem(
        review_id=digest("review", event.event_id, "identity", member),
        event=event,
        matches=(),
        created_at=now,
        why="identity_changed",
        member_id=member,
    )


def _revive(
    event: Event,
    certain: Mapping[tuple[MemberId, Role | None], Match],
    matches: Sequence[Match],
    known: Known,
    index: CohortIndex,
) -> tuple[list[Matched], list[Link]]:
    """The parts of amendments that came before this event, as if they had come after it, and the links they make."""
    revived: list[Matched] = []
    links: list[Link] = []
    own = occurrence_link(occurrence_key(event))
    for waiting in known.parked:
        if waiting.named and waiting.event.kind in TAKES_ONE_OUT:
            continue
        parts = Parts(waiting.event, index)
        for member in sorted({member for member, _ in certain} - set(waiting.named)):
            if _takes_away(waiting, event):
                parts.take_away(member, heirs=waiting.named)
                links += [(own, SUBJECT + heir) for heir in waiting.named]
            elif SUBJECT + member not in waiting.reached:
                parts.add_subject(member, None, Relation.OCCURRENCE)
        for listener in through_household(waiting.event, matches):
            if HOUSEHOLD + listener not in waiting.reached:
                parts.add(listener, NOBODY_NAMED, Relation.HOUSEHOLD, None)
        revived += parts.found.values()
        links += parts.links()
    return revived, links


def _takes_away(waiting: ParkedAmendment, event: Event) -> bool:
    """Whether the waiting message said that what this one is about belongs to whom it named itself."""
    said, told = waiting.event.attributes, event.attributes
    if not waiting.named or not isinstance(said, EdAttributes) or not isinstance(told, EdAttributes):
        return False
    if waiting.event.kind is Kind.ED_MERGED:
        return bool(told.patient_key) and told.patient_key == said.merged_patient_key
    return waiting.clear


def _recognise_merge(
    entry: LogEntry, matches: Sequence[Match], known: Known, index: CohortIndex, now: datetime
) -> Recognised:
    """A40: two records are one patient. What was known of the record that goes moves to whom the other one is.

    The survivor is whom the message names, or else whom we know the record of. If that is a watched person, everybody
    else whom the old record had been taken for loses it. If the survivor is nobody we know, the old record's people
    keep what they have: nothing is taken away on a guess.
    """
    event = entry.event
    attributes = event.attributes
    assert isinstance(attributes, EdAttributes)
    certain = certain_of(event, matches)
    survivor_key = patient_link(event, attributes.patient_key)
    retired_key = patient_link(event, attributes.merged_patient_key)
    survivors = {member for member, _ in certain} or _subjects(known, survivor_key)
    retired = _subjects(known, retired_key)
    parts = Parts(_without_names(event), index)
    for member in sorted(survivors):
        match = next((found for (who, _), found in certain.items() if who == member), None)
        parts.add(member, member, Relation.SELF, Role.PATIENT, match)
    for member in sorted(retired - survivors):
        if survivors:
            parts.take_away(member, heirs=survivors)
        else:
            parts.add(member, member, Relation.OCCURRENCE, None)
    moved = known.occurrences(retired_key)
    links = (
        *parts.links(),
        *((occurrence, SUBJECT + owner) for occurrence in sorted(moved) for owner in sorted(survivors)),
        *((survivor_key, OCCURRENCE + occurrence) for occurrence in sorted(moved)),
    )
    parked = _parked(event, certain, links, clear=True)
    return _concluded(
        entry,
        parts,
        _reviews(event, matches, certain, now),
        revived=(),
        links=links,
        parked=parked,
        nobody=_about_nobody(matches),
    )


def _subjects(known: Known, key: str) -> set[MemberId]:
    return {MemberId(value[len(SUBJECT) :]) for value in known.people(key) if value.startswith(SUBJECT)}


def _ended(entry: LogEntry, disposition: Disposition) -> Recognised:
    return Recognised(event=entry.event, position=entry.position, dispositions=(("", disposition),))
