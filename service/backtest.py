"""A backtest: history judged again by other rules, people shared among processes, what they said added up.

Nothing is sent and nothing is stored. Memory is bounded by the chunks; the answer does not depend on how many
processes there are, nor on the order in which they finish.
"""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import duckdb

from alerts.model import Alert
from alerts.suppression import SuppressionPolicy
from domain.clock import LONDON
from domain.ids import MemberId
from domain.people import CohortMember
from service.backtest_beside import priority_beside
from service.backtest_capacity import Capacity, Missed, missed_clocks
from service.backtest_reading import kinds_needed
from service.backtest_replay import FiringSeen, Life, ReplayPolicy, replay, replay_both
from service.backtest_source import Chunk, Known, PersonPast, Plan, people_of, reading
from service.backtest_tally import Side, Tally, Window, alerts_of, band_of, count_person
from streams.archive_replay import Past
from streams.decide import A_CHILDHOOD
from triggers.alone import Alone
from triggers.lifecycle_values import PART_OF
from triggers.rules import RuleSet
from triggers.two_sides import Sides, sides_of

MOST_PROCESSES = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rules to be judged by: `digest` is their identity as the rule book knows it, `name` what people call them."""

    rules: RuleSet
    digest: str
    name: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """What is asked. `groups` are the groups of each member by kind, from a cohort file; None: from the archive."""

    rules: Chosen
    window: Window
    against: Chosen | None = None
    suppression: SuppressionPolicy = field(default_factory=SuppressionPolicy)
    history_for: timedelta = A_CHILDHOOD
    capacity: Capacity = Capacity()
    groups: Mapping[MemberId, Mapping[str, str]] | None = None
    rows: bool = False  # whether every firing is wanted, for a CSV
    alone: Alone | None = None  # some rules only, of which `rules` and `against` are made (`only`)

    @property
    def sets(self) -> tuple[RuleSet, ...]:
        """The rules of each side."""
        return (self.rules.rules,) if self.against is None else (self.rules.rules, self.against.rules)


def only(asked: Backtest, judged: Alone) -> Backtest:
    """The same of some rules alone. They go by another digest than the whole: what is found of a part is no forecast of
    a version."""
    other = None if asked.against is None else _part(asked.against, judged)
    return replace(asked, rules=_part(asked.rules, judged), against=other, alone=judged)


def _part(chosen: Chosen, judged: Alone) -> Chosen:
    return replace(chosen, rules=judged.of(chosen.rules), digest=PART_OF + chosen.digest)


@dataclass(frozen=True, slots=True)
class Row:
    """One firing, for a CSV."""

    side: str
    firing_id: str
    rule: str
    version: int
    member_id: str
    priority: str
    fired_at: datetime
    told_at: datetime
    state: str
    late: bool
    navigator: str
    area: str
    status: str
    outcome: str
    alert_priority: str  # of the alert that rang with it; '' for none in the time
    other_alert_priority: str  # of the same call by the other rules; '' for none


@dataclass(slots=True)
class Report:
    """What came of it."""

    asked: Backtest
    plan: Plan
    tally: Tally
    missed: dict[Side, Missed]


def run(
    asked: Backtest,
    plan: Plan,
    *,
    processes: int = 0,
    progress: Callable[[int], None] = lambda _: None,
    keep: Callable[[list[Row]], None] = lambda _: None,
) -> Report:
    """Judge all that is planned. `progress` is told how many decisions were judged since it was told last, `keep` gets
    the rows of each chunk. `processes` 0: one per core."""
    tally, plan = Tally(), replace(plan, kinds=kinds_needed(asked.sets))
    for chunk, found, rows in _judged(asked, plan, processes or min(MOST_PROCESSES, _cores())):
        tally.add(found, asked.window.examples)
        keep(rows)
        progress(chunk.rows)
    missed = {side: missed_clocks(count.calls, asked.capacity) for side, count in tally.sides.items()}
    return Report(asked, plan, tally, missed)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_Done = tuple[Chunk, Tally, list[Row]]


class _Job(NamedTuple):
    """What a process works on."""

    asked: Backtest
    plan: Plan
    connection: duckdb.DuckDBPyConnection


_job: list[_Job] = []
"""Set when a process begins, because compiled rules cannot be sent and a connection is nobody else's."""
_open = ExitStack()
"""Holds the connection of such a process: it ends with the process, for a pool stops its processes when all is done."""


