"""What a human once said of a mention is said again for the same words: decisions by mention identity. Pure.

The same words are all that a source system says of a person, compared without case, spacing and order. A decision
holds as long as the member is who they were: a confirmed one falls with a change of name, birth, sex or national
number, a rejected one with any change at all, because what spoke against it may have been what changed. Then a human
is asked anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cohort.index import CohortIndex
from domain.events import Event, occurrence_key
from domain.identity import DobQuality, Identity, Scheme
from domain.ids import MemberId, digest
from domain.matches import Match, MatchDecision, MatchReason
from domain.reviews import ReviewVerdict

_NATIONAL = frozenset({Scheme.NHS, Scheme.PNC, Scheme.CRO, Scheme.UPN})
_BEYOND_DOUBT = frozenset({MatchReason.MEMBER_ID, MatchReason.HOUSEHOLD})
"""Matches by a key of the programme's own: nobody's judgement of a likeness."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A decision on (mention identity, member). `mark` is who the member was then."""

    verdict: ReviewVerdict
    mark: str
    review_id: str
    at: datetime


Said = Mapping[MemberId, Remembered]
"""What was said of one mention identity, by member."""


def fingerprint(source_system: str, identity: Identity) -> str:
    """The mention identity: 32 hex digits over the source system and everything that it says of the person."""
    return digest("mention", source_system.strip().casefold(), *_births_and_names(identity), *_rest(identity))


def tells_apart(identity: Identity) -> bool:
    """Whether the words say more than a name and a place that many share: only then are the same words the same
    person, and a decision on them counts for the next who is called so."""
    births = any(birth.quality is not DobQuality.DEFAULT for birth in identity.dates_of_birth)
    more = (identity.identifiers, identity.phones, identity.emails, identity.addresses)
    return not identity.unknown and (births or any(more))


def mark_of(identity: Identity, verdict: ReviewVerdict) -> str:
    """Who a member is, as far as a decision rests on it: 32 hex digits."""
    if verdict is ReviewVerdict.SAME:
        national = sorted(_plain(each.value) for each in identity.identifiers if each.scheme in _NATIONAL)
        flags = (identity.sex.value, str(identity.deceased), str(identity.multiple_birth))
        return digest("member", *_births_and_names(identity), *flags, *national)
    return digest("member", *_births_and_names(identity), *_rest(identity))


def mentions_asked(event: Event, matches: Iterable[Match]) -> dict[str, str]:
    """The fingerprints of the mentions that somebody matches by likeness, by ref: those a decision may bear on."""
    refs = {match.mention for match in matches if match.reason not in _BEYOND_DOUBT}
    return {
        mention.ref: fingerprint(event.source_system, mention.identity)
        for mention in event.mentions
        if mention.ref in refs and tells_apart(mention.identity)
    }


def as_reviewed(
    event: Event, matches: Sequence[Match], said: Mapping[str, Said], index: CohortIndex
) -> tuple[Match, ...]:
    """The matches with what humans decided before; `said` by fingerprint.

    A confirmed member is MATCH and the only one of their mention, unless somebody else matches beyond doubt by now:
    then nothing is settled. A rejected one is no candidate (NONE, with the reason).
    """
    asked = mentions_asked(event, matches) if said else {}
    bearing = {ref: said[name] for ref, name in asked.items() if said.get(name)}
    if not bearing:
        return tuple(matches)
    found: list[Match] = []
    for match in matches:
        own = [each for each in matches if each.mention == match.mention]
        found.append(_as_reviewed(match, own, bearing.get(match.mention, {}), index))
    return tuple(found)


def _as_reviewed(match: Match, own: Sequence[Match], said: Said, index: CohortIndex) -> Match:
    if match.reason in _BEYOND_DOUBT or match.decision is MatchDecision.NONE:
        return match
    if standing(said, match.member_id, index) is ReviewVerdict.DIFFERENT:
        return replace(match, decision=MatchDecision.NONE, reason=MatchReason.REVIEWED_DIFFERENT)
    confirmed = [
        each.member_id
        for each in own
        if each.decision is not MatchDecision.NONE and standing(said, each.member_id, index) is ReviewVerdict.SAME
    ]
    others = [
        each.member_id
        for each in own
        if each.decision is MatchDecision.MATCH
        and each.member_id not in confirmed
        and standing(said, each.member_id, index) is None
    ]
    if len(confirmed) != 1 or others:
        return match
    if match.member_id == confirmed[0]:
        certain = match.decision is MatchDecision.MATCH
        return match if certain else replace(match, decision=MatchDecision.MATCH, reason=MatchReason.REVIEWED_SAME)
    return replace(match, decision=MatchDecision.NONE, reason=MatchReason.REVIEWED_DIFFERENT)


def standing(said: Said, member_id: MemberId, index: CohortIndex) -> ReviewVerdict | None:
    """What was said of a member, if they are still watched and still who they were."""
    remembered, member = said.get(member_id), index.member(member_id)
    if remembered is None or member is None or remembered.verdict is ReviewVerdict.UNSURE:
        return None
    return remembered.verdict if remembered.mark == mark_of(member.identity, remembered.verdict) else None


def visit_fingerprints(event: Event) -> tuple[str, ...]:
    """The fingerprints that decisions about an occurrence, rather than about a match, are kept under."""
    return tuple(
        digest("visit", occurrence_key(event), fingerprint(event.source_system, mention.identity))
        for mention in event.mentions
    )


def said_of_visit(
    event: Event, said: Mapping[str, Said], member_id: MemberId, index: CohortIndex
) -> ReviewVerdict | None:
    """Whether somebody has said before that this occurrence, named so, is still the member's, or is not."""
    verdicts = (standing(said[name], member_id, index) for name in visit_fingerprints(event) if name in said)
    return next((verdict for verdict in verdicts if verdict is not None), None)


def _births_and_names(identity: Identity) -> tuple[str, ...]:
    names = sorted(
        "|".join((" ".join(_plain(part) for part in name.given), _plain(name.family), name.kind.value))
        for name in identity.names
    )
    births = sorted(f"{birth.value.isoformat()}|{birth.quality.value}" for birth in identity.dates_of_birth)
    return ("names", *names, "births", *births)


def _rest(identity: Identity) -> tuple[str, ...]:
    identifiers = sorted(
        "|".join((each.scheme.value, _plain(each.system), _plain(each.value), str(each.verified)))
        for each in identity.identifiers
    )
    several = {
        "postcodes": identity.postcodes,
        "addresses": identity.addresses,
        "phones": identity.phones,
        "emails": identity.emails,
        **{f"extra {name}": values for name, values in identity.extra},
    }
    flags = (identity.sex.value, str(identity.unknown), str(identity.deceased), str(identity.multiple_birth))
    rest = (each for name, values in several.items() for each in (name, *sorted(_plain(value) for value in values)))
    return ("identifiers", *identifiers, *rest, "flags", *flags)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
