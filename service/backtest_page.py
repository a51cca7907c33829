"""A backtest as one HTML page for a supervisor: self-contained, no script, readable on a phone, in the dark, on paper
and by a screen reader. It names people by their member ids only, in the examples that were asked for.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

from domain.clock import LONDON
from service.backtest import Report
from service.backtest_beside import urgency_words
from service.backtest_charts import Series, bar, columns, folded, heat, table
from service.backtest_report import (
    SHIFTS,
    assumptions,
    headline,
    priorities_table,
    rules_table,
    shifts_of,
    sides_of,
    weeks_of,
)
from service.backtest_style import STYLE
from service.backtest_tally import NO_OUTCOME, Count, Example, Side

_BUSIEST = 20
_LETTERS = {"rules": "new", "against": "old"}


def page(report: Report, result: dict[str, Any]) -> str:
    """The page of a report; `result` is the same as JSON values (`backtest_report.told`)."""
    asked = report.asked
    part = "some rules of " if asked.alone else ""
    title = f"Backtest of {part}{asked.rules.name}" + (f" against {asked.against.name}" if asked.against else "")
    parts = [
        _head(report, title),
        _cards(report, result),
        _difference(report),
        _weeks(report),
        _rules(report),
        _priorities(report),
        _hours(report),
        _navigators(report),
        _clocks(report),
        _late(report),
        _groups(result),
        _foot(report, result),
    ]
    hashed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    meta = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>'
    )
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en-GB"><head>{meta}<style>{STYLE}</style></head>\n<body><main>{body}</main>'
        "</body></html>\n"
    )


def _section(title: str, *inside: str, note: str = "") -> str:
    told = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{told}{''.join(inside)}</section>"


def _day(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%-d %B %Y}"


def _when(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%-d %b %Y, %H:%M}"


def _head(report: Report, title: str) -> str:
    window, tally = report.asked.window, report.tally
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in headline(report))
    return (
        f'<header><p class="mark">OFFICIAL-SENSITIVE</p><h1>{escape(title)}</h1>'
        f"<p>{_day(window.since)} to {_day(window.until)}. {tally.people:,} people, {tally.events:,} decisions of "
        f'history judged again. Nobody was told anything.</p><ul class="said">{said}</ul></header>'
    )


def _cards(report: Report, result: dict[str, Any]) -> str:
    count, missed = report.tally.sides[Side.RULES], report.missed[Side.RULES]
    side = result["sides"][Side.RULES.value]
    old = result["sides"].get(Side.AGAINST.value)
    was = report.missed[Side.AGAINST]

    def card(name: str, value: float, before: float | None, digits: int = 0) -> str:
        told = "" if before is None else f"<small>{before:,.{digits}f} with {escape(_against(report))}</small>"
        return f"<div><dt>{name}</dt><dd>{value:,.{digits}f}{told}</dd></div>"

    cards = (
        card("alerts a week", side["alerts_per_week"], old and old["alerts_per_week"], 1),
        card("messages", count.messages, old and old["messages"]),
        card("people with an alert", count.people, old and old["people_with_alerts"]),
        card("contact clocks missed", missed.missed, was.missed if old else None),
        card("taken back again", side["withdrawn"], old and old["withdrawn"]),
    )
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _against(report: Report) -> str:
    return report.asked.against.name if report.asked.against else ""


def _names(report: Report) -> dict[Side, str]:
    return {Side.RULES: report.asked.rules.name, Side.AGAINST: _against(report)}


def _series(report: Report, values: dict[Side, Sequence[float]]) -> list[Series]:
    names = _names(report)
    return [Series(names[side], _LETTERS[side.value], values[side]) for side in sides_of(report)]


def _weeks(report: Report) -> str:
    weeks = weeks_of(report)
    if not weeks:
        return _section("Week by week", note="Nothing fired in this time.")
    counts = {side: report.tally.sides[side] for side in sides_of(report)}
    series = _series(report, {side: [count.week_alerts[week] for week in weeks] for side, count in counts.items()})
    labels = [f"{week:%-d %b}" for week in weeks]
    head = ["week from", *(f"{what}, {name}" for name in _shown(report) for what in ("alerts", "firings"))]
    rows = [
        [
            f"{week:%-d %b %Y}",
            *(f"{n:,}" for count in counts.values() for n in (count.week_alerts[week], count.week[week])),
        ]
        for week in weeks
    ]
    drawn = columns("Alerts in each week", labels, series, every=max(1, len(weeks) // 6))
    return _section(
        "Week by week", drawn, folded("The same as a table", table("Alerts and firings by week", head, rows))
    )


def _shown(report: Report) -> list[str]:
    return [_names(report)[side] for side in sides_of(report)]


def _rules(report: Report) -> str:
    count = report.tally.sides[Side.RULES]
    before = report.tally.sides[Side.AGAINST] if report.asked.against else None
    told = {each["rule"]: each for each in rules_table(count)}
    was = {each["rule"]: each for each in rules_table(before)} if before else {}
    most = max([1, *(each["firings"] for each in (*told.values(), *was.values()))])
    rows = []
    for rule in sorted({*told, *was}, key=lambda one: (-told.get(one, {}).get("firings", 0), one)):
        new, old = told.get(rule, {}), was.get(rule, {})
        bars = bar(new.get("firings", 0), most, "new") + (bar(old.get("firings", 0), most, "old") if before else "")
        cells = [f"<code>{escape(rule)}</code>", bars, f"{new.get('firings', 0):,}"]
        cells += [_change(new.get("firings", 0), old.get("firings", 0))] if before else []
        cells += [f"{new.get(name, 0):,}" for name in ("alerts", "withdrawn", "told_late", "too_late")]
        rows.append([*cells, _outcomes(new.get("outcomes", {}))])
    changed = [f"than with {_against(report)}"] if before else []
    head = [
        "rule",
        "",
        "firings",
        *changed,
        "raised alerts",
        "taken back",
        "told late",
        "heard too late",
        "what came of it",
    ]
    note = "What came of it: of the alerts that were really made on the same firing, as people recorded it."
    return _section("Rule by rule", table("Firings by rule", head, rows), note=note)


def _priorities(report: Report) -> str:
    old = report.tally.sides[Side.AGAINST] if report.asked.against else None
    found = priorities_table(report.tally.sides[Side.RULES], old)
    if not found:
        return ""
    rows = [[str(name), *(f"{number:,}" for number in numbers)] for name, *numbers in found]
    head = ["priority", *(f"alerts, {name}" for name in _shown(report))]
    return _section("By priority", table("Alerts by priority", head, rows))


def _change(new: int, old: int) -> str:
    return "same" if new == old else f"{new - old:+,}"


def _outcomes(found: dict[str, int]) -> str:
    known = {what: number for what, number in found.items() if what != NO_OUTCOME}
    return escape(", ".join(f"{number:,} {what.replace('_', ' ')}" for what, number in known.items())) or "–"


def _hours(report: Report) -> str:
    hours = [f"{hour:02d}" for hour in range(24)]
    counts = {side: report.tally.sides[side] for side in sides_of(report)}
    series = _series(report, {side: [count.hour[hour] for hour in range(24)] for side, count in counts.items()})
    rows = [[hour, *(f"{count.hour[place]:,}" for count in counts.values())] for place, hour in enumerate(hours)]
    return _section(
        "Hour by hour",
        columns("Alerts by hour of the London day", hours, series, every=3),
        folded("The same as a table", table("Alerts by hour", ["hour", *_shown(report)], rows)),
        note="When the phone would ring, London time. P3 alerts leave with the digest.",
    )


def _navigators(report: Report) -> str:
    count = report.tally.sides[Side.RULES]
    names = _busiest(count)
    if not names:
        return ""
    cells = [[count.navigator_hour[(who, hour)] for hour in range(24)] for who in names]
    hours = [f"{hour:02d}" for hour in range(24)]
    rows = []
    most = max(count.navigator[who] for who in names)
    for who in names:
        shifts = shifts_of(count, who, report)
        spread = [f"{shifts[shift]['mean']:.2f}" for shift in SHIFTS]
        peak = max(int(shifts[shift]["most"]) for shift in SHIFTS)
        lost = report.missed[Side.RULES].by_navigator[who]
        level = bar(count.navigator[who], most, "new")
        rows.append([escape(who), level, f"{count.navigator[who]:,}", *spread, f"{peak}", f"{lost:,}"])
    head = [
        "navigator",
        "",
        "alerts",
        *(f"per {shift} shift" for shift in SHIFTS),
        "most in one shift",
        "clocks missed",
    ]
    note = "Shifts begin at 07:00, 15:00 and 23:00." + (
        f" The {_BUSIEST} busiest of {len(count.navigator):,}." if len(count.navigator) > _BUSIEST else ""
    )
    return _section(
        "Navigator by navigator",
        table("Alerts by navigator and shift", head, rows),
        heat("Alerts by navigator and hour of the London day", names, hours, cells),
        note=note,
    )


def _busiest(count: Count) -> list[str]:
    return sorted(count.navigator, key=lambda who: (-count.navigator[who], who))[:_BUSIEST]


def _clocks(report: Report) -> str:
    rows = []
    for side in sides_of(report):
        missed = report.missed[side]
        by = ", ".join(f"{number:,} of {priority}" for priority, number in sorted(missed.by_priority.items())) or "none"
        longest = f"{missed.longest_wait.total_seconds() / 3600:,.1f} h"
        rows.append([escape(_names(report)[side]), f"{missed.calls:,}", f"{missed.missed:,}", escape(by), longest])
    head = ["rules", "contacts to make", "clocks missed", "by priority", "longest wait"]
    return _section("Could it be done?", table("Contact clocks", head, rows), note=report.asked.capacity.words())


def _difference(report: Report) -> str:
    if not report.asked.against:
        return ""
    tally = report.tally
    outcomes = sorted({*tally.lost_outcomes, *tally.kept_outcomes})
    rows = [
        [escape(what.replace("_", " ")), f"{tally.lost_outcomes[what]:,}", f"{tally.kept_outcomes[what]:,}"]
        for what in outcomes
    ]
    counts = (
        f"<p><strong>{tally.calls_added:,}</strong> alerts would be new, <strong>{tally.calls_removed:,}</strong> "
        f"would not have been made. Of firings that stood to the end, {tally.added.total():,} are new and "
        f"{tally.removed.total():,} gone; what was taken back again is not among them. "
        f"{escape(urgency_words(tally.urgency))}</p>"
    )
    head = ["outcome", "would be lost", "would stay"]
    known = table("What came of the real alerts", head, rows) if set(outcomes) - {NO_OUTCOME} else ""
    shown = "".join(_example(each) for each in tally.examples)
    examples = f'<h3>Examples</h3><ul class="examples">{shown}</ul>' if shown else ""
    return _section("What the change adds and removes", counts, known, examples)


def _example(one: Example) -> str:
    mark = {"added": "new", "removed": "gone", "late": "late"}[one.what]
    words = "; ".join(one.words)
    outcome = f' <span class="outcome">Really: {escape(one.outcome.replace("_", " "))}.</span>' if one.outcome else ""
    kinds = ", ".join(dict.fromkeys(one.kinds))
    return (
        f'<li><span class="tag {mark}">{mark}</span> <code>{escape(one.rule)}</code> {escape(one.priority)}, member '
        f"<b>{escape(one.member_id)}</b>, {_when(one.fired_at)}<br>{escape(words)}<br><small>{escape(kinds)}</small>"
        f"{outcome}</li>"
    )


def _late(report: Report) -> str:
    found = report.tally.sides[Side.RULES].too_late
    if not found:
        return _section("Moments missed because a feed came late", note="None in this time.")
    most = max(found.values())
    rows = [
        [f"<code>{escape(rule)}</code>", escape(feed), bar(number, most, "old"), f"{number:,}"]
        for (rule, feed), number in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    told = "".join(
        f"<li><code>{escape(one.rule)}</code>, member <b>{escape(one.member_id)}</b>: would have alerted on "
        f"{_when(one.fired_at)}; the {escape(one.feed)} feed came "
        f"{(one.told_at - one.fired_at).total_seconds() / 3600:,.0f} h late.</li>"
        for one in report.tally.late
    )
    return _section(
        "Moments missed because a feed came late",
        table("Missed moments by rule and feed", ["rule", "feed", "", "moments"], rows, words=2),
        folded("Examples", f"<ul>{told}</ul>"),
    )


def _groups(result: dict[str, Any]) -> str:
    listed = result["groups"][Side.RULES.value]
    before = {(row["kind"], row["group"]): row for row in result["groups"].get(Side.AGAINST.value, [])}
    tables = []
    for kind in dict.fromkeys(row["kind"] for row in listed):
        own = [row for row in listed if row["kind"] == kind]
        most = max([1.0, *(row["alerts_per_100_people"] or 0 for row in own)])
        rows = []
        for row in own:
            rate, was = row["alerts_per_100_people"], before.get((kind, row["group"]))
            cells = [
                escape(row["group"]),
                bar(rate or 0, most, "new"),
                _few(row["people"]),
                _few(row["people_with_alerts"]),
            ]
            cells += [_few(row["alerts"]), _few(rate)]
            rows.append([*cells, _few(was["alerts_per_100_people"])] if was else cells)
        head = [kind, "", "people", "with an alert", "alerts", "per 100 people"]
        tables.append(table(f"By {kind}", [*head, "before"] if before else head, rows))
    return _section("Group by group", *tables, note="Fewer than five are not told in numbers.")


def _few(value: float | None) -> str:
    return "few" if value is None else f"{value:,}"


def _foot(report: Report, result: dict[str, Any]) -> str:
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in assumptions(report))
    left = "".join(
        f"<li>This file of the archive could not be read: {escape(name)}</li>" for name in report.plan.damaged
    )
    plan = report.plan
    span = f"History from {_when(plan.first)} to {_when(plan.last)}. " if plan.first and plan.last else ""
    mark = f"<code>{escape(report.asked.rules.digest)}</code>" if report.asked.rules.digest else "unknown"
    return (
        f"<footer><h2>What this rests on</h2><ul>{said}{left}</ul>"
        f"<p>{span}Rules {mark}. Made {_when(result['made_at'])}.</p></footer>"
    )
