"""What keys are made of: a hash of each value that two people may share, made once per distinct value.

A key is two or three of these joined by xor or sum, which costs a fifth of hashing a tuple. Cells are memoised and
bounded; they hold numbers and interned tokens.
"""

import re
from datetime import date
from functools import lru_cache

from cohort.names import name_tokens, phonetic
from cohort.normalise import birth_date, swapped
from cohort.postings import KEY_MASK
from domain.identity import DateOfBirth

_FIRST_NUMBER = re.compile("[0-9]+")


TokenCell = tuple[int, int, int]
"""One token of a name: the hashes of itself, of its sound and of its first two letters."""
BirthCell = tuple[int, int, int, int]
"""One date of birth: yyyymmdd, hashes of the day and of its month, and of the date with day and month exchanged, 0
where that is no other date. (Plain tuples: they are taken apart for every event.)"""


def hashed(kind: str, value: object) -> int:
    """The hash of one value of one kind."""
    return hash((kind, value)) & KEY_MASK


@lru_cache(maxsize=131_072)
def token_cell(token: str) -> TokenCell:
    """The cell of a cleaned token."""
    return hashed("name", token), hashed("sound", phonetic(token)), hashed("head", token[:2])


@lru_cache(maxsize=131_072)
def name_cells(written: str) -> tuple[TokenCell, ...]:
    """The cells of one part of a name as written."""
    return tuple(map(token_cell, name_tokens(written)))


@lru_cache(maxsize=65_536)
def number_cell(number: int) -> BirthCell:
    """The cell of a date as yyyymmdd."""
    other = swapped(number)
    return number, hashed("day", number), hashed("month", number // 100), hashed("day", other) if other else 0


@lru_cache(maxsize=65_536)
def stated_birth(day: date) -> BirthCell | None:
    """The cell of a date of birth that was stated; None for one that only stands for "not known"."""
    number = birth_date(DateOfBirth(day))
    return None if number is None else number_cell(number)


@lru_cache(maxsize=65_536)
def house_cell(number: str) -> int:
    """The hash of a house number as it is written."""
    return hashed("house", number)


def first_number(line: str) -> str:
    """The first number in an address; '' where there is none. The same before and after the line is normalised."""
    found = _FIRST_NUMBER.search(line)
    return found[0] if found else ""
