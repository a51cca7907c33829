"""Random life lines of four linked people over all feeds, with corrections, cancellations, merges and mistaken names.

A life is a list of chapters; each is a few small numbers, so that a failing one shrinks to something readable.
M1 and M2 share a home, M3 is M1's friend, M4 is M2's friend and keeps intelligence out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from hypothesis import strategies as st

from domain.attributes import Grade, Handling
from domain.events import Event
from domain.ids import EventId, HouseholdId, MemberId
from domain.kinds import Feed, Kind, Role
from tests.unit.streams.play import ed, event, hours, member, minutes

COHORT = (
    member("M1", household_id=HouseholdId("H1")),
    member("M2", household_id=HouseholdId("H1")),
    member("M3", associates=(MemberId("M1"),), born=2000),
    member("M4", associates=(MemberId("M2"),), allowed_feeds=(Feed.ED, Feed.POLICE, Feed.PROGRAMME)),
)
_LATE = (0, 0, 0, 5 / 60, 2, 20, 40, 60)  # hours between happening and arriving; the last is beyond the tolerance


@dataclass(frozen=True)
class Chapter:
    """One story: its kind, whose it is, when it starts (in half hours) and what the dice say."""

    story: str
    who: int
    other: int
    start: int
    dice: int


def chapters(stories: tuple[str, ...] = ()) -> st.SearchStrategy[list[Chapter]]:
    """One to six chapters."""
    one = st.builds(
        Chapter,
        story=st.sampled_from(stories or tuple(STORIES)),
        who=st.integers(1, 4),
        other=st.integers(1, 4),
        start=st.integers(0, 40),
        dice=st.integers(0, 2**16),
    )
    return st.lists(one, min_size=1, max_size=6)


def told(life: list[Chapter]) -> list[Event]:
    """The events of a life in order of arrival, each with its own lateness."""
    events: list[Event] = []
    for number, chapter in enumerate(life):
        rng = Random(chapter.dice)
        start = minutes(30 * chapter.start) + minutes(number)
        for each in STORIES[chapter.story](f"C{number}", f"M{chapter.who}", f"M{chapter.other}", start, rng):
            events.append(replace(each, received_at=each.occurred_at + hours(rng.choice(_LATE))))
    known = {each.event_id: each for each in events}
    return sorted(known.values(), key=lambda each: (each.received_at, each.event_id))


def _visit(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    patient = f"P-{who}" if rng.random() < 0.7 else ""
    said = {
        "intent": rng.choice((None, "assault", "assault", "self_harm", "undetermined")),
        "mechanism": rng.choice((None, None, "sharp", "body_part")),
        "patient_key": patient,
    }
    events = [ed(Kind.ED_ARRIVAL, who, visit=name, at=start, **said)]
    steps: list[tuple[Kind, dict[str, object], bool]] = [
        (Kind.ED_UPDATED, {"mechanism": "sharp", "intent": "assault"}, False),
        (Kind.ED_UPDATED, {"intent": "accidental"}, True),
        (Kind.ED_CODED, {"codes": ("icd10:X99",)}, False),
        (Kind.ED_DEPARTED, {}, True),
        (Kind.ED_REOPENED, {}, False),
        (Kind.ED_ADMITTED, {}, True),
        (Kind.ED_CANCELLED, {}, False),
        (Kind.ED_UPDATED, {"acuity": 2}, True),
    ]
    at = start
    for kind, attributes, named in rng.sample(steps, rng.randrange(0, 4)):
        at += minutes(rng.choice((10, 45, 200)))
        events.append(ed(kind, *((who,) if named and rng.random() < 0.5 else ()), visit=name, at=at, **attributes))
    return events


def _mistaken(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    """A visit that turns out to be somebody else's, and sometimes the first one's after all."""
    events = _visit(name, who, other, start, rng)
    at = start + minutes(rng.choice((5, 60, 300)))
    events.append(ed(Kind.ED_UPDATED, other, visit=name, at=at, key=f"{name}-other", acuity=3))
    if rng.random() < 0.3:
        events.append(ed(Kind.ED_DEPARTED, who, visit=name, at=at + minutes(20), key=f"{name}-back"))
    return events


def _merge(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    """The record under which `who` was taken turns out to be `other`'s."""
    old = f"OLD-{name}"
    events = [
        ed(Kind.ED_ARRIVAL, who, visit=name, at=start, patient_key=old, intent="assault", mechanism="sharp"),
        ed(Kind.ED_MERGED, other, visit="", at=start + hours(2), patient_key=f"P-{other}", merged_patient_key=old,
           key=f"{name}-A40"),
    ]  # fmt: skip
    if rng.random() < 0.5:
        events.append(ed(Kind.ED_UPDATED, visit=name, at=start + minutes(rng.choice((30, 200))), alcohol_drug=True))
    if rng.random() < 0.5:
        late = {"patient_key": old, "intent": "assault"}
        events.append(ed(Kind.ED_ARRIVAL, who, visit=f"{name}b", at=start + minutes(rng.choice((60, 300))), **late))
    if rng.random() < 0.3:
        events.append(ed(Kind.ED_CANCELLED, visit=name, at=start + hours(5)))
    return events


