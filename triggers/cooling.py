"""What a rule's firings keep quiet, in event time: candidates after one of the same ground, for as long as it cools.

Only what fires keeps others quiet. Looked at from the first change on, and no further than a cooling from the last
change reaches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triggers.lines import Line, in_order
from triggers.rules import Rule
from triggers.verdicts import FiringDecision, Verdict


def cooled_alone(rule: Rule, candidates: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """The candidates of one occurrence, where only they can keep each other quiet."""
    behind = _Behind(Line(), 0)
    for verdict in in_order(candidates):
        behind.then.append(_judged(rule, verdict, behind))
    return tuple(behind.then)


def cooled(
    rule: Rule, line: Line[Verdict], was: Sequence[Verdict], now: Sequence[Verdict]
) -> tuple[Line[Verdict], Sequence[Verdict], Sequence[Verdict]]:
    """The line with candidates `was` replaced by `now`, and what that made of others: (line, gone, come)."""
    if not was and len(now) == 1 and line.ends_before(now[0].key):  # the usual case
        last = (_judged(rule, now[0], _Behind(line, line.size)),)
        return line.upto(line.size, last), was, last
    return _cooled_again(rule, line, was, now)


def _cooled_again(
    rule: Rule, line: Line[Verdict], was: Sequence[Verdict], now: Sequence[Verdict]
) -> tuple[Line[Verdict], list[Verdict], list[Verdict]]:
    """As `cooled`, whatever changed."""
    place = line.place(min(verdict.key for verdict in (*was, *now)))
    old = line.items[place : line.size]
    left = {(verdict.key, verdict.ground) for verdict in was}
    kept = [verdict for verdict in old if (verdict.key, verdict.ground) not in left]
    fresh = {id(verdict) for verdict in now}
    within = rule.cooling.within
    last = max(verdict.fired_at for verdict in (*was, *now))
    reach = None if within is None else last + within
    behind = _Behind(line, place)
    for verdict in in_order([*kept, *now]):
        if reach is not None and verdict.fired_at > reach:
            behind.then.append(verdict)
            continue
        judged = _judged(rule, verdict, behind)
        if judged is not verdict and id(verdict) not in fresh and reach is not None and within is not None:
            reach = max(reach, verdict.fired_at + within)
        behind.then.append(judged)
    standing = {id(verdict) for verdict in behind.then}
    before = {id(verdict) for verdict in old}
    gone = [verdict for verdict in old if id(verdict) not in standing]
    come = [verdict for verdict in behind.then if id(verdict) not in before]
    return line.upto(place, behind.then), gone, come


@dataclass(slots=True)
class _Behind:
    """What lies behind the candidate that is being judged: the line as it stood up to a place, then those judged."""

    line: Line[Verdict]
    place: int
    then: list[Verdict] = field(default_factory=list)

    def fired(self, ground: str, since: timedelta | None, at: datetime) -> Iterable[Verdict]:
        """The firings on a ground, the latest first, back to `since` before `at`."""
        for rows, size in ((self.then, len(self.then)), (self.line.items, self.place)):
            for place in range(size - 1, -1, -1):
                verdict = rows[place]
                if since is not None and at - verdict.fired_at > since:
                    return
                if verdict.fired and verdict.ground == ground:
                    yield verdict


def _judged(rule: Rule, verdict: Verdict, behind: _Behind) -> Verdict:
    if not verdict.unguarded:
        return verdict
    for known in behind.fired(verdict.ground, rule.cooling.within, verdict.fired_at):
        if _cools(rule, known, verdict):
            return verdict.judged(FiringDecision.COOLING, known)
    if verdict.lateness > rule.tolerance:
        return verdict.judged(FiringDecision.TOO_LATE)
    return verdict.judged(FiringDecision.FIRED)


def _cools(rule: Rule, known: Verdict, new: Verdict) -> bool:
    if new.priority.outranks(known.priority):
        return False
    return not (rule.cooling.per_priority and known.priority is not new.priority)
