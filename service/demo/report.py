"""The demo's last page, for a stranger: what came in, what it meant, who was told, and whether it was right."""

from collections import Counter
from collections.abc import Mapping

from rich.panel import Panel
from rich.text import Text

from alerts.model import Alert
from fixtures.force import Force
from service.demo.gather import Found
from service.demo.scoring import detection, latency, tally
from service.demo.senders import Answers
from service.terminal import out, show_json, table

_NAMES = {
    "ed": "ED (HL7 over MLLP)",
    "police": "police (HTTP)",
    "intel": "intelligence (file)",
    "programme": "programme (file)",
}
_SHOWN = 3


def report(force: Force, told: Mapping[str, Answers], found: Found, *, seconds: float) -> None:
    """Print everything."""
    out.print()
    _feeds(found, told)
    _endings(found)
    _rules(force, found)
    _messages(found)
    _examples(found)
    _verdict(force, found, seconds)


def _feeds(found: Found, told: Mapping[str, Answers]) -> None:
    books = found.books
    rows = []
    for feed, name in _NAMES.items():
        disposed = books.disposed.get(feed, {})
        concerned = sum(number for what, number in disposed.items() if what != "no_match")
        rows.append(
            (
                name,
                books.accepted.get(feed, 0),
                books.duplicate.get(feed, 0),
                sum(books.quarantined.get(feed, {}).values()),
                sum(books.ignored.get(feed, {}).values()),
                concerned,
                disposed.get("review", 0),
            )
        )
    numbers = ["accepted", "duplicate", "quarantined", "ignored", "matched", "to review"]
    out.print(table("What the feeds sent", ["feed", *numbers], rows, right=numbers))
    reasons = [f"{feed}: {why} ({count})" for feed, whys in books.quarantined.items() for why, count in whys.items()]
    if reasons:
        out.print("Quarantined: " + ", ".join(reasons), style="dim")
    refused = sum((answer.reasons for answer in told.values()), Counter())
    if refused:
        out.print(f"Answered to the senders with a reason: {sum(refused.values())}", style="dim")


def _endings(found: Found) -> None:
    total: Counter[str] = Counter()
    for disposed in found.books.disposed.values():
        total.update(disposed)
    rows = [(ending, count) for ending, count in sorted(total.items(), key=lambda pair: -pair[1])]
    out.print(table("How the accepted events ended", ["ending", "events"], rows, right=["events"]))


def _rules(force: Force, found: Found) -> None:
    counted = tally(found.alerts, found.deliveries)
    score = detection(force, found.alerts)
    missed = Counter(key[1] for key, _ in score.missed)
    expected = Counter(moment.rule_id for moment in force.truth.moments if moment.clock == "event")
    rows = [
        (rule, counted.by_rule.get(rule, 0), expected.get(rule, 0), missed.get(rule, 0))
        for rule in sorted({*counted.by_rule, *expected})
    ]
    numbers = ["fired", "true moments", "missed"]
    out.print(table("Firings by rule", ["rule", *numbers], rows, right=numbers))
    states = ", ".join(f"{count} {state}" for state, count in sorted(counted.alerts.items()))
    out.print(f"{len(found.alerts)} alerts ({states}); {counted.merged_firings} firings merged into an open alert.")


def _messages(found: Found) -> None:
    counted = tally(found.alerts, found.deliveries)
    received = {"sms": len(found.texts), "email": len(found.mails)}
    rows = [(channel, purpose, count) for (channel, purpose), count in sorted(counted.messages.items())]
    out.print(table("Messages handed over", ["channel", "purpose", "messages"], rows, right=["messages"]))
    notices = sum(received.values()) - sum(counted.messages.values())
    out.print(
        f"Received at the far ends: {received['sms']} SMS, {received['email']} e-mails, {notices} of them notices to "
        f"gatekeepers, duty contacts and supervisors; {found.still_waiting} wait."
    )


