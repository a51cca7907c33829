"""What somebody hears of a person whose link with them is learnt: pure, the same for rule tests and engines.

A link tells both of what has happened to the other, as far back as a rule about linked people may look. A link that
an event told rests on that event: taken back, everything heard through it goes too.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.ids import EventId
from domain.kinds import TAKES_BACK, Feed, Kind
from domain.matches import LinkLearnt, Relation
from domain.people import CohortMember, Standing, watch_standing
from triggers.history import History, HistoryEntry, told_on_link
from triggers.occurrences import acting, family_of, taken_back

LINK_REACH = timedelta(days=125)
"""How long before a link was learnt harm is still told: the mean time from one shooting to the next along ties
(Papachristos 2017, domain.md 6.3); the longest that a shipped rule asks for."""

TOLD_FAMILIES = frozenset({"ed", "crime"})
"""What rules about linked people read (ASSOCIATE_HARMED); nothing else of a person is told to others afterwards."""

_NOT_RECORDED = frozenset({Standing.ENDED, Standing.NOT_WATCHED, Standing.FEED_NOT_ALLOWED})
_OWN = frozenset({Relation.SELF, Relation.OCCURRENCE})


def told_to(
    listener: CohortMember,
    subject: CohortMember,
    history: Iterable[HistoryEntry],
    relation: Relation,
    learnt: LinkLearnt,
) -> tuple[HistoryEntry, ...]:
    """Of `history`, the subject's own, what the listener hears once the link is learnt, in event-time order.

    Whole occurrences of which something happened within `LINK_REACH` before, with what took them back; only of feeds
    that both authorities allow, and nothing for a listener who may not be told.
    """
    own = [
        entry
        for entry in history
        if entry.subject == subject.member_id
        and entry.relation in _OWN
        and entry.feed is not Feed.PROGRAMME
        and (family_of(entry.kind) in TOLD_FAMILIES or entry.kind in TAKES_BACK)
    ]
    oldest = learnt.at - LINK_REACH
    near = {entry.occurrence for entry in own if entry.occurred_at >= oldest}
    told = [
        entry
        for entry in own
        if entry.occurrence in near
        and entry.feed in subject.allowed_feeds
        and may_be_recorded(listener, entry, learnt.at)
    ]
    return tuple(told_on_link(entry, relation, learnt) for entry in sorted(told, key=lambda entry: entry.order))


def may_be_recorded(listener: CohortMember, entry: HistoryEntry, learnt_at: datetime) -> bool:
    """Whether the listener's history may hold something of somebody else, heard when their link was learnt."""
    standing = watch_standing(listener, on=max(entry.occurred_at, learnt_at), feed=entry.feed)
    return standing not in _NOT_RECORDED


def links_taken_back(entries: Sequence[HistoryEntry]) -> frozenset[EventId]:
    """The events among `entries` that told of a link and have been taken back."""
    told = [entry for entry in entries if entry.kind is Kind.ASSOCIATION_ADDED]
    if not told:
        return frozenset()
    takers = [entry for entry in entries if entry.kind in TAKES_BACK]
    return taken_back(acting(takers), (*told, *takers)).intersection(entry.event_id for entry in told)


def without_errors(history: History) -> History:
    """The history without what was heard through a link alone that was an error."""
    gone = links_taken_back(history)
    if not gone:
        return history
    return tuple(entry for entry in history if entry.linked is None or entry.linked.by not in gone)


def resting_on(entries: Iterable[HistoryEntry], associations: frozenset[EventId]) -> tuple[HistoryEntry, ...]:
    """What was heard through these links alone."""
    return tuple(entry for entry in entries if entry.linked is not None and entry.linked.by in associations)
