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
    told = [(lookup, [_in_time(hits, this, tolerance) for hits in listed]) for lookup, listed in before]
    past, learnt, lateness = _past(told, this), this.learnt, this.lateness
    known = _learnt(pattern, told, this) if _asked(pattern, past, this) else None
    if known is not None:
        learnt, lateness = known, lateness_at(this, known)
    else:
        past = _past(before, this)
        late = [hit for _, listed in before for hits in listed for hit in hits if too_late_for(hit, this, tolerance)]
        if late and _asked(pattern, past, this):
            learnt, lateness = _learnt(pattern, before, this), late_with(this, late, tolerance)
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


def _in_time(hits: Sequence[Hit], this: Hit, tolerance: timedelta) -> Sequence[Hit]:
    """Without what came too late for `this`: for that it is as if it had not come."""
    return [hit for hit in hits if not too_late_for(hit, this, tolerance)]


def _asked(pattern: RecallPattern, past: Mapping[str, Any], this: Hit) -> bool:
    """Whether `who` is true of this moment, the past being so."""
    return pattern.who(this.last.recalling(past)) is True


def _learnt(pattern: RecallPattern, before: Sequence[tuple[Lookup, Before]], this: Hit) -> datetime:
    """The earliest time at which what had come in of the past already made `who` true of this moment."""
    late = {hit.learnt for _, listed in before for hits in listed for hit in hits if hit.learnt > this.learnt}
    for when in (this.learnt, *sorted(late)) if late else ():
        known = [
            (lookup, [[hit for hit in hits if hit.learnt <= when] for hits in listed]) for lookup, listed in before
        ]
        if _asked(pattern, _past(known, this), this):
            return when
    return this.learnt


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
