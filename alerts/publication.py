"""What other systems are told when an alert changes: the message on the alerts topic, as a value, and its JSON Schema.

Disclosure fails closed: ids, times and closed words only. No name, address, reason, headline or note is in it;
intelligence is the gatekeeper's and is not published at all; of an alert on health, the rules are left out, because a
person's id stands beside them.
"""

from dataclasses import dataclass
from datetime import datetime
from inspect import getdoc
from typing import Any

import msgspec

from alerts.model import Alert, AlertState, Happening, Outcome
from domain.ids import AlertId, MemberId, NavigatorId, RuleId
from domain.triggers import Priority, Sensitivity

_REF = "#/$defs/{name}"


@dataclass(frozen=True, slots=True)
class PublishedChange:
    """One change of an alert, as it stands after it. At least once, in order for each alert: of two messages about
    one alert the one with the higher `version` holds, and one that is not higher than what you have is a repeat.

    `what` is what the time line gained, oldest first; it is empty where only the sending of messages moved on. `rules`
    are the ids of the rules that still carry the alert; they are left out of alerts on health. `merged_into` is the
    alert that goes on in its place.
    """

    alert_id: AlertId
    version: int
    reference: str
    member_id: MemberId
    navigator_id: NavigatorId | None
    programme: str
    area: str
    state: AlertState
    priority: Priority
    what: tuple[Happening, ...]
    rules: tuple[RuleId, ...]
    outcome: Outcome | None
    merged_into: AlertId | None
    raised_at: datetime
    changed_at: datetime
    notify_by: datetime
    acknowledge_by: datetime
    contact_by: datetime


def published_change(alert: Alert, previous: Alert | None) -> PublishedChange | None:
    """What is told of the step from `previous` (None: there was none) to `alert`; None where nobody may be told."""
    if alert.sensitivity is Sensitivity.INTEL:
        return None
    told = len(previous.timeline) if previous else 0
    open_to_all = alert.sensitivity is Sensitivity.STANDARD
    return PublishedChange(
        alert_id=alert.alert_id,
        version=alert.version,
        reference=alert.reference,
        member_id=alert.member_id,
        navigator_id=alert.navigator_id,
        programme=alert.programme,
        area=alert.area,
        state=alert.state,
        priority=alert.priority,
        what=tuple(entry.what for entry in alert.timeline[told:]),
        rules=tuple(dict.fromkeys(trigger.rule_id for trigger in alert.live)) if open_to_all else (),
        outcome=alert.outcome,
        merged_into=alert.merged_into,
        raised_at=alert.raised_at,
        changed_at=alert.updated_at,
        notify_by=alert.clocks.notify_by,
        acknowledge_by=alert.clocks.acknowledge_by,
        contact_by=alert.clocks.contact_by,
    )


def encode_change(change: PublishedChange) -> bytes:
    """The value of the message: one JSON object."""
    return msgspec.json.encode(change)


def decode_change(value: bytes) -> PublishedChange:
    """The change of a message."""
    return msgspec.json.decode(value, type=PublishedChange)


def change_schema() -> dict[str, Any]:
    """The schema of the message (JSON Schema 2020-12): nothing but these fields, all of them always there."""
    (head,), shared = msgspec.json.schema_components([PublishedChange], ref_template=_REF)
    change = shared.pop(head["$ref"].removeprefix("#/$defs/"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A change of an alert, on the alerts topic",
        **{name: value for name, value in change.items() if name != "title"},
        "description": getdoc(PublishedChange),
        "additionalProperties": False,
        "$defs": shared,
    }
