"""The rules of tests/unit/triggers/forms/forms.yaml, as plainly as the shipped ones: every form of the language once.

Each is worked out from the whole life for every question: who was told what by when is a walk over times, a sequence is
every chain there is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.kinds import Feed, Role
from domain.people import CohortMember
from tests.oracle.grounds import ANY_ASSAULT, DAY, OFFENDERS, always, codes, folded
from tests.oracle.person import LATE, Ground, Life, News, ground, london, untold
from tests.oracle.rules import (
    Candidate,
    Outcome,
    candidate,
    cool,
    heard_later,
    raised,
    sooner_told,
    stands,
    together,
)
from tests.oracle.waits import _absent
from tests.oracle.windows import A_MOMENT, by_telling, counted, followed, known_in, spans_around
from triggers.history import HistoryEntry

NOW = timedelta(0)

CRIME = ground("crime.*", lambda _l, _m, _s, roles: bool({*roles} & {Role.SUSPECT, Role.VICTIM}))
GONE = ground("missing.reported", always)
CUSTODY = ground("custody.arrived", always, offending=True)
VISIT = ground("visit.made", always)
SHARP = ground("ed.*", lambda _l, _m, said, _r: said.get("intent") == "assault" and said.get("mechanism") == "sharp")
OFFENDING = ground("crime.* arrest.made custody.arrived", lambda _l, _m, _s, roles: bool({*roles} & {*OFFENDERS}))
NOT_NEEDED = ground("alert.closed", lambda _l, _m, said, _r: folded(said.get("outcome", "")) == "not_needed")


def form_outcomes(
    member: CohortMember, entries: Sequence[HistoryEntry], reference: Any, now: datetime, *, recent: timedelta = 7 * DAY
) -> set[Outcome]:
    """Everything that the rules of forms.yaml say at `now`. `recent` is RISING's recent span."""
    life = Life(member, entries, reference)
    found: set[Outcome] = set()

    def judge(
        rule: str, made: Iterable[Candidate], within: timedelta | None = NOW, *, each: bool = False
    ) -> list[Candidate]:
        ends = cool(list(made), within, each=each, late=LATE)
        found.update((rule, one.at, one.event, f"P{one.priority}", end) for one, end in ends)
        return [one for one, end in ends if end == "fired"]

    def plain(news: Iterable[News], priority: int) -> list[Candidate]:
        return [candidate(one, priority) for one in news if stands(life, one)]

    assaults, crimes, gone, visits = (life.news(each) for each in (ANY_ASSAULT, CRIME, GONE, VISIT))
    judge("ALL_THREE", plain(all_within([assaults, crimes, gone], [], 21 * DAY), 2), DAY, each=True)
    judge("UNVISITED", plain(all_within([assaults], [visits, gone], 14 * DAY), 2), DAY, each=True)
    custody = life.news(CUSTODY)
    judge("THREE_STEPS", plain(in_steps([gone, crimes, custody], 30 * DAY), 1))
    judge("STEPS_APART", plain(in_steps([crimes, assaults, crimes], 40 * DAY, apart=True), 2))
    judge("HURT_AND_ON", plain(in_steps([assaults, crimes, custody], 30 * DAY, other=True), 2))
    judge("HURT_AGAIN", plain(followed(assaults, assaults, 20 * DAY), 2))
    judge("HURT_OFTEN", [replace(one, priority=1 if count >= 3 else 2) for one, count in often(life, assaults)])
    judge("HURT_ALIKE", plain(alike(assaults), 2))
    soon = together(life, [ANY_ASSAULT, CRIME, GONE])
    judge("TOGETHER_SOON", plain(counted(soon, by_telling(life, soon), 2, DAY, feeds=2), 2))
    judge("FIRST_MISSING", plain(first_of(gone, None), 2))
    judge("FIRST_IN_MONTH", plain(first_of(assaults, 30 * DAY), 3))
    judge("RISING", plain(rising(crimes, recent, 28 * DAY), 2))
    told = together(life, [ANY_ASSAULT, CRIME, GONE, ground("intel.*", always)])
    judge("TWO_FEEDS", plain(varied(told, lambda one: {one.moment.entry.feed}, timedelta(hours=72)), 2))
    judge("MANY_OFFENCES", plain(varied(life.news(OFFENDING), lambda one: groups(life, one), 28 * DAY), 2))
    sharp = life.news(SHARP, itself=True)
    stabbed = judge("STABBED", plain(sharp, 1), 2 * DAY)
    # A firing stands at its own time alone: nobody was told before.
    fired = [
        replace(one, learnt=each.learnt, stood=(), lateness=each.lateness)
        for one in sharp
        for each in stabbed
        if fits(one, each)
    ]
    judge("STABBED_AGAIN", plain(counted(fired, [one.moment.key for one in fired], 2, 180 * DAY), 1))
    alone = _absent(life, [(one, one.at + 3 * DAY) for one in fired], visits, 1)
    judge("NOBODY_CAME", [replace(one, about="") for one in alone if one.at <= now])
    hurts, named = life.news(ANY_ASSAULT, itself=True), life.news(CRIME, itself=True)
    hurt = [(candidate(one, 3, "visit"), stands(life, one)) for one in hurts if not one.guarded]
    worse = judge("WORSE_THAN_THOUGHT", raised(hurt, stabbed), None)
    judge("WORSE_LATER", [after for one in worse for other in worse if (after := later(one, other))])
    judge("REFUSED_BEFORE", plain(after_refusals(life, named), 3))
    inside = (each_time(life, [CUSTODY]), each_time(life, [RELEASED]))
    unseen = [one for one in long_unseen(life, hurts, inside) if stands(life, one)]
    judge("LONG_UNSEEN", [candidate(one, urgency_of_unseen(life, one, hurts, gone, inside)) for one in unseen])
    return found


