"""A match model from a force's own tables: unsupervised, or from labelled pairs. Deterministic for a seed.

u from random pairs and counted values, m and the share of matches by EM over pairs that share something
(`training_em.py`), term frequencies per column, and the blocking keys that these columns need. domain.md 5.2.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohort.comparisons import MISSING
from cohort.fine_comparisons import NOT_THE_DATE, NOT_THE_NAME, PERSON, Offer
from cohort.model import ComparisonFile, LevelFile, ModelFile, ValueFile, bits_of
from cohort.prepared import PreparedIdentity
from cohort.training_columns import Column, choose
from cohort.training_dependence import independent
from cohort.training_em import (
    NOTHING,
    Fit,
    Floats,
    Levels,
    Pairs,
    correction,
    evidence,
    expect,
    fit,
    from_labels,
    monotone,
)
from cohort.training_keys import choose_keys
from cohort.training_pairs import Joining, Longs, candidates
from domain.errors import ConfigError

RANDOM_PAIRS = 120_000
MOST_MEMBERS = 60_000
MOST_EVENTS = 20_000
"""Rows looked at for pairs; of larger tables a seeded sample. Term frequencies are of all rows."""
MOST_VALUES = 1_500
"""Values of a column whose frequency a model keeps; the others share one."""
Progress = Callable[[float], None]


def train(
    cohort: Sequence[PreparedIdentity],
    events: Sequence[PreparedIdentity],
    *,
    name: str,
    seed: int = 1,
    labels: Sequence[tuple[int, int]] | None = None,
    progress: Progress | None = None,
) -> ModelFile:
    """A model of these tables. `labels` are (place in cohort, place in events) of all known matches; without, EM.

    Where both tables are one and the same, no record is compared with itself. `progress` is told shares from 0 to 1.
    Raises ConfigError where the tables have nothing in common that could be compared.
    """
    told = progress or _silent
    if not cohort or not events:
        raise ConfigError(
            f"The table of {'events' if cohort else 'the cohort'} has no records: there is nothing to train on"
        )
    columns = choose(cohort, events)
    if not columns:
        raise ConfigError("The two tables have no column in common: there is nothing to train a match model on")
    told(0.02)
    people = cohort[:MOST_MEMBERS] if _one_table(cohort, events) else (*cohort[:MOST_MEMBERS], *events[:MOST_EVENTS])
    columns = independent(columns, people)
    tables = _Tables(cohort, events, columns, seed=seed)
    told(0.05)
    estimated = _supervised(tables, labels, told) if labels is not None else _unsupervised(tables, told)
    told(1.0)
    return _file(name, tables, estimated)


def _silent(_: float) -> None:
    return None


class _Tables:
    """The rows that are looked at, with what random pairs of them say."""

    def __init__(
        self,
        cohort: Sequence[PreparedIdentity],
        events: Sequence[PreparedIdentity],
        columns: tuple[Column, ...],
        *,
        seed: int,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.columns, self.seed = columns, seed
        self.same = _one_table(cohort, events)
        self.all_members, self.all_events = len(cohort), len(events)
        self.member_rows = _sample(len(cohort), MOST_MEMBERS, rng)
        self.event_rows = _sample(len(events), MOST_EVENTS, rng)
        self.members = [cohort[row] for row in self.member_rows]
        self.events = [events[row] for row in self.event_rows]
        own = np.full(len(self.events), -1, dtype=np.int64)
        if self.same:
            place = {row: number for number, row in enumerate(self.member_rows.tolist())}
            own = np.array([place.get(row, -1) for row in self.event_rows.tolist()], dtype=np.int64)
        self.joining = Joining(self.members, self.events, own if self.same else None)
        self.total = float(len(self.members) * len(self.events)) or 1.0
        larger = cohort if len(cohort) >= 1_000 or len(cohort) >= len(events) else events
        self.counted = [Counter(value for who in larger for value in each.offer.values(who)) for each in columns]
        self.counted_rows = len(larger)

    def levels(self, pairs: Longs, told: Progress | None = None) -> Levels:
        """The level of each pair in each comparison, as its place in the offer; NOTHING where a side says nothing."""
        mine, theirs = pairs // len(self.events), pairs % len(self.events)
        found = np.full((len(pairs), len(self.columns)), NOTHING, dtype=np.int8)
        for column, each in enumerate(self.columns):
            found[:, column] = self._column(each.offer, mine, theirs)
            if told:
                told(0.15 + 0.6 * (column + 1) / len(self.columns))
        return found

    def _column(self, offer: Offer, mine: Longs, theirs: Longs) -> Levels:
        """One comparison of all pairs; two values that meet again and again are compared once."""
        places = {level: place for place, level in enumerate(offer.levels)}
        places[MISSING] = NOTHING
        if offer.held is None or offer.judge is None:
            compare, members, events = offer.compare, self.members, self.events
            pairs = zip(mine.tolist(), theirs.tolist(), strict=True)
            return np.array([places[compare(members[one], events[other])] for one, other in pairs], dtype=np.int8)
        held: dict[Any, int] = {}
        ours = np.array([held.setdefault(offer.held(who), len(held)) for who in self.members], dtype=np.int64)
        said = np.array([held.setdefault(offer.held(who), len(held)) for who in self.events], dtype=np.int64)
        met, back = np.unique(ours[mine] * len(held) + said[theirs], return_inverse=True)
        values, judge, size = list(held), offer.judge, len(held)
        levels = [places[judge(values[each // size], values[each % size])] for each in met.tolist()]
        return np.array(levels, dtype=np.int8)[back]

    def person(self, pairs: Longs) -> Levels:
        """The level of each pair in `PERSON`; NOTHING where the tables have no given names."""
        if all(each.offer.name != "given names" for each in self.columns):
            return np.full(len(pairs), NOTHING, dtype=np.int8)
        return self._column(PERSON, pairs // len(self.events), pairs % len(self.events))

    def random(self) -> tuple[list[Floats], list[Floats]]:
        """Shares of levels among random pairs, the exact ones counted over all pairs; and floors under each of them."""
        levels = self.levels(self.joining.random_pairs(RANDOM_PAIRS, self.seed))
        shares, floors = [], []
        for column, each in enumerate(self.columns):
            size = len(each.offer.levels) - 1
            said = levels[:, column]
            counts = np.bincount(said[said != NOTHING], minlength=size).astype(float)
            floor = np.full(size, 0.5 / (counts.sum() + size))
            share = (counts + 0.5) / (counts.sum() + 0.5 * size)
            agreeing, filled = self._counted_exactly(each)
            if filled:
                exact = agreeing / filled
                share *= (1.0 - exact) / max(1.0 - share[0], 1e-9)
                share[0] = exact
                floor[0] = (1.0 + sqrt(agreeing)) / filled
            shares.append(share)
            floors.append(np.minimum(floor, 0.5))
        return shares, floors

    def _counted_exactly(self, column: Column) -> tuple[float, float]:
        """Pairs of rows that hold the same value, and pairs in which both hold one; 0 for what is not counted."""
        if not column.offer.shared:
            return 0.0, 0.0
        mine = Counter(value for who in self.members for value in column.offer.values(who))
        theirs = Counter(value for who in self.events for value in column.offer.values(who))
        agreeing = float(sum(count * theirs[value] for value, count in mine.items()))
        itself = float(theirs.total()) if self.same else 0.0
        return max(agreeing - itself, 0.0), float(mine.total() * theirs.total()) - itself


class _Estimated:
    """What training came to."""

    def __init__(
        self,
        model: Fit,
        values: list[ValueFile | None],
        keys: tuple[tuple[str, ...], ...],
        relatives: tuple[float, ...] = (0.0, 0.0, 0.0),
    ) -> None:
        self.model, self.values, self.keys, self.relatives = model, values, keys, relatives


def _unsupervised(tables: _Tables, told: Progress) -> _Estimated:
    found = tables.joining.keys()
    chosen = candidates(found, len(tables.events))
    told(0.15)
    levels = tables.levels(chosen, told)
    shares, floors = tables.random()
    person = tables.person(chosen)
    told(0.8)
    about = None if tables.same else chosen % len(tables.events)
    pairs = Pairs(levels, shares, floors, tables.total, events=about, apart=person != NOTHING)
    first = fit(pairs)
    values = _frequencies(tables, first)
    pairs = replace(pairs, rarer=_rarer(tables, chosen, levels, values))
    model = fit(pairs, first)
    expected = _expected(tables, model, levels)
    unbound = expect(replace(pairs, apart=None, events=None), model)
    found_at = [float(unbound[person == level].sum()) for level in range(len(expected))]
    few = (3.0, *(3.0 + _FEW_OF_MATCHES * model.matches for _ in expected[1:]))
    plain = [level for level, most in enumerate(expected) if found_at[level] <= 2.0 * most + few[level]]
    if plain:  # no more of them than errors explain
        pairs = replace(pairs, apart=(person != NOTHING) & ~np.isin(person, plain))
        model = fit(pairs, model)
        expected = [inf if level in plain else most for level, most in enumerate(expected)]
    model = monotone(model)
    told(0.9)
    keys = choose_keys(tables.joining, tables.members, tables.events, found, chosen[model.posterior >= 0.5])
    bits = evidence(pairs, model) + bits_of(model.share)
    rest = (0.0, 1.0, 1.0)  # one field alone may always be wrong once
    relatives = [
        max(correction(bits[person == level], most + rest[level]), _WORST_RELATIVE)
        for level, most in enumerate(expected)
    ]
    return _Estimated(model, values, keys, tuple(relatives))


_WORST_RELATIVE = -25.0
_WORTH_SAYING = -0.1
_FEW_OF_MATCHES = 0.01
"""Share of the matches that pairs with one own field, and that wrong, may be without being taken for relatives."""


def _expected(tables: _Tables, model: Fit, levels: Levels) -> list[float]:
    """How many matches there should be at each level of `PERSON`, by how often each field is wrong in a match.

    Pairs beyond that only seem matches because what a household shares goes together.
    """
    names = [each.offer.name for each in tables.columns]
    wrong, says = [], []
    for name, odd in (("given names", NOT_THE_NAME), ("date of birth", NOT_THE_DATE)):
        if name not in names:
            wrong.append(0.0)
            says.append(np.zeros(len(levels), dtype=bool))
            continue
        column = names.index(name)
        offered = tables.columns[column].offer.levels
        wrong.append(sum(float(share) for share, level in zip(model.m[column], offered, strict=False) if level in odd))
        says.append(levels[:, column] != NOTHING)
    (other_name, other_date), (named, dated) = wrong, says
    only_named = float(model.posterior[named & ~dated].sum()) * other_name / max(1.0 - other_name, 0.01)
    only_dated = float(model.posterior[dated & ~named].sum()) * other_date / max(1.0 - other_date, 0.01)
    return [model.matches * other_name * other_date, only_named, only_dated]


def _supervised(tables: _Tables, labels: Sequence[tuple[int, int]], told: Progress) -> _Estimated:
    members = {row: place for place, row in enumerate(tables.member_rows.tolist())}
    events = {row: place for place, row in enumerate(tables.event_rows.tolist())}
    known = [(members[one], events[other]) for one, other in labels if one in members and other in events]
    matched = np.unique(np.array([one * len(tables.events) + other for one, other in known], dtype=np.int64))
    levels = tables.levels(matched, told)
    shares, floors = tables.random()
    model = from_labels(Pairs(levels, shares, floors, tables.total))
    values = _frequencies(tables, model)
    keys = choose_keys(tables.joining, tables.members, tables.events, tables.joining.keys(), matched)
    return _Estimated(monotone(model), values, keys)


def _frequencies(tables: _Tables, model: Fit) -> list[ValueFile | None]:
    """How common values are: of those held by several, a person's own record and its copies left out."""
    copies = model.share * tables.total / max(len(tables.events), 1) if tables.same else 0.0
    files: list[ValueFile | None] = []
    for column, counts in enumerate(tables.counted):
        rows = counts.total()
        if not rows or not tables.columns[column].offer.shared:
            files.append(None)
            continue
        usual = float(model.u[column][0])
        listed = {}
        for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]:
            if count < 3.0 + 2.0 * copies:
                break
            listed[value] = round(float((count - 1.0 - copies) / rows), 9)
        rest = max(1.0 - sum(listed.values()), 0.01)
        left = (usual - sum(share * share for share in listed.values())) / rest
        low, high = min(usual, 1.0 / rows), min([usual, *listed.values()])
        files.append(ValueFile(usual=usual, default=float(np.clip(left, low, high)), values=listed))
    return files


