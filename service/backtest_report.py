"""What a backtest found, as JSON values (documented in docs/backtest.md, stable) and as tables for a terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from domain.clock import LONDON
from service.backtest import Report, figures
from service.backtest_beside import less_urgent, more_urgent, urgency_words
from service.backtest_capacity import Missed
from service.backtest_tally import NO_OUTCOME, Count, Example, Side

SMALL = 5
"""Groups of fewer people, and fewer alerts than that, are not told in numbers."""
SHIFTS = ("early", "late", "night")
_WEEK = timedelta(days=7)


def sides_of(report: Report) -> tuple[Side, ...]:
    """The sides that were judged."""
    return (Side.RULES, Side.AGAINST) if report.asked.against else (Side.RULES,)


def told(report: Report, made_at: datetime) -> dict[str, Any]:
    """The result as JSON values."""
    asked, plan, tally = report.asked, report.plan, report.tally
    return {
        "rules_digest": asked.rules.digest,
        "rules": asked.rules.name,
        "against": asked.against.name if asked.against else None,
        "only": _only(report),
        "since": asked.window.since,
        "until": asked.window.until,
        "made_at": made_at,
        "firings": tally.sides[Side.RULES].firings,
        "figures": figures(report),
        "history": {
            "people": tally.people,
            "decisions": tally.events,
            "in_time": plan.in_time,
            "first": plan.first,
            "last": plan.last,
            "damaged_files": list(plan.damaged),
        },
        "assumptions": assumptions(report),
        "sides": {side.value: _side(tally.sides[side], report.missed[side], report) for side in sides_of(report)},
        "difference": _difference(report) if asked.against else None,
        "groups": {side.value: group_rates(report, side) for side in sides_of(report)},
        "late": {
            "by_rule_and_feed": [
                {"rule": rule, "feed": feed, "firings": count}
                for (rule, feed), count in sorted(tally.sides[Side.RULES].too_late.items())
            ],
            "examples": [_example(each) for each in tally.late],
        },
    }


def assumptions(report: Report) -> list[str]:
    """What the figures rest on, in sentences."""
    said = [
        "A firing or message counts where it would have been told between the two days; what happened before only "
        "counts as history.",
        "What people did about alerts is not replayed: nothing is snoozed, and an alert stays open until its moment "
        "passes. A message is taken the moment it leaves; a P3 leaves with the digest.",
        f"Missed clocks: {report.asked.capacity.words()}",
        f"Groups: people of whom anything was heard; fewer than {SMALL} are not told in numbers.",
    ]
    said.extend(
        f"Rule {rule} (version {version}) could not be judged for {count} people, by a fault of ours ({cause}): its "
        "figures are without them."
        for side in sides_of(report)
        for (rule, version, cause), count in sorted(report.tally.sides[side].unjudged.items())
    )
    if report.plan.first is not None:
        began = report.plan.first.astimezone(LONDON)
        said.append(f"History begins on {began:%d %B %Y}: what was heard before is unknown here, though not live.")
    if report.plan.kinds is not None:
        said.append("Records at which none of these rules looks were passed over: they change nothing of what is told.")
    weeks = weeks_long(report)
    said.append(
        f"Figures for a week are of the {weeks:,.1f} weeks from the first to the last thing heard in that time; less "
        "than a week counts as one."
    )
    if report.asked.groups is not None:
        said[3] = f"Groups: the people of the cohort file of whom anything was heard; fewer than {SMALL} are not told."
    return said


def part_words(report: Report) -> str:
    """What must be known first where some rules alone were judged; '' where all were."""
    judged = report.asked.alone
    if judged is None:
        return ""
    one = len(judged.rules) == 1
    was, these = ("was", "this rule") if one else ("were", "these rules")
    asks = "it asks" if one else "they ask"
    beside = f", and {_listed(judged.beside)}, about which {asks}" if judged.beside else ""
    return (
        f"Only {_listed(judged.rules)} {was} judged{beside}. Firings, alerts and clocks are of {these} alone: what "
        "other rules say of the same people is not in them, and so this is no forecast for publishing."
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _only(report: Report) -> dict[str, Any] | None:
    judged = report.asked.alone
    if judged is None:
        return None
    return {"rules": judged.rules, "asked_about": judged.beside, "means": part_words(report)}


def weeks_of(report: Report) -> list[date]:
    """The Mondays of the weeks that anything fell into, without gaps."""
    known = sorted({week for side in sides_of(report) for week in _weeks(report.tally.sides[side])})
    if not known:
        return []
    return [known[0] + place * _WEEK for place in range((known[-1] - known[0]).days // 7 + 1)]


def _weeks(count: Count) -> Iterable[date]:
    return (*count.week, *count.week_alerts)


def weeks_long(report: Report) -> float:
    """How many weeks the time has in which there was any history; one where it is shorter."""
    window, plan = report.asked.window, report.plan
    since = max(window.since, plan.first) if plan.first else window.since
    until = min(window.until, plan.last) if plan.last else window.until
    return max((until - since) / _WEEK, 1.0)


def _side(count: Count, missed: Missed, report: Report) -> dict[str, Any]:
    weeks = weeks_of(report)
    return {
        "firings": count.firings,
        "alerts": count.alerts,
        "messages": count.messages,
        "withdrawn": count.withdrawn.total(),
        "people_with_alerts": count.people,
        "alerts_per_week": round(count.alerts / weeks_long(report), 1),
        "by_rule": rules_table(count),
        "by_week": [{"week": week, "firings": count.week[week], "alerts": count.week_alerts[week]} for week in weeks],
        "by_hour": [count.hour[hour] for hour in range(24)],
        "by_priority": dict(sorted(count.priority.items())),
        "by_navigator": [
            {
                "navigator": who,
                "alerts": count.navigator[who],
                "by_hour": [count.navigator_hour[(who, hour)] for hour in range(24)],
                "by_shift": shifts_of(count, who, report),
                "missed_clocks": missed.by_navigator[who],
            }
            for who in sorted(count.navigator)
        ],
        "missed_clocks": {
            "calls": missed.calls,
            "missed": missed.missed,
            "by_priority": dict(sorted(missed.by_priority.items())),
            "by_rule": dict(sorted(missed.by_rule.items())),
            "longest_wait_minutes": round(missed.longest_wait.total_seconds() / 60),
        },
    }


def rules_table(count: Count) -> list[dict[str, Any]]:
    """By rule: firings, alerts it raised, withdrawn, told late, heard too late, and what came of the real alerts."""
    names = sorted({*count.rule, *count.rule_alerts, *(rule for rule, _ in count.too_late)})
    late: Counter[str] = Counter()
    for (rule, _), number in count.too_late.items():
        late[rule] += number
    return [
        {
            "rule": rule,
            "firings": count.rule[rule],
            "alerts": count.rule_alerts[rule],
            "withdrawn": count.withdrawn[rule],
            "told_late": count.told_late[rule],
            "too_late": late[rule],
            "outcomes": {what: number for (name, what), number in sorted(count.outcome.items()) if name == rule},
        }
        for rule in names
    ]


def shifts_of(count: Count, who: str, report: Report) -> dict[str, dict[str, float]]:
    """By shift: alerts per shift on average over all days, and the most in one."""
    days = weeks_long(report) * 7
    found = {}
    for shift in SHIFTS:
        own = [number for (name, _, at), number in count.navigator_shift.items() if name == who and at == shift]
        found[shift] = {"mean": round(sum(own) / days, 2), "most": max(own, default=0)}
    return found


def _difference(report: Report) -> dict[str, Any]:
    tally = report.tally
    return {
        "firings_added": tally.added.total(),
        "firings_removed": tally.removed.total(),
        "alerts_added": tally.calls_added,
        "alerts_removed": tally.calls_removed,
        "alerts_less_urgent": less_urgent(tally.urgency),
        "alerts_more_urgent": more_urgent(tally.urgency),
        "priorities_changed": [
            {"before": was, "now": now, "alerts": number} for (was, now), number in sorted(tally.urgency.items())
        ],
        "added_by_rule": dict(sorted(tally.added.items())),
        "removed_by_rule": dict(sorted(tally.removed.items())),
        "outcomes_of_removed": dict(sorted(tally.lost_outcomes.items())),
        "outcomes_of_kept": dict(sorted(tally.kept_outcomes.items())),
        "examples": [_example(each) for each in tally.examples],
    }


def _example(one: Example) -> dict[str, Any]:
    return asdict(one)


def group_rates(report: Report, side: Side) -> list[dict[str, Any]]:
    """By group: people looked at, people with alerts, alerts, alerts per 100 people; None where there are too few."""
    tally, count = report.tally, report.tally.sides[side]
    rows = []
    for kind, group in sorted(tally.groups):
        people = tally.groups[(kind, group)]
        alerted, alerts = count.group_people[(kind, group)], count.group_alerts[(kind, group)]
        few = people < SMALL or 0 < alerted < SMALL
        rows.append(
            {
                "kind": kind,
                "group": group,
                "people": people if people >= SMALL else None,
                "people_with_alerts": None if few else alerted,
                "alerts": None if few else alerts,
                "alerts_per_100_people": None if few else round(100 * alerts / people, 1),
            }
        )
    return rows


def headline(report: Report) -> list[str]:
    """What a supervisor asks first, in sentences."""
    count, missed = report.tally.sides[Side.RULES], report.missed[Side.RULES]
    weeks = weeks_long(report)
    night = sum(count.hour[hour] for hour in (22, 23, 0, 1, 2, 3))
    said = [
        f"{count.alerts / weeks:,.1f} alerts a week, {night / weeks:,.1f} of them between 22:00 and 04:00; "
        f"{_busiest(count, report)}",
        f"{missed.missed:,} of {missed.calls:,} contact clocks would have been missed.",
    ]
    if report.asked.against:
        old, tally = report.tally.sides[Side.AGAINST], report.tally
        more = (count.alerts - old.alerts) / weeks
        word, name = "more" if more >= 0 else "fewer", report.asked.against.name
        same = f"As many alerts a week as with {name}."
        said.insert(0, f"{abs(more):,.1f} {word} alerts a week than with {name}." if round(more, 1) else same)
        said[-1] += f" With {name}: {report.missed[Side.AGAINST].missed:,}."
        said.append(
            f"{tally.calls_added:,} alerts would be new, {tally.calls_removed:,} would not have been made"
            + _lost_words(tally.lost_outcomes)
        )
        said.append(urgency_words(tally.urgency))
    part = part_words(report)
    return [part, *said] if part else said


def _lost_words(lost: Mapping[str, int]) -> str:
    told = {what: number for what, number in lost.items() if number and what != NO_OUTCOME}
    known = [f"{number:,} ended as '{what.replace('_', ' ')}'" for what, number in sorted(told.items())]
    return f": of these {', '.join(known)}." if known else "."


def _busiest(count: Count, report: Report) -> str:
    days = weeks_long(report) * 7
    each = [number / days / len(SHIFTS) for number in count.navigator.values()]
    if not each:
        return "nobody would be called."
    return f"{sum(each) / len(each):.2f} for each navigator and shift, {max(each):.2f} for the busiest."


CSV_COLUMNS = (
    "side", "firing_id", "rule", "version", "member_id", "priority", "fired_at", "told_at", "state", "late",
    "navigator", "area", "status", "outcome", "alert_priority", "other_alert_priority",
)  # fmt: skip
"""One line for each firing."""


TerminalTable = tuple[str, Sequence[str], Sequence[Sequence[object]], Sequence[str]]


def priorities_table(count: Count, old: Count | None) -> list[list[int | str]]:
    """By priority: alerts, and alerts with the other rules where there are any."""
    names = sorted({*count.priority, *(old.priority if old else ())})
    return [[name, count.priority[name], *([old.priority[name]] if old else [])] for name in names]


def _priorities(count: Count, old: Count | None) -> TerminalTable:
    columns = ["priority", "alerts", *(["alerts before"] if old else [])]
    return "By priority", columns, priorities_table(count, old), columns[1:]


def tables(report: Report) -> Sequence[TerminalTable]:
    """Title, columns, rows and the columns that hold numbers, for a terminal."""
    count = report.tally.sides[Side.RULES]
    old = report.tally.sides[Side.AGAINST] if report.asked.against else None
    columns = ["rule", "firings", "alerts", "taken back", "told late", "heard too late"]
    rows: list[Sequence[object]] = []
    was = {each["rule"]: each for each in rules_table(old)} if old else {}
    for row in rules_table(count):
        cells = [row["rule"], row["firings"], row["alerts"], row["withdrawn"], row["told_late"], row["too_late"]]
        rows.append([*cells, was.pop(row["rule"], {}).get("firings", 0)] if old else cells)
    rows += [[rule, 0, 0, 0, 0, 0, gone["firings"]] for rule, gone in was.items()]
    if old:
        columns.append("firings before")
    made: list[TerminalTable] = [("By rule", columns, rows, columns[1:])]
    made.append(_priorities(count, old))
    people: list[Sequence[object]] = [
        [who, count.navigator[who], *(shifts_of(count, who, report)[shift]["mean"] for shift in SHIFTS),
         max(shifts_of(count, who, report)[shift]["most"] for shift in SHIFTS),
         report.missed[Side.RULES].by_navigator[who]]
        for who in sorted(count.navigator, key=lambda each: -count.navigator[each])[:20]
    ]  # fmt: skip
    head = ["navigator", "alerts", "per early", "per late", "per night", "most in one shift", "missed clocks"]
    made.append(("By navigator (the 20 busiest)", head, people, head[1:]))
    return made
