"""Every address of the API with its endpoint, what it answers and what can go wrong: the table that the app and the
OpenAPI document are both made from.
"""

from collections.abc import Mapping
from typing import Any

from api.alerts import AlertDoors
from api.bodies import Acting, Closing, Deciding, Judging, Undoing
from api.desk import DeskDoors
from api.door_spec import COMMAND, DoorSpec
from api.feeds import FeedDoors
from api.health import HealthDoors
from api.problems import ProblemKind as P
from api.review_shapes import ReviewDecided, ReviewDetail, ReviewList
from api.reviews import ReviewDoors
from api.shapes import (
    AlertCounts,
    AlertDetail,
    AlertsPage,
    Alive,
    EventEnding,
    FeedsList,
    HeldDetail,
    HeldList,
    LedgerShown,
    QuarantineDetail,
    QuarantineList,
    ReadyShown,
    Receipts,
    Replayed,
)

FEED_BODY: Mapping[str, Any] = {
    "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line (docs/feeds.md)."}},
    "application/json": {
        "schema": {
            "oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}],
            "description": "One event or an array of them (docs/feeds.md).",
        }
    },
    "application/hl7-v2": {"schema": {"type": "string", "description": "ED only: er7, one message or more."}},
}
"""What feeds send. Their own shape is docs/feeds.md: a record that does not fit it is quarantined, not refused."""


def doors(
    feeds: FeedDoors, alerts: AlertDoors, desk: DeskDoors, reviews: ReviewDoors, health: HealthDoors
) -> tuple[DoorSpec, ...]:
    """All addresses under /v1 but those of the rule book (`rule_doors.py`), in the order in which they are matched."""
    return (
        *_feed_doors(feeds),
        *_alert_doors(alerts),
        *_desk_doors(desk),
        *_review_doors(reviews),
        *_health_doors(health),
    )


def _feed_doors(feeds: FeedDoors) -> tuple[DoorSpec, ...]:
    taking = (P.INVALID, P.TOO_LARGE, P.TOO_SLOW, P.UNSUPPORTED_MEDIA)
    return (
        DoorSpec(
            "POST",
            "/v1/feeds/{feed}/events",
            feeds.take,
            "Feeds",
            "Hand in events",
            Receipts,
            problems=taking,
            body=FEED_BODY,
        ),
        DoorSpec("GET", "/v1/feeds", feeds.feeds, "Feeds", "How the feeds stand", FeedsList, polled=True),
        DoorSpec("GET", "/v1/ledger", feeds.ledger, "Feeds", "The books", LedgerShown, polled=True),
        DoorSpec(
            "GET",
            "/v1/ledger/events/{event_id}",
            feeds.ending,
            "Feeds",
            "How one event ended",
            EventEnding,
            polled=True,
            problems=(P.NOT_FOUND,),
        ),
    )


def _alert_doors(alerts: AlertDoors) -> tuple[DoorSpec, ...]:
    at = "/v1/alerts/{reference}"
    act = (*COMMAND, P.VERSION_NEEDED)
    return (
        DoorSpec(
            "GET",
            "/v1/alerts",
            alerts.page,
            "Alerts",
            "List alerts",
            AlertsPage,
            polled=True,
            problems=(P.INVALID,),
        ),
        DoorSpec("GET", "/v1/alerts/counts", alerts.counts, "Alerts", "Count alerts", AlertCounts, polled=True),
        DoorSpec("GET", at, alerts.one, "Alerts", "One alert", AlertDetail, polled=True, problems=(P.NOT_FOUND,)),
        DoorSpec("POST", f"{at}/accept", alerts.accept, "Alerts", "Accept", AlertDetail, problems=act, body=Acting),
        DoorSpec(
            "POST",
            f"{at}/contact",
            alerts.contact,
            "Alerts",
            "Record a contact",
            AlertDetail,
            problems=act,
            body=Acting,
        ),
        DoorSpec(
            "POST",
            f"{at}/outcome",
            alerts.outcome,
            "Alerts",
            "Record the outcome",
            AlertDetail,
            problems=act,
            body=Closing,
        ),
    )


def _desk_doors(desk: DeskDoors) -> tuple[DoorSpec, ...]:
    item = "/v1/quarantine/{item_id}"
    held = "/v1/gatekeeper/{held_id}"
    return (
        DoorSpec(
            "GET",
            "/v1/quarantine",
            desk.quarantine,
            "Desk",
            "Records that could not be taken",
            QuarantineList,
            polled=True,
            problems=(P.INVALID,),
        ),
        DoorSpec(
            "GET",
            item,
            desk.quarantine_item,
            "Desk",
            "One such record",
            QuarantineDetail,
            polled=True,
            problems=(P.NOT_FOUND,),
        ),
        DoorSpec(
            "POST",
            f"{item}/replay",
            desk.replay,
            "Desk",
            "Take it again",
            Replayed,
            problems=(P.NOT_FOUND, P.CONFLICT, P.UNSUPPORTED_MEDIA),
        ),
        DoorSpec(
            "GET",
            "/v1/gatekeeper",
            desk.held,
            "Gatekeeper",
            "Held intelligence",
            HeldList,
            polled=True,
            problems=(P.INVALID,),
        ),
        *(
            DoorSpec(
                "POST",
                f"{held}/{word}",
                endpoint,
                "Gatekeeper",
                summary,
                HeldDetail,
                problems=COMMAND,
                body=Deciding,
            )
            for word, endpoint, summary in (
                ("release", desk.release, "Release it"),
                ("refuse", desk.refuse, "Refuse it"),
            )
        ),
    )


def _review_doors(reviews: ReviewDoors) -> tuple[DoorSpec, ...]:
    at = "/v1/reviews/{review_id}"
    act = (*COMMAND, P.VERSION_NEEDED, P.NOT_PERMITTED_NOW)
    return (
        DoorSpec(
            "GET",
            "/v1/reviews",
            reviews.page,
            "Reviews",
            "Doubtful matches",
            ReviewList,
            polled=True,
            problems=(P.INVALID,),
        ),
        DoorSpec(
            "GET",
            at,
            reviews.one,
            "Reviews",
            "One, with both sides",
            ReviewDetail,
            polled=True,
            problems=(P.NOT_FOUND,),
        ),
        DoorSpec(
            "POST", f"{at}/decisions", reviews.decide, "Reviews", "Decide", ReviewDecided, problems=act, body=Judging
        ),
        DoorSpec(
            "POST", f"{at}/undo", reviews.undo, "Reviews", "Undo a decision", ReviewDecided, problems=act, body=Undoing
        ),
    )


def _health_doors(health: HealthDoors) -> tuple[DoorSpec, ...]:
    return (
        DoorSpec("GET", "/v1/health", health.health, "Service", "Alive", Alive),
        DoorSpec("GET", "/v1/ready", health.ready, "Service", "Ready", ReadyShown, also={503: ReadyShown}),
    )
