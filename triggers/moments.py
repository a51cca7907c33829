"""A moment: one person in one occurrence as known at one entry, the value that conditions are asked about.

Nothing here decides; a moment answers what was known. Unknown is None and never false.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.attributes import Grade, Handling
from domain.kinds import SUSPECT_ROLES, Feed, Role
from domain.matches import LinkLearnt, Relation
from triggers.gate import GateDecision, gate
from triggers.history import HistoryEntry, Order
from triggers.occurrences import Occurrence, Told, Values
from triggers.reference import Reference
from triggers.standing import Person

ADULT_SUSPECT_AGE = 10
"""Nobody below this age is ever read as a suspect (rules.md section 3: age on the day of the event)."""


WHOM_IT_IS_ABOUT: Mapping[str, frozenset[Role]] = {
    "ed": frozenset({Role.PATIENT, Role.VICTIM}),
    "custody": SUSPECT_ROLES,
    "arrest": SUSPECT_ROLES,
    "missing": frozenset({Role.MISSING, Role.VICTIM}),
    "nrm": frozenset({Role.VICTIM, Role.NAMED}),
    "exploitation": frozenset({Role.VICTIM, Role.NAMED}),
    "intel": frozenset(Role) - {Role.WITNESS, Role.REPORTING, Role.HOUSEHOLD},
}
"""The roles of the person whom a record of the family is about: its natural one and those that mean the same person.
Intelligence is about all it names ("associate/named in text" is one role, domain.md 2.3). Crimes, searches, logs and
domestic abuse are left out: there the rules say which role they read, or that any counts."""


@dataclass(slots=True, eq=False)
class Moment:
    """`count` and `fired` are filled only where a rule's priority is decided: how many stand in the window, and
    which other rules fired for the same ground; `past` only
    where the rule asks what happened before. `at` is event time: of the entry, or when an absence was due, which
    `step` may name.

    A value like the others, never changed once made; it is not marked frozen because thousands are made a second and a
    frozen dataclass takes three times as long to make.
    """

    occurrence: Occurrence
    entry: HistoryEntry
    values: Values
    roles: frozenset[Role]
    subject: str
    relation: Relation
    person: Person
    reference: Reference
    at: datetime
    order: Order
    count: int | None = None
    fired: Callable[[str], bool] | None = None
    step: str = ""
    past: Mapping[str, Any] | None = None
    _codes: frozenset[str] | None = None
    _corrections: "tuple[Moment, ...] | None" = None

    @property
    def feed(self) -> Feed:
        """The feed that told it."""
        return self.entry.feed

    @property
    def codes(self) -> frozenset[str]:
        """Offence codes: the crime's own and those of an arrest or custody, upper case."""
        known = self._codes
        if known is None:
            own, listed = self.values.get("ho_code"), self.values.get("offences")
            codes = [*(listed or ()), *((own,) if own else ())]
            known = self._codes = frozenset(map(str.upper, codes)) if codes else _NO_CODES
        return known

    def under_ten(self) -> bool:
        """Whether the member is about themselves and was below the age at which suspect roles are read when it began:
        what a child of nine did stays so, whatever is told of it after the birthday."""
        if self.relation is not Relation.SELF:
            return False
        began = self.occurrence.started_at
        return self.person.under(ADULT_SUSPECT_AGE, began if began < self.at else self.at)

    def bystander(self) -> bool:
        """Whether the person has only other parts in a record that is about somebody else: whoever reported a child
        missing, who witnessed what another is in custody for. Where no role is known they are whom it is about."""
        own = WHOM_IT_IS_ABOUT.get(self.occurrence.family)
        return own is not None and bool(self.roles) and self.roles.isdisjoint(own)

    def gate(self) -> GateDecision:
        """What the intelligence gatekeeper's rule says of the report as known here."""
        handling = self.values.get("handling_given", Handling.NONE)
        released = bool(self.values.get("sanitised"))
        return gate(self.values.get("grade", Grade()), handling, released=released)

    def corrections(self) -> "tuple[Moment, ...]":
        """The same moment as each later telling of its occurrence corrected it, in order; the last is as corrected for
        good. Empty where none ever did. What was taken away and came again is among them without it."""
        known = self._corrections
        if known is None:
            known = self._corrections = tuple(self._as_told_after())
        return known

    def _as_told_after(self) -> "Iterator[Moment]":
        occurrence = self.occurrence
        if self.values is occurrence.final and self.roles is occurrence.final_roles.get(self.subject, _NO_ROLES):
            return
        values, roles = self.values, self.roles
        for row in occurrence.wordings_after(self.entry):
            now = row.values if row.values is self.values else occurrence.reworded(self.values, row.values)
            left = self.roles & row.roles.get(self.subject, _NO_ROLES)
            if left != roles or now != values:
                values, roles = now, left
                yield self._with(values, roles)

    def worded_as(self, later: "Moment") -> "Moment":
        """The same moment in the words of a later one of its occurrence: what was told later had been so already."""
        return self._with(self.occurrence.reworded(self.values, later.values), self.roles)

    def in_roles_of(self, later: "Moment") -> "Moment":
        """The same moment with the roles of a later one of its occurrence: who was named later had been it already."""
        return self._with(self.values, later.roles)

    def without_suspect_roles(self) -> "Moment":
        """The same moment read without suspect roles (the under-ten guard)."""
        return self._with(self.values, self.roles - SUSPECT_ROLES)

    def _with(self, values: Values, roles: frozenset[Role]) -> "Moment":
        return Moment(
            self.occurrence, self.entry, values, roles, self.subject, self.relation, self.person, self.reference,
            self.at, self.order, self.count, self.fired, self.step, self.past,
        )  # fmt: skip

    def at_instant(self, at: datetime, step: str) -> "Moment":
        """What was known at this moment, judged at a later instant: when an absence was due, after all else then."""
        moment = self._with(self.values, self.roles)
        moment.at, moment.step = at, step
        moment.order = (at, _AFTER_ALL, at, (f"~{step}~", *self.order[3]))
        return moment

    @property
    def linked(self) -> LinkLearnt | None:
        """When the link with the subject was learnt, where that was after this moment; None where it stood then."""
        linked = self.occurrence.links.get(self.subject)
        return None if linked is None or linked.at <= self.entry.occurred_at else linked

    def when_linked(self, linked: LinkLearnt) -> "Moment":
        """The same moment when the link was learnt through which it is heard: only then it concerns the listener."""
        return self.at_instant(linked.at, self.step)

    def at_firing(self, other: "Moment") -> "Moment":
        """The same person and occurrence as known at a later moment of it, at which another rule fired. What the past
        answered stays; where that rule fired on another occurrence, so does what was known."""
        same = other.occurrence.key == self.occurrence.key
        told = next((row for row in other.occurrence.told if row.entry is other.entry), None) if same else None
        moment = self._with(
            self.values if told is None else told.values,
            self.roles if told is None else told.roles.get(self.subject, _NO_ROLES),
        )
        moment.occurrence = other.occurrence if same else self.occurrence
        moment.entry, moment.at, moment.order = other.entry, other.at, other.order
        return moment

    def recalling(self, past: Mapping[str, Any]) -> "Moment":
        """The same moment with what the past answered (recalling.py)."""
        moment = self._with(self.values, self.roles)
        moment.past, moment._codes = past, self._codes
        return moment

    def asked_by(self, count: int | None, fired: Callable[[str], bool]) -> "Moment":
        """The same moment for a rule's tables: with how many stand in its window, and what fired for the ground."""
        moment = self._with(self.values, self.roles)
        moment.count, moment.fired, moment._codes = count, fired, self._codes
        return moment


_AFTER_ALL = 2**62
"""Above every sequence number: an absence is judged after everything of its instant."""

_NO_CODES: frozenset[str] = frozenset()
_NO_ROLES: frozenset[Role] = frozenset()


def moment_of(told: Told, occurrence: Occurrence, subject: str, person: Person, reference: Reference) -> Moment:
    """The moment of `subject` at one row of a folded occurrence."""
    entry = told.entry
    return Moment(
        occurrence,
        entry,
        told.values,
        told.roles.get(subject, _NO_ROLES),
        subject,
        occurrence.relations[subject],
        person,
        reference,
        entry.occurred_at,
        told.order,
    )
