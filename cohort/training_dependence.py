"""Columns that say again what another column says: county beside town, area code beside both. One of them is compared.

Fellegi-Sunter adds evidence up as if columns were independent; nine columns of one place would count it nine times, and
the place would be taken for the person. What is counted exactly are pairs of rows of one table, so no truth is needed.
"""

from collections.abc import Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from cohort.prepared import PreparedIdentity
from cohort.training_columns import Column

_OWN = frozenset({"given names", "family name", "date of birth"})
"""A person's own: always compared, whatever else says the same."""
_ENOUGH_PAIRS = 2.0
"""Pairs per row, of other given names, that agree in a column before it is asked what follows from it.

Copies of one person and households are fewer: what goes together there says nothing of the columns.
"""
_WORTH_LEAST = 1.5
"""Bits of agreeing in a column below which it may stay: counting a sex or a state twice does no harm."""
_REPEATED, _MOSTLY = 0.8, 0.5
"""Share of those bits that another column may say already, while more than `_MOSTLY` of the pairs agree in both.

Counties beside towns come to .93 and more; copies of one person with other given names to .16 of the pairs (FEBRL 3).
"""
_Codes = NDArray[np.int64]


def independent(columns: Sequence[Column], people: Sequence[PreparedIdentity]) -> tuple[Column, ...]:
    """`columns` in their order, without those that follow from a more telling one."""
    coded = [_codes(column, people) for column in columns]
    common = [_agreeing(codes) for codes in coded]
    names = [codes for column, codes in zip(columns, coded, strict=True) if column.offer.name == "given names"]
    apart = names[0] if names else np.full(len(people), -1, dtype=np.int64)
    kept: list[int] = []
    for place in sorted(range(len(columns)), key=lambda each: (common[each], each)):
        own = columns[place].offer.name in _OWN or not columns[place].offer.shared
        if own or not any(_follows(coded[place], coded[each], apart) for each in kept):
            kept.append(place)
    return tuple(column for place, column in enumerate(columns) if place in kept)


def _codes(column: Column, people: Sequence[PreparedIdentity]) -> _Codes:
    """A number per row for its first value, -1 where there is none."""
    known: dict[str, int] = {}
    values = column.offer.values if column.offer.shared else (lambda _: ())
    first = (next(iter(values(who)), None) for who in people)
    return np.array([-1 if value is None else known.setdefault(value, len(known)) for value in first], dtype=np.int64)


def _pairs(codes: _Codes) -> float:
    """Pairs of rows of the same code."""
    counts = np.unique(codes, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1.0)).sum() / 2.0)


def _agreeing(codes: _Codes) -> float:
    """The share of pairs of rows that agree, of those that say something."""
    said = codes[codes >= 0]
    return _pairs(said) / max(len(said) * (len(said) - 1.0) / 2.0, 1.0)


def _follows(codes: _Codes, other: _Codes, names: _Codes) -> bool:
    """Whether two rows of other names that agree in `other` agree in `codes` for that reason alone."""
    both = (codes >= 0) & (other >= 0)
    mine, theirs, called = codes[both], other[both], names[both]
    usual = _agreeing(mine)
    if not 0.0 < usual <= 2.0**-_WORTH_LEAST:
        return False
    met = _pairs(theirs) - _pairs_called(theirs, called)
    if met < _ENOUGH_PAIRS * len(mine):
        return False
    joint = mine * (int(theirs.max()) + 1) + theirs
    given = (_pairs(joint) - _pairs_called(joint, called)) / met
    return given > max(usual, _MOSTLY) and log2(given / usual) > _REPEATED * -log2(usual)


def _pairs_called(codes: _Codes, names: _Codes) -> float:
    """Pairs of rows of the same code and name."""
    named = names >= 0
    return _pairs(codes[named] * (int(names.max(initial=0)) + 1) + names[named])
