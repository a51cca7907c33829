"""Everything the API is given, once, by the front door."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from alerts.ports import AlertStore
from api.ports import Books, Desk, FeedIntake, Freshness, KeyStore, PeopleView, Readiness
from api.quiet_ports import QuietDesk
from api.review_ports import Reviews
from api.rule_shapes import RulesInForce
from domain.clock import Clock
from triggers.lifecycle_desk import RuleDesk


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """The other rooms behind their ports. `registry` is served at /metrics; the API adds its own figures to it."""

    intake: FeedIntake
    books: Books
    desk: Desk
    reviews: Reviews
    rules: RuleDesk
    rules_in_force: RulesInForce
    quiet: QuietDesk
    alerts: AlertStore
    people: PeopleView
    freshness: Freshness
    readiness: Readiness
    keys: KeyStore
    clock: Clock
    registry: CollectorRegistry
