"""What did not happen, quiet times and what adds up: rules.md sections 2, 4 and 5, as plainly as the rest.

An absence is due exactly W after its anchor, and fires if nothing that refutes it happened up to and including that
instant. Asked at `now`: what is due later is not yet.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.attributes import ProgrammeAttributes
from domain.clock import LONDON
from domain.kinds import Kind, Role
from domain.people import CohortMember
from tests.oracle.grounds import (
    ADVERSE,
    DA,
    DAY,
    HOUR,
    WEAPON_ASSAULT,
    always,
    codes,
    folded,
    hurt,
    left_early,
    offence,
)
from tests.oracle.person import LATE, Ground, Life, News, beside, ground, untold
from tests.oracle.rules import Candidate, Outcome, candidate, cool, raised, stands, together
from tests.oracle.telling import Moment
from tests.oracle.windows import A_MOMENT, counted
from triggers.entering import record_entry
from triggers.history import HistoryEntry


def waiting_outcomes(
    member: CohortMember, entries: Sequence[HistoryEntry], reference: Any, now: datetime
) -> set[Outcome]:
    """ED_LEFT_EARLY, ACE_THRESHOLD, QUIET_PERIOD and the programme timers, as they stand at `now`."""
    life = Life(member, entries, reference)
    found: set[Outcome] = set()

    def judge(rule: str, made: Iterable[Candidate], within: timedelta | None, *, each: bool = False) -> None:
        ends = cool(list(made), within, each=each, late=LATE)
        found.update((rule, one.at, one.event, f"P{one.priority}", end) for one, end in ends)

    judge("ED_LEFT_EARLY", [one for one in _left_early(life) if one.at <= now], None)
    judge("ACE_THRESHOLD", _adversity(life), 365 * DAY)
    judge("QUIET_PERIOD", [one for one in _quiet(life) if one.at <= now], None)
    referred = life.news(ground("referral.received", always))
    visits, triages = (life.news(ground(kind, always)) for kind in ("visit.made", "triage.done"))
    asked, called = (life.news(ground(kind, always)) for kind in ("callback.requested", "callback.made"))
    waits = [
        ("T1", referred, visits, 20 * HOUR, 3),
        ("T1", referred, visits, 24 * HOUR, 2),
        ("T2", referred, triages, 24 * HOUR, 2),
        ("T3", asked, called, timedelta(minutes=45), 2),
        ("T3", asked, called, timedelta(minutes=60), 1),
    ]
    for rule, anchors, refuting, wait, priority in waits:
        made = [(one, one.at + wait) for one in anchors]
        judge(rule, [one for one in _absent(life, made, refuting, priority) if one.at <= now], None)
    reviews = life.news(ground("review.done", always))
    dated = life.news(ground("watch.started review.due review.done triage.done consent.given", always))
    record = _record(life)
    days = [(one, _midnight_after(one.moment.said["review_date"])) for one in dated if "review_date" in one.moment.said]
    if record is not None and isinstance(record.moment.said.get("review_date"), datetime):
        days.append((record, _midnight_after(record.moment.said["review_date"])))
    due = [replace(one, about="") for one in _absent(life, days, reviews, 3) if one.at <= now]
    judge("T4", due, 22 * HOUR, each=True)
    missed = life.news(ground("appointment.missed", always))
    twice = counted(missed, [one.moment.key for one in missed], 2, 28 * DAY)
    judge("T5", [candidate(one, 3) for one in twice if stands(life, one)], DAY)
    on_the_list = ground("review.done", lambda li, m, _s, _r: li.as_of(m.at).status == "at_risk")
    began = (*_entering(life, ("at_risk",)), *life.news(on_the_list))
    listed = [(one, _a_year_after(one.at)) for one in began]
    # The year without a review ends early only by a review or by leaving the list: "at risk", said once more of
    # somebody who is on it, reviews nothing and begins nothing.
    off_the_list = ground("status.changed", lambda li, m, _s, _r: li.as_of(m.at).status != "at_risk")
    over = [*reviews, *life.news(off_the_list)]
    removal = [one for one in _absent(life, listed, over, 3) if life.as_of(one.at).status == "at_risk"]
    judge("T8", [one for one in removal if one.at <= now], None)
    return found


def _absent(
    life: Life, waits: Iterable[tuple[News, datetime]], refuting: Sequence[News], priority: int
) -> list[Candidate]:
    """Waits that ended with nothing heard; a review that sets a date does not refute that date."""
    return [
        _waited(one, max(due, one.at), priority)
        for one, due in waits
        if not any(other.place > one.place and other.at <= due for other in refuting) and _watched(life, one, due)
    ]


def _a_year_after(at: datetime) -> datetime:
    """Twelve months by the London calendar: the same day of the next year; from 29 February to 28 February."""
    here = at.astimezone(LONDON)
    leap_day = (here.month, here.day) == (2, 29)
    return here.replace(year=here.year + 1, day=28 if leap_day else here.day).astimezone(at.tzinfo)


def _waited(one: News, at: datetime, priority: int) -> Candidate:
    """Known in time, the clock makes it fire; else the lateness is that of what was waited after."""
    late = one.how_late if one.learnt > at else timedelta(0)
    key = one.moment.key
    return Candidate(at, one.moment.entry.event_id, priority, max(one.learnt, at), key, key, late)


def _watched(life: Life, one: News, due: datetime) -> bool:
    """An absence belongs to the time before its instant."""
    return not one.guarded and life.watched(max(due, one.at) - A_MOMENT, one.moment.entry.feed)


def _midnight_after(at: datetime) -> datetime:
    """The end of the London day."""
    next_day = at.astimezone(LONDON).date() + timedelta(days=1)
    return datetime(next_day.year, next_day.month, next_day.day, tzinfo=LONDON).astimezone(at.tzinfo)


# -- rules.md section 4 --------------------------------------------------------------------------------------------


def _left_early(life: Life) -> list[Candidate]:
    """Departure in less than an hour or by themselves; or neither departed nor admitted twelve hours after arrival.

    P1 if ED_WEAPON_ASSAULT fired for the same visit, else P2: where it fires only afterwards, P2 at first and P1 then.
    """
    came_about = [(candidate(one, 2, "visit"), stands(life, one)) for one in _leaving(life) if not one.guarded]
    came_about += _staying(life)
    weapons = [candidate(one, 1, "visit") for one in life.news(WEAPON_ASSAULT, itself=True) if stands(life, one)]
    fired = [one for one, end in cool(weapons, None, each=False, late=LATE) if end == "fired"]
    return raised(came_about, fired)


def _leaving(life: Life) -> list[News]:
    return life.news(ground("ed.*", left_early, hurt), itself=True)


def _staying(life: Life) -> list[tuple[Candidate, bool]]:
    """Each visit that had not ended by the twelfth hour, and whether they were watched then."""
    staying = []
    for one in life.news(ground("ed.*", hurt)):
        due = (one.moment.said.get("arrival") or one.moment.began) + 12 * HOUR
        told = [other for other in life.moments if other.key == one.moment.key and other.at <= due]
        visit = [other for other in told if not beside(other)]
        gone = any(_gone_or_admitted(other) and other.subject == one.moment.subject for other in visit)
        if not gone and not one.guarded:
            staying.append((_waited(one, max(due, one.at), 2), _watched(life, one, due)))
    return staying


def _gone_or_admitted(moment: Moment) -> bool:
    left = moment.said.get("departed_at")
    admitted = moment.said.get("admitted") or folded(moment.said.get("disposition", "")) == "admitted"
    return bool(admitted) or (left is not None and left <= moment.at)


def _quiet(life: Life) -> list[Candidate]:
    """Ninety days without an adverse event, counted from the last one, else from the start of the watch or the change
    into the state; time in custody does not run; once per quiet period."""
    adverse = [one for one in together(life, ADVERSE) if not one.guarded]
    states = ("disengaged", "non_engager")
    arrivals = life.news(ground("custody.arrived", always))
    releases = life.news(ground("custody.released", always))
    found = []
    entering = list(_entering(life, states))
    coming = _coming(life, entering)
    for one in (*adverse, *entering):
        due = _due_outside_custody(one.at, arrivals, releases)
        if due is not None and one in entering and any(one.at < other.at <= due for other in coming):
            continue  # the time begins with that later change
        if due is None or any(one.place < other.place and other.at <= due for other in adverse):
            continue
        last = next((other for other in reversed(adverse) if other.place <= one.place), None)
        changes = [other.at for other in coming if other.place <= one.place and (not last or other.place > last.place)]
        period = last.moment.entry.event_id if last else "from the start"
        if changes:  # it is counted from the last adverse event while its ninety days run, else from the change
            over = _due_outside_custody(last.at, arrivals, releases) if last else datetime.min.replace(tzinfo=UTC)
            period = str(changes[-1]) if over is not None and over < changes[-1] else period
        if life.as_of(due).status in states and life.watched(due - A_MOMENT, one.moment.entry.feed):
            found.append(replace(_waited(one, due, 3), about=period))
    return found


def _coming(life: Life, entering: Sequence[News]) -> list[News]:
    """When they came into the state from another or from outside the watch; a watch may also just be renewed."""
    return [
        one for one in entering
        if one.moment.entry.kind is Kind.STATUS_CHANGED
        or not life.watched(one.at - A_MOMENT, one.moment.entry.feed)
    ]  # fmt: skip


def _due_outside_custody(since: datetime, arrivals: Sequence[News], releases: Sequence[News]) -> datetime | None:
    """Minute by minute would say the same: the clock stands while any custody lasts."""
    spans = []
    for one in arrivals:
        ends = [other.at for other in releases if other.moment.key == one.moment.key and other.place > one.place]
        spans.append((one.at, min(ends) if ends else None))
    left, at = 90 * DAY, since
    while True:
        inside = [end for start, end in spans if start <= at and (end is None or end > at)]
        if None in inside:
            return None
        if inside:
            at = max(end for end in inside if end is not None)
            continue
        following = min((start for start, _ in spans if start > at), default=None)
        if following is None or following >= at + left:
            return at + left
        left -= following - at
        at = following


# -- evidence of adversity -----------------------------------------------------------------------------------------


def _adversity(life: Life) -> list[Candidate]:
    """The evidence with which the ten original categories reach four from below, while under eighteen."""
    evidence = sorted(
        (
            (one.place, name, one)
            for name, grounds in categories(life).items()
            for each in grounds
            for one in life.news(each)
            if not one.guarded and _under_18(life, one)
        ),
        key=lambda each: each[:2],
    )
    news, names = [one for _, _, one in evidence], [name for _, name, _ in evidence]
    found = []
    for place, one in enumerate(news):
        if len(set(names[: place + 1])) < 4:
            continue
        known = [n for n in range(place) if not untold(news[n], one)]
        in_time = len({names[place], *(names[n] for n in known)}) >= 4
        before = known if in_time else range(place)
        times = sorted({one.learnt, *(news[n].learnt for n in before if news[n].learnt > one.learnt)})
        learnt = next(t for t in times if len({names[place], *(names[n] for n in before if news[n].learnt <= t)}) >= 4)
        made = replace(one, learnt=learnt, lateness=one.lateness if in_time else LATE + A_MOMENT)
        if stands(life, one):
            found.append(candidate(made, 2))
        if made.how_late <= LATE:
            break  # told once, nothing after it is the first
    return found


def _under_18(life: Life, one: News) -> bool:
    age = life.age(one.at)
    return age is not None and age < 18


def _marked(group: str) -> Callable[..., bool]:
    return lambda life, _m, said, _r: bool({folded(word) for word in said.get("qualifiers", ())} & life.words(group))


def _logged(group: str) -> Callable[..., bool]:
    return lambda life, _m, said, _r: folded(said.get("category") or "") in life.words(group)


def _hurt_and_of_concern(life: Life, _m: Any, said: Any, _r: Any) -> bool:
    """An injury beside a safeguarding mark that is a concern, or is not one of the marks of another category."""
    marks = {folded(word) for word in said.get("safeguarding", ())}
    hurt_somehow = said.get("intent") or said.get("mechanism") or said.get("code_class") == "injury"
    if not hurt_somehow or not marks:
        return False
    return bool(marks & life.words("safeguarding_concerns")) or not marks & life.words("marks_of_other_kinds")


def _guarded_child(group: str) -> Callable[..., bool]:
    return lambda life, _m, said, _r: bool({folded(word) for word in said.get("safeguarding", ())} & life.words(group))


def categories(life: Life) -> dict[str, list[Ground]]:
    """domain.md 6.1, middle column."""
    victim = [Role.VICTIM]
    home = life.member.household_id

    def at_home(*more: Callable[..., bool]) -> Callable[..., bool]:
        return lambda li, m, said, roles: (
            bool(home and said.get("household_key") == home) and all(each(li, m, said, roles) for each in more)
        )

    drugs = at_home(lambda li, _m, said, _r: bool(codes(said) & li.words("drug_offences")))
    imprisoned = lambda li, _m, said, _r: folded(said.get("disposal", "")) in li.words("imprisoned")  # noqa: E731
    return {
        "PHYS": [
            ground("crime.*", at_home(offence(victim, "assault_with_injury"))),
            ground("ed.*", _hurt_and_of_concern),
        ],
        "SEX": [ground("crime.*", offence(victim, "sexual_offences"))],
        "EMO": [ground("ed.*", _guarded_child("protection_plan"))],
        "PNEG": [
            ground("crime.*", offence(victim, "child_cruelty")),
            ground("incident.*", _marked("child_alone"), about="household"),
        ],
        "ENEG": [ground("ed.*", _guarded_child("neglect_marks"))],
        "DVH": DA,
        "SUBH": [
            ground("crime.*", drugs, about="household"),
            ground("incident.* da.incident", _marked("substance_marks"), about="household"),
        ],
        "MHH": [
            ground("incident.*", _marked("mental_health_marks"), about="housemates"),
            ground("incident.*", _logged("mental_health_logs"), about="housemates"),
        ],
        "INCH": [ground("custody.* outcome.recorded", imprisoned, about="housemates")],
        "SEP": [
            ground("missing.*", lambda _l, _m, said, _r: said.get("from_care") is True),
            ground("ed.*", _guarded_child("looked_after_marks")),
            ground("crime.*", offence(victim, "homicide"), about="housemates"),
            ground("incident.*", lambda _l, _m, said, _r: said.get("category") == "sudden_death", about="housemates"),
        ],
    }


# -- states --------------------------------------------------------------------------------------------------------


def _record(life: Life) -> News | None:
    """The start of the watch as the record has it (the one thing shared with the product: it has no event)."""
    entry = record_entry(life.member)
    return None if entry is None else _own(life, entry)


def _own(life: Life, entry: HistoryEntry) -> News:
    said = entry.attributes
    assert isinstance(said, ProgrammeAttributes)
    values = {"review_date": said.review_date} if said.review_date else {}
    moment = Moment(
        key=entry.occurrence,
        family="watch",
        subject=entry.subject,
        relation=entry.relation,
        entry=entry,
        began=entry.occurred_at,
        said=values,
        after=values,
        end=values,
        roles=frozenset(),
        roles_after=frozenset(),
        told=(entry,),
    )
    return News(moment, entry.received_at)


def _entering(life: Life, states: Sequence[str]) -> list[News]:
    """When they came into one of the states, or when their watch began in one."""
    found = []
    record = _record(life)
    if record is not None and life.as_of(record.at - A_MOMENT).status in states:
        found.append(record)
    before = life.member.status
    for entry in life.own:
        if entry.kind not in (Kind.STATUS_CHANGED, Kind.WATCH_STARTED, Kind.WATCH_ENDED, Kind.REVIEW_DONE):
            continue
        after = _after(life, entry, before)
        if after in states and (after != before or entry.kind is Kind.WATCH_STARTED):
            found.append(_own(life, entry))
        before = after
    return found


def _after(life: Life, entry: HistoryEntry, before: Any) -> Any:
    said = entry.attributes.status if isinstance(entry.attributes, ProgrammeAttributes) else None
    known = [status.value for status in type(life.member.status)]
    return type(life.member.status)(said) if entry.kind is Kind.STATUS_CHANGED and said in known else before
