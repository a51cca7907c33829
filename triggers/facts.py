"""The facts a rule may ask about, each with its type, its words and how it is read from a moment.

The catalogue is the whole vocabulary of conditions: what is not here cannot be asked. There is no ethnicity, religion,
nationality, immigration status, sex or other protected characteristic, by design (domain.md section 10).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Any

from domain.attributes import Intent, Mechanism, MissingRisk
from domain.events import Place
from domain.kinds import Role
from domain.matches import Relation
from domain.people import MemberStatus
from triggers.moments import Moment
from triggers.reference import Area, folded_word

EARTH_RADIUS_KM = 6371.0

_HOUR = timedelta(hours=1)


class FactType(StrEnum):
    """What can be asked of a fact: words and word sets by equality, numbers by range, truths by true or false."""

    WORD = "word"
    WORDS = "words"
    NUMBER = "number"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Fact:
    """One askable fact. `words` closes the vocabulary where it is closed; `label` is how a sentence names it."""

    name: str
    type: FactType
    label: str
    read: Callable[[Moment], Any]
    words: frozenset[str] = frozenset()
    open_words: bool = False  # words are compared in folded form ("Kitchen knife" has "knife")
    only_in_priority: bool = False
    told: str = ""  # the attribute that it is, just as it was told
    recalled: bool = False  # read from the history up to the moment: asked in 'who' and in the tables of 'then'


def _said(name: str) -> Callable[[Moment], Any]:
    return lambda moment: moment.values.get(name)


def _folded(name: str) -> Callable[[Moment], Any]:
    def read(moment: Moment) -> Any:
        values = moment.values.get(name)
        return None if values is None else frozenset(folded_word(word) for word in values)

    return read


def _found(moment: Moment) -> Any:
    """Words of what was found, whole and in parts: 'kitchen knife' is kitchen_knife, kitchen and knife."""
    whole = {folded_word(word) for word in moment.values.get("found", ())}
    return frozenset(whole | {part for word in whole for part in word.split("_")})


def _one_folded(name: str) -> Callable[[Moment], Any]:
    def read(moment: Moment) -> Any:
        value = moment.values.get(name)
        return None if value is None else folded_word(value)

    return read


def _hours_since_arrival(moment: Moment) -> Any:
    arrival = moment.values.get("arrival") or moment.occurrence.started_at
    return (moment.at - arrival) / _HOUR


def _stay_minutes(moment: Moment) -> Any:
    arrival, departed = moment.values.get("arrival"), moment.values.get("departed_at")
    return None if arrival is None or departed is None else (departed - arrival) / timedelta(minutes=1)


def _departed(moment: Moment) -> Any:
    departed = moment.values.get("departed_at")
    return departed is not None and departed <= moment.at


def _at_home(moment: Moment) -> Any:
    """Whether it happened in the member's household; unknown where either is unknown."""
    told, own = moment.values.get("household_key"), moment.person.member.household_id
    return None if not told or not own else told == own


def _weapon_known(moment: Moment) -> Any:
    weapon = moment.values.get("weapon")
    none = moment.reference.lists.get("no_weapon", _NO_WEAPON)
    return weapon is not None and folded_word(weapon) not in none


_NO_WEAPON = frozenset({"none", "no", "no_weapon"})
"""For reference lists of a force that were written before they had a `no_weapon`."""


def _released_when_learnt(moment: Moment) -> Any:
    released = moment.occurrence.final.get("released_at")
    return released is not None and released <= moment.entry.received_at


def _force(place: Place | None) -> str | None:
    return folded_word(place.force_area) if place is not None and place.force_area else None


def _home_force(moment: Moment) -> str | None:
    area = moment.person.area
    return folded_word(area.force) if area else None


def _other_force(moment: Moment) -> Any:
    """Whether it happened in another force than the member's area; unknown where either is unknown."""
    here, home = _force(moment.values.get("place")), _home_force(moment)
    return None if here is None or home is None else here != home


def _found_other_force(moment: Moment) -> Any:
    """Whether it happened in another force than where the episode was reported, else than the member's area."""
    here = _force(moment.values.get("place")) if moment.entry.place else None
    there = _force(moment.values.get("reported_place")) or _home_force(moment)
    return None if here is None or there is None else here != there