def fits(one: News, each: Candidate) -> bool:
    return one.moment.entry.event_id == each.event and one.at == each.at


def later(one: Candidate, other: Candidate) -> Candidate | None:
    """The second firing on one visit, within twenty days of the first."""
    if one.key != other.key or not one.at < other.at <= one.at + 20 * DAY:
        return None
    return replace(heard_later(one, other), priority=2, about="")


def known_when(one: News, others: Iterable[News], true: Callable[[list[News]], bool]) -> News | None:
    """Where what came in time makes it true: the same, known at the earliest time by which that did. Else where all
    that came does: too late. None where neither does."""
    listed = list(others)
    for some, late in (([other for other in listed if not untold(other, one)], False), (listed, True)):
        if true(some):
            return first_true(one, some, true, late=late)
    return None


def first_true(one: News, some: list[News], true: Callable[[list[News]], bool], *, late: bool) -> News:
    times = sorted({one.learnt, *(other.learnt for other in some if other.learnt > one.learnt)})
    learnt = next((at for at in times if true([other for other in some if other.learnt <= at])), one.learnt)
    return replace(one, learnt=learnt, lateness=LATE + A_MOMENT if late else one.lateness)


def before(one: News, news: Iterable[News], span: timedelta | None, *, strictly: bool = True) -> list[News]:
    """What happened before, up to so long ago; nothing that a guard stands against."""
    return [
        other for other in news
        if not other.guarded
        and (other.place < one.place or (not strictly and other.place == one.place))
        and (span is None or one.at - other.at <= span)
    ]  # fmt: skip


def all_within(parts: Sequence[Sequence[News]], none_of: Sequence[Sequence[News]], span: timedelta) -> list[News]:
    """Each with which all parts lie within a span that ends with one of them, and none of the others does."""
    found = []
    for place, part in enumerate(parts):
        others = [other for n, other in enumerate(parts) if n != place]
        for one in part:
            near, never = ([before(one, other, None, strictly=False) for other in each] for each in (others, none_of))
            told = [[other for other in each if not untold(other, one)] for each in near]
            in_time, ever = (whole_by(one, some, never, span) for some in (told, near))
            if in_time:
                found.append(replace(one, learnt=min(in_time)))
            elif ever:
                found.append(replace(one, learnt=min(ever), lateness=LATE + A_MOMENT))
    return sorted(found, key=lambda one: one.place)


def whole_by(
    one: News, near: Sequence[Sequence[News]], never: Sequence[Sequence[News]], span: timedelta
) -> list[datetime]:
    """When each span was known that holds one of each, and none of what must not be there."""
    learnt = []
    for end in sorted({at for each in ([one], *near) for other in each for at, _ in other.times}):
        whole = [[known for other in each if (known := known_in(other, end, span))] for each in ([one], *near)]
        if all(whole) and not any(known_in(other, end, span) for each in never for other in each):
            learnt.append(max(min(known) for known in whole))
    return learnt


