"""National identifiers: check digits, canonical forms and known dummies.

Pure. Each function answers the canonical value, or None where what was written cannot be that identifier.
Sources: domain.md section 4 (NHS Data Dictionary, HMPPS person record, GDSC UPN).
"""

import re
from collections.abc import Callable

from domain.identity import Scheme

PNC_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
"""Check letters of PNC, CRO and arrest summons numbers: 23, without I, O and S."""
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_UPN_WEIGHTS = range(2, 14)
_PNC = re.compile(r"(\d{4}|\d{2})/?(\d{1,7})([A-Z])")
_CRO = re.compile(r"(\d{1,6})/(\d{2})([A-Z])")
_CRO_SF = re.compile(r"SF(\d{2})/?(\d{1,6})([A-Z])")
_UPN = re.compile(r"[A-Z]\d{11}[0-9A-Z]")
_CENTURY_TURN = 50
"""Two-digit PNC years up to this are 20xx. The exact rule is "above the current year means 19xx", which needs a clock;
people with a PNC id from before 1951 are not on a young people's watch list. Check letters do not depend on it."""


def nhs_number(text: str) -> str | None:
    """Ten digits that pass mod 11, else None. All-same digits are refused although some pass (domain.md 4.1)."""
    digits = text.replace(" ", "").replace("-", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()) or digits == digits[0] * 10:
        return None
    a, b, c, d, e, f, g, h, i, check = digits.encode()  # as character codes: 48 too many each, 2592 with the weights
    total = 10 * a + 9 * b + 8 * c + 7 * d + 6 * e + 5 * f + 4 * g + 3 * h + 2 * i - 2592
    return digits if (11 - total % 11) % 11 == check - 48 else None


def pnc_id(text: str) -> str | None:
    """`YYYY/NNNNNNND`, else None. Takes two- or four-digit years, an optional slash and unpadded serials.

    Without a slash the year is read as four digits where the check letter then agrees, else as two.
    """
    if len(text) == 13 and text[4] == "/" and text.isascii():  # nearly always written in full
        year, serial = text[:4], text[5:12]
        if year.isdigit() and serial.isdigit() and _check_letter(year[2:] + serial) == text[12]:
            return text
    compact = text.replace(" ", "").upper()
    match = _PNC.fullmatch(compact)
    if match is None or not compact.isascii():
        return None
    readings = [match.groups()]
    if "/" not in compact and len(match[1]) == 4:
        readings.append((compact[:2], compact[2:-1], compact[-1]))
    for year, serial, letter in readings:
        if 1 <= len(serial) <= 7 and _check_letter(year[-2:] + serial.zfill(7)) == letter:
            return f"{_full_year(year)}/{serial.zfill(7)}{letter}"
    return None


def _full_year(year: str) -> str:
    if len(year) == 4:
        return year
    return f"20{year}" if int(year) <= _CENTURY_TURN else f"19{year}"


def _check_letter(digits: str) -> str:
    return PNC_LETTERS[int(digits) % 23]


def cro_number(text: str) -> str | None:
    """`NNNNNN/YYD` or `SFYY/N..D`, else None. The dummy 000000/00Z is None."""
    compact = text.replace(" ", "").upper()
    if not compact.isascii():
        return None
    if match := _CRO_SF.fullmatch(compact):
        year, serial, letter = match.groups()
        return f"SF{year}/{serial}{letter}" if _check_letter(year + serial) == letter else None
    if match := _CRO.fullmatch(compact):
        serial, year, letter = match[1].zfill(6), match[2], match[3]
        if (serial, year) == ("000000", "00"):
            return None
        return f"{serial}/{year}{letter}" if _check_letter(year + serial) == letter else None
    return None


def upn(text: str) -> str | None:
    """A letter, eleven digits and a digit or letter with the right check letter, else None."""
    compact = text.replace(" ", "").upper()
    if not compact.isascii() or _UPN.fullmatch(compact) is None:
        return None
    if not compact[-1].isdigit() and compact[-1] not in UPN_LETTERS:
        return None
    values = [int(char) if char.isdigit() else UPN_LETTERS.index(char) for char in compact[1:]]
    total = sum(value * weight for value, weight in zip(values, _UPN_WEIGHTS, strict=True))
    return compact if UPN_LETTERS[total % 23] == compact[0] else None


def local_reference(text: str) -> str | None:
    """A local opaque reference (nominal, CRN): upper-case, without spaces; None where nothing is left."""
    return "".join(text.split()).upper() or None


def canonical(scheme: Scheme, text: str) -> str | None:
    """The canonical value of an identifier in its scheme, None where it cannot be one."""
    if scheme is Scheme.NHS:  # by identity, the commonest first: an enum's own hash takes as long as checking a number
        return nhs_number(text)
    if scheme is Scheme.NOMINAL or scheme is Scheme.CRN:
        return local_reference(text)
    return _CANONICAL[scheme](text)


_CANONICAL: dict[Scheme, Callable[[str], str | None]] = {
    Scheme.PNC: pnc_id,
    Scheme.CRO: cro_number,
    Scheme.UPN: upn,
}