def _found_km(moment: Moment) -> Any:
    reported: Place | None = moment.values.get("reported_place")
    return _km(moment.entry.place, _point(reported) or _point(moment.person.area))


def _point(where: Place | Area | None) -> tuple[float, float] | None:
    return (where.lat, where.lon) if where and where.lat is not None and where.lon is not None else None


def _km(here: Place | None, there: tuple[float, float] | None) -> float | None:
    point = _point(here)
    return None if point is None or there is None else km_between(point, there)


def km_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance in km between two points of (latitude, longitude) in degrees (haversine)."""
    lat1, lon1, lat2, lon2 = map(radians, (*one, *other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


ROLE = "role"
"""The fact by which a rule says which roles it reads. The others read only whom the record is about."""

LINK_LEARNT = "link_learnt_days"
"""The fact by which a rule says how late a link may be learnt. Rules that do not ask it never see such events."""


def _link_learnt_days(moment: Moment) -> Any:
    """Days from the event until the link was learnt through which it is heard; 0 where the link stood."""
    if moment.relation is Relation.SELF:
        return None
    linked = moment.linked
    return 0.0 if linked is None else (linked.at - moment.entry.occurred_at) / timedelta(days=1)


def _grade(part: str) -> Callable[[Moment], Any]:
    def read(moment: Moment) -> Any:
        grade = moment.values.get("grade")
        return None if grade is None else getattr(grade, part)

    return read


def _record(name: str) -> Callable[[Moment], Any]:
    """Whether the member's record holds anything under this name."""
    return lambda moment: bool(getattr(moment.person.member, name))


def _recalled(name: str) -> Callable[[Moment], Any]:
    """What the history up to the moment says (recalling.py)."""
    return lambda moment: None if moment.past is None else moment.past.get(name)


def _engagement(name: str) -> Callable[[Moment], Any]:
    """What was last said about consent, else what the record holds."""

    def read(moment: Moment) -> Any:
        said = None if moment.past is None else moment.past.get(name)
        return said or folded_word(getattr(moment.person.member, name)) or None

    return read


def _offence_groups(moment: Moment) -> Any:
    return moment.reference.groups_of(moment.codes) or None


def _risk(moment: Moment) -> Any:
    return moment.values.get("risk")


def _fact(name: str, type_: FactType, label: str, read: Callable[[Moment], Any], **more: Any) -> Fact:
    return Fact(name, type_, label, read, **more)


def _values(enum: type[StrEnum]) -> frozenset[str]:
    return frozenset(member.value for member in enum)


_W, _S, _N, _T = FactType.WORD, FactType.WORDS, FactType.NUMBER, FactType.TRUTH

_CODE_CLASSES = frozenset(("assault", "self_harm", "injury", "mental_health"))

