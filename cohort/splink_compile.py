"""One comparison of a Splink model as a comparison of ours: levels tried in order, weights, term frequencies.

The left record is the member, the right one the mention, as in Splink's `find_matches_to_new_records`. An identity with
several values in a column is compared by its best pair; with one value each, the answer is Splink's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import inf, log2

from sqlglot import exp

from cohort.comparisons import MISSING
from cohort.model import ComparisonModel, LevelWeight
from cohort.prepared import PreparedIdentity
from cohort.splink_columns import Reader
from cohort.splink_conditions import Condition, Row

CERTAIN_BITS = 10_000.0
"""What a level is worth that Splink calls certain (u = 0) or, negative, impossible (m = 0)."""
SILENT = "nothing compared"
"""The null level of a comparison whose silence depends on both sides, which MISSING must not."""
_REMEMBERED = 16_384
Frequencies = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TermFrequency:
    """How a level's weight follows how common the value is: `place` of the column in a row, `u` of agreeing exactly."""

    place: int
    u: float
    least: float
    weight: float
    known: Frequencies

    def change(self, left: Row, right: Row) -> float:
        """Bits by which the shared value is rarer than usual; 0 where neither value is known."""
        first, second = self._share(left), self._share(right)
        if first is None and second is None:
            return 0.0
        return log2(self.u / max(first or 0.0, second or 0.0, self.least))

    def _share(self, row: Row) -> float | None:
        value = row[self.place]
        return self.known.get(value) if isinstance(value, str) else None

    @property
    def most(self) -> float:
        """The most bits that `change` can say."""
        return max(0.0, log2(self.u / max(min(self.known.values()), self.least))) if self.known else 0.0


@dataclass(frozen=True, slots=True)
class Level:
    """One level: `name` in evidence, Splink's number `gamma`, its condition (None takes the rest), its weight."""

    name: str
    gamma: int
    condition: Condition | None
    bits: float
    frequency: TermFrequency | None = None


def bits_of_shares(m: float, u: float) -> float:
    """log2(m / u); certain and impossible are finite, so that evidence still adds up."""
    if u == 0.0:
        return CERTAIN_BITS
    return log2(m / u) if m > 0.0 else -CERTAIN_BITS


def comparison_model(name: str, levels: Sequence[Level], reader: Reader, *, silent: bool) -> ComparisonModel:
    """The comparison ready to score. `silent`: its null level may depend on both sides."""
    chooser = _Chooser(tuple(levels), reader)
    nothing = SILENT if silent else MISSING
    names = [nothing if level.gamma < 0 else level.name for level in levels]
    names.append(nothing)  # no level took the pair

    def compare(mention: PreparedIdentity, member: PreparedIdentity) -> str:
        return names[chooser.chosen(member, mention)[0]]

    def change(mention: PreparedIdentity, member: PreparedIdentity) -> float:
        place, left, right = chooser.chosen(member, mention)
        frequency = levels[place].frequency
        return frequency.change(left, right) if frequency else 0.0

    weights = {level.name: _weight(level) for level in levels if level.gamma >= 0}
    most = max([level.bits + _rise(level.frequency) for level in levels if level.gamma >= 0], default=0.0)
    adjusted = any(level.frequency for level in levels)
    return ComparisonModel(
        name, compare, {**weights, nothing: LevelWeight(0.0)}, max(most, 0.0), change if adjusted else None
    )


def _weight(level: Level) -> LevelWeight:
    return LevelWeight(level.bits, level.frequency.weight if level.frequency else 0.0)


def _rise(frequency: TermFrequency | None) -> float:
    return frequency.weight * frequency.most if frequency else 0.0


