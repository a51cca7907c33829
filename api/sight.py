"""How much of an alert somebody sees. Disclosure fails closed: what no line here grants is not shown.

The rule of design.md section 2: whoever has to go there sees who it is; whoever counts sees figures; intelligence is
the gatekeeper's; a health crisis is for health-approved people (rules.md on rule 5). Pure: tested as a table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from alerts.lifecycle import TELLING, WAITING_FOR_SOMEBODY
from alerts.model import Alert, Delivery
from api.keys import AccessRole
from domain.ids import NavigatorId
from domain.triggers import Sensitivity


class Sight(StrEnum):
    """How much is shown."""

    NOTHING = "nothing"  # the alert does not exist for this reader
    FIGURES = "figures"  # state, priority, area, clocks, rules: what a dashboard may show
    CASE = "case"  # also why, the time line, whom it concerns by id: no identity
    PERSON = "person"  # also who it is and how to go there safely


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. `health_approved` is that of the navigator bound to the key."""

    role: AccessRole
    navigator_id: NavigatorId | None = None
    health_approved: bool = False


def sight_of(alert: Alert, viewer: Viewer, deliveries: Iterable[Delivery] = ()) -> Sight:
    """What this viewer sees of this alert. `deliveries` are its messages, for navigators who were told as cover."""
    if alert.sensitivity is Sensitivity.INTEL:
        return Sight.CASE if viewer.role in {AccessRole.GATEKEEPER, AccessRole.AUDITOR} else Sight.NOTHING
    hidden = alert.sensitivity is Sensitivity.HEALTH and not viewer.health_approved
    match viewer.role:
        case AccessRole.DASHBOARD:
            return Sight.FIGURES
        case AccessRole.AUDITOR:
            return Sight.CASE
        case AccessRole.SUPERVISOR:
            return Sight.FIGURES if hidden else Sight.PERSON
        case AccessRole.ANALYST:
            return Sight.FIGURES if hidden else Sight.CASE
        case AccessRole.NAVIGATOR:
            return Sight.NOTHING if hidden else _navigator_sight(alert, viewer.navigator_id, deliveries)
        case _:
            return Sight.NOTHING


def _navigator_sight(alert: Alert, navigator: NavigatorId | None, deliveries: Iterable[Delivery]) -> Sight:
    """All of an alert that is with them, or that they were told of while nobody has it; else only that it is taken."""
    if navigator is None:
        return Sight.NOTHING
    if alert.navigator_id == navigator:
        return Sight.PERSON
    told = any(row.recipient_id == navigator and row.purpose in TELLING and row.told for row in deliveries)
    if not told:
        return Sight.NOTHING
    return Sight.PERSON if alert.state in WAITING_FOR_SOMEBODY else Sight.FIGURES


def sees_notes(viewer: Viewer) -> bool:
    """Whether the service's own notes on the time line, and the names of rules on intelligence, are shown."""
    return viewer.role in {AccessRole.SUPERVISOR, AccessRole.AUDITOR, AccessRole.GATEKEEPER}
