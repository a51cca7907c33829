"""A match model: levels with their m and u probabilities, as data with a version. Weights are log2(m/u), in bits.

The file format is `models/default.json`; a model may leave comparisons out, and is refused by name where it asks for
a comparison or level that `comparisons.py` does not offer. Fellegi-Sunter with term frequencies as Splink has them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from math import inf, log2
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cohort.comparisons import MISSING, Comparison
from cohort.frequencies import (
    MOST_RARE,
    Change,
    NameCounts,
    NamePrior,
    cohort_change,
    day_change,
    name_change,
    value_change,
)
from cohort.offered import offered
from domain.errors import ConfigError


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LevelFile(_Closed):
    """One level: `m` and `u`, or `bits` where a weight is set by hand."""

    level: str
    m: float | None = Field(default=None, gt=0, le=1)
    u: float | None = Field(default=None, gt=0, le=1)
    bits: float | None = None
    tf_weight: float = Field(default=0.0, ge=0, le=1)
    source: str = ""


class ValueFile(_Closed):
    """How common the values of one column are: `usual` is what a level's u assumes, `default` what is not listed.

    However common a value is, sharing it never speaks against a pair.
    """

    usual: float = Field(gt=0, le=1)
    default: float = Field(gt=0, le=1)
    values: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}


class ComparisonFile(_Closed):
    """One comparison with all its levels, strongest first; `kind` says how an extra column is compared."""

    comparison: str
    levels: tuple[LevelFile, ...]
    source: str = ""
    kind: str | None = None
    frequencies: ValueFile | None = None


class FrequencyFile(_Closed):
    """How common single names and birthdays are; what is not listed has the default frequency.

    `from_cohort`: names are counted in the cohort itself, and what is listed is only where the counting starts from.
    """

    assumed: bool = False
    default_name: float = Field(gt=0, le=1)
    names: dict[str, float] = {}
    default_day: float = Field(default=1 / 365.25, gt=0, le=1)
    days: dict[str, float] = {}
    from_cohort: bool = False


class ModelFile(_Closed):
    """The whole file."""

    name: str
    version: int
    notes: str = ""
    prior_probability: float = Field(gt=0, lt=1)
    frequencies: FrequencyFile = FrequencyFile(default_name=0.0025)
    comparisons: tuple[ComparisonFile, ...]
    prevalence: float | None = Field(default=None, gt=0)
    keys: tuple[tuple[str, ...], ...] = ()

    def text(self) -> str:
        """The file's JSON, as `load_model` reads it."""
        return self.model_dump_json(indent=1, exclude_defaults=True) + "\n"


@dataclass(frozen=True, slots=True)
class LevelWeight:
    """What a level is worth: `bits`, and how much of a term-frequency adjustment it takes (0..1)."""

    bits: float
    tf_weight: float = 0.0
    weaker: tuple["LevelWeight", ...] = ()

    def adjusted(self, change: float) -> float:
        """Bits after a term-frequency adjustment of `change` bits.

        Never less than any weaker level would get, so that agreeing exactly is not worth less than agreeing nearly.
        """
        return max([level.bits + level.tf_weight * change for level in (self, *self.weaker)])