class _Chooser:
    """Which level takes a pair of identities, and which of their rows it is about."""

    __slots__ = ("_levels", "_mention", "_pair", "_reader")

    def __init__(self, levels: tuple[Level, ...], reader: Reader) -> None:
        self._levels = levels
        self._reader = reader
        self._pair = _first_true(levels)
        self._mention: tuple[PreparedIdentity | None, tuple[Row, ...]] = (None, ())  # asked for every candidate again

    def chosen(self, left: PreparedIdentity, right: PreparedIdentity) -> tuple[int, Row, Row]:
        """(place of the level, row, row); the place after the last level where none takes the pair."""
        known, others = self._mention
        if known is not right:
            others = self._reader.rows(right)
            self._mention = (right, others)
        rows = self._reader.rows(left)
        if len(rows) == 1 and len(others) == 1:
            return self._pair(rows[0], others[0]), rows[0], others[0]
        return max(
            ((self._pair(row, other), row, other) for row, other in product(rows, others)),
            key=lambda choice: self._worth(choice[0]),
        )

    def _worth(self, place: int) -> float:
        said = place < len(self._levels) and self._levels[place].gamma >= 0
        return self._levels[place].bits if said else -inf


def _first_true(levels: Sequence[Level]) -> Callable[[Row, Row], int]:
    conditions = [level.condition for level in levels]
    beyond = len(levels)

    @lru_cache(maxsize=_REMEMBERED)
    def place_of(left: Row, right: Row) -> int:
        for place, condition in enumerate(conditions):
            if condition is None or condition(left, right):
                return place
        return beyond

    return place_of


# --- what a level's tree says about it ------------------------------------------------------------------------------


def bare(tree: exp.Expr) -> exp.Expr:
    """The tree without the brackets around it."""
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return tree


def exact_match_columns(tree: exp.Expr) -> list[str] | None:
    """The columns (lower case) that a condition requires to be equal and nothing else; None for another condition."""
    tree = bare(tree)
    if isinstance(tree, exp.And):
        one, other = exact_match_columns(tree.this), exact_match_columns(tree.expression)
        return None if one is None or other is None else list(dict.fromkeys(one + other))
    if not isinstance(tree, exp.EQ) or not all(isinstance(side, exp.Column) for side in (tree.this, tree.expression)):
        return None
    one_name, other_name = tree.this.name.lower()[:-2], tree.expression.name.lower()[:-2]
    return [one_name] if one_name == other_name else None


_MOST_ATOMS = 4


def silence_is_one_sided(tree: exp.Expr) -> bool:
    """Whether a null level that an identity reaches against itself is reached against everybody, from either side.

    Only then may the identity be called silent before it is compared (`scoring.plan`). Decided by trying every case.
    """
    atoms: list[str] = []
    if not _collect(tree, atoms) or len(set(atoms)) > _MOST_ATOMS:
        return False
    names = sorted(set(atoms))
    states = [dict(zip(names, known, strict=True)) for known in product((False, True), repeat=len(names))]
    return all(
        _null(tree, one, other) and _null(tree, other, one)
        for one in states
        if _null(tree, one, one)
        for other in states
    )


def _collect(tree: exp.Expr, atoms: list[str]) -> bool:
    tree = bare(tree)
    if isinstance(tree, (exp.Or, exp.And)):
        return _collect(tree.this, atoms) and _collect(tree.expression, atoms)
    atom = _atom(tree)
    if atom is None:
        return False
    atoms.append(atom[0])
    return True


def _atom(tree: exp.Expr) -> tuple[str, int] | None:
    """(what is asked to be null, 0 left or 1 right) of `... IS NULL` about one side only."""
    if not isinstance(tree, exp.Is) or not isinstance(tree.expression, exp.Null):
        return None
    sides = {column.name[-2:].lower() for column in tree.this.find_all(exp.Column)}
    if sides not in ({"_l"}, {"_r"}):
        return None
    plain = tree.this.copy()
    for column in list(plain.find_all(exp.Column)):
        column.this.set("this", column.name[:-2])
    return plain.sql(), int(sides == {"_r"})


def _null(tree: exp.Expr, left: Mapping[str, bool], right: Mapping[str, bool]) -> bool:
    tree = bare(tree)
    if isinstance(tree, exp.Or):
        return _null(tree.this, left, right) or _null(tree.expression, left, right)
    if isinstance(tree, exp.And):
        return _null(tree.this, left, right) and _null(tree.expression, left, right)
    atom = _atom(tree)
    return atom is not None and (right if atom[1] else left)[atom[0]]
