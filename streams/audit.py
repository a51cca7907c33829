"""Who looked at whom, who decided what about whom, and why: the entries that the law wants kept (DPA 2018 s62).

Subjects are ids; there is no name and no number in an entry. `previous` is kept free for the hash of the entry before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.ids import MemberId


class Operation(StrEnum):
    """The operations that must be logged (domain.md 7.2)."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One operation. `subjects` are the members concerned, `about` the thing (`review:<id>`), `what` its word."""

    at: datetime
    who: str
    role: str
    operation: Operation
    what: str
    about: str
    subjects: tuple[MemberId, ...] = ()
    reason: str = field(default="", repr=False)
    previous: str = ""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An entry at its place in the log."""

    position: str
    entry: AuditEntry


class AuditLog(Protocol):
    """An append-only log. Nothing of ours changes or removes what is in it."""

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries. Raises StoreUnavailable: then nothing was written."""

    async def read(self, after: str = "", limit: int = 100) -> list[AuditLine]:
        """Entries behind a position, in order."""
