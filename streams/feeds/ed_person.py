"""Who an ADT message is about: PID (and MRG) into an Identity (domain.md 1.1, 4 and 5.1).

Read: identifiers, names, birth date, sex, addresses, phones, twin, death and reliability marks. Never read: ethnic
group (PID-22), religion, mother's name, next of kin. What is malformed is dropped: it is worth less than nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from operator import mul

from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.ids import digest
from streams.feeds.er7 import Er7Limits, Segment
from streams.feeds.hl7_time import read_day
from streams.making import maker

NHS = "NHS"

_NO_PARTS = ("",) * 12
"""What follows the components that were sent."""

_SEX = {
    "1": Sex.MALE,
    "M": Sex.MALE,
    "2": Sex.FEMALE,
    "F": Sex.FEMALE,
    "9": Sex.NOT_SPECIFIED,
    "A": Sex.NOT_SPECIFIED,
    "O": Sex.NOT_SPECIFIED,
    "N": Sex.NOT_SPECIFIED,
}
"""PID-8, legacy letters included; whatever else is sent is `unknown`."""

_NAME_KINDS = {
    "": NameKind.USUAL,
    "L": NameKind.USUAL,
    "D": NameKind.USUAL,
    "PREFERRED": NameKind.USUAL,
    "A": NameKind.ALIAS,
    "N": NameKind.ALIAS,
    "B": NameKind.PREVIOUS,
    "M": NameKind.PREVIOUS,
    "PREVIOUS": NameKind.PREVIOUS,
    "PREVIOUS-BIRTH": NameKind.PREVIOUS,
    "PREVIOUS-MAIDEN": NameKind.PREVIOUS,
}
"""XPN-7. Types that are not listed (pseudonyms, unspecified) are not names of anybody."""

REPEATING = (3, 5, 11, 13, 14, 32)
"""The repeating PID fields that are read."""


@dataclass(frozen=True, slots=True, repr=False)
class PatientNumber:
    """One CX: the number, whose it is, and its type (CX-5). `authority` is the facility where none is given.

    `is_nhs`: it is sent as an NHS number, in either style: authority `NHS`, or type `NH` under any authority.
    """

    value: str
    authority: str
    kind: str
    is_nhs: bool

    @property
    def key(self) -> str:
        """`authority:number` for merges and visits; an NHS number is digested, so that no history carries it."""
        if self.is_nhs:
            return f"{NHS}:{digest('patient', _digits(self.value))[:20]}"
        return f"{self.authority}:{self.value}"


_make_number, _make_identity, _make_name, _make_identifier, _make_birth = (
    maker(PatientNumber),
    maker(Identity),
    maker(Name),
    maker(Identifier),
    maker(DateOfBirth),
)


def read_numbers(segment: Segment, number: int, site: str, limits: Er7Limits) -> list[PatientNumber]:
    """All CX of a field that hold a number."""
    result = []
    for repeat in segment.repeats(number, limits.max_repeats):
        parts = segment.components(repeat)
        value = segment.text(parts[0])
        if value and len(value) <= limits.max_value:
            authority = (segment.text(parts[3])[: limits.max_value] if len(parts) > 3 else "") or site
            kind = segment.text(parts[4]).upper() if len(parts) > 4 else ""
            result.append(_make_number(value, authority, kind, kind == "NH" or authority.upper() == NHS))
    return result


def main_number(numbers: list[PatientNumber]) -> PatientNumber | None:
    """The number that stands for the patient record: the hospital number, else any local one, else the NHS number."""
    first: PatientNumber | None = None
    for number in numbers:
        if not number.is_nhs:
            if number.kind == "MR":
                return number
            first = first or number
    return first or next((each for each in numbers if each.is_nhs and _is_nhs_number(_digits(each.value))), None)


def read_identity(
    pid: Segment, numbers: list[PatientNumber], *, shielded: bool, today: date, limits: Er7Limits
) -> Identity:
    """Everything PID says about who it is. `shielded` (ZU8-4) leaves out where they live and how to reach them."""
    marks = {pid.text(mark).upper() for mark in pid.repeats(32, limits.max_repeats)}
    reach = () if shielded or "UA" in marks else _addresses(pid, limits)
    phones, emails = ((), ()) if shielded else _phones(pid, limits)
    return _make_identity(
        names=_names(pid, alias="AL" in marks, limits=limits),
        dates_of_birth=_dates_of_birth(pid, marks, today),
        sex=_SEX.get(pid.value(8).upper(), Sex.UNKNOWN),
        identifiers=_identifiers(numbers, verified="NSTS01" in marks),
        postcodes=_unique([postcode for _, postcode in reach]),
        addresses=_unique([address for address, _ in reach]),
        phones=phones,
        emails=emails,
        unknown=pid.value(31).upper() == "Y",
        deceased=pid.value(30).upper() == "Y" or read_day(pid.value(29)) is not None,
        multiple_birth=pid.value(24).upper() == "Y" or pid.value(25) in {"2", "3", "4", "5", "6"},
    )


def cleared_fields(pid: Segment, identity: Identity) -> tuple[str, ...]:
    """The fields of Identity that the message sets to null, by name; a null beside a value clears nothing."""
    given: tuple[tuple[str, tuple[int, ...], Callable[[], bool]], ...] = (
        ("names", (5,), lambda: not identity.names),
        ("dates_of_birth", (7,), lambda: True),
        ("sex", (8,), lambda: True),
        ("postcodes", (11,), lambda: not identity.postcodes),
        ("addresses", (11,), lambda: not identity.addresses),
        ("phones", (13, 14), lambda: not identity.phones),
        ("deceased", (30,), lambda: not identity.deceased),
    )
    return tuple(name for name, numbers, bare in given if any(map(pid.is_null, numbers)) and bare())


def _identifiers(numbers: list[PatientNumber], *, verified: bool) -> tuple[Identifier, ...]:
    """NHS numbers that pass the check, and local numbers scoped by their authority. The trace status is one for the
    whole PID: with two different NHS numbers it proves neither."""
    national = _unique([_digits(number.value) for number in numbers if number.is_nhs])
    valid = [digits for digits in national if _is_nhs_number(digits)]
    traced = verified and len(valid) == 1
    found = [_make_identifier(Scheme.NHS, digits, "", traced) for digits in valid]
    local = [_make_identifier(Scheme.NOMINAL, n.value, n.authority) for n in numbers if not n.is_nhs]
    return (*found, *(local if len(local) < 2 else dict.fromkeys(local)))


def _digits(value: str) -> str:
    return value.replace(" ", "").replace("-", "")


def _is_nhs_number(digits: str) -> bool:
    """Modulus 11 over ten digits; all-same digits are never issued (domain.md 4.1)."""
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()) or len(set(digits)) == 1:
        return False
    check: int = 11 - sum(map(mul, map(int, digits), range(10, 1, -1))) % 11
    return check != 10 and int(digits[9]) == check % 11


def _names(pid: Segment, *, alias: bool, limits: Er7Limits) -> tuple[Name, ...]:
    names = []
    for repeat in pid.repeats(5, limits.max_repeats):
        parts = _parts(pid, repeat, 7)
        kind = _NAME_KINDS.get(parts[6].upper())
        if kind is None or _too_long(repeat, parts, limits):
            continue
        family, *given = ["" if part.lower() == "unknown" else part for part in parts[:3]]
        if family or any(given):
            kind = NameKind.ALIAS if alias and kind is NameKind.USUAL else kind
            names.append(_make_name(tuple(filter(None, given)), family, kind))
    return tuple(names if len(names) < 2 else dict.fromkeys(names))


def _parts(pid: Segment, repeat: str, at_most: int) -> list[str]:
    """The texts of the first components of a repetition, '' for each that was not sent."""
    text = pid.text
    parts = [text(part) if part else "" for part in pid.components(repeat)[:at_most]]
    parts += _NO_PARTS
    return parts


def _too_long(repeat: str, parts: list[str], limits: Er7Limits) -> bool:
    """Whether any part is too long; a text is never longer than what was sent, so most need not be measured."""
    return len(repeat) > limits.max_value and max(map(len, parts)) > limits.max_value


def _dates_of_birth(pid: Segment, marks: set[str], today: date) -> tuple[DateOfBirth, ...]:
    """PID-7. A year or month alone is an estimate; a day that has not come yet is none."""
    read = read_day(pid.value(7))
    if read is None or read[0] > today:
        return ()
    quality = DobQuality.STATED if read[1] and "ED" not in marks else DobQuality.ESTIMATED
    return (_make_birth(read[0], DobQuality.DEFAULT if "UD" in marks else quality),)


def _addresses(pid: Segment, limits: Er7Limits) -> list[tuple[str, str]]:
    """(address in one line, postcode) of each XAD, the home first; bad addresses (type BA) are left out."""
    found = []
    for repeat in pid.repeats(11, limits.max_repeats):
        parts = _parts(pid, repeat, 7)
        kind = parts[6].upper()
        if kind == "BA" or _too_long(repeat, parts, limits):
            continue
        lines = ", ".join(filter(None, parts[:4]))
        found.append((0 if kind == "H" else 1, lines, " ".join(parts[4].upper().split())))
    found.sort(key=lambda one: one[0])
    return [(lines, postcode) for _, lines, postcode in found]


def _phones(pid: Segment, limits: Er7Limits) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(phone numbers as written, e-mail addresses) of PID-13 and PID-14.

    XTN-1 up to 2.4; area, local or unformatted number (XTN-6, 7, 12) after it; XTN-4 an e-mail address.
    """
    phones, emails = [], []
    for number in (13, 14):
        for repeat in pid.repeats(number, limits.max_repeats):
            parts = _parts(pid, repeat, 12)
            if _too_long(repeat, parts, limits):
                continue
            emails.append(parts[3] if "@" in parts[3] else parts[0] if "@" in parts[0] else "")
            written = next((one for one in (parts[0], parts[11], parts[5] + parts[6]) if _is_number(one)), "")
            phones.append("" if "@" in written else written)
    return _unique(phones), _unique(emails)


def _is_number(text: str) -> bool:
    """At least six digits."""
    return len(text) >= 6 and (text.isdigit() or sum(map(str.isdigit, text)) >= 6)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
