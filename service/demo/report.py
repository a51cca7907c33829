"""The demo's last page, for a stranger: what came in, what it meant, who was told, and whether it was right."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from alerts.model import Alert
from fixtures.force import Force
from service.demo.explaining import Why
from service.demo.gather import Found
from service.demo.scoring import latency, tally, wanted
from service.demo.senders import Answers
from service.demo.verdict import Verdict
from service.terminal import out, show_json, table

_NAMES = {
    "ed": "ED (HL7 over MLLP)",
    "police": "police (HTTP)",
    "intel": "intelligence (file)",
    "programme": "programme (file)",
}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Told:
    """All that is to be reported. `answers` are what the senders heard, by feed; `since` is when the feeds spoke."""

    force: Force
    answers: Mapping[str, Answers]
    found: Found
    verdict: Verdict
    since: datetime
    seconds: float


def report(told: Told, to: Console = out) -> None:
    """Print everything."""
    to.print()
    _feeds(told.found, told.answers, to)
    _endings(told.found, to)
    _rules(told, to)
    _messages(told.found, to)
    _examples(told.found, to)
    _verdict(told, to)


def _feeds(found: Found, told: Mapping[str, Answers], to: Console) -> None:
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
    to.print(table("What the feeds sent", ["feed", *numbers], rows, right=numbers))
    reasons = [f"{feed}: {why} ({count})" for feed, whys in books.quarantined.items() for why, count in whys.items()]
    if reasons:
        to.print("Quarantined: " + ", ".join(reasons), style="dim")
    refused = sum((answer.reasons for answer in told.values()), Counter())
    if refused:
        to.print(f"Answered to the senders with a reason: {sum(refused.values())}", style="dim")


def _endings(found: Found, to: Console) -> None:
    total: Counter[str] = Counter()
    for disposed in found.books.disposed.values():
        total.update(disposed)
    rows = [(ending, count) for ending, count in sorted(total.items(), key=lambda pair: -pair[1])]
    to.print(table("How the accepted events ended", ["ending", "events"], rows, right=["events"]))


def _rules(told: Told, to: Console) -> None:
    counted = tally(told.found.alerts, told.found.deliveries)
    untold = Counter(miss.moment.rule_id for miss in told.verdict.misses)
    expected = Counter(moment.rule_id for moment in wanted(told.force))
    rows = [
        (rule, *(each.get(rule, 0) for each in (counted.by_rule, counted.taken_back, expected, untold)))
        for rule in sorted({*counted.by_rule, *expected})
    ]
    numbers = ["fired", "taken back", "true moments", "not told"]
    to.print(table("Firings by rule", ["rule", *numbers], rows, right=numbers))
    states = ", ".join(f"{count} {state}" for state, count in sorted(counted.alerts.items()))
    to.print(f"{len(told.found.alerts)} alerts ({states}); {counted.merged_firings} firings merged into an open alert.")


def _messages(found: Found, to: Console) -> None:
    counted = tally(found.alerts, found.deliveries)
    received = {"sms": len(found.texts), "email": len(found.mails)}
    rows = [(channel, purpose, count) for (channel, purpose), count in sorted(counted.messages.items())]
    to.print(table("Messages handed over", ["channel", "purpose", "messages"], rows, right=["messages"]))
    notices = sum(received.values()) - sum(counted.messages.values())
    to.print(
        f"Received at the far ends: {received['sms']} SMS, {received['email']} e-mails, {notices} of them notices to "
        f"gatekeepers, duty contacts and supervisors; {found.still_waiting} wait."
    )


def _examples(found: Found, to: Console) -> None:
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
        to.print(Panel(lines, title="behind the login", title_align="left"))
    if chosen:
        reference = chosen[0].reference
        for text in [each for each in found.texts if reference in each.body][:1]:
            to.print(Panel(Text(text.body), title=f"SMS to {text.to}", title_align="left", width=64))
        for mail in [each for each in found.mails if reference in each.subject + each.body][:1]:
            words = Text(f"Subject: {mail.subject}\n\n{mail.body.strip()}")
            to.print(Panel(words, title=f"e-mail to {', '.join(mail.to)}", title_align="left", width=90))


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


def _verdict(told: Told, to: Console) -> None:
    verdict, spans, books = told.verdict, latency(told.found.deliveries, told.since), told.found.books
    accepted, disposed = sum(books.accepted.values()), sum(sum(feed.values()) for feed in books.disposed.values())
    spoken = (
        f"{spans.count} messages: half within {_span(spans.p50)}, 99 of 100 within {_span(spans.p99)}, "
        f"worst {_span(spans.worst)}"
        if spans
        else "no message"
    )
    lines = [
        *_detected(verdict),
        f"{accepted} accepted = {disposed} disposed + {books.in_flight} in flight: "
        + ("the books balance" if verdict.balanced else "THE BOOKS DO NOT BALANCE"),
        f"from acceptance to hand-over, {spoken} (whole run {told.seconds:.0f} s)",
    ]
    to.print(Panel("\n".join(lines), title="was it right?", title_align="left"))
    for miss in verdict.misses:
        what = miss.moment
        to.print(f"not told: {what.rule_id} for {what.member_id} (story: {what.story}): {miss.words}", style="dim")
    for words in verdict.without_ground:
        to.print(f"told without ground: {words}", style="red")


def _detected(verdict: Verdict) -> list[str]:
    """What was told of what is true, what became of the rest, and what was told that is not true."""
    score, why = verdict.score, verdict.by_reason
    lines = [f"{score.expected - len(score.missed)} of {score.expected} true moments told (recall {score.recall:.3f})"]
    lines += [f"  {why[reason]} {words}" for reason, words in _WHY.items() if why.get(reason)]
    lines.append(f"{len(score.unexpected)} of {score.told} told without ground (precision {score.precision:.3f})")
    if score.passed:
        lines.append(f"  {len(score.passed)} told before the news that takes them back had come, and taken back by it")
    if score.standing:
        lines.append(f"  {len(score.standing)} STILL STAND although their ground was taken away")
    return lines


_WHY = {
    Why.REVIEW: "wait for an analyst, who has been rung: doubtful matches, twins above all",
    Why.OVERTAKEN: "were taken back by news of another feed before they could be told",
    Why.NOT_RECOGNISED: "lost: what the source wrote was too faulty to recognise anybody",
    Why.UNEXPLAINED: "MISSED, AND NOTHING EXPLAINS IT",
}


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def report_json(told: Told) -> None:
    """The same as one JSON object."""
    found, verdict, spans = told.found, told.verdict, latency(told.found.deliveries, told.since)
    counted, books, score = tally(found.alerts, found.deliveries), told.found.books, told.verdict.score
    show_json(
        {
            "accepted": dict(books.accepted),
            "duplicate": dict(books.duplicate),
            "quarantined": {feed: dict(whys) for feed, whys in books.quarantined.items()},
            "ignored": {feed: dict(whys) for feed, whys in books.ignored.items()},
            "disposed": {feed: dict(whys) for feed, whys in books.disposed.items()},
            "in_flight": books.in_flight,
            "balanced": books.balanced,
            "answers": {feed: dict(answer.results) for feed, answer in told.answers.items()},
            "fired": dict(counted.by_rule),
            "alerts": dict(counted.alerts),
            "merged_firings": counted.merged_firings,
            "reviews": len(found.reviews),
            "held_for_gatekeeper": len(found.held),
            "messages": {f"{channel}.{purpose}": count for (channel, purpose), count in counted.messages.items()},
            "received": {"sms": len(found.texts), "email": len(found.mails)},
            "true_moments": score.expected,
            "not_told": [
                {"rule": miss.moment.rule_id, "member_id": miss.moment.member_id, "at": miss.moment.at.isoformat()}
                | {"story": miss.moment.story, "why": miss.why.value, "words": miss.words}
                for miss in verdict.misses
            ],
            "without_ground": list(verdict.without_ground),
            "taken_back_in_time": len(score.passed),
            "not_taken_back": len(score.standing),
            "sound": verdict.sound,
            "recall": score.recall,
            "precision": score.precision,
            "latency_ms": {"p50": spans.p50 * 1000, "p99": spans.p99 * 1000, "count": spans.count} if spans else None,
            "seconds": told.seconds,
        }
    )
