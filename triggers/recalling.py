"""What the past says at a moment: how often, how long ago, whether it lasts; read from the history, in event time.

The finder hands every hit of its first part on, with the answers beside it (`Moment.past`); conditions of `who` and of
the tables of `then` read them there. What happened before the completing event counts, what comes after never does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from domain.clock import LONDON
from triggers.hits import Hit, late_with, lateness_at, too_late_for
from triggers.looking_back import Anchor, Behind, LookingBack, Mark, within
from triggers.patterns import Lookup, Recalled, RecallPattern

_DAY = timedelta(days=1)

Before = Sequence[Sequence[Hit]]
"""For each part of a lookup, its hits before a moment, in event time."""


def recall_finder(pattern: RecallPattern, parts: tuple[int, ...], tolerance: timedelta) -> LookingBack:
    """Finds what the first part finds, and answers every lookup at it."""
    spans = [lookup.within for lookup in pattern.lookups]
    known = [span for span in spans if span is not None]
    reach = max(known, default=timedelta(0)) if len(known) == len(spans) else None
    return LookingBack(parts, (0,), reach, partial(_recalled_at, pattern, tolerance))


def _recalled_at(pattern: RecallPattern, tolerance: timedelta, anchor: Anchor, behind: Behind) -> tuple[Hit, Mark]:
    this = anchor.hit
    before: list[tuple[Lookup, Before]] = []
    place = 1
    for lookup in pattern.lookups:
        lines = behind[place : place + len(lookup.parts)]
        place += len(lookup.parts)
        ended = lookup.asks is Recalled.LASTING
        before.append((lookup, [within(line, this, lookup.within, before=not ended) for line in lines]))
    past = _past(before, this)
    learnt, lateness = _learnt(pattern, tolerance, before, this)
    made = Hit(
        this.last.recalling(past),
        learnt,
        this.decision,
        this.rank,
        this,
        occurrence=this.occurrence,
        due=this.due,
        lateness=lateness,
    )
    return made, (id(this), learnt, lateness, *past.values())


def _past(before: Sequence[tuple[Lookup, Before]], this: Hit) -> Mapping[str, Any]:
    return {lookup.name: answered(lookup, this, hits) for lookup, hits in before}


def _learnt(
    pattern: RecallPattern, tolerance: timedelta, before: Sequence[tuple[Lookup, Before]], this: Hit
) -> tuple[datetime, timedelta]:
    """The earliest time at which what had come in of the past already made `who` true of this moment, and how late that
    is: too late, where nothing but what came too late made it true."""
    after = [hit for _, listed in before for hits in listed for hit in hits if hit.learnt > this.learnt]
    if after:
        in_time = [hit for hit in after if not too_late_for(hit, this, tolerance)]
        left = frozenset(map(id, after)) - frozenset(map(id, in_time))
        for when in (this.learnt, *sorted({hit.learnt for hit in in_time})):
            if _true_by(pattern, before, this, when, left):
                return when, lateness_at(this, when)
        for when in sorted({hit.learnt for hit in after}):
            if left and _true_by(pattern, before, this, when, frozenset()):
                return when, late_with(this, after, tolerance)
    return this.learnt, this.lateness


def _true_by(
    pattern: RecallPattern,
    before: Sequence[tuple[Lookup, Before]],
    this: Hit,
    when: datetime,
    without: frozenset[int],
) -> bool:
    known = [
        (lookup, [[hit for hit in hits if hit.learnt <= when and id(hit) not in without] for hits in listed])
        for lookup, listed in before
    ]
    return pattern.who(this.last.recalling(_past(known, this))) is True


def answered(lookup: Lookup, this: Hit, before: Before) -> Any:
    """The answer at `this`; None where it is not known."""
    if lookup.feeds and lookup.feeds.isdisjoint(this.last.person.member.allowed_feeds):
        return None
    match lookup.asks:
        case Recalled.HOW_MANY:
            return len({hit.occurrence for hits in before for hit in hits if hit.occurrence != this.occurrence})
        case Recalled.DAYS_SINCE:
            lasts = [hits[-1].at for hits in before if hits]
            return (this.at - max(lasts)) / _DAY if lasts else None
        case Recalled.DAYS_WITH:
            return len({hit.at.astimezone(LONDON).date() for hits in before for hit in hits})
        case Recalled.LASTING:
            return _lasting(*before)
        case Recalled.LATEST:
            return _latest(lookup.words, before)


def _lasting(began: Sequence[Hit], ended: Sequence[Hit]) -> bool:
    """Whether one that began has not ended since."""
    over = {hit.occurrence: hit.key for hit in ended}
    return any(hit.occurrence not in over or over[hit.occurrence] < hit.key for hit in began)


def _latest(words: Sequence[str], before: Before) -> str | None:
    """The word of what happened last."""
    lasts = [(hits[-1].key, word) for word, hits in zip(words, before, strict=True) if hits]
    return max(lasts)[1] if lasts else None