def _examples(found: Found) -> None:
    chosen = _telling(found.alerts)
    for alert in chosen:
        lines = Text()
        lines.append(f"{alert.reference}  {alert.priority.value}  {alert.state.value}\n", style="bold")
        lines.append(f"with navigator {alert.navigator_id}; contact by {alert.clocks.contact_by:%H:%M} UTC\n\n")
        for firing in alert.live:
            lines.append(f"{firing.rule_id}: {firing.headline}\n", style="bold")
            for reason in firing.reasons:
                lines.append(f"  · {reason.text}\n")
            if firing.suggestion:
                lines.append(f"  → {firing.suggestion}\n", style="green")
        out.print(Panel(lines, title="behind the login", title_align="left"))
    if chosen:
        reference = chosen[0].reference
        for text in [each for each in found.texts if reference in each.body][:1]:
            out.print(Panel(Text(text.body), title=f"SMS to {text.to}", title_align="left", width=64))
        for mail in [each for each in found.mails if reference in each.subject + each.body][:1]:
            words = Text(f"Subject: {mail.subject}\n\n{mail.body.strip()}")
            out.print(Panel(words, title=f"e-mail to {', '.join(mail.to)}", title_align="left", width=90))


def _telling(alerts: tuple[Alert, ...]) -> list[Alert]:
    """Three alerts that show most: several firings, different rules, urgent ones first."""
    chosen: list[Alert] = []
    seen: set[str] = set()
    for alert in sorted(
        alerts, key=lambda each: (not each.is_open, -len(each.live), each.priority.rank, each.alert_id)
    ):
        rules = {firing.rule_id for firing in alert.live}
        if rules and not rules & seen:
            chosen.append(alert)
            seen |= rules
        if len(chosen) == _SHOWN:
            break
    return chosen


def _verdict(force: Force, found: Found, seconds: float) -> None:
    score, spans, books = detection(force, found.alerts), latency(found.deliveries), found.books
    accepted = sum(books.accepted.values())
    disposed = sum(sum(feed.values()) for feed in books.disposed.values())
    lines = [
        f"recall {score.recall:.3f} ({score.expected - len(score.missed)} of {score.expected} true moments told), "
        f"precision {score.precision:.3f} ({len(score.unexpected)} of {score.told} told without ground)",
        f"{accepted} accepted = {disposed} disposed + {books.in_flight} in flight: "
        + ("the books balance" if books.balanced else "THE BOOKS DO NOT BALANCE"),
    ]
    if spans:
        lines.append(
            f"from acceptance to hand-over: p50 {spans.p50 * 1000:.0f} ms, p99 {spans.p99 * 1000:.0f} ms, "
            f"worst {spans.worst * 1000:.0f} ms ({spans.count} messages, whole run {seconds:.0f} s)"
        )
    out.print(Panel("\n".join(lines), title="was it right?", title_align="left"))
    for key, story in score.missed[:_SHOWN]:
        out.print(f"missed: {key[1]} for {key[0]} at {key[2]:%d %b %H:%M} UTC (story: {story})", style="dim")


def report_json(force: Force, told: Mapping[str, Answers], found: Found, *, seconds: float) -> None:
    """The same as one JSON object."""
    score, spans = detection(force, found.alerts), latency(found.deliveries)
    counted = tally(found.alerts, found.deliveries)
    books = found.books
    show_json(
        {
            "accepted": dict(books.accepted),
            "duplicate": dict(books.duplicate),
            "quarantined": {feed: dict(whys) for feed, whys in books.quarantined.items()},
            "ignored": {feed: dict(whys) for feed, whys in books.ignored.items()},
            "disposed": {feed: dict(whys) for feed, whys in books.disposed.items()},
            "in_flight": books.in_flight,
            "balanced": books.balanced,
            "answers": {feed: dict(answer.results) for feed, answer in told.items()},
            "fired": dict(counted.by_rule),
            "alerts": dict(counted.alerts),
            "merged_firings": counted.merged_firings,
            "reviews": found.reviews,
            "held_for_gatekeeper": len(found.held),
            "messages": {f"{channel}.{purpose}": count for (channel, purpose), count in counted.messages.items()},
            "received": {"sms": len(found.texts), "email": len(found.mails)},
            "recall": score.recall,
            "precision": score.precision,
            "latency_ms": {"p50": spans.p50 * 1000, "p99": spans.p99 * 1000, "count": spans.count} if spans else None,
            "seconds": seconds,
        }
    )