def _rarer(tables: _Tables, chosen: Longs, levels: Levels, values: Sequence[ValueFile | None]) -> Floats:
    """Bits by which the shared values of each pair are rarer than usual, over all comparisons."""
    bits: NDArray[np.float64] = np.zeros(len(chosen))
    for column, file in enumerate(values):
        if file is None:
            continue
        hold = tables.columns[column].offer.values
        ours, said = [hold(who) for who in tables.members], [hold(who) for who in tables.events]
        agreeing = np.flatnonzero(levels[:, column] == 0)
        changes = []
        for pair in chosen[agreeing].tolist():
            one, other = ours[pair // len(said)], said[pair % len(said)]
            shared = one if one == other else set(one).intersection(other)
            rarest = min((file.values.get(value, file.default) for value in shared), default=file.usual)
            changes.append(file.usual / rarest)
        bits[agreeing] += np.log2(np.array(changes, dtype=np.float64))
    return bits


def _file(name: str, tables: _Tables, estimated: _Estimated) -> ModelFile:
    comparisons = []
    for column, each in enumerate(tables.columns):
        levels = [
            LevelFile(
                level=level,
                m=float(estimated.model.m[column][place]),
                u=float(estimated.model.u[column][place]),
                tf_weight=1.0 if estimated.values[column] is not None and level in each.offer.shared else 0.0,
            )
            for place, level in enumerate(each.offer.levels)
            if level != MISSING
        ]
        comparisons.append(
            ComparisonFile(
                comparison=each.offer.name,
                kind=each.kind,
                levels=(*levels, LevelFile(level=MISSING, bits=0.0)),
                frequencies=estimated.values[column],
            )
        )
    if min(estimated.relatives) < _WORTH_SAYING:
        said = zip(PERSON.levels, (*estimated.relatives, 0.0), strict=True)
        comparisons.append(
            ComparisonFile(
                comparison=PERSON.name, levels=tuple(LevelFile(level=level, bits=bits) for level, bits in said)
            )
        )
    prevalence = max(estimated.model.share * tables.all_members, 1e-9)
    return ModelFile(
        name=name,
        version=1,
        notes=f"Trained on {tables.all_members} members and {tables.all_events} events, seed {tables.seed}.",
        prior_probability=float(np.clip(estimated.model.share, 1e-14, 0.5)),
        comparisons=tuple(comparisons),
        prevalence=prevalence,
        keys=estimated.keys,
    )


def _sample(size: int, most: int, rng: np.random.Generator) -> Longs:
    rows = np.arange(size, dtype=np.int64)
    return rows if size <= most else np.sort(rng.choice(rows, most, replace=False))


def _one_table(cohort: Sequence[PreparedIdentity], events: Sequence[PreparedIdentity]) -> bool:
    """Whether both sides are the same records in the same order."""
    if len(cohort) != len(events) or not cohort:
        return False
    return sum(1 for one, other in zip(cohort, events, strict=True) if one == other) >= 0.99 * len(cohort)
