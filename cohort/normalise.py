"""Dates of birth, postcodes, phones, e-mail and address lines in one comparable form, or None where they say nothing.

Pure. Only postcodes are memoised: a phone or an address line seldom comes twice, and need not be kept in memory.
Names are in `names.py`, identifiers in `identifiers.py`; sources in domain.md 4, 5.
"""

import re
import sys
from functools import lru_cache

import phonenumbers

from cohort.names import fold
from domain.identity import DateOfBirth, DobQuality

_POSTCODE = re.compile(r"([A-Z][A-HJ-Y]?\d[A-Z\d]?\d[A-Z]{2}|GIR0A{2})")
_PSEUDO_POSTCODES = frozenset({"NF11NF", "NF11FA"})
_DEFAULT_DATES = frozenset({19000101, 19700101})
_PLAIN_UK_PHONE = re.compile(r"(?:0|\+44|0044)([1-9]\d{9})")
_PHONE_NOISE = re.compile(r"[\s().-]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_ADDRESS_WORD = re.compile(r"[A-Z0-9]+")
_HOME = re.compile(r"\b\d.* [A-Z]+\b")
_DIGITS = frozenset("0123456789")
_STREET_WORDS = {
    "STREET": "ST", "ROAD": "RD", "AVENUE": "AVE", "AV": "AVE", "LANE": "LN", "CLOSE": "CL", "DRIVE": "DR",
    "COURT": "CT", "CRESCENT": "CRES", "PLACE": "PL", "TERRACE": "TER", "GROVE": "GR", "GARDENS": "GDNS",
    "SQUARE": "SQ", "FLAT": "", "APARTMENT": "", "APT": "", "UNIT": "", "HOUSE": "HO",
}  # fmt: skip


def birth_date(born: DateOfBirth) -> int | None:
    """yyyymmdd, or None for a date that only stands for "not known" (default quality, 1900-01-01, 1970-01-01)."""
    value = born.value
    number = value.year * 10_000 + value.month * 100 + value.day
    if born.quality is DobQuality.DEFAULT or number in _DEFAULT_DATES:
        return None
    return number


def swapped(number: int) -> int | None:
    """The date with day and month exchanged; None where that is no date or the same one."""
    year, rest = divmod(number, 10_000)
    month, day = divmod(rest, 100)
    return None if day > 12 or day == month else year * 10_000 + day * 100 + month


@lru_cache(maxsize=131_072)
def postcode(text: str) -> str | None:
    """A UK postcode without its space; None for anything else and for pseudo codes (ZZ99, NF1 1NF, NF1 1FA)."""
    compact = "".join(text.split()).upper()
    if _POSTCODE.fullmatch(compact) is None or compact.startswith("ZZ99") or compact in _PSEUDO_POSTCODES:
        return None
    return sys.intern(compact)


def pseudo(text: str) -> bool:
    """Whether `text` is a code for "no address" (ZZ99, NF1 1NF, NF1 1FA) and so says nothing, not even as text."""
    compact = "".join(text.split()).upper()
    return compact.startswith("ZZ99") or compact in _PSEUDO_POSTCODES


def outcode(code: str) -> str:
    """The district of a normalised postcode: WV1 of WV11AA."""
    return code[:-3]


def sector(code: str) -> str:
    """The sector of a normalised postcode: WV11 of WV11AA."""
    return code[:-2]


def phone(text: str) -> str | None:
    """E.164, or None. Possible, not valid, is asked: the drama ranges are possible only (libraries.md section 9)."""
    if len(text) == 11 and text[0] == "0" and text[1] != "0" and text.isascii() and text.isdigit():
        return "+44" + text[1:]
    plain = _PLAIN_UK_PHONE.fullmatch(_PHONE_NOISE.sub("", text))
    if plain is not None:  # nine of ten; phonenumbers takes forty times as long
        return "+44" + plain[1]
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return None
    national = str(number.national_number)
    if not phonenumbers.is_possible_number(number) or len(set(national)) == 1:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(text: str) -> str | None:
    """The address in lower case, or None where it is not one."""
    lowered = text.strip().lower()
    return lowered if _EMAIL.fullmatch(lowered) else None


def address_line(text: str) -> str | None:
    """House number and street of the first line: '12 HIGH ST' of '12 High Street, Fictown'; None without a number.

    A line without a number names a street, not a home. A flat's own number stays in front.
    """
    head: list[str] = []
    for part in text.split(","):
        for word in _ADDRESS_WORD.findall(fold(part)):
            plain = _STREET_WORDS.get(word, word)
            if plain:
                head.append(plain)
        line = " ".join(head)
        if len(head) > 1 and line[0] in _DIGITS and head[-1].isalpha():  # nearly always: what _HOME asks for
            return line
        if _HOME.search(line):
            return line
    return None