def _judged(asked: Backtest, plan: Plan, processes: int) -> Iterator[_Done]:
    if processes <= 1 or len(plan.chunks) <= 1:
        with reading(plan) as connection:
            for chunk in plan.chunks:
                yield _chunk(_Job(asked, plan, connection), chunk)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(min(processes, len(plan.chunks)), _begin, (asked, plan)) as pool:
        yield from pool.imap_unordered(_work, plan.chunks)


def _begin(asked: Backtest, plan: Plan) -> None:
    gc.freeze()  # what was there before is never looked through again
    _job[:] = [_Job(asked, plan, _open.enter_context(reading(plan)))]


def _work(chunk: Chunk) -> _Done:
    return _chunk(_job[0], chunk)


def _chunk(job: _Job, chunk: Chunk) -> _Done:
    asked, tally, rows = job.asked, Tally(), list[Row]()
    was = gc.isenabled()
    gc.disable()  # nearly all that is made lives as long as its person, and dies without a cycle
    try:
        sides = None if asked.against is None else sides_of(asked.rules.rules, asked.against.rules)
        for person in people_of(job.connection, job.plan, chunk, asked.window.until):
            rows += _person(asked, sides, person, tally)
    finally:
        if was:
            gc.enable()
            gc.collect(0)  # all that was made meanwhile is of the youngest generation
    tally.events = chunk.rows
    return chunk, tally, rows


def _person(asked: Backtest, sides: Sides | None, person: PersonPast, tally: Tally) -> list[Row]:
    """One person's part, counted into `tally`. `sides` are both rule sets as one, where they can be judged so."""
    policy = ReplayPolicy(asked.suppression, asked.history_for, asked.window.until, asked.alone)
    pasts, rules = list(person.pasts), asked.rules.rules
    lives: dict[Side, Life] = {}
    if asked.against is None:
        lives[Side.RULES] = replay(pasts, rules, policy)
    else:
        lives[Side.RULES], lives[Side.AGAINST] = replay_both(pasts, rules, asked.against.rules, sides, policy)
    groups = _groups_of(asked, pasts)
    count_person(tally, lives, groups, person.known, asked.window)
    return _rows_of(lives, person.known, asked.window) if asked.rows else []


def _groups_of(asked: Backtest, pasts: list[Past]) -> dict[str, str]:
    member: CohortMember = pasts[-1].member
    told = asked.groups.get(member.member_id) if asked.groups is not None else None
    return dict(told) if told is not None else groups_of(member, asked.window.until)


def groups_of(member: CohortMember, on: datetime) -> dict[str, str]:
    """The groups that rates are told by, as the archive knows them."""
    return {
        "age band": band_of(member, on.astimezone(LONDON).date()),
        "area": member.area or "unknown",
        "status": member.status.value,
    }


def _rows_of(lives: dict[Side, Life], known: tuple[Known, ...], window: Window) -> list[Row]:
    outcomes = {firing: one.outcome for one in known for firing in one.firings}
    rang = {side: [alert for alert, _ in alerts_of(life, window).values()] for side, life in lives.items()}
    urgencies = {side: _urgencies(side, rang) for side in lives}
    return [
        _row(side, seen, outcomes, urgencies[side])
        for side, life in lives.items()
        for seen in sorted(life.firings.values(), key=lambda each: (each.at, each.firing.firing_id))
        if window.holds(seen.at)
    ]


def _urgencies(side: Side, rang: Mapping[Side, list[Alert]]) -> dict[str, tuple[str, str]]:
    """By firing: the priority of the alert that rang with it, and that of the same call on the other side."""
    others = [alert for other, alerts in rang.items() if other is not side for alert in alerts]
    return {
        record.trigger.firing_id: (alert.priority.value, priority_beside(alert, others))
        for alert in rang[side]
        for record in alert.triggers
    }


def _row(side: Side, seen: FiringSeen, outcomes: Mapping[str, str], urgencies: Mapping[str, tuple[str, str]]) -> Row:
    firing, member = seen.firing, seen.member
    urgency, beside = urgencies.get(firing.firing_id, ("", ""))
    return Row(
        side=side.value,
        firing_id=str(firing.firing_id),
        rule=str(firing.rule_id),
        version=firing.rule_version,
        member_id=str(firing.member_id),
        priority=firing.priority.value,
        fired_at=firing.fired_at,
        told_at=seen.at,
        state=seen.state.value,
        late=firing.late,
        navigator=str(member.navigator_id or ""),
        area=member.area,
        status=member.status.value,
        outcome=outcomes.get(firing.firing_id, ""),
        alert_priority=urgency,
        other_alert_priority=beside,
    )


def figures(report: Report) -> dict[str, Any]:
    """The forecast by rule: how many firings the rules made in the time."""
    return dict(sorted(report.tally.sides[Side.RULES].rule.items()))
