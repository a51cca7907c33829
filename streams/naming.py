"""Whom a message names: beyond doubt, clearly, at all; and who hears of a stranger because it was in their home."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from cohort.index import CohortIndex
from domain.attributes import EdAttributes
from domain.events import Event, Mention
from domain.ids import MemberId
from domain.kinds import TAKES_ONE_OUT, Role, natural_role
from domain.matches import Match, MatchDecision, MatchReason
from streams.linking import keys_to_look_up


def is_nameless_visit(event: Event, certain: Collection[object]) -> bool:
    """Whether it opens a visit without saying clearly who the patient is, as with the unconscious: a visit has one."""
    attributes = event.attributes
    opens = isinstance(attributes, EdAttributes) and bool(attributes.visit_key) and not keys_to_look_up(event)
    return opens and not certain and not names_somebody(event)


def _roles_of_strangers(event: Event, matches: Sequence[Match]) -> tuple[Role | None, ...]:
    """In which roles an event names people whom we do not watch: at a home, they may be of it. (None,) where none is.

    The role of whom we watch, or may, is left out: nobody learns through their home what their own authority keeps.
    """
    ours = {match.mention for match in matches if match.reason is not MatchReason.REVIEWED_DIFFERENT}
    roles = {role_of(event, mention) for mention in event.mentions if mention.ref not in ours}
    return tuple(sorted(roles, key=str)) or (None,)


def heard_at_home(
    event: Event, matches: Sequence[Match], certain: Iterable[tuple[MemberId, Role | None]], index: CohortIndex
) -> Iterator[tuple[MemberId, Role | None, Match | None]]:
    """Who hears of it because of where it was, in which role a stranger was in it, and by which match: all who live
    there. A witness of the home hears of the brother who was hurt, as if not named; of nobody, they know already."""
    roles = _roles_of_strangers(event, matches)
    for listener, match in through_household(event, matches).items():
        for role in roles:
            yield listener, role, match
    home = getattr(event.attributes, "household_key", None)
    if not home or event.kind in TAKES_ONE_OUT:
        return
    for member in sorted({who for who, _ in certain}):
        known = index.member(member)
        if known is not None and known.household_id == home:
            for role in roles:
                if role is not None:
                    yield member, role, None


def through_household(event: Event, matches: Sequence[Match]) -> dict[MemberId, Match]:
    """Who hears of it because of where it was. Whoever is taken out of it, somebody else may have been hurt there."""
    if event.kind in TAKES_ONE_OUT:
        return {}
    return {match.member_id: match for match in matches if match.reason is MatchReason.HOUSEHOLD}


def certain_of(event: Event, matches: Sequence[Match]) -> dict[tuple[MemberId, Role | None], Match]:
    """Members matched beyond doubt, each in each role that they have in the event; the heaviest match of each."""
    mentions = {mention.ref: mention for mention in event.mentions}
    found: dict[tuple[MemberId, Role | None], Match] = {}
    for match in sorted(matches, key=lambda each: (-each.match_weight, each.member_id, each.mention)):
        if match.decision is MatchDecision.MATCH and match.reason is not MatchReason.HOUSEHOLD:
            found.setdefault((match.member_id, role_of(event, mentions[match.mention])), match)
    return found


def role_of(event: Event, mention: Mention) -> Role | None:
    return mention.role or natural_role(event.kind)


def names_anybody(event: Event) -> bool:
    """Whether it says of anybody who they are, however little: then it is not of just anybody who was in it."""
    said = [mention.identity for mention in event.mentions]
    return any(mention.member_id for mention in event.mentions) or any(
        who.names or who.dates_of_birth or who.identifiers or who.extra for who in said
    )


def names_somebody(event: Event) -> bool:
    """Whether an ED message says clearly who the patient is: then a mismatch means something."""
    return any(
        mention.identity.dates_of_birth
        and any(name.family and name.given for name in mention.identity.names)
        and not mention.identity.unknown
        for mention in event.mentions
    )
