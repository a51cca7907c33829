"""What lies together in a window, and what is one thing told twice, as rules.md sections 2 and 4 tell it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.attributes import Intent
from tests.oracle.grounds import DAY, HOUR, codes, km
from tests.oracle.person import LATE, Life, News, sooner, untold


def known_in(one: News, end: datetime, within: timedelta) -> datetime | None:
    """When it was first known that it stood at some time of the span that ends then; None where it never did."""
    return min((learnt for at, learnt in one.times if end - within <= at <= end), default=None)


def spans_around(news: Sequence[News], place: int, within: timedelta) -> list[dict[int, datetime]]:
    """Every span of that length, ending when something happened, in which the one at `place` stood: what stood there of
    it and of all before it against which no guard stands, each with when that was first known."""
    some = [*(n for n in range(place) if not news[n].guarded), place]
    ends = {at for n in some for at, _ in news[n].times if known_in(news[place], at, within)}
    return [{n: known for n in some if (known := known_in(news[n], end, within))} for end in sorted(ends)]


def counted(
    news: Sequence[News],
    names: Sequence[str],
    least: int,
    within: timedelta,
    *,
    feeds: int = 1,
    late: timedelta = LATE,
    things: Sequence[str] = (),
) -> list[News]:
    """Each at which enough different ones (by name, of so many feeds) lie within the window that ends with it; and each
    that was coded late, with which they do in any window in which it stood.

    What tells the same thing again says nothing new; `things` are what each tells of, where that is not its name.
    Only what came in time for it makes one whole; where nothing less than what came too late does, it is too late.
    """
    found = []
    things = things or names
    for place, one in enumerate(news):
        told = [n for n, other in enumerate(news) if not untold(other, one, late)]
        for some in (told, range(len(news))):
            here = [news[n] for n in some]
            made = counted_at(
                here,
                [names[n] for n in some],
                [things[n] for n in some],
                list(some).index(place),
                least,
                within,
                feeds=feeds,
                late=late,
            )
            if made is not None:
                found.append(made if some is told else replace(made, lateness=late + A_MOMENT))
                break
    return found


A_MOMENT = timedelta(microseconds=1)


def counted_at(
    news: Sequence[News],
    names: Sequence[str],
    things: Sequence[str],
    place: int,
    least: int,
    within: timedelta,
    *,
    feeds: int,
    late: timedelta,
) -> News | None:
    """The one at `place`, where enough of these lie within its window."""
    one = news[place]
    if one.stood:
        return next(iter(counted_around(news, names, place, least, within, feeds=feeds, late=late)), None)
    before = [n for n in range(place) if not news[n].guarded and one.at - news[n].at <= within]

    def enough(some: Sequence[int]) -> bool:
        kinds = {news[n].moment.entry.feed for n in some}
        return len({names[n] for n in some}) >= least and len(kinds) >= feeds

    if not enough([*before, place]):
        return None
    known = [n for n in before if not untold(news[n], one, late)]
    if things[place] in {things[n] for n in known} and enough(known):
        return None  # it had come about without this one, and this one is not new
    times = sorted({one.learnt, *(news[n].learnt for n in before if news[n].learnt > one.learnt)})
    learnt = next(t for t in times if enough([place, *(n for n in before if news[n].learnt <= t)]))
    return replace(one, learnt=learnt, count=len({names[n] for n in [*before, place]}))


def counted_around(
    news: Sequence[News],
    names: Sequence[str],
    place: int,
    least: int,
    within: timedelta,
    *,
    feeds: int,
    late: timedelta,
) -> list[News]:
    """The one at `place`, coded late, where enough different ones lie within some window in which it stood, where it
    happened or where it was coded. Nothing that comes later by its own time counts.

    Nobody is told twice: what a window would tell says nothing where the same names, enough of them, had been told
    together in time, with another telling of this one among them.
    """
    one = news[place]

    def enough(some: Iterable[int]) -> bool:
        kinds = {news[n].moment.entry.feed for n in some}
        return len({names[n] for n in some}) >= least and len(kinds) >= feeds

    def told_by(last: int, span: dict[int, datetime]) -> list[int]:
        """What of a span could be told with `last`, in time for it."""
        in_time = [n for n in span if n <= last and span[n] - news[last].at <= late]
        return [n for n in in_time if not untold(news[n], news[last], late)]

    spans = spans_around(news, place, within)
    said = [
        {names[n] for n in told_by(last, span)}
        for span in spans
        for last in span
        if last != place and last in told_by(last, span) and enough(told_by(last, span))
    ]
    learnt, counts = [], []
    for span in spans:
        telling = {names[place], *(names[n] for n in told_by(place, span))}
        if enough(span) and not any(telling <= known for known in said):
            times = sorted(at for at in span.values() if at >= span[place])
            learnt.append(next(at for at in times if enough([n for n in span if span[n] <= at])))
            counts.append(len({names[n] for n in span}))
    return [replace(one, learnt=min(learnt), count=max(counts))] if learnt else []


def by_key(news: Sequence[News]) -> list[str]:
    return [one.moment.key for one in news]


def by_episode(news: Sequence[News]) -> list[str]:
    """Overlapping episodes are one; one without a known end is presumed to last a day."""
    spans = {}
    for one in news:
        spans[one.moment.key] = (one.moment.began, one.moment.end.get("ended_at") or one.moment.began + DAY)
    name: dict[str, str] = {}
    until: datetime | None = None
    current = ""
    for one in sorted(news, key=lambda one: (one.moment.began, one.place)):
        begins, ends = spans[one.moment.key]
        if until is None or begins >= until:
            current, until = one.moment.key, ends
        until = max(until, ends)
        name[one.moment.key + one.moment.entry.event_id] = current
    return [name[one.moment.key + one.moment.entry.event_id] for one in news]


def by_telling(life: Life, news: Sequence[News]) -> list[str]:
    """The same source key is one; so are assault-type events of two feeds within 6 h and, where known, 1 km.

    Within 6 h of when they happened: a visit happened when they came in, whenever it was coded.
    """
    names: list[str] = []
    for place, one in enumerate(news):
        source = (one.moment.entry.source_system, one.moment.entry.source_key)
        same = [
            n for n in range(place)
            if news[n].moment.key == one.moment.key
            or (news[n].moment.entry.source_system, news[n].moment.entry.source_key) == source
        ]  # fmt: skip
        own = [n for n in same if news[n].moment.key == one.moment.key]
        if own or same:
            names.append(names[(own or same)[-1]])
            continue
        name = _twin(life, news, names, one) if violent(life, one) else None
        names.append(name or f"{place}:{one.moment.key}")
    return names


def _twin(life: Life, news: Sequence[News], names: Sequence[str], one: News) -> str | None:
    tellings: dict[str, list[News]] = {}
    for name, other in zip(names, news, strict=False):
        if violent(life, other):
            tellings.setdefault(name, []).append(other)
    fitting = [name for name, told in tellings.items() if all(same_thing(one, other) for other in told)]
    return fitting[-1] if fitting else None


def violent(life: Life, one: News) -> bool:
    said = one.moment.said
    return said.get("intent") is Intent.ASSAULT or bool(codes(said) & life.words("violence_victim"))


def same_thing(one: News, other: News) -> bool:
    (happened, _), (other_happened, _) = one.times[0], other.times[0]
    if one.moment.entry.feed is other.moment.entry.feed or abs(happened - other_happened) > 6 * HOUR:
        return False
    here, there = one.moment.said.get("place"), other.moment.said.get("place")
    known = here and there and None not in (here.lat, here.lon, there.lat, there.lon)
    return not known or km(here, there) <= 1


def followed(firsts: Sequence[News], thens: Sequence[News], within: timedelta) -> list[News]:
    """Each `first` with a `then` of another occurrence after it, within the span, told at the later telling of both.

    Which came first is asked of what happened, not of who wrote faster: a visit counts from its arrival, and from its
    coding too, whichever makes the pair. When they are a pair is asked of what was said: with the one said last, the
    pattern is complete.
    """
    found: dict[Any, News] = {}
    for first in firsts:
        for then in thens:
            if first.guarded or first.moment.key == then.moment.key or first.moment.subject != then.moment.subject:
                continue
            last = max(first, then, key=lambda one: one.place)
            if then.guarded and last is first:
                continue
            learnt = [max(l1, l2) for t1, l1 in first.times for t2, l2 in then.times if t1 < t2 <= t1 + within]
            late = any(untold(one, last) for one in (first, then))
            if learnt:
                made = replace(last, learnt=min(learnt), lateness=LATE + A_MOMENT if late else last.lateness)
                if sooner(made, found.get((last.place, last.guarded))):
                    found[last.place, last.guarded] = made
    return sorted(found.values(), key=lambda one: one.place)
