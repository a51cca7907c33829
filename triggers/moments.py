"""A moment: one person in one occurrence as known at one entry, the value that conditions are asked about.

Nothing here decides; a moment answers what was known. Unknown is None and never false.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.events import SUSPECT_ROLES, Feed, Grade, Handling, Role
from domain.matches import Relation
from triggers.gate import GateDecision, gate
from triggers.history import HistoryEntry
from triggers.occurrences import Occurrence, Told, Values
from triggers.reference import Reference
from triggers.standing import Person

ADULT_SUSPECT_AGE = 10
"""Nobody below this age is ever read as a suspect (rules.md section 3: age on the day of the event)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`count` and `fired` are filled only where a rule's priority is decided: how many stand in the window, and
    which other rules fired for the same ground."""

    occurrence: Occurrence
    entry: HistoryEntry
    values: Values
    roles: frozenset[Role]
    subject: str
    relation: Relation
    person: Person
    reference: Reference
    count: int | None = None
    fired: Callable[[str], bool] | None = None

    @property
    def at(self) -> datetime:
        """Event time of the entry."""
        return self.entry.occurred_at

    @property
    def feed(self) -> Feed:
        """The feed that told it."""
        return self.entry.feed

    @property
    def codes(self) -> frozenset[str]:
        """Offence codes: the crime's own and those of an arrest or custody, upper case."""
        own = self.values.get("ho_code")
        listed = self.values.get("offences", ())
        return frozenset(code.upper() for code in (*listed, *((own,) if own else ())))

    def under_ten(self) -> bool:
        """Whether the member is about themselves and below the age at which suspect roles are read."""
        if self.relation is not Relation.SELF:
            return False
        age = self.person.age(self.at)
        return age is not None and age < ADULT_SUSPECT_AGE

    def gate(self) -> GateDecision:
        """What the intelligence gatekeeper's rule says of the report as known here."""
        handling = self.values.get("handling_given", Handling.NONE)
        released = bool(self.values.get("sanitised"))
        return gate(self.values.get("grade", Grade()), handling, released=released)

    def corrected(self) -> "Moment":
        """The same moment with every correctable attribute, and the roles, at their final values."""
        occurrence = self.occurrence
        if self.values is occurrence.final and self.roles == occurrence.final_roles.get(self.subject):
            return self
        roles = self.roles & occurrence.final_roles.get(self.subject, frozenset())
        return replace(self, values=occurrence.corrected_values(self.values), roles=roles)

    def without_suspect_roles(self) -> "Moment":
        """The same moment read without suspect roles (the under-ten guard)."""
        return replace(self, roles=self.roles - SUSPECT_ROLES)


def moment_of(told: Told, *, occurrence: Occurrence, subject: str, person: Person, reference: Reference) -> Moment:
    """The moment of `subject` at one row of a folded occurrence."""
    return Moment(
        occurrence=occurrence,
        entry=told.entry,
        values=told.values,
        roles=told.roles.get(subject, frozenset()),
        subject=subject,
        relation=occurrence.relations[subject],
        person=person,
        reference=reference,
    )
