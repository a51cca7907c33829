"""What keys are made of: a hash of each value that two people may share, made once per distinct value.

A key is two or three of these joined by xor or sum, which costs a fifth of hashing a tuple. Cells are memoised and
bounded; they hold numbers and interned tokens.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import TypeVar

from cohort.names import fold, name_tokens, phonetic
from cohort.normalise import birth_date, swapped
from cohort.postings import KEY_MASK
from domain.identity import DateOfBirth

_FIRST_NUMBER = re.compile("[0-9]+")
_HOME_HEAD = re.compile("([0-9]+)[A-Z]?[^0-9A-Z]+([A-Z]{3})")


_Key = TypeVar("_Key")
_Cell = TypeVar("_Cell")


class Memo(dict[_Key, _Cell]):
    """`memo[key]` is `make(key)`, made once; forgets all when it holds `most`.

    A dictionary, as an `lru_cache` writes to four other entries whenever it answers, which are seldom in the cache of
    the processor: strangers' names are many.
    """

    def __init__(self, make: Callable[[_Key], _Cell], most: int) -> None:
        super().__init__()
        self._make, self._most = make, most

    def __missing__(self, key: _Key) -> _Cell:
        if len(self) >= self._most:
            self.clear()
        made = self[key] = self._make(key)
        return made


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


def _name_cells(written: str) -> tuple[TokenCell, ...]:
    return tuple(map(token_cell, name_tokens(written)))


NAME_CELLS = Memo(_name_cells, 131_072)
"""The cells of one part of a name as written."""


@lru_cache(maxsize=65_536)
def number_cell(number: int) -> BirthCell:
    """The cell of a date as yyyymmdd."""
    other = swapped(number)
    return number, hashed("day", number), hashed("month", number // 100), hashed("day", other) if other else 0


def _stated_birth(day: date) -> BirthCell | None:
    number = birth_date(DateOfBirth(day))
    return None if number is None else number_cell(number)


STATED_BIRTHS = Memo(_stated_birth, 65_536)
"""The cell of a date of birth that was stated; None for one that only stands for "not known"."""
_HOUSE, _HOME = hashed("kind", "house"), hashed("kind", "home")


def house_cell(number: str) -> int:
    """The hash of a house number as it is written."""
    return (hash(number) ^ _HOUSE) & KEY_MASK


def home_cell(line: str) -> int:
    """The hash of where a home begins, number and three letters of the street; 0 where an address does not say both.

    The same before and after the line is normalised, save where the street's first word is one that is abbreviated.
    """
    found = _HOME_HEAD.search((line if line.isascii() else fold(line)).upper())
    return (hash(found[1] + found[2]) ^ _HOME) & KEY_MASK if found is not None else 0


def first_number(line: str) -> str:
    """The first number in an address; '' where there is none. The same before and after the line is normalised."""
    found = _FIRST_NUMBER.search(line)
    return found[0] if found else ""
