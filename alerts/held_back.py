"""What fired and was told to nobody: recorded with what it was, why, and what became of it. Pure.

Detection fails open, so keeping quiet is a decision that leaves a record: a snooze, a cap, a moment that has passed.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.ids import MemberId
from domain.triggers import TriggerFired


class HeldWhy(StrEnum):
    """Why a firing was told to nobody: the word in the ledger (`suppressed:<why>`) and the metric's label."""

    SNOOZED = "snoozed"
    CAP = "cap"  # the person has had so many alerts of this rule, and none is open to join
    EXPIRED = "expired"  # its moment had passed when we learnt of it


class HeldState(StrEnum):
    """What became of it since."""

    HELD = "held"
    TOLD = "told"  # after all: the snooze was over, and it would have kept a newer event quiet
    WITHDRAWN = "withdrawn"  # its ground was taken away, or another firing stands in its place


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A firing that was told to nobody. `at` is processing time; `snooze_id` is set for what a snooze held."""

    trigger: TriggerFired
    why: HeldWhy
    at: datetime
    snooze_id: str = ""
    state: HeldState = HeldState.HELD
    changed_at: datetime | None = None

    @property
    def member_id(self) -> MemberId:
        """Whom it is about."""
        return self.trigger.member_id

    def become(self, state: HeldState, now: datetime) -> "HeldBack":
        """The record after something became of it at `now`."""
        return replace(self, state=state, changed_at=now)