def in_steps(
    steps: Sequence[Sequence[News]], span: timedelta, *, apart: bool = False, other: bool = False
) -> list[News]:
    """Every chain there is, each step later than the one before, complete with whatever of it was told last.

    `other`: each of another occurrence than the one before; `apart`: that too, and each chain after the last one.
    """
    chains = [[(end, at, learnt)] for end in steps[-1] for at, learnt in end.times]
    for step in reversed(steps[:-1]):
        chains = [
            [(one, at, learnt), *chain] for chain in chains for one in step for at, learnt in one.times
            if not one.guarded
            and at < chain[0][1]
            and chain[-1][1] - at <= span
            and one.moment.subject == chain[0][0].moment.subject
            and all(one.place != next_one.place for next_one, _, _ in chain)
            and not ((apart or other) and one.moment.key == chain[0][0].moment.key)
        ]  # fmt: skip
    complete: dict[Any, list[tuple[News, datetime]]] = {}
    for chain in chains:
        last = max((one for one, _, _ in chain), key=lambda one: one.place)
        if last is chain[-1][0] or not chain[-1][0].guarded:
            late = any(untold(one, last) for one, _, _ in chain)
            lateness = LATE + A_MOMENT if late else last.lateness
            made = replace(last, learnt=max(learnt for _, _, learnt in chain), lateness=lateness)
            complete.setdefault(last.place, []).append((made, chain[0][1]))
    found: list[News] = []
    since: datetime | None = None
    for place in sorted(complete):
        made = [last for last, begins in complete[place] if since is None or begins > since]
        if not made:
            continue
        last = min(made, key=lambda each: (each.how_late > LATE, each.learnt))
        found.append(last)
        if apart and not last.guarded and last.how_late <= LATE:
            since = last.at
    return found


def first_of(news: Sequence[News], span: timedelta | None) -> list[News]:
    """Each with nothing of another occurrence before it."""
    return [
        one
        for one in news
        if not any(o.moment.key != one.moment.key and not untold(o, one) for o in before(one, news, span))
    ]


def rising(news: Sequence[News], recent: timedelta, usual: timedelta) -> list[News]:
    """Each with two or more different ones in the recent span, and twice the rate of the usual span before."""
    found = []
    for one in news:
        near = before(one, news, recent + usual)
        for some, late in (([other for other in near if not untold(other, one)], False), (near, True)):
            early = {other.moment.key for other in some if one.at - other.at > recent}

            def enough(known: list[News], *, one: News = one, early: set[str] = early) -> bool:
                now = {o.moment.key for o in (*known, one) if one.at - o.at <= recent}
                then = {o.moment.key for o in known if one.at - o.at > recent}
                return len(then) >= 1 and len(now) >= 2 and len(now) * usual >= 2 * len(early) * recent

            if enough(some):
                found.append(first_true(one, some, enough, late=late))
                break
    return found


def varied(news: Sequence[News], values: Callable[[News], set[Any]], span: timedelta) -> list[News]:
    """Each with two different values in a window in which it stood, and which adds to what was told of that window."""
    found = []
    for place, one in enumerate(news):
        told = [n for n, other in enumerate(news) if not untold(other, one)]
        for some in (told, list(range(len(news)))):
            made = varied_by([news[n] for n in some], values, some.index(place), span)
            if made:
                late = replace(one, learnt=min(made), lateness=LATE + A_MOMENT)
                found.append(replace(one, learnt=min(made)) if some is told else late)
                break
    return found


def varied_by(news: Sequence[News], values: Callable[[News], set[Any]], place: int, span: timedelta) -> list[datetime]:
    """When each window was known to hold two, in which the one at `place` stood and to which it added."""
    one, made = news[place], []
    own = values(one)
    for here in spans_around(news, place, span) if own else ():
        told = all_of_them(values, (news[n] for n in here if n != place and not untold(news[n], one)))
        if len(told) >= 2 and own <= told:
            continue
        for at in sorted(at for at in here.values() if at >= here[place]):
            if len(all_of_them(values, (news[n] for n in here if here[n] <= at))) >= 2:
                made.append(at)
                break
    return made


def all_of_them(values: Callable[[News], set[Any]], news: Iterable[News]) -> set[Any]:
    return set[Any]().union(*map(values, news))


def often(life: Life, visits: Sequence[News]) -> list[tuple[Candidate, int]]:
    """Twice within five days, and how often."""
    found = counted(visits, [one.moment.key for one in visits], 2, 5 * DAY)
    return [(candidate(one, 2), one.count) for one in found if stands(life, one)]


def alike(visits: Sequence[News]) -> list[News]:
    """Twice within five days in the same way."""
    found: dict[Any, News] = {}
    for way in sorted({how for one in visits if (how := one.moment.said.get("mechanism"))}):
        such = [one for one in visits if one.moment.said.get("mechanism") == way]
        for one in counted(such, [one.moment.key for one in such], 2, 5 * DAY):
            if sooner_told(one, found.get(one.place)):
                found[one.place] = one
    return [found[place] for place in sorted(found)]


