"""Which comparisons a table calls for: those whose fields are filled on both sides, extra columns by what they hold."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cohort.fine_comparisons import Offer
from cohort.offered import EXTRA, OFFERS, offered
from cohort.prepared import PreparedIdentity
from cohort.text_levels import KINDS, Kind, compact

_FILLED = 0.01
"""Share of records that must hold something in a column, on both sides, for it to be compared."""
_LOOKED_AT = 2_000
_DATE = re.compile(r"(?:1[89]|20)\d{2}[-/.]?(?:0\d|1[0-2])[-/.]?(?:[0-2]\d|3[01])")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_CODE_LENGTH = 12
_Held = Callable[[PreparedIdentity], object]
_extra = PreparedIdentity.extra
_FINE_BY_FIELD: tuple[tuple[str, _Held], ...] = (
    ("given names", lambda who: any(name.given for name in who.names)),
    ("family name", lambda who: any(name.family for name in who.names)),
    ("date of birth", lambda who: who.births or _extra(who, "date_of_birth")),
    ("sex", lambda who: who.sex),
    ("postcode", lambda who: who.postcodes or who.plain_texts("postcode")),
    ("address", lambda who: who.addresses or who.plain_texts("address")),
    ("phone", lambda who: who.phones),
    ("email", lambda who: who.emails),
    ("NHS number", lambda who: who.nhs),
    ("PNC id", lambda who: who.pnc),
    ("CRO number", lambda who: who.cro),
    ("UPN", lambda who: who.upn),
    ("local reference", lambda who: who.references),
    ("identifier text", lambda who: any(kind not in ("postcode", "address") for kind, _ in who.plain)),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A comparison chosen for a table; `kind` of an extra column, None of a field of an identity."""

    offer: Offer
    kind: Kind | None = None


def choose(cohort: Sequence[PreparedIdentity], events: Sequence[PreparedIdentity]) -> tuple[Column, ...]:
    """The comparisons for two tables, in a fixed order. Empty where the tables have no column in common."""
    columns = [
        Column(OFFERS[name][-1])
        for name, held in _FINE_BY_FIELD
        if all(_share(people, held) >= _FILLED for people in (cohort, events))
    ]
    extras = sorted({name for who in (*cohort, *events) for name, _ in who.extras} - {"date_of_birth"})
    for name in extras:
        if all(_share(people, partial(_extra, name=name)) >= _FILLED for people in (cohort, events)):
            kind = _kind(name, (*cohort[:_LOOKED_AT], *events[:_LOOKED_AT]))
            columns.append(Column(offered(EXTRA + name, _levels(kind), kind), kind))
    return tuple(columns)


def _levels(kind: Kind) -> tuple[str, ...]:
    return (*KINDS[kind][2], "missing")


def _share(people: Sequence[PreparedIdentity], held: _Held) -> float:
    return sum(1 for who in people if held(who)) / max(len(people), 1)


def _kind(name: str, people: Sequence[PreparedIdentity]) -> Kind:
    """Dates and decimals if nearly all are; codes if most are short and hold a digit, or are very short; else text."""
    values = [value for who in people for value in _extra(who, name) if compact(value)]
    count = max(len(values), 1)
    if sum(1 for value in values if _DATE.fullmatch(value.strip())) >= 0.8 * count:
        return Kind.DATE
    if sum(1 for value in values if _DECIMAL.fullmatch(value.strip())) >= 0.5 * count:
        return Kind.NUMBER
    codes = [value for value in values if len(compact(value)) <= 3 or _looks_like_code(compact(value))]
    return Kind.CODE if len(codes) >= 0.6 * count else Kind.TEXT


def _looks_like_code(text: str) -> bool:
    return len(text) <= _CODE_LENGTH and 2 * sum(map(str.isdigit, text)) >= len(text)
