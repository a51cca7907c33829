"""The few facts about a person that fit into columns of numbers: enough to see that most candidates are strangers.

Each fact may be unknown (0) or open, where it stands for several values or for something that a number cannot hold; an
open fact agrees with everything. `Columns` holds the facts of all members, 19 bytes each.
"""

from array import array
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cohort.cells import TokenCell, first_number, token_cell
from cohort.prepared import PreparedIdentity
from domain.identity import Sex

OPEN_BIRTH = -1
OPEN = 1
"""An open postcode or house."""
INWARD = 36**3
"""What the inward half of a postcode takes of its number."""
_PAIR = (1 << 32) - 1
_HOUSE = (1 << 16) - 1


class Facts(NamedTuple):
    """`birth` is yyyymmdd; `pair` a hash of a plain name's two tokens, 0 where the name is open or unknown;
    `postcode` a number whose `// INWARD` is the district; `house` the house number, nearly; `sex` 1 male, 2 female.
    """

    birth: int
    pair: int
    postcode: int
    house: int
    sex: int

    def __repr__(self) -> str:
        return "Facts()"


def facts(who: PreparedIdentity) -> Facts:
    """The facts about a prepared identity."""
    births, names, postcodes, addresses = who.births, who.names, who.postcodes, who.addresses
    pair = 0
    if len(names) == 1 and not names[0].alias and len(names[0].given) == 1 == len(names[0].family):
        first, second = names[0].tokens
        pair = pair_fact(token_cell(first), token_cell(second))
    return Facts(
        (births[0] if len(births) == 1 and not who.birth_estimated else OPEN_BIRTH) if births else 0,
        pair,
        (postcode_fact(postcodes[0]) if len(postcodes) == 1 else OPEN) if postcodes else 0,
        (house_fact(first_number(addresses[0])) if len(addresses) == 1 else OPEN) if addresses else 0,
        sex_fact(who.sex),
    )


def pair_fact(one: TokenCell, other: TokenCell) -> int:
    """The fact of a name of two tokens, in whichever order."""
    return (one[0] + other[0]) & _PAIR


def postcode_fact(code: str) -> int:
    """The number of a normalised postcode."""
    return int(code, 36)


def sex_fact(sex: Sex | None) -> int:
    """The fact of a sex; 0 for what says nothing."""
    return 1 if sex is Sex.MALE else 2 if sex is Sex.FEMALE else 0


def house_fact(number: str) -> int:
    """The fact of a house number: nearly its value, and the same in every process."""
    return int(number[-8:] or 0) % (_HOUSE - 2) + 2


class Columns:
    """The facts of the members of an index, by row."""

    __slots__ = ("births", "houses", "pairs", "postcodes", "sexes")

    def __init__(self) -> None:
        self.births = array("i")
        self.pairs = array("I")
        self.postcodes = array("Q")
        self.houses = array("H")
        self.sexes = bytearray()

    def append(self, row: Facts) -> None:
        """One more row."""
        self.births.append(row.birth)
        self.pairs.append(row.pair)
        self.postcodes.append(row.postcode)
        self.houses.append(row.house)
        self.sexes.append(row.sex)

    def joined(self, more: "Columns") -> "Columns":
        """These rows and then those of `more`."""
        longer = Columns()
        for name in self.__slots__:
            setattr(longer, name, getattr(self, name) + getattr(more, name))
        return longer

    def agreements(self, rows: npt.NDArray[np.uint32], who: Facts) -> npt.NDArray[np.int8]:
        """For each of `rows`, how many of these agree: year, day and month of birth, district, house."""
        count = np.zeros(len(rows), np.int8)
        if who.birth:
            births = np.frombuffer(self.births, np.int32)[rows]
            if who.birth == OPEN_BIRTH:
                count += (births != 0) * np.int8(2)
            else:
                unsure = births == OPEN_BIRTH
                count += (births // 10_000 == who.birth // 10_000) | unsure
                count += (births % 10_000 == who.birth % 10_000) | unsure
        if who.postcode:
            codes = np.frombuffer(self.postcodes, np.uint64)[rows]
            if who.postcode == OPEN:
                count += codes != 0
            else:
                count += (codes // np.uint64(INWARD) == who.postcode // INWARD) | (codes == OPEN)
        if who.house:
            houses = np.frombuffer(self.houses, np.uint16)[rows]
            count += (houses != 0) if who.house == OPEN else (houses == who.house) | (houses == OPEN)
        return count


def agreements(row: Facts, who: Facts) -> int:
    """What `Columns.agreements` counts, for one row."""
    one = Columns()
    one.append(row)
    return int(one.agreements(np.zeros(1, np.uint32), who)[0])
