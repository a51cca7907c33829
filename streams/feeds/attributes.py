"""From attributes as they arrive to the values of domain/attributes.py: words folded, offence codes normalised.

Word lists (flags, themes, what a search found ...) are open sets: "Domestic Abuse" and "domestic-abuse" both become
domestic_abuse, so that rules can name them, and an unknown word is carried along.
"""

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec

from domain.attributes import (
    ATTRIBUTES_BY_KIND,
    NONE_STATED,
    STATED_LISTS,
    Attributes,
    CrimeAttributes,
    CustodyAttributes,
    ProgrammeAttributes,
)
from domain.kinds import Kind
from domain.people import MemberStatus
from streams.feeds.border_values import GradeWord, Moment
from streams.feeds.explain import Fault
from streams.feeds.mentions import clean
from streams.feeds.offences import code_for_group, normalise_offence
from streams.feeds.outcome import RejectReason
from streams.making import maker

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_FOLDED = frozenset(
    {"qualifiers", "flags", "found", "themes", "safeguarding", "category", "weapon", "injury_level", "disposal"}
    | {
        "outcome",
        "crime_or_noncrime",
        "relation",
        "exploitation_type",
        "disposition",
        "code_class",
        "status",
        "scope",
        "priority",
    }
)
_OFFENCES = frozenset({"ho_code", "offences"})
_PAST = frozenset({"arrival", "departed_at", "released_at"})
"""Times in attributes that must already have happened; a review date need not have."""


FIELD_NAMES: dict[type[Attributes], tuple[str, ...]] = {
    own: tuple(part.name for part in fields(own)) for own in set(ATTRIBUTES_BY_KIND.values())
}


@lru_cache(maxsize=4096)
def folded(word: str) -> str:
    """A word as rules name it: lower case, joined by underscores."""
    return _NOT_WORD.sub("_", word.lower()).strip("_")


def attributes_of(
    said: msgspec.Struct,
    own: type[Attributes],
    *,
    kind: Kind,
    on: date,
    latest: datetime,
    faults: list[Fault],
    ours: bool = False,
) -> Attributes:
    """The attributes of an event. `on` is the day of the occurrence (offence codes), `latest` the last time allowed.

    A field left out or null keeps the default of its dataclass; a list that is there and has nothing on it says so
    (NONE_STATED), unless the record is one that we wrote out ourselves (`ours`): there [] was not mentioned, and what
    was stated to be empty is [""]. Faults are added to `faults`.
    """
    values: dict[str, Any] = {}
    for name, tidy in _TIDIERS[own]:
        value = getattr(said, name)
        if value is None:
            continue
        if isinstance(value, Moment):
            if name in _PAST and value.at > latest:
                faults.append(Fault(f"attributes.{name}", RejectReason.FUTURE_DATE, "lies in the future"))
            values[name] = value.at
        elif isinstance(value, GradeWord):
            values[name] = value.said
        else:
            values[name] = _tidied(value, tidy, on)
            if values[name] == () and name in STATED_LISTS and _is_empty(value, ours=ours):
                values[name] = NONE_STATED
    if own is CrimeAttributes:
        _read_group(said, values, kind, on, faults)
        _keep_raw_code(said, values)
    if own is ProgrammeAttributes:
        _check_status(kind, values, faults)
    made: Attributes = _MAKERS[own](**values)
    return made


def _is_empty(value: tuple[str, ...], *, ours: bool) -> bool:
    """Whether nothing is on the list: what is on it and cannot be read is not taken for nothing."""
    return not any(map(clean, value)) and (bool(value) or not ours)


def _tidied(value: Any, tidy: Callable[[str, date], str], on: date) -> Any:
    if type(value) is str:
        return tidy(value, on)
    if type(value) is tuple:
        return tuple(text for one in value if (text := tidy(one, on)))
    return value


def _tidier(own: type[Attributes], name: str) -> Callable[[str, date], str]:
    if name in _OFFENCES and own in {CrimeAttributes, CustodyAttributes}:
        return normalise_offence
    return _fold if name in _FOLDED else _clean


def _fold(word: str, _on: date) -> str:
    return folded(word)


def _clean(text: str, _on: date) -> str:
    return clean(text)


_TIDIERS = {own: tuple((name, _tidier(own, name)) for name in names) for own, names in FIELD_NAMES.items()}
_MAKERS: dict[type[Attributes], Callable[..., Any]] = {own: maker(own) for own in FIELD_NAMES}


def _read_group(said: msgspec.Struct, values: dict[str, Any], kind: Kind, on: date, faults: list[Fault]) -> None:
    """A crime that is recorded by its group alone has the group's name in the place of its code, where that says enough
    for a rule: where it does not, somebody must hear of that. What is told of it later takes no code away."""
    group = getattr(said, "group", None)
    if group is not None and kind is Kind.CRIME_RECORDED and not values.get("ho_code"):
        code = code_for_group(group, on)
        if code is not None:
            values["ho_code"], values["ho_code_raw"] = code, clean(group)
        else:
            why = "is missing, and the group that is told leaves open which offence it is"
            faults.append(Fault("attributes.ho_code", RejectReason.MISSING_FIELD, why))


def _keep_raw_code(said: msgspec.Struct, values: dict[str, Any]) -> None:
    sent = getattr(said, "ho_code", None)
    if sent is not None:
        values.setdefault("ho_code_raw", clean(sent))


def _check_status(kind: Kind, values: dict[str, Any], faults: list[Fault]) -> None:
    status = values.get("status")
    if kind is Kind.STATUS_CHANGED and not status:
        faults.append(Fault("attributes.status", RejectReason.MISSING_FIELD, "is missing"))
    elif status and status not in set(MemberStatus):
        allowed = ", ".join(MemberStatus)
        faults.append(Fault("attributes.status", RejectReason.BAD_VALUE, f"not one of: {allowed}"))
