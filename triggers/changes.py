"""What an event changed: the difference between two answers of `evaluate`, in the words that alerts need."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import FiringId
from domain.triggers import TriggerFired
from triggers.verdicts import FiringDecision, Verdict

Moved = tuple[TriggerFired, TriggerFired]
"""(old, new): the alert stays, its ground is now another firing of the same rule; an earlier event came late, or a
correction moved it or changed its priority, or took away one of two things that stood at one moment."""


@dataclass(frozen=True, slots=True)
class Changes:
    """`fired` new firings; `withdrawn` whose ground is gone; `moved` pairs; `held` new candidates that did not
    fire, with the decision that says why (for the ledger and the gatekeeper)."""

    fired: tuple[TriggerFired, ...] = ()
    withdrawn: tuple[TriggerFired, ...] = ()
    moved: tuple[Moved, ...] = ()
    held: tuple[Verdict, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nobody needs to be told anything."""
        return not (self.fired or self.withdrawn or self.moved)


def compare(before: tuple[Verdict, ...], after: tuple[Verdict, ...]) -> Changes:
    """What became different from `before` to `after`: two answers for the same member by the same rules, in order;
    verdicts that stand in both may be left out of both.

    A firing that is new and takes the place of an old one is `moved`, never also `fired`; a firing that is gone is
    either `moved` or `withdrawn`.
    """
    if not before:  # the usual case: nothing could move or go
        return Changes(
            fired=tuple(verdict.trigger for verdict in after if verdict.fired),
            held=tuple(verdict for verdict in after if not verdict.fired),
        )
    was, now = _by_id(before), _by_id(after)
    new = [verdict for verdict in after if verdict.fired and not _fired(was, verdict.firing_id)]
    gone = [verdict for verdict in before if verdict.fired and not _fired(now, verdict.firing_id)]
    moved = list(_reworded(was, now))
    withdrawn: list[TriggerFired] = []
    for verdict in gone:
        heir = _heir(verdict, was, now, new)
        if heir is None:
            withdrawn.append(verdict.trigger)
        else:
            moved.append((verdict.trigger, heir))
    taken = {heir.firing_id for _, heir in moved}
    fired = tuple(verdict.trigger for verdict in new if verdict.firing_id not in taken)
    return Changes(fired, tuple(withdrawn), tuple(moved), _newly_held(was, after))


def _by_id(verdicts: tuple[Verdict, ...]) -> dict[FiringId, Verdict]:
    return {verdict.firing_id: verdict for verdict in verdicts}


def _fired(verdicts: Mapping[FiringId, Verdict], firing: FiringId) -> bool:
    known = verdicts.get(firing)
    return known is not None and known.fired


def _reworded(was: Mapping[FiringId, Verdict], now: Mapping[FiringId, Verdict]) -> list[Moved]:
    """Firings that stand with another priority or time: a correction changed how urgent they are, or a wait that had
    ended on the same event gave way to what happened meanwhile."""
    return [
        (old.trigger, now[firing].trigger)
        for firing, old in was.items()
        if old.fired and _fired(now, firing) and _says_otherwise(now[firing], old)
    ]


def _says_otherwise(new: Verdict, old: Verdict) -> bool:
    return new.priority is not old.priority or new.fired_at != old.fired_at


def _heir(
    gone: Verdict, was: Mapping[FiringId, Verdict], now: Mapping[FiringId, Verdict], new: list[Verdict]
) -> TriggerFired | None:
    """The firing that now stands for what `gone` stood for; None if its ground is simply gone."""
    today = now.get(gone.firing_id)
    if today is not None and today.decision is FiringDecision.COOLING and today.cooler is not None:
        return today.cooler.trigger
    related = [verdict for verdict in new if _takes_over(verdict, gone, was)]
    if not related:
        return None
    return min(related, key=lambda one: (abs(one.fired_at - gone.fired_at), one.firing_id)).trigger


def _takes_over(new: Verdict, gone: Verdict, was: Mapping[FiringId, Verdict]) -> bool:
    if new.rule_id != gone.rule_id:
        return False
    if new.ground != gone.ground:
        return _tells_the_same(new, gone)
    before = was.get(new.firing_id)
    cooled = before is not None and before.cooled_by == gone.firing_id
    return cooled or new.occurrence == gone.occurrence or _tells_the_same(new, gone)


def _tells_the_same(new: Verdict, gone: Verdict) -> bool:
    """Whether whoever was told would hear the same again: of two things at one moment one was taken away, and the
    other stands for it. Never where the rule tells of different people, or of different waits."""
    alike = new.fired_at == gone.fired_at and new.priority is gone.priority
    if not alike or _besides_the_occurrence(new) != _besides_the_occurrence(gone):
        return False
    here, there = new.trigger, gone.trigger
    return (here.headline, here.review, here.sensitivity) == (there.headline, there.review, there.sensitivity)


def _besides_the_occurrence(verdict: Verdict) -> str:
    """What the ground says beyond the occurrence: the person harmed, or which wait of several."""
    return verdict.ground.removeprefix(verdict.occurrence)


def _newly_held(was: Mapping[FiringId, Verdict], after: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(
        verdict
        for verdict in after
        if not verdict.fired
        and (
            (known := was.get(verdict.firing_id)) is None
            or (known.decision is not verdict.decision and verdict.decision is not FiringDecision.COOLING)
        )
    )