_LIST = (
    _fact("intent", _W, "injury intent", _said("intent"), told="intent", words=_values(Intent)),
    _fact("mechanism", _W, "injury mechanism", _said("mechanism"), told="mechanism", words=_values(Mechanism)),
    _fact("disposition", _W, "how the visit ended", _one_folded("disposition"), open_words=True),
    _fact("codes", _S, "clinical codes", lambda m: frozenset(m.values.get("codes", ())) or None),
    _fact("code_class", _W, "class of what was coded", _said("code_class"), told="code_class", words=_CODE_CLASSES),
    _fact("departed", _T, "already departed", _departed),
    _fact("admitted", _T, "admitted", lambda m: m.values.get("admitted") or m.values.get("disposition") == "admitted"),
    _fact("since_arrival_hours", _N, "hours since arrival", _hours_since_arrival),
    _fact("stay_minutes", _N, "minutes between arrival and departure", _stay_minutes),
    _fact(ROLE, _S, "role in the record", lambda m: m.roles, words=_values(Role)),
    _fact("offence", _S, "offence", lambda m: m.codes or None),
    _fact("flags", _S, "crime flags", _folded("flags"), open_words=True),
    _fact("weapon_known", _T, "a weapon on record", _weapon_known),
    _fact("found", _S, "what the search found", _found, open_words=True),
    _fact("at_home", _T, "at the person's home", _at_home),
    _fact("safeguarding", _S, "safeguarding marks", _folded("safeguarding"), open_words=True),
    _fact("category", _W, "kind of police log", _one_folded("category"), open_words=True),
    _fact("qualifiers", _S, "marks of the police log", _folded("qualifiers"), open_words=True),
    _fact("disposal", _W, "what became of the custody", _one_folded("disposal"), open_words=True),
    _fact("risk", _W, "risk of the missing episode", _risk, words=_values(MissingRisk)),
    _fact("from_care", _T, "missing from care", _said("from_care"), told="from_care"),
    _fact("found_other_force", _T, "found in another force's area", _found_other_force),
    _fact("found_km", _N, "km between report and finding", _found_km),
    _fact("since_start_hours", _N, "hours since the first report", lambda m: (m.at - m.occurrence.started_at) / _HOUR),
    _fact("other_force", _T, "outside the home force's area", _other_force),
    _fact("county_lines", _T, "county lines flag", _said("county_lines"), told="county_lines"),
    _fact(
        "criminal_exploitation",
        _T,
        "criminal exploitation flag",
        _said("criminal_exploitation"),
        told="criminal_exploitation",
    ),
    _fact("exploitation_type", _W, "type of exploitation", _one_folded("exploitation_type"), open_words=True),
    _fact("outcome", _W, "outcome", _one_folded("outcome"), open_words=True),
    _fact("themes", _S, "report themes", _folded("themes"), open_words=True),
    _fact("theme_family", _S, "theme family", lambda m: m.reference.families_of(m.values.get("themes", ())) or None),
    _fact("source", _N, "source evaluation", _grade("source")),
    _fact("assessment", _W, "information assessment", _grade("assessment"), words=frozenset("ABCDE")),
    _fact("origin_unit", _W, "origin unit", _one_folded("origin_unit"), open_words=True),
    _fact(LINK_LEARNT, _N, "days until the link was learnt", _link_learnt_days),
    _fact("site", _W, "hospital site", _one_folded("site_ods"), open_words=True),
    _fact("offence_group", _S, "offence group", _offence_groups, open_words=True),
    _fact("scope", _W, "whom it was about", _said("scope"), told="scope", words=frozenset(("individual", "household"))),
    _fact("alert_rules", _S, "rules of the alert", lambda m: frozenset(m.values.get("rules", ())) or None),
    _fact("released_when_learnt", _T, "released before we heard", _released_when_learnt),
    _fact("status", _W, "programme status", lambda m: m.person.status(m.at), words=_values(MemberStatus)),
    _fact("age", _N, "age", lambda m: m.person.age(m.at)),
    _fact("programme", _W, "programme", lambda m: folded_word(m.person.member.programme) or None, open_words=True),
    _fact("area", _W, "area", lambda m: folded_word(m.person.member.area) or None, open_words=True),
    _fact("safe_contact_noted", _T, "a safe-contact note on record", _record("safe_contact")),
    _fact("staff_safety_noted", _T, "a staff-safety note on record", _record("staff_safety")),
    _fact("has_navigator", _T, "a navigator on record", _record("navigator_id")),
    _fact("has_associates", _T, "associates on record", _record("associates")),
    _fact(
        "individual_engagement",
        _W,
        "the person's own engagement",
        _engagement("individual_engagement"),
        open_words=True,
        recalled=True,
    ),
    _fact(
        "household_engagement",
        _W,
        "the household's engagement",
        _engagement("household_engagement"),
        open_words=True,
        recalled=True,
    ),
    _fact("days_since_contact", _N, "days since the last contact", _recalled("days_since_contact"), recalled=True),
    _fact("offers_refused", _N, "days on which an offer was refused", _recalled("offers_refused"), recalled=True),
    _fact("in_custody", _T, "in custody", _recalled("in_custody"), recalled=True),
    _fact("step", _W, "which wait has ended", lambda m: m.step or None, open_words=True, only_in_priority=True),
    _fact("count", _N, "how many in the window", lambda m: m.count, only_in_priority=True),
)

FACTS: Mapping[str, Fact] = {fact.name: fact for fact in _LIST}
"""Every fact by name."""
