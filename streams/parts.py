"""The parts of one event: who hears of it, about whom, in which role."""

from collections.abc import Collection
from dataclasses import replace

from cohort.index import CohortIndex
from domain.events import Event, occurrence_key
from domain.ids import MemberId
from domain.kinds import Role, natural_role
from domain.matches import NOBODY_NAMED, Match, Relation
from streams.associations import heard_through, other_of
from streams.linking import HOUSEHOLD, OCCURRENCE, SUBJECT, fans_out, occurrence_link, pointers
from streams.messages import Heir, Matched

Link = tuple[str, str]


class Parts:
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

    def tells_the_home(self, listener: MemberId) -> bool:
        """Whether somebody hears of it already because of where it was."""
        return any(who == listener and subject == NOBODY_NAMED for who, subject, _ in self.found)

    def add_linked(self, listener: MemberId, subject: MemberId, relation: Relation, role: Role | None) -> None:
        """Somebody close to the subject, who hears of it through their link."""
        self.add(listener, subject, relation, role)
        part = self.found[(listener, subject, role)]
        if part.relation is relation:
            learnt = heard_through(listener, subject, self._event, self._index)
            self.found[(listener, subject, role)] = part if learnt is None else replace(part, linked=learnt)

    def add_other(self) -> None:
        """The member with whom the event says that its client is linked: it is about them as well."""
        other = other_of(self._event)
        if other is not None and self._index.member(other) is not None:
            self.add(other, other, Relation.SELF, natural_role(self._event.kind))

    def add_subject(self, member: MemberId, role: Role | None, relation: Relation, match: Match | None = None) -> None:
        """The member themselves, and whoever must hear of what happens to them."""
        self.add(member, member, relation, role, match)
        for listener, how in self._close_to(member):
            self.add_linked(listener, member, how, role)

    def take_away(self, member: MemberId, *, heirs: Collection[MemberId]) -> None:
        """The source says that it was not this member but the heirs: the member's own worker hands over what it has.

        Whoever heard of it because they are close to the member loses it too; those close to the heirs inherit.
        """
        inherit = [Heir(heir, heir, Relation.SELF) for heir in sorted(heirs)]
        inherit += [Heir(listener, heir, how) for heir in sorted(heirs) for listener, how in self._close_to(heir)]
        self._lose(member, member, tuple(inherit))
        for listener, _ in self._close_to(member):
            self._lose(listener, member, ())

    def _lose(self, listener: MemberId, subject: MemberId, heirs: tuple[Heir, ...]) -> None:
        self.found[(listener, subject, None)] = Matched(
            event=self._event, listener=listener, subject=subject, relation=Relation.LOST, role=None, heirs=heirs
        )

    def _close_to(self, member: MemberId) -> tuple[tuple[MemberId, Relation], ...]:
        """Those who hear of it too, unless the member's own authority keeps this feed out."""
        subject = self._index.member(member)
        if subject and self._event.feed not in subject.allowed_feeds:
            return ()
        return tuple((close, how) for close, how in self._index.linked(member) if fans_out(self._event.kind, how))

    def links(self) -> tuple[Link, ...]:
        """What to remember: whom the occurrence concerns, and what leads to the occurrence."""
        values = sorted(
            {
                SUBJECT + part.subject if part.subject != NOBODY_NAMED else HOUSEHOLD + part.listener
                for part in self.found.values()
                if part.relation is not Relation.LOST
            }
        )
        if not values:
            return ()
        own = occurrence_link(occurrence_key(self._event))
        leads = [(key, OCCURRENCE + own) for key in pointers(self._event)]
        return (*((own, value) for value in values), *leads)
