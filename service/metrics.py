"""What Prometheus is told: the books, the clocks and the channels. Labels come from closed lists, never from people."""

from collections.abc import Collection, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alerts.breaker import Flood, FloodKind
from alerts.held_back import HeldState
from alerts.model import Delivery
from alerts.snooze import Snoozes, SnoozeState
from domain.events import Event
from domain.triggers import Priority
from service.rule_watch import Judgement, Verdict
from streams.archiver import ArchiveState
from streams.lookback_ports import Progress
from streams.messages import ItemReceipt
from streams.ports import Commit, Recognised
from streams.tallies import SeenFault
from streams.timer_ports import Waiting

_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_OFF = {Verdict.QUIET: -1, Verdict.FLOODING: 1}


class Metrics:
    """One registry per process; the API serves it at /metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.taken = Counter(
            "reachpoint_records_total", "Records handed in", ["feed", "result"], registry=self.registry
        )
        self.recognised = Counter(
            "reachpoint_recognised_total", "Events through recognition", ["feed", "result"], registry=self.registry
        )
        self.parts = Counter(
            "reachpoint_decided_total", "Decided parts by ending", ["feed", "ending", "why"], registry=self.registry
        )
        self.fired = Counter("reachpoint_fired_total", "Firings told", ["rule", "priority"], registry=self.registry)
        self.alerts = Counter("reachpoint_alert_changes_total", "Changes of alerts", ["state"], registry=self.registry)
        self.attempts = Counter(
            "reachpoint_deliveries_total", "Attempts to hand over", ["channel", "status"], registry=self.registry
        )
        self.decide_seconds = Histogram(
            "reachpoint_decide_seconds", "From acceptance to the commit", buckets=_LATENCY, registry=self.registry
        )
        self.hand_over_seconds = Histogram(
            "reachpoint_hand_over_seconds",
            "From the acceptance of an event to the hand-over of its message",
            ["channel"],
            buckets=_LATENCY,
            registry=self.registry,
        )
        self.in_flight = Gauge("reachpoint_in_flight", "Accepted events without an ending", registry=self.registry)
        self.stuck = Gauge(
            "reachpoint_stuck", "Accepted events without an ending for over a minute", registry=self.registry
        )
        self.balanced = Gauge(
            "reachpoint_ledger_balanced", "1 while accepted = disposed + in flight", registry=self.registry
        )
        self.last_received = Gauge(
            "reachpoint_feed_last_received_timestamp_seconds",
            "When a feed last spoke",
            ["feed"],
            registry=self.registry,
        )
        self.kafka_lag = Gauge(
            "reachpoint_kafka_lag", "Messages that wait in Kafka", ["topic", "partition"], registry=self.registry
        )
        self.kafka_passed_over = Counter(
            "reachpoint_kafka_passed_over_total",
            "Messages that the client had passed over, fetched and handled by the watch",
            registry=self.registry,
        )
        self.kafka_in_hand = Gauge(
            "reachpoint_kafka_in_hand", "Messages of Kafka's that this worker is at", registry=self.registry
        )
        self.kafka_set_aside = Counter(
            "reachpoint_kafka_set_aside_total",
            "Messages that could not be handled and went to the quarantine topic",
            registry=self.registry,
        )
        self.alerts_published = Counter(
            "reachpoint_alerts_published_total", "Changes of alerts on the alerts topic", registry=self.registry
        )
        self.alerts_unpublished = Gauge(
            "reachpoint_alerts_unpublished", "Changes of alerts still to be published", registry=self.registry
        )
        self.members = Gauge("reachpoint_cohort_members", "Watched people in the index", registry=self.registry)
        self.cohort_version = Gauge("reachpoint_cohort_version", "Version of the index", registry=self.registry)
        self.outbox = Gauge("reachpoint_outbox_pending", "Messages waiting", ["channel"], registry=self.registry)
        self.timers_waiting = Gauge(
            "reachpoint_timers_waiting", "People for whom something will be due", registry=self.registry
        )
        self.timers_overdue = Gauge(
            "reachpoint_timers_overdue_seconds", "How long the oldest timer is overdue", registry=self.registry
        )
        self.timers_planning = Gauge(
            "reachpoint_timers_planning_backlog", "People whose timers are being worked out", registry=self.registry
        )
        self.timers_rung = Counter(
            "reachpoint_timers_rung_total", "People for whom something came about by the clock", registry=self.registry
        )
        self.lookback_left = Gauge(
            "reachpoint_lookback_backlog", "Retained events still to be looked back on", registry=self.registry
        )
        self.lookback_found = Counter(
            "reachpoint_lookback_found_total", "Found late by look-back", ["what"], registry=self.registry
        )
        self.rules_version = Gauge(
            "reachpoint_rules_version",
            "Version of the rules that decide; 0: none of the book's",
            registry=self.registry,
        )
        self.rules_off = Gauge("reachpoint_rules_switched_off", "Rules that are switched off", registry=self.registry)
        self.rules_trouble = Gauge(
            "reachpoint_rules_trouble", "1 while the live version cannot be followed", registry=self.registry
        )
        self.reviews_waiting = Gauge("reachpoint_reviews_waiting", "Doubtful matches that wait", registry=self.registry)
        self.reviews_oldest = Gauge(
            "reachpoint_reviews_oldest_seconds", "Age of the doubtful match that waits longest", registry=self.registry
        )
        self.reviews_steps = Gauge(
            "reachpoint_reviews_steps",
            "Decisions, undos and expiries of reviews since the store was made",
            ["outcome"],
            registry=self.registry,
        )
        self.archive_waiting = Gauge(
            "reachpoint_archive_waiting", "Records that wait to be archived", registry=self.registry
        )
        self.archive_files = Gauge("reachpoint_archive_files", "Files of the archive", registry=self.registry)
        self.archive_damaged = Gauge(
            "reachpoint_archive_damaged_files", "Files of the archive that cannot be read", registry=self.registry
        )
        self.archive_oldest = Gauge(
            "reachpoint_archive_oldest_timestamp_seconds", "The oldest archived record", registry=self.registry
        )
        self.intake_waiting = Gauge(
            "reachpoint_intake_waiting", "Records waiting for the next flush", registry=self.registry
        )

        self.held_back = Counter(
            "reachpoint_held_back_total", "Firings told to nobody", ["rule", "why"], registry=self.registry
        )
        self.unjudged = Counter(
            "reachpoint_rule_unjudged_total",
            "Decisions that a rule was left out of, because it could not be judged",
            ["rule"],
            registry=self.registry,
        )
        self.faults = Gauge(
            "reachpoint_faults_last_day",
            "Faults of ours met in the last day: rules that could not be judged, causes of whole events set aside",
            ["of"],
            registry=self.registry,
        )
        self.digested = Counter(
            "reachpoint_digested_total", "Rounds of messages held in the digest", ["by"], registry=self.registry
        )
        self.snoozes = Gauge("reachpoint_snoozes_active", "Rules quiet for somebody", registry=self.registry)
        self.breakers = Gauge("reachpoint_breakers_open", "Breakers that are open", ["kind"], registry=self.registry)

        self.rule_expected = Gauge(
            "reachpoint_rule_expected_per_week", "Firings that a rule was forecast", ["rule"], registry=self.registry
        )
        self.rule_last_week = Gauge(
            "reachpoint_rule_fired_last_week",
            "Firings of a rule in the last seven days",
            ["rule"],
            registry=self.registry,
        )
        self.rule_off = Gauge(
            "reachpoint_rule_off_forecast",
            "-1 far too quiet, 1 far too loud, 0 neither",
            ["rule"],
            registry=self.registry,
        )

    def on_receipts(self, feed: str, receipts: Sequence[ItemReceipt]) -> None:
        """Records were answered."""
        for receipt in receipts:
            self.taken.labels(feed, receipt.kind.value).inc()

    def on_rules(self, version: int, off: Collection[str], *, trouble: bool) -> None:
        """Which rules decide."""
        self.rules_version.set(version)
        self.rules_off.set(len(off))
        self.rules_trouble.set(1 if trouble else 0)

    def on_recognised(self, results: Sequence[Recognised]) -> None:
        """A batch went through recognition."""
        for result in results:
            outcome = "matched" if result.parts else result.dispositions[0][1].ending.value
            self.recognised.labels(result.event.feed.value, outcome).inc()

    def on_decided(self, commit: Commit, event: Event, now: datetime) -> None:
        """A decision was committed."""
        disposition = commit.disposition
        why = "" if disposition.ending.value == "alert" else disposition.why
        self.parts.labels(event.feed.value, disposition.ending.value, why).inc()
        self.decide_seconds.observe(max(0.0, (now - event.received_at).total_seconds()))
        self._count_told(commit)

    def on_faults(self, seen: Sequence[SeenFault]) -> None:
        """What could not be judged in the last day."""
        self.faults.labels("rules").set(len({(fault.rule_id, fault.version) for fault in seen if fault.rule_id}))
        self.faults.labels("events").set(sum(not fault.rule_id for fault in seen))

    def _count_told(self, commit: Commit) -> None:
        for fault in commit.unjudged:
            self.unjudged.labels(fault.rule_id).inc()
        for alert, previous in commit.alerts:
            if previous is None or alert.state is not previous.state:
                self.alerts.labels(alert.state.value).inc()
            known = {record.trigger.firing_id for record in previous.triggers} if previous else set()
            for record in alert.triggers:
                if record.trigger.firing_id not in known:
                    self.fired.labels(record.trigger.rule_id, record.trigger.priority.value).inc()
        for kept in commit.held_back:
            if kept.state is HeldState.HELD:
                self.held_back.labels(kept.trigger.rule_id, kept.why.value).inc()
        for sent in commit.sent:
            if sent.held_by is not None:
                self.digested.labels(sent.held_by.kind.value).inc()

    def on_quieting(self, snoozes: Snoozes, flood: Flood, now: datetime) -> None:
        """How much is quiet and what floods at `now`."""
        standing = (one for found in snoozes.by_pair.values() for one in found)
        self.snoozes.set(sum(one.state_at(now) is SnoozeState.ACTIVE for one in standing))
        keys = flood.at_once.came.keys() | flood.planned.came.keys()
        for kind in FloodKind:
            own = (key for key in keys if key.kind is kind)
            count = sum(flood.is_open(key) or flood.is_open(key, Priority.P3) for key in own)
            self.breakers.labels(kind.value).set(count)

    def on_rules_judged(self, judged: Sequence[Judgement]) -> None:
        """Rules, and groups of them, were held against their forecasts. Labels are the live rules' ids."""
        for gauge in (self.rule_expected, self.rule_last_week, self.rule_off):
            gauge.clear()
        for one in judged:
            self.rule_last_week.labels(one.name).set(one.last_week)
            self.rule_off.labels(one.name).set(_OFF.get(one.verdict, 0))
            if one.per_week is not None:
                self.rule_expected.labels(one.name).set(one.per_week)

    def on_rang(self, commit: Commit) -> None:
        """The clock brought something about for a person."""
        if commit.fired or not commit.unjudged:
            self.timers_rung.inc()
        self._count_told(commit)

    def on_waiting(self, waiting: Waiting, planning: int, now: datetime) -> None:
        """How much waits, how late the oldest of it is, and for how many it is being worked out."""
        overdue = (now - waiting.first).total_seconds() if waiting.first else 0.0
        self.timers_waiting.set(waiting.people)
        self.timers_overdue.set(max(0.0, overdue))
        self.timers_planning.set(planning)

    def on_looked_back(self, progress: Progress, parts: int, reviews: int) -> None:
        """A page of retained events was looked back on."""
        self.lookback_left.set(progress.left)
        self.lookback_found.labels("part").inc(parts)
        self.lookback_found.labels("review").inc(reviews)

    def on_archived(self, state: ArchiveState) -> None:
        """The archive was written to."""
        self.archive_waiting.set(state.waiting)
        self.archive_files.set(state.holding.files)
        self.archive_damaged.set(len(state.holding.damaged))
        self.archive_oldest.set(state.holding.oldest.timestamp() if state.holding.oldest else 0)

    def on_attempt(self, row: Delivery) -> None:
        """A message was tried."""
        self.attempts.labels(row.channel.value, row.status.value).inc()

    def on_handed(self, row: Delivery, at: datetime) -> None:
        """A provider took a message."""
        self.hand_over_seconds.labels(row.channel.value).observe(
            max(0.0, (at - (row.caused_at or row.created_at)).total_seconds())
        )
