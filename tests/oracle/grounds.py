"""What the rules look for, one by one, as rules.md section 4 and domain.md section 10 tell it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any

from domain.attributes import Intent, MissingRisk
from domain.kinds import Role
from domain.matches import Relation
from tests.oracle.person import Ground, Life, ground
from tests.oracle.telling import Moment

DAY, HOUR = timedelta(days=1), timedelta(hours=1)

OFFENDERS = (Role.SUSPECT, Role.ARRESTED, Role.CHARGED, Role.OFFENDER)


def folded(word: Any) -> str:
    text = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in str(word).lower())
    return "_".join(part for part in text.split("_") if part)


def codes(said: dict[str, Any]) -> set[str]:
    return {code.upper() for code in (*said.get("offences", ()), *filter(None, [said.get("ho_code")]))}


def assault(_l: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
    return said.get("intent") is Intent.ASSAULT


def weapon(life: Life, moment: Moment, said: dict[str, Any], roles: Any) -> bool:
    return assault(life, moment, said, roles) and said.get("mechanism") in life.words("weapon_mechanisms")


def reachable(moment: Moment, said: dict[str, Any]) -> bool:
    """Not departed, or within 12 h of arrival."""
    left = said.get("departed_at")
    return left is None or left > moment.at or moment.at - (said.get("arrival") or moment.began) <= 12 * HOUR


def weapon_now(life: Life, moment: Moment, said: dict[str, Any], roles: Any) -> bool:
    return weapon(life, moment, said, roles) and reachable(moment, said)


def other_assault(life: Life, moment: Moment, said: dict[str, Any], roles: Any) -> bool:
    return assault(life, moment, said, roles) and not weapon_now(life, moment, said, roles)


def left_early(life: Life, moment: Moment, said: dict[str, Any], _roles: Any) -> bool:
    left, came = said.get("departed_at"), said.get("arrival")
    if left is None or left > moment.at or not hurt(life, moment, said, _roles):
        return False
    to_a_ward = said.get("admitted") or said.get("disposition") == "admitted"
    short = came is not None and left - came < HOUR and not to_a_ward
    return short or folded(said.get("disposition", "")) in life.words("left_early")


def hurt(_l: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
    return said.get("intent") in (Intent.ASSAULT, Intent.UNDETERMINED)


def crisis(life: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
    return said.get("intent") is Intent.SELF_HARM or bool(set(said.get("codes", ())) & life.words("crisis_codes"))


def always(_l: Life, _m: Moment, _s: dict[str, Any], _r: Any) -> bool:
    return True


def offence(who: Sequence[Role], group: str) -> Callable[..., bool]:
    return lambda life, _m, said, roles: bool(set(roles) & set(who)) and bool(codes(said) & life.words(group))


def found_weapon(life: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
    whole = [folded(word) for word in said.get("found", ())]
    return bool({*whole, *(part for word in whole for part in word.split("_"))} & life.words("weapon_words"))


def themed(group: str) -> Callable[..., bool]:
    return lambda life, _m, said, _r: bool({folded(theme) for theme in said.get("themes", ())} & life.words(group))


def flagged(_l: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
    return "domestic_abuse" in {folded(flag) for flag in said.get("flags", ())}


def armed_injury(life: Life, moment: Moment, said: dict[str, Any], roles: Any) -> bool:
    if not offence([Role.VICTIM], "assault_with_injury")(life, moment, said, roles):
        return False
    named = folded(said["weapon"]) if "weapon" in said else "none"
    flags = {folded(flag) for flag in said.get("flags", ())}
    return named not in life.words("no_weapon") or bool(flags & life.words("weapon_flags"))


def risky(life: Life, moment: Moment, said: dict[str, Any], _r: Any) -> bool:
    age = life.age(moment.at)
    return age is not None and age < 18 and said.get("risk") in (MissingRisk.MEDIUM, MissingRisk.HIGH)


def not_negative(life: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
    return folded(said.get("outcome", "")) not in life.words("negative_outcomes")


def exploited(life: Life, moment: Moment, said: dict[str, Any], roles: Any) -> bool:
    kind = folded(said.get("exploitation_type", ""))
    signs = said.get("county_lines") or said.get("criminal_exploitation")
    named = kind in life.words("criminal_exploitation_types")
    return bool(signs or named) and not_negative(life, moment, said, roles)


def home_force(life: Life) -> tuple[str, Any]:
    if life.member.force_area:
        return folded(life.member.force_area), None
    area = life.reference.area(life.member.area)
    return ("", None) if area is None else (folded(area.force), area)


def found_elsewhere(life: Life, moment: Moment, said: dict[str, Any], _r: Any) -> bool:
    here, reported = moment.entry.place, said.get("reported_place")
    if here is None or moment.at - moment.began > 28 * DAY:
        return False
    home, area = home_force(life)
    there = folded(reported.force_area) if reported and reported.force_area else home
    force = folded(here.force_area or "")
    if force and there and force != there:
        return True
    spots = [spot for spot in (reported, area) if spot is not None and spot.lat is not None and spot.lon is not None]
    return here.lat is not None and bool(spots) and km(here, spots[0]) > 30


def out_of_area(life: Life, moment: Moment, said: dict[str, Any], roles: Any) -> bool:
    if not offence([Role.ARRESTED, Role.CHARGED], "supply_or_blade")(life, moment, said, roles):
        return False
    place, (home, _) = said.get("place"), home_force(life)
    return place is not None and bool(place.force_area and home) and folded(place.force_area) != home


def km(one: Any, other: Any) -> float:
    lat1, lon1, lat2, lon2 = map(radians, (one.lat, one.lon, other.lat, other.lon))
    return 2 * 6371 * asin(sqrt(sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2))


WEAPON_ASSAULT = ground("ed.*", weapon_now, weapon)
ANY_ASSAULT = ground("ed.*", assault)
WEAPON_OFFENCE = ground("crime.* arrest.made custody.arrived", offence(OFFENDERS, "weapon_offences"))
WEAPON_FOUND = ground("stopsearch.recorded", found_weapon, offending=True)
VIOLENT_SUSPECT = ground("crime.* arrest.made custody.arrived", offence(OFFENDERS, "violence_suspect"))
VIOLENCE_VICTIM = ground("crime.*", offence([Role.VICTIM], "violence_victim"))
WEAPON_INTEL = ground("intel.*", themed("weapon_themes"), offending=True)
DA = [
    ground("da.incident", always, about="household"),
    ground("crime.*", flagged, about="household"),
]


def part_in_it(_l: Life, moment: Moment, _s: dict[str, Any], roles: Any) -> bool:
    return moment.relation is Relation.SELF and bool(set(roles) & {*OFFENDERS, Role.VICTIM})


ADVERSE = [
    ground("ed.*", lambda li, m, said, r: hurt(li, m, said, r) or crisis(li, m, said, r)),
    Ground(("crime.*",), ((part_in_it, part_in_it), (flagged, flagged)), about="household"),
    ground("custody.arrived", always, offending=True),
    ground("arrest.made", always, offending=True),
    WEAPON_FOUND,
    ground("missing.reported", always),
    ground("da.incident", always, about="household"),
    ground("exploitation.flagged nrm.referred", always),
    ground("intel.*", always),
]