def groups(life: Life, one: News) -> set[Any]:
    written = life.reference.offence_groups
    return {group for code in codes(one.moment.said) for group in written.get(code, ())}


# -- the past ------------------------------------------------------------------------------------------------------


def outcome_in(words: str, *, unless: bool = False) -> Callable[..., bool]:
    return lambda life, _m, said, _r: (folded(said.get("outcome", "")) in life.words(words)) is not unless


def each_time(life: Life, grounds: Iterable[Ground]) -> list[News]:
    """Every time that it happened, also twice in one occurrence: the past is not made of news."""
    found = [one for each in grounds for m in life.moments if each.reads(m) and (one := life._news_at(each, m, None))]
    return sorted(found, key=lambda one: one.place)


def refusals(life: Life) -> list[News]:
    said_no = outcome_in("refused")
    told = (ground(kind, said_no) for kind in ("visit.made", "contact.recorded", "alert.closed"))
    return each_time(life, [ground("consent.refused", always), *told])


def after_refusals(life: Life, crimes: Sequence[News]) -> list[News]:
    """Two days with a refusal before, and not twice closed as not needed in the thirty days before."""
    no, closed = refusals(life), life.news(NOT_NEEDED)
    found = []
    for one in crimes:
        near = [*before(one, no, None), *(other for other in before(one, closed, 30 * DAY) if other not in no)]

        def asked(known: list[News], *, one: News = one) -> bool:
            days = {london(other.at) for other in before(one, no, None) if other in known}
            times = {other.moment.key for other in before(one, closed, 30 * DAY) if other in known}
            return len(days) >= 2 and len(times) < 2

        if (made := known_when(one, near, asked)) is not None:
            found.append(made)
    return found


def held(life: Life, one: News, custody: tuple[list[News], list[News]], known: list[News] | None = None) -> bool:
    """In custody: one began up to this moment and has not ended."""
    began, ended = (
        [other for other in before(one, each, None, strictly=False) if known is None or other in known]
        for each in custody
    )
    allowed = Feed.POLICE in life.member.allowed_feeds
    return allowed and any(
        all(over.moment.key != start.moment.key or over.place < start.place for over in ended) for start in began
    )


RELEASED = ground("custody.released", always, offending=True)


def spoken_with(life: Life) -> list[News]:
    reached = outcome_in("not_reached", unless=True)
    listed = [ground(kind, reached) for kind in ("visit.made", "contact.recorded", "callback.made")]
    return each_time(life, [*listed, ground("appointment.kept", always), ground("alert.closed", outcome_in("reached"))])


def said_of_consent(life: Life) -> list[tuple[News, str]]:
    def own(_l: Life, _m: Any, said: dict[str, Any], _r: Any) -> bool:
        return said.get("scope") != "household"

    words = {"consent.given": "engaged", "consent.refused": "declined", "consent.withdrawn": "withdrawn"}
    grounds: dict[str, Ground] = {word: ground(kind, own) for kind, word in words.items()}
    return [(one, word) for word, each in grounds.items() for one in each_time(life, [each])]


def long_unseen(life: Life, assaults: Sequence[News], custody: tuple[list[News], list[News]]) -> list[News]:
    """Nobody spoke with them for ten days; or they are in custody; or they declined."""
    contacts, consents = spoken_with(life), said_of_consent(life)
    found = []
    for one in assaults:
        near = [
            *before(one, contacts, None),
            *before(one, (each for each, _ in consents), None),
            *before(one, [*custody[0], *custody[1]], None, strictly=False),
        ]

        def asked(known: list[News], *, one: News = one) -> bool:
            spoke = [other.at for other in before(one, contacts, None) if other in known]
            said = [(o.place, word) for o, word in consents if o in known and o in before(one, [o], None)]
            declined = (max(said)[1] if said else folded(life.member.individual_engagement)) == "declined"
            return (bool(spoke) and one.at - max(spoke) >= 10 * DAY) or declined or held(life, one, custody, known)

        if (made := known_when(one, near, asked)) is not None:
            found.append(made)
    return found


def urgency_of_unseen(
    life: Life, made: News, assaults: Sequence[News], gone: Sequence[News], custody: tuple[list[News], list[News]]
) -> int:
    """By what came in time for it; by all, where only that made it true."""
    if made.lateness != LATE + A_MOMENT:
        one = next(one for one in assaults if one.place == made.place)
        gone = [other for other in gone if not untold(other, one)]
        began, ended = ([other for other in each if not untold(other, one)] for each in custody)
        custody = (began, ended)
    if held(life, made, custody):
        return 1
    return 2 if before(made, gone, 20 * DAY) else 3
