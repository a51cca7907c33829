"""How the rule book is shown on a terminal. Words that people wrote are escaped: a note is no markup."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from domain.clock import LONDON
from service.terminal import err, out, show_json, table

if TYPE_CHECKING:
    from triggers.differences import Difference
    from triggers.lifecycle_values import Kill, Standing


def tell_refusal(refused: Any, *, json: bool) -> None:
    """Say why it was not done, and all that is missing."""
    told = refused.refused
    if json:
        show_json({"refused": told.reason, "words": str(refused), "missing": told.missing})
    else:
        err.print(f"Not done: {refused}", markup=False, soft_wrap=True)


def london(moment: datetime | None) -> str:
    """A moment as people in London say it; '' for none."""
    return moment.astimezone(LONDON).strftime("%d %b %Y %H:%M:%S") if moment else ""


def _day(moment: datetime) -> str:
    """The London day of a moment: a backtest is asked for by London days."""
    return f"{moment.astimezone(LONDON):%d %b %Y}"


def live_span(standing: "Standing") -> str:
    """From when to when a version was live, a line each."""
    if standing.live_since is None:
        return ""
    ends = (standing.live_since, standing.live_until)
    return "\n".join(london(each)[:17] for each in ends if each is not None)


def print_standing(standing: "Standing", missing: Sequence[str]) -> None:
    """Where a version stands, what was found of it, and what it still lacks."""
    from service.rules_asked import OF_A_VERSION, remarked
    from triggers.lifecycle_values import MADE_EARLIER, NOT_VOUCHED

    out.print(f"Version {standing.number}: {standing.state.value}. {standing.note}", markup=False, soft_wrap=True)
    check = standing.check
    if check is not None:
        for fault in (*check.faults, *check.failed):
            out.print(f"  {fault}", markup=False, soft_wrap=True)
        if not check.faults:
            out.print(f"  {len(check.rules)} rules, {check.passed} rule tests pass, {len(check.failed)} fail")
        for line in remarked(check.remarks, OF_A_VERSION):
            out.print(f"  {line}", markup=False, soft_wrap=True)
    if standing.backtest is not None:
        told = standing.backtest
        out.print(f"  backtest: {told.firings} firings from {_day(told.since)} to {_day(told.until)}")
        if not told.vouched:
            made = MADE_EARLIER if told.vouched is None else NOT_VOUCHED
            out.print(f"  That backtest was {made}; have one made here before you approve.", soft_wrap=True)
    if missing:
        out.print(f"  still missing: {', '.join(each.replace('_', ' ') for each in missing)}", soft_wrap=True)


def print_killed(killed: "Sequence[Kill]") -> None:
    """What is switched off, until when, by whom and why."""
    for each in killed:
        sure = f"confirmed by {each.confirmed_by}" if each.confirmed_by else "not confirmed yet"
        out.print(
            f"{each.rule} is switched off until {london(each.until)} (London), by {each.by}, {sure}: {each.reason}",
            markup=False,
            soft_wrap=True,
        )


def print_differences(found: "Sequence[Difference]", faults: Sequence[str], against: int) -> None:
    """What a version says differently."""
    for fault in faults:
        err.print(fault, markup=False, soft_wrap=True)
    for each in found:
        out.print(str(each), markup=False, soft_wrap=True)
    if not faults and not found:
        out.print(f"It says the same as version {against}.")


def print_shadow(report: Any) -> None:
    """What the version in shadow says beside the live one."""
    if not report.events and not report.by_rule:
        waited = f", {report.missed} missed" if report.missed else ""
        out.print(f"Version {report.number} runs in shadow; no event has come since{waited}.")
        return
    beside = " and ".join(str(each) if each else "the shipped rules" for each in report.beside) or "the live rules"
    columns = ["rule", "both", f"only in {beside}", f"only in {report.number}", "other priority"]
    rows = [
        (rule, count.both, count.only_live, count.only_shadow, count.otherwise)
        for rule, count in report.by_rule.items()
    ]
    title = f"Version {report.number} in shadow beside {beside}: {report.events} events"
    if report.missed:
        title = f"{title}, {report.missed} missed"
    out.print(table(title, columns, rows, right=columns[1:]))
    shown = [each for each in report.examples if each.side.value != "both"]
    lines = [
        (each.side.value.replace("_", " "), each.rule_id, each.member_id, london(each.fired_at), escape(each.headline))
        for each in shown[:20]
    ]
    if lines:
        out.print(table("Examples", ["", "rule", "member", "when (London)", "what the page would say"], lines))