class ComparisonModel(NamedTuple):
    """A comparison ready to run. `most` is the most bits that any level is worth, whatever the values compared.

    `change` answers by how many bits a pair's values are rarer (more) or commoner (less) than usual; it is asked only
    for levels with a `tf_weight`. (A named tuple: it is taken apart for every pair.)
    """

    name: str
    compare: Comparison
    levels: Mapping[str, LevelWeight]
    most: float = inf
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class MatchModel:
    """A model ready to score: the prior in bits, and the comparisons in order with their term frequencies.

    `keys` are blocking keys beyond those that every index has: each a combination of parts (`blocking.PARTS`), all of
    which must agree. A trained model has them where its table has columns other than a person usually has.
    `prevalence` is how many members an event is about on average, where a model was trained to know; the prior of a
    pair is that share of the cohort. (Above 1 where a table holds several copies of one person.)
    `names` is there where names are to be counted in the cohort (`in_cohort`).
    """

    name: str
    version: int
    prior_bits: float
    comparisons: tuple[ComparisonModel, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    prevalence: float | None = None
    names: NamePrior | None = None

    def in_cohort(self, counts: NameCounts) -> "MatchModel":
        """The model with names as rare as they are among these members; itself where it does not ask for that."""
        if self.names is None:
            return self
        change = cohort_change(self.names, counts)
        parts = tuple(part._replace(change=change) if part.name == "name" else part for part in self.comparisons)
        return replace(self, comparisons=parts)


def place_of(path: Iterable[int | str]) -> str:
    """Where in a model file, without the keys of its frequency tables: those are names and dates of people."""
    told: list[str] = []
    for part in map(str, path):
        told.append(part)
        if part in {"values", "names", "days"}:
            break
    return ".".join(told)


def load_model(text: str) -> MatchModel:
    """The model in a JSON text. Raises ConfigError naming what is wrong with it."""
    try:
        parsed = ModelFile.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(f"{place_of(fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"The match model cannot be read: {faults}") from None
    frequencies = parsed.frequencies
    name_bits = {name: log2(frequencies.default_name / share) for name, share in frequencies.names.items()}
    day_bits = {
        int(day.replace("-", "")): log2(frequencies.default_day / share) for day, share in frequencies.days.items()
    }
    rises = {"name": _rise(name_bits, several=True), "date of birth": _rise(day_bits, several=False)}
    changes = {"name": name_change(name_bits), "date of birth": day_change(day_bits)}
    prior = NamePrior(frequencies.default_name, frequencies.names) if frequencies.from_cohort else None
    if prior is not None:
        rises["name"], changes["name"] = MOST_RARE, cohort_change(prior, NameCounts())
    return MatchModel(
        name=parsed.name,
        version=parsed.version,
        prior_bits=bits_of(parsed.prior_probability),
        comparisons=tuple(
            _compiled(each, rises.get(each.comparison, 0.0), changes.get(each.comparison))
            for each in parsed.comparisons
        ),
        keys=parsed.keys,
        prevalence=parsed.prevalence,
        names=prior,
    )


def _rise(adjustments: Mapping[Any, float], *, several: bool) -> float:
    """The most that term frequencies can add: without bound where `several` rare values may be shared at once."""
    highest = max(adjustments.values(), default=0.0)
    return max(0.0, highest) if not several or highest <= 0.0 else inf


def _compiled(comparison: ComparisonFile, rise: float, change: Change | None) -> ComparisonModel:
    offer = offered(comparison.comparison, (level.level for level in comparison.levels), comparison.kind)
    if comparison.frequencies is not None:
        common = comparison.frequencies
        own = [_bits(comparison.comparison, level) for level in comparison.levels if level.tf_weight]
        least = -max([0.0, *own])
        changes = {value: max(log2(common.usual / share), least) for value, share in common.values.items()}
        default = log2(common.usual / common.default)
        change, rise = value_change(offer.values, changes, default), max([0.0, default, *changes.values()])
    weights: dict[str, LevelWeight] = {}
    for level in reversed(comparison.levels):
        weaker = tuple(weight for name, weight in weights.items() if name != MISSING)
        weights[level.level] = LevelWeight(_bits(comparison.comparison, level), level.tf_weight, weaker)
    most = max(max(each.bits, each.adjusted(rise)) if each.tf_weight else each.bits for each in weights.values())
    return ComparisonModel(comparison.comparison, offer.compare, weights, most, change)


def _bits(comparison: str, level: LevelFile) -> float:
    if level.bits is not None:
        return level.bits
    if level.m is None or level.u is None:
        raise ConfigError(f"Level {level.level} of {comparison} needs m and u, or bits")
    return log2(level.m / level.u)


def bits_of(probability: float) -> float:
    """Log2 odds of a probability in (0, 1)."""
    return log2(probability / (1.0 - probability))


def probability_of(bits: float) -> float:
    """The probability of log2 odds; 0 and 1 at the ends of what a float can hold."""
    if bits > 60.0:
        return 1.0
    return float(2.0**bits / (1.0 + 2.0**bits)) if bits > -1000.0 else 0.0


@lru_cache(maxsize=1)
def default_model() -> MatchModel:
    """The shipped model."""
    return load_model(resources.files("cohort").joinpath("models/default.json").read_text(encoding="utf-8"))