def _crime(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    code = rng.choice(("8N", "5D", "10D", "34B", "105A", "92A"))
    home = rng.choice((None, None, "H1"))
    first = {
        "ho_code": code,
        "weapon": rng.choice((None, "knife")),
        "household_key": home,
        "flags": rng.choice(((), ("domestic_abuse",))),
    }
    people = rng.choice(([(who, Role.VICTIM)], [(who, Role.SUSPECT)], [(who, Role.VICTIM), (other, Role.SUSPECT)]))
    if len({one for one, _ in people}) < len(people):
        people = people[:1]

    def later(kind: Kind, *named: tuple[str, Role], **attributes: object) -> Event:
        at = start + minutes(rng.choice((15, 90, 1500)))
        return event(kind, *named, at=at, key=name, attributes=attributes, version=str(rng.randrange(3)))

    events = [event(Kind.CRIME_RECORDED, *people, at=start, key=name, attributes=first)]
    more = (
        lambda: later(Kind.CRIME_UPDATED, ho_code=rng.choice(("5D", "8N", "103"))),
        lambda: later(Kind.CRIME_UPDATED, (who, people[0][1]), ho_code="5D"),
        lambda: later(Kind.CRIME_CANCELLED),
        lambda: later(Kind.CRIME_ROLE_REMOVED, people[-1], role_removed=people[-1][1]),
        lambda: later(Kind.CRIME_ROLE_ADDED, (other, Role.VICTIM), ho_code=code),
    )
    return events + [make() for make in rng.sample(more, rng.randrange(0, 3))]


def _custody(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    said = {"custody_id": name, "offences": rng.choice(((), ("10D",), ("8N",)))}
    events = [event(Kind.CUSTODY_ARRIVED, who, at=start, key=f"{name}a", attributes=said)]
    if rng.random() < 0.5:
        at = start + hours(rng.choice((1, 9)))
        named = (who,) if rng.random() < 0.5 else ()
        events.append(event(Kind.CUSTODY_RELEASED, *named, at=at, key=f"{name}r", attributes={"custody_id": name}))
    if rng.random() < 0.2:
        events.append(_retracted(events[0], start + hours(12), rng))
    return events


def _missing(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    risk = rng.choice(("low", "medium", "high"))
    events = [event(Kind.MISSING_REPORTED, who, at=start, key=name, attributes={"episode_id": name, "risk": risk})]
    at = start
    for kind in rng.sample((Kind.MISSING_REGRADED, Kind.MISSING_FOUND, Kind.MISSING_RETURNED), rng.randrange(0, 3)):
        at += hours(rng.choice((1, 6)))
        said = {"episode_id": name, **({"risk": "high"} if kind is Kind.MISSING_REGRADED else {})}
        events.append(event(kind, *((who,) if rng.random() < 0.5 else ()), at=at, key=f"{name}{kind}", attributes=said))
    return events


def _search(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    found = event(Kind.STOPSEARCH_RECORDED, who, at=start, key=name, attributes={"found": ("knife",)})
    return [found, *([_retracted(found, start + hours(3), rng)] if rng.random() < 0.3 else [])]


def _intel(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    grade = Grade(rng.choice((1, 2, 3)), rng.choice("ABD"), rng.choice((Handling.P, Handling.C)))
    said = {
        "grade": grade,
        "origin_unit": rng.choice("UV"),
        "themes": (rng.choice(("weapon", "gang", "county_lines")),),
    }
    named = [(who, Role.NAMED), *([(other, Role.NAMED)] if other != who and rng.random() < 0.3 else [])]
    events = [event(Kind.INTEL_SUBMITTED, *named, at=start, key=name, attributes=said)]
    for kind in rng.sample((Kind.INTEL_REGRADED, Kind.INTEL_SANITISED, Kind.INTEL_WITHDRAWN), rng.randrange(0, 3)):
        better = {"grade": Grade(1, "A", Handling.P)} if kind is Kind.INTEL_REGRADED else {}
        at = start + hours(rng.choice((1, 5, 30)))
        events.append(event(kind, *((who,) if rng.random() < 0.5 else ()), at=at, key=name, attributes=better))
    return events


def _at_home(name: str, who: str, other: str, start: timedelta, rng: Random) -> list[Event]:
    """Domestic abuse at the shared home; often nobody is named."""
    said = {"household_key": "H1", "crime_or_noncrime": "noncrime"}
    events = [
        event(Kind.DA_INCIDENT, *((who,) if rng.random() < 0.4 else ()), at=start, key=name, attributes=said),
    ]
    return events + ([_retracted(events[0], start + hours(1), rng)] if rng.random() < 0.4 else [])


def _retracted(what: Event, at: timedelta, rng: Random) -> Event:
    """The source takes a record back, by our id or by its own key, naming nobody."""
    by_id = rng.random() < 0.5
    return event(
        Kind.RECORD_RETRACTED,
        at=at,
        key=what.source_key if not by_id else f"{what.source_key}-retraction",
        feed=what.feed,
        system=what.source_system,
        retracts=EventId(what.event_id) if by_id else None,
    )


STORIES: dict[str, Callable[[str, str, str, timedelta, Random], list[Event]]] = {
    "visit": _visit,
    "mistaken": _mistaken,
    "merge": _merge,
    "crime": _crime,
    "custody": _custody,
    "missing": _missing,
    "search": _search,
    "intel": _intel,
    "at_home": _at_home,
}
