"""What an event changed: the difference between two answers of `evaluate`, in the words that alerts need."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import FiringId
from domain.triggers import TriggerFired
from triggers.verdicts import FiringDecision, Verdict


@dataclass(frozen=True, slots=True)
class Moved:
    """The alert stays, its ground is now another firing: an earlier event came late, or a correction moved it."""

    old: TriggerFired
    new: TriggerFired


@dataclass(frozen=True, slots=True)
class Changes:
    """`fired` new firings; `withdrawn` whose ground is gone; `moved` pairs; `suppressed` new candidates that did not
    fire, with the decision that says why (for the ledger and the gatekeeper)."""

    fired: tuple[TriggerFired, ...] = ()
    withdrawn: tuple[TriggerFired, ...] = ()
    moved: tuple[Moved, ...] = ()
    suppressed: tuple[Verdict, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nobody needs to be told anything."""
        return not (self.fired or self.withdrawn or self.moved)


def compare(before: tuple[Verdict, ...], after: tuple[Verdict, ...]) -> Changes:
    """What became different from `before` to `after`: two answers for the same member by the same rules.

    A firing that is new and takes the place of an old one is `moved`, never also `fired`; a firing that is gone is
    either `moved` or `withdrawn`.
    """
    was, now = _by_id(before), _by_id(after)
    new = [verdict for verdict in after if verdict.fired and not _fired(was, verdict.firing.firing_id)]
    gone = [verdict for verdict in before if verdict.fired and not _fired(now, verdict.firing.firing_id)]
    moved = list(_reworded(was, now))
    withdrawn: list[TriggerFired] = []
    for verdict in gone:
        heir = _heir(verdict, was, now, new)
        if heir is None:
            withdrawn.append(verdict.firing)
        else:
            moved.append(Moved(verdict.firing, heir))
    taken = {pair.new.firing_id for pair in moved}
    fired = tuple(verdict.firing for verdict in new if verdict.firing.firing_id not in taken)
    return Changes(fired, tuple(withdrawn), tuple(moved), _newly_suppressed(was, after))


def _by_id(verdicts: tuple[Verdict, ...]) -> dict[FiringId, Verdict]:
    return {verdict.firing.firing_id: verdict for verdict in verdicts}


def _fired(verdicts: Mapping[FiringId, Verdict], firing: FiringId) -> bool:
    known = verdicts.get(firing)
    return known is not None and known.fired


def _reworded(was: Mapping[FiringId, Verdict], now: Mapping[FiringId, Verdict]) -> list[Moved]:
    """Firings that stand with another priority: a correction changed how urgent they are."""
    return [
        Moved(old.firing, now[firing].firing)
        for firing, old in was.items()
        if old.fired and _fired(now, firing) and now[firing].firing.priority is not old.firing.priority
    ]


def _heir(
    gone: Verdict, was: Mapping[FiringId, Verdict], now: Mapping[FiringId, Verdict], new: list[Verdict]
) -> TriggerFired | None:
    """The firing that now stands for what `gone` stood for; None if its ground is simply gone."""
    today = now.get(gone.firing.firing_id)
    if today is not None and today.decision is FiringDecision.COOLING and today.cooled_by is not None:
        return now[today.cooled_by].firing
    related = [verdict for verdict in new if _takes_over(verdict, gone, was)]
    if not related:
        return None
    return min(related, key=lambda one: (abs(one.firing.fired_at - gone.firing.fired_at), one.firing.firing_id)).firing


def _takes_over(new: Verdict, gone: Verdict, was: Mapping[FiringId, Verdict]) -> bool:
    if new.firing.rule_id != gone.firing.rule_id or new.firing.ground != gone.firing.ground:
        return False
    before = was.get(new.firing.firing_id)
    cooled = before is not None and before.cooled_by == gone.firing.firing_id
    return cooled or new.occurrence == gone.occurrence


def _newly_suppressed(was: Mapping[FiringId, Verdict], after: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(
        verdict
        for verdict in after
        if not verdict.fired
        and (
            (known := was.get(verdict.firing.firing_id)) is None
            or (known.decision is not verdict.decision and verdict.decision is not FiringDecision.COOLING)
        )
    )
